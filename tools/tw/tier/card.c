// SPDX-License-Identifier: GPL-2.0
/*
 * The tier of GPUs on a card's memory. A server that has the card (tw-gpu, a plugin of
 * nbdkit) is connected to the kernel as a block device; it outlives tw. What is known of
 * it lies in RUN_DIR, named after the block device: its socket, its process, what it said.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/installed.h"
#include "base/stop.h"
#include "base/text.h"
#include "machine/card_resize.h"
#include "machine/cards.h"
#include "machine/command.h"
#include "machine/nbd.h"
#include "machine/process.h"
#include "tier/card.h"
#include "tier/card_unit.h"

#define RUN_PARENT	CARD_RUN_PARENT
#define RUN_DIR		CARD_RUN_DIR
#define PLUGIN		"tw-gpu.so"
#define INSTALLED	"../lib/tierwatch/" PLUGIN
#define PLAIN		"plain"
#define DAEMON		"tierwatchd"
#define FILE_LEN	CARD_FILE_LEN
#define OPTION_LEN	64
#define PARAMETERS	4
#define ARGUMENTS	10
/* Requests that a connection has under way. */
#define THREADS		"16"
/* A card's driver may take its time for the first byte of much memory. */
#define START_NS	(30 * NS_PER_SEC)
#define STOP_TRIES	100
#define DEATH_NS	(2 * NS_PER_SEC)
#define POLL_US		50000

int card_is_named(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	if (!strcmp(text, PLAIN))
		return 1;
	return digits && text[digits] == ':' && text[digits + 1] &&
	       !text[digits + 1 + strspn(text + digits + 1, "0123456789")];
}

static void forget(const char *name)
{
	static const char * const ext[] = { "sock", "ctl", "pid", "log", "env", "yield" };
	char path[FILE_LEN];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ext); i++) {
		card_file(path, name, ext[i]);
		unlink(path);
	}
}

/* Beside this program, as in a build, or where it is installed. */
static int find_plugin(char path[PATH_MAX])
{
	static const char * const where[] = { PLUGIN, INSTALLED };
	int err = installed_find(where, ARRAY_SIZE(where), path);

	if (!err)
		return 0;
	if (err != -ENOENT)
		return cli_errno(err, "looking for %s", PLUGIN);
	return cli_error("%s is missing, which serves a card's memory. Build it with: make; install it with: make install",
			 PLUGIN);
}

/* One of these at a time: two would take the same free device. Its fd, or -1. */
static int lock_run_dir(int *code)
{
	int fd;

	if ((mkdir(RUN_PARENT, 0755) && errno != EEXIST) ||
	    (mkdir(RUN_DIR, 0700) && errno != EEXIST)) {
		*code = errno == EACCES || errno == EPERM ?
			cli_no_permission("serving a card's memory needs root") :
			cli_errno(-errno, RUN_DIR);
		return -1;
	}
	fd = open(RUN_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && !flock(fd, LOCK_EX))
		return fd;
	*code = errno == EACCES ?
		cli_no_permission("serving a card's memory needs root") :
		cli_errno(-errno, RUN_DIR);
	if (fd >= 0)
		close(fd);
	return -1;
}

/* -- the server ---------------------------------------------------------------- */

/* Parameters of the plugin, and the NULL behind them. */
struct parameters {
	char text[PARAMETERS][PATH_MAX + OPTION_LEN];
	const char *list[PARAMETERS + 1];
};

static void set_parameters(struct parameters *p, const struct card_store *c)
{
	char control[FILE_LEN];
	unsigned int n = 0, i;

	card_file(control, c->name, "ctl");
	snprintf(p->text[n++], sizeof(p->text[0]), "size=%llu", (unsigned long long)c->bytes);
	snprintf(p->text[n++], sizeof(p->text[0]), "control=%s", control);
	if (!strcmp(c->which, PLAIN))
		snprintf(p->text[n++], sizeof(p->text[0]), "memory=%s", PLAIN);
	else if (*c->which)
		snprintf(p->text[n++], sizeof(p->text[0]), "device=%s", c->which);
	if (c->free_from)
		snprintf(p->text[n++], sizeof(p->text[0]), "free-from=%s", c->free_from);
	for (i = 0; i < n; i++)
		p->list[i] = p->text[i];
	p->list[n] = NULL;
}

/* As a unit; 0, which is no process, or -1 and it has said why. */
static pid_t start_unit(const char *name, const struct parameters *p)
{
	char env[FILE_LEN], log[FILE_LEN], options[sizeof(p->text)] = "";
	size_t len = 0;
	unsigned int i;

	card_file(env, name, "env");
	card_file(log, name, "log");
	for (i = 0; p->list[i]; i++)
		len += snprintf(options + len, sizeof(options) - len, "%s%s", i ? " " : "",
				p->list[i]);
	return card_unit_start(name, env, options, log) ? -1 : 0;
}

/* Locked in memory (--swap), as it may be what reclaim waits for. */
static pid_t start_server(const struct card_store *c, const char *plugin, bool unit)
{
	char socket[FILE_LEN], pid[FILE_LEN], log[FILE_LEN];
	struct parameters p;
	const char *argv[ARGUMENTS + PARAMETERS + 1] = {
		"nbdkit", "-f", "--swap", "-t", THREADS, "-U", socket, "-P", pid, plugin
	};

	set_parameters(&p, c);
	if (unit)
		return start_unit(c->name, &p);
	card_file(socket, c->name, "sock");
	card_file(pid, c->name, "pid");
	card_file(log, c->name, "log");
	memcpy(argv + ARGUMENTS, p.list, sizeof(p.list));
	return command_start(log, argv);
}

static int start_failed(const char *log)
{
	char said[TEXT_LEN * 8];
	const char *text;

	command_said(said, sizeof(said), log);
	/* "nbdkit: error: PATH/tw-gpu.so: what it is" */
	text = strstr(said, "error: ");
	return cli_error("no server of a card's memory: %s",
			 text_shown(text ? text + strlen("error: ") : said));
}

/* It is no child, and whose child it is may not have looked yet. */
static bool has_ended(pid_t pid)
{
	struct pollfd end = { .fd = pidfd_open(pid, 0), .events = POLLIN };
	bool ended = end.fd < 0;

	if (!ended) {
		ended = poll(&end, 1, 0) > 0;
		close(end.fd);
	}
	return ended;
}

/* It answers, or it has ended and said why. @pid: 0 for a unit. */
static int await_server(const char *name, pid_t pid)
{
	const __u64 until = now_ns() + START_NS;
	char socket[FILE_LEN], log[FILE_LEN];

	card_file(socket, name, "sock");
	card_file(log, name, "log");
	while (now_ns() < until) {
		if (stop_signal()) {
			cli_error("interrupted: nothing is bound");
			return stop_code(EXIT_INTERRUPTED);
		}
		if (nbd_answers(socket))
			return 0;
		if (pid ? has_ended(pid) : card_unit_has_ended(name))
			return start_failed(log);
		usleep(POLL_US);
	}
	return cli_error("the server of the card's memory doesn't answer. What it said is in %s",
			 log);
}

/* Its process, if it is one of nbdkit; 0: it has ended. */
static pid_t server_of(const char *name)
{
	char path[FILE_LEN], comm[OPTION_LEN] = "";
	long pid = 0;
	FILE *f;

	card_file(path, name, "pid");
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%ld", &pid) != 1)
		pid = 0;
	fclose(f);
	if (pid <= 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (!fgets(comm, sizeof(comm), f) || strcmp(comm, "nbdkit\n"))
		pid = 0;
	fclose(f);
	return pid;
}

/* Nothing is connected to it any more: a server that is stuck has nothing to lose. */
static void stop_server(const char *name, pid_t pid)
{
	char env[FILE_LEN];
	unsigned int i;

	card_file(env, name, "env");
	if (!access(env, F_OK)) {
		card_unit_stop(name);
		return;
	}
	if (pid <= 0)
		return;
	kill(pid, SIGTERM);
	kill(pid, SIGCONT);
	for (i = 0; i < STOP_TRIES && !has_ended(pid); i++)
		usleep(POLL_US);
	if (i == STOP_TRIES)
		kill(pid, SIGKILL);
}

/* -- beginning and end --------------------------------------------------------- */

static int not_started(int err, bool unit)
{
	if (unit)
		return EXIT_FAILURE;	/* it has been said why */
	if (err == -ENOENT)
		return cli_error("nbdkit is missing, which serves a card's memory. Install it: apt install nbdkit");
	return cli_errno(err, "starting nbdkit");
}

/*
 * Libraries of makers load modules of the kernel when they are first used, which this
 * may do, and the unit may not.
 */
static void wake_cards(void)
{
	struct gpu_card *cards;
	size_t nr;

	if (!cards_find(&cards, &nr))
		free(cards);
}

/* It gives way: as far as it can be known when that is needed. */
static int begin_yield(const struct card_store *c)
{
	const struct card_yield y = { .free = c->yield, .most = c->bytes };
	struct card_size size;
	int err = card_look(c->name, &size);

	if (!err && !size.free_known)
		return c->free_from ?
			cli_error("%s doesn't begin with a number of bytes, as 512M is one",
				  c->free_from) :
			cli_error("this card has no way to tell how much of its memory is free, which --yield has to know. AMD's and NVIDIA's drivers have one (for the latter: apt install libnvidia-ml1); else name a file that says it: --free-from FILE");
	if (!err)
		err = card_yield_write(c->name, &y);
	return err ? cli_errno(err, "asking how much of the card's memory is free") : 0;
}

static int begin_server(struct card_store *c, const char *plugin)
{
	char socket[FILE_LEN], log[FILE_LEN];
	bool unit = card_unit_is_there();
	pid_t pid;
	int code;

	card_file(socket, c->name, "sock");
	card_file(log, c->name, "log");
	/* Of a bind that was killed: nothing is connected to it. */
	stop_server(c->name, server_of(c->name));
	forget(c->name);
	if (unit && strcmp(c->which, PLAIN))
		wake_cards();
	pid = start_server(c, plugin, unit);
	code = pid < 0 ? not_started(pid, unit) : await_server(c->name, pid);
	if (!code && c->yield)
		code = begin_yield(c);
	if (!code)
		code = nbd_connect(c->name, socket, log);
	if (code) {
		stop_server(c->name, pid);
		forget(c->name);
	}
	return code;
}

int card_begin(struct card_store *c)
{
	char plugin[PATH_MAX];
	int code, fd;

	code = find_plugin(plugin);
	if (code)
		return code;
	/* From here on nothing is left behind, whatever comes. */
	stop_catch();
	fd = lock_run_dir(&code);
	if (fd < 0)
		return code;
	code = nbd_find_free(c->name, "/dev/null");
	if (!code)
		code = begin_server(c, plugin);
	close(fd);
	return code;
}

int card_is_ours(const char *name)
{
	char path[FILE_LEN];

	card_file(path, name, "pid");
	return !access(path, F_OK);
}

/* One that was just killed takes a moment to end, and does not answer meanwhile. */
static bool is_dead(const char *name)
{
	const __u64 until = now_ns() + DEATH_NS;
	char socket[FILE_LEN];
	pid_t pid;

	card_file(socket, name, "sock");
	do {
		pid = server_of(name);
		if (!pid || has_ended(pid))
			return true;
		if (nbd_answers(socket))
			return false;
		usleep(POLL_US);
	} while (now_ns() < until);
	return false;
}

void card_give_up(const char *name)
{
	int code, fd = lock_run_dir(&code);

	if (fd < 0)
		return;
	if (card_is_ours(name) && is_dead(name))
		nbd_disconnect(name, "/dev/null");
	close(fd);
}

int card_end(const char *name)
{
	int code, fd;

	stop_catch();
	fd = lock_run_dir(&code);
	if (fd < 0)
		return code;
	code = nbd_disconnect(name, "/dev/null");
	if (!code) {
		stop_server(name, server_of(name));
		forget(name);
	}
	close(fd);
	return code;
}

/* -- what gives way ----------------------------------------------------------- */

bool card_daemon_runs(void)
{
	char name[PROCESS_NAME_LEN];
	struct dirent *entry;
	DIR *dir = opendir("/proc");
	bool found = false;
	int pid;

	while (dir && !found && (entry = readdir(dir))) {
		pid = atoi(entry->d_name);
		if (pid <= 0)
			continue;
		process_name(pid, name);
		found = !strcmp(name, DAEMON);
	}
	if (dir)
		closedir(dir);
	return found;
}

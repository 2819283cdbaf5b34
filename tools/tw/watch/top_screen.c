// SPDX-License-Identifier: GPL-2.0
/*
 * tw top on a terminal, by ncurses.
 *
 * Owns the terminal: between open_screen() and close_screen() there is no way
 * out of here, and signals only leave a note.
 */
#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/stop.h"
#include "watch/top.h"

#define MAX_ROWS	512
#define MIN_INTERVAL_NS	(100 * 1000000ULL)
#define MAX_INTERVAL_NS	(3600 * NS_PER_SEC)

/**
 * struct screen - the terminal, and what is on it
 * @screen: of ncurses
 * @view: the figures
 * @interval_ns: from look to look
 * @utf8: bars can be shown
 * @help: the keys are explained instead
 * @quit: the user wants to
 * @history: of the looks
 */
struct screen {
	SCREEN *screen;
	struct top_view *view;
	__u64 interval_ns;
	bool utf8;
	bool help;
	bool quit;
	struct top_history history;
};

static int open_screen(struct screen *s)
{
	const char *term = getenv("TERM");

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return cli_error("this is not a terminal. For a look at the figures: tw top --once");
	s->screen = newterm(NULL, stdout, stdin);
	if (!s->screen)
		return cli_error("the terminal \"%s\" is not known. Set TERM, or take a look with: tw top --once",
				 term ? term : "");
	if (!tigetstr("cup")) {
		endwin();
		delscreen(s->screen);
		return cli_error("the terminal \"%s\" can't move its cursor. Take a look with: tw top --once",
				 term);
	}
	s->utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	cbreak();
	noecho();
	nodelay(stdscr, TRUE);
	keypad(stdscr, TRUE);
	curs_set(0);
	if (has_colors() && !getenv("NO_COLOR")) {
		start_color();
		use_default_colors();
		init_pair(TOP_MEDIUM, COLOR_YELLOW, -1);
		init_pair(TOP_HIGH, COLOR_MAGENTA, -1);
		init_pair(TOP_CRITICAL, COLOR_RED, -1);
	}
	return 0;
}

static void close_screen(struct screen *s)
{
	endwin();
	delscreen(s->screen);
}

static attr_t attribute(enum top_look_of look)
{
	switch (look) {
	case TOP_TITLE:
		return A_BOLD;
	case TOP_HEAD:
		return A_REVERSE;
	case TOP_MEDIUM:
	case TOP_HIGH:
		return COLOR_PAIR(look);
	case TOP_CRITICAL:
		return COLOR_PAIR(look) | A_BOLD;
	default:
		return A_NORMAL;
	}
}

static void draw(const struct screen *s)
{
	static struct top_line line[MAX_ROWS];
	unsigned int rows = LINES > 1 ? LINES - 1 : 0, nr, i;

	if (rows > MAX_ROWS)
		rows = MAX_ROWS;
	erase();
	nr = s->help ? top_help(line, rows) :
		       top_text(s->view, line, rows, COLS, s->utf8);
	for (i = 0; i < nr; i++) {
		attrset(attribute(line[i].look));
		mvaddnstr(i, 0, line[i].text, -1);
		/* Headings are bars over the whole width. */
		if (line[i].look == TOP_HEAD)
			mvchgat(i, 0, -1, A_REVERSE, 0, NULL);
	}
	attrset(A_DIM);
	mvprintw(LINES - 1, 0, "q quit  ? help  s sort: %s%s  p %s  h past: %s  +- %.1f s",
		 top_sort_names[s->view->sort],
		 s->view->reverse ? ", reversed" : "",
		 s->view->pages ? "bytes" : "pages",
		 top_past_names[s->view->past],
		 (double)s->interval_ns / NS_PER_SEC);
	attrset(A_NORMAL);
	refresh();
}

/* True when the figures should be taken anew. */
static bool key(struct screen *s, int ch)
{
	if (s->help && ch != KEY_RESIZE && ch != 'q' && ch != 'Q') {
		s->help = false;
		draw(s);
		return false;
	}
	switch (ch) {
	case 'q':
	case 'Q':
		s->quit = true;
		return true;
	case 's':
		s->view->sort = (s->view->sort + 1) % TOP_NR_SORTS;
		break;
	case 'r':
		s->view->reverse = !s->view->reverse;
		break;
	case 'p':
		s->view->pages = !s->view->pages;
		break;
	case 'h':
		s->view->past = (s->view->past + 1) % TOP_NR_PASTS;
		break;
	case '?':
		s->help = true;
		break;
	case '+':
		if (s->interval_ns * 2 <= MAX_INTERVAL_NS)
			s->interval_ns *= 2;
		return true;
	case '-':
		if (s->interval_ns / 2 >= MIN_INTERVAL_NS)
			s->interval_ns /= 2;
		return true;
	case ' ':
		return true;
	case KEY_RESIZE:
		break;
	default:
		return false;
	}
	top_sort_agents(s->view);
	draw(s);
	return false;
}

/* Keys, until it is time to look again. */
static int listen_keys(struct screen *s)
{
	__u64 deadline = now_ns() + s->interval_ns;
	bool again = false;
	int ch, n;

	while (!again && !stop_signal() && now_ns() < deadline) {
		n = stop_wait(STDIN_FILENO, deadline);
		if (n < 0)
			return n;
		ch = getch();
		/* To be read, and nothing there: the terminal is gone. */
		if (n && ch == ERR)
			return -EIO;
		for (; ch != ERR; ch = getch())
			again = key(s, ch) || again;
	}
	return 0;
}

/* Looks, draws and listens, until it is told to end; 0 or -errno. */
static int run(struct screen *s, struct agents_known *known,
	       const struct tw_stats *stats)
{
	struct top_snap before, now;
	int err;

	top_look(&before, known, stats);
	top_look(&now, known, stats);
	for (;;) {
		err = top_compare(s->view, &before, &now);
		if (err)
			break;
		top_remember(s->view);
		draw(s);
		err = listen_keys(s);
		if (err || s->quit || stop_signal())
			break;
		top_snap_free(&before);
		before = now;
		top_look(&now, known, stats);
	}
	top_snap_free(&before);
	top_snap_free(&now);
	return err;
}

int top_screen(struct agents_known *known, const struct tw_stats *stats,
	       struct top_view *view, __u64 interval_ns)
{
	static struct screen s;
	int err, code;

	s.view = view;
	s.interval_ns = interval_ns;
	view->history = &s.history;
	stop_catch();
	code = open_screen(&s);
	if (code)
		return code;
	err = run(&s, known, stats);
	close_screen(&s);
	if (err && !stop_signal())
		return cli_errno(err, "the terminal");
	return stop_code(EXIT_SUCCESS);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * preload.c - shared anonymous memory of a program that knows nothing of tiers
 *
 * With this in LD_PRELOAD (`tw run --shared`), memory that a program maps with
 * MAP_SHARED|MAP_ANONYMOUS becomes a region, if it is at least TIERWATCH_SHARED_MIN
 * bytes (1 MiB if that is not set): a database's buffers, what processes share. A
 * region does what such memory does: it is the same to all that fork(2) makes, grows and
 * shrinks with mremap(2), and gives pages back by MADV_REMOVE.
 *
 * What a region cannot do is left to the kernel's own memory: pages that are locked,
 * huge or executable, and all of it where a region cannot be had. mlock(2) of a region is
 * refused, since the kernel would say that it is locked, and its pages go to disks all
 * the same. Each is said once on standard error, by the process that meets it first.
 *
 * Owns no memory and no list: which mappings are regions is asked of the kernel, so
 * nothing has to be kept over fork(2), threads, or a mapping that is cut in pieces. It
 * sits below allocators and may be called before the C library is ready, so it calls
 * the kernel directly, allocates nothing, and keeps errno as it was. Private memory is
 * left alone: a region would be shared with what is forked, which then sees half of
 * what its parent writes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/tierwatch.h>

/* Of x86 alone. */
#ifndef MAP_32BIT
#define MAP_32BIT	0
#endif

#if UINTPTR_MAX != UINT64_MAX
#error "mmap(2) has another number where addresses are not of 64 bits"
#endif

#define PRELOAD		__attribute__((visibility("default")))
#define LEAST		((size_t)1 << 20)
#define PAGE		((size_t)4096)
#define NAME		"/[tierwatch]"
/* A line of /proc/self/maps, without the end of a long path. */
#define LINE		160

/* What a region cannot be. */
#define NO_REGION	(MAP_GROWSDOWN | MAP_HUGETLB | MAP_LOCKED | MAP_STACK | MAP_32BIT)
/* What its mapping has as the program wants it. */
#define KEEP		(MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_POPULATE | MAP_NORESERVE)

/* There has been a region in this process, or in one that it was forked from. */
static atomic_bool any;
/* What is mapped from now on is locked: mlockall(MCL_FUTURE). */
static atomic_bool locked;
static atomic_bool said;

/* Once: a program that maps often would else say nothing else. */
__attribute__((format(printf, 1, 2)))
static void say(const char *format, ...)
{
	char line[256];
	va_list args;
	int n;

	if (atomic_exchange(&said, true))
		return;
	va_start(args, format);
	n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (n >= (int)sizeof(line))
		n = sizeof(line) - 1;
	if (n > 0)
		syscall(SYS_write, STDERR_FILENO, line, n);
}

/*
 * Bytes of the smallest mapping that becomes a region; what is no number is the default.
 * Read once, since the program may change its environment in another thread, but not
 * before there is one.
 */
static size_t least(void)
{
	static atomic_size_t known;
	size_t n = atomic_load(&known);
	const char *text;
	char *end;

	if (n || !environ)
		return n ? n : LEAST;
	text = getenv("TIERWATCH_SHARED_MIN");
	n = text && *text >= '0' && *text <= '9' ? strtoul(text, &end, 10) : 0;
	if (!n || *end)
		n = LEAST;
	atomic_store(&known, n);
	return n;
}

/* The flags of regions: of 2 MiB where the program was started so. Read once, as above. */
static __u32 region_flags(void)
{
	static atomic_int known;
	int n = atomic_load(&known);

	if (!n && environ) {
		n = getenv("TIERWATCH_SHARED_HUGE") ? 2 : 1;
		atomic_store(&known, n);
	}
	return n == 2 ? TW_REGION_HUGE : 0;
}

static void *kernel_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t at)
{
	return (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, at);
}

/* -- mmap ------------------------------------------------------------------------ */

static bool wanted(size_t len, int prot, int flags)
{
	return (flags & MAP_TYPE) == MAP_SHARED && (flags & MAP_ANONYMOUS) && !(flags & NO_REGION) && !(prot & PROT_EXEC) &&
	       len <= SIZE_MAX - PAGE && !atomic_load(&locked) && len >= least();
}

/* The mapping of a region of its own; MAP_FAILED with why in errno. */
static void *map_region(void *addr, size_t len, int prot, int flags)
{
	struct tw_region_create c = {
		.size = sizeof(c),
		.bytes = (len + PAGE - 1) & ~(PAGE - 1),
		.affinity = TW_TIER_CPU,
		.flags = region_flags(),
		.agent_fd = -1,
	};
	void *got = MAP_FAILED;
	int device, err;

	device = syscall(SYS_openat, AT_FDCWD, TW_DEVICE, O_RDWR | O_CLOEXEC, 0);
	if (device < 0)
		return MAP_FAILED;
	if (!syscall(SYS_ioctl, device, TW_IOC_REGION_CREATE, &c)) {
		got = kernel_mmap(addr, len, prot, MAP_SHARED | (flags & KEEP), c.fd, 0);
		err = errno;
		syscall(SYS_close, c.fd);
		errno = err;
	}
	err = errno;
	syscall(SYS_close, device);
	errno = err;
	return got;
}

PRELOAD void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t at)
{
	int before = errno;
	void *got;

	if (wanted(len, prot, flags)) {
		got = map_region(addr, len, prot, flags);
		if (got != MAP_FAILED) {
			atomic_store(&any, true);
			errno = before;
			return got;
		}
		say("tierwatch: %zu bytes of shared memory stay the kernel's own: %s\n", len,
		    strerrordesc_np(errno));
		errno = before;
	}
	return kernel_mmap(addr, len, prot, flags, fd, at);
}

PRELOAD void *mmap64(void *addr, size_t len, int prot, int flags, int fd, off64_t at)
{
	return mmap(addr, len, prot, flags, fd, at);
}

/* -- what is a region ------------------------------------------------------------ */

/* Is the mapping of a line of /proc/self/maps a region that touches [@from, @to)? */
static bool line_is_region(const char *line, uintptr_t from, uintptr_t to)
{
	char *end;
	uintptr_t first = strtoul(line, &end, 16), last;

	if (*end != '-')
		return false;
	last = strtoul(end + 1, NULL, 16);
	return first < to && last > from && strstr(line, " " NAME);
}

/* Is any of [@from, @to) a region? It counts as one when the kernel cannot be asked. */
static bool is_region(uintptr_t from, uintptr_t to)
{
	char buf[PAGE], line[LINE];
	size_t n = 0;
	bool found = false;
	ssize_t got;
	int fd;

	if (!atomic_load(&any))
		return false;
	fd = syscall(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return true;
	while (!found && (got = syscall(SYS_read, fd, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < got && !found; i++) {
			if (buf[i] != '\n') {
				if (n < sizeof(line) - 1)
					line[n++] = buf[i];
				continue;
			}
			line[n] = '\0';
			n = 0;
			found = line_is_region(line, from, to);
		}
	}
	syscall(SYS_close, fd);
	return found;
}

/* -- mlock ----------------------------------------------------------------------- */

static int refuse(const char *call)
{
	say("tierwatch: %s of shared memory is refused: it is a region, the pages of which can go to disks. Without this: tw run without --shared\n",
	    call);
	errno = EAGAIN;		/* not all of it could be locked */
	return -1;
}

static bool range_is_region(const void *addr, size_t len)
{
	uintptr_t from = (uintptr_t)addr & ~(PAGE - 1), to;
	int before = errno;
	bool found;

	if (__builtin_add_overflow((uintptr_t)addr, len, &to))
		return false;	/* the kernel refuses it */
	found = is_region(from, to);
	errno = before;
	return found;
}

PRELOAD int mlock(const void *addr, size_t len)
{
	if (range_is_region(addr, len))
		return refuse("mlock");
	return syscall(SYS_mlock, addr, len);
}

PRELOAD int mlock2(const void *addr, size_t len, unsigned int flags)
{
	if (range_is_region(addr, len))
		return refuse("mlock2");
	return syscall(SYS_mlock2, addr, len, flags);
}

PRELOAD int mlockall(int flags)
{
	int err;

	if ((flags & MCL_CURRENT) && range_is_region(NULL, SIZE_MAX))
		return refuse("mlockall");
	err = syscall(SYS_mlockall, flags);
	if (!err && (flags & MCL_FUTURE))
		atomic_store(&locked, true);
	return err;
}

PRELOAD int munlockall(void)
{
	atomic_store(&locked, false);
	return syscall(SYS_munlockall);
}

/* -- mremap ---------------------------------------------------------------------- */

static void *kernel_mremap(void *old, size_t had, size_t len, int flags, void *to)
{
	return (void *)syscall(SYS_mremap, old, had, len, flags, to);
}

/*
 * The kernel does not let a mapping like a region's grow where it is, and then does not
 * look for another place, but moves it to one that it is told.
 */
static void *move_region(void *old, size_t had, size_t len, int flags)
{
	void *to = kernel_mmap(NULL, len, PROT_NONE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	void *got;

	if (to == MAP_FAILED)
		return to;
	got = kernel_mremap(old, had, len, flags | MREMAP_FIXED, to);
	/*
	 * The place is not given back after a failure: the kernel may have unmapped it,
	 * and it may be another thread's by now.
	 */
	if (got == MAP_FAILED)
		errno = ENOMEM;
	return got;
}

PRELOAD void *mremap(void *old, size_t had, size_t len, int flags, ...)
{
	int before = errno;
	void *to = NULL, *got;
	va_list args;

	if (flags & ~MREMAP_MAYMOVE) {
		va_start(args, flags);
		to = va_arg(args, void *);
		va_end(args);
	}
	got = kernel_mremap(old, had, len, flags, to);
	if (got != MAP_FAILED || errno != ENOMEM || flags != MREMAP_MAYMOVE || len <= had ||
	    !range_is_region(old, 1))
		return got;
	got = move_region(old, had, len, flags);
	if (got != MAP_FAILED)
		errno = before;
	return got;
}

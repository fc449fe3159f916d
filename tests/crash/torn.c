/* Loaded before the C library: after torn_arm(n) the n-th change of a file is done by half, and then the process
   kills itself: what kill -9 leaves of a file when it comes in the middle of writing it. torn_arm(0) disarms. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long left = 0;

void torn_arm(long changes) { atomic_store(&left, changes); }

static int due(void) { return atomic_load(&left) > 0 && atomic_fetch_sub(&left, 1) == 1; }

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

#define REAL(name, type, ...) type (*real)(__VA_ARGS__) = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
    REAL("pwrite", ssize_t, int, const void *, size_t, off_t);
    if (!due()) return real(fd, bytes, count, at);
    real(fd, bytes, count / 2, at);
    die();
    return -1;
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
    REAL("pwrite64", ssize_t, int, const void *, size_t, off64_t);
    if (!due()) return real(fd, bytes, count, at);
    real(fd, bytes, count / 2, at);
    die();
    return -1;
}

int fsync(int fd) {
    REAL("fsync", int, int);
    if (due()) die();
    return real(fd);
}

int fdatasync(int fd) {
    REAL("fdatasync", int, int);
    if (due()) die();
    return real(fd);
}

int ftruncate64(int fd, off64_t size) {
    REAL("ftruncate64", int, int, off64_t);
    if (due()) die();
    return real(fd, size);
}

int rename(const char *from, const char *to) {
    REAL("rename", int, const char *, const char *);
    if (due()) die();
    return real(from, to);
}

int unlink(const char *name) {
    REAL("unlink", int, const char *);
    if (due()) die();
    return real(name);
}

/* child.h - work in a forked child, which may crash or hang, and what it says */
#ifndef PATCHBAY_PLUGIN_CHILD_H
#define PATCHBAY_PLUGIN_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

#define CHILD_MOST 8 /* at once; the next waits for one of them to end */

/* How a child ended. */
enum child_how {
    CHILD_DONE = 1, /* its work returned: it said all it had to say */
    CHILD_EXITED,   /* something in it called exit; number: with which status */
    CHILD_CRASHED,  /* number: by which signal */
    CHILD_LATE,     /* it was killed after timeout_ms */
    CHILD_FAILED    /* it did no work; number: the errno, failed: of what */
};

struct child_end {
    enum child_how how;
    int number;
    const char *failed; /* "fork", "pipe", "user" */
};

/* What is to be done: run in the child, ended in the caller, with what the
 * child said until it ended; read it by child_next. */
struct child_work {
    void (*run)(void *arg, int fd);
    void (*ended)(void *arg, const struct child_end *end,
                  const struct buf *said);
    void *arg;
};

struct child_record {
    int tag;
    const char *data; /* a 0 byte does not follow it */
    size_t len;
};

struct child {
    struct child_work work;
    pid_t pid;
    int fd;
    struct buf said;
    size_t whole; /* of said, in bytes: the records that are complete */
    bool done;
    uint64_t deadline_ms;
};

/* Children of one caller; set user and timeout_ms, and leave the rest zero. */
struct child_set {
    const char *user; /* whom they become; NULL: the caller */
    uint64_t timeout_ms;
    pid_t caller;
    struct child running[CHILD_MOST];
    size_t count;
};

/*
 * Forks a child that has nothing of the caller's but its memory: no
 * descriptors, no signal handlers, and standard error for standard output. It
 * dies with the caller, and so does, when it ends, all that it has started and
 * left in its process group. work is copied; ended is called from in here or
 * from child_wait, once, in any case.
 *
 * The caller must not wait for children of any pid meanwhile, nor ignore
 * SIGCHLD; and have no atexit handlers that reach beyond the process: a
 * constructor that calls exit runs them.
 */
void child_start(struct child_set *set, const struct child_work *work);

/* Returns when all have ended. */
void child_wait(struct child_set *set);

/* In the child: one record. tag: 0 or more, the caller's to define. */
void child_say(int fd, int tag, const void *data, size_t len);

/* The next record; *at is 0 at first. false: there is no other. */
bool child_next(const struct buf *said, size_t *at,
                struct child_record *record);

#endif

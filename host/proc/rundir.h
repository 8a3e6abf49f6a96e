/* rundir.h - the directory of a running host: lock, pid, sockets, images */
#ifndef PATCHBAY_PROC_RUNDIR_H
#define PATCHBAY_PROC_RUNDIR_H

#include <stdbool.h>
#include <stddef.h>

struct rundir {
    const char *path; /* borrowed */
    int lock_fd;      /* of patchbay.pid; -1: not open */
    bool anew;        /* restored: what was bound in it before is lost */
};

/*
 * Makes the directory, and those above it, and locks it: one host at a time.
 * The lock is that of this very process; no child has a part in it. 0, or -1
 * and one sentence in why.
 */
int rundir_open(struct rundir *rundir, const char *path, char *why,
                size_t why_size);

/* Whether the directory is still the one that was opened: somebody may have
 * cleaned up. */
bool rundir_is_there(const struct rundir *rundir);

/* Opens one in the place of one that has vanished, wholly or in part. 0, or -1
 * and one sentence in why; then nothing has changed. */
int rundir_restore(struct rundir *rundir, char *why, size_t why_size);

/* Makes an empty directory NAME in it, or empties the one that is there of its
 * files. */
int rundir_empty(const struct rundir *rundir, const char *name, char *why,
                 size_t why_size);

/* run_dir/NAME into out; -1 if it does not fit. */
int rundir_path(const char *run_dir, const char *name, char *out, size_t size);

/* Writes a file that is there as a whole or not at all. */
int rundir_write(const struct rundir *rundir, const char *name,
                 const char *text, char *why, size_t why_size);

/* Writes one that only its owner may read. */
int rundir_put(const struct rundir *rundir, const char *name, const void *data,
               size_t size, char *why, size_t why_size);
void rundir_remove(const struct rundir *rundir, const char *name);

/* In a child: forgets the lock, which stays the master's. */
void rundir_forget(struct rundir *rundir);

/* Removes what the host has put there and gives the lock back. */
void rundir_close(struct rundir *rundir);

#endif

/* jobs.h - deferred work: runs on a thread, finishes as a hook */
#ifndef PATCHBAY_CORE_JOBS_H
#define PATCHBAY_CORE_JOBS_H

#include <stdbool.h>

struct job;

/* For the transport: the work itself, on any thread; and its end, on the
 * loop's thread. */
void job_run(struct job *job);
void job_finish(struct job *job, bool canceled);

#endif

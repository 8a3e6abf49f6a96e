/* jobs.h - deferred work: runs on a thread, finishes as a hook */
#ifndef PATCHBAY_CORE_JOBS_H
#define PATCHBAY_CORE_JOBS_H

#include <stdbool.h>
#include <stdint.h>

#include <patchbay.h>

struct instance;
struct job;

/* Begun or waiting in one worker; more: BAY_EFULL. */
#define JOBS_MAX 16384u

/* What runs for longer is said, and counted. */
#define JOB_LONG_MS 60000u

/* As bay_defer. */
int jobs_defer(struct instance *instance, bay_work_fn *work, bay_done_fn *done,
               void *arg);

/* Whether any of its work is older than that serial number of core's. */
bool jobs_older(const struct instance *instance, uint64_t serial);

/* For the transport: the work itself, on any thread; and its end, on the
 * loop's thread. */
void job_run(struct job *job);
void job_finish(struct job *job, bool canceled);

#endif

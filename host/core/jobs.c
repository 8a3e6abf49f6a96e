/* jobs.c - deferred work: runs on a thread, finishes as a hook */
#include "core/jobs.h"

#include <stdatomic.h>
#include <stdlib.h>

#include <utlist.h>

#include "base/clock.h"
#include "core/core-t.h"
#include "core/hooks.h"

struct job {
    struct task task;
    struct instance *instance;
    bay_work_fn *work;
    bay_done_fn *done;
    void *arg;
    int status;
    uint64_t serial;
    bool finished;
    bool told;                 /* that it takes long */
    _Atomic uint64_t began_ms; /* by clock_coarse_ms; 0: it does not run */
    struct job *next;
    struct job *prev;
};

/* Whose work this thread runs now. */
static _Thread_local const struct instance *_Atomic working;

static void finish_task(struct core *core, struct task *task)
{
    struct job *job = (struct job *)task;
    struct instance *instance = job->instance;

    DL_DELETE(core->jobs, job);
    core->job_count--;
    stat_set(&core->setup.stats->jobs_queued, core->job_count);
    instance->ran = HOOK_WORK;
    if (job->done != NULL) {
        hook_done(instance, job->done, job->arg, job->status);
    }
    free(job);
    if (--instance->job_count == 0) {
        instance_drop_stale(instance);
    }
    instance_drop(instance);
}

int jobs_defer(struct instance *instance, bay_work_fn *work, bay_done_fn *done,
               void *arg)
{
    struct core *core = instance->core;
    struct job *job;
    int status;

    if (core->jobs_over || instance->stopped || instance->unsure) {
        return BAY_ESTATE;
    }
    if (core->job_count >= JOBS_MAX) {
        return BAY_EFULL;
    }
    job = calloc(1, sizeof *job);
    if (job == NULL) {
        return BAY_ENOMEM;
    }
    job->task.run = finish_task;
    job->instance = instance;
    job->work = work;
    job->done = done;
    job->arg = arg;
    status = core->setup.transport->job_start(core->setup.transport_self, job);
    if (status != BAY_OK) {
        free(job);
        return status;
    }
    job->serial = core->job_serial++;
    DL_APPEND(core->jobs, job);
    core->job_count++;
    instance->job_count++;
    instance_hold(instance);
    stat_set(&core->setup.stats->jobs_queued, core->job_count);
    return BAY_OK;
}

void job_run(struct job *job)
{
    atomic_store_explicit(&working, job->instance, memory_order_relaxed);
    atomic_store_explicit(&job->began_ms, clock_coarse_ms(),
                          memory_order_relaxed);
    job->work(job->arg);
    atomic_store_explicit(&job->began_ms, 0, memory_order_relaxed);
    /* A child that the work has forked ends here: it has no counters. */
    (void)stat_get(&job->instance->core->setup.stats->jobs_queued);
    atomic_store_explicit(&working, NULL, memory_order_relaxed);
}

const struct instance *jobs_working(void)
{
    return atomic_load_explicit(&working, memory_order_relaxed);
}

void core_blame_thread(const struct core *core, struct hook_now *now)
{
    const struct instance *instance = jobs_working();

    if (core != NULL && instance != NULL && instance->core == core) {
        atomic_store(&now->route, instance->conf->slot);
        stat_set(&now->code, instance->code);
        atomic_store(&now->hook, HOOK_WORK);
    }
}

void job_finish(struct job *job, bool canceled)
{
    job->status = canceled ? BAY_ECANCELED : BAY_OK;
    job->finished = true;
    core_post(job->instance->core, &job->task);
}

static void tell_long(struct job *job)
{
    struct log_subject subject = {
        .route = job->instance->route->name,
        .plugin = job->instance->plugin_name,
    };

    if (!job->told) {
        job->told = true;
        log_about(LOG_LEVEL_WARN, &subject,
                  "deferred work runs for over %u seconds: meanwhile it has "
                  "one of the threads that `jobs` in [limits] allows",
                  JOB_LONG_MS / 1000);
    }
}

void core_check_jobs(struct core *core, uint64_t now_ms)
{
    uint64_t count = 0;
    struct job *job;

    DL_FOREACH(core->jobs, job)
    {
        uint64_t began_ms =
            atomic_load_explicit(&job->began_ms, memory_order_relaxed);

        if (began_ms > 0 && began_ms + JOB_LONG_MS <= now_ms) {
            tell_long(job);
            count++;
        }
    }
    stat_set(&core->setup.stats->jobs_long, count);
}

void core_cancel_jobs(struct core *core)
{
    struct job *job;

    if (core == NULL) {
        return;
    }
    core->jobs_over = true;
    DL_FOREACH(core->jobs, job)
    {
        if (!job->finished) {
            core->setup.transport->job_cancel(core->setup.transport_self, job);
        }
    }
}

bool jobs_older(const struct instance *instance, uint64_t serial)
{
    const struct job *job;

    DL_FOREACH(instance->core->jobs, job)
    {
        if (job->serial >= serial) {
            return false; /* they come in order */
        }
        if (job->instance == instance) {
            return true;
        }
    }
    return false;
}

size_t core_jobs(const struct core *core)
{
    return core->job_count;
}

/* work.c - deferred work on the threads of libuv's pool */
#include "net/work.h"

#include <stdlib.h>
#include <utlist.h>
#include <uv.h>

#include "base/altstack.h"
#include "core/jobs.h"
#include "net/server-t.h"

struct work {
    uv_work_t request;
    struct server *server;
    struct job *job;
    struct work *next;
    struct work *prev;
};

static void run(uv_work_t *request)
{
    const struct work *work = request->data;

    altstack_have();
    job_run(work->job);
}

static void finish(uv_work_t *request, int status)
{
    struct work *work = request->data;

    DL_DELETE(work->server->works, work);
    job_finish(work->job, status == UV_ECANCELED);
    free(work);
}

int work_start(void *self, struct job *job)
{
    struct server *server = self;
    struct work *work = calloc(1, sizeof *work);

    if (work == NULL) {
        return BAY_ENOMEM;
    }
    work->request.data = work;
    work->server = server;
    work->job = job;
    if (uv_queue_work(server->loop, &work->request, run, finish) != 0) {
        free(work);
        return BAY_ENOMEM;
    }
    DL_APPEND(server->works, work);
    return BAY_OK;
}

bool work_cancel(void *self, struct job *job)
{
    struct server *server = self;
    struct work *work;

    DL_SEARCH_SCALAR(server->works, work, job, job);
    return work != NULL && uv_cancel((uv_req_t *)&work->request) == 0;
}

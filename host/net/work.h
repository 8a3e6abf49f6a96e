/* work.h - deferred work on the threads of libuv's pool */
#ifndef PATCHBAY_NET_WORK_H
#define PATCHBAY_NET_WORK_H

#include <stdbool.h>

struct job;

/* Of the transport; self is a struct server. */
int work_start(void *self, struct job *job);
bool work_cancel(void *self, struct job *job);

#endif

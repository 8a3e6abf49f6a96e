/* redis_lease.h - a host's number is its own: a key in Redis that says whose
 *
 * Each worker of a host renews it with the host's mark. Another host that comes
 * with the same number finds it taken. One that was killed, and begins anew on
 * the same machine, takes it over at once.
 */
#ifndef PATCHBAY_BUS_REDIS_LEASE_H
#define PATCHBAY_BUS_REDIS_LEASE_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bus/redis_link.h"

#define LEASE_MARK 256

/* What a host writes there: "TOKEN HOSTNAME PID MACHINE". */
void redis_lease_mark(char mark[LEASE_MARK], uint64_t token, pid_t master);

/* Whether the host that wrote another mark was on this machine, and has ended.
 */
bool redis_lease_is_dead(const char *other, const char *mark);

/* "HOSTNAME, process PID", for people. */
void redis_lease_owner(const char *mark, char *out, size_t size);

/* Asks for it, or renews it; `instead` is the mark of a dead host, whose it may
 * be, or "". The answer is the mark of the owner. */
int redis_lease_ask(struct redis_link *link, const char *key, const char *mark,
                    const char *instead, uint64_t ttl_ms, redis_answer *answer,
                    void *arg);

#endif

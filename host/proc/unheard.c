/* unheard.c - workers that did not say what a reload has done in them, and why
 */
#include "proc/unheard.h"

#include "proc/postmortem.h"
#include "proc/reason.h"

int unheard_find(const struct crew *crew, const json_t *missing)
{
    const json_t *worker;
    size_t i;

    json_array_foreach(missing, i, worker)
    {
        int number = (int)json_integer_value(worker);

        if (crew_serves(crew, (unsigned)number)) {
            return number;
        }
    }
    return -1;
}

static bool why_silent(const struct board *board, int worker, char *why,
                       size_t why_size)
{
    char hook[256];

    if (*postmortem_hook(hook, sizeof hook, board, (unsigned)worker) == 0) {
        reason_set(why, why_size,
                   "worker %d does not answer, so everything goes on as it "
                   "was; patchbay status shows what it does",
                   worker);
        return false;
    }
    reason_set(
        why, why_size,
        "worker %d does not answer: it is in %s, and serves nobody until "
        "that returns or is ended",
        worker, hook);
    return true;
}

static bool why_lost(const struct crew *crew, int worker, const char *rest,
                     char *why, size_t why_size)
{
    const char *deed = crew_ended_by(crew, (unsigned)worker);

    if (deed == NULL) {
        reason_set(why, why_size,
                   "worker %d died while it got ready, so everything goes on "
                   "as it was; try again",
                   worker);
        return false;
    }
    reason_set(why, why_size, "%s; its clients have to connect again, %s", deed,
               rest);
    return true;
}

bool unheard_why(const struct generation *generation, int lost, int silent,
                 const char *rest, char *why, size_t why_size)
{
    why[0] = 0;
    if (silent >= 0) {
        return why_silent(generation->board, silent, why, why_size);
    }
    return lost >= 0 && why_lost(generation->crew, lost, rest, why, why_size);
}

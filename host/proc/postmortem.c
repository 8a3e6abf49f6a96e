/* postmortem.c - what a worker does, and what it died of, in words */
#include "proc/postmortem.h"

#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/fnv.h"
#include "proc/remains.h"

/* Of the plugin that the dying worker named, which is plugin or before, where
 * the board cannot tell; "": it named none. */
struct named {
    const char *plugin;
    char version[32];
};

static struct named ask_witness(const struct board *board, unsigned worker,
                                const struct board_route *names)
{
    const struct remains *remains = board_remains(board, worker);
    const struct witness *witness = &remains->witness;
    struct named named = { .plugin = NULL };

    if (remains->has_witness == 0) {
        return named;
    }
    if (strncmp(witness->plugin, names->plugin, sizeof witness->plugin) == 0) {
        named.plugin = names->plugin;
    } else if (names->before[0] != 0 && strncmp(witness->plugin, names->before,
                                                sizeof witness->plugin) == 0) {
        named.plugin = names->before;
    } else {
        return named;
    }
    for (size_t i = 0; i + 1 < sizeof named.version &&
                       witness->version[i] > ' ' && witness->version[i] < 0x7f;
         i++) {
        named.version[i] = witness->version[i];
    }
    return named;
}

char *postmortem_hook(char *out, size_t size, const struct board *board,
                      unsigned worker)
{
    const struct worker_stats *stats = board_stats(board, worker);
    uint32_t hook = atomic_load(&stats->now.hook);
    uint32_t route = atomic_load(&stats->now.route);
    uint64_t conn = stat_get(&stats->now.conn);
    const struct board_route *names;
    struct named named;
    bool either;
    int len;

    out[0] = 0;
    /* The memory is the worker's, which may have run wild in it. */
    if (hook == HOOK_NONE || hook >= HOOK_COUNT || route >= board->routes) {
        return out;
    }
    names = &board->names[route];
    named = ask_witness(board, worker, names);
    either = named.plugin == NULL && names->before[0] != 0 &&
             stat_get(&stats->routes[route].outdated) > 0;
    len = snprintf(out, size, "%s%s%s of plugin %s%s%s%s%s%s, [route.%s]",
                   hook == HOOK_WORK ? "deferred " : "the ",
                   hook_name((enum hook)hook), hook == HOOK_WORK ? "" : " hook",
                   named.plugin != NULL ? named.plugin : names->plugin,
                   named.version[0] != 0 ? " " : "", named.version,
                   either ? " (or " : "", either ? names->before : "",
                   either ? ", which it replaced)" : "", names->name);
    if (conn != 0 && len > 0 && (size_t)len < size) {
        snprintf(out + len, size - (size_t)len, ", connection %" PRIu64, conn);
    }
    return out;
}

/* TERM is caught in a worker, unless a plugin has changed that. */
static bool by_itself(int status)
{
    return WIFSIGNALED(status) ? WTERMSIG(status) != SIGKILL
                               : WIFEXITED(status);
}

/* By its last words; without any, by the copy for reports, if it is whole. */
static void take_message(struct culprit *culprit, const struct board *board,
                         unsigned worker)
{
    const struct worker_stats *stats = board_stats(board, worker);
    const struct recent *recent = &board_remains(board, worker)->recent;
    const struct recent_message *last =
        &recent->list[(recent->count - 1) % RECENT_MESSAGES];

    uint64_t len = last->len; /* a sibling that runs wild may change it */

    culprit->hash = stat_get(&stats->last_words.message_hash);
    culprit->len = stat_get(&stats->last_words.message_len);
    if (culprit->hash == 0 && atomic_load(&stats->now.hook) == HOOK_MESSAGE &&
        recent->count > 0 && last->conn == stat_get(&stats->now.conn) &&
        len == stat_get(&stats->now.message_len) && len <= RECENT_BYTES) {
        culprit->len = len;
        culprit->hash = fnv_hash(board->seed, last->data, (size_t)len);
    }
}

bool postmortem_culprit(struct culprit *culprit, const struct board *board,
                        unsigned worker, int status, bool hung)
{
    const struct worker_stats *stats = board_stats(board, worker);
    const struct board_route *names;

    *culprit = (struct culprit){ .hung = hung };
    postmortem_hook(culprit->where, sizeof culprit->where, board, worker);
    if ((!hung && !by_itself(status)) || culprit->where[0] == 0) {
        return false;
    }
    culprit->route = atomic_load(&stats->now.route);
    culprit->code = stat_get(&stats->now.code);
    take_message(culprit, board, worker);
    names = &board->names[culprit->route];
    memcpy(culprit->plugin, names->plugin, sizeof culprit->plugin);
    return true;
}

char *postmortem_death(char *out, size_t size, const struct board *board,
                       unsigned worker, int pid, int status)
{
    char how[96];
    char hook[256];

    if (WIFSIGNALED(status)) {
        int number = WTERMSIG(status);
        const char *name = strsignal(number);

        snprintf(how, sizeof how, "killed by signal %d (%s)%s", number,
                 name != NULL ? name : "unknown",
                 WCOREDUMP(status) ? ", core dumped," : "");
    } else {
        snprintf(how, sizeof how, "exited with status %d", WEXITSTATUS(status));
    }
    postmortem_hook(hook, sizeof hook, board, worker);
    if (atomic_load(&board_stats(board, worker)->misdeed.found) == 1) {
        snprintf(out, size,
                 "worker %u (pid %d) %s, since descriptors of the host were "
                 "closed%s%s",
                 worker, pid, how, hook[0] != 0 ? ", as it seems in " : "",
                 hook);
        return out;
    }
    if (WIFEXITED(status) && hook[0] == 0 &&
        atomic_load(&board_stats(board, worker)->last_words.thread) != 0) {
        snprintf(hook, sizeof hook, "a thread that a plugin has started");
    }
    if (WIFEXITED(status) && hook[0] != 0) {
        snprintf(out, size,
                 "worker %u (pid %d) ended: exit(%d) was called in %s", worker,
                 pid, WEXITSTATUS(status), hook);
        return out;
    }
    snprintf(out, size, "worker %u (pid %d) %s%s%s", worker, pid, how,
             hook[0] != 0 ? " in " : "", hook);
    return out;
}

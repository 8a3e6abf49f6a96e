/* membership.c - how this host stands with the other machines of its cluster */
#include "proc/membership.h"

/* By enum cluster_state. */
static const char *const texts[CLUSTER_STATES] = {
    "off",
    "ok",
    "connecting to Redis",
    "Redis is away",
    "Redis refuses the password",
    "Redis is a Cluster, a Sentinel or a replica",
    "another host has this node's number",
    "Redis has no memory left",
};

enum cluster_state membership_of(const struct board *board,
                                 const struct conf *conf)
{
    uint64_t worst = CLUSTER_UP;

    if (conf->cluster.url.shown == NULL) {
        return CLUSTER_OFF;
    }
    for (unsigned i = 0; i < board->workers; i++) {
        uint64_t state = stat_get(&board_stats(board, i)->cluster_state);

        if (atomic_load(&board_slot(board, i)->state) == WORKER_RUNNING &&
            state > worst && state < CLUSTER_STATES) {
            worst = state;
        }
    }
    return (enum cluster_state)worst;
}

bool membership_degraded(const struct board *board, const struct conf *conf)
{
    return board_running(board) < board->wanted ||
           bans_count(board->bans) > 0 ||
           membership_of(board, conf) > CLUSTER_UP;
}

const char *membership_text(enum cluster_state state)
{
    return texts[state];
}

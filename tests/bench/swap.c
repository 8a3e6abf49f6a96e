/*
 * swap.c - answers each message with what it counted; for tests/bench/reload
 *
 * The blocks go on from version to version, so that what they hold proves that
 * nothing was lost: a connection's count is the number of its last message.
 * tests/bench/reload patches the eight bytes behind the mark, and with --migrate
 * the state_version.
 */
#include <patchbay.h>

#include <string.h>

enum { QUESTION = 16 };

struct counts {
    uint64_t messages;
    uint64_t swaps;
};

/* volatile: the compiler must not know what stands in it. */
static const volatile unsigned char version[] =
    "bench-version:\0\0\0\0\0\0\0\0";

enum { MARK = sizeof "bench-version:" - 1 };

static void put64(unsigned char *out, uint64_t value)
{
    for (int i = 0; i < 8; i++) {
        out[i] = (unsigned char)(value >> 8 * i);
    }
}

static int message(bay_conn *conn, const bay_message *msg)
{
    struct counts *own = bay_conn_data(conn);
    struct counts *all = bay_route_data(bay_conn_route(conn));
    unsigned char answer[QUESTION + 4 * 8];

    if (msg->len != QUESTION) {
        return BAY_CLOSE_BAD_DATA;
    }
    memcpy(answer, msg->data, QUESTION);
    put64(answer + QUESTION, ++own->messages);
    for (int i = 0; i < 8; i++) {
        answer[QUESTION + 8 + i] = version[MARK + i];
    }
    put64(answer + QUESTION + 16, ++all->messages);
    put64(answer + QUESTION + 24, all->swaps);
    return bay_send_binary(conn, answer, sizeof answer);
}

static int copy(struct counts *own, const void *old, size_t old_size)
{
    if (old_size != sizeof *own) {
        return BAY_EINVAL;
    }
    memcpy(own, old, sizeof *own);
    return 0;
}

static int migrate_route(bay_route *route, const void *old, size_t old_size,
                         uint32_t old_version)
{
    (void)old_version;
    return copy(bay_route_data(route), old, old_size);
}

static int migrate_conn(bay_conn *conn, const void *old, size_t old_size,
                        uint32_t old_version)
{
    (void)old_version;
    return copy(bay_conn_data(conn), old, old_size);
}

static void reload(bay_route *route)
{
    struct counts *all = bay_route_data(route);

    all->swaps++;
}

BAY_PLUGIN = { BAY_INIT,
               .name = "swap",
               .version = "1.0.0",
               .summary = "Counts messages, for the reload bench",
               .route_size = sizeof(struct counts),
               .conn_size = sizeof(struct counts),
               .state_version = 0x5eed0001,
               .reload = reload,
               .migrate_route = migrate_route,
               .migrate_conn = migrate_conn,
               .message = message };

/* phase.c - a plugin in several versions, for tests of reload: built once for
 * each, they all call themselves "phase"
 *
 * Each connection counts its messages. Answers: "count" and anything else is
 * "VERSION N"; "greeting" the option; "worker" the worker's number; "join T" and
 * "tell T TEXT" are topics; "defer MS" answers "deferred VERSION" afterwards. */
#include <patchbay.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifndef PHASE_STATE
#define PHASE_STATE 1
#endif

struct client {
    unsigned count;
#ifdef PHASE_LARGER
    char more[64];
#endif
};

static int start(bay_route *route)
{
#ifdef PHASE_CRASHES
    abort();
#endif
    if (bay_conf_int(route, "fail_in") == bay_route_worker(route)) {
        return BAY_ESTATE;
    }
    return BAY_OK;
}

static void reload(bay_route *route)
{
    bay_log(route, BAY_INFO, "reload hook of version %d, greeting %s",
            PHASE_VERSION, bay_conf_str(route, "greeting"));
}

#ifdef PHASE_MIGRATES
/* 13 brings bad luck. */
static int migrate_conn(bay_conn *conn, const void *old, size_t old_size,
                        uint32_t old_version)
{
    struct client *client = bay_conn_data(conn);

    if (old_version != 1 || old_size < sizeof client->count) {
        return BAY_EINVAL;
    }
    memcpy(&client->count, old, sizeof client->count);
    return client->count == 13 ? BAY_EINVAL : BAY_OK;
}
#endif

struct work {
    bay_id id;
    long ms;
};

static void work(void *arg)
{
    long ms = ((struct work *)arg)->ms;
    struct timespec left = { ms / 1000, ms % 1000 * 1000000 };

    while (nanosleep(&left, &left) != 0) {
    }
}

static void worked(bay_route *route, void *arg, int status)
{
    struct work *done = arg;
    bay_conn *conn = bay_route_find(route, done->id);

    (void)status;
    if (conn != NULL) {
        bay_sendf(conn, "deferred %d", PHASE_VERSION);
    }
    free(done);
}

static int defer(bay_conn *conn, const char *ms)
{
    struct work *begun = malloc(sizeof *begun);

    if (begun == NULL) {
        return BAY_ENOMEM;
    }
    *begun = (struct work){ bay_conn_id(conn), strtol(ms, NULL, 10) };
    return bay_defer(bay_conn_route(conn), work, worked, begun);
}

static int tell(bay_conn *conn, char *topic)
{
    char *text = strchr(topic, ' ');

    if (text == NULL) {
        return BAY_EINVAL;
    }
    *text++ = 0;
    return bay_publish(bay_conn_route(conn), topic, BAY_TEXT, text,
                       strlen(text), 0);
}

__attribute__((unused)) static int message(bay_conn *conn,
                                           const bay_message *msg)
{
    struct client *client = bay_conn_data(conn);
    bay_route *route = bay_conn_route(conn);
    char text[256];

    if (msg->len >= sizeof text) {
        return bay_sendf(conn, "%d %u", PHASE_VERSION, ++client->count);
    }
    memcpy(text, msg->data, msg->len);
    text[msg->len] = 0;
    if (strcmp(text, "greeting") == 0) {
        return bay_sendf(conn, "%s", bay_conf_str(route, "greeting"));
    }
    if (strcmp(text, "worker") == 0) {
        return bay_sendf(conn, "worker %d", bay_route_worker(route));
    }
    if (strncmp(text, "join ", 5) == 0) {
        bay_subscribe(conn, text + 5);
        return bay_sendf(conn, "joined");
    }
    if (strncmp(text, "tell ", 5) == 0) {
        return tell(conn, text + 5);
    }
    if (strncmp(text, "defer ", 6) == 0) {
        return defer(conn, text + 6);
    }
    return bay_sendf(conn, "%d %u", PHASE_VERSION, ++client->count);
}

static const bay_option options[] = {
    { .name = "greeting", .type = BAY_OPT_STR, .fallback = "hello" },
    { .name = "fail_in",
      .type = BAY_OPT_INT,
      .fallback = "-1",
      .min = -1,
      .max = 127 },
    { .type = BAY_OPT_END },
};

BAY_PLUGIN = {
    BAY_INIT,
    .name = "phase",
    .options = options,
    .conn_size = sizeof(struct client),
    .state_version = PHASE_STATE,
    .start = start,
    .reload = reload,
#ifdef PHASE_MIGRATES
    .migrate_conn = migrate_conn,
#endif
#ifndef PHASE_MUTE
    .message = message,
#endif
};

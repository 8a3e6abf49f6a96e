/* suspect.c - a plugin that works, with much in it that should not be */
#include <patchbay.h>

#include <stdlib.h>

/* A function of a library that every host has, and another of its own name. */
void *json_object(void);
int uv_version(void);
int suspect_helper(void);

_Thread_local int suspect_calls;

int uv_version(void)
{
    return 1;
}

int suspect_helper(void)
{
    return uv_version() + suspect_calls++;
}

static int message(bay_conn *conn, const bay_message *msg)
{
    (void)msg;
    if (conn == NULL) {
        free(json_object());
    }
    return bay_sendf(conn, "%d", suspect_helper());
}

/* Without a block that it could fill. */
static int migrate_conn(bay_conn *conn, const void *old, size_t old_size,
                        uint32_t old_version)
{
    (void)conn;
    (void)old;
    (void)old_size;
    (void)old_version;
    return 0;
}

static const bay_option options[] = {
    { "title", BAY_OPT_STR, "none", "What to call it", 1, 10 },
    { "size", BAY_OPT_BYTES, NULL, NULL, 0, 1 << 20 },
    { NULL, BAY_OPT_END, NULL, NULL, 0, 0 },
};

BAY_PLUGIN = { BAY_INIT,
               .name = "suspect",
               .route_size = 48,
               .options = options,
               .flags = BAY_SINGLE_WORKER,
               .migrate_conn = migrate_conn,
               .message = message };

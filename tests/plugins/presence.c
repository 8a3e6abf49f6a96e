/* presence.c - who is in the topic "room", by text commands, and what changes
 *
 * A command is answered by its name and a number, or the members: join LABEL
 * [INFO], unique LABEL [INFO], leave, list, watch, unwatch, worker. What changes
 * is said to each connection of the instance.
 */
#include <patchbay.h>

#include <stdio.h>
#include <string.h>

#define TOPIC "room"

static int join(bay_conn *conn, const char *name, char *rest, unsigned flags)
{
    char *info = strchr(rest, ' ');

    if (info != NULL) {
        *info++ = 0;
    } else {
        info = rest + strlen(rest);
    }
    return bay_sendf(conn, "%s %d", name,
                     bay_join(conn, TOPIC, rest, info, strlen(info), flags));
}

/* LABEL=INFO for each, in the order of the host. */
static int list(bay_conn *conn)
{
    const bay_route *route = bay_conn_route(conn);
    const bay_member *member = NULL;
    char text[4096] = "list";
    size_t len = strlen(text);

    while ((member = bay_member_next(route, TOPIC, member)) != NULL) {
        int more = snprintf(text + len, sizeof text - len, " %s=%s",
                            member->label, member->info);

        if (more < 0 || (size_t)more >= sizeof text - len) {
            return bay_sendf(conn, "list too long");
        }
        len += (size_t)more;
    }
    return bay_send_text(conn, text, len);
}

static int message(bay_conn *conn, const bay_message *msg)
{
    bay_route *route = bay_conn_route(conn);
    char text[2048];
    char *rest;

    snprintf(text, sizeof text, "%.*s", (int)msg->len, msg->data);
    rest = strchr(text, ' ');
    if (rest != NULL) {
        *rest++ = 0;
    } else {
        rest = text + strlen(text);
    }
    if (strcmp(text, "join") == 0) {
        return join(conn, text, rest, 0);
    }
    if (strcmp(text, "unique") == 0) {
        return join(conn, text, rest, BAY_UNIQUE);
    }
    if (strcmp(text, "leave") == 0) {
        return bay_sendf(conn, "leave %d", bay_leave(conn, TOPIC));
    }
    if (strcmp(text, "list") == 0) {
        return list(conn);
    }
    if (strcmp(text, "watch") == 0) {
        return bay_sendf(conn, "watch %d", bay_watch(route, TOPIC));
    }
    if (strcmp(text, "unwatch") == 0) {
        return bay_sendf(conn, "unwatch %d", bay_unwatch(route, TOPIC));
    }
    if (strcmp(text, "worker") == 0) {
        return bay_sendf(conn, "worker %d", bay_route_worker(route));
    }
    return bay_sendf(conn, "unknown %s", text);
}

static void presence(bay_route *route, const bay_change *change)
{
    static const char *const said[] = { "",        "joined",    "left",
                                        "updated", "displaced", "listed" };
    bay_conn *conn = NULL;

    while ((conn = bay_route_next(route, conn)) != NULL) {
        if (change->member == NULL) {
            bay_sendf(conn, "%s", said[change->kind]);
        } else {
            bay_sendf(conn, "%s %s", said[change->kind], change->member->label);
        }
    }
}

BAY_PLUGIN = { BAY_INIT, .name = "presence", .message = message,
               .presence = presence };

/* hub.c - rooms and members by command, for bench-crowd: see crowd/member.h
 *
 * "s TOPIC...": subscribes; "p TOPIC TEXT": publishes; "j TOPIC LABEL INFO":
 * joins; "l TOPIC": leaves; "n TOPIC": how many members; "w TOPIC": all labels.
 */
#include <patchbay.h>

#include <stdlib.h>
#include <string.h>

enum { COMMAND_MAX = 8192 };

static int answer(bay_conn *conn, int status)
{
    return status == BAY_OK ? bay_send_text(conn, "a", 1)
                            : bay_sendf(conn, "e%d", status);
}

/* Cuts the first word off. */
static char *word(char **rest)
{
    char *first = *rest;
    char *end = strchr(first, ' ');

    if (end == NULL) {
        *rest = first + strlen(first);
    } else {
        *end = 0;
        *rest = end + 1;
    }
    return first;
}

static int subscribe(bay_conn *conn, char *topics)
{
    int status = BAY_OK;

    while (*topics != 0 && status == BAY_OK) {
        status = bay_subscribe(conn, word(&topics));
    }
    return answer(conn, status);
}

static int list(bay_conn *conn, const char *topic)
{
    const bay_route *route = bay_conn_route(conn);
    size_t size = bay_member_count(route, topic) * (BAY_LABEL_MAX + 1) + 1;
    const bay_member *member = NULL;
    char *text = malloc(size);
    size_t len = 1;
    int status;

    if (text == NULL) {
        return BAY_ENOMEM;
    }
    text[0] = 'a';
    while ((member = bay_member_next(route, topic, member)) != NULL) {
        size_t more = strlen(member->label);

        memcpy(text + len, member->label, more);
        text[len + more] = ' ';
        len += more + 1;
    }
    status = bay_send_text(conn, text, len);
    free(text);
    return status;
}

static int message(bay_conn *conn, const bay_message *msg)
{
    bay_route *route = bay_conn_route(conn);
    char text[COMMAND_MAX + 1];
    char *rest = text, *label;
    const char *command, *topic;

    if (msg->len > COMMAND_MAX) {
        return BAY_ETOOBIG;
    }
    memcpy(text, msg->data, msg->len);
    text[msg->len] = 0;
    command = word(&rest);
    if (*command == 's') {
        return subscribe(conn, rest);
    }
    topic = word(&rest);
    switch (*command) {
    case 'p': return bay_publish(route, topic, BAY_TEXT, rest, strlen(rest), 0);
    case 'j':
        label = word(&rest);
        return answer(conn,
                      bay_join(conn, topic, label, rest, strlen(rest), 0));
    case 'l': return answer(conn, bay_leave(conn, topic));
    case 'n': return bay_sendf(conn, "a%zu", bay_member_count(route, topic));
    case 'w': return list(conn, topic);
    default: return answer(conn, BAY_EINVAL);
    }
}

/* What a plugin does that cares: it is told of each change. */
static void presence(bay_route *route, const bay_change *change)
{
    (void)route;
    (void)change;
}

BAY_PLUGIN = { BAY_INIT, .name = "hub", .message = message,
               .presence = presence };

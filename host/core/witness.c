/* witness.c - whom a hook ran for when it crashed, told by the dying worker */
#include "core/witness.h"

#include <stddef.h>

#include "core/core-t.h"

/* Not by strlen and memcpy: a text without its end must not lead astray. */
static void copy(char *out, size_t size, const char *text)
{
    size_t len = 0;

    while (text != NULL && len + 1 < size && text[len] != '\0') {
        out[len] = text[len];
        len++;
    }
    out[len] = '\0';
}

static void tell_of_conn(struct witness *out, const struct conn *conn)
{
    out->conn = conn->id;
    out->connected_ms = conn->facts.connected_ms;
    out->messages_in = conn->facts.messages_in;
    out->bytes_in = conn->facts.bytes_in;
    out->messages_out = conn->facts.messages_out;
    out->bytes_out = conn->facts.bytes_out;
    copy(out->remote, sizeof out->remote, conn->remote);
    copy(out->path, sizeof out->path, conn->path);
    copy(out->subprotocol, sizeof out->subprotocol, conn->subprotocol);
}

static void tell_of_instance(struct witness *out,
                             const struct instance *instance)
{
    copy(out->plugin, sizeof out->plugin, instance->plugin_name);
    copy(out->route, sizeof out->route, instance->route->name);
    copy(out->version, sizeof out->version, instance->plugin.version);
    copy(out->code, sizeof out->code, instance->from.code);
    copy(out->file, sizeof out->file, instance->conf->plugin_file);
}

bool witness_tell(struct witness *out, const struct core *core, bool in_loop)
{
    const struct instance *instance = in_loop ? core->hook_of : jobs_working();
    const struct conn *conn = core->hook_conn;

    if ((in_loop && !core->in_hook) || instance == NULL ||
        instance->magic != INSTANCE_MAGIC || instance->core != core) {
        return false;
    }
    if (in_loop && conn != NULL && conn->magic == CONN_MAGIC) {
        tell_of_conn(out, conn);
    }
    tell_of_instance(out, instance);
    return true;
}

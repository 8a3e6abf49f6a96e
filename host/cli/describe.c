/* describe.c - what a plugin says of itself, as JSON and in words */
#include "cli/describe.h"

#include <stdio.h>

#include "base/buf.h"
#include "plugin/descriptor.h"
#include "plugin/optvalue.h"

static json_t *describe_hooks(const bay_plugin *plugin)
{
    const struct {
        const char *name;
        bool there;
    } hooks[] = {
        { "start", plugin->start != NULL },
        { "stop", plugin->stop != NULL },
        { "reload", plugin->reload != NULL },
        { "migrate_route", plugin->migrate_route != NULL },
        { "migrate_conn", plugin->migrate_conn != NULL },
        { "handshake", plugin->handshake != NULL },
        { "open", plugin->open != NULL },
        { "message", plugin->message != NULL },
        { "close", plugin->close != NULL },
        { "drained", plugin->drained != NULL },
        { "timer", plugin->timer != NULL },
        { "notice", plugin->notice != NULL },
        { "presence", plugin->presence != NULL },
        { "http", plugin->http != NULL },
    };
    json_t *list = json_array();

    for (size_t i = 0; i < sizeof hooks / sizeof *hooks; i++) {
        if (hooks[i].there) {
            json_array_append_new(list, json_string(hooks[i].name));
        }
    }
    return list;
}

static json_t *describe_subprotocols(const bay_plugin *plugin)
{
    size_t count = descriptor_subprotocol_count(plugin);
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, json_string(plugin->subprotocols[i]));
    }
    return list;
}

static const char *type_name(bay_option_type type)
{
    switch (type) {
    case BAY_OPT_INT: return "number";
    case BAY_OPT_BOOL: return "yes or no";
    case BAY_OPT_BYTES: return "size";
    case BAY_OPT_MS: return "time";
    default: return "text";
    }
}

static json_t *describe_options(const bay_plugin *plugin)
{
    size_t count = descriptor_option_count(plugin);
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++) {
        const bay_option *option = descriptor_option(plugin, i);
        char range[64];

        json_array_append_new(
            list,
            json_pack("{s:s, s:s, s:s, s:b, s:s*, s:s}", "name", option->name,
                      "type", type_name(option->type), "range",
                      optvalue_range(option, range, sizeof range), "required",
                      option->fallback == NULL, "default", option->fallback,
                      "help", option->help != NULL ? option->help : ""));
    }
    return list;
}

/* "a block of 48 bytes for the route and 16 for each connection" */
static void add_blocks(struct buf *text, const bay_plugin *plugin)
{
    if (plugin->route_size > 0) {
        buf_addf(text, "%zu bytes for the route", plugin->route_size);
    }
    if (plugin->conn_size > 0) {
        buf_addf(text, "%s%zu %sfor each connection",
                 plugin->route_size > 0 ? " and " : "", plugin->conn_size,
                 plugin->route_size > 0 ? "" : "bytes ");
    }
}

/* By the rules of the header: what becomes of open connections when this file
 * takes the place of another version of it. */
static void explain_reload(struct buf *text, const bay_plugin *plugin)
{
    bool migrates =
        (plugin->route_size == 0 || plugin->migrate_route != NULL) &&
        (plugin->conn_size == 0 || plugin->migrate_conn != NULL);

    if (plugin->route_size == 0 && plugin->conn_size == 0) {
        buf_adds(text, "It has no blocks, so there is nothing to keep: it "
                       "takes over open connections from another version "
                       "that has none.");
        return;
    }
    buf_adds(text, "It keeps ");
    add_blocks(text, plugin);
    if (plugin->state_version != 0) {
        buf_addf(text,
                 ". From a version with blocks of the same sizes and "
                 "state_version %u, too, it takes open connections over with "
                 "their blocks as they are.",
                 plugin->state_version);
    } else {
        buf_adds(text, " and sets no state_version: blocks of another version "
                       "are never taken over as they are.");
    }
    if (migrates) {
        buf_addf(text,
                 " From %sversion it takes them over by its migrate hooks, "
                 "which fill new blocks from the old ones.",
                 plugin->state_version != 0 ? "any other " : "another ");
    } else {
        buf_addf(text,
                 " From %sversion it takes none over: open connections stay "
                 "with the old code until they close, new ones get this.",
                 plugin->state_version != 0 ? "any other " : "another ");
    }
}

static json_t *describe_reload(const bay_plugin *plugin)
{
    struct buf text = { 0 };
    json_t *reload;

    explain_reload(&text, plugin);
    reload = json_pack("{s:I, s:I, s:I, s:b, s:b, s:s}", "state_version",
                       (json_int_t)plugin->state_version, "route_size",
                       (json_int_t)plugin->route_size, "conn_size",
                       (json_int_t)plugin->conn_size, "migrate_route",
                       plugin->migrate_route != NULL, "migrate_conn",
                       plugin->migrate_conn != NULL, "text",
                       text.failed ? "" : text.data);
    buf_free(&text);
    return reload;
}

json_t *describe_plugin(const bay_plugin *plugin)
{
    char abi[16];

    snprintf(abi, sizeof abi, "%u.%u", plugin->abi_major, plugin->abi_minor);
    return json_pack(
        "{s:s, s:s, s:s, s:o, s:o, s:o, s:s, s:s, s:o}", "version",
        plugin->version, "summary", plugin->summary, "abi", abi, "hooks",
        describe_hooks(plugin), "subprotocols", describe_subprotocols(plugin),
        "options", describe_options(plugin), "workers",
        (plugin->flags & BAY_SINGLE_WORKER) != 0 ? "one" : "many", "messages",
        (plugin->flags & BAY_PIECES) != 0 ? "in pieces" : "whole", "reload",
        describe_reload(plugin));
}

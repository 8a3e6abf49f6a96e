/* descriptor.c - a plugin's descriptor: accepted, or refused with a reason */
#include "plugin/descriptor.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "plugin/optvalue.h"

#define LONGEST_NAME        32
#define LONGEST_OPTION      48
#define LONGEST_SUBPROTOCOL 62
#define LONGEST_LINE        200 /* of version, summary and help */
#define MOST_OPTIONS        256
#define MOST_SUBPROTOCOLS   64
#define LARGEST_BLOCK       ((size_t)16 << 20)

/* What every version has, before anything else may be looked at. */
#define PREFIX_SIZE (offsetof(bay_plugin, option_size) + sizeof(uint32_t))

/*
 * The sizes of each minor version's structs, by which an older plugin is read:
 * append a line when BAY_ABI_MINOR is raised. The size of the last field that
 * a version has, not sizeof, which would change with the next one.
 */
static const struct layout {
    size_t plugin;
    size_t option;
} layouts[] = {
    /* 1.0 */
    { offsetof(bay_plugin, http) + sizeof(((bay_plugin *)0)->http),
      offsetof(bay_option, max) + sizeof(((bay_option *)0)->max) },
    /* 1.1 */
    { offsetof(bay_plugin, presence) + sizeof(((bay_plugin *)0)->presence),
      offsetof(bay_option, max) + sizeof(((bay_option *)0)->max) },
};

_Static_assert(sizeof layouts / sizeof *layouts == BAY_ABI_MINOR + 1,
               "a minor version without its layout");

#define KNOWN_FLAGS ((uint32_t)(BAY_SINGLE_WORKER | BAY_PIECES))

struct refusal {
    char *why;
    size_t size;
};

__attribute__((format(printf, 2, 3))) static int
refuse(const struct refusal *refusal, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(refusal->why, refusal->size, format, args);
    va_end(args);
    return -1;
}

/* At most `longest` of these characters, at least one. */
static bool is_word(const char *text, const char *allowed, size_t longest)
{
    size_t len = strnlen(text, longest + 1);

    return len > 0 && len <= longest && strspn(text, allowed) == len;
}

/* A text that goes into lines of output must not begin lines of its own. */
static bool is_line(const char *text)
{
    size_t len = 0;

    for (; len <= LONGEST_LINE && text[len] != 0; len++) {
        if ((unsigned char)text[len] < ' ' || text[len] == 0x7f) {
            return false;
        }
    }
    return len <= LONGEST_LINE;
}

static int check_version(const bay_plugin *theirs,
                         const struct refusal *refusal)
{
    if (theirs->magic != BAY_MAGIC) {
        return refuse(refusal,
                      "has a descriptor that does not begin with BAY_INIT: "
                      "its magic is 0x%08x, not 0x%08x",
                      theirs->magic, BAY_MAGIC);
    }
    if (theirs->abi_major != BAY_ABI_MAJOR) {
        return refuse(refusal,
                      "was built for ABI %u.%u, this host has %d.%d: rebuild "
                      "the plugin with this host's patchbay.h",
                      theirs->abi_major, theirs->abi_minor, BAY_ABI_MAJOR,
                      BAY_ABI_MINOR);
    }
    if (theirs->abi_minor > BAY_ABI_MINOR) {
        return refuse(refusal,
                      "was built for ABI %u.%u, this host has %d.%d: install "
                      "a newer patchbay or rebuild the plugin",
                      theirs->abi_major, theirs->abi_minor, BAY_ABI_MAJOR,
                      BAY_ABI_MINOR);
    }
    return 0;
}

static int check_sizes(const bay_plugin *theirs, const struct refusal *refusal)
{
    const struct layout *layout = &layouts[theirs->abi_minor];

    if (theirs->size != layout->plugin) {
        return refuse(refusal,
                      "has a descriptor of %u bytes, that of ABI %u.%u has "
                      "%zu: use BAY_INIT and an unchanged patchbay.h",
                      theirs->size, theirs->abi_major, theirs->abi_minor,
                      layout->plugin);
    }
    if (theirs->option_size != layout->option) {
        return refuse(refusal,
                      "has options of %u bytes each, those of ABI %u.%u have "
                      "%zu: use BAY_INIT and an unchanged patchbay.h",
                      theirs->option_size, theirs->abi_major, theirs->abi_minor,
                      layout->option);
    }
    return 0;
}

static int check_identity(const bay_plugin *ours, const struct refusal *refusal)
{
    if (ours->name == NULL) {
        return refuse(refusal, "has no name: set .name in BAY_PLUGIN");
    }
    if (!is_word(ours->name, "abcdefghijklmnopqrstuvwxyz0123456789_-",
                 LONGEST_NAME)) {
        return refuse(refusal,
                      "has the name \"%.40s\", which is not 1 to %d lower case "
                      "letters, digits, _ and -",
                      ours->name, LONGEST_NAME);
    }
    if (!is_line(ours->version)) {
        return refuse(refusal,
                      "has a version that is not one line of at most %d bytes",
                      LONGEST_LINE);
    }
    if (!is_line(ours->summary)) {
        return refuse(refusal,
                      "has a summary that is not one line of at most %d bytes",
                      LONGEST_LINE);
    }
    return 0;
}

static int check_behaviour(const bay_plugin *ours,
                           const struct refusal *refusal)
{
    if ((ours->flags & ~KNOWN_FLAGS) != 0) {
        return refuse(
            refusal, "has the flags 0x%x, which ABI %u.%u does not know",
            ours->flags & ~KNOWN_FLAGS, ours->abi_major, ours->abi_minor);
    }
    if (ours->route_size > LARGEST_BLOCK) {
        return refuse(refusal, "has a route_size of %zu, over the limit of %zu",
                      ours->route_size, LARGEST_BLOCK);
    }
    if (ours->conn_size > LARGEST_BLOCK) {
        return refuse(refusal, "has a conn_size of %zu, over the limit of %zu",
                      ours->conn_size, LARGEST_BLOCK);
    }
    if (ours->message == NULL && ours->open == NULL &&
        ours->handshake == NULL && ours->http == NULL) {
        return refuse(refusal, "does nothing: it has none of the hooks "
                               "message, open, handshake and http");
    }
    return 0;
}

static int check_option(const bay_plugin *ours, size_t index,
                        const struct refusal *refusal)
{
    const bay_option *option = descriptor_option(ours, index);
    char problem[200];
    int64_t number;

    if (option->name == NULL) {
        return refuse(refusal, "has no name for option %zu of its table",
                      index + 1);
    }
    if (!is_word(option->name, "abcdefghijklmnopqrstuvwxyz0123456789_",
                 LONGEST_OPTION)) {
        return refuse(refusal,
                      "has the option name \"%.60s\", which is not 1 to %d "
                      "lower case letters, digits and _",
                      option->name, LONGEST_OPTION);
    }
    for (size_t i = 0; i < index; i++) {
        if (strcmp(descriptor_option(ours, i)->name, option->name) == 0) {
            return refuse(refusal, "declares option %s twice", option->name);
        }
    }
    if (option->type < BAY_OPT_STR || option->type > BAY_OPT_MS) {
        return refuse(refusal, "has for option %s the unknown type %d",
                      option->name, option->type);
    }
    if (option->help != NULL && !is_line(option->help)) {
        return refuse(refusal,
                      "has for option %s a help that is not one line of at "
                      "most %d bytes",
                      option->name, LONGEST_LINE);
    }
    if (option->min > option->max) {
        return refuse(refusal,
                      "has for option %s a min, %lld, above its max, %lld: a "
                      "range needs both",
                      option->name, (long long)option->min,
                      (long long)option->max);
    }
    if (option->fallback != NULL &&
        optvalue_parse(option, option->fallback, &number, problem,
                       sizeof problem) != 0) {
        return refuse(refusal, "has for option %s a wrong fallback: %s",
                      option->name, problem);
    }
    return 0;
}

static int check_options(const bay_plugin *ours, const struct refusal *refusal)
{
    size_t count = descriptor_option_count(ours);

    if (count > MOST_OPTIONS) {
        return refuse(refusal,
                      "has no end of its options within %d: end the table "
                      "with { 0 }",
                      MOST_OPTIONS);
    }
    for (size_t i = 0; i < count; i++) {
        if (check_option(ours, i, refusal) != 0) {
            return -1;
        }
    }
    return 0;
}

static int check_subprotocols(const bay_plugin *ours,
                              const struct refusal *refusal)
{
    static const char token[] = "!#$%&'*+-.^_`|~0123456789"
                                "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t count = descriptor_subprotocol_count(ours);

    if (count > MOST_SUBPROTOCOLS) {
        return refuse(refusal,
                      "has no end of its subprotocols within %d: end the list "
                      "with NULL",
                      MOST_SUBPROTOCOLS);
    }
    for (size_t i = 0; i < count; i++) {
        const char *name = ours->subprotocols[i];

        if (!is_word(name, token, LONGEST_SUBPROTOCOL)) {
            return refuse(refusal,
                          "has the subprotocol \"%.80s\", which is not a "
                          "token of 1 to %d characters (RFC 7230 section "
                          "3.2.6)",
                          name, LONGEST_SUBPROTOCOL);
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(ours->subprotocols[j], name) == 0) {
                return refuse(refusal, "declares the subprotocol %s twice",
                              name);
            }
        }
    }
    return 0;
}

int descriptor_read(const bay_plugin *theirs, bay_plugin *ours, char *why,
                    size_t why_size)
{
    const struct refusal refusal = { why, why_size };
    bay_plugin prefix = { 0 };

    /* Nothing behind it may be there if the version does not say so. */
    memcpy(&prefix, theirs, PREFIX_SIZE);
    if (check_version(&prefix, &refusal) != 0 ||
        check_sizes(&prefix, &refusal) != 0) {
        return -1;
    }
    memset(ours, 0, sizeof *ours);
    memcpy(ours, theirs, prefix.size);
    if (ours->version == NULL) {
        ours->version = "";
    }
    if (ours->summary == NULL) {
        ours->summary = "";
    }
    if (check_identity(ours, &refusal) != 0 ||
        check_behaviour(ours, &refusal) != 0 ||
        check_options(ours, &refusal) != 0 ||
        check_subprotocols(ours, &refusal) != 0) {
        return -1;
    }
    return 0;
}

const bay_option *descriptor_option(const bay_plugin *plugin, size_t index)
{
    const char *table = (const char *)plugin->options;

    return (const void *)(table + index * plugin->option_size);
}

/* Counts no further than one above the limit. */
size_t descriptor_option_count(const bay_plugin *plugin)
{
    size_t count = 0;

    if (plugin->options == NULL) {
        return 0;
    }
    while (count <= MOST_OPTIONS &&
           (descriptor_option(plugin, count)->name != NULL ||
            descriptor_option(plugin, count)->type != BAY_OPT_END)) {
        count++;
    }
    return count;
}

size_t descriptor_subprotocol_count(const bay_plugin *plugin)
{
    size_t count = 0;

    if (plugin->subprotocols == NULL) {
        return 0;
    }
    while (count <= MOST_SUBPROTOCOLS && plugin->subprotocols[count] != NULL) {
        count++;
    }
    return count;
}

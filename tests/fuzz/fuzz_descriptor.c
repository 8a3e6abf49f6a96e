/* fuzz_descriptor.c - a descriptor with whatever a plugin may have put into it
 *
 * The bytes: the head as it lies in memory (magic, sizes, versions), the sizes
 * of the blocks and the flags, a byte of hooks, then texts that end with a 0
 * byte; an empty one is "", one that is "\x01" is NULL. name, version, summary;
 * subprotocols up to a NULL; and options, each with a byte for its type, 16
 * bytes of range, its name, fallback and help.
 */
#include "fuzz.h"

#include "plugin/audit.h"
#include "plugin/descriptor.h"

#define MOST 300

struct input {
    const uint8_t *at;
    size_t left;
};

static char *texts[4 * MOST + 4];
static size_t text_count;

static void take(struct input *in, void *out, size_t len)
{
    size_t there = len < in->left ? len : in->left;

    memset(out, 0, len);
    if (there > 0) {
        memcpy(out, in->at, there);
    }
    in->at += there;
    in->left -= there;
}

static const char *take_text(struct input *in)
{
    const uint8_t *end;
    size_t len;

    if (in->left == 0) {
        return NULL;
    }
    end = memchr(in->at, 0, in->left);
    len = end != NULL ? (size_t)(end - in->at) : in->left;
    if (len == 1 && in->at[0] == 1) {
        in->at += len + (end != NULL);
        in->left -= len + (end != NULL);
        return NULL;
    }
    texts[text_count] = fuzz_text(in->at, len);
    in->at += len + (end != NULL);
    in->left -= len + (end != NULL);
    return texts[text_count++];
}

static int some_hook(void)
{
    return 0;
}

static void found(void *arg, enum audit_level level, const char *what,
                  const char *advice)
{
    (void)arg;
    fuzz_check(audit_level_name(level) != NULL);
    fuzz_check(strchr(what, '\n') == NULL && strchr(advice, '\n') == NULL);
}

/* What an accepted one promises to the rest of the host. */
static void check(const bay_plugin *ours)
{
    const struct audit audit = { found, NULL };
    size_t count = descriptor_option_count(ours);

    fuzz_check(ours->name[0] != '\0' && strlen(ours->name) <= 32);
    fuzz_check(ours->version != NULL && ours->summary != NULL);
    fuzz_check(count <= 256);
    for (size_t i = 0; i < count; i++) {
        const bay_option *option = descriptor_option(ours, i);

        fuzz_check(option->name[0] != '\0');
        fuzz_check(option->type >= BAY_OPT_STR && option->type <= BAY_OPT_MS);
        fuzz_check(option->min <= option->max);
    }
    fuzz_check(descriptor_subprotocol_count(ours) <= 64);
    audit_descriptor(&audit, ours);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static bay_option options[MOST + 1];
    static const char *subprotocols[MOST + 1];
    struct input in = { data, len };
    bay_plugin theirs = { 0 };
    bay_plugin ours;
    char why[512] = "";
    uint8_t hooks;
    size_t count;

    text_count = 0;
    take(&in, &theirs.magic, sizeof theirs.magic);
    take(&in, &theirs.size, sizeof theirs.size);
    take(&in, &theirs.abi_major, sizeof theirs.abi_major);
    take(&in, &theirs.abi_minor, sizeof theirs.abi_minor);
    take(&in, &theirs.option_size, sizeof theirs.option_size);
    take(&in, &theirs.route_size, sizeof theirs.route_size);
    take(&in, &theirs.conn_size, sizeof theirs.conn_size);
    take(&in, &theirs.flags, sizeof theirs.flags);
    take(&in, &hooks, 1);
    theirs.message = hooks & 1 ? (int (*)(bay_conn *, const bay_message *))(
                                     void (*)(void))some_hook
                               : NULL;
    theirs.start =
        hooks & 2 ? (int (*)(bay_route *))(void (*)(void))some_hook : NULL;
    theirs.name = take_text(&in);
    theirs.version = take_text(&in);
    theirs.summary = take_text(&in);
    for (count = 0; count < MOST; count++) {
        subprotocols[count] = take_text(&in);
        if (subprotocols[count] == NULL) {
            break;
        }
    }
    subprotocols[count] = NULL;
    theirs.subprotocols = hooks & 4 ? subprotocols : NULL;
    memset(options, 0, sizeof options);
    for (count = 0; count < MOST && in.left > 0; count++) {
        uint8_t type;

        take(&in, &type, 1);
        options[count].type = type;
        take(&in, &options[count].min, sizeof options[count].min);
        take(&in, &options[count].max, sizeof options[count].max);
        options[count].name = take_text(&in);
        options[count].fallback = take_text(&in);
        options[count].help = take_text(&in);
    }
    theirs.options = hooks & 8 ? options : NULL;

    if (descriptor_read(&theirs, &ours, why, sizeof why) == 0) {
        check(&ours);
    } else {
        fuzz_check(why[0] != '\0');
    }
    while (text_count > 0) {
        free(texts[--text_count]);
    }
    return 0;
}

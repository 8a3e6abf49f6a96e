/* look.c - looks at the files of plugins, and survives what they do */
#include "cli/look.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cli/describe.h"
#include "plugin/audit.h"
#include "plugin/elf.h"
#include "plugin/image.h"
#include "plugin/probe.h"
#include "plugin/scratch.h"

#define LONGEST_REASON 2048

/* What a child says: JSON of an object, whose members are the plugin's; and
 * that its constructors have returned. */
enum { FACTS, LOADED };

struct look {
    const char *file;
    char *name;
    bool audit;
    const char *copies_dir;
    const char *user;
    json_t *about; /* in the caller */
};

/* ---- the child --------------------------------------------------------- */

/* Takes facts. */
static void say_facts(int fd, json_t *facts)
{
    char *text = json_dumps(facts, JSON_COMPACT);

    if (text != NULL) {
        child_say(fd, FACTS, text, strlen(text));
    }
    free(text);
    json_decref(facts);
}

/* Without the name of the file, which the caller knows. */
static void say_why(const struct look *look, int fd, const char *why)
{
    size_t len = strlen(look->file);

    if (strncmp(why, look->file, len) == 0 && why[len] == ' ') {
        why += len + 1;
    }
    say_facts(fd, json_pack("{s:s}", "why", why));
}

static void found(void *arg, enum audit_level level, const char *what,
                  const char *advice)
{
    json_array_append_new(arg, json_pack("{s:s, s:s, s:s}", "level",
                                         audit_level_name(level), "what", what,
                                         "advice", advice));
}

static const char *giver_name(enum resolve_giver giver)
{
    switch (giver) {
    case RESOLVE_NEEDED: return "needed";
    case RESOLVE_LIBC: return "libc";
    case RESOLVE_HOST: return "host";
    case RESOLVE_NOBODY: break;
    }
    return "nobody";
}

static json_t *list_wanted(const struct dynamic *dynamic,
                           const struct resolve *resolve)
{
    json_t *list = json_array();

    for (size_t i = 0; i < dynamic->wanted.count; i++) {
        const struct dynamic_name *name = &dynamic->wanted.list[i];

        json_array_append_new(
            list,
            json_pack("{s:s, s:b, s:s}", "name", name->text, "weak", name->weak,
                      "from", giver_name(resolve_find(resolve, name->text))));
    }
    return list;
}

static json_t *list_exported(const struct dynamic *dynamic)
{
    json_t *list = json_array();

    for (size_t i = 0; i < dynamic->exported.count; i++) {
        json_array_append_new(list,
                              json_string(dynamic->exported.list[i].text));
    }
    return list;
}

static json_t *list_needed(const struct dynamic *dynamic)
{
    json_t *list = json_array();

    for (size_t i = 0; i < dynamic->needed_count; i++) {
        json_array_append_new(list, json_string(dynamic->needed[i]));
    }
    return list;
}

/* What it wants of libraries, whose constructors run. */
static void audit_wants(int fd, const struct dynamic *dynamic, json_t *findings)
{
    struct resolve *resolve = resolve_create(dynamic);

    if (resolve != NULL) {
        audit_links(&(struct audit){ found, findings }, dynamic, resolve);
        say_facts(fd, json_pack("{s:o, s:O}", "wanted",
                                list_wanted(dynamic, resolve), "findings",
                                findings));
    }
    resolve_free(resolve);
}

/* Before it is loaded, and step by step, so that what constructors do hides
 * nothing. What cannot be read at all, loading refuses. */
static void audit_bytes(const struct look *look, int fd, json_t *findings)
{
    struct dynamic dynamic = { 0 };
    struct buf bytes = { 0 };
    char why[LONGEST_REASON];
    bool lacks_runtime;

    if (image_read(look->file, &bytes, why, sizeof why) == 0 &&
        elf_check(bytes.data, bytes.len, why, sizeof why) == 0) {
        if (dynamic_read(&dynamic, bytes.data, bytes.len, why, sizeof why) !=
            0) {
            found(findings, AUDIT_ERROR, why, "build it again");
        } else {
            lacks_runtime =
                audit_file(&(struct audit){ found, findings }, &dynamic);
            say_facts(fd,
                      json_pack("{s:o, s:o, s:O}", "exported",
                                list_exported(&dynamic), "needed",
                                list_needed(&dynamic), "findings", findings));
            if (!lacks_runtime) {
                audit_wants(fd, &dynamic, findings);
            }
        }
    }
    dynamic_free(&dynamic);
    buf_free(&bytes);
}

static void run(void *arg, int fd)
{
    const struct look *look = arg;
    json_t *findings = json_array();
    char why[LONGEST_REASON];
    struct image *image;
    json_t *facts;

    if (look->audit) {
        audit_bytes(look, fd, findings);
    }
    image =
        image_load(look->name, look->file, look->copies_dir, why, sizeof why);
    if (image == NULL) {
        say_why(look, fd, why);
        return;
    }
    child_say(fd, LOADED, NULL, 0);
    if (image_describe(image, why, sizeof why) != 0) {
        say_why(look, fd, why);
        return;
    }
    facts = describe_plugin(&image->plugin);
    json_object_set_new(facts, "hash", json_string(image->hash));
    json_object_set_new(facts, "size", json_integer((json_int_t)image->size));
    if (look->audit) {
        audit_descriptor(&(struct audit){ found, findings }, &image->plugin);
        json_object_set(facts, "findings", findings);
    }
    say_facts(fd, facts);
}

/* ---- the caller -------------------------------------------------------- */

static void ended(void *arg, const struct child_end *end,
                  const struct buf *said)
{
    struct look *look = arg;
    struct child_record record;
    struct buf why = { 0 };
    bool loaded = false;
    size_t at = 0;

    while (child_next(said, &at, &record)) {
        json_t *facts = record.tag == FACTS
                            ? json_loadb(record.data, record.len, 0, NULL)
                            : NULL;

        json_object_update(look->about, facts);
        json_decref(facts);
        loaded = loaded || record.tag == LOADED;
    }
    if (end->how != CHILD_DONE) {
        probe_explain(&why, end, look->file, loaded, look->user);
        json_object_set_new(
            look->about, "why",
            json_string(why.failed ? "out of memory"
                                   : why.data + strlen(look->file) + 1));
        buf_free(&why);
    }
    json_object_set_new(
        look->about, "ok",
        json_boolean(json_object_get(look->about, "why") == NULL));
}

char *look_name(const char *file)
{
    const char *slash = strrchr(file, '/');
    const char *base = slash != NULL ? slash + 1 : file;
    size_t len = strlen(base);

    if (len > 3 && strcmp(base + len - 3, ".so") == 0) {
        len -= 3;
    }
    return strndup(base, len);
}

static void look_at_all(struct look *looks, size_t count, const char *user)
{
    struct child_set children = { .user = user,
                                  .timeout_ms = probe_timeout_ms };

    for (size_t i = 0; i < count; i++) {
        child_start(&children, &(struct child_work){ run, ended, &looks[i] });
    }
    child_wait(&children);
}

json_t *look_at(const char *const *files, size_t count, bool audit,
                const char *user)
{
    struct look *looks = calloc(count + 1, sizeof *looks);
    struct buf copies_dir = { 0 };
    json_t *list = json_array();

    if (looks == NULL || scratch_make(&copies_dir, user) != 0) {
        fprintf(
            stderr, "patchbay: no folder for copies of the plugins: %s: %s\n",
            copies_dir.data != NULL ? copies_dir.data : "", strerror(errno));
        buf_free(&copies_dir);
        json_decref(list);
        free(looks);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        char *name = look_name(files[i]);

        looks[i] = (struct look){
            .file = files[i],
            .name = name,
            .audit = audit,
            .copies_dir = copies_dir.data,
            .user = user,
            .about = json_pack("{s:s, s:s}", "name", name, "file", files[i]),
        };
        json_array_append(list, looks[i].about);
    }
    look_at_all(looks, count, user);
    for (size_t i = 0; i < count; i++) {
        json_decref(looks[i].about);
        free(looks[i].name);
    }
    scratch_remove(&copies_dir);
    free(looks);
    return list;
}

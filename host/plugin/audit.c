/* audit.c - what is wrong with a plugin, or will be one day, and what to do */
#include "plugin/audit.h"

#include <stdarg.h>
#include <string.h>

#include "base/buf.h"
#include "plugin/descriptor.h"

#define SYMBOL      "bay_plugin_descriptor"
#define MOST_LISTED 8 /* names, in a line */

__attribute__((format(printf, 4, 5))) static void
find(const struct audit *audit, enum audit_level level, const char *advice,
     const char *format, ...)
{
    struct buf what = { 0 };
    va_list args;

    va_start(args, format);
    buf_vaddf(&what, format, args);
    va_end(args);
    audit->found(audit->arg, level, what.failed ? "out of memory" : what.data,
                 advice);
    buf_free(&what);
}

const char *audit_level_name(enum audit_level level)
{
    switch (level) {
    case AUDIT_ERROR: return "error";
    case AUDIT_WARNING: return "warning";
    case AUDIT_NOTE: return "note";
    case AUDIT_OK: break;
    }
    return "ok";
}

/* ---- lists of names ---------------------------------------------------- */

struct names {
    struct buf text;
    size_t count;
};

static void add_name(struct names *names, const char *name)
{
    if (names->count++ < MOST_LISTED) {
        buf_addf(&names->text, "%s%s", names->count > 1 ? ", " : "", name);
    }
}

/* "a, b and 3 more"; freed by free_names. */
static const char *text_of(struct names *names)
{
    if (names->count > MOST_LISTED) {
        buf_addf(&names->text, " and %zu more", names->count - MOST_LISTED);
    }
    return names->text.failed || names->text.data == NULL ? "?"
                                                          : names->text.data;
}

static void free_names(struct names *names)
{
    buf_free(&names->text);
}

/* ---- the file ---------------------------------------------------------- */

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* What some linkers export of every object, and AddressSanitizer of every
 * variable. */
static bool is_marker(const char *name)
{
    static const char *const markers[] = { "_init", "_fini", "_edata", "_end",
                                           "__bss_start" };

    for (size_t i = 0; i < sizeof markers / sizeof *markers; i++) {
        if (strcmp(markers[i], name) == 0) {
            return true;
        }
    }
    return begins(name, "__odr_asan.");
}

/*
 * What C++ makes of the standard library's templates in whatever uses them, for
 * all of the process to share: std has its own visibility, which no option of
 * the compiler changes. By the mangled name (Itanium C++ ABI 5.1).
 */
static bool is_standard(const struct dynamic_name *name)
{
    const char *at = name->text + 2;

    if (!begins(name->text, "_Z") || (!name->weak && !name->unique)) {
        return false;
    }
    if (begins(at, "nw") || begins(at, "na") || begins(at, "dl") ||
        begins(at, "da")) {
        return true; /* new and delete */
    }
    at += strspn(at, "Z"); /* what is inside of a function */
    at += begins(at, "GV") ? 2 : 0;
    at += at[0] == 'T' && strchr("VTIS", at[1]) != NULL ? 2 : 0;
    at += strspn(at, "N");
    at += strspn(at, "rVKRO");
    return (at[0] == 'S' && at[1] != 0 && strchr("tabsiod", at[1]) != NULL) ||
           begins(at, "9__gnu_cxx");
}

/* What each name that is exported beside the descriptor leads to. */
static void audit_exported(const struct audit *audit,
                           const struct dynamic_names *exported)
{
    struct names taken = { 0 };
    struct names unique = { 0 };
    struct names others = { 0 };

    for (size_t i = 0; i < exported->count; i++) {
        const struct dynamic_name *name = &exported->list[i];

        if (strcmp(name->text, SYMBOL) == 0 || is_marker(name->text) ||
            is_standard(name)) {
            continue;
        }
        add_name(name->unique                   ? &unique
                 : resolve_is_taken(name->text) ? &taken
                                                : &others,
                 name->text);
    }
    if (taken.count > 0) {
        find(audit, AUDIT_WARNING,
             "compile with -fvisibility=hidden, or call it something else",
             "exports %s, which a library of the host has, too: the plugin's "
             "own calls go to that one",
             text_of(&taken));
    }
    if (unique.count > 0) {
        find(audit, AUDIT_WARNING,
             "compile with -fvisibility=hidden and -fno-gnu-unique",
             "exports %s as unique: every version of the plugin in the process "
             "shares the first one's, over reloads",
             text_of(&unique));
    }
    if (others.count > 0) {
        find(audit, AUDIT_WARNING,
             "compile with -fvisibility=hidden: a plugin exports one "
             "name, " SYMBOL,
             "exports %s: a library that has such a name, too, would get the "
             "plugin's own calls",
             text_of(&others));
    }
    if (taken.count + unique.count + others.count == 0) {
        find(audit, AUDIT_OK, "", "exports " SYMBOL " only");
    }
    free_names(&taken);
    free_names(&unique);
    free_names(&others);
}

static size_t audit_needed(const struct audit *audit,
                           const struct dynamic *dynamic,
                           const struct resolve *resolve)
{
    size_t missing = 0;

    for (size_t i = 0; i < dynamic->needed_count; i++) {
        const char *why = resolve_missing(resolve, i);

        if (why != NULL) {
            missing++;
            find(audit, AUDIT_ERROR,
                 "install it, or link with the library that is there",
                 "needs %s, which cannot be loaded: %s", dynamic->needed[i],
                 why);
        }
    }
    if (dynamic->search_path != NULL &&
        strstr(dynamic->search_path, "$ORIGIN") != NULL) {
        find(audit, AUDIT_WARNING,
             "name the folder in full: -Wl,-rpath,/opt/dice/lib",
             "looks for libraries beside itself (%s), but the host opens a "
             "copy of it in another folder",
             dynamic->search_path);
    }
    return missing;
}

/* The sanitizers' runtimes have to be in the program from its start. */
static bool audit_sanitizer(const struct audit *audit,
                            const struct dynamic *dynamic)
{
    static const struct {
        const char *entry;
        const char *name;
        const char *advice;
    } runtimes[] = {
        { "__asan_init", "AddressSanitizer",
          "build it without -fsanitize, or start this program with "
          "LD_PRELOAD=$(cc -print-file-name=libasan.so)" },
        { "__tsan_init", "ThreadSanitizer", "build it without -fsanitize" },
        { "__msan_init", "MemorySanitizer", "build it without -fsanitize" },
    };
    bool missing = false;

    for (size_t i = 0; i < dynamic->wanted.count; i++) {
        for (size_t k = 0; k < sizeof runtimes / sizeof *runtimes; k++) {
            if (strcmp(dynamic->wanted.list[i].text, runtimes[k].entry) == 0 &&
                !resolve_is_taken(runtimes[k].entry)) {
                missing = true;
                find(audit, AUDIT_ERROR, runtimes[k].advice,
                     "was built with %s, and this host was not",
                     runtimes[k].name);
            }
        }
    }
    return missing;
}

static void audit_wanted(const struct audit *audit,
                         const struct dynamic *dynamic,
                         const struct resolve *resolve, size_t missing)
{
    struct names hosts = { 0 };
    struct names nobodys = { 0 };

    for (size_t i = 0; i < dynamic->wanted.count; i++) {
        const struct dynamic_name *name = &dynamic->wanted.list[i];

        if (name->weak) {
            continue;
        }
        switch (resolve_find(resolve, name->text)) {
        case RESOLVE_HOST: add_name(&hosts, name->text); break;
        case RESOLVE_NOBODY: add_name(&nobodys, name->text); break;
        default: break;
        }
    }
    if (hosts.count > 0) {
        find(audit, AUDIT_WARNING,
             "link with the library that has them; -Wl,-z,defs tells at build",
             "takes %s from a library that this host happens to use, without "
             "being linked with it: a test or another host may lack it",
             text_of(&hosts));
    }
    /* It may well be a library that is missing which has them. */
    if (nobodys.count > 0 && missing == 0) {
        find(audit, AUDIT_ERROR,
             "link with what defines them; -Wl,-z,defs tells at build",
             "wants %s, which no library it is linked with defines",
             text_of(&nobodys));
    }
    if (hosts.count + nobodys.count == 0) {
        find(audit, AUDIT_OK, "", "all names it wants are defined");
    }
    free_names(&hosts);
    free_names(&nobodys);
}

static void audit_memory(const struct audit *audit,
                         const struct dynamic *dynamic)
{
    if (dynamic->writable_code) {
        find(audit, AUDIT_WARNING, "drop -Wl,-N, or the linker script",
             "has a segment that is both writable and executable: what "
             "overruns its data can become code");
    }
    if (dynamic->executable_stack) {
        find(audit, AUDIT_WARNING,
             "link with -Wl,-z,noexecstack; assembler files lack a "
             ".note.GNU-stack section, nested functions need such a stack",
             "makes the stacks of the whole process executable");
    }
    if (dynamic->text_relocations) {
        find(audit, AUDIT_WARNING, "compile all of it with -fPIC",
             "has text relocations: its code is changed as it is loaded, "
             "which hardened systems refuse");
    }
    if (dynamic->static_tls) {
        find(audit, AUDIT_WARNING, "compile without -ftls-model=initial-exec",
             "takes its thread-local variables from a small reserve of the "
             "process: after some reloads it is used up");
    } else if (dynamic->thread_local_size > 0) {
        find(audit, AUDIT_NOTE,
             "keep state in the blocks: bay_route_data, bay_conn_data",
             "has %zu bytes of thread-local variables: deferred work does not "
             "see those of the hooks, and a reload resets them",
             dynamic->thread_local_size);
    }
}

bool audit_file(const struct audit *audit, const struct dynamic *dynamic)
{
    audit_exported(audit, &dynamic->exported);
    audit_memory(audit, dynamic);
    return audit_sanitizer(audit, dynamic);
}

void audit_links(const struct audit *audit, const struct dynamic *dynamic,
                 const struct resolve *resolve)
{
    size_t missing = audit_needed(audit, dynamic, resolve);

    audit_wanted(audit, dynamic, resolve, missing);
}

/* ---- the descriptor ---------------------------------------------------- */

static void audit_hooks(const struct audit *audit, const bay_plugin *plugin)
{
    if (plugin->message == NULL && plugin->open == NULL &&
        plugin->handshake == NULL) {
        find(audit, AUDIT_NOTE,
             "refuse them in a handshake hook, with 404 for example",
             "has an http hook only: WebSocket connections are accepted, too, "
             "and what they send is thrown away");
    } else if (plugin->message == NULL) {
        find(audit, AUDIT_NOTE, "",
             "has no message hook: what clients send is thrown away");
    }
    if ((plugin->flags & BAY_PIECES) != 0 && plugin->message == NULL) {
        find(audit, AUDIT_WARNING, "drop the flag, or set .message",
             "asks for messages in pieces (BAY_PIECES), without a message "
             "hook");
    }
}

static void audit_reload(const struct audit *audit, const bay_plugin *plugin)
{
    bool blocks = plugin->route_size > 0 || plugin->conn_size > 0;
    bool both = plugin->route_size > 0 && plugin->conn_size > 0;
    bool route = plugin->migrate_route != NULL && plugin->route_size > 0;
    bool conn = plugin->migrate_conn != NULL && plugin->conn_size > 0;

    if (plugin->migrate_route != NULL && plugin->route_size == 0) {
        find(audit, AUDIT_WARNING, "set .route_size, or drop the hook",
             "has migrate_route, but no block of the route that it could "
             "fill: route_size is 0");
    }
    if (plugin->migrate_conn != NULL && plugin->conn_size == 0) {
        find(audit, AUDIT_WARNING, "set .conn_size, or drop the hook",
             "has migrate_conn, but no blocks of connections that it could "
             "fill: conn_size is 0");
    }
    if (both && route != conn) {
        find(audit, AUDIT_WARNING,
             "a reload migrates only with a hook for each of the two blocks",
             "has migrate_%s, but no migrate_%s: it is never called",
             route ? "route" : "conn", route ? "conn" : "route");
    }
    if (blocks && plugin->state_version == 0 && !route && !conn) {
        find(audit, AUDIT_NOTE,
             "set .state_version to 1, and raise it when the blocks change",
             "does not say which layout its blocks have: after a reload, "
             "open connections stay with the old code");
    }
}

static void audit_option(const struct audit *audit, const bay_option *option)
{
    bool numeric = option->type == BAY_OPT_INT ||
                   option->type == BAY_OPT_BYTES || option->type == BAY_OPT_MS;

    if (!numeric && (option->min != 0 || option->max != 0)) {
        find(audit, AUDIT_WARNING, "check it in the start hook",
             "has a min and max for option %s, which is no number: nobody "
             "looks at them",
             option->name);
    }
    if (option->help == NULL || option->help[0] == 0) {
        find(audit, AUDIT_NOTE, "patchbay plugin show prints it",
             "has no help for option %s", option->name);
    }
}

void audit_descriptor(const struct audit *audit, const bay_plugin *plugin)
{
    size_t count = descriptor_option_count(plugin);

    audit_hooks(audit, plugin);
    audit_reload(audit, plugin);
    for (size_t i = 0; i < count; i++) {
        audit_option(audit, descriptor_option(plugin, i));
    }
    if (plugin->version[0] == 0) {
        find(audit, AUDIT_NOTE, "set .version in BAY_PLUGIN",
             "does not say which version it is");
    }
    if (plugin->summary[0] == 0) {
        find(audit, AUDIT_NOTE, "set .summary in BAY_PLUGIN",
             "does not say in a line what it does");
    }
    if ((plugin->flags & BAY_SINGLE_WORKER) != 0) {
        find(audit, AUDIT_NOTE,
             "share by topics, to run in as many as there are processors",
             "runs with one worker only (BAY_SINGLE_WORKER)");
    }
}

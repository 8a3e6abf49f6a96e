/* probe.c - looks at plugins in a forked child, which may crash or hang */
#include "plugin/probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/trust.h"
#include "base/user.h"
#include "plugin/image.h"
#include "plugin/inspect.h"
#include "plugin/scratch.h"

#define LONGEST_REASON 2048

uint64_t probe_timeout_ms = 5000;

/* What a child says: the text of a problem with its line for a tag, or one of
 * these, which no line is. */
enum { LOADED = 1 << 30, LOST };

/* What all of the probes share. */
struct check {
    const struct conf *conf;
    const char *copies_dir;
    struct problems *problems;
    struct child_set children;
    struct trust trust;
};

/* One plugin, looked at for all routes that name its file. */
struct probe {
    struct check *check;
    const struct conf_route *route; /* the first of them */
};

/* ---- the child --------------------------------------------------------- */

/* Routes that share a plugin share the faults of its section. */
static bool was_said(const struct problems *problems, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (problems->list[i].line == problems->list[index].line &&
            strcmp(problems->list[i].text, problems->list[index].text) == 0) {
            return true;
        }
    }
    return false;
}

static void say_all(int fd, const struct problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *problem = &problems->list[i];

        if (!was_said(problems, i)) {
            child_say(fd, problem->line, problem->text, strlen(problem->text));
        }
    }
    for (size_t i = 0; i < problems->lost; i++) {
        child_say(fd, LOST, NULL, 0);
    }
}

static void look(void *arg, int fd)
{
    const struct probe *probe = arg;
    const struct conf_route *route = probe->route;
    struct problems problems = { 0 };
    char why[LONGEST_REASON];
    struct image *image = image_load(route->plugin, route->plugin_file,
                                     probe->check->copies_dir, why, sizeof why);

    if (image != NULL) {
        child_say(fd, LOADED, NULL, 0);
    }
    if (image == NULL || image_describe(image, why, sizeof why) != 0) {
        inspect_complain(probe->check->conf, route, &problems, "%s", why);
    } else {
        inspect_plugin(probe->check->conf, route, image, &problems);
    }
    say_all(fd, &problems);
}

/* ---- the caller -------------------------------------------------------- */

void probe_explain(struct buf *out, const struct child_end *end,
                   const char *file, bool loaded, const char *user)
{
    const char *name;

    switch (end->how) {
    case CHILD_DONE: break;
    case CHILD_EXITED:
        buf_addf(out,
                 "%s called exit(%d) while loading: a constructor of it ends "
                 "the process that loads it",
                 file, end->number);
        break;
    case CHILD_CRASHED:
        name = sigabbrev_np(end->number);
        name = name == NULL ? "?" : name;
        if (loaded) {
            buf_addf(out,
                     "%s crashed while its descriptor was read (SIG%s): a "
                     "pointer in BAY_PLUGIN leads nowhere, or a table has no "
                     "end: options ends with { 0 }, subprotocols with NULL",
                     file, name);
            break;
        }
        /* Any program that is made to load the plugin shows where it stands. */
        buf_addf(out,
                 "%s crashed while loading (SIG%s); to see where: gdb -ex 'set "
                 "exec-wrapper env LD_PRELOAD=%s' -ex run /bin/true",
                 file, name, file);
        break;
    case CHILD_LATE:
        buf_addf(out,
                 "%s did not finish loading within %llu ms: a constructor "
                 "hangs; to see where: gdb -ex 'set exec-wrapper env "
                 "LD_PRELOAD=%s' -ex run /bin/true",
                 file, (unsigned long long)probe_timeout_ms, file);
        break;
    case CHILD_FAILED:
        if (strcmp(end->failed, "user") == 0) {
            buf_addf(out, "%s cannot be looked at as user %s: %s", file,
                     user != NULL ? user : "?", strerror(end->number));
        } else {
            buf_addf(out, "%s cannot be looked at: %s: %s", file, end->failed,
                     strerror(end->number));
        }
        break;
    }
}

static bool was_loaded(const struct buf *said)
{
    struct child_record record;
    size_t at = 0;

    while (child_next(said, &at, &record)) {
        if (record.tag == LOADED) {
            return true;
        }
    }
    return false;
}

static void take_over(const struct check *check, const struct buf *said)
{
    struct child_record record;
    size_t at = 0;

    while (child_next(said, &at, &record)) {
        if (record.tag == LOST) {
            check->problems->lost++;
        } else if (record.tag != LOADED) {
            problems_add(check->problems, check->conf->file, record.tag, NULL,
                         NULL, "%.*s", (int)record.len, record.data);
        }
    }
}

static void ended(void *arg, const struct child_end *end,
                  const struct buf *said)
{
    struct probe *probe = arg;
    const struct check *check = probe->check;
    struct buf text = { 0 };

    if (end->how == CHILD_DONE) {
        take_over(check, said);
    } else {
        probe_explain(&text, end, probe->route->plugin_file, was_loaded(said),
                      check->children.user);
        if (text.failed) {
            check->problems->lost++;
        } else {
            inspect_complain(check->conf, probe->route, check->problems, "%s",
                             text.data);
        }
    }
    buf_free(&text);
    free(probe);
}

/* Whether the route names a plugin that none before it did. */
static bool is_first(const struct conf *conf, size_t index)
{
    const char *file = conf->routes[index].plugin_file;

    for (size_t i = 0; file != NULL && i < index; i++) {
        const char *other = conf->routes[i].plugin_file;

        if (other != NULL && strcmp(other, file) == 0) {
            return false;
        }
    }
    return file != NULL;
}

/* Those who could make the host run their code in any case. */
static void trust_those_of(const struct conf *conf, struct trust *trust)
{
    uid_t uid;
    gid_t gid;

    trust_init(trust);
    trust_add_owner(trust, conf->file);
    if (conf->user != NULL && user_find(conf->user, &uid, &gid) == 0) {
        trust_add(trust, uid);
    }
}

static bool is_safe(struct check *check, const struct conf_route *route)
{
    char why[LONGEST_REASON];

    if (trust_check(&check->trust, route->plugin_file, why, sizeof why) == 0) {
        return true;
    }
    inspect_complain(check->conf, route, check->problems, "%s", why);
    return false;
}

static void check_all(struct check *check)
{
    trust_those_of(check->conf, &check->trust);
    for (size_t i = 0; i < check->conf->route_count; i++) {
        struct probe *probe;

        if (!is_first(check->conf, i) ||
            !is_safe(check, &check->conf->routes[i])) {
            continue;
        }
        probe = calloc(1, sizeof *probe);
        if (probe == NULL) {
            check->problems->lost++;
            continue;
        }
        *probe = (struct probe){ check, &check->conf->routes[i] };
        child_start(&check->children,
                    &(struct child_work){ look, ended, probe });
    }
    child_wait(&check->children);
}

/* Makes the folder of the copies, in which the children can write: a temporary
 * one if the caller named none. */
static int make_dir(struct check *check, struct buf *temporary)
{
    const char *dir = check->copies_dir;
    const char *user = check->children.user;
    int result;

    if (dir == NULL) {
        result = scratch_make(temporary, user);
        dir = check->copies_dir = temporary->data;
    } else if (mkdir(dir, 0700) != 0) {
        /* What is wrong with it, if anything, is said when it is used. */
        return 0;
    } else {
        result = scratch_give(dir, user);
    }
    if (result != 0) {
        problems_add(check->problems, check->conf->file, 0, NULL, NULL,
                     "the plugins cannot be looked at: no folder %s for their "
                     "copies: %s",
                     dir != NULL ? dir : "", strerror(errno));
    }
    return result;
}

size_t probe_check(const struct conf *conf, const char *copies_dir,
                   struct problems *problems)
{
    size_t before = problems->count + problems->lost;
    struct buf temporary = { 0 };
    struct check check = {
        .conf = conf,
        .copies_dir = copies_dir,
        .problems = problems,
        .children = {
            .user = geteuid() == 0 ? conf->user : NULL,
            .timeout_ms = probe_timeout_ms,
        },
    };

    if (make_dir(&check, &temporary) == 0) {
        check_all(&check);
        scratch_remove(&temporary);
    }
    buf_free(&temporary);
    return problems->count + problems->lost - before;
}

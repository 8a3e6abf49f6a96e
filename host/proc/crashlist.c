/* crashlist.c - the crash reports of a run_dir, read again for an operator
 *
 * crash.c writes them: lines of a key, in 13 columns, and a value in printable
 * ASCII, up to an empty line. A file may have been changed since: nothing
 * in it is relied on.
 */
#include "proc/crashlist.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proc/crashes.h"
#include "proc/reason.h"
#include "proc/rundir.h"

#define SUFFIX      ".txt"
#define TITLE       "patchbay crash report\n\n"
#define KEY_COLUMNS 13
#define HEAD_MAX    ((size_t)16 << 10)
#define TEXT_MAX    ((size_t)1 << 20)

int crashlist_is_report(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    size_t end = strlen(SUFFIX);

    return entry->d_name[0] != '.' && len > end &&
           strcmp(entry->d_name + len - end, SUFFIX) == 0;
}

/* ---- a file ------------------------------------------------------------ */

/* Never waits, whatever lies there. */
static int open_report(const char *file)
{
    struct stat stat;
    int fd = open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd >= 0 && (fstat(fd, &stat) < 0 || !S_ISREG(stat.st_mode))) {
        close(fd);
        errno = EINVAL;
        return -1;
    }
    return fd;
}

static int read_report(const char *file, size_t most, struct buf *text)
{
    size_t begun = text->len;
    int fd = open_report(file);
    ssize_t got = 1;

    if (fd < 0) {
        return -1;
    }
    while (got > 0 && text->len - begun < most) {
        size_t room = most - (text->len - begun);
        char *to = buf_reserve(text, room < BUFSIZ ? room : BUFSIZ);

        errno = ENOMEM;
        got = to != NULL ? read(fd, to, room < BUFSIZ ? room : BUFSIZ) : -1;
        text->len += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    return got < 0 ? -1 : 0;
}

int crashlist_text(const char *file, struct buf *text)
{
    return read_report(file, TEXT_MAX, text);
}

/* ---- its head ---------------------------------------------------------- */

static void set(json_t *report, const char *key, json_t *value)
{
    if (value != NULL && json_object_get(report, key) == NULL) {
        json_object_set_new(report, key, value);
    } else {
        json_decref(value);
    }
}

static void add_host(json_t *report, const char *value)
{
    const char *place = strstr(value, ", worker ");
    unsigned worker;
    int pid;

    if (place != NULL &&
        sscanf(place, ", worker %u, pid %d", &worker, &pid) == 2) {
        set(report, "worker", json_integer(worker));
        set(report, "pid", json_integer(pid));
        set(report, "host", json_stringn(value, (size_t)(place - value)));
    }
}

static void add_reason(json_t *report, const char *value)
{
    set(report, "hang", json_boolean(strcmp(value, "crash") != 0));
    set(report, "reason", json_string(value));
}

static void add_signal(json_t *report, const char *value)
{
    set(report, "signal", json_integer(strtol(value, NULL, 10)));
    set(report, "fault", json_string(value));
}

/* "chat 1.0"; or "none, as it seems". */
static void add_plugin(json_t *report, const char *value)
{
    const char *space = strchr(value, ' ');
    size_t len = space != NULL ? (size_t)(space - value) : strlen(value);

    if (len > 0 && value[len - 1] != ',') {
        set(report, "plugin", json_stringn(value, len));
        set(report, "version", space != NULL ? json_string(space + 1) : NULL);
    }
}

static const struct {
    const char *key;  /* in the report */
    const char *name; /* in JSON, where the value is taken as it stands */
    void (*add)(json_t *report, const char *value);
} keys[] = {
    { "time", "time", NULL },        { "host", NULL, add_host },
    { "what", "what", NULL },        { "reason", NULL, add_reason },
    { "signal", NULL, add_signal },  { "plugin", NULL, add_plugin },
    { "file", "plugin_file", NULL }, { "route", "route", NULL },
    { "hook", "hook", NULL },        { "connection", "connection", NULL },
    { "peer", "peer", NULL },        { "path", "path", NULL },
};

/* line ends with a 0 byte. */
static void add_line(json_t *report, char *line)
{
    const char *value = line + KEY_COLUMNS;
    size_t len = KEY_COLUMNS;

    while (len > 0 && line[len - 1] == ' ') {
        len--;
    }
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (len == strlen(keys[i].key) &&
            strncmp(line, keys[i].key, len) == 0) {
            if (keys[i].add != NULL) {
                keys[i].add(report, value);
            } else {
                set(report, keys[i].name, json_string(value));
            }
        }
    }
}

static void add_head(json_t *report, char *text)
{
    char *line = text + strlen(TITLE);

    if (strncmp(text, TITLE, strlen(TITLE)) != 0) {
        return;
    }
    while (*line != 0 && *line != '\n') {
        size_t len = strcspn(line, "\n");
        bool last = line[len] == 0;

        line[len] = 0;
        if (len > KEY_COLUMNS) {
            add_line(report, line);
        }
        line += last ? len : len + 1;
    }
}

/* NULL: it has gone meanwhile, or there is no memory. */
static json_t *describe(const char *dir, const char *name)
{
    char path[PATH_MAX];
    struct buf text = { 0 };
    json_t *report = NULL;

    if (rundir_path(dir, name, path, sizeof path) == 0 &&
        read_report(path, HEAD_MAX, &text) == 0) {
        report = json_pack("{s:s, s:s}", "name", name, "file", path);
        buf_add(&text, "", 1);
        if (report != NULL && !text.failed) {
            add_head(report, text.data);
        }
    }
    buf_free(&text);
    return report;
}

/* ---- the folder -------------------------------------------------------- */

static json_t *describe_all(const char *dir, struct dirent **entries, int count)
{
    json_t *list = json_array();
    json_int_t number = 0;

    for (int i = count - 1; i >= 0; i--) {
        json_t *report = describe(dir, entries[i]->d_name);

        if (report != NULL) {
            json_object_set_new(report, "number", json_integer(++number));
            json_array_append_new(list, report);
        }
    }
    return list;
}

json_t *crashlist_read(const char *run_dir, char *why, size_t why_size)
{
    struct dirent **entries = NULL;
    char dir[PATH_MAX];
    json_t *list;
    int count;

    if (rundir_path(run_dir, CRASHES_DIR, dir, sizeof dir) < 0) {
        snprintf(why, why_size, "%s is too long", run_dir);
        return NULL;
    }
    count = scandir(dir, &entries, crashlist_is_report, alphasort);
    if (count < 0 && errno == ENOENT && access(run_dir, F_OK) == 0) {
        return json_array();
    }
    if (count < 0) {
        snprintf(why, why_size, "cannot read %s: %s", dir, reason_errno(errno));
        return NULL;
    }
    list = describe_all(dir, entries, count);
    for (int i = 0; i < count; i++) {
        free(entries[i]);
    }
    free(entries);
    return list;
}

const json_t *crashlist_find(const json_t *list, const char *wanted)
{
    const char *slash = strrchr(wanted, '/');
    const char *name = slash != NULL ? slash + 1 : wanted;
    size_t len = strlen(name);
    const json_t *report;
    size_t i;

    if (len > 0 && len < 10 && strspn(wanted, "0123456789") == len) {
        size_t number = strtoul(wanted, NULL, 10);

        return number > 0 ? json_array_get(list, number - 1) : NULL;
    }
    json_array_foreach(list, i, report)
    {
        const char *each = json_string_value(json_object_get(report, "name"));

        if (strncmp(each, name, len) == 0 &&
            (each[len] == 0 || strcmp(each + len, SUFFIX) == 0)) {
            return report;
        }
    }
    return NULL;
}

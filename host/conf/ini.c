/* ini.c - an INI file: its sections, keys, values and their lines */
#include "conf/ini.h"

#include <errno.h>
#include <fcntl.h>
#include <iniparser.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "conf/scan.h"

/* Far more than any configuration; iniparser takes quadratic time. */
#define MAX_FILE_BYTES ((size_t)256 * 1024)

/* Where iniparser's callback, which has no argument of ours, reports to. */
static struct {
    const char *file;
    struct problems *problems;
} reporting;

static void *grow(void *list, size_t count, size_t *cap, size_t size)
{
    size_t more = *cap == 0 ? 8 : *cap * 2;
    void *grown;

    if (count < *cap) {
        return list;
    }
    grown = realloc(list, more * size);
    if (grown != NULL) {
        *cap = more;
    }
    return grown;
}

struct ini_section *ini_add_section(struct ini *ini, const char *name, int line)
{
    struct ini_section *list =
        grow(ini->sections, ini->count, &ini->cap, sizeof *list);
    char *copy = strdup(name);

    if (list != NULL) {
        ini->sections = list;
    }
    if (list == NULL || copy == NULL) {
        free(copy);
        return NULL;
    }
    list[ini->count] = (struct ini_section){ .name = copy, .line = line };
    return &list[ini->count++];
}

struct ini_key *ini_add_key(struct ini_section *section, const char *name,
                            int line)
{
    struct ini_key *list =
        grow(section->keys, section->count, &section->cap, sizeof *list);
    char *copy = strdup(name);

    if (list != NULL) {
        section->keys = list;
    }
    if (list == NULL || copy == NULL) {
        free(copy);
        return NULL;
    }
    list[section->count] = (struct ini_key){ .name = copy, .line = line };
    return &list[section->count++];
}

const struct ini_section *ini_find_section(const struct ini *ini,
                                           const char *name)
{
    for (size_t i = 0; i < ini->count; i++) {
        if (strcmp(ini->sections[i].name, name) == 0) {
            return &ini->sections[i];
        }
    }
    return NULL;
}

const struct ini_key *ini_find_key(const struct ini_section *section,
                                   const char *name)
{
    for (size_t i = 0; i < section->count; i++) {
        if (strcmp(section->keys[i].name, name) == 0) {
            return &section->keys[i];
        }
    }
    return NULL;
}

static int read_all(int fd, struct buf *text)
{
    for (;;) {
        char *to = buf_reserve(text, 16384);
        ssize_t got = to == NULL ? -1 : read(fd, to, 16384);

        if (got < 0 && to != NULL && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return (int)got;
        }
        text->len += (size_t)got;
        if (text->len > MAX_FILE_BYTES) {
            errno = EFBIG;
            return -1;
        }
    }
}

static int read_file(const char *file, struct buf *text,
                     struct problems *problems)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    struct stat info;
    int result = -1;

    if (fd < 0) {
        problems_add(problems, file, 0, NULL, NULL, "cannot be opened: %s",
                     strerror(errno));
        return -1;
    }
    if (fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) {
        problems_add(problems, file, 0, NULL, NULL, "is a folder, not a file");
    } else if (read_all(fd, text) == 0) {
        result = 0;
    } else if (text->failed) {
        problems_add(problems, file, 0, NULL, NULL, "out of memory");
    } else if (errno == EFBIG) {
        problems_add(problems, file, 0, NULL, NULL,
                     "is larger than %zu KiB: is this the right file?",
                     MAX_FILE_BYTES / 1024);
    } else {
        problems_add(problems, file, 0, NULL, NULL, "cannot be read: %s",
                     strerror(errno));
    }
    close(fd);
    return result;
}

/*
 * iniparser's formats are "iniparser: what in %s (%d):\n-> %s\n" with the text
 * behind the number not always there, and "iniparser: cannot open %s\n".
 */
static int on_iniparser_error(const char *format, ...)
{
    const char *what = format;
    size_t len;
    int line = 0;
    va_list args;

    if (strncmp(what, "iniparser: ", 11) == 0) {
        what += 11;
    }
    len = strcspn(what, "%\n");
    if (strstr(what, " in %s (%d)") != NULL) {
        len = (size_t)(strstr(what, " in %s (%d)") - what);
        va_start(args, format);
        (void)va_arg(args, const char *);
        line = va_arg(args, int);
        va_end(args);
    }
    while (len > 0 && what[len - 1] == ' ') {
        len--;
    }
    problems_add(reporting.problems, reporting.file, line, NULL, NULL,
                 "iniparser says: %.*s", (int)len, what);
    return 0;
}

/* iniparser reads files only, by name: this one lies in memory. */
static dictionary *parse(const struct buf *text)
{
    int fd = memfd_create("patchbay.ini", MFD_CLOEXEC);
    dictionary *values = NULL;
    char name[32];
    size_t at = 0;

    if (fd < 0) {
        return NULL;
    }
    while (at < text->len) {
        ssize_t put = write(fd, text->data + at, text->len - at);

        if (put < 0) {
            break;
        }
        at += (size_t)put;
    }
    if (at == text->len) {
        snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
        iniparser_set_error_callback(on_iniparser_error);
        values = iniparser_load(name);
        iniparser_set_error_callback(NULL);
    }
    close(fd);
    return values;
}

static void take_value(const char *file, const dictionary *values,
                       const struct ini_section *section, struct ini_key *key,
                       struct problems *problems)
{
    struct buf name = { 0 };
    const char *value = NULL;

    buf_addf(&name, "%s:%s", section->name, key->name);
    if (!name.failed) {
        value = iniparser_getstring(values, name.data, NULL);
    }
    buf_free(&name);
    if (value != NULL) {
        key->value = strdup(value);
    }
    if (key->value == NULL) {
        key->bad = true;
        problems_add(problems, file, key->line, section->name, key->name, "%s",
                     value == NULL ? "iniparser does not find this key"
                                   : "out of memory");
    }
}

static int take_values(struct ini *ini, const char *file,
                       const struct buf *text, struct problems *problems)
{
    size_t before = problems->count + problems->lost;
    dictionary *values;

    reporting.file = file;
    reporting.problems = problems;
    values = parse(text);
    reporting.problems = NULL;
    if (values == NULL) {
        if (problems->count + problems->lost == before) {
            problems_add(problems, file, 0, NULL, NULL,
                         "iniparser cannot read it: %s", strerror(errno));
        }
        return -1;
    }
    for (size_t i = 0; i < ini->count; i++) {
        for (size_t k = 0; k < ini->sections[i].count; k++) {
            if (!ini->sections[i].keys[k].bad) {
                take_value(file, values, &ini->sections[i],
                           &ini->sections[i].keys[k], problems);
            }
        }
    }
    iniparser_freedict(values);
    return 0;
}

static struct ini *load_bytes(const char *file, const struct buf *text,
                              struct problems *problems)
{
    struct ini *ini = calloc(1, sizeof *ini);
    struct buf clean = { 0 };
    bool done = false;

    if (ini == NULL || scan_run(ini, file, text, &clean, problems) != 0) {
        problems_add(problems, file, 0, NULL, NULL, "out of memory");
    } else {
        done = take_values(ini, file, &clean, problems) == 0;
    }
    buf_free(&clean);
    if (!done) {
        ini_free(ini);
        return NULL;
    }
    return ini;
}

struct ini *ini_load_text(const char *file, const char *text, size_t len,
                          struct problems *problems)
{
    struct buf bytes = { 0 };
    struct ini *ini = NULL;

    buf_add(&bytes, text, len);
    if (bytes.failed) {
        problems_add(problems, file, 0, NULL, NULL, "out of memory");
    } else {
        ini = load_bytes(file, &bytes, problems);
    }
    buf_free(&bytes);
    return ini;
}

struct ini *ini_load(const char *file, struct problems *problems)
{
    struct buf text = { 0 };
    struct ini *ini = NULL;

    if (read_file(file, &text, problems) == 0) {
        ini = load_bytes(file, &text, problems);
    }
    buf_free(&text);
    return ini;
}

void ini_free(struct ini *ini)
{
    if (ini == NULL) {
        return;
    }
    for (size_t i = 0; i < ini->count; i++) {
        struct ini_section *section = &ini->sections[i];

        for (size_t k = 0; k < section->count; k++) {
            free(section->keys[k].name);
            free(section->keys[k].value);
        }
        free(section->keys);
        free(section->name);
    }
    free(ini->sections);
    free(ini);
}

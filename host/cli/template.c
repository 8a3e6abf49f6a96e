/* template.c - a folder of files with names to be filled in */
#include "cli/template.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/tree.h"

#define FILE_MAX ((size_t)1 << 20)

struct copying {
    const struct template_names *names;
    size_t top; /* of the new folder's path, with its slash */
    void (*each)(void *arg, const char *file);
    void *arg;
    char *why;
    size_t why_size;
};

static int refuse(const struct copying *copying, const char *what,
                  const char *path)
{
    snprintf(copying->why, copying->why_size, "cannot %s %s: %s", what, path,
             strerror(errno));
    return -1;
}

/* Adds text with the places of names filled in. */
static void fill_in(struct buf *out, const char *text, size_t len,
                    const struct template_names *names)
{
    const char *end = text + len;

    while (text < end) {
        const char *at = memchr(text, '@', (size_t)(end - text));

        if (at == NULL) {
            at = end;
        }
        buf_add(out, text, (size_t)(at - text));
        text = at;
        if (end - text >= 6 && memcmp(text, "@NAME@", 6) == 0) {
            buf_adds(out, names->name);
            text += 6;
        } else if (end - text >= 7 && memcmp(text, "@IDENT@", 7) == 0) {
            buf_adds(out, names->ident);
            text += 7;
        } else if (text < end) {
            buf_add(out, text++, 1);
        }
    }
}

static int read_file(const struct copying *copying, const char *path,
                     struct buf *text)
{
    FILE *file = fopen(path, "re");
    char *room;

    if (file == NULL) {
        return refuse(copying, "read", path);
    }
    room = buf_reserve(text, FILE_MAX);
    if (room != NULL) {
        text->len = fread(room, 1, FILE_MAX, file);
    }
    if (room == NULL || ferror(file)) {
        fclose(file);
        return refuse(copying, "read", path);
    }
    fclose(file);
    return 0;
}

static int write_file(const struct copying *copying, const char *path,
                      const struct buf *text)
{
    FILE *file = fopen(path, "wxe");

    if (file == NULL) {
        return refuse(copying, "write", path);
    }
    if (text->len > 0) {
        fwrite(text->data, 1, text->len, file);
    }
    if (ferror(file) || fclose(file) != 0) {
        return refuse(copying, "write", path);
    }
    return 0;
}

static int copy_file(const struct copying *copying, const char *from,
                     const char *to)
{
    struct buf raw = { 0 }, text = { 0 };
    int status = read_file(copying, from, &raw);

    if (status == 0) {
        fill_in(&text, raw.data, raw.len, copying->names);
        errno = ENOMEM;
        status = text.failed ? refuse(copying, "read", from)
                             : write_file(copying, to, &text);
    }
    if (status == 0 && copying->each != NULL) {
        copying->each(copying->arg, to + copying->top);
    }
    buf_free(&raw);
    buf_free(&text);
    return status;
}

static int copy_folder(const struct copying *copying, const char *from,
                       const char *to);

static int copy_entry(const struct copying *copying, const char *from,
                      const char *to, const char *name)
{
    struct buf source = { 0 }, target = { 0 };
    struct stat info;
    int status = -1;

    buf_addf(&source, "%s/%s", from, name);
    buf_addf(&target, "%s/", to);
    if (strcmp(name, "gitignore") == 0) {
        name = ".gitignore";
    }
    fill_in(&target, name, strlen(name), copying->names);
    if (source.failed || target.failed) {
        errno = ENOMEM;
        refuse(copying, "copy", name);
    } else if (stat(source.data, &info) != 0) {
        refuse(copying, "read", source.data);
    } else if (S_ISDIR(info.st_mode)) {
        status = copy_folder(copying, source.data, target.data);
    } else {
        status = copy_file(copying, source.data, target.data);
    }
    buf_free(&source);
    buf_free(&target);
    return status;
}

static int no_dots(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int copy_folder(const struct copying *copying, const char *from,
                       const char *to)
{
    struct dirent **entries;
    int count = scandir(from, &entries, no_dots, alphasort);
    int status = 0;

    if (count < 0) {
        return refuse(copying, "read", from);
    }
    if (mkdir(to, 0777) != 0) {
        status = refuse(copying, "make", to);
    }
    for (int i = 0; i < count; i++) {
        if (status == 0) {
            status = copy_entry(copying, from, to, entries[i]->d_name);
        }
        free(entries[i]);
    }
    free(entries);
    return status;
}

int template_copy(const char *from, const char *to,
                  const struct template_names *names,
                  void (*each)(void *arg, const char *file), void *arg,
                  char *why, size_t why_size)
{
    const struct copying copying = { .names = names,
                                     .top = strlen(to) + 1,
                                     .each = each,
                                     .arg = arg,
                                     .why = why,
                                     .why_size = why_size };
    struct stat info;

    if (lstat(to, &info) == 0) {
        snprintf(why, why_size,
                 "%s is there already, and is left as it is: choose another "
                 "name, or another folder with --dir",
                 to);
        return -1;
    }
    if (copy_folder(&copying, from, to) != 0) {
        tree_remove(to);
        return -1;
    }
    return 0;
}

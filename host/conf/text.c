/* text.c - small things done to the text of a value */
#include "conf/text.h"

#include <ctype.h>
#include <string.h>

#include "conf/conf.h"

bool text_next(const char **at, struct buf *item)
{
    const char *from = *at;
    const char *end;

    if (from == NULL) {
        return false;
    }
    end = from + strcspn(from, ",");
    *at = *end == ',' ? end + 1 : NULL;
    while (from < end && isspace((unsigned char)*from)) {
        from++;
    }
    while (end > from && isspace((unsigned char)end[-1])) {
        end--;
    }
    buf_clear(item);
    buf_add(item, from, (size_t)(end - from));
    return !item->failed;
}

char *text_absolute(const char *folder, const char *path)
{
    struct buf out = { 0 };

    if (*path == '/') {
        return strdup(path);
    }
    buf_adds(&out, folder);
    for (;;) {
        if (strncmp(path, "./", 2) == 0) {
            path += 2;
        } else if (strncmp(path, "../", 3) == 0 || strcmp(path, "..") == 0) {
            path += path[2] == '/' ? 3 : 2;
            while (out.len > 0 && out.data[--out.len] != '/') {
            }
        } else if (*path == '/') {
            path++;
        } else {
            break;
        }
    }
    if (strcmp(path, ".") != 0 && *path != 0) {
        if (out.len == 0 || out.data[out.len - 1] != '/') {
            buf_adds(&out, "/");
        }
        buf_adds(&out, path);
    }
    if (out.len == 0) {
        buf_adds(&out, "/");
    }
    if (out.failed) {
        buf_free(&out);
        return NULL;
    }
    out.data[out.len] = 0;
    return out.data;
}

bool text_is_name(const char *text)
{
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-");

    return len > 0 && len <= CONF_MAX_NAME && text[len] == 0;
}

void text_suggest(struct buf *why, const char *word)
{
    if (word != NULL) {
        buf_addf(why, ", did you mean \"%s\"?", word);
    }
}

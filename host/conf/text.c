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

static void cut_slashes(struct buf *path)
{
    while (path->len > 0 && path->data[path->len - 1] == '/') {
        path->data[--path->len] = 0;
    }
}

/* Takes leading ./ and ../ off path; folder loses a name for each ../ */
static const char *climb(struct buf *folder, const char *path)
{
    for (;;) {
        size_t len = strcspn(path, "/");

        if (len == 2 && memcmp(path, "..", 2) == 0) {
            while (folder->len > 0 && folder->data[folder->len - 1] != '/') {
                folder->len--;
            }
            cut_slashes(folder);
        } else if (len > 1 || (len == 1 && *path != '.')) {
            return path;
        }
        if (path[len] == 0) {
            return path + len;
        }
        path += len + 1;
    }
}

char *text_absolute(const char *folder, const char *path)
{
    struct buf out = { 0 };

    buf_adds(&out, *path == '/' ? "" : folder);
    if (!out.failed) {
        cut_slashes(&out);
        path = *path == '/' ? path + 1 : climb(&out, path);
        buf_addf(&out, "/%s", path);
    }
    if (out.failed) {
        buf_free(&out);
        return NULL;
    }
    cut_slashes(&out);
    return out.len == 0 ? strcpy(out.data, "/") : out.data;
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

/* candidate.c - what a reload may bring: the INI file and all that it names */
#include "proc/candidate.h"

#include <string.h>

#include "plugin/image.h"
#include "proc/reason.h"

static int read_whole(const char *path, struct buf *buf, char *why,
                      size_t why_size)
{
    char reason[REASON_SIZE];

    if (image_read(path, buf, reason, sizeof reason) < 0) {
        return reason_set(why, why_size, "%s %s", path, reason);
    }
    return 0;
}

int candidate_read(struct candidate *candidate, const char *file,
                   const char *images_dir, char *why, size_t why_size)
{
    struct problems problems = { 0 };

    *candidate = (struct candidate){ 0 };
    if (read_whole(file, &candidate->text, why, why_size) < 0) {
        return -1;
    }
    candidate->conf = conf_load_text(file, candidate->text.data,
                                     candidate->text.len, &problems);
    if (candidate->conf == NULL) {
        reason_set(why, why_size, "%s",
                   problems.count > 0 ? problems.list[0].text
                                      : "out of memory");
    }
    problems_free(&problems);
    if (candidate->conf == NULL) {
        return -1;
    }
    if (pins_make(&candidate->pins, candidate->conf, images_dir, why,
                  why_size) < 0) {
        return -1;
    }
    return pems_read(&candidate->pems, candidate->conf, why, why_size);
}

static bool same_bytes(const struct buf *a, const struct buf *b)
{
    return a->len == b->len &&
           (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

bool candidate_equal(const struct candidate *a, const struct candidate *b)
{
    return a->conf != NULL && b->conf != NULL &&
           same_bytes(&a->text, &b->text) && pins_equal(&a->pins, &b->pins) &&
           pems_equal(&a->pems, &b->pems);
}

int candidate_take_addresses(struct candidate *candidate,
                             const struct check_found *found)
{
    struct conf *conf = candidate->conf;

    for (size_t i = 0; i < found->listen_count; i++) {
        struct conf_listen *listen = &conf->listen[conf->listen_count];

        *listen = found->listen[i];
        listen->text = strdup(found->listen[i].text);
        if (listen->text == NULL) {
            return -1;
        }
        conf->listen_count++;
    }
    return 0;
}

void candidate_free(struct candidate *candidate)
{
    conf_free(candidate->conf);
    pins_free(&candidate->pins);
    buf_free(&candidate->text);
    pems_free(&candidate->pems);
    *candidate = (struct candidate){ 0 };
}

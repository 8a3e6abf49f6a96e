/* pems.c - the PEM files that a configuration names, and their texts */
#include "net/pems.h"

#include <stdio.h>
#include <string.h>

#include "plugin/image.h"

size_t pems_files(const struct conf *conf, const char *files[PEMS_MAX])
{
    size_t count = 0;

    if (conf->tls_cert == NULL || conf->tls_key == NULL) {
        return 0;
    }
    files[count++] = conf->tls_cert;
    files[count++] = conf->tls_key;
    for (size_t i = 0; i < conf->certificate_count; i++) {
        files[count++] = conf->certificates[i].cert;
        files[count++] = conf->certificates[i].key;
    }
    if (conf->tls_client_ca != NULL) {
        files[count++] = conf->tls_client_ca;
    }
    return count;
}

int pems_read(struct pems *pems, const struct conf *conf, char *why,
              size_t why_size)
{
    const char *files[PEMS_MAX];
    size_t count = pems_files(conf, files);

    *pems = (struct pems){ .count = 0 };
    for (size_t i = 0; i < count; i++) {
        struct buf *text = &pems->texts[pems->count++];
        char reason[512];
        int status = image_read(files[i], text, reason, sizeof reason);

        if (status == 0) {
            buf_add(text, "", 1);
        }
        if (status != 0 || text->failed) {
            snprintf(why, why_size, "%s %s", files[i],
                     status != 0 ? reason : "cannot be read: out of memory");
            pems_free(pems);
            return -1;
        }
    }
    return 0;
}

int pems_add(struct pems *pems, const char *text)
{
    if (pems->count == PEMS_MAX) {
        return -1;
    }
    buf_add(&pems->texts[pems->count++], text, strlen(text) + 1);
    return pems->texts[pems->count - 1].failed ? -1 : 0;
}

bool pems_equal(const struct pems *a, const struct pems *b)
{
    bool equal = a->count == b->count;

    for (size_t i = 0; equal && i < a->count; i++) {
        equal =
            a->texts[i].len == b->texts[i].len &&
            memcmp(a->texts[i].data, b->texts[i].data, a->texts[i].len) == 0;
    }
    return equal;
}

void pems_move(struct pems *to, struct pems *from)
{
    *to = *from;
    *from = (struct pems){ .count = 0 };
}

/* Keys are not left in memory that others will get. */
void pems_free(struct pems *pems)
{
    for (size_t i = 0; i < pems->count; i++) {
        if (pems->texts[i].data != NULL) {
            explicit_bzero(pems->texts[i].data, pems->texts[i].len);
        }
        buf_free(&pems->texts[i]);
    }
    *pems = (struct pems){ .count = 0 };
}

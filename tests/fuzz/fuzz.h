/* fuzz.h - what the fuzz targets share
 *
 * A target gets bytes that libFuzzer made of its corpus, again and again in
 * one process. It ends the process if something is wrong: fuzz_check is an
 * assertion that no build leaves out.
 */
#ifndef PATCHBAY_TESTS_FUZZ_H
#define PATCHBAY_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define fuzz_check(condition)                                          \
    do {                                                               \
        if (!(condition)) {                                            \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, \
                    #condition);                                       \
            abort();                                                   \
        }                                                              \
    } while (0)

/* A copy of its own with a 0 byte behind it, so that the sanitizer sees what
 * is read beyond. To be freed. */
static inline char *fuzz_text(const void *data, size_t len)
{
    char *text = malloc(len + 1);

    fuzz_check(text != NULL);
    if (len > 0) {
        memcpy(text, data, len);
    }
    text[len] = '\0';
    return text;
}

/* An exact copy, without the 0 byte. To be freed. */
static inline void *fuzz_copy(const void *data, size_t len)
{
    void *copy = malloc(len > 0 ? len : 1);

    fuzz_check(copy != NULL);
    if (len > 0) {
        memcpy(copy, data, len);
    }
    return copy;
}

/* The next line of a text that is cut up in place; NULL at the end. */
static inline char *fuzz_line(char **text)
{
    char *line = *text;
    char *end;

    if (line == NULL) {
        return NULL;
    }
    end = strchr(line, '\n');
    if (end != NULL) {
        *end = '\0';
        *text = end + 1;
    } else {
        *text = NULL;
    }
    return line;
}

/* The same number for the same bytes: decides how an input is cut up. */
static inline uint32_t fuzz_hash(const uint8_t *data, size_t len)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ data[i]) * 16777619u;
    }
    return hash ^ hash >> 15;
}

#endif

/* fuzz_resume.c - where a client that comes again says that it was */
#include "fuzz.h"

#include "base/buf.h"
#include "core/resume.h"

static void check(const struct resume *resume)
{
    struct position at;

    fuzz_check(resume->count <= RESUME_POINTS);
    for (unsigned i = 0; i < resume->count; i++) {
        fuzz_check(resume_find(resume, resume->points[i].key, &at));
    }
}

/* As the server writes it, it reads as the same. */
static void there_and_back(const struct resume *resume)
{
    size_t size = sizeof *resume + resume->count * sizeof resume->points[0];
    struct buf text = { 0 };
    struct resume *again;
    const char *why = NULL;

    buf_addf(&text, "%llu", (unsigned long long)resume->former);
    for (unsigned i = 0; i < resume->count; i++) {
        const struct resume_point *point = &resume->points[i];

        buf_addf(&text, ",%016llx.%llx.%llu", (unsigned long long)point->key,
                 (unsigned long long)point->at.epoch,
                 (unsigned long long)point->at.offset);
    }
    again = resume_parse(text.data, &why);
    fuzz_check(again != NULL && memcmp(again, resume, size) == 0);
    free(again);
    buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *text = fuzz_text(data, len);
    const char *why = NULL;
    struct resume *resume = resume_parse(text, &why);

    if (resume != NULL) {
        check(resume);
        there_and_back(resume);
    } else {
        fuzz_check(why != NULL && *why != '\0');
    }
    free(resume);
    free(text);
    return 0;
}

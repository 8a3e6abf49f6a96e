/* complain.c - what a plugin does wrong though no client may notice */
#include <stdlib.h>
#include <string.h>

#include "kit.h"

/* One that was announced. */
static bool is_wanted(bay_test *test, const char *text)
{
    for (struct kit_want *want = test->wants; want != NULL; want = want->next) {
        if (!want->met && strstr(text, want->part) != NULL) {
            want->met = true;
            return true;
        }
    }
    return false;
}

void kit_complain(bay_test *test, const char *format, ...)
{
    struct buf text = { 0 };
    va_list args;

    va_start(args, format);
    buf_vaddf(&text, format, args);
    va_end(args);
    if (!is_wanted(test, text.data)) {
        struct kit_complaint **at = &test->complaints;

        while (*at != NULL) {
            at = &(*at)->next;
        }
        *at = kit_alloc(sizeof **at);
        (*at)->text = kit_copy(text.data);
    }
    buf_free(&text);
}

static void free_all(struct kit_complaint **list)
{
    while (*list != NULL) {
        struct kit_complaint *it = *list;

        *list = it->next;
        free(it->text);
        free(it);
    }
}

/* The report may leave by longjmp: all is counted, and in one text. */
static void report(const char *name, struct kit_complaint *list)
{
    static char told[4096];
    size_t len = 0;

    for (struct kit_complaint *it = list; it != NULL; it = it->next) {
        if (!it->told) {
            it->told = true;
            kit.complaints++;
            if (len < sizeof told) {
                len += (size_t)snprintf(told + len, sizeof told - len,
                                        "%s%s: complaint: %s",
                                        len > 0 ? "\n" : "", name, it->text);
            }
        }
    }
    if (len > 0) {
        kit_tell(told);
    }
}

void kit_report_complaints(bay_test *test)
{
    report(test->name, test->complaints);
}

int bay_test_complaints(const bay_test *test)
{
    int count = 0;

    if (test != NULL) {
        for (const struct kit_complaint *it = test->complaints; it != NULL;
             it = it->next) {
            count++;
        }
    }
    return count;
}

void bay_test_want_complaint(bay_test *test, const char *part)
{
    struct kit_want *want;

    if (test == NULL) {
        return;
    }
    want = kit_alloc(sizeof *want + strlen(part) + 1);
    strcpy(want->part, part);
    want->next = test->wants;
    test->wants = want;
}

void kit_check_wants(bay_test *test)
{
    while (test->wants != NULL) {
        struct kit_want *want = test->wants;

        test->wants = want->next;
        if (!want->met) {
            kit_complain(test,
                         "a complaint with \"%s\" in it was wanted, and none "
                         "came",
                         want->part);
        }
        free(want);
    }
}

/* Those of a test that is gone. */
void kit_report_last(const char *name, struct kit_complaint *list)
{
    report(name, list);
    free_all(&list);
}

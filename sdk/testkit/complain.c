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

/* Not before the library returns: the report may leave by longjmp. */
void kit_report_complaints(bay_test *test)
{
    for (struct kit_complaint *it = test->complaints; it != NULL;
         it = it->next) {
        if (!it->told) {
            struct buf text = { 0 };
            char copy[1024];

            it->told = true;
            kit.complaints++;
            buf_addf(&text, "%s: complaint: %s", test->name, it->text);
            snprintf(copy, sizeof copy, "%s", text.data);
            buf_free(&text);
            kit_tell(copy);
        }
    }
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

void kit_free_complaints(bay_test *test)
{
    while (test->complaints != NULL) {
        struct kit_complaint *it = test->complaints;

        test->complaints = it->next;
        free(it->text);
        free(it);
    }
}

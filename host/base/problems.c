/* problems.c - what is wrong with a configuration, all of it at once */
#include "base/problems.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

static struct problem *make_room(struct problems *problems)
{
    if (problems->count == problems->cap) {
        size_t cap = problems->cap == 0 ? 16 : problems->cap * 2;
        struct problem *list =
            realloc(problems->list, cap * sizeof *problems->list);

        if (list == NULL) {
            return NULL;
        }
        problems->list = list;
        problems->cap = cap;
    }
    return &problems->list[problems->count];
}

void problems_add(struct problems *problems, const char *file, int line,
                  const char *section, const char *key, const char *format, ...)
{
    struct problem *problem = make_room(problems);
    char *copy = strdup(file);
    struct buf text = { 0 };
    va_list args;

    if (section != NULL) {
        buf_addf(&text, "[%s]%s", section, key == NULL ? ": " : " ");
    }
    if (key != NULL) {
        buf_addf(&text, "%s: ", key);
    }
    va_start(args, format);
    buf_vaddf(&text, format, args);
    va_end(args);
    if (problem == NULL || copy == NULL || text.failed) {
        free(copy);
        buf_free(&text);
        problems->lost++;
        return;
    }
    *problem =
        (struct problem){ .file = copy, .line = line, .text = text.data };
    problems->count++;
}

/* Stable, and good for the few dozen there may be. */
void problems_sort(struct problems *problems)
{
    for (size_t i = 1; i < problems->count; i++) {
        struct problem problem = problems->list[i];
        size_t at = i;

        while (at > 0 && problems->list[at - 1].line > problem.line) {
            problems->list[at] = problems->list[at - 1];
            at--;
        }
        problems->list[at] = problem;
    }
}

void problems_print(struct problems *problems, FILE *out)
{
    problems_sort(problems);
    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *problem = &problems->list[i];

        if (problem->line > 0) {
            fprintf(out, "%s:%d: %s\n", problem->file, problem->line,
                    problem->text);
        } else {
            fprintf(out, "%s: %s\n", problem->file, problem->text);
        }
    }
    if (problems->lost > 0) {
        fprintf(out, "out of memory: %zu more problems could not be kept\n",
                problems->lost);
    }
}

void problems_free(struct problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        free(problems->list[i].file);
        free(problems->list[i].text);
    }
    free(problems->list);
    *problems = (struct problems){ 0 };
}

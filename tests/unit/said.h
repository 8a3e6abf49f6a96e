/* said.h - what problems.h prints, compared with what it should */
#ifndef PATCHBAY_TESTS_SAID_H
#define PATCHBAY_TESTS_SAID_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/problems.h"

/* Empties problems. */
static inline void said(struct problems *problems, const char *expected)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    assert_non_null(out);
    problems_print(problems, out);
    problems_free(problems);
    fclose(out);
    assert_string_equal(text, expected);
    free(text);
}

#endif

/* test_offer.c - which offers of permessage-deflate are taken, and how */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/offer.h"

#define PMD    "permessage-deflate"
#define ANSWER PMD "; server_no_context_takeover; client_no_context_takeover"

static void offers(void **state)
{
    static const struct {
        const char *text;
        unsigned bits; /* 0: not taken */
    } cases[] = {
        { PMD, 15 },
        { "  " PMD "  ", 15 },
        { PMD "; client_max_window_bits", 15 },
        { PMD "; client_max_window_bits=8", 15 },
        { PMD "; client_max_window_bits=\"15\"", 15 },
        { PMD ";server_no_context_takeover;client_no_context_takeover", 15 },
        { PMD "; server_max_window_bits=9", 9 },
        { PMD " ; server_max_window_bits = \"12\" ", 12 },
        { PMD "; server_max_window_bits=15", 15 },
        { "x-unknown, " PMD, 15 },
        { "x-unknown; a=b; c=\"d\", " PMD "; server_max_window_bits=10", 10 },
        { ", ," PMD ",", 15 },
        /* the first that can be met */
        { PMD "; server_max_window_bits=8, " PMD "; server_max_window_bits=11",
          11 },
        { PMD "; server_max_window_bits=9, " PMD, 9 },
        /* none that can be met */
        { "", 0 },
        { "permessage-bzip2", 0 },
        { "Permessage-Deflate", 0 },
        { PMD "; server_max_window_bits=8", 0 },
        { PMD "; server_max_window_bits", 0 },
        { PMD "; server_max_window_bits=16", 0 },
        { PMD "; server_max_window_bits=7", 0 },
        { PMD "; server_max_window_bits=09", 0 },
        { PMD "; server_max_window_bits=150", 0 },
        { PMD "; server_max_window_bits=1", 0 },
        { PMD "; client_max_window_bits=16", 0 },
        { PMD "; client_max_window_bits=x", 0 },
        { PMD "; server_no_context_takeover=1", 0 },
        { PMD "; client_no_context_takeover=\"true\"", 0 },
        { PMD "; server_no_context_takeover; server_no_context_takeover", 0 },
        { PMD "; client_max_window_bits; client_max_window_bits=9", 0 },
        { PMD "; unknown", 0 },
        /* not what RFC 6455 section 9.1 allows */
        { PMD ";", 0 },
        { PMD "; =9", 0 },
        { PMD "; server_max_window_bits=", 0 },
        { PMD "; server_max_window_bits=\"9", 0 },
        { PMD "; server_max_window_bits=\"\"", 0 },
        { PMD "; server_max_window_bits=\"9 \"", 0 },
        { PMD " " PMD, 0 },
        { PMD ", @", 0 },
        { PMD "; a234567890123456789012345678901234567890", 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct offer offer = { 0 };
        char expected[200];
        bool taken = offer_take(cases[i].text, &offer);

        if (taken != (cases[i].bits > 0) || offer.bits != cases[i].bits) {
            fail_msg("%s: %u", cases[i].text, offer.bits);
        }
        if (taken) {
            if (cases[i].bits < 15 ||
                strstr(cases[i].text, "server_max_window_bits=15") != NULL) {
                snprintf(expected, sizeof expected,
                         ANSWER "; server_max_window_bits=%u", cases[i].bits);
            } else {
                snprintf(expected, sizeof expected, ANSWER);
            }
            assert_string_equal(offer.answer, expected);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(offers) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_bucket.c - so many at once, so many in the long run */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bucket.h"

#define COST  10u         /* 100 in 1000 */
#define DEPTH (5u * COST) /* 5 at once */

static int take_all(uint64_t *full_at, uint64_t now)
{
    int n = 0;
    uint64_t kept = *full_at;

    while (bucket_take(full_at, now, COST) <= DEPTH) {
        kept = *full_at;
        n++;
    }
    *full_at = kept;
    return n;
}

static void bounds(void **state)
{
    uint64_t full_at = 0;
    int sum = 0;

    (void)state;
    assert_int_equal(take_all(&full_at, 1000), 5);
    assert_int_equal(take_all(&full_at, 1000), 0);
    assert_int_equal(take_all(&full_at, 1009), 0);
    assert_int_equal(take_all(&full_at, 1010), 1);
    assert_int_equal(take_all(&full_at, 5000), 5); /* never more */
    for (uint64_t now = 6001; now <= 7000; now++) {
        sum += take_all(&full_at, now);
    }
    assert_in_range(sum, 104, 105);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

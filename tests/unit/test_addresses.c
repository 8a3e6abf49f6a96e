/* test_addresses.c - how many connections an address has, and how often */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/addresses.h"

#define SEED UINT64_C(0x123456789abcdef)

static struct addresses table;

static int make(void **state)
{
    (void)state;
    table.cells = calloc(ADDRESS_CELLS, sizeof *table.cells);
    table.seed = SEED;
    return table.cells == NULL;
}

static int unmake(void **state)
{
    (void)state;
    free(table.cells);
    return 0;
}

static uint64_t key(const char *text)
{
    return address_key(SEED, text, 0);
}

static void known_by_their_keys(void **state)
{
    (void)state;
    assert_int_not_equal(key("192.0.2.1"), 0);
    assert_int_equal(key("192.0.2.1"), key("192.0.2.1"));
    assert_int_not_equal(key("192.0.2.1"), key("192.0.2.2"));
    assert_int_not_equal(key("192.0.2.1"), address_key(SEED, "192.0.2.1", 1));
    assert_int_not_equal(key("192.0.2.1"),
                         address_key(SEED + 1, "192.0.2.1", 0));
    /* A network of IPv6 is one client. */
    assert_int_equal(key("2001:db8::1"), key("2001:db8::ffff:2"));
    assert_int_not_equal(key("2001:db8::1"), key("2001:db8:0:1::1"));
    /* Who has no address is not counted. */
    assert_int_equal(key("unix"), 0);
    assert_int_equal(key("unknown"), 0);
    assert_int_equal(key(""), 0);
}

static void counted(void **state)
{
    uint64_t one = key("192.0.2.1"), two = key("192.0.2.2");
    struct address_cell *cell, *other;

    (void)state;
    assert_int_equal(address_count(&table, one), 0);
    cell = address_add(&table, one);
    assert_ptr_equal(address_add(&table, one), cell);
    other = address_add(&table, two);
    assert_int_equal(address_count(&table, one), 2);
    assert_int_equal(address_count(&table, two), 1);
    address_remove(cell);
    assert_int_equal(address_count(&table, one), 1);
    address_remove(cell);
    assert_int_equal(address_count(&table, one), 0);
    assert_int_equal(address_count(&table, two), 1);
    address_remove(other);
    address_remove(NULL);
}

/* Keys that begin at the same cell. */
static void neighbours(void **state)
{
    struct address_cell *cells[33];

    (void)state;
    for (uint64_t i = 0; i < 33; i++) {
        cells[i] = address_add(&table, 5 + i * ADDRESS_CELLS);
    }
    assert_null(cells[32]); /* no room: not counted */
    assert_int_equal(address_count(&table, 5 + 32 * ADDRESS_CELLS), 0);
    assert_int_equal(address_count(&table, 5 + 31 * ADDRESS_CELLS), 1);
    address_remove(cells[3]);
    assert_ptr_equal(address_add(&table, 5 + 32 * ADDRESS_CELLS), cells[3]);
    assert_int_equal(address_count(&table, 5 + 3 * ADDRESS_CELLS), 0);
    /* Found behind a hole, and not added once more in it. */
    address_remove(cells[0]);
    assert_ptr_equal(address_add(&table, 5 + 9 * ADDRESS_CELLS), cells[9]);
    /* And around the end of the table. */
    assert_non_null(address_add(&table, ADDRESS_CELLS - 1));
    assert_non_null(address_add(&table, 2 * ADDRESS_CELLS - 1));
    assert_int_equal(address_count(&table, 2 * ADDRESS_CELLS - 1), 1);
}

static void many(void **state)
{
    char text[32];

    (void)state;
    for (int i = 0; i < 50000; i++) {
        snprintf(text, sizeof text, "10.%d.%d.1", i >> 8, i & 255);
        assert_non_null(address_add(&table, key(text)));
    }
    for (int i = 0; i < 50000; i++) {
        snprintf(text, sizeof text, "10.%d.%d.1", i >> 8, i & 255);
        assert_int_equal(address_count(&table, key(text)), 1);
    }
}

static void so_many_a_second(void **state)
{
    uint64_t one = key("192.0.2.1");
    int n = 0;

    (void)state;
    while (address_take(&table, one, 1000000, 1000, 5000)) {
        n++;
    }
    assert_int_equal(n, 5);
    assert_true(address_take(&table, key("192.0.2.2"), 1000000, 1000, 5000));
    assert_false(address_take(&table, one, 1000999, 1000, 5000));
    assert_true(address_take(&table, one, 1001000, 1000, 5000));
    assert_false(address_take(&table, one, 1001000, 1000, 5000));
}

/* More addresses than there are cells for: who connects least is forgotten. */
static void forgets_the_least(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        assert_true(address_take(&table, 7, 1000000, 1000, 5000));
    }
    for (uint64_t i = 1; i < 200; i++) {
        assert_true(
            address_take(&table, 7 + i * ADDRESS_CELLS, 1000000, 1000, 5000));
    }
    assert_false(address_take(&table, 7, 1000000, 1000, 5000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_by_their_keys),
        cmocka_unit_test_setup_teardown(counted, make, unmake),
        cmocka_unit_test_setup_teardown(neighbours, make, unmake),
        cmocka_unit_test_setup_teardown(many, make, unmake),
        cmocka_unit_test_setup_teardown(so_many_a_second, make, unmake),
        cmocka_unit_test_setup_teardown(forgets_the_least, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

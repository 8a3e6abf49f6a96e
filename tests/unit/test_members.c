/* test_members.c - the order, the labels, the sums */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/id.h"
#include "core/members.h"

static struct member *add(struct members *members, bay_id id, uint64_t at,
                          const char *label)
{
    struct member_facts facts = {
        .id = id, .joined_ms = at, .label = label, .label_len = strlen(label)
    };
    struct member *member = members_add(members, &facts);

    assert_non_null(member);
    return member;
}

static void test_labels(void **state)
{
    char longest[66];

    (void)state;
    memset(longest, 'a', sizeof longest);
    assert_true(members_label_valid("a", 1));
    assert_true(members_label_valid("J\xc3\xbcrgen B", 9));
    assert_true(members_label_valid(longest, 64));
    assert_false(members_label_valid(longest, 65));
    assert_false(members_label_valid("", 0));
    assert_false(members_label_valid("a\n", 2));
    assert_false(members_label_valid("a\0b", 3));
    assert_false(members_label_valid("\x7f", 1));
    assert_false(members_label_valid("\xc2\x85", 2));
    assert_false(members_label_valid("\xc3", 1));
    assert_false(members_label_valid("\xed\xa0\x80", 3));
}

static void check_order(const struct members *members)
{
    const struct member *at;
    size_t count = 0;

    for (at = members->first; at != NULL; at = at->next) {
        count++;
        assert_true(at->next == NULL || member_before(at, at->next));
    }
    assert_int_equal(count, members->count);
}

/* All who have the label of this first one are behind it, in order. */
static size_t check_chain(const struct member *first)
{
    const struct member *at, *last = first;
    bool hinted = false;
    size_t unique = 0, count = 0;

    for (at = first; at != NULL; at = at->next_of_label) {
        assert_string_equal(at->is.label, first->is.label);
        assert_true(at == first ||
                    (at->prev_of_label == last && member_before(last, at)));
        unique += (at->flags & BAY_UNIQUE) != 0;
        hinted = hinted || at == first->chain.hint;
        last = at;
        count++;
    }
    assert_true(first->chain.last == last);
    assert_true(hinted);
    assert_int_equal(first->chain.unique, unique);
    assert_int_equal(members_label_contested(first), unique > 1);
    return count;
}

/* Whatever comes and goes, it is as if it had been put together anew. */
static void test_random(void **state)
{
    struct members members = { 0 };
    bay_id ids[64] = { 0 };
    size_t there = 0;

    (void)state;
    srand(7);
    for (int i = 0; i < 20000; i++) {
        size_t k = (size_t)rand() % 64;
        char label[8];

        snprintf(label, sizeof label, "n%d", rand() % 20);
        if (ids[k] == 0) {
            ids[k] = id_make(1, (unsigned)k % 3, 1, (uint32_t)k + 1);
            add(&members, ids[k], (uint64_t)rand() % 50, label);
            there++;
        } else if (rand() % 3 == 0) {
            struct member *member = members_find(&members, ids[k]);
            struct member_facts facts = member_facts(member);

            facts.label = label;
            facts.label_len = strlen(label);
            facts.flags = rand() % 2 == 0 ? BAY_UNIQUE : 0;
            assert_int_equal(members_update(&members, member, &facts), 0);
        } else {
            members_remove(&members, members_find(&members, ids[k]));
            ids[k] = 0;
            there--;
        }
        assert_int_equal(members.count, there);
        if (i % 50 == 0) {
            const struct member *at, *first;
            size_t chained = 0;

            check_order(&members);
            for (at = members.first; at != NULL; at = at->next) {
                first =
                    members_find_label(&members, at->is.label, at->label_len);
                assert_non_null(first);
                assert_string_equal(first->is.label, at->is.label);
                assert_true(first == at || member_before(first, at));
                chained += first == at ? check_chain(first) : 0;
            }
            assert_int_equal(chained, members.count);
        }
    }
    members_finish(&members);
    assert_int_equal(members.count, 0);
}

/* Of two workers, one after the other: each member is put where it belongs
 * without a look at the others. */
static void test_many_of_one_label(void **state)
{
    enum { MANY = 100000 };
    struct members members = { 0 };

    (void)state;
    for (unsigned worker = 0; worker < 2; worker++) {
        for (uint32_t i = 1; i <= MANY; i++) {
            add(&members, id_make(1, worker, 1, i), i, "all");
        }
    }
    assert_int_equal(check_chain(members.first), 2 * MANY);
    members_finish(&members);
}

static void test_sum(void **state)
{
    struct members a = { 0 }, b = { 0 };
    bay_id worker = id_make(1, 2, 3, 0);

    (void)state;
    add(&a, worker + 1, 5, "x");
    add(&a, worker + 2, 6, "y");
    add(&b, worker + 2, 6, "y");
    add(&b, worker + 3, 7, "z");
    assert_true(members_owner(&a, worker)->sum !=
                members_owner(&b, worker)->sum);
    members_remove(&b, members_find(&b, worker + 3));
    add(&b, worker + 1, 5, "x");
    assert_true(members_owner(&a, worker)->sum ==
                members_owner(&b, worker)->sum);
    assert_int_equal(members_owner(&a, worker)->count, 2);
    assert_null(members_owner(&a, worker + ((bay_id)1 << 32)));
    members_finish(&a);
    members_finish(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_many_of_one_label),
        cmocka_unit_test(test_sum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

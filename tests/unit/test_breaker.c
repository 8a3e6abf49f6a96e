/* test_breaker.c - how often plugins have ended workers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc/breaker.h"

static struct breaker *breaker;
static const struct bans *bans;
static struct breaker_rule rule;

static int make(void **state)
{
    (void)state;
    breaker = breaker_create();
    bans = breaker_bans(breaker);
    rule = (struct breaker_rule){ .limit = 3, .window_ms = 60000 };
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    breaker_destroy(breaker);
    return 0;
}

static struct breaker_verdict crash_by(const char *plugin, uint64_t code,
                                       uint64_t hash, uint64_t now_ms)
{
    struct culprit culprit = { .where = "the message hook of plugin chat",
                               .code = code,
                               .hash = hash,
                               .len = 4 };

    snprintf(culprit.plugin, sizeof culprit.plugin, "%s", plugin);
    return breaker_crashed(breaker, &culprit, &rule, now_ms);
}

static struct breaker_verdict crash(uint64_t now_ms)
{
    return crash_by("chat", 7, 0, now_ms);
}

static void bans_at_the_limit(void **state)
{
    const struct ban *ban;

    (void)state;
    assert_false(crash(100000).banned);
    assert_int_equal(crash(100001).crashes, 2);
    assert_false(bans_plugin(bans, 7));
    assert_true(crash(160000).banned);
    assert_true(bans_plugin(bans, 7));
    ban = bans_find(bans, "chat");
    assert_non_null(ban);
    assert_int_equal(stat_get(&ban->crashes), 3);
    assert_int_equal(stat_get(&ban->since_ms), 160000);
    assert_string_equal(ban->why,
                        "it ended 3 workers within 1m, the last in the "
                        "message hook of plugin chat");
    assert_false(crash(160001).banned); /* is so already */
}

static void counts_what_is_in_the_window(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 300; i++) {
        assert_false(crash(100000 + i * 30001).banned);
    }
    assert_int_equal(crash(100000 + 299 * 30001 + 1).crashes, 3);
    rule.limit = 0;
    for (uint64_t i = 0; i < 300; i++) {
        assert_false(crash(1 << 30).banned);
    }
}

static void each_code_has_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        crash_by("chat", 7, 0, 1000);
        crash_by("chat", 8, 0, 1000);
        crash_by("echo", 9, 0, 1000);
        crash_by("?", 0, 0, 1000);
    }
    assert_false(crash_by("?", 0, 0, 1000).banned);
    assert_true(crash_by("chat", 8, 0, 1000).banned);
    assert_false(bans_plugin(bans, 7));
    assert_false(bans_plugin(bans, 9));
}

/* As many as there can be, and more. */
static void keeps_the_latest(void **state)
{
    (void)state;
    rule.limit = 1;
    for (uint64_t i = 1; i <= 2 * BANS_PLUGINS; i++) {
        char name[16];

        snprintf(name, sizeof name, "p%u", (unsigned)i);
        assert_true(crash_by(name, i, 0, 1000 + i).banned);
        assert_true(bans_plugin(bans, i));
    }
    assert_int_equal(bans_count(bans), BANS_PLUGINS);
    assert_false(bans_plugin(bans, 1));
    assert_null(bans_find(bans, "p1"));
}

static void poison_is_what_killed_twice(void **state)
{
    (void)state;
    rule.limit = 0;
    assert_false(crash_by("chat", 7, 1111, 1000).poisoned);
    assert_false(crash_by("chat", 8, 1111, 1000).poisoned);
    assert_false(crash_by("chat", 7, 2222, 1000).poisoned);
    assert_false(bans_any_poison(bans));
    assert_true(crash_by("chat", 7, 1111, 999999).poisoned);
    assert_int_equal(bans_poisons(bans), 1);
    assert_true(stat_get(&bans->poisons[0].code) == 7);
    assert_true(stat_get(&bans->poisons[0].hash) == 1111);
    assert_true(stat_get(&bans->poisons[0].len) == 4);
    assert_false(crash_by("chat", 7, 1111, 999999).poisoned);
}

static void poison_is_bounded(void **state)
{
    (void)state;
    rule.limit = 0;
    for (uint64_t i = 1; i <= 3 * BANS_POISONS; i++) {
        crash_by("chat", 7, i, 1000);
        assert_true(crash_by("chat", 7, i, 1000).poisoned);
    }
    assert_int_equal(bans_poisons(bans), BANS_POISONS);
    for (uint64_t i = 1; i <= 3 * BANS_POISONS; i++) { /* too many to know */
        assert_false(crash_by("chat", 9, i, 1000).poisoned);
    }
    assert_false(crash_by("chat", 9, 1, 1000).poisoned);
}

static void passes_the_seed_on(void **state)
{
    (void)state;
    breaker_set_seed(breaker, 99);
    assert_true(stat_get(&bans->seed) == 99);
}

static void is_lifted_by_name(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        crash_by("chat", 7, 1111, 1000);
    }
    assert_false(breaker_lift(breaker, "echo"));
    assert_true(breaker_lift(breaker, "chat"));
    assert_false(bans_plugin(bans, 7));
    assert_false(bans_any_poison(bans));
    assert_false(breaker_lift(breaker, "chat"));
    assert_int_equal(crash(1001).crashes, 1);
}

static bool is_eight(void *arg, uint64_t code)
{
    assert_ptr_equal(arg, breaker);
    return code == 8;
}

static void forgets_what_is_not_used(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        crash_by("chat", 7, 1111, 1000);
        crash_by("chat", 8, 1111, 1000);
    }
    breaker_keep(breaker, is_eight, breaker);
    assert_false(bans_plugin(bans, 7));
    assert_true(bans_plugin(bans, 8));
    assert_int_equal(bans_poisons(bans), 1);
}

static void children_cannot_write(void **state)
{
    int status;
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        signal(SIGSEGV, SIG_DFL);
        breaker_forget(breaker);
        if (bans_count(bans) == 0) {
            stat_set(&((struct bans *)(uintptr_t)bans)->plugins[0].code, 1);
        }
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make, unmake)
    const struct CMUnitTest tests[] = {
        TEST(bans_at_the_limit),           TEST(counts_what_is_in_the_window),
        TEST(each_code_has_its_own),       TEST(keeps_the_latest),
        TEST(poison_is_what_killed_twice), TEST(poison_is_bounded),
        TEST(passes_the_seed_on),          TEST(is_lifted_by_name),
        TEST(forgets_what_is_not_used),    TEST(children_cannot_write),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

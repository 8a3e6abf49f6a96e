/* test_redis_greeting.c - which servers are no Redis that can be used, and why
 */
#include "bus/redis_greeting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char run_id[GREETING_RUN_ID];

/* What was wrong with it, "" for nothing. */
static const char *check(enum greeting_step step, int type, const char *text,
                         enum cluster_state expected)
{
    static char why[256];
    enum cluster_state state = CLUSTER_UP;
    char copy[1024];
    redisReply reply = { .type = type, .str = copy, .len = strlen(text) };

    strcpy(copy, text);
    why[0] = '\0';
    if (greeting_check(step, &reply, run_id, &state, why, sizeof why) == 0) {
        assert_int_equal(expected, CLUSTER_UP);
        return "";
    }
    assert_int_equal(state, expected);
    return why;
}

#define STATUS REDIS_REPLY_STATUS
#define ERROR  REDIS_REPLY_ERROR
#define STRING REDIS_REPLY_STRING

static void takes_a_redis(void **state)
{
    (void)state;
    assert_string_equal(check(GREETING_AUTH, STATUS, "OK", CLUSTER_UP), "");
    assert_string_equal(
        check(GREETING_INFO, STRING,
              "# Server\r\nredis_version:6.0.16\r\nredis_mode:standalone\r\n"
              "run_id:0123456789abcdef\r\n# Replication\r\nrole:master\r\n"
              "loading:0\r\n",
              CLUSTER_UP),
        "");
    assert_string_equal(run_id, "0123456789abcdef");
    assert_string_equal(check(GREETING_SELECT, STATUS, "OK", CLUSTER_UP), "");
    assert_string_equal(
        check(GREETING_LAST, ERROR, "ERR unknown command", CLUSTER_UP), "");
    /* A user that may not ask. */
    assert_string_equal(check(GREETING_INFO, ERROR,
                              "NOPERM this user has no permissions",
                              CLUSTER_UP),
                        "");
    assert_string_equal(run_id, "");
}

static void refuses_what_is_none(void **state)
{
    (void)state;
    assert_non_null(strstr(
        check(GREETING_INFO, STRING, "redis_mode:cluster\r\n", CLUSTER_UNFIT),
        "a node of a Redis Cluster"));
    assert_non_null(strstr(
        check(GREETING_INFO, STRING, "redis_mode:sentinel\r\n", CLUSTER_UNFIT),
        "a Redis Sentinel"));
    assert_non_null(
        strstr(check(GREETING_INFO, STRING,
                     "redis_mode:standalone\r\nrole:slave\r\n", CLUSTER_UNFIT),
               "a replica"));
    assert_non_null(strstr(
        check(GREETING_INFO, STRING, "role:master\nloading:1\n", CLUSTER_AWAY),
        "still reading its data"));
    assert_non_null(strstr(
        check(GREETING_INFO, ERROR, "LOADING Redis is loading", CLUSTER_AWAY),
        "LOADING"));
    assert_non_null(strstr(check(GREETING_SELECT, ERROR,
                                 "ERR DB index is out of range", CLUSTER_UNFIT),
                           "the database"));
}

static void says_what_is_wrong_with_the_password(void **state)
{
    (void)state;
    assert_non_null(strstr(
        check(GREETING_AUTH, ERROR, "WRONGPASS invalid", CLUSTER_REFUSED),
        "does not take the user and password"));
    assert_non_null(
        strstr(check(GREETING_INFO, ERROR, "NOAUTH Authentication required.",
                     CLUSTER_REFUSED),
               "wants a password"));
}

static void tells_errors_of_the_server(void **state)
{
    enum cluster_state what = CLUSTER_UP;

    (void)state;
    assert_true(greeting_is_fatal("MOVED 3999 127.0.0.1:6381", &what));
    assert_int_equal(what, CLUSTER_UNFIT);
    assert_true(greeting_is_fatal("READONLY You can't write", &what));
    assert_true(greeting_is_fatal("LOADING Redis", &what));
    assert_int_equal(what, CLUSTER_AWAY);
    assert_true(greeting_is_fatal("NOAUTH", &what));
    assert_int_equal(what, CLUSTER_REFUSED);
    assert_false(greeting_is_fatal("OOM command not allowed", &what));
    assert_false(greeting_is_fatal("ERR", &what));
    assert_false(greeting_is_fatal("", &what));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_a_redis),
        cmocka_unit_test(refuses_what_is_none),
        cmocka_unit_test(says_what_is_wrong_with_the_password),
        cmocka_unit_test(tells_errors_of_the_server),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

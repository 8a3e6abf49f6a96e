/* test_subprotocol.c - which subprotocol a connection speaks */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/subprotocol.h"

static const char *const names[] = { "chat.v2", "chat", NULL };
static const bay_plugin speaks = { .subprotocols = names };
static const bay_plugin mute = { .subprotocols = NULL };

static void expect(const char *offered, const char *chosen)
{
    assert_string_equal(subprotocol_choose(&speaks, offered), chosen);
}

/* The plugin's order counts, not the client's. */
static void is_the_plugins_first(void **state)
{
    (void)state;
    expect("chat", "chat");
    expect("chat, chat.v2", "chat.v2");
    expect("other,chat", "chat");
    expect("\t chat.v2 ,, chat", "chat.v2");
}

static void is_a_whole_word(void **state)
{
    (void)state;
    expect("chat.v", "");
    expect("chat.v22", "");
    expect("Chat", "");
    expect("xchat", "");
}

static void may_be_none(void **state)
{
    (void)state;
    expect(NULL, "");
    expect("", "");
    expect(" , ,", "");
    expect("other", "");
    assert_string_equal(subprotocol_choose(&mute, "chat"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_the_plugins_first),
        cmocka_unit_test(is_a_whole_word),
        cmocka_unit_test(may_be_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

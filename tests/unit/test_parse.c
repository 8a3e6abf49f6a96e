/* test_parse.c - from the words of a command line to a call of a command */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/parse.h"

static const struct cli_option options[] = {
    { "config", 'c', "FILE", false, "a file" },
    { "set", 0, "KEY=VALUE", true, "an option of the plugin" },
    { "json", 'j', NULL, false, "print JSON" },
    CLI_OPTIONS_END,
};

static const struct cli_command serve = {
    .name = "serve",
    .options = options,
    .operands = { "FILE [PORT]", 1, 2 },
};
static const struct cli_command list = {
    .name = "plugin list",
    .options = options,
};
static const struct cli_command check = {
    .name = "plugin check",
    .operands = { "FILE", 1, 1 },
};
static const struct cli_command *const commands[] = { &list, &check, NULL };
static const struct cli_command plugin = {
    .name = "plugin",
    .commands = commands,
};

static struct cli_call call;
static char *said;

/* The words end with NULL. What goes to standard error is in `said`. */
static enum parse_result parse(const struct cli_command *command,
                               const char *const *words)
{
    FILE *real = stderr;
    char *copies[16];
    enum parse_result result;
    size_t size;
    int count = 0;

    for (; words[count] != NULL; count++) {
        copies[count] = (char *)(uintptr_t)words[count];
    }
    stderr = open_memstream(&said, &size);
    assert_non_null(stderr);
    result = parse_words(&call, command, count, copies);
    fclose(stderr);
    stderr = real;
    return result;
}

static void finish(void)
{
    parse_finish(&call);
    free(said);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define NO_WORDS   ((const char *const[]){ NULL })

static void expect_wrong(const struct cli_command *command,
                         const char *const *words, const char *why)
{
    assert_int_equal(parse(command, words), PARSE_WRONG);
    assert_string_equal(said, why);
    finish();
}

static void takes_values_in_each_form(void **state)
{
    const char *const *const forms[] = {
        WORDS("--config", "a.ini", "x"), WORDS("--config=a.ini", "x"),
        WORDS("-c", "a.ini", "x"),       WORDS("-c=a.ini", "x"),
        WORDS("x", "--config", "a.ini"), WORDS("-c", "b", "x", "-c", "a.ini"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        assert_int_equal(parse(&serve, forms[i]), PARSE_CALL);
        assert_string_equal(cli_option(&call, "config"), "a.ini");
        assert_string_equal(cli_operand(&call, 0), "x");
        assert_string_equal(said, "");
        finish();
    }
    assert_int_equal(parse(&serve, WORDS("--config=", "x")), PARSE_CALL);
    assert_string_equal(cli_option(&call, "config"), "");
    finish();
    /* The word behind it is its value, whatever it looks like. */
    assert_int_equal(parse(&serve, WORDS("--config", "--json", "x")),
                     PARSE_CALL);
    assert_string_equal(cli_option(&call, "config"), "--json");
    assert_false(cli_flag(&call, "json"));
    finish();
}

static void gives_none_that_was_not_typed(void **state)
{
    size_t at = 0;

    (void)state;
    assert_int_equal(parse(&serve, WORDS("x")), PARSE_CALL);
    assert_ptr_equal(call.command, &serve);
    assert_null(cli_option(&call, "config"));
    assert_null(cli_next(&call, "set", &at));
    assert_false(cli_flag(&call, "json"));
    assert_string_equal(cli_file(&call), CLI_DEFAULT_FILE);
    assert_null(cli_operand(&call, 1));
    finish();
}

static void gives_all_of_a_repeated_one(void **state)
{
    size_t at = 0;

    (void)state;
    assert_int_equal(parse(&serve, WORDS("--set", "a=1", "-j", "--set=b=2",
                                         "-c", "f", "x", "--set", "c")),
                     PARSE_CALL);
    assert_string_equal(cli_next(&call, "set", &at), "a=1");
    assert_string_equal(cli_next(&call, "set", &at), "b=2");
    assert_string_equal(cli_next(&call, "set", &at), "c");
    assert_null(cli_next(&call, "set", &at));
    assert_null(cli_next(&call, "set", &at));
    assert_true(cli_flag(&call, "json"));
    assert_string_equal(cli_file(&call), "f");
    finish();
}

static void ends_options_with_two_dashes(void **state)
{
    (void)state;
    assert_int_equal(parse(&serve, WORDS("--json", "--", "--json", "--")),
                     PARSE_CALL);
    assert_int_equal(call.operand_count, 2);
    assert_string_equal(cli_operand(&call, 0), "--json");
    assert_string_equal(cli_operand(&call, 1), "--");
    finish();
    assert_int_equal(parse(&serve, WORDS("-", "--", "--help")), PARSE_CALL);
    assert_string_equal(cli_operand(&call, 0), "-");
    assert_string_equal(cli_operand(&call, 1), "--help");
    finish();
}

static void finds_help_anywhere(void **state)
{
    const char *const *const forms[] = {
        WORDS("--help"),
        WORDS("-h"),
        WORDS("x", "y", "--help"),
        WORDS("-c", "f", "-h", "--nonsense"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        assert_int_equal(parse(&serve, forms[i]), PARSE_HELP);
        assert_ptr_equal(call.command, &serve);
        finish();
    }
    assert_int_equal(parse(&plugin, WORDS("-h")), PARSE_HELP);
    assert_ptr_equal(call.command, &plugin);
    finish();
    assert_int_equal(parse(&plugin, WORDS("check", "--help")), PARSE_HELP);
    assert_ptr_equal(call.command, &check);
    finish();
}

static void goes_into_commands_of_commands(void **state)
{
    (void)state;
    assert_int_equal(parse(&plugin, WORDS("list", "--json")), PARSE_CALL);
    assert_ptr_equal(call.command, &list);
    assert_true(cli_flag(&call, "json"));
    assert_int_equal(call.operand_count, 0);
    finish();
    assert_int_equal(parse(&plugin, WORDS("check", "list")), PARSE_CALL);
    assert_ptr_equal(call.command, &check);
    assert_string_equal(cli_operand(&call, 0), "list");
    finish();
}

#define SEE(name) "\nSee: patchbay help " name "\n"

static void refuses_what_makes_no_sense(void **state)
{
    (void)state;
    expect_wrong(
        &serve, WORDS("x", "--jsn"),
        "patchbay: unknown option \"--jsn\", did you mean \"--json\"?" SEE(
            "serve"));
    expect_wrong(&serve, WORDS("--confg=x", "x"),
                 "patchbay: unknown option \"--confg\", did you mean "
                 "\"--config\"?" SEE("serve"));
    expect_wrong(&serve, WORDS("--frobnicate"),
                 "patchbay: unknown option \"--frobnicate\"" SEE("serve"));
    expect_wrong(&serve, WORDS("-x"),
                 "patchbay: unknown option \"-x\"" SEE("serve"));
    expect_wrong(&serve, WORDS("-cfile", "x"),
                 "patchbay: unknown option \"-cfile\"" SEE("serve"));
    expect_wrong(
        &serve, WORDS("-json", "x"),
        "patchbay: unknown option \"-json\", did you mean \"--json\"?" SEE(
            "serve"));
    expect_wrong(&serve, WORDS("--c", "x"),
                 "patchbay: unknown option \"--c\"" SEE("serve"));
    expect_wrong(&serve, WORDS("--json=yes", "x"),
                 "patchbay: --json takes no value" SEE("serve"));
    expect_wrong(&serve, WORDS("x", "--set"),
                 "patchbay: --set takes a value: --set KEY=VALUE" SEE("serve"));
    expect_wrong(&serve, WORDS("x", "y", "z"),
                 "patchbay: serve: one word too many: \"z\"" SEE("serve"));
    expect_wrong(&serve, WORDS("--json"),
                 "patchbay: serve takes FILE [PORT]" SEE("serve"));
    expect_wrong(
        &list, WORDS("x"),
        "patchbay: plugin list: one word too many: \"x\"" SEE("plugin list"));
    /* It has no options at all. */
    expect_wrong(&check, WORDS("--json"),
                 "patchbay: unknown option \"--json\"" SEE("plugin check"));
    expect_wrong(&plugin, NO_WORDS,
                 "patchbay: plugin takes a command: list, check" SEE("plugin"));
    expect_wrong(
        &plugin, WORDS("lst"),
        "patchbay: unknown command \"lst\", did you mean \"list\"?" SEE(
            "plugin"));
    expect_wrong(&plugin, WORDS("--jsn", "list"),
                 "patchbay: unknown option \"--jsn\"" SEE("plugin"));
}

static void reads_numbers_in_their_range(void **state)
{
    FILE *real = stderr;
    int64_t value = 7;
    size_t size;
    char *text;

    (void)state;
    assert_int_equal(parse(&serve, WORDS("x")), PARSE_CALL);
    assert_int_equal(cli_number(&call, "config", 1, 10, &value), CLI_DONE);
    assert_int_equal(value, 7);
    finish();
    assert_int_equal(parse(&serve, WORDS("-c", "10", "x")), PARSE_CALL);
    assert_int_equal(cli_number(&call, "config", 1, 10, &value), CLI_DONE);
    assert_int_equal(value, 10);
    finish();
    for (size_t i = 0; i < 4; i++) {
        static const char *const bad[] = { "0", "11", "ten", "" };

        assert_int_equal(parse(&serve, WORDS("-c", bad[i], "x")), PARSE_CALL);
        stderr = open_memstream(&text, &size);
        assert_int_equal(cli_number(&call, "config", 1, 10, &value), CLI_USAGE);
        fclose(stderr);
        stderr = real;
        assert_non_null(
            strstr(text, "patchbay: --config takes a number from 1 to 10, "
                         "not \""));
        free(text);
        assert_int_equal(value, 10);
        finish();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_values_in_each_form),
        cmocka_unit_test(gives_none_that_was_not_typed),
        cmocka_unit_test(gives_all_of_a_repeated_one),
        cmocka_unit_test(ends_options_with_two_dashes),
        cmocka_unit_test(finds_help_anywhere),
        cmocka_unit_test(goes_into_commands_of_commands),
        cmocka_unit_test(refuses_what_makes_no_sense),
        cmocka_unit_test(reads_numbers_in_their_range),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

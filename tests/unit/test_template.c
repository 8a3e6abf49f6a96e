/* test_template.c - folders of files with names filled in */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "cli/template.h"
#include "folder.h"

static const struct template_names names = { "my-dice", "my_dice" };

static void write_text(const char *in, const char *name, const char *text)
{
    char path[1024];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", in, name);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static const char *read_text(const char *in, const char *name)
{
    static char text[256];
    char path[1024];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", in, name);
    file = fopen(path, "r");
    if (file == NULL) {
        return NULL;
    }
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void note(void *arg, const char *file)
{
    buf_addf(arg, "%s ", file);
}

static void filled_in(void **state)
{
    char from[512], to[512], sub[600], why[256];
    struct buf made = { 0 };

    (void)state;
    snprintf(from, sizeof from, "%s/from", folder);
    snprintf(to, sizeof to, "%s/to", folder);
    snprintf(sub, sizeof sub, "%s/src", from);
    assert_int_equal(mkdir(from, 0700) | mkdir(sub, 0700), 0);
    write_text(from, "@NAME@.c", "@NAME@ @IDENT@_x a@b @NAM @");
    write_text(from, "gitignore", "build/\n");
    write_text(sub, "@IDENT@.h", "");
    assert_int_equal(
        template_copy(from, to, &names, note, &made, why, sizeof why), 0);
    assert_string_equal(made.data, "my-dice.c .gitignore src/my_dice.h ");
    assert_string_equal(read_text(to, "my-dice.c"),
                        "my-dice my_dice_x a@b @NAM @");
    assert_string_equal(read_text(to, ".gitignore"), "build/\n");
    assert_string_equal(read_text(to, "src/my_dice.h"), "");
    buf_free(&made);
}

static void never_over_another(void **state)
{
    char from[512], to[512], why[700];

    (void)state;
    snprintf(from, sizeof from, "%s/a", folder);
    snprintf(to, sizeof to, "%s/b", folder);
    assert_int_equal(mkdir(from, 0700) | mkdir(to, 0700), 0);
    write_text(to, "kept", "mine");
    assert_int_equal(
        template_copy(from, to, &names, NULL, NULL, why, sizeof why), -1);
    assert_non_null(strstr(why, "b is there already"));
    assert_string_equal(read_text(to, "kept"), "mine");
}

/* Whatever was made before the fault is gone. */
static void nothing_half_made(void **state)
{
    char from[512], to[512], why[1024];
    char bad[600];

    (void)state;
    snprintf(from, sizeof from, "%s/c", folder);
    snprintf(to, sizeof to, "%s/d", folder);
    snprintf(bad, sizeof bad, "%s/z", from);
    assert_int_equal(mkdir(from, 0700), 0);
    write_text(from, "first", "text");
    assert_int_equal(symlink("nowhere", bad), 0);
    assert_int_equal(
        template_copy(from, to, &names, NULL, NULL, why, sizeof why), -1);
    assert_non_null(strstr(why, "cannot read"));
    assert_int_equal(access(to, F_OK), -1);
    assert_int_equal(
        template_copy(bad, to, &names, NULL, NULL, why, sizeof why), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filled_in),
        cmocka_unit_test(never_over_another),
        cmocka_unit_test(nothing_half_made),
    };

    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}

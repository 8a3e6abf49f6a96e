/* test_shelf.c - the plugins a worker has opened */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "folder.h"
#include "proc/reason.h"
#include "proc/shelf.h"

#define ECHO BUILD_DIR "/plugins/echo.so"
#define CHAT BUILD_DIR "/plugins/chat.so"

static struct shelf shelf;
static int freed;
static char why[REASON_SIZE];

static void on_freed(void *arg)
{
    assert_ptr_equal(arg, &shelf);
    freed++;
}

static int make(void **state)
{
    freed = 0;
    shelf = (struct shelf){ .images_dir = folder,
                            .freed = on_freed,
                            .arg = &shelf };
    return folder_make(state);
}

static struct shelf_entry *take(const char *name, const char *file)
{
    return shelf_take(&shelf, name, file, why, sizeof why);
}

static void expect_list(const char *expected)
{
    struct buf buf = { 0 };

    shelf_list(&shelf, &buf);
    assert_string_equal(buf.data, expected);
    buf_free(&buf);
}

static void opens_each_file_once(void **state)
{
    struct shelf_entry *echo = take("echo", ECHO);
    struct shelf_entry *chat = take("chat", CHAT);

    (void)state;
    assert_non_null(echo);
    assert_non_null(chat);
    assert_ptr_equal(take("echo", ECHO), echo);
    assert_string_equal(echo->image->plugin.name, "echo");
    expect_list("[\"chat.so\",\"echo.so\"]");
    shelf_put_back(&shelf, echo);
    assert_int_equal(freed, 0);
    shelf_put_back(&shelf, echo);
    assert_int_equal(freed, 1);
    expect_list("[\"chat.so\"]");
    shelf_put_back(&shelf, chat);
    expect_list("[]");
}

static void says_what_is_wrong(void **state)
{
    (void)state;
    assert_null(take("chat", ECHO));
    assert_non_null(strstr(why, "calls itself \"echo\""));
    assert_null(shelf.entries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(opens_each_file_once, make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(says_what_is_wrong, make,
                                        folder_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

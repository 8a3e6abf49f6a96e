/* test_load.c - a plugin as it was built */
#include "puppet.h"

#include <dirent.h>
#include <unistd.h>

static void serves_a_file(void **state)
{
    bay_test *test = bay_test_load(BUILD_DIR "/plugins/echo.so", NULL);
    bay_peer *peer = bay_test_connect(test, "/echo", NULL);

    (void)state;
    bay_peer_text(peer, "hello");
    BAY_EXPECT_TEXT(peer, "hello");
    BAY_EXPECT_EQUAL(bay_test_free(test), 0);
}

static void has_options(void **state)
{
    bay_test *test =
        bay_test_load(BUILD_DIR "/plugins/chat.so", "max_text = 7");
    bay_peer *peer = bay_test_connect(test, "/chat?name=ann", NULL);

    (void)state;
    BAY_EXPECT_HAS(peer, "\"limits\":{\"text\":7}");
    bay_test_free(test);
}

/* Two at a time, and one twice: each has an instance of its own. */
static void several(void **state)
{
    bay_test *a = bay_test_load(BUILD_DIR "/plugins/chat.so", NULL);
    bay_test *b = bay_test_load(BUILD_DIR "/plugins/chat.so", NULL);
    bay_test *c = bay_test_new(&puppet_plugin, NULL);

    (void)state;
    BAY_EXPECT_STATUS(bay_test_connect(a, "/chat?name=ann", NULL), 101);
    BAY_EXPECT_CLOSED(bay_test_connect(a, "/chat?name=ann", NULL), 4409);
    BAY_EXPECT_OPEN(bay_test_connect(b, "/chat?name=ann", NULL));
    BAY_EXPECT_STATUS(puppet_connect(c), 101);
    bay_test_free(a);
    BAY_EXPECT_STATUS(bay_test_connect(b, "/chat?name=bob", NULL), 101);
    bay_test_free(c);
    bay_test_free(b);
}

static char failure[1024];

static void keep_failure(const char *text)
{
    snprintf(failure, sizeof failure, "%s", text);
}

static void expect_refusal(const char *path, const char *part)
{
    bay_expect_report(keep_failure);
    if (bay_test_load(path, NULL) != NULL || strstr(failure, part) == NULL) {
        fail_msg("%s: not refused, or not so: %s", path, failure);
    }
    bay_expect_report(puppet_fail);
}

static void refuses(void **state)
{
    (void)state;
    expect_refusal("/nowhere/chat.so", "/nowhere/chat.so");
    expect_refusal("chat", "NAME.so");
    expect_refusal(".so", "NAME.so");
    expect_refusal(BUILD_DIR "/CMakeCache.txt", "NAME.so");
}

static void leaves_no_copy(void **state)
{
    char own[] = "/tmp/test_load.XXXXXX";
    DIR *dir;
    int count = 0;

    (void)state;
    assert_non_null(mkdtemp(own));
    setenv("TMPDIR", own, 1);
    bay_test_free(bay_test_load(BUILD_DIR "/plugins/echo.so", NULL));
    unsetenv("TMPDIR");
    dir = opendir(own);
    while (readdir(dir) != NULL) {
        count++;
    }
    closedir(dir);
    assert_int_equal(count, 2); /* . and .. */
    rmdir(own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PUPPET_TEST(serves_a_file),  PUPPET_TEST(has_options),
        PUPPET_TEST(several),        PUPPET_TEST(refuses),
        PUPPET_TEST(leaves_no_copy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* devfeed_test.c - lines go out as they come, and whole */
#define _GNU_SOURCE
#include <patchbay_test.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char path[] = "/tmp/patchbay-devfeed-XXXXXX";

static void add(const char *text)
{
    FILE *file = fopen(path, "a");

    fputs(text, file);
    fclose(file);
}

int main(void)
{
    char options[128];
    bay_test *test;
    bay_peer *early, *late;

    close(mkstemp(path));
    add("one\n");
    snprintf(options, sizeof options, "devfeed.file = %s", path);
    test = bay_test_new(&BAY_PLUGIN_SYMBOL, options);
    bay_test_advance(test, 100);
    early = bay_test_connect(test, NULL, NULL);
    BAY_EXPECT_TEXT(early, "one");
    BAY_EXPECT_SILENT(early);

    add("two\nhal");
    bay_test_advance(test, 100);
    BAY_EXPECT_TEXT(early, "two");
    BAY_EXPECT_SILENT(early);
    add("f\n");
    bay_test_advance(test, 100);
    BAY_EXPECT_TEXT(early, "half");
    late = bay_test_connect(test, NULL, NULL);
    BAY_EXPECT_TEXT(late, "one");
    BAY_EXPECT_TEXT(late, "two");
    BAY_EXPECT_TEXT(late, "half");
    BAY_EXPECT_SILENT(early);

    for (int i = 0; i < 20000; i++) {
        add(i == 19999 ? "the last\n" : "many, many lines\n");
    }
    bay_peer_forget(early);
    bay_test_advance(test, 1000);
    BAY_EXPECT_EQUAL(bay_peer_waiting(early), 20000);
    late = bay_test_connect(test, NULL, NULL);
    BAY_EXPECT(bay_peer_waiting(late) > 3000);
    BAY_EXPECT_TEXT(late, "many, many lines"); /* not a part of one */
    bay_test_free(test);

    unlink(path);
    BAY_EXPECT_REFUSED(&BAY_PLUGIN_SYMBOL, NULL, "file");
    return bay_test_summary("devfeed");
}

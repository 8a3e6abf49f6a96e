/* test_vigil.c - [server] watch: tells when a file in use changes */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/log.h"
#include "folder.h"
#include "proc/vigil.h"

static struct poller poller;
static struct conf_route route;
static struct conf conf = { .watch = true, .routes = &route, .route_count = 1 };
static struct vigil vigil;
static int told;

static void changed(void *arg)
{
    assert_ptr_equal(arg, &poller);
    told++;
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(folder_file(name), "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int make(void **state)
{
    if (folder_make(state) < 0) {
        return -1;
    }
    log_set_level((enum log_level)0);
    put("p.ini", "one");
    put("x.txt", "one");
    conf.watch = true;
    conf.file = strdup(folder_file("p.ini"));
    route.plugin_file = strdup(folder_file("x.txt"));
    vigil =
        (struct vigil){ .poller = &poller, .changed = changed, .arg = &poller };
    told = 0;
    return 0;
}

static int unmake(void **state)
{
    vigil_end(&vigil);
    assert_null(poller.alarms);
    poller_finish(&poller);
    free(conf.file);
    free(route.plugin_file);
    return folder_remove(state);
}

static void turn_until_told(int times)
{
    while (told < times) {
        assert_int_equal(poller_turn(&poller), 0);
    }
}

static void tells_of_what_is_in_use(void **state)
{
    (void)state;
    vigil_keep(&vigil, &conf);
    put("p.ini", "two");
    turn_until_told(1);
    put("x.txt", "two");
    turn_until_told(2);
    vigil_keep(&vigil, &conf);
    put("x.txt", "three");
    turn_until_told(3);
}

static void watches_only_when_asked(void **state)
{
    (void)state;
    conf.watch = false;
    vigil_keep(&vigil, &conf);
    assert_null(vigil.watcher);
    vigil_forget(&vigil);
    conf.watch = true;
    vigil_keep(&vigil, &conf);
    assert_non_null(vigil.watcher);
    conf.watch = false;
    vigil_keep(&vigil, &conf);
    assert_null(vigil.watcher);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tells_of_what_is_in_use, make, unmake),
        cmocka_unit_test_setup_teardown(watches_only_when_asked, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

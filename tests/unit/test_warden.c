/* test_warden.c - what is the host's was changed: counted, said, and by whom */
#include <sys/stat.h>
#include <unistd.h>

#include "caught_log.h"
#include "core_script.h"
#include "proc/warden.h"

/* Whether another thread of this process is dying (CMakeLists.txt wraps it). */
static bool dying;

bool __wrap_lastwords_begun(void);
bool __wrap_lastwords_begun(void)
{
    return dying;
}

static struct warden warden;
static struct peer peers[2];
static mode_t kept;
static int ends[2];

static void begin(void)
{
    kept = umask(022);
    rig_route("/a", &script_plugin);
    rig_route("/b", &script_plugin);
    rig_connect(&peers[0], "/a");
    rig_connect(&peers[1], "/b");
    peers[1].conn->instance->code = 7;
    assert_int_equal(pipe(ends), 0);
    warden = (struct warden){ 0 };
    assert_true(warden_look(&warden, false)); /* there is nothing yet */
    custody_keep(&warden.custody, ends[0], CUSTODY_CHANNEL);
    warden_begin(&warden, rig.core, rig.stats);
    assert_true(warden_look(&warden, false));
    assert_int_equal(caught_log_begin(), 0);
}

static void end(void)
{
    caught_log_end();
    warden_end(&warden);
    close(ends[0]);
    close(ends[1]);
    umask(kept);
    rig_leave(&peers[0]);
    rig_leave(&peers[1]);
    script_heard();
}

static void names_the_only_one(void **state)
{
    (void)state;
    begin();
    rig_say(&peers[1], "x");
    umask(0);
    assert_true(warden_look(&warden, false));
    assert_int_equal(stat_get(&rig.stats->misdeeds), 1);
    assert_int_equal(caught_log_count("changed what is the host's: the umask: "
                                      "put right; only plugin script has run "
                                      "since the last look, message being its "
                                      "last hook"),
                     1);
    assert_true(warden_look(&warden, false));
    assert_int_equal(stat_get(&rig.stats->misdeeds), 1);
    assert_int_equal(atomic_load(&rig.stats->misdeed.found), 0);
    end();
}

static void names_all_that_may_have(void **state)
{
    (void)state;
    begin();
    rig_say(&peers[0], "x");
    rig_say(&peers[1], "x");
    umask(0);
    assert_true(warden_look(&warden, false));
    assert_int_equal(caught_log_count("it was one of the plugins that have run "
                                      "since the last look: script, script"),
                     1);
    rig_say(&peers[0], "x");
    umask(0);
    assert_true(warden_look(&warden, true)); /* a reload goes on */
    assert_int_equal(caught_log_count("only plugin"), 0);
    assert_int_equal(caught_log_count("it was plugin script, which has run "
                                      "since the last look, or one that the "
                                      "reload loads"),
                     1);
    rig_say(&peers[0], "x");
    rig_say(&peers[1], "x");
    umask(0);
    assert_true(warden_look(&warden, true));
    assert_int_equal(caught_log_count("script, script, or one that the reload "
                                      "loads"),
                     1);
    umask(0);
    assert_true(warden_look(&warden, false));
    assert_int_equal(caught_log_count("no hook has run since the last look"),
                     1);
    end();
}

static void repeats_itself_seldom(void **state)
{
    (void)state;
    begin();
    for (int i = 0; i < 5; i++) {
        umask(0);
        assert_true(warden_look(&warden, false));
    }
    assert_int_equal(stat_get(&rig.stats->misdeeds), 5);
    assert_int_equal(caught_log_count("the umask: put right"), 1);
    end();
}

static void puts_the_culprit_on_the_board(void **state)
{
    const struct misdeed *misdeed = &rig.stats->misdeed;

    (void)state;
    begin();
    rig_say(&peers[1], "x");
    close(ends[0]);
    assert_false(warden_look(&warden, false));
    assert_int_equal(caught_log_count("the channel to the master: this worker "
                                      "ends; only plugin script"),
                     1);
    assert_int_equal(atomic_load(&misdeed->found), 1);
    assert_int_equal(stat_get(&misdeed->culprit.code), 7);
    assert_int_equal(atomic_load(&misdeed->culprit.route), 1);
    assert_int_equal(atomic_load(&misdeed->culprit.hook), HOOK_MESSAGE);
    assert_true(warden_look(&warden, false)); /* once is enough */
    assert_int_equal(stat_get(&rig.stats->misdeeds), 1);
    end();
}

static void blames_nobody_in_doubt(void **state)
{
    (void)state;
    begin();
    rig_say(&peers[0], "x");
    rig_say(&peers[1], "x");
    close(ends[0]);
    warden_last_look(&warden);
    assert_int_equal(atomic_load(&rig.stats->misdeed.found), 1);
    assert_int_equal(atomic_load(&rig.stats->misdeed.culprit.hook), HOOK_NONE);
    end();
}

/* One has run, but a reload has loaded others. */
static void blames_nobody_during_a_reload(void **state)
{
    (void)state;
    begin();
    rig_say(&peers[1], "x");
    close(ends[0]);
    assert_false(warden_look(&warden, true));
    assert_int_equal(atomic_load(&rig.stats->misdeed.found), 1);
    assert_int_equal(atomic_load(&rig.stats->misdeed.culprit.hook), HOOK_NONE);
    end();
}

/* What it changes for that is no plugin's doing. */
static void leaves_the_dying_alone(void **state)
{
    (void)state;
    begin();
    rig_say(&peers[0], "x");
    alarm(100);
    dying = true;
    assert_true(warden_look(&warden, false));
    assert_int_equal(stat_get(&rig.stats->misdeeds), 0);
    dying = false;
    assert_true(warden_look(&warden, false));
    assert_int_equal(stat_get(&rig.stats->misdeeds), 1);
    assert_int_equal(alarm(0), 0);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(names_the_only_one),
        SCRIPT_TEST(names_all_that_may_have),
        SCRIPT_TEST(repeats_itself_seldom),
        SCRIPT_TEST(puts_the_culprit_on_the_board),
        SCRIPT_TEST(blames_nobody_in_doubt),
        SCRIPT_TEST(blames_nobody_during_a_reload),
        SCRIPT_TEST(leaves_the_dying_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

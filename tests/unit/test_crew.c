/* test_crew.c - workers started, watched, replaced and ended
 *
 * The workers are real processes, but do only what each test wants of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "patience.h"
#include "proc/crew.h"
#include "proc/worker.h"

enum plan { SERVE, SAYS_WHETHER_IT_WAITS, FAIL, CRASH, DEAF, HANG };

static struct poller poller;
static struct watch children;
static struct conf conf;
static struct board *board;
static struct sockets sockets;
static struct crew *crew;
static const struct crew_farewell farewell = { 1001, "going away", 100, 0 };
static struct crew_setup with;
static enum plan plan[2];
static int ready_count, failed_count, ended_count, died_count, answer_count;
static int uses_count, crash_count;
static char failure[512];

/* ---- the worker -------------------------------------------------------- */

static void say(int fd, const char *text)
{
    (void)!write(fd, text, strlen(text));
}

static int serve(int fd)
{
    char text[4096];
    ssize_t got;

    say(fd, "{\"event\":\"ready\"}\n");
    while ((got = read(fd, text, sizeof text - 1)) > 0) {
        text[got] = 0;
        if (strstr(text, "\"drain\"") != NULL ||
            strstr(text, "\"quit\"") != NULL) {
            return 0;
        }
        if (strstr(text, "\"die\"") != NULL) {
            raise(SIGSEGV);
        }
        if (strstr(text, "\"use\"") != NULL) {
            say(fd, "{\"event\":\"uses\",\"images\":[null,7,\"a.1.so\"]}\n");
        }
        say(fd, "{\"id\":5,\"ok\":true}\n");
    }
    return 0;
}

int worker_run(const struct worker_setup *setup)
{
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    switch (plan[setup->index]) {
    case SERVE: return serve(setup->channel_fd);
    case SAYS_WHETHER_IT_WAITS:
        say(setup->channel_fd,
            setup->replaces != NULL
                ? "{\"event\":\"uses\",\"images\":[\"waits\"]}\n"
                : "{\"event\":\"uses\",\"images\":[\"serves\"]}\n");
        return serve(setup->channel_fd);
    case FAIL:
        say(setup->channel_fd,
            "{\"event\":\"failed\",\"why\":\"it is \\\"Monday\\\"\"}\n");
        return 1;
    case CRASH: raise(SIGABRT); return 0;
    case DEAF: say(setup->channel_fd, "{\"event\":\"ready\"}\n"); break;
    case HANG: break;
    }
    for (;;) {
        pause();
    }
}

/* ---- the master -------------------------------------------------------- */

static void in_child(void *arg)
{
    (void)arg;
    close(children.fd);
    signal(SIGSEGV, SIG_DFL); /* a sanitizer's */
    signal(SIGABRT, SIG_DFL);
}

static void ready(void *arg)
{
    (void)arg;
    ready_count++;
}

static void failed(void *arg, const char *why)
{
    (void)arg;
    failed_count++;
    snprintf(failure, sizeof failure, "%s", why);
}

static void answered(void *arg, unsigned worker, json_int_t id,
                     const json_t *answer)
{
    (void)arg;
    (void)worker;
    assert_int_equal(id, 5);
    assert_true(json_is_true(json_object_get(answer, "ok")));
    answer_count++;
}

static void uses(void *arg)
{
    (void)arg;
    uses_count++;
}

static void died(void *arg, unsigned worker)
{
    (void)arg;
    (void)worker;
    died_count++;
}

static void crashed(void *arg, const struct culprit *culprit)
{
    (void)arg;
    assert_string_equal(culprit->plugin, "chat");
    crash_count++;
}

static void ended(void *arg)
{
    (void)arg;
    ended_count++;
}

static void reap(struct watch *watch, short revents)
{
    struct signalfd_siginfo info;
    int status;
    pid_t pid;

    (void)revents;
    while (read(watch->fd, &info, sizeof info) > 0) {
        while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
            assert_true(crew_reap(crew, pid, status));
        }
    }
}

static int make(void **state)
{
    static const struct account nobody;
    static const struct pins pins;
    static const struct pems none;

    with = (struct crew_setup){
        .poller = &poller,
        .conf = &conf,
        .account = &nobody,
        .pins = &pins,
        .pems = &none,
        .images_dir = "",
        .sockets = &sockets,
        .in_child = in_child,
        .ready = ready,
        .failed = failed,
        .answered = answered,
        .uses = uses,
        .crashed = crashed,
        .died = died,
        .ended = ended,
    };
    sigset_t set;

    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    conf = (struct conf){ .workers = 2, .drain_ms = 100 };
    board = board_create(2, 1);
    with.board = board;
    crew = crew_create(&with);
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    children = (struct watch){
        .fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC),
        .events = POLLIN,
        .ready = reap,
    };
    plan[0] = plan[1] = SERVE;
    ready_count = failed_count = ended_count = died_count = answer_count = 0;
    uses_count = 0;
    return poller_add(&poller, &children);
}

static int unmake(void **state)
{
    (void)state;
    assert_false(crew_alive(crew));
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no zombie */
    crew_destroy(crew);
    board_destroy(board);
    close(children.fd);
    assert_null(poller.alarms);
    poller_finish(&poller);
    return 0;
}

static void turn_until(const int *count, int value)
{
    uint64_t limit = clock_now_ms() + patience(20000);

    while (*count < value) {
        assert_true(clock_now_ms() < limit);
        assert_int_equal(poller_turn(&poller), 0);
    }
}

static uint32_t state_of(unsigned worker)
{
    return atomic_load(&board_slot(board, worker)->state);
}

static void order(unsigned worker, const char *what)
{
    json_t *json = json_pack("{s:s, s:i}", "do", what, "id", 5);

    assert_true(crew_tell(crew, worker, json));
    json_decref(json);
}

static void starts_and_drains(void **state)
{
    (void)state;
    assert_int_equal(crew_start(crew), 0);
    turn_until(&ready_count, 1);
    assert_int_equal(state_of(0), WORKER_RUNNING);
    assert_int_equal(state_of(1), WORKER_RUNNING);
    order(1, "something");
    turn_until(&answer_count, 1);
    crew_drain(crew, &farewell);
    assert_int_equal(state_of(0), WORKER_DRAINING);
    turn_until(&ended_count, 1);
    assert_int_equal(ended_count, 1);
    assert_int_equal(failed_count, 0);
}

static void wait_for_death(unsigned worker)
{
    siginfo_t info;

    assert_int_equal(waitid(P_PID,
                            (id_t)atomic_load(&board_slot(board, worker)->pid),
                            &info, WEXITED | WNOWAIT),
                     0);
}

static void knows_what_they_use(void **state)
{
    (void)state;
    log_set_level((enum log_level)0);
    assert_int_equal(crew_start(crew), 0);
    turn_until(&ready_count, 1);
    assert_false(crew_uses(crew, "a.1.so"));
    order(1, "use");
    turn_until(&uses_count, 1);
    assert_true(crew_uses(crew, "a.1.so"));
    assert_false(crew_uses(crew, "a.2.so"));
    order(1, "die");
    turn_until(&died_count, 1);
    assert_false(crew_uses(crew, "a.1.so"));
    crew_quit(crew);
    turn_until(&ended_count, 1);
}

static void die_in_a_hook(unsigned worker)
{
    struct hook_now *now = &board_stats(board, worker)->now;
    int deaths = died_count;

    atomic_store(&now->route, 0);
    atomic_store(&now->hook, HOOK_MESSAGE);
    order(worker, "die");
    turn_until(&died_count, deaths + 1);
}

static void wait_for_worker(unsigned worker)
{
    while (state_of(worker) != WORKER_RUNNING) {
        assert_int_equal(poller_turn(&poller), 0);
    }
}

/* As long as the plugin is within its limit there is no need to. */
static void does_not_wait_for_plugins_that_crash(void **state)
{
    (void)state;
    log_set_level((enum log_level)0);
    conf.crash_limit = 5;
    board_name(board, 0, "lobby", "chat");
    crash_count = 0;
    assert_int_equal(crew_start(crew), 0);
    turn_until(&ready_count, 1);
    for (int i = 1; i <= 3; i++) {
        die_in_a_hook(1);
        assert_int_equal(crash_count, i);
        assert_int_equal(state_of(1), WORKER_STARTING); /* at once */
        wait_for_worker(1);
    }
    conf.crash_limit = 0;
    die_in_a_hook(1);
    wait_for_worker(1);
    die_in_a_hook(1);
    assert_int_equal(crash_count, 5);
    assert_int_equal(state_of(1), WORKER_DOWN);
    crew_quit(crew);
    turn_until(&ended_count, 1);
}

static void holds_those_that_died(void **state)
{
    (void)state;
    log_set_level((enum log_level)0);
    assert_int_equal(crew_start(crew), 0);
    assert_int_equal(crew_starting(crew), 0);
    turn_until(&ready_count, 1);
    assert_int_equal(crew_starting(crew), -1);
    crew_hold(crew);
    order(1, "die");
    turn_until(&died_count, 1);
    assert_true(crew_is_down(crew, 1));
    assert_false(crew_is_down(crew, 0));
    assert_int_equal(crew_starting(crew), -1);
    crew_release(crew, false);
    assert_int_equal(crew_starting(crew), 1);
    while (crew_starting(crew) >= 0) {
        assert_int_equal(poller_turn(&poller), 0);
    }
    /* It would have to wait by now, but for what is new. */
    order(1, "die");
    turn_until(&died_count, 2);
    assert_true(crew_is_down(crew, 1));
    crew_hold(crew);
    crew_release(crew, false);
    assert_true(crew_is_down(crew, 1));
    crew_release(crew, true);
    assert_int_equal(crew_starting(crew), 1);
    crew_quit(crew);
    turn_until(&ended_count, 1);
}

/* One that dies later serves at once: its siblings do. */
static void makes_them_wait_once(void **state)
{
    static const struct conf old;

    (void)state;
    log_set_level((enum log_level)0);
    crew_destroy(crew);
    with.replaces = &old;
    crew = crew_create(&with);
    plan[0] = plan[1] = SAYS_WHETHER_IT_WAITS;
    assert_int_equal(crew_start(crew), 0);
    turn_until(&ready_count, 1);
    assert_true(crew_uses(crew, "waits"));
    order(0, "die");
    order(1, "die");
    turn_until(&died_count, 2);
    turn_until(&uses_count, 4);
    assert_false(crew_uses(crew, "waits"));
    crew_quit(crew);
    turn_until(&ended_count, 1);
}

/* Their deaths are seen before their last words are. */
static void says_why_it_cannot_start(void **state)
{
    (void)state;
    plan[0] = FAIL;
    plan[1] = FAIL;
    assert_int_equal(crew_start(crew), 0);
    wait_for_death(0);
    wait_for_death(1);
    turn_until(&ended_count, 1);
    assert_int_equal(failed_count, 1);
    assert_string_equal(failure, "it is \"Monday\"");
    assert_int_equal(ready_count, 0);
}

static void takes_the_others_along(void **state)
{
    (void)state;
    plan[0] = HANG;
    plan[1] = CRASH;
    assert_int_equal(crew_start(crew), 0);
    turn_until(&ended_count, 1);
    assert_int_equal(failed_count, 1);
    assert_non_null(strstr(failure, "killed by signal 6"));
}

static void replaces_the_dead(void **state)
{
    pid_t pid;

    (void)state;
    log_set_level((enum log_level)0);
    assert_int_equal(crew_start(crew), 0);
    turn_until(&ready_count, 1);
    pid = atomic_load(&board_slot(board, 0)->pid);
    order(0, "die");
    turn_until(&died_count, 1);
    assert_int_equal(stat_get(&board_slot(board, 0)->incarnation), 1);
    assert_int_not_equal(atomic_load(&board_slot(board, 0)->pid), pid);
    while (state_of(0) != WORKER_RUNNING) {
        assert_int_equal(poller_turn(&poller), 0);
    }
    /* Again, so soon: not at once. */
    order(0, "die");
    turn_until(&died_count, 2);
    assert_int_equal(atomic_load(&board_slot(board, 0)->pid), 0);
    assert_int_equal(state_of(1), WORKER_RUNNING);
    while (state_of(0) != WORKER_RUNNING) {
        assert_int_equal(poller_turn(&poller), 0);
    }
    assert_int_equal(ready_count, 1);
    crew_quit(crew);
    turn_until(&ended_count, 1);
}

static void goes_on_when_a_restart_fails(void **state)
{
    (void)state;
    log_set_level((enum log_level)0);
    assert_int_equal(crew_start(crew), 0);
    turn_until(&ready_count, 1);
    plan[0] = FAIL;
    order(0, "die");
    turn_until(&died_count, 3);
    assert_int_equal(failed_count, 0);
    assert_int_equal(ended_count, 0);
    plan[0] = SERVE;
    while (state_of(0) != WORKER_RUNNING) {
        assert_int_equal(poller_turn(&poller), 0);
    }
    crew_drain(crew, &farewell);
    turn_until(&ended_count, 1);
}

static void replaces_nobody_at_the_end(void **state)
{
    json_t *json = json_object();

    (void)state;
    log_set_level((enum log_level)0);
    assert_int_equal(crew_start(crew), 0);
    turn_until(&ready_count, 1);
    order(0, "die");
    crew_drain(crew, &farewell);
    turn_until(&ended_count, 1);
    assert_int_equal(died_count, 2);
    assert_false(crew_tell(crew, 0, json));
    json_decref(json);
}

static void kills_who_does_not_follow(void **state)
{
    uint64_t begun;

    (void)state;
    log_set_level((enum log_level)0);
    plan[0] = DEAF;
    assert_int_equal(crew_start(crew), 0);
    turn_until(&ready_count, 1);
    begun = clock_now_ms();
    crew_drain(crew, &farewell);
    turn_until(&died_count, 1);
    assert_true(clock_now_ms() - begun < 1000);
    assert_true(crew_alive(crew));
    crew_quit(crew); /* sooner than the drain's end */
    turn_until(&ended_count, 1);
    assert_in_range(clock_now_ms() - begun, 1000, 2900);
}

static void does_not_wait_for_who_only_starts(void **state)
{
    uint64_t begun = clock_now_ms();

    (void)state;
    plan[0] = HANG;
    assert_int_equal(crew_start(crew), 0);
    while (state_of(1) != WORKER_RUNNING) {
        assert_int_equal(poller_turn(&poller), 0);
    }
    crew_drain(crew, &farewell);
    turn_until(&ended_count, 1);
    assert_int_equal(failed_count, 0);
    assert_true(clock_now_ms() - begun < 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(starts_and_drains, make, unmake),
        cmocka_unit_test_setup_teardown(knows_what_they_use, make, unmake),
        cmocka_unit_test_setup_teardown(does_not_wait_for_plugins_that_crash,
                                        make, unmake),
        cmocka_unit_test_setup_teardown(holds_those_that_died, make, unmake),
        cmocka_unit_test_setup_teardown(makes_them_wait_once, make, unmake),
        cmocka_unit_test_setup_teardown(says_why_it_cannot_start, make, unmake),
        cmocka_unit_test_setup_teardown(takes_the_others_along, make, unmake),
        cmocka_unit_test_setup_teardown(replaces_the_dead, make, unmake),
        cmocka_unit_test_setup_teardown(goes_on_when_a_restart_fails, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(replaces_nobody_at_the_end, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(kills_who_does_not_follow, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(does_not_wait_for_who_only_starts, make,
                                        unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

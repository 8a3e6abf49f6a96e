/* test_recycle.c - workers that give way to new ones
 *
 * The crew is the real one, and its workers are processes that do only what
 * each test wants of them.
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
#include "caught_log.h"
#include "patience.h"
#include "proc/recycle.h"
#include "proc/tally.h"
#include "proc/worker.h"

/* MUTE never says that it serves, HANG not even that it is ready. */
enum plan { SERVE, FAIL, MUTE, HANG };

static struct poller poller;
static struct watch children;
static struct conf conf;
static struct board *board;
static struct sockets sockets;
static struct crew *crew;
static enum plan plan[3];
static int ready_count, died_count, ended_count;

/* ---- the worker -------------------------------------------------------- */

static void say(int fd, const char *text)
{
    (void)!write(fd, text, strlen(text));
}

/* Its number, and whether it was made to wait, are told as images. */
static int serve(const struct worker_setup *setup)
{
    int fd = setup->channel_fd;
    char text[4096];
    ssize_t got;

    snprintf(text, sizeof text,
             "{\"event\":\"uses\",\"images\":[\"worker %u of place %u%s\"]}\n",
             setup->number, setup->index,
             setup->replaces != NULL ? ", waiting" : "");
    say(fd, text);
    say(fd, "{\"event\":\"ready\"}\n");
    while ((got = read(fd, text, sizeof text - 1)) > 0) {
        text[got] = 0;
        if (strstr(text, "\"drain\"") != NULL ||
            strstr(text, "\"quit\"") != NULL) {
            return 0;
        }
        if (strstr(text, "\"die\"") != NULL) {
            raise(SIGKILL);
        }
        if (strstr(text, "\"serve\"") != NULL && plan[setup->index] != MUTE) {
            say(fd, "{\"event\":\"serving\"}\n");
        }
    }
    return 0;
}

int worker_run(const struct worker_setup *setup)
{
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (plan[setup->index] == FAIL) {
        say(setup->channel_fd,
            "{\"event\":\"failed\",\"why\":\"it is Monday\"}\n");
        return 1;
    }
    while (plan[setup->index] == HANG) {
        pause();
    }
    return serve(setup);
}

/* ---- the master -------------------------------------------------------- */

static void in_child(void *arg)
{
    (void)arg;
    close(children.fd);
}

static void ready(void *arg)
{
    (void)arg;
    ready_count++;
}

static void failed(void *arg, const char *why)
{
    (void)arg;
    fail_msg("%s", why);
}

static void answered(void *arg, unsigned worker, json_int_t id,
                     const json_t *answer)
{
    (void)arg;
    (void)worker;
    (void)id;
    (void)answer;
}

static void uses(void *arg)
{
    (void)arg;
}

static void died(void *arg, unsigned worker)
{
    (void)arg;
    (void)worker;
    died_count++;
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
    struct crew_setup setup = {
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
        .died = died,
        .ended = ended,
    };
    sigset_t set;

    (void)state;
    conf = (struct conf){ .workers = 2, .max_requests = 10, .drain_ms = 100 };
    board = board_create(3, 2);
    board_spare(board, 2);
    board->tally = tally_create();
    setup.board = board;
    crew = crew_create(&setup);
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    children = (struct watch){
        .fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC),
        .events = POLLIN,
        .ready = reap,
    };
    plan[0] = plan[1] = plan[2] = SERVE;
    ready_count = died_count = ended_count = 0;
    return poller_add(&poller, &children) == 0 ? caught_log_begin() : -1;
}

#define turn_until(condition)                                                \
    for (uint64_t limit = clock_now_ms() + patience(20000); !(condition);) { \
        assert_true(clock_now_ms() < limit);                                 \
        assert_int_equal(poller_turn(&poller), 0);                           \
    }

static int unmake(void **state)
{
    (void)state;
    crew_quit(crew);
    turn_until(ended_count == 1);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no zombie */
    crew_destroy(crew);
    tally_destroy(board->tally);
    board_destroy(board);
    close(children.fd);
    assert_null(poller.alarms);
    poller_finish(&poller);
    caught_log_end();
    return 0;
}

static uint32_t state_of(unsigned place)
{
    return atomic_load(&board_slot(board, place)->state);
}

static uint64_t recycled(enum recycle_why why)
{
    return stat_get(&board->tally->recycled[why]);
}

/* A second is over. */
static void look(void)
{
    crew->look.ring(&crew->look);
}

static void start(void)
{
    assert_int_equal(crew_start(crew), 0);
    assert_int_equal(state_of(2), WORKER_SPARE);
    turn_until(ready_count == 1);
}

static void take(unsigned place, uint64_t count)
{
    stat_add(&board_stats(board, place)->http_requests, count);
}

static void kill_worker(unsigned place)
{
    json_t *order = json_pack("{s:s}", "do", "die");

    assert_true(crew_tell(crew, place, order));
    json_decref(order);
}

/* ---- the tests --------------------------------------------------------- */

static void gives_its_place_to_a_new_one(void **state)
{
    (void)state;
    start();
    take(0, 9);
    look();
    assert_int_equal(state_of(2), WORKER_SPARE);
    stat_add(&board_stats(board, 0)->routes[1].refused, 1);
    look();
    assert_int_equal(state_of(2), WORKER_STARTING);
    assert_int_equal(crew_starting(crew), 2);
    assert_false(crew_is_leaving(crew, 0));
    turn_until(crew_is_leaving(crew, 0));
    /* The new one serves by then. */
    assert_int_equal(state_of(2), WORKER_RUNNING);
    assert_int_equal(state_of(0), WORKER_DRAINING);
    assert_true(crew_uses(crew, "worker 0 of place 2, waiting"));
    assert_int_equal(crew_starting(crew), -1);
    assert_int_equal(recycled(RECYCLE_REQUESTS), 1);
    turn_until(crew_is_spare(crew, 0));
    assert_int_equal(state_of(0), WORKER_SPARE);
    assert_int_equal(state_of(1), WORKER_RUNNING);
    assert_int_equal(board_restarts(board, 0), 0);
    assert_int_equal(board_restarts(board, 2), 0);
    assert_int_equal(caught_log_count("has reached [server] max_requests = 10: "
                                      "it took 10; worker 2 is to take"),
                     1);
    assert_int_equal(caught_log_count(" warn "), 0);
    assert_int_equal(caught_log_count(" error "), 0);
}

/* What was counted in a place before is not the new one's. */
static void counts_from_zero(void **state)
{
    (void)state;
    conf.max_memory = 1 << 20;
    start();
    take(0, 10);
    look();
    turn_until(crew_is_spare(crew, 0));
    stat_set(&board_stats(board, 2)->resident, (1 << 20) + 1024);
    look();
    turn_until(crew_is_spare(crew, 2));
    assert_true(crew_uses(crew, "worker 0 of place 0, waiting"));
    assert_int_equal(recycled(RECYCLE_MEMORY), 1);
    assert_int_equal(
        caught_log_count("max_memory = 1m: it has 1025k; worker 0 is to take"),
        1);
    take(0, 9);
    look();
    assert_true(crew_is_spare(crew, 2));
    take(0, 1);
    look();
    assert_false(crew_is_spare(crew, 2));
}

static void takes_one_after_the_other(void **state)
{
    (void)state;
    start();
    crew->members[1].served_ms -= 1000; /* so it has served longer */
    take(0, 10);
    take(1, 10);
    look();
    turn_until(crew_is_leaving(crew, 1));
    look();
    assert_false(crew_is_leaving(crew, 0));
    turn_until(crew_is_spare(crew, 1));
    look();
    turn_until(crew_is_spare(crew, 0));
    assert_true(crew_uses(crew, "worker 1 of place 2, waiting"));
    assert_true(crew_uses(crew, "worker 0 of place 1, waiting"));
}

static void lets_a_worker_serve_for_a_while(void **state)
{
    (void)state;
    conf.recycle_interval_ms = 60000;
    start();
    take(0, 10);
    take(1, 10);
    look();
    look();
    assert_int_equal(state_of(2), WORKER_SPARE);
    assert_int_equal(caught_log_count("too low a limit"), 1);
    assert_int_equal(caught_log_count("recycle_interval = 1m"), 1);
    crew->members[1].served_ms -= 60000;
    look();
    turn_until(crew_is_spare(crew, 1));
}

static void does_nothing_while_all_are_to_agree(void **state)
{
    (void)state;
    start();
    take(0, 10);
    crew_hold(crew);
    look();
    assert_int_equal(state_of(2), WORKER_SPARE);
    crew_release(crew, true);
    assert_int_equal(state_of(2), WORKER_SPARE);
    assert_int_equal(crew_starting(crew), -1);
    look();
    turn_until(crew_is_spare(crew, 0));
}

/* One that cannot start changes nothing; it is tried again later. */
static void goes_on_when_the_new_one_fails(void **state)
{
    (void)state;
    start();
    plan[2] = FAIL;
    take(0, 10);
    conf.recycle_interval_ms = 60000;
    crew->members[0].served_ms -= 60000;
    look();
    turn_until(died_count == 1);
    assert_int_equal(state_of(0), WORKER_RUNNING);
    assert_int_equal(state_of(2), WORKER_SPARE);
    assert_int_equal(board_restarts(board, 2), 0);
    assert_int_equal(recycled(RECYCLE_REQUESTS), 0);
    assert_int_equal(caught_log_count("worker 0 goes on, "), 1);
    assert_int_equal(caught_log_count("it is Monday"), 1);
    look();
    assert_int_equal(state_of(2), WORKER_SPARE);
    plan[2] = SERVE;
    crew->members[0].not_before_ms = 0;
    look();
    turn_until(crew_is_spare(crew, 0));
}

static void needs_the_new_one_if_the_old_one_dies(void **state)
{
    (void)state;
    start();
    plan[2] = HANG;
    take(0, 10);
    look();
    kill_worker(0);
    turn_until(crew_is_spare(crew, 0));
    assert_int_equal(board_restarts(board, 0), 1);
    assert_int_equal(caught_log_count("worker 2, being started, takes"), 1);
    /* It is a worker like others from now on, and served at once. */
    plan[2] = SERVE;
    kill(atomic_load(&board_slot(board, 2)->pid), SIGKILL);
    turn_until(state_of(2) == WORKER_RUNNING);
    assert_true(crew_uses(crew, "worker 0 of place 2"));
    assert_int_equal(recycled(RECYCLE_REQUESTS), 0);
}

/* Neither one that hangs in its start nor one that does not come to serve. */
static void gives_the_new_one_up_in_time(void **state)
{
    (void)state;
    start();
    for (int i = 0; i < 2; i++) {
        plan[2] = i == 0 ? HANG : MUTE;
        crew->members[0].not_before_ms = 0;
        take(0, 10);
        look();
        turn_until(i == 0 || state_of(2) == WORKER_RUNNING);
        assert_int_equal(crew_starting(crew), 2);
        crew->members[2].born_ms -= 30000;
        crew->members[2].watchdog.ring(&crew->members[2].watchdog);
        turn_until(crew_is_spare(crew, 2));
        assert_int_equal(state_of(0), WORKER_RUNNING);
    }
    assert_int_equal(caught_log_count("does not serve within 30 s: killed"), 2);
}

/* A worker may say anything at any time. */
static void believes_only_whom_it_has_asked(void **state)
{
    (void)state;
    start();
    recycle_serves(&crew->members[0]);
    plan[2] = HANG;
    take(0, 10);
    look();
    recycle_serves(&crew->members[2]); /* before it is ready */
    recycle_serves(&crew->members[1]);
    assert_false(crew_is_leaving(crew, 0));
}

static void ends_in_the_middle(void **state)
{
    (void)state;
    start();
    plan[2] = MUTE;
    take(0, 10);
    look();
    turn_until(state_of(2) == WORKER_RUNNING);
    /* unmake ends it all. */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)
    const struct CMUnitTest tests[] = {
        TEST(gives_its_place_to_a_new_one),
        TEST(counts_from_zero),
        TEST(takes_one_after_the_other),
        TEST(lets_a_worker_serve_for_a_while),
        TEST(does_nothing_while_all_are_to_agree),
        TEST(goes_on_when_the_new_one_fails),
        TEST(needs_the_new_one_if_the_old_one_dies),
        TEST(gives_the_new_one_up_in_time),
        TEST(believes_only_whom_it_has_asked),
        TEST(ends_in_the_middle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

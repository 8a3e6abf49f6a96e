/* test_log.c - the host's log: one line per event, as text or JSON */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <regex.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

static char folder[] = "/tmp/test_log.XXXXXX";
static char file[64];
static char rotated[64];

static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(file, sizeof file, "%s/log", folder);
    snprintf(rotated, sizeof rotated, "%s/log.1", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return rmdir(folder);
}

static int fresh(void **state)
{
    (void)state;
    log_identify("");
    return log_open(file, LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
}

static int done(void **state)
{
    (void)state;
    unlink(file);
    unlink(rotated);
    return 0;
}

/* On the heap, with a 0 behind it */
static char *content(const char *name)
{
    FILE *in = fopen(name, "r");
    char *text = calloc(1, 1 << 22);

    assert_non_null(in);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 22) - 1, in) < (1 << 22) - 1);
    fclose(in);
    return text;
}

/* The log is one line whose time looks like one, and the rest is expected. */
static void holds(const char *expected)
{
    static const char time[] = "2026-11-22T20:14:41.123Z";
    char *text = content(file);
    const char *start = *text == '{' ? text + strlen("{\"time\":\"") : text;
    regex_t regex;

    assert_int_equal(
        regcomp(&regex,
                "^20[0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:"
                "[0-6][0-9]\\.[0-9][0-9][0-9]Z",
                REG_NOSUB),
        0);
    assert_int_equal(regexec(&regex, start, 0, NULL, 0), 0);
    regfree(&regex);
    assert_string_equal(start + sizeof time - 1, expected);
    free(text);
}

static void text_of_all(void **state)
{
    struct log_subject about = {
        .route = "lobby", .plugin = "chat", .conn = 12, .remote = "127.0.0.1"
    };

    (void)state;
    log_identify("worker 0");
    log_about(LOG_LEVEL_INFO, &about, "%s joined", "anna");
    holds(" info  worker 0 [lobby/chat] #12 127.0.0.1: anna joined\n");
}

static void text_of_little(void **state)
{
    (void)state;
    log_warn("disk %d%% full", 95);
    holds(" warn : disk 95% full\n");
}

static void text_of_a_route(void **state)
{
    (void)state;
    log_about(LOG_LEVEL_ERROR, &(struct log_subject){ .route = "r" }, "x");
    holds(" error [r]: x\n");
}

static void text_of_a_plugin(void **state)
{
    (void)state;
    log_about(LOG_LEVEL_ERROR, &(struct log_subject){ .plugin = "p" }, "x");
    holds(" error [-/p]: x\n");
}

static void json_of_all(void **state)
{
    struct log_subject about = {
        .route = "lobby", .plugin = "chat", .conn = UINT64_MAX, .remote = "::1"
    };

    (void)state;
    assert_int_equal(log_open(file, LOG_FORMAT_JSON, LOG_LEVEL_DEBUG), 0);
    log_identify("worker 0");
    log_about(LOG_LEVEL_DEBUG, &about, "say \"hi\"\n\xff");
    holds(
        "\",\"level\":\"debug\",\"who\":\"worker 0\",\"route\":\"lobby\","
        "\"plugin\":\"chat\",\"conn\":\"18446744073709551615\","
        "\"remote\":\"::1\",\"message\":\"say \\\"hi\\\"\\n\xef\xbf\xbd\"}\n");
}

static void json_of_little(void **state)
{
    (void)state;
    assert_int_equal(log_open(file, LOG_FORMAT_JSON, LOG_LEVEL_INFO), 0);
    log_info("up");
    holds("\",\"level\":\"info\",\"message\":\"up\"}\n");
}

/* A peer must not forge lines, nor move the terminal of who reads them. */
static void escapes(void **state)
{
    (void)state;
    log_info("a\nb\r\tc \x1b[2J \x7f \xc2\x9b \xff caf\xc3\xa9 \xc2\xa0 %c", 0);
    holds(" info : a\\nb\\r\\tc \\x1b[2J \\x7f \\x9b \\xff caf\xc3\xa9 \xc2\xa0"
          " \n");
}

static void escapes_the_remote(void **state)
{
    (void)state;
    log_about(LOG_LEVEL_INFO, &(struct log_subject){ .remote = "x\ny" }, "z");
    holds(" info  x\\ny: z\n");
}

static void levels(void **state)
{
    char *text;

    (void)state;
    assert_int_equal(log_get_level(), LOG_LEVEL_INFO);
    log_debug("not this");
    assert_false(log_wants(LOG_LEVEL_DEBUG));
    log_set_level(LOG_LEVEL_ERROR);
    log_warn("nor this");
    log_error("this");
    log_set_level(LOG_LEVEL_DEBUG);
    assert_true(log_wants(LOG_LEVEL_DEBUG));
    log_debug("and this");
    text = content(file);
    assert_null(strstr(text, "not this"));
    assert_null(strstr(text, "nor this"));
    assert_non_null(strstr(text, "error: this\n"));
    assert_non_null(strstr(text, "debug: and this\n"));
    free(text);
}

static void level_names(void **state)
{
    (void)state;
    for (int level = LOG_LEVEL_ERROR; level <= LOG_LEVEL_DEBUG; level++) {
        assert_int_equal(log_level_parse(log_level_name((enum log_level)level)),
                         level);
    }
    assert_int_equal(log_level_parse("warn"), LOG_LEVEL_WARN);
    assert_int_equal(log_level_parse("Warn"), 0);
    assert_int_equal(log_level_parse(""), 0);
    assert_string_equal(log_level_name((enum log_level)0), "none");
    assert_string_equal(log_level_name((enum log_level)9), "none");
}

static void cuts_long_lines(void **state)
{
    static char message[10000];
    struct stat info;
    char *text;
    size_t len;

    (void)state;
    memset(message, 'x', sizeof message - 1);
    log_info("%s", message);
    text = content(file);
    len = strlen(text);
    assert_in_range(len, 4000, 4096);
    assert_string_equal(text + len - 6, "xx...\n");
    free(text);

    assert_int_equal(truncate(file, 0), 0);
    assert_int_equal(log_open(file, LOG_FORMAT_JSON, LOG_LEVEL_INFO), 0);
    memset(message, '\n', sizeof message - 1);
    log_info("%s", message);
    text = content(file);
    len = strlen(text);
    assert_in_range(len, 4000, 4096);
    assert_string_equal(text + len - 10, "\\n\\n...\"}\n");
    free(text);
    assert_int_equal(stat(file, &info), 0);
    assert_int_equal(info.st_mode & 0137, 0);
}

/* Not in the middle of a character. */
static void cuts_between_characters(void **state)
{
    static char message[9000];
    char *text;

    (void)state;
    for (size_t i = 0; i + 3 < sizeof message; i += 3) {
        memcpy(message + i, "\xe2\x82\xac", 3);
    }
    log_info("%s", message);
    text = content(file);
    assert_string_equal(text + strlen(text) - 7, "\xe2\x82\xac...\n");
    assert_null(strstr(text, "\\x"));
    free(text);
}

static void keeps_errno(void **state)
{
    (void)state;
    errno = ENOENT;
    log_info("x");
    assert_int_equal(errno, ENOENT);
    assert_int_equal(log_open("/dev/full", LOG_FORMAT_TEXT, LOG_LEVEL_INFO), 0);
    errno = EAGAIN;
    log_info("a write that fails");
    assert_int_equal(errno, EAGAIN);
}

static void reopens(void **state)
{
    char *text;

    (void)state;
    log_info("one");
    assert_int_equal(rename(file, rotated), 0);
    log_info("two");
    assert_int_equal(log_open(file, LOG_FORMAT_TEXT, LOG_LEVEL_INFO), 0);
    log_info("three");
    holds(" info : three\n");
    text = content(rotated);
    assert_non_null(strstr(text, "one\n"));
    assert_non_null(strstr(text, "two\n"));
    assert_null(strstr(text, "three"));
    free(text);
}

static void stays_when_it_cannot_open(void **state)
{
    (void)state;
    errno = 0;
    assert_int_equal(log_open("/nowhere/log", LOG_FORMAT_JSON, LOG_LEVEL_DEBUG),
                     -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(log_get_level(), LOG_LEVEL_INFO);
    log_info("still here");
    holds(" info : still here\n");
}

static void standard_error(void **state)
{
    int saved = dup(STDERR_FILENO);
    int fd = open(rotated, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    char *text;

    (void)state;
    assert_true(dup2(fd, STDERR_FILENO) >= 0);
    close(fd);
    assert_int_equal(log_open("-", LOG_FORMAT_TEXT, LOG_LEVEL_INFO), 0);
    log_info("seen");
    assert_int_equal(log_open(file, LOG_FORMAT_TEXT, LOG_LEVEL_INFO), 0);
    log_info("not seen");
    dup2(saved, STDERR_FILENO);
    close(saved);
    text = content(rotated);
    assert_non_null(strstr(text, "info : seen\n"));
    assert_null(strstr(text, "not seen"));
    free(text);
    holds(" info : not seen\n");
}

/* No descriptor may be left behind by reopening. */
static void leaks_no_descriptor(void **state)
{
    int before = dup(0);
    int after;

    (void)state;
    close(before);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(
            log_open(i % 2 == 0 ? "-" : file, LOG_FORMAT_TEXT, LOG_LEVEL_INFO),
            0);
    }
    after = dup(0);
    close(after);
    assert_int_equal(before, after);
}

static void *write_many(void *arg)
{
    struct log_subject about = { .route = arg };

    for (int i = 0; i < 500; i++) {
        log_about(LOG_LEVEL_INFO, &about, "line %d of a thread", i);
    }
    return NULL;
}

/* Whole lines from several threads while the file is changed underneath */
static void threads(void **state)
{
    static char names[4][2] = { "a", "b", "c", "d" };
    pthread_t thread[4];
    char *text;
    int lines = 0;

    (void)state;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&thread[i], NULL, write_many, names[i]),
                         0);
    }
    for (int i = 0; i < 50; i++) {
        assert_int_equal(log_open(file, LOG_FORMAT_TEXT, LOG_LEVEL_INFO), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(thread[i], NULL);
    }
    text = content(file);
    for (char *at = text; *at != 0; at = strchr(at, '\n') + 1) {
        const char *end = strchr(at, '\n');

        assert_non_null(end);
        assert_memory_equal(at + 24, " info  [", 8);
        assert_memory_equal(end - 9, " a thread", 9);
        lines++;
    }
    assert_int_equal(lines, 2000);
    free(text);
}

/* A disk that is full: the lines are counted. When there is room again, the gap
 * is told on a line of its own, once. */
static void counts_what_is_lost(void **state)
{
    struct rlimit old;
    struct rlimit limit;
    uint64_t before = log_lost();
    char *text;
    const char *line;
    const char *gap = " warn : lines of this log that were lost here: 2 "
                      "(File too large)\n";

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    limit = old;
    limit.rlim_cur = 10;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    log_info("torn");
    log_info("lost");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(log_lost() - before, 2);
    log_info("whole");
    text = content(file);
    assert_int_equal(strcspn(text, "\n"), 10);
    line = text + 11;
    assert_memory_equal(line + 24, gap, strlen(gap));
    line = strchr(line, '\n') + 1;
    assert_string_equal(line + 24, " info : whole\n");
    free(text);
    assert_int_equal(log_lost() - before, 2);
}

static struct {
    enum log_level level;
    uint64_t conn;
    char message[16];
} taken;

static void take(enum log_level level, const struct log_subject *subject,
                 const char *message)
{
    taken.level = level;
    taken.conn = subject != NULL ? subject->conn : 0;
    snprintf(taken.message, sizeof taken.message, "%s", message);
    errno = EIO;
}

static void diverts(void **state)
{
    struct log_subject subject = { .conn = 12 };
    char *text;

    (void)state;
    log_divert(take);
    errno = ENOENT;
    log_about(LOG_LEVEL_WARN, &subject, "a\n%d", 1);
    assert_int_equal(errno, ENOENT);
    log_divert(NULL);
    assert_int_equal(taken.level, LOG_LEVEL_WARN);
    assert_int_equal(taken.conn, 12);
    assert_string_equal(taken.message, "a\n1");
    text = content(file);
    assert_string_equal(text, "");
    free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, done)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(text_of_all),
        TEST(text_of_little),
        TEST(text_of_a_route),
        TEST(text_of_a_plugin),
        TEST(json_of_all),
        TEST(json_of_little),
        TEST(escapes),
        TEST(escapes_the_remote),
        TEST(levels),
        TEST(level_names),
        TEST(cuts_long_lines),
        TEST(cuts_between_characters),
        TEST(keeps_errno),
        TEST(reopens),
        TEST(stays_when_it_cannot_open),
        TEST(standard_error),
        TEST(leaks_no_descriptor),
        TEST(threads),
        TEST(counts_what_is_lost),
        TEST(diverts),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

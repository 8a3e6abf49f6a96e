/* log.c - the host's log, kept for the test to look at */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit.h"

/* Any thread may call bay_log. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct bay_test *owner(void)
{
    return kit.running != NULL ? kit.running : kit.tests;
}

static void keep(struct bay_test *test, const char *text)
{
    char **place;

    if (test->line_count == KIT_LOG_LINES) {
        free(test->lines[test->line_first]);
        test->line_first = (test->line_first + 1) % KIT_LOG_LINES;
        test->line_count--;
    }
    place =
        &test->lines[(test->line_first + test->line_count++) % KIT_LOG_LINES];
    *place = kit_copy(text);
}

/* hooks.c counts a slow hook, and then says so. */
static bool tells_slow_hook(struct bay_test *test)
{
    for (int i = 0; i < test->worker_count; i++) {
        struct kit_worker *worker = test->workers[i];

        if (worker->core != NULL &&
            stat_get(&worker->stats->routes[0].slow_hooks) !=
                worker->slow_hooks) {
            worker->slow_hooks = stat_get(&worker->stats->routes[0].slow_hooks);
            return true;
        }
    }
    return false;
}

/* What core says of a handle that is none any more (api_conn.c and others). */
static bool tells_misuse(enum log_level level,
                         const struct log_subject *subject, const char *message)
{
    static const char begin[] = "a plugin used ";

    return level == LOG_LEVEL_ERROR && subject == NULL &&
           strncmp(message, begin, sizeof begin - 1) == 0;
}

static void take(enum log_level level, const struct log_subject *subject,
                 const char *message)
{
    struct bay_test *test;
    struct buf line = { 0 };

    buf_addf(&line, "%s", log_level_name(level));
    if (subject != NULL && subject->conn != 0) {
        buf_addf(&line, " #%" PRIu64, subject->conn);
    }
    if (subject != NULL && subject->remote != NULL) {
        buf_addf(&line, " %s", subject->remote);
    }
    buf_addf(&line, ": %s", message);
    pthread_mutex_lock(&lock);
    test = owner();
    if (test != NULL) {
        keep(test, line.data);
    }
    if ((int)level <= kit.print_level) {
        fprintf(stderr, "%s: %s\n", test != NULL ? test->name : "patchbay",
                line.data);
    }
    if (test != NULL && (tells_misuse(level, subject, message) ||
                         (level == LOG_LEVEL_WARN && tells_slow_hook(test)))) {
        kit_complain(test, "%s", message);
    }
    pthread_mutex_unlock(&lock);
    buf_free(&line);
}

void kit_log_begin(void)
{
    log_divert(take);
    log_set_level(LOG_LEVEL_DEBUG);
}

const char *bay_test_log(bay_test *test)
{
    const char *text = NULL;

    if (test == NULL) {
        return NULL;
    }
    pthread_mutex_lock(&lock);
    free(test->line);
    test->line = NULL;
    if (test->line_count > 0) {
        test->line = test->lines[test->line_first];
        text = test->line;
        test->line_first = (test->line_first + 1) % KIT_LOG_LINES;
        test->line_count--;
    }
    pthread_mutex_unlock(&lock);
    return text;
}

void bay_test_print_log(bay_level level)
{
    kit.print_level = level;
}

void kit_log_free(struct bay_test *test)
{
    while (bay_test_log(test) != NULL) {
    }
}

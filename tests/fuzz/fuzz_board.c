/* fuzz_board.c - memory that workers share with the master, and may run wild in
 *
 * The input is what lies there; everybody who reads it has to come back.
 */
#include "fuzz.h"

#include <jansson.h>
#include <unistd.h>

#include "base/log.h"
#include "proc/board.h"
#include "proc/crashes.h"
#include "proc/pages.h"
#include "proc/postmortem.h"
#include "proc/report.h"

#define WORKERS 2
#define ROUTES  2

static struct conf_route routes[] = { { .name = (char[]){ "one" },
                                        .path = (char[]){ "/" },
                                        .plugin = (char[]){ "chat" },
                                        .slot = 0 },
                                      { .name = (char[]){ "two" },
                                        .path = (char[]){ "/two" },
                                        .plugin = (char[]){ "echo" },
                                        .slot = 1 } };
static struct conf conf = { .file = (char[]){ "p.ini" },
                            .workers = WORKERS,
                            .routes = routes,
                            .route_count = ROUTES };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    log_open("/dev/null", LOG_FORMAT_TEXT, LOG_LEVEL_DEBUG);
    return 0;
}

/* A file that reads as JSON, and not as half of it. */
static void dump(json_t *report)
{
    char *text = report != NULL ? json_dumps(report, JSON_COMPACT) : NULL;

    fuzz_check(text != NULL);
    free(text);
    json_decref(report);
}

static void read_all(struct board *board)
{
    static const struct crashes none;
    struct generation now = { .conf = &conf, .board = board };
    struct pages pages = { board, &conf };
    struct buf buf = { 0 };
    json_t *health;
    char text[512];

    for (unsigned i = 0; i < WORKERS; i++) {
        postmortem_hook(text, sizeof text, board, i);
        fuzz_check(strlen(text) < sizeof text);
        postmortem_death(text, sizeof text, board, i, 77, 11);
        fuzz_check(strncmp(text, "worker ", 7) == 0);
        (void)board_state_name(atomic_load(&board_slot(board, i)->state));
    }
    dump(report_status(&now, NULL, &none));
    dump(report_routes(board, &conf));
    pages_health(&pages, &buf);
    health = json_loadb(buf.data, buf.len, JSON_DECODE_INT_AS_REAL, NULL);
    fuzz_check(json_is_object(health));
    json_decref(health);
    buf_clear(&buf);
    pages_metrics(&pages, &buf);
    fuzz_check(!buf.failed && buf.len > 0 && buf.data[buf.len - 1] == '\n');
    buf_free(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct board *board = board_create(WORKERS, ROUTES);
    struct board *next = board_create(WORKERS, ROUTES);

    fuzz_check(board != NULL && next != NULL);
    for (unsigned i = 0; i < ROUTES; i++) {
        board_name(board, i, routes[i].name, routes[i].plugin);
    }
    memcpy(board->shared, data, len < board->size ? len : board->size);
    read_all(board);
    fuzz_check(board_succeed(next, board) == 0);
    read_all(next);
    board_begin(board, 0, 77);
    for (unsigned i = 0; i < WORKERS; i++) {
        board_bury(board, i);
    }
    board->over = true;
    read_all(board);
    board_destroy(next);
    board_destroy(board);
    return 0;
}

/* fuzz_channel.c - what a worker, in which plugins run, says to the master
 *
 * The real crew, with two workers that are no processes but the input, both
 * the same. What they answer goes to commands that wait for it; a line that
 * could be the answer to a reload is read as that, too.
 */
#include "fuzz.h"

#include <signal.h>

/* Nobody is killed: the worker has no process. */
#define kill(pid, signal) fuzz_kill(pid, signal)
static int fuzz_kill(int pid, int signal);
/* The file itself: its workers are its own. */
#include "proc/crew.c" // NOLINT
#undef kill

#include "proc/commands.h"
#include "proc/outcome.h"
#include "turns.h"

static int fuzz_kill(int pid, int signal_number)
{
    (void)pid;
    (void)signal_number;
    return 0;
}

#define WORKERS 2

static struct conf_route routes[] = { { .name = (char[]){ "lobby" },
                                        .path = (char[]){ "/chat" },
                                        .plugin = (char[]){ "chat" } } };
static struct conf conf = { .file = (char[]){ "p.ini" },
                            .workers = WORKERS,
                            .routes = routes,
                            .route_count = 1 };
static struct generation now;
static struct host host;
static struct commands *commands;
static int answers;

/* Instead of those of control.c. */
void control_answer(struct control *control, uint64_t ticket, json_t *answer)
{
    char *text = json_dumps(answer, JSON_COMPACT);

    (void)control;
    fuzz_check(ticket == 7);
    fuzz_check(text != NULL);
    free(text);
    json_decref(answer);
    answers++;
}

void control_answer_and_hold(struct control *control, uint64_t ticket,
                             json_t *answer)
{
    control_answer(control, ticket, answer);
}

static void nothing(void *arg)
{
    (void)arg;
}

static void on_failed(void *arg, const char *why)
{
    (void)arg;
    (void)why;
}

static void on_answer(void *arg, unsigned worker, json_int_t id,
                      const json_t *answer)
{
    (void)arg;
    commands_answered(commands, worker, id, answer);
}

static void on_died(void *arg, unsigned worker)
{
    (void)arg;
    commands_died(commands, worker);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    log_open("/dev/null", LOG_FORMAT_TEXT, LOG_LEVEL_DEBUG);
    now =
        (struct generation){ .conf = &conf, .board = board_create(WORKERS, 1) };
    host = (struct host){ .now = &now,
                          .rundir = { .path = "/nonexistent", .lock_fd = -1 } };
    return 0;
}

/* Asks what only a worker knows, so that an answer of each kind is waited
 * for: ids 1 to 3. */
static void ask(void)
{
    static const char *const requests[] = {
        "{\"do\":\"conns\"}", "{\"do\":\"kick\",\"conn\":\"1099511627777\"}",
        "{\"do\":\"log\",\"level\":\"debug\"}"
    };

    for (size_t i = 0; i < 3; i++) {
        json_t *request = json_loads(requests[i], 0, NULL);

        commands_request(commands, 7, request);
        json_decref(request);
    }
}

/* What is told is read, so that there is always room for it. */
static void settle(int fd)
{
    char text[4096];

    turns(&host.poller);
    while (recv(fd, text, sizeof text, MSG_DONTWAIT) > 0) {
    }
}

/* A worker that serves: the other end of its channel. */
static int pretend(struct member *member)
{
    int ends[2];

    fuzz_check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    fuzz_check(lines_open(&member->channel, &host.poller, ends[0]) == 0);
    member->pid = (1 << 29) + (int)member->index; /* no process can have it */
    board_begin(now.board, member->index, member->pid);
    is_ready(member);
    return ends[1];
}

static void speak(int fd, const uint8_t *data, size_t len, size_t cut)
{
    while (len > 0) {
        ssize_t sent =
            send(fd, data, cut < len ? cut : len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent <= 0) {
            return;
        }
        data += sent;
        len -= (size_t)sent;
        settle(fd);
    }
}

/* What the master makes of the answers to a reload. */
static void sum_up(const uint8_t *data, size_t len)
{
    char *whole = fuzz_text(data, len);
    char *rest = whole;
    json_t *said = json_array();
    json_t *outcome;
    struct buf text = { 0 };
    char *line;

    while ((line = fuzz_line(&rest)) != NULL) {
        json_array_append_new(said, json_loads(line, 0, NULL));
    }
    outcome = outcome_make(said, 1, false);
    fuzz_check(outcome != NULL);
    outcome_text(outcome, &text);
    buf_free(&text);
    json_decref(outcome);
    json_decref(said);
    free(whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct commands_setup to_commands = {
        .host = &host, .drain = nothing, .quit = nothing, .in_child = nothing
    };
    struct crew_setup to_crew = { .poller = &host.poller,
                                  .conf = &conf,
                                  .board = now.board,
                                  .ready = nothing,
                                  .failed = on_failed,
                                  .answered = on_answer,
                                  .uses = nothing,
                                  .died = on_died,
                                  .ended = nothing };
    uint32_t hash = fuzz_hash(data, len);
    size_t cut = hash % 2 == 0 ? len : 1 + hash / 2 % 64;
    struct crew *crew = crew_create(&to_crew);
    int fds[WORKERS];

    now.crew = crew;
    commands = commands_create(&to_commands);
    commands_connect(commands, NULL);
    for (unsigned i = 0; i < WORKERS; i++) {
        fds[i] = pretend(&crew->members[i]);
    }
    answers = 0;
    ask();
    for (unsigned i = 0; i < WORKERS; i++) {
        speak(fds[i], data, len, cut);
    }
    (void)crew_uses(crew, "echo.1f.so");
    crew->phase = QUITTING;
    for (unsigned i = 0; i < WORKERS; i++) {
        close(fds[i]);
        turns(&host.poller);
        crew_reap(crew, crew->members[i].pid, 0);
    }
    fuzz_check(answers == 3);
    commands_destroy(commands);
    crew_destroy(crew);
    sum_up(data, len);
    return 0;
}

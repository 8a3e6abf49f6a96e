/* fuzz_control.c - the control socket: a line of JSON, and what the master does
 *
 * The real socket and the real commands, of a host whose workers never start.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/tree.h"
#include "proc/commands.h"
#include "proc/control.h"
#include "proc/unix.h"
#include "turns.h"

static struct conf_route routes[] = { { .name = (char[]){ "lobby" },
                                        .path = (char[]){ "/chat" },
                                        .plugin = (char[]){ "chat" } } };
static struct conf conf = { .file = (char[]){ "p.ini" },
                            .workers = 2,
                            .routes = routes,
                            .route_count = 1 };
static char folder[] = "/tmp/patchbay-fuzz-XXXXXX";
static char path[64];
static struct generation now;
static struct host host;
static struct control *control;
static struct commands *commands;

static void nothing(void *arg)
{
    (void)arg;
}

/* A reload forks: not here. */
static void request(void *arg, uint64_t ticket, const json_t *what)
{
    const char *name = json_string_value(json_object_get(what, "do"));

    if (strcmp(name, "reload") == 0) {
        control_answer(control, ticket, json_pack("{s:b}", "ok", 1));
    } else {
        commands_request(arg, ticket, what);
    }
}

static void tidy_up(void)
{
    tree_remove(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct commands_setup setup = {
        .host = &host, .drain = nothing, .quit = nothing, .in_child = nothing
    };
    struct crew_setup crew = { .poller = &host.poller, .conf = &conf };
    char why[256];

    (void)argc;
    (void)argv;
    log_open("/dev/null", LOG_FORMAT_TEXT, LOG_LEVEL_DEBUG);
    fuzz_check(mkdtemp(folder) != NULL);
    atexit(tidy_up);
    snprintf(path, sizeof path, "%s/%s", folder, CONTROL_NAME);
    now = (struct generation){ .conf = &conf, .board = board_create(2, 1) };
    crew.board = now.board;
    now.crew = crew_create(&crew);
    host = (struct host){ .now = &now,
                          .rundir = { .path = "/nonexistent", .lock_fd = -1 } };
    commands = commands_create(&setup);
    control = control_create(&host.poller, folder, request, commands, why,
                             sizeof why);
    fuzz_check(control != NULL);
    commands_connect(commands, control);
    return 0;
}

/* One line of JSON at most. */
static void check_answer(int fd)
{
    static char text[1 << 16];
    ssize_t got = recv(fd, text, sizeof text, MSG_DONTWAIT);
    json_t *answer;

    if (got <= 0) {
        return;
    }
    fuzz_check(text[got - 1] == '\n');
    answer = json_loadb(text, (size_t)got, 0, NULL);
    fuzz_check(answer != NULL);
    fuzz_check(json_is_boolean(json_object_get(answer, "ok")));
    json_decref(answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint32_t hash = fuzz_hash(data, len);
    size_t cut = hash % 2 == 0 ? len : 1 + hash / 2 % 32;
    int fd = unix_connect(path);

    fuzz_check(fd >= 0);
    turns(&host.poller);
    while (len > 0) {
        ssize_t sent =
            send(fd, data, cut < len ? cut : len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent <= 0) {
            break;
        }
        data += sent;
        len -= (size_t)sent;
        turns(&host.poller);
    }
    check_answer(fd);
    close(fd);
    turns(&host.poller);
    return 0;
}

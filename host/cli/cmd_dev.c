/* cmd_dev.c - patchbay dev: serve a plugin while it is being written */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/printable.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/dev_build.h"
#include "cli/dev_log.h"
#include "cli/dev_port.h"
#include "cli/dev_space.h"
#include "cli/places.h"
#include "proc/check.h"
#include "proc/control.h"
#include "proc/lines.h"
#include "proc/watcher.h"

#define DEFAULT_PORT   9501
#define PORTS          100 /* from there on, if it was not told one */
#define LINE_MAX_BYTES ((size_t)1 << 20)
#define END_MS         5000
#define LAST_WORDS_MS  1000 /* for what the host said to be shown */

struct dev {
    struct dev_space space;
    struct dev_port port; /* until the host has it */
    struct poller poller;
    struct watch signals;
    struct watcher *watcher;
    struct lines log; /* the lines of the host that matter here */
    struct alarm_clock deadline;
    const char *const *files; /* as given; ends with NULL */
    bool compiles;
    bool serves_plugin; /* the INI file has its route */
    bool listening;
    bool ending;
    pid_t host; /* 0: it has ended */
    int status;
    bool speechless; /* no more can be expected of the log */
};

__attribute__((format(printf, 3, 4))) static void
tell(const struct dev *dev, const char *event, const char *format, ...)
{
    struct buf text = { 0 };
    va_list args;

    va_start(args, format);
    buf_vaddf(&text, format, args);
    va_end(args);
    if (!text.failed) {
        fprintf(stderr, "dev: %s\n", text.data);
        dev_space_tell(&dev->space, event, text.data);
    }
    buf_free(&text);
}

/* ---- the plugin -------------------------------------------------------- */

static bool compile(const struct dev *dev)
{
    struct buf said = { 0 };
    uint64_t began_ms = clock_now_ms();
    int status = dev_build(dev->files, dev->space.plugin, &said);

    if (status != 0 && dev_is_to_end()) {
        buf_free(&said);
        return false;
    }
    if (said.len > 0 && !said.failed) {
        printable_put(stderr, said.data, said.len, "\n\t");
    }
    if (status != 0) {
        dev_space_tell(&dev->space, "errors",
                       said.failed ? "out of memory" : said.data);
        fprintf(stderr, "dev: it does not compile; save it again\n");
    } else {
        dev_space_tell(&dev->space, said.len > 0 ? "warnings" : "built",
                       said.len > 0 && !said.failed ? said.data : "");
        fprintf(stderr, "dev: compiled in %llu ms\n",
                (unsigned long long)(clock_now_ms() - began_ms));
    }
    buf_free(&said);
    return status == 0;
}

/* What a user has to know of it: one line. */
static void say_outcome(const struct dev *dev, const json_t *answer)
{
    const json_t *route;
    size_t i;

    json_array_foreach(json_object_get(answer, "routes"), i, route)
    {
        const char *name = json_string_value(json_object_get(route, "route"));
        const char *way = json_string_value(json_object_get(route, "way"));
        const char *why = json_string_value(json_object_get(route, "why"));
        int kept = (int)json_integer_value(json_object_get(route, "kept"));
        int old = (int)json_integer_value(json_object_get(route, "outdated"));
        int closed = (int)json_integer_value(json_object_get(route, "closed"));

        if (name == NULL || way == NULL || strcmp(name, dev->space.name) != 0) {
            continue;
        }
        if (strcmp(way, "unchanged") == 0) {
            tell(dev, "unchanged", "nothing has changed");
        } else if (strcmp(way, "added") == 0) {
            tell(dev, "reloaded", "%s is there", dev->space.name);
        } else if (strcmp(way, "replaced") == 0) {
            tell(dev, "reloaded",
                 "reloaded, %d connection%s with the old code until %s closed: "
                 "its blocks have another layout",
                 old, old == 1 ? " stays" : "s stay",
                 old == 1 ? "it is" : "they are");
        } else {
            tell(dev, "reloaded", "reloaded, %d connection%s kept%s%s%s", kept,
                 kept == 1 ? "" : "s", closed > 0 ? ", some closed" : "",
                 why != NULL && *why != '\0' ? ": " : "",
                 why != NULL ? why : "");
        }
    }
}

static void reload(const struct dev *dev)
{
    char socket[128];
    json_t *answer;

    snprintf(socket, sizeof socket, "%s/run/" CONTROL_NAME, dev->space.folder);
    if (client_ask_at(socket, json_pack("{s:s}", "do", "reload"), &answer) ==
        CLI_DONE) {
        say_outcome(dev, answer);
    } else {
        const char *error = json_string_value(json_object_get(answer, "error"));
        const char *problems =
            json_string_value(json_object_get(answer, "problems"));

        tell(dev, "refused", "not reloaded: %s",
             problems != NULL && *problems != '\0' ? problems
             : error != NULL                       ? error
                             : "the host does not answer");
    }
    json_decref(answer);
}

static void watch_one(void *arg, const char *path)
{
    const struct dev *dev = arg;

    (void)watcher_add(dev->watcher, path);
}

static void watch_all(struct dev *dev)
{
    for (size_t i = 0; dev->files[i] != NULL; i++) {
        watch_one(dev, dev->files[i]);
        if (dev->compiles) {
            dev_each_neighbour(dev->files[i], watch_one, dev);
        }
    }
}

static void changed(void *arg, const char *path)
{
    struct dev *dev = arg;

    (void)path;
    if (dev->ending) {
        return;
    }
    watch_all(dev); /* headers that are new in the folder */
    if (dev->compiles && !compile(dev)) {
        return;
    }
    if (!dev->serves_plugin) {
        dev->serves_plugin = dev_space_write_ini(&dev->space, true) == 0;
    }
    if (dev->listening) {
        reload(dev);
    }
}

static void broken(void *arg, const char *path, const char *why)
{
    const struct dev *dev = arg;

    tell(dev, "refused", "not reloaded: %s %s", path, why);
}

/* ---- the host ---------------------------------------------------------- */

static void end(struct dev *dev)
{
    if (!dev->ending && dev->host > 0) {
        dev->ending = true;
        kill(dev->host, SIGINT);
        poller_set_alarm(&dev->poller, &dev->deadline, clock_now_ms() + END_MS);
    }
}

static void overdue(struct alarm_clock *alarm)
{
    struct dev *dev = alarm->arg;

    if (dev->host > 0) {
        kill(dev->host, SIGKILL);
    } else {
        dev->speechless = true;
    }
}

static bool is_start(const char *line)
{
    return strstr(line, "listening on ") != NULL;
}

/* Levels stand in a column of their own. */
static bool is_grave(const char *line)
{
    return strstr(line, "Z error ") != NULL || strstr(line, "Z warn ") != NULL;
}

/* On the log's thread. */
static bool matters(const char *line)
{
    return is_start(line) || is_grave(line);
}

static void said(struct lines *lines, char *text, size_t len)
{
    struct dev *dev = lines->arg;

    text[len] = '\0';
    if (!dev->listening && is_start(text)) {
        dev->listening = true;
        fprintf(stderr,
                "\ndev: open http://localhost:%u/, or\n"
                "dev: patchbay talk ws://localhost:%u%s\n\n",
                dev->space.port, dev->space.port, dev->space.path);
        if (!dev->compiles) {
            changed(dev, dev->files[0]); /* since it was looked at first */
        }
    } else if (is_grave(text)) {
        dev_space_tell(&dev->space, "log", text);
    }
}

static void fell_silent(struct lines *lines, const char *why)
{
    (void)why;
    lines_close(lines);
}

_Noreturn static void be_host(const struct dev *dev, int log, pid_t parent)
{
    char *program = places_program();
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (prctl(PR_SET_PDEATHSIG, SIGINT) == 0 && getppid() == parent &&
        program != NULL) {
        dup2(log, STDERR_FILENO);
        dev_port_pass_on(&dev->port);
        execl(program, "patchbay", "run", "-c", dev->space.ini, (char *)NULL);
    }
    _exit(1);
}

static int start_host(struct dev *dev)
{
    pid_t parent = getpid();
    int ends[2], log;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return -1;
    }
    fflush(NULL);
    dev->host = fork();
    if (dev->host == 0) {
        close(ends[0]);
        be_host(dev, ends[1], parent);
    }
    dev_port_release(&dev->port);
    close(ends[1]);
    dev->log = (struct lines){ .line_max = LINE_MAX_BYTES,
                               .line = said,
                               .gone = fell_silent,
                               .arg = dev };
    log = dev->host > 0 ? dev_log_start(ends[0], STDERR_FILENO, matters) : -1;
    return log >= 0 ? lines_open(&dev->log, &dev->poller, log) : -1;
}

static void reap(struct dev *dev)
{
    int status;

    if (dev->host > 0 && waitpid(dev->host, &status, WNOHANG) == dev->host) {
        dev->host = 0;
        poller_set_alarm(&dev->poller, &dev->deadline,
                         clock_now_ms() + LAST_WORDS_MS);
        dev->status = dev->ending ? CLI_DONE : CLI_FAILED;
    }
}

static void take_signal(struct watch *watch, short revents)
{
    struct dev *dev = watch->arg;
    struct signalfd_siginfo info;

    (void)revents;
    while (read(watch->fd, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGCHLD) {
            reap(dev);
        } else {
            end(dev);
        }
    }
}

static int catch_signals(struct dev *dev)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_SETMASK, &set, NULL);
    dev->signals =
        (struct watch){ .fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC),
                        .events = POLLIN,
                        .ready = take_signal,
                        .arg = dev };
    return dev->signals.fd < 0 ? -1 : poller_add(&dev->poller, &dev->signals);
}

/* ---- the session ------------------------------------------------------- */

/* What --set gives is checked before anything begins, with the plugin's words:
 * the place in a file that nobody wrote is left out. */
static int check(struct dev *dev)
{
    struct problems problems = { 0 };
    struct conf *conf = check_load(dev->space.ini, &problems);

    for (size_t i = 0; i < problems.count; i++) {
        const char *text = problems.list[i].text;
        const char *key = *text == '[' ? strstr(text, "] ") : NULL;

        fprintf(stderr, "patchbay: %s\n", key != NULL ? key + 2 : text);
    }
    problems_free(&problems);
    if (conf == NULL) {
        return CLI_CONFIGURATION;
    }
    conf_free(conf);
    return CLI_DONE;
}

/* A link that is switched to another file is followed each time. */
static int link_plugin(const struct dev *dev)
{
    const char *file = dev->files[0];
    const char *slash = strrchr(file, '/');
    const char *base = slash != NULL ? slash + 1 : file;
    struct buf folder = { 0 }, target = { 0 };
    char *real = NULL;
    int status = -1;

    buf_addf(&folder, "%.*s.", (int)(base - file), file);
    real = folder.failed ? NULL : realpath(folder.data, NULL);
    if (real != NULL) {
        buf_addf(&target, "%s/%s", real, base);
        status = target.failed ? -1 : symlink(target.data, dev->space.plugin);
    }
    if (status != 0) {
        fprintf(stderr, "patchbay: cannot serve %s: %s\n", file,
                strerror(errno));
    }
    free(real);
    buf_free(&folder);
    buf_free(&target);
    return status;
}

static int begin(struct dev *dev)
{
    dev->watcher = watcher_create(&dev->poller, changed, broken, dev);
    if (dev->watcher == NULL) {
        fprintf(stderr, "patchbay: cannot watch files: %s\n", strerror(errno));
        return CLI_FAILED;
    }
    watch_all(dev);
    if (dev->compiles) {
        fprintf(stderr, "dev: compiling %s\n", dev->files[0]);
        dev->serves_plugin = compile(dev);
    } else {
        if (link_plugin(dev) != 0) {
            return CLI_FAILED;
        }
        dev->serves_plugin = true;
    }
    if (dev_space_write_ini(&dev->space, dev->serves_plugin) != 0) {
        return CLI_USAGE;
    }
    return check(dev);
}

static int serve(struct dev *dev)
{
    /* What was said of compiling comes last. */
    if (dev->serves_plugin) {
        dev_space_tell(&dev->space, "begin", "");
    }
    if (start_host(dev) != 0) {
        fprintf(stderr, "patchbay: cannot start the host: %s\n",
                strerror(errno));
        return CLI_FAILED;
    }
    dev->deadline = (struct alarm_clock){ .ring = overdue, .arg = dev };
    while ((dev->host > 0 || (dev->log.open && !dev->speechless)) &&
           poller_turn(&dev->poller) == 0) {
    }
    if (dev->status != CLI_DONE) {
        fprintf(stderr, "dev: the host has ended\n");
    }
    return dev->status;
}

static int check_files(const struct cli_call *call, struct dev *dev)
{
    for (size_t i = 0; dev->files[i] != NULL; i++) {
        bool source = dev_is_source(dev->files[i]);
        size_t len = strlen(dev->files[i]);

        dev->compiles = dev->compiles || source;
        if (!source &&
            (len < 4 || i > 0 || strcmp(dev->files[i] + len - 3, ".so") != 0)) {
            return cli_misused(call->command,
                               "dev takes one NAME.so, or the sources of a "
                               "plugin: NAME.c, NAME.cpp; not %s",
                               dev->files[i]);
        }
        if (access(dev->files[i], R_OK) != 0) {
            fprintf(stderr, "patchbay: cannot read %s: %s\n", dev->files[i],
                    strerror(errno));
            return CLI_FAILED;
        }
    }
    return CLI_DONE;
}

static int choose_path(struct dev *dev)
{
    const char *path = cli_option(dev->space.call, "path");

    if (path == NULL) {
        snprintf(dev->space.path, sizeof dev->space.path, "/%s",
                 dev->space.name);
    } else if (strlen(path) >= sizeof dev->space.path) {
        return cli_misused(dev->space.call->command, "--path is too long");
    } else {
        strcpy(dev->space.path, path);
    }
    return CLI_DONE;
}

static int choose_port(struct dev *dev)
{
    bool given = cli_option(dev->space.call, "port") != NULL;
    int64_t port = DEFAULT_PORT;
    int status = cli_number(dev->space.call, "port", 1, 65535, &port);

    if (status != CLI_DONE) {
        return status;
    }
    if (dev_port_hold(&dev->port, (unsigned)port, given ? 1 : PORTS) != 0) {
        if (given) {
            fprintf(stderr,
                    "patchbay: cannot listen at port %d: %s: choose another, "
                    "or leave --port out\n",
                    (int)port, strerror(errno));
        } else {
            fprintf(stderr,
                    "patchbay: cannot listen at any port from %d to %d: %s: "
                    "choose one with --port\n",
                    DEFAULT_PORT, DEFAULT_PORT + PORTS - 1, strerror(errno));
        }
        return CLI_FAILED;
    }
    dev->space.port = dev->port.number;
    return CLI_DONE;
}

static int run(const struct cli_call *call)
{
    struct dev dev = { .space = { .call = call },
                       .files = call->operands,
                       .signals.fd = -1 };
    int status = check_files(call, &dev);

    if (status != CLI_DONE) {
        return status;
    }
    if (dev_name_of(call, dev.files[0], dev.space.name) == NULL ||
        choose_path(&dev) != CLI_DONE) {
        return CLI_USAGE;
    }
    status = choose_port(&dev);
    /* Before there is a folder to be left behind. */
    if (status == CLI_DONE && catch_signals(&dev) != 0) {
        fprintf(stderr, "patchbay: cannot catch signals: %s\n",
                strerror(errno));
        status = CLI_FAILED;
    }
    if (status == CLI_DONE && dev_space_make(&dev.space) != 0) {
        status = CLI_FAILED;
    }
    if (status == CLI_DONE) {
        status = begin(&dev);
    }
    if (status == CLI_DONE && !dev_is_to_end()) {
        status = serve(&dev);
    }
    dev_port_release(&dev.port);
    lines_close(&dev.log);
    watcher_destroy(dev.watcher);
    poller_finish(&dev.poller);
    dev_space_remove(&dev.space);
    return status;
}

static const struct cli_option options[] = {
    { "path", 0, "PATH", false, "where it is served; default: /NAME" },
    { "set", 0, "KEY=VALUE", true,
      "an option of the plugin, or a limit of its route" },
    { "port", 0, "PORT", false, "default: 9501, or the next that is free" },
    { "trace", 0, NULL, false, "a line for each hook, with its time" },
    CLI_OPTIONS_END
};

const struct cli_command cmd_dev = {
    .name = "dev",
    .options = options,
    .operands = { "FILE.so|FILE.c...", 1, 64 },
    .summary = "serve a plugin while you write it",
    .help = "Serves one plugin, and a page at / to talk to it. Whenever the "
            "file is saved it is\n"
            "compiled, if it is a source, and put below the open connections. "
            "What the compiler\n"
            "says is shown in the page, too. $CC, $CFLAGS, $CXX, $CXXFLAGS and "
            "$LDFLAGS count.\n",
    .run = run,
};

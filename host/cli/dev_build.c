/* dev_build.c - compiles a plugin's sources, as the guide says how */
#include "cli/dev_build.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/places.h"

#define ARGS_MAX  256
#define SAID_MAX  ((size_t)256 << 10)
#define GLANCE_MS 50 /* how often to see whether it is to end */

static const char *const c_endings[] = { ".c", NULL };
static const char *const plus_endings[] = { ".cpp", ".cc", ".cxx", NULL };
static const char *const header_endings[] = { ".h", ".hpp", ".hh", ".inc",
                                              NULL };

static bool ends_in(const char *file, const char *const *endings)
{
    size_t len = strlen(file);

    for (; *endings != NULL; endings++) {
        size_t end = strlen(*endings);

        if (len > end && strcmp(file + len - end, *endings) == 0) {
            return true;
        }
    }
    return false;
}

bool dev_is_source(const char *file)
{
    return ends_in(file, c_endings) || ends_in(file, plus_endings);
}

struct args {
    char *list[ARGS_MAX + 1];
    size_t count;
    bool failed;
};

static void add(struct args *args, const char *text, size_t len)
{
    char *copy = args->count < ARGS_MAX ? strndup(text, len) : NULL;

    if (copy == NULL) {
        args->failed = true;
    } else {
        args->list[args->count++] = copy;
    }
}

/* The words of an environment variable, or what stands for it. */
static void add_words(struct args *args, const char *variable,
                      const char *otherwise)
{
    const char *at = getenv(variable);

    at = at != NULL && *at != '\0' ? at : otherwise;
    while (*(at += strspn(at, " \t")) != '\0') {
        size_t len = strcspn(at, " \t");

        add(args, at, len);
        at += len;
    }
}

static void make_args(struct args *args, const char *const *sources,
                      const char *out)
{
    static const char *const fixed[] = { "-shared",
                                         "-fPIC",
                                         "-fvisibility=hidden",
                                         "-Wl,-z,defs",
                                         "-fdiagnostics-color=never",
                                         NULL };
    char *include = places_include();
    bool plus = false;

    for (size_t i = 0; sources[i] != NULL; i++) {
        plus = plus || ends_in(sources[i], plus_endings);
    }
    add_words(args, plus ? "CXX" : "CC", plus ? "c++" : "cc");
    if (plus) {
        add(args, "-std=c++20", 10);
    }
    for (size_t i = 0; fixed[i] != NULL; i++) {
        add(args, fixed[i], strlen(fixed[i]));
    }
    if (include != NULL) {
        add(args, "-I", 2);
        add(args, include, strlen(include));
    }
    free(include);
    add_words(args, plus ? "CXXFLAGS" : "CFLAGS", "-Wall -Wextra -g -O1");
    for (size_t i = 0; sources[i] != NULL; i++) {
        add(args, sources[i], strlen(sources[i]));
    }
    add_words(args, "LDFLAGS", "");
    add(args, "-o", 2);
    add(args, out, strlen(out));
}

bool dev_is_to_end(void)
{
    sigset_t pending;

    return sigpending(&pending) == 0 && (sigismember(&pending, SIGINT) == 1 ||
                                         sigismember(&pending, SIGTERM) == 1 ||
                                         sigismember(&pending, SIGHUP) == 1);
}

/* In a group of its own, so that what it has started can be ended with it. */
_Noreturn static void be_compiler(char *const *words, int out, pid_t parent)
{
    int nothing = open("/dev/null", O_RDONLY);
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0);
    dup2(nothing, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == parent) {
        execvp(words[0], words);
        fprintf(stderr, "cannot run %s: %s\n", words[0], strerror(errno));
    }
    _exit(127);
}

/* Runs it and takes down what it says. Its exit status, or -1. */
static int run(char *const *words, struct buf *said)
{
    pid_t parent = getpid();
    int ends[2], status = -1;
    ssize_t got = 1;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        return -1;
    }
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        be_compiler(words, ends[1], parent);
    }
    close(ends[1]);
    while (pid > 0 && got > 0) {
        struct pollfd out = { .fd = ends[0], .events = POLLIN };
        char rest[4096];
        char *room;

        if (dev_is_to_end()) {
            setpgid(pid, pid); /* it may not have come that far */
            kill(-pid, SIGTERM);
            break;
        }
        if (poll(&out, 1, GLANCE_MS) == 0) {
            continue;
        }
        room = said->len < SAID_MAX ? buf_reserve(said, sizeof rest) : NULL;
        got = read(ends[0], room != NULL ? room : rest, sizeof rest);
        said->len += room != NULL && got > 0 ? (size_t)got : 0;
    }
    close(ends[0]);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

int dev_build(const char *const *sources, const char *out, struct buf *said)
{
    struct args args = { .count = 0 };
    struct buf temporary = { 0 };
    int status = -1;

    buf_addf(&temporary, "%s.new", out);
    if (!temporary.failed) {
        make_args(&args, sources, temporary.data);
    }
    if (!args.failed && args.count > 0 && run(args.list, said) == 0) {
        status = rename(temporary.data, out);
    } else if (!temporary.failed) {
        unlink(temporary.data);
    }
    for (size_t i = 0; i < args.count; i++) {
        free(args.list[i]);
    }
    buf_free(&temporary);
    buf_adds(said, ""); /* so that it ends in a 0 byte */
    return status;
}

void dev_each_neighbour(const char *source,
                        void (*each)(void *arg, const char *path), void *arg)
{
    const char *slash = strrchr(source, '/');
    char *folder =
        slash != NULL ? strndup(source, (size_t)(slash - source)) : strdup(".");
    DIR *dir = folder != NULL ? opendir(*folder != '\0' ? folder : "/") : NULL;
    struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        struct buf path = { 0 };

        if (dev_is_source(entry->d_name) ||
            ends_in(entry->d_name, header_endings)) {
            /* Named as the source is, so that it is watched once. */
            buf_addf(&path, "%.*s%s",
                     slash != NULL ? (int)(slash - source) + 1 : 0, source,
                     entry->d_name);
            if (!path.failed) {
                each(arg, path.data);
            }
        }
        buf_free(&path);
    }
    if (dir != NULL) {
        closedir(dir);
    }
    free(folder);
}

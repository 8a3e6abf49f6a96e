/* main.c - bench-load: loads a WebSocket server and checks each answer */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "load.h"
#include "stream.h"

static const struct mode {
    const char *name;
    int (*run)(const struct load *load);
    const char *path;
    int conns;
    const char *what;
} modes[] = {
    { "echo", mode_echo, "/echo", 100, "each message comes back" },
    { "fan", mode_fan, "/fan", 1000, "one publishes, all receive" },
    { "idle", mode_idle, "/echo", 10000, "the server's memory for it" },
    { "handshake", mode_handshake, "/echo", 50, "connect, upgrade, close" },
    { "get", mode_get, "/get", 100, "plain HTTP with keep-alive" },
    { "steady", mode_steady, "/swap", 10000, "while the code is replaced" },
};

static const char usage[] =
    "usage: bench-load MODE -p PORT [options]\n"
    "  -p PORT     of the server on 127.0.0.1\n"
    "  -u PATH     to ask for\n"
    "  -c COUNT    connections (fan: subscribers)\n"
    "  -f COUNT    messages in flight (echo: per connection; fan: in all): 1\n"
    "  -b BYTES    payload of a message: 20\n"
    "  -T          text messages rather than binary\n"
    "  -w SECONDS  warm-up: 0.3\n"
    "  -s SECONDS  counting: 1\n"
    "  -r RATE     messages a second, of all connections (steady): 5000\n"
    "  -P PID      the server's process: tells its CPU time and memory\n"
    "modes, their paths and connections:\n";

static int complain(const char *what)
{
    if (what) {
        fprintf(stderr, "load: %s\n", what);
    }
    fputs(usage, stderr);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        fprintf(stderr, "  %-10s %-6s %6d  %s\n", modes[i].name, modes[i].path,
                modes[i].conns, modes[i].what);
    }
    return 2;
}

static bool number(const char *text, double min, double max, double *out)
{
    char *end;

    errno = 0;
    *out = strtod(text, &end);
    return end != text && !*end && !errno && *out >= min && *out <= max;
}

static bool option(struct load *load, int letter)
{
    double value = 0;

    switch (letter) {
    case 'p':
        if (!number(optarg, 1, 65535, &value)) {
            return false;
        }
        load->port = (int)value;
        return true;
    case 'u': load->path = optarg; return true;
    case 'c':
        if (!number(optarg, 1, 1000000, &value)) {
            return false;
        }
        load->conns = (int)value;
        return true;
    case 'f':
        if (!number(optarg, 1, 10000, &value)) {
            return false;
        }
        load->flight = (int)value;
        return true;
    case 'b':
        if (!number(optarg, 0, 65000, &value)) {
            return false;
        }
        load->payload = (size_t)value;
        return true;
    case 'T': load->opcode = OP_TEXT; return true;
    case 'w': return number(optarg, 0, 3600, &load->warm_up);
    case 's': return number(optarg, 0.001, 3600, &load->seconds);
    case 'r': return number(optarg, 1, 10000000, &load->rate);
    case 'P':
        if (!number(optarg, 1, 1 << 22, &value)) {
            return false;
        }
        load->server = (pid_t)value;
        return true;
    default: return false;
    }
}

int main(int argc, char **argv)
{
    struct load load = { .flight = 1,
                         .payload = 20,
                         .opcode = OP_BINARY,
                         .warm_up = 0.3,
                         .seconds = 1,
                         .rate = 5000 };
    const struct mode *mode = NULL;
    struct rlimit files;
    int letter;

    for (size_t i = 0; argc > 1 && i < sizeof modes / sizeof *modes; i++) {
        if (strcmp(argv[1], modes[i].name) == 0) {
            mode = &modes[i];
        }
    }
    if (!mode) {
        return complain(argc > 1 ? "no such mode" : NULL);
    }
    load.path = mode->path;
    load.conns = mode->conns;
    optind = 2;
    while ((letter = getopt(argc, argv, "p:u:c:f:b:Tw:s:r:P:")) != -1) {
        if (!option(&load, letter)) {
            return complain("an option's value is out of range");
        }
    }
    if (!load.port || optind < argc) {
        return complain(load.port ? "too many arguments" : "-p is missing");
    }
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    signal(SIGPIPE, SIG_IGN);
    return mode->run(&load) == 0 ? 0 : 1;
}

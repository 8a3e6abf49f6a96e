/* main.c - bench-crowd: many clients of several hosts, and checks what each gets
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "crowd.h"

static const char usage[] =
    "usage: bench-crowd publish|presence -p PORT[,PORT...] [options]\n"
    "  -p PORTS    of the hosts, on 127.0.0.1: clients take turns\n"
    "  -i          they speak socket.io rather than patchbay's hub.c\n"
    "  -u PATH     to ask for: /hub\n"
    "  -c COUNT    clients: 1000\n"
    "  -k COUNT    topics that each client has: 1\n"
    "  -t COUNT    topics in all: 1\n"
    "  -n COUNT    publishers: 1\n"
    "  -f COUNT    messages, or commands, on their way in all: 1\n"
    "  -b BYTES    of a message, or of a member's information: 64\n"
    "  -w SECONDS  warm-up: 0.3\n"
    "  -s SECONDS  counting: 1\n"
    "  -l SECONDS  without anything that is due: it is lost: 5\n"
    "  -P PIDS     the hosts' processes: tells their CPU time and memory\n"
    "  -R PIDS     those of Redis\n";

static int complain(const char *what)
{
    if (what) {
        fprintf(stderr, "crowd: %s\n", what);
    }
    fputs(usage, stderr);
    return 2;
}

static bool number(const char *text, double min, double max, double *out)
{
    char *end;

    errno = 0;
    *out = strtod(text, &end);
    return end != text && !*end && !errno && *out >= min && *out <= max;
}

static bool whole(int *out, int max)
{
    double value;

    if (!number(optarg, 1, max, &value)) {
        return false;
    }
    *out = (int)value;
    return true;
}

static bool ports(struct crowd_setup *setup)
{
    char *rest = optarg, *one;

    setup->port_count = 0;
    while ((one = strsep(&rest, ","))) {
        double port;

        if (setup->port_count == CROWD_PORTS || !number(one, 1, 65535, &port)) {
            return false;
        }
        setup->ports[setup->port_count++] = (int)port;
    }
    return true;
}

static bool option(struct crowd_setup *setup, int letter)
{
    double value;

    switch (letter) {
    case 'p': return ports(setup);
    case 'i': setup->socketio = true; return true;
    case 'u': setup->path = optarg; return true;
    case 'c': return whole(&setup->conns, 1000000);
    case 'k': return whole(&setup->each, 4096);
    case 't': return whole(&setup->topics, 1 << 24);
    case 'n': return whole(&setup->publishers, 64);
    case 'f': return whole(&setup->flight, 10000);
    case 'b':
        if (!number(optarg, 0, 1024, &value)) {
            return false;
        }
        setup->payload = (size_t)value;
        return true;
    case 'w': return number(optarg, 0, 3600, &setup->warm_up);
    case 's': return number(optarg, 0.001, 3600, &setup->seconds);
    case 'l': return number(optarg, 0.001, 3600, &setup->late);
    case 'P': return processes_read(&setup->hosts, optarg);
    case 'R': return processes_read(&setup->redis, optarg);
    default: return false;
    }
}

int main(int argc, char **argv)
{
    struct crowd_setup setup = { .path = "/hub",
                                 .conns = 1000,
                                 .each = 1,
                                 .topics = 1,
                                 .publishers = 1,
                                 .flight = 1,
                                 .payload = 64,
                                 .warm_up = 0.3,
                                 .seconds = 1,
                                 .late = 5 };
    bool publish = argc > 1 && strcmp(argv[1], "publish") == 0;
    struct rlimit files;
    int letter;

    if (!publish && (argc < 2 || strcmp(argv[1], "presence") != 0)) {
        return complain(argc > 1 ? "no such mode" : NULL);
    }
    optind = 2;
    while ((letter = getopt(argc, argv, "p:iu:c:k:t:n:f:b:w:s:l:P:R:")) != -1) {
        if (!option(&setup, letter)) {
            return complain("an option's value is out of range");
        }
    }
    if (!setup.port_count || optind < argc) {
        return complain(setup.port_count ? "too many arguments"
                                         : "-p is missing");
    }
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    signal(SIGPIPE, SIG_IGN);
    return (publish ? crowd_publish : crowd_presence)(&setup) == 0 ? 0 : 1;
}

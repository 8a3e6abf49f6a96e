/* load.h - what a run of the load generator is to do */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct load {
    int port;
    const char *path;
    int conns;      /* connections; fan: subscribers */
    int flight;     /* messages on their way: per connection; fan: in all */
    size_t payload; /* bytes of a message */
    int opcode;
    double warm_up, seconds;
    double rate;  /* messages a second, of all connections; steady only */
    pid_t server; /* whose CPU time and memory are told; 0: none */
};

/* Each prints a line of key=value at its end. 0, or -1 if anything was wrong,
 * said on standard error. */
int mode_echo(const struct load *load);
int mode_fan(const struct load *load);
int mode_idle(const struct load *load);
int mode_handshake(const struct load *load);
int mode_get(const struct load *load);
int mode_steady(const struct load *load); /* until standard input ends */

/* Both modes that exchange messages begin and end the same way. */
struct client;
struct stream;
struct client *clients_open(const struct load *load,
                            const struct stream *stream, int count,
                            bool spread);
void clients_close(struct client *clients, int count);

#endif

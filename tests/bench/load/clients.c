/* clients.c - opens the connections of a mode */
#include <stdio.h>
#include <stdlib.h>

#include "client.h"
#include "load.h"

/* spread: each begins with another message of the stream, so that an answer
 * that went to the wrong connection is seen. */
struct client *clients_open(const struct load *load,
                            const struct stream *stream, int count, bool spread)
{
    struct client *clients = calloc((size_t)count, sizeof *clients);
    struct upgrade upgrade;

    if (!clients || upgrade_init(&upgrade, load->port, load->path) < 0) {
        free(clients);
        return NULL;
    }
    for (int i = 0; i < count; i++) {
        if (client_open(&clients[i], &upgrade, load->port, i, stream,
                        spread ? (size_t)i : 0) < 0) {
            fprintf(stderr, "load: %d of %d connections are open\n", i, count);
            clients_close(clients, i);
            return NULL;
        }
    }
    return clients;
}

void clients_close(struct client *clients, int count)
{
    for (int i = 0; clients && i < count; i++) {
        client_close(&clients[i]);
    }
    free(clients);
}

/* witness.h - whom a hook ran for when it crashed, told by the dying worker */
#ifndef PATCHBAY_CORE_WITNESS_H
#define PATCHBAY_CORE_WITNESS_H

#include <stdbool.h>
#include <stdint.h>

#include <patchbay.h>

#include "core/core.h"

/* Plain bytes for shared memory. Texts are cut, and end with a 0 byte unless
 * the worker has run wild in them; "": not known. */
struct witness {
    char plugin[64];
    char version[32];
    char code[20]; /* hash of its file, hexadecimal */
    char file[256];
    char route[64];
    uint64_t conn; /* 0: none; the rest is about it */
    char remote[64];
    char path[256];
    char subprotocol[64];
    uint64_t connected_ms; /* the transport's clock */
    uint64_t messages_in;
    uint64_t bytes_in;
    uint64_t messages_out;
    uint64_t bytes_out;
};

/*
 * For a signal handler: reads the worker's memory, calls nothing that a handler
 * may not. in_loop: the thread is the worker's own, else one that may run
 * deferred work. out is zeroed. false: no code of a plugin's was called.
 */
bool witness_tell(struct witness *out, const struct core *core, bool in_loop);

#endif

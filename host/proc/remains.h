/* remains.h - what is kept of a worker's process at its fault, in raw form
 *
 * The dying worker fills it in, on the board; a process that is forked for it
 * makes a stack of it (autopsy.h). So the worker needs no more than to copy
 * memory, however broken it is. A reader believes nothing it finds.
 */
#ifndef PATCHBAY_PROC_REMAINS_H
#define PATCHBAY_PROC_REMAINS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "core/recent.h"
#include "core/witness.h"

#define REMAINS_REGISTERS 33
#define REMAINS_STACK     ((size_t)128 << 10) /* from the stack pointer up */
#define REMAINS_MAPS      ((size_t)256 << 10)

struct remains {
    struct recent recent; /* written while the worker lives; its place is that
                             of a cache line */
    uint64_t wall_ms;     /* 0: nothing was kept */
    uint64_t at_ms;       /* clock_now_ms */
    uint32_t register_count;               /* 0: not known on this machine */
    uint64_t registers[REMAINS_REGISTERS]; /* in the order of DWARF */
    uint64_t pc;
    uint64_t sp;
    uint64_t stack_at; /* the address of stack[0] */
    uint32_t stack_len;
    uint32_t maps_len;
    uint32_t has_witness;
    struct witness witness;
    _Alignas(8) unsigned char stack[REMAINS_STACK];
    char maps[REMAINS_MAPS]; /* /proc/self/maps */
};

/* In a signal handler; context is its third argument. recent stays. */
void remains_take(struct remains *remains, const void *context);

/* Its parts, for who takes them of another process (seize.h): the text of its
 * maps; and with these and the stack pointer, where its stack is, in stack_at,
 * and how much of it is kept: returned, 0 if there is none. */
void remains_take_maps(struct remains *remains, const char *file);
size_t remains_find_stack(struct remains *remains);

#endif

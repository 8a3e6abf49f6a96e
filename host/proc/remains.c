/* remains.c - what is kept of a worker's process at its fault, in raw form */
#include "proc/remains.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/clock.h"

/* How far below a mapping a stack pointer may be that has run out of it. */
#define OVERFLOW_MAX ((uint64_t)16 << 20)

#if defined(__x86_64__)
static void take_registers(struct remains *remains, const ucontext_t *context)
{
    static const int order[] = { REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI,
                                 REG_RDI, REG_RBP, REG_RSP, REG_R8,  REG_R9,
                                 REG_R10, REG_R11, REG_R12, REG_R13, REG_R14,
                                 REG_R15, REG_RIP };
    const greg_t *registers = context->uc_mcontext.gregs;

    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        remains->registers[i] = (uint64_t)registers[order[i]];
    }
    remains->pc = (uint64_t)registers[REG_RIP];
    remains->sp = (uint64_t)registers[REG_RSP];
    remains->register_count = sizeof order / sizeof order[0];
}
#elif defined(__aarch64__)
static void take_registers(struct remains *remains, const ucontext_t *context)
{
    for (size_t i = 0; i < 31; i++) {
        remains->registers[i] = context->uc_mcontext.regs[i];
    }
    remains->registers[31] = context->uc_mcontext.sp;
    remains->pc = context->uc_mcontext.pc;
    remains->sp = context->uc_mcontext.sp;
    remains->register_count = 32;
}
#else
static void take_registers(struct remains *remains, const ucontext_t *context)
{
    (void)context;
    remains->register_count = 0;
}
#endif

void remains_take_maps(struct remains *remains, const char *file)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    size_t len = 0;
    ssize_t n = 1;

    while (fd >= 0 && n > 0 && len < REMAINS_MAPS) {
        n = read(fd, remains->maps + len, REMAINS_MAPS - len);
        len += n > 0 ? (size_t)n : 0;
    }
    if (fd >= 0) {
        close(fd);
    }
    remains->maps_len = (uint32_t)len;
}

/* A number in hexadecimal digits; what follows it. */
static const char *read_hex(const char *at, const char *end, uint64_t *number)
{
    *number = 0;
    for (; at < end; at++) {
        unsigned digit = *at >= '0' && *at <= '9'   ? (unsigned)(*at - '0')
                         : *at >= 'a' && *at <= 'f' ? (unsigned)(*at - 'a' + 10)
                                                    : 16;

        if (digit == 16) {
            break;
        }
        *number = *number << 4 | digit;
    }
    return at;
}

/* A stack that has run over ends above the pointer. */
static bool find_stack(const struct remains *remains, uint64_t *low,
                       uint64_t *high)
{
    const char *at = remains->maps;
    const char *end = at + remains->maps_len;

    while (at < end) {
        at = read_hex(at, end, low);
        at = read_hex(at < end ? at + 1 : end, end, high);
        if (end - at > 2 && at[1] == 'r' && *high > remains->sp) {
            *low = *low > remains->sp ? *low : remains->sp;
            return *low - remains->sp <= OVERFLOW_MAX;
        }
        at = memchr(at, '\n', (size_t)(end - at));
        at = at != NULL ? at + 1 : end;
    }
    return false;
}

/* Not by memcpy: a sanitizer's would complain of what lies on a stack. */
__attribute__((no_sanitize("address"))) static void
copy_words(unsigned char *out, uint64_t from, size_t len)
{
    volatile uint64_t *to = (uint64_t *)(void *)out;
    const volatile uint64_t *at = (const uint64_t *)(uintptr_t)from;

    for (size_t i = 0; i < len / sizeof *at; i++) {
        to[i] = at[i];
    }
}

size_t remains_find_stack(struct remains *remains)
{
    uint64_t low, high, len;

    if (!find_stack(remains, &low, &high)) {
        return 0;
    }
    remains->stack_at = (low + 7) / 8 * 8;
    len = high - remains->stack_at;
    return len < REMAINS_STACK ? (size_t)len : REMAINS_STACK;
}

static void take_stack(struct remains *remains)
{
    size_t len = remains_find_stack(remains);

    if (len > 0) {
        copy_words(remains->stack, remains->stack_at, len);
        remains->stack_len = (uint32_t)len;
    }
}

void remains_take(struct remains *remains, const void *context)
{
    remains->at_ms = clock_now_ms();
    take_registers(remains, context);
    remains->wall_ms = clock_wall_ms();
    if (remains->register_count > 0) {
        remains_take_maps(remains, "/proc/self/maps");
        take_stack(remains);
    }
}

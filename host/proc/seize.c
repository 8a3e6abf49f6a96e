/* seize.c - the remains of a process that hears no signal */
#include "proc/seize.h"

#include <elf.h>
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "base/clock.h"

/* For it to stop. In the kernel it may not, and the caller waits. */
#define TRIES  500
#define TRY_MS 1

#if defined(__x86_64__)
static void put_registers(struct remains *remains,
                          const struct user_regs_struct *from)
{
    const unsigned long long registers[] = {
        from->rax, from->rdx, from->rcx, from->rbx, from->rsi, from->rdi,
        from->rbp, from->rsp, from->r8,  from->r9,  from->r10, from->r11,
        from->r12, from->r13, from->r14, from->r15, from->rip
    };
    const size_t count = sizeof registers / sizeof registers[0];

    for (size_t i = 0; i < count; i++) {
        remains->registers[i] = registers[i];
    }
    remains->pc = from->rip;
    remains->sp = from->rsp;
    remains->register_count = (uint32_t)count;
}
#elif defined(__aarch64__)
static void put_registers(struct remains *remains,
                          const struct user_regs_struct *from)
{
    for (size_t i = 0; i < 31; i++) {
        remains->registers[i] = from->regs[i];
    }
    remains->registers[31] = from->sp;
    remains->pc = from->pc;
    remains->sp = from->sp;
    remains->register_count = 32;
}
#else
static void put_registers(struct remains *remains,
                          const struct user_regs_struct *from)
{
    (void)from;
    remains->register_count = 0;
}
#endif

/* An end is left for who waits for it. */
static int wait_for_stop(pid_t pid)
{
    for (int i = 0; i < TRIES; i++) {
        siginfo_t info = { 0 };

        if (waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOHANG | __WALL) != 0) {
            return errno;
        }
        if (info.si_pid == pid) {
            return 0;
        }
        (void)poll(NULL, 0, TRY_MS);
    }
    return EBUSY;
}

static int take_registers(struct remains *remains, pid_t pid)
{
    struct user_regs_struct registers;
    struct iovec where = { &registers, sizeof registers };

    if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &where) != 0) {
        return errno;
    }
    put_registers(remains, &registers);
    return remains->register_count > 0 ? 0 : ENOTSUP;
}

static int take_stack(struct remains *remains, pid_t pid)
{
    size_t len = remains_find_stack(remains);
    struct iovec here = { remains->stack, len };
    struct iovec there = { (void *)(uintptr_t)remains->stack_at, len };
    ssize_t n = len > 0 ? process_vm_readv(pid, &here, 1, &there, 1, 0) : 0;

    if (n < 0) {
        return errno;
    }
    remains->stack_len = (uint32_t)n;
    return 0;
}

static int take(struct remains *remains, pid_t pid)
{
    char maps[40];
    int error = wait_for_stop(pid);

    if (error == 0) {
        error = take_registers(remains, pid);
    }
    if (error == 0) {
        snprintf(maps, sizeof maps, "/proc/%d/maps", (int)pid);
        remains_take_maps(remains, maps);
        error = take_stack(remains, pid);
    }
    return error;
}

static int take_stopped(struct remains *remains, pid_t pid)
{
    int error;

    if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) != 0) {
        return errno;
    }
    error = ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0 ? take(remains, pid)
                                                           : errno;
    (void)ptrace(PTRACE_DETACH, pid, NULL, NULL);
    return error;
}

int seize_remains(struct remains *remains, pid_t pid)
{
    /* The other threads of the process, which run on, may write to the board:
     * nothing is worked with that they could change. */
    struct remains *own = calloc(1, sizeof *own);
    const size_t from = offsetof(struct remains, wall_ms); /* recent stays */
    int error = own != NULL ? take_stopped(own, pid) : ENOMEM;

    if (error == 0) {
        own->at_ms = clock_now_ms();
        own->wall_ms = clock_wall_ms();
        memcpy((char *)remains + from, (const char *)own + from,
               sizeof *own - from);
    }
    free(own);
    return error;
}

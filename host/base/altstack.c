/* altstack.c - a stack for signal handlers, for when a thread's own is full */
#include "base/altstack.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>

/* What the kernel puts there is under 12 KiB, with all the registers that
 * processors have today. */
#define SIZE ((size_t)64 << 10)

static _Thread_local bool have;

void altstack_have(void)
{
    stack_t stack = { .ss_size = SIZE };

    if (have) {
        return;
    }
    have = true;
    stack.ss_sp = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack.ss_sp != MAP_FAILED && sigaltstack(&stack, NULL) != 0) {
        munmap(stack.ss_sp, SIZE);
    }
}

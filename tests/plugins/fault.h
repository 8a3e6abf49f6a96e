/* fault.h - a real invalid access, in the trees with sanitizers too */
#ifndef FAULT_H
#define FAULT_H

#include <stddef.h>

__attribute__((noinline, no_sanitize("undefined"))) static void fault(void)
{
    volatile int *volatile nowhere = NULL;

    *nowhere = 1;
}

#endif

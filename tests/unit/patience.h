/* patience.h - waits that are longer where everything is slow: valgrind */
#ifndef PATCHBAY_TESTS_PATIENCE_H
#define PATCHBAY_TESTS_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A deadline that only a failing test waits for, so many times longer as
 * tests/valgrind/run says. */
static inline uint64_t patience(uint64_t ms)
{
    const char *slowness = getenv("PATCHBAY_SLOWNESS");
    uint64_t times = slowness ? strtoul(slowness, NULL, 10) : 1;

    return ms * (times > 1 ? times : 1);
}

/* For the few tests that it cannot run; each says why. */
static inline bool under_valgrind(void)
{
    const char *preload = getenv("LD_PRELOAD");

    return preload != NULL && strstr(preload, "/vgpreload_") != NULL;
}

#endif

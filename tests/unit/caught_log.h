/* caught_log.h - what the code under test logs, kept to be looked at */
#ifndef PATCHBAY_TESTS_CAUGHT_LOG_H
#define PATCHBAY_TESTS_CAUGHT_LOG_H

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"

static int caught_log_fd = -1;

/* From here on all levels go to memory. 0, or -1. */
static inline int caught_log_begin(void)
{
    char name[64];

    caught_log_fd = memfd_create("log", MFD_CLOEXEC);
    snprintf(name, sizeof name, "/proc/self/fd/%d", caught_log_fd);
    return log_open(name, LOG_FORMAT_TEXT, LOG_LEVEL_DEBUG);
}

static inline void caught_log_end(void)
{
    log_open("-", LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
    close(caught_log_fd);
}

/* All of it, up to 64 KiB. */
static inline const char *caught_log(void)
{
    static char text[65536];
    ssize_t n = pread(caught_log_fd, text, sizeof text - 1, 0);

    text[n > 0 ? n : 0] = '\0';
    return text;
}

/* How many times it has this in it. */
static inline int caught_log_count(const char *part)
{
    int n = 0;

    for (const char *at = caught_log(); (at = strstr(at, part)) != NULL; at++) {
        n++;
    }
    return n;
}

#endif

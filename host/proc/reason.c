/* reason.c - one sentence that says why something failed */
#include "proc/reason.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int reason_set(char *why, size_t why_size, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(why, why_size, format, args);
    va_end(args);
    return -1;
}

const char *reason_errno(int error)
{
    static char text[128];

    snprintf(text, sizeof text, "%s", strerror(error));
    /* "Is a directory", but not "RPC struct is bad". */
    if (islower((unsigned char)text[1])) {
        text[0] = (char)tolower((unsigned char)text[0]);
    }
    return text;
}

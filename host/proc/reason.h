/* reason.h - one sentence that says why something failed */
#ifndef PATCHBAY_PROC_REASON_H
#define PATCHBAY_PROC_REASON_H

#include <stddef.h>

#define REASON_SIZE 512

/* Writes the sentence and returns -1, for `return reason_set(...)`. */
__attribute__((format(printf, 3, 4))) int reason_set(char *why, size_t why_size,
                                                     const char *format, ...);

/* "address already in use": as strerror, to stand in the middle of a sentence.
 * Valid until the next call. */
const char *reason_errno(int error);

#endif

/* altstack.h - a stack for signal handlers, for when a thread's own is full */
#ifndef PATCHBAY_BASE_ALTSTACK_H
#define PATCHBAY_BASE_ALTSTACK_H

/* Gives the calling thread one, which it keeps until the process ends; a second
 * call does nothing. Without memory there is none, which is no error: handlers
 * then run on the thread's own stack. */
void altstack_have(void);

#endif

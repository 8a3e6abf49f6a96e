/* elf.h - is it a whole shared object of this machine? asked before dlopen */
#ifndef PATCHBAY_PLUGIN_ELF_H
#define PATCHBAY_PLUGIN_ELF_H

#include <stddef.h>

/*
 * Checks the bytes of a file: dlopen itself trusts the headers, and a copy
 * that is still under way kills the process that opens it (SIGBUS). 0, or -1
 * and the end of a sentence in why: "is not a shared object: it starts with
 * ...".
 */
int elf_check(const void *data, size_t size, char *why, size_t why_size);

#endif

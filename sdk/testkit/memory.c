/* memory.c - memory that is there, or the end of the program */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit.h"

void *kit_alloc(size_t size)
{
    void *memory = calloc(1, size);

    if (memory == NULL) {
        fprintf(stderr, "patchbay-test: out of memory\n");
        abort();
    }
    return memory;
}

char *kit_copy(const char *text)
{
    char *copy = NULL;

    if (text != NULL) {
        size_t size = strlen(text) + 1;

        copy = memcpy(kit_alloc(size), text, size);
    }
    return copy;
}

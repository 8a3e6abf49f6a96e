/* dynamic.h - what a shared object exports, wants and needs */
#ifndef PATCHBAY_PLUGIN_DYNAMIC_H
#define PATCHBAY_PLUGIN_DYNAMIC_H

#include <stdbool.h>
#include <stddef.h>

/* A name of the dynamic symbol table. */
struct dynamic_name {
    const char *text;
    bool weak;   /* may stay unresolved, or gives way to another */
    bool unique; /* STB_GNU_UNIQUE: the process has one of it, for ever */
};

struct dynamic_names {
    struct dynamic_name *list;
    size_t count;
};

struct dynamic {
    struct dynamic_names exported; /* what others could find in it */
    struct dynamic_names wanted;   /* what others have to give it */
    const char **needed;           /* libraries: "libm.so.6" */
    size_t needed_count;
    const char *search_path; /* DT_RUNPATH or DT_RPATH; NULL: none */
    bool writable_code;      /* a segment that is both */
    bool executable_stack;
    bool text_relocations;
    bool static_tls;          /* takes from a reserve that is soon used up */
    size_t thread_local_size; /* bytes for each thread; 0: none */
};

/*
 * Reads what elf_check has accepted; whatever else its bytes say, nothing
 * outside of them is read. Strings are borrowed from data. 0, or -1 and the
 * end of a sentence in why: "is damaged: ...". End it with dynamic_free
 * either way.
 */
int dynamic_read(struct dynamic *dynamic, const void *data, size_t size,
                 char *why, size_t why_size);
void dynamic_free(struct dynamic *dynamic);

#endif

/* dynamic.c - what a shared object exports, wants and needs */
#include "plugin/dynamic.h"

#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef ElfW(Ehdr) elf_header;
typedef ElfW(Phdr) elf_segment;
typedef ElfW(Dyn) elf_entry;
typedef ElfW(Sym) elf_symbol;
typedef ElfW(Addr) elf_address;

/* The parts of the file that the dynamic section names, by addresses as they
 * will be in memory. */
struct file {
    const unsigned char *data;
    size_t size;
    elf_header header;
    uint64_t symbols;
    uint64_t strings;
    uint64_t strings_size;
    uint64_t gnu_hash;
    uint64_t hash;
    char *why;
    size_t why_size;
};

static int refuse(const struct file *file, const char *what)
{
    snprintf(file->why, file->why_size, "is damaged: %s", what);
    return -1;
}

static bool read_at(const struct file *file, uint64_t offset, void *out,
                    size_t len)
{
    if (offset > file->size || len > file->size - offset) {
        return false;
    }
    memcpy(out, file->data + offset, len);
    return true;
}

/* elf_check has seen that the headers are all there. */
static elf_segment segment_at(const struct file *file, size_t index)
{
    elf_segment segment = { 0 };

    read_at(file, file->header.e_phoff + index * sizeof segment, &segment,
            sizeof segment);
    return segment;
}

/* Where in the file an address is; UINT64_MAX: nowhere. */
static uint64_t offset_of(const struct file *file, uint64_t address)
{
    for (size_t i = 0; i < file->header.e_phnum; i++) {
        elf_segment segment = segment_at(file, i);

        if (segment.p_type == PT_LOAD && address >= segment.p_vaddr &&
            address - segment.p_vaddr < segment.p_filesz) {
            return segment.p_offset + (address - segment.p_vaddr);
        }
    }
    return UINT64_MAX;
}

/* NULL if it does not end within the table. */
static const char *string_at(const struct file *file, uint64_t index)
{
    uint64_t offset = offset_of(file, file->strings);
    const unsigned char *at;

    if (offset >= file->size || index >= file->strings_size ||
        index >= file->size - offset) {
        return NULL;
    }
    at = file->data + offset + index;
    return memchr(at, 0, file->size - offset - index) != NULL ? (const char *)at
                                                              : NULL;
}

static void look_at_segments(const struct file *file, struct dynamic *dynamic)
{
    bool has_stack = false;

    for (size_t i = 0; i < file->header.e_phnum; i++) {
        elf_segment segment = segment_at(file, i);

        if (segment.p_type == PT_LOAD && (segment.p_flags & PF_W) != 0 &&
            (segment.p_flags & PF_X) != 0) {
            dynamic->writable_code = true;
        }
        if (segment.p_type == PT_GNU_STACK) {
            has_stack = true;
            dynamic->executable_stack = (segment.p_flags & PF_X) != 0;
        }
        if (segment.p_type == PT_TLS) {
            dynamic->thread_local_size = segment.p_memsz;
        }
    }
    /* What says nothing gets what the machine once gave to all. */
    dynamic->executable_stack = dynamic->executable_stack || !has_stack;
}

/* The dynamic section, entry by entry. false: there is no other. */
static bool entry_at(const struct file *file, size_t index, elf_entry *entry)
{
    for (size_t i = 0; i < file->header.e_phnum; i++) {
        elf_segment segment = segment_at(file, i);

        if (segment.p_type == PT_DYNAMIC) {
            return index < segment.p_filesz / sizeof *entry &&
                   read_at(file, segment.p_offset + index * sizeof *entry,
                           entry, sizeof *entry) &&
                   entry->d_tag != DT_NULL;
        }
    }
    return false;
}

static void find_tables(struct file *file, struct dynamic *dynamic)
{
    elf_entry entry;

    for (size_t i = 0; entry_at(file, i, &entry); i++) {
        switch (entry.d_tag) {
        case DT_SYMTAB: file->symbols = entry.d_un.d_ptr; break;
        case DT_STRTAB: file->strings = entry.d_un.d_ptr; break;
        case DT_STRSZ: file->strings_size = entry.d_un.d_val; break;
        case DT_GNU_HASH: file->gnu_hash = entry.d_un.d_ptr; break;
        case DT_HASH: file->hash = entry.d_un.d_ptr; break;
        case DT_TEXTREL: dynamic->text_relocations = true; break;
        case DT_FLAGS:
            if ((entry.d_un.d_val & DF_TEXTREL) != 0) {
                dynamic->text_relocations = true;
            }
            if ((entry.d_un.d_val & DF_STATIC_TLS) != 0) {
                dynamic->static_tls = true;
            }
            break;
        case DT_NEEDED: dynamic->needed_count++; break;
        default: break;
        }
    }
}

static int read_needed(const struct file *file, struct dynamic *dynamic)
{
    elf_entry entry;
    size_t count = 0;

    dynamic->needed =
        calloc(dynamic->needed_count + 1, sizeof *dynamic->needed);
    if (dynamic->needed == NULL) {
        return refuse(file, "out of memory");
    }
    for (size_t i = 0; entry_at(file, i, &entry); i++) {
        const char *text;

        if (entry.d_tag != DT_NEEDED && entry.d_tag != DT_RUNPATH &&
            entry.d_tag != DT_RPATH) {
            continue;
        }
        text = string_at(file, entry.d_un.d_val);
        if (text == NULL) {
            return refuse(file, "the name of a library is not in it");
        }
        if (entry.d_tag == DT_NEEDED) {
            dynamic->needed[count++] = text;
        } else {
            dynamic->search_path = text;
        }
    }
    return 0;
}

/*
 * No field says how many symbols there are. The old hash table has a chain for
 * each; in the new one the last symbol ends the chain of the highest bucket.
 * 0: it cannot be told.
 */
static uint64_t count_by_gnu_hash(const struct file *file)
{
    uint64_t at = offset_of(file, file->gnu_hash);
    uint32_t head[4]; /* buckets, first symbol, words of the filter, shift */
    uint64_t buckets, chains;
    uint64_t last = 0;
    uint32_t value;

    if (at == UINT64_MAX || !read_at(file, at, head, sizeof head)) {
        return 0;
    }
    buckets = at + sizeof head + (uint64_t)head[2] * sizeof(elf_address);
    chains = buckets + (uint64_t)head[0] * sizeof value;
    for (uint64_t i = 0; i < head[0]; i++) {
        if (!read_at(file, buckets + i * sizeof value, &value, sizeof value)) {
            return 0;
        }
        last = value > last ? value : last;
    }
    if (last < head[1]) {
        return head[1];
    }
    do {
        if (!read_at(file, chains + (last - head[1]) * sizeof value, &value,
                     sizeof value)) {
            return 0;
        }
        last++;
    } while ((value & 1) == 0);
    return last;
}

static uint64_t count_symbols(const struct file *file)
{
    uint32_t head[2]; /* buckets, chains */

    if (file->gnu_hash != 0) {
        return count_by_gnu_hash(file);
    }
    return file->hash != 0 &&
                   read_at(file, offset_of(file, file->hash), head, sizeof head)
               ? head[1]
               : 0;
}

static void add_name(struct dynamic *dynamic, const elf_symbol *symbol,
                     const char *text)
{
    unsigned bind = ELF64_ST_BIND(symbol->st_info);
    bool hidden = ELF64_ST_VISIBILITY(symbol->st_other) == STV_HIDDEN ||
                  ELF64_ST_VISIBILITY(symbol->st_other) == STV_INTERNAL;
    struct dynamic_names *names =
        symbol->st_shndx == SHN_UNDEF ? &dynamic->wanted : &dynamic->exported;

    if (bind == STB_LOCAL || *text == 0 || hidden ||
        ELF64_ST_TYPE(symbol->st_info) == STT_SECTION ||
        ELF64_ST_TYPE(symbol->st_info) == STT_FILE) {
        return;
    }
    names->list[names->count++] = (struct dynamic_name){
        .text = text,
        .weak = bind == STB_WEAK,
        .unique = bind == STB_GNU_UNIQUE,
    };
}

static int read_symbols(const struct file *file, struct dynamic *dynamic)
{
    uint64_t at = offset_of(file, file->symbols);
    uint64_t count = count_symbols(file);
    elf_symbol symbol;

    if (at == UINT64_MAX || count > file->size / sizeof symbol) {
        return refuse(file, "it has no table of symbols");
    }
    dynamic->exported.list = calloc(count + 1, sizeof(struct dynamic_name));
    dynamic->wanted.list = calloc(count + 1, sizeof(struct dynamic_name));
    if (dynamic->exported.list == NULL || dynamic->wanted.list == NULL) {
        return refuse(file, "out of memory");
    }
    /* The first is none. */
    for (uint64_t i = 1; i < count; i++) {
        const char *text;

        if (!read_at(file, at + i * sizeof symbol, &symbol, sizeof symbol)) {
            return refuse(file, "its table of symbols ends too early");
        }
        text = string_at(file, symbol.st_name);
        if (text == NULL) {
            return refuse(file, "the name of a symbol is not in it");
        }
        add_name(dynamic, &symbol, text);
    }
    return 0;
}

int dynamic_read(struct dynamic *dynamic, const void *data, size_t size,
                 char *why, size_t why_size)
{
    struct file file = {
        .data = data, .size = size, .why = why, .why_size = why_size
    };

    *dynamic = (struct dynamic){ 0 };
    if (!read_at(&file, 0, &file.header, sizeof file.header)) {
        return refuse(&file, "it has no header");
    }
    look_at_segments(&file, dynamic);
    find_tables(&file, dynamic);
    return read_needed(&file, dynamic) == 0 && read_symbols(&file, dynamic) == 0
               ? 0
               : -1;
}

void dynamic_free(struct dynamic *dynamic)
{
    free(dynamic->exported.list);
    free(dynamic->wanted.list);
    free(dynamic->needed);
    *dynamic = (struct dynamic){ 0 };
}

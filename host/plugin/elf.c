/* elf.c - is it a whole shared object of this machine? asked before dlopen */
#include "plugin/elf.h"

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define SHOWN_BYTES 16 /* of what is not ELF, in the message */

typedef ElfW(Ehdr) elf_header;
typedef ElfW(Phdr) elf_segment;

/* The linker's name for this program's own header: what a plugin's has to
 * agree with, so no list of machines is needed here. */
extern const elf_header __ehdr_start __attribute__((visibility("hidden")));

static const char *machine_name(unsigned machine, char *out, size_t size)
{
    switch (machine) {
    case EM_386: return "x86";
    case EM_X86_64: return "x86-64";
    case EM_ARM: return "ARM";
    case EM_AARCH64: return "AArch64";
    case EM_RISCV: return "RISC-V";
    case EM_PPC64: return "PowerPC64";
    case EM_S390: return "S/390";
    default: snprintf(out, size, "ELF machine %u", machine); return out;
    }
}

static int refuse_start(const unsigned char *data, size_t size, char *why,
                        size_t why_size)
{
    char shown[SHOWN_BYTES * 4 + 1];
    size_t at = 0;

    for (size_t i = 0; i < size && i < SHOWN_BYTES; i++) {
        bool plain = data[i] >= ' ' && data[i] < 0x7f;

        at += (size_t)snprintf(shown + at, sizeof shown - at,
                               plain ? "%c" : "\\x%02x", data[i]);
    }
    snprintf(why, why_size, "is not a shared object: it starts with \"%s\"",
             shown);
    return -1;
}

static int check_machine(const elf_header *header, char *why, size_t why_size)
{
    const elf_header *own = &__ehdr_start;
    char theirs[24];
    char ours[24];

    if (header->e_ident[EI_CLASS] != own->e_ident[EI_CLASS] ||
        header->e_ident[EI_DATA] != own->e_ident[EI_DATA]) {
        snprintf(why, why_size,
                 "is for another machine: %s-bit and %s-endian, this host is "
                 "%s-bit and %s-endian",
                 header->e_ident[EI_CLASS] == ELFCLASS64 ? "64" : "32",
                 header->e_ident[EI_DATA] == ELFDATA2MSB ? "big" : "little",
                 own->e_ident[EI_CLASS] == ELFCLASS64 ? "64" : "32",
                 own->e_ident[EI_DATA] == ELFDATA2MSB ? "big" : "little");
        return -1;
    }
    if (header->e_machine != own->e_machine) {
        snprintf(why, why_size, "is for another machine: %s, this host is %s",
                 machine_name(header->e_machine, theirs, sizeof theirs),
                 machine_name(own->e_machine, ours, sizeof ours));
        return -1;
    }
    return 0;
}

static int check_type(const elf_header *header, char *why, size_t why_size)
{
    const char *what;

    switch (header->e_type) {
    case ET_DYN: return 0;
    case ET_REL: what = "an object file: link it with cc -shared"; break;
    case ET_EXEC: what = "a program: link it with cc -shared"; break;
    case ET_CORE: what = "a core dump"; break;
    default: what = "an ELF file of an unknown type"; break;
    }
    snprintf(why, why_size, "is not a shared object but %s", what);
    return -1;
}

static int refuse_short(const char *part, uint64_t end, size_t size, char *why,
                        size_t why_size)
{
    snprintf(why, why_size,
             "is truncated: %s at %llu bytes, the file has %zu: if it is being "
             "copied, copy to another name and mv it into place",
             part, (unsigned long long)end, size);
    return -1;
}

/* The end of `length` bytes at `start`; a sum that overflows ends nowhere. */
static uint64_t end_of(uint64_t start, uint64_t length)
{
    return start > UINT64_MAX - length ? UINT64_MAX : start + length;
}

static int check_segments(const elf_header *header, const unsigned char *data,
                          size_t size, char *why, size_t why_size)
{
    uint64_t end = end_of(header->e_phoff,
                          (uint64_t)header->e_phnum * sizeof(elf_segment));
    bool loads = false;
    bool dynamic = false;

    if (header->e_phnum == 0 || header->e_phentsize != sizeof(elf_segment)) {
        snprintf(why, why_size, "is damaged: it has no program headers");
        return -1;
    }
    if (end > size) {
        return refuse_short("its program headers end", end, size, why,
                            why_size);
    }
    for (size_t i = 0; i < header->e_phnum; i++) {
        elf_segment segment;

        memcpy(&segment, data + header->e_phoff + i * sizeof segment,
               sizeof segment);
        end = end_of(segment.p_offset, segment.p_filesz);
        if (segment.p_filesz > 0 && end > size) {
            return refuse_short("a segment ends", end, size, why, why_size);
        }
        loads = loads || segment.p_type == PT_LOAD;
        dynamic = dynamic || segment.p_type == PT_DYNAMIC;
    }
    if (!loads || !dynamic) {
        snprintf(why, why_size, "is not a shared object: it has no %s segment",
                 loads ? "dynamic" : "loadable");
        return -1;
    }
    return 0;
}

/* The section table is the last thing in a file: where it ends, so does a
 * whole file. A stripped one may have none. */
static int check_sections(const elf_header *header, size_t size, char *why,
                          size_t why_size)
{
    uint64_t end = end_of(header->e_shoff,
                          (uint64_t)header->e_shnum * header->e_shentsize);

    if (header->e_shoff != 0 && end > size) {
        return refuse_short("its section table ends", end, size, why, why_size);
    }
    return 0;
}

int elf_check(const void *data, size_t size, char *why, size_t why_size)
{
    elf_header header;

    if (size == 0) {
        snprintf(why, why_size, "is empty");
        return -1;
    }
    if (size < SELFMAG || memcmp(data, ELFMAG, SELFMAG) != 0) {
        return refuse_start(data, size, why, why_size);
    }
    if (size < sizeof header) {
        return refuse_short("its header ends", sizeof header, size, why,
                            why_size);
    }
    memcpy(&header, data, sizeof header);
    if (check_machine(&header, why, why_size) != 0 ||
        check_type(&header, why, why_size) != 0 ||
        check_segments(&header, data, size, why, why_size) != 0 ||
        check_sections(&header, size, why, why_size) != 0) {
        return -1;
    }
    return 0;
}

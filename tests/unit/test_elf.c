/* test_elf.c - files that dlopen must never see, made from a good plugin */
#include "plugin/elf.h"

#include <elf.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GOOD BUILD_DIR "/tests/plugins/discard.so"

struct file {
    unsigned char *data;
    size_t size;
};

static struct file read_file(const char *path)
{
    struct file file = { 0 };
    FILE *in = fopen(path, "rb");

    assert_non_null(in);
    assert_int_equal(fseek(in, 0, SEEK_END), 0);
    file.size = (size_t)ftell(in);
    rewind(in);
    file.data = malloc(file.size);
    assert_non_null(file.data);
    assert_int_equal(fread(file.data, 1, file.size, in), file.size);
    fclose(in);
    return file;
}

static int set_up(void **state)
{
    static struct file good;

    good = read_file(GOOD);
    *state = &good;
    return 0;
}

static int tear_down(void **state)
{
    free(((struct file *)*state)->data);
    return 0;
}

/* In a block of its own size, so that valgrind and ASan see every read beyond
 * it. */
static void refuse(const void *data, size_t size, const char *expected)
{
    char why[256] = "";
    void *exact = malloc(size == 0 ? 1 : size);

    assert_non_null(exact);
    memcpy(exact, data, size);
    assert_int_equal(elf_check(exact, size, why, sizeof why), -1);
    if (strstr(why, expected) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", expected, why);
    }
    free(exact);
}

static void test_whole(void **state)
{
    const struct file *good = *state;
    char why[256] = "";

    assert_int_equal(elf_check(good->data, good->size, why, sizeof why), 0);
}

static void test_no_elf(void **state)
{
    static const char script[] = "#!/bin/sh\nexit 0 # and more of it";

    (void)state;
    refuse("", 0, "is empty");
    refuse(script, sizeof script,
           "is not a shared object: it starts with \"#!/bin/sh\\x0aexit 0\"");
    refuse("\177EL", 3, "it starts with \"\\x7fEL\"");
    refuse("<html>", 6, "it starts with \"<html>\"");
}

/* Every length but the whole. */
static void test_truncated(void **state)
{
    const struct file *good = *state;
    char why[256];

    refuse(good->data, 8, "is truncated: its header ends");
    refuse(good->data, 70, "is truncated: its program headers end");
    refuse(good->data, good->size / 2, "is truncated:");
    refuse(good->data, good->size - 1,
           "is truncated: its section table ends at");
    for (size_t size = 0; size < good->size; size++) {
        assert_int_equal(elf_check(good->data, size, why, sizeof why), -1);
    }
}

static void change(const struct file *good,
                   void (*edit)(ElfW(Ehdr) * header, ElfW(Phdr) * segments),
                   const char *expected)
{
    unsigned char *copy = malloc(good->size);
    ElfW(Ehdr) header;
    ElfW(Phdr) segments[32];
    size_t size;

    assert_non_null(copy);
    memcpy(copy, good->data, good->size);
    memcpy(&header, copy, sizeof header);
    assert_in_range(header.e_phnum, 2, 32);
    size = header.e_phnum * sizeof *segments;
    memcpy(segments, copy + header.e_phoff, size);
    edit(&header, segments);
    memcpy(copy + ((ElfW(Ehdr) *)(void *)good->data)->e_phoff, segments, size);
    memcpy(copy, &header, sizeof header);
    refuse(copy, good->size, expected);
    free(copy);
}

static void other_machine(ElfW(Ehdr) * header, ElfW(Phdr) * segments)
{
    (void)segments;
    header->e_machine = header->e_machine == EM_AARCH64 ? EM_ARM : EM_AARCH64;
}

static void other_class(ElfW(Ehdr) * header, ElfW(Phdr) * segments)
{
    (void)segments;
    header->e_ident[EI_CLASS] = ELFCLASS32;
}

static void object_file(ElfW(Ehdr) * header, ElfW(Phdr) * segments)
{
    (void)segments;
    header->e_type = ET_REL;
}

static void program(ElfW(Ehdr) * header, ElfW(Phdr) * segments)
{
    (void)segments;
    header->e_type = ET_EXEC;
}

static void no_segments(ElfW(Ehdr) * header, ElfW(Phdr) * segments)
{
    (void)segments;
    header->e_phnum = 0;
}

static void far_headers(ElfW(Ehdr) * header, ElfW(Phdr) * segments)
{
    (void)segments;
    header->e_phoff = UINT64_MAX - 8;
}

static void long_segment(ElfW(Ehdr) * header, ElfW(Phdr) * segments)
{
    (void)header;
    segments[1].p_filesz = UINT64_MAX;
}

static void far_sections(ElfW(Ehdr) * header, ElfW(Phdr) * segments)
{
    (void)segments;
    header->e_shoff = UINT64_MAX - 8;
}

static void not_dynamic(ElfW(Ehdr) * header, ElfW(Phdr) * segments)
{
    for (size_t i = 0; i < header->e_phnum; i++) {
        if (segments[i].p_type == PT_DYNAMIC) {
            segments[i].p_type = PT_NULL;
        }
    }
}

static void test_damaged(void **state)
{
    const struct file *good = *state;

    change(good, other_machine, "is for another machine: A");
    change(good, other_class,
           "is for another machine: 32-bit and little-endian, this host is "
           "64-bit and little-endian");
    change(good, object_file, "is not a shared object but an object file");
    change(good, program, "is not a shared object but a program");
    change(good, no_segments, "is damaged: it has no program headers");
    change(good, far_headers, "is truncated: its program headers end");
    change(good, long_segment, "is truncated: a segment ends");
    change(good, far_sections, "is truncated: its section table ends");
    change(good, not_dynamic, "it has no dynamic segment");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_no_elf),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_damaged),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* test_dynamic.c - what the dynamic section of a file says, or of a wreck */
#include "plugin/dynamic.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/elf.h"
#include "plugin/image.h"

#define PLUGINS BUILD_DIR "/tests/plugins"

struct fixture {
    struct buf bytes;
    struct dynamic dynamic;
    char why[256];
};

static void load(struct fixture *fixture, const char *file)
{
    *fixture = (struct fixture){ 0 };
    assert_int_equal(
        image_read(file, &fixture->bytes, fixture->why, sizeof fixture->why),
        0);
}

/* Of the bytes as they are now. */
static int read_it(struct fixture *fixture)
{
    return dynamic_read(&fixture->dynamic, fixture->bytes.data,
                        fixture->bytes.len, fixture->why, sizeof fixture->why);
}

static void expect_read(struct fixture *fixture)
{
    if (read_it(fixture) != 0) {
        fail_msg("%s", fixture->why);
    }
}

static void finish(struct fixture *fixture)
{
    dynamic_free(&fixture->dynamic);
    buf_free(&fixture->bytes);
}

static const struct dynamic_name *find(const struct dynamic_names *names,
                                       const char *text)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->list[i].text, text) == 0) {
            return &names->list[i];
        }
    }
    return NULL;
}

static void test_names(void **state)
{
    struct fixture fixture;

    (void)state;
    load(&fixture, PLUGINS "/twin_a.so");
    expect_read(&fixture);
    assert_non_null(find(&fixture.dynamic.exported, "bay_plugin_descriptor"));
    assert_non_null(find(&fixture.dynamic.exported, "twin_count"));
    assert_non_null(find(&fixture.dynamic.exported, "twin_name"));
    assert_null(find(&fixture.dynamic.wanted, "twin_count"));
    assert_true(find(&fixture.dynamic.wanted, "__cxa_finalize")->weak);
    assert_null(find(&fixture.dynamic.exported, "__cxa_finalize"));
    assert_false(fixture.dynamic.writable_code);
    assert_false(fixture.dynamic.executable_stack);
    assert_false(fixture.dynamic.text_relocations);
    assert_false(fixture.dynamic.static_tls);
    assert_null(fixture.dynamic.search_path);
    finish(&fixture);

    load(&fixture, PLUGINS "/undefsym.so");
    expect_read(&fixture);
    assert_non_null(find(&fixture.dynamic.wanted, "undefsym_missing_function"));
    assert_false(
        find(&fixture.dynamic.wanted, "undefsym_missing_function")->weak);
    finish(&fixture);
}

/* By the sections, which a program that runs does without. */
static size_t count_names(const struct fixture *fixture)
{
    const ElfW(Ehdr) *header = (const void *)fixture->bytes.data;
    const ElfW(Shdr) *sections =
        (const void *)(fixture->bytes.data + header->e_shoff);
    size_t count = 0;

    for (size_t i = 0; i < header->e_shnum; i++) {
        const ElfW(Sym) *symbols =
            (const void *)(fixture->bytes.data + sections[i].sh_offset);

        for (size_t k = 0; sections[i].sh_type == SHT_DYNSYM &&
                           k < sections[i].sh_size / sizeof *symbols;
             k++) {
            count += ELF64_ST_BIND(symbols[k].st_info) != STB_LOCAL;
        }
    }
    return count;
}

/* Nothing says how many there are. A large library has them in every place of
 * its hash table. */
static void test_all_names(void **state)
{
    const char *files[] = { PLUGINS "/twin_a.so", PLUGINS "/suspect.so", NULL };
    void *libm = dlopen("libm.so.6", RTLD_NOW);
    struct link_map *map = NULL;

    (void)state;
    assert_non_null(libm);
    assert_int_equal(dlinfo(libm, RTLD_DI_LINKMAP, &map), 0);
    files[2] = map->l_name;
    for (size_t i = 0; i < 3; i++) {
        struct fixture fixture;

        load(&fixture, files[i]);
        expect_read(&fixture);
        assert_int_equal(fixture.dynamic.exported.count +
                             fixture.dynamic.wanted.count,
                         count_names(&fixture));
        finish(&fixture);
    }
    dlclose(libm);
}

static void test_needs(void **state)
{
    struct fixture fixture;
    bool found = false;

    (void)state;
    load(&fixture, BUILD_DIR "/plugins/chat.so");
    expect_read(&fixture);
    for (size_t i = 0; i < fixture.dynamic.needed_count; i++) {
        found = found ||
                strncmp(fixture.dynamic.needed[i], "libjansson.so", 13) == 0;
    }
    assert_true(found);
    finish(&fixture);
}

static void test_thread_locals(void **state)
{
    struct fixture fixture;

    (void)state;
    load(&fixture, PLUGINS "/suspect.so");
    expect_read(&fixture);
    assert_true(fixture.dynamic.thread_local_size >= sizeof(int));
    assert_non_null(find(&fixture.dynamic.exported, "suspect_calls"));
    finish(&fixture);
}

static ElfW(Phdr) * find_segment(struct fixture *fixture, uint32_t type)
{
    ElfW(Ehdr) *header = (void *)fixture->bytes.data;
    ElfW(Phdr) *segments = (void *)(fixture->bytes.data + header->e_phoff);

    for (size_t i = 0; i < header->e_phnum; i++) {
        if (segments[i].p_type == type) {
            return &segments[i];
        }
    }
    fail_msg("there is no segment of type %u", type);
    return NULL;
}

static void test_dangers(void **state)
{
    struct fixture fixture;
    ElfW(Phdr) * segment;
    ElfW(Dyn) * entry;

    (void)state;
    load(&fixture, BUILD_DIR "/plugins/chat.so");
    find_segment(&fixture, PT_GNU_STACK)->p_flags |= PF_X;
    expect_read(&fixture);
    assert_true(fixture.dynamic.executable_stack);
    assert_false(fixture.dynamic.writable_code);
    dynamic_free(&fixture.dynamic);

    find_segment(&fixture, PT_GNU_STACK)->p_type = PT_NULL;
    find_segment(&fixture, PT_LOAD)->p_flags |= PF_W | PF_X;
    segment = find_segment(&fixture, PT_DYNAMIC);
    entry = (void *)(fixture.bytes.data + segment->p_offset);
    while (entry->d_tag != DT_NULL) {
        if (entry->d_tag == DT_INIT) {
            entry->d_tag = DT_FLAGS;
            entry->d_un.d_val = DF_STATIC_TLS;
        } else if (entry->d_tag == DT_FINI) {
            entry->d_tag = DT_TEXTREL;
        }
        entry++;
    }
    expect_read(&fixture);
    assert_true(fixture.dynamic.executable_stack);
    assert_true(fixture.dynamic.writable_code);
    assert_true(fixture.dynamic.static_tls);
    assert_true(fixture.dynamic.text_relocations);
    finish(&fixture);
}

static void test_wrecks(void **state)
{
    struct fixture fixture;
    ElfW(Phdr) * segment;
    ElfW(Dyn) * entry;

    (void)state;
    load(&fixture, BUILD_DIR "/plugins/echo.so");
    segment = find_segment(&fixture, PT_DYNAMIC);
    entry = (void *)(fixture.bytes.data + segment->p_offset);
    while (entry->d_tag != DT_SYMTAB) {
        entry++;
    }
    entry->d_un.d_ptr = (ElfW(Addr))1 << 40;
    assert_int_equal(read_it(&fixture), -1);
    assert_string_equal(fixture.why, "is damaged: it has no table of symbols");
    dynamic_free(&fixture.dynamic);
    entry->d_tag = DT_NEEDED;
    assert_int_equal(read_it(&fixture), -1);
    assert_string_equal(fixture.why,
                        "is damaged: the name of a library is not in it");
    finish(&fixture);
}

/* Whatever the bytes are, reading them comes to an end, within them: each
 * attempt has just the memory it should read. */
static void test_any_bytes(void **state)
{
    struct fixture fixture;
    unsigned short seed[3] = { 1, 2, 3 };
    unsigned read = 0;

    (void)state;
    load(&fixture, PLUGINS "/twin_a.so");
    for (int round = 0; round < 3000; round++) {
        size_t size = fixture.bytes.len;
        char *bytes = malloc(size);

        memcpy(bytes, fixture.bytes.data, size);
        for (int i = 0; i < 8; i++) {
            /* Most of it is in the first kilobytes and before the end. */
            size_t at = (size_t)nrand48(seed) % (i % 2 == 0 ? size : 1024);

            bytes[at] = (char)nrand48(seed);
        }
        if (elf_check(bytes, size, fixture.why, sizeof fixture.why) == 0) {
            read += dynamic_read(&fixture.dynamic, bytes, size, fixture.why,
                                 sizeof fixture.why) == 0;
            dynamic_free(&fixture.dynamic);
        }
        free(bytes);
    }
    assert_true(read > 0);
    finish(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),     cmocka_unit_test(test_all_names),
        cmocka_unit_test(test_needs),     cmocka_unit_test(test_thread_locals),
        cmocka_unit_test(test_dangers),   cmocka_unit_test(test_wrecks),
        cmocka_unit_test(test_any_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

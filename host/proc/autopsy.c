/* autopsy.c - from a dead worker's remains to its stack, with names and lines
 */
#include "proc/autopsy.h"

#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FRAMES_MAX 64
#define FILES_MAX  256

#define DELETED " (deleted)" /* the kernel's word behind such a path */

struct autopsy {
    const struct remains *remains;
    const char *images_dir;
    Dwfl *dwfl;
    FILE *out; /* while something is written */
    unsigned count;
    uint64_t pc; /* to begin with, and the stack pointer */
    uint64_t sp;
    bool called;        /* pc is where a call that led to nonsense returns to */
    const char *wanted; /* by autopsy_build_id, and where it goes */
    char *build_id;
    size_t build_id_size;
};

/* find_elf has nothing to tell it by. */
static struct autopsy *current;

/* ---- files ------------------------------------------------------------- */

/* "chat.0123456789abcdef.so" of a path in /proc/self/maps. */
static void name_of(const char *path, char *out, size_t size)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    size_t len = strlen(name);
    size_t end = strlen(DELETED);

    if (len > end && strcmp(name + len - end, DELETED) == 0) {
        len -= end;
    }
    if (strncmp(path, "/memfd:", 7) == 0 && slash == path) {
        name += 6;
        len -= 6;
    }
    snprintf(out, size, "%.*s", (int)len, name);
}

/* A device or a pipe in the place of a file must not be opened or read. */
static int open_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat stat;

    if (fd >= 0 && (fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode))) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static int find_elf(Dwfl_Module *module, void **userdata, const char *path,
                    Dwarf_Addr base, char **file_name, Elf **elf)
{
    char name[NAME_MAX + 1];
    char copy[PATH_MAX];
    int fd;

    (void)module;
    (void)userdata;
    (void)base;
    *elf = NULL;
    name_of(path, name, sizeof name);
    if (snprintf(copy, sizeof copy, "%s/%s", current->images_dir, name) >=
        PATH_MAX) {
        return -1;
    }
    fd = open_file(copy);
    if (fd < 0) {
        snprintf(copy, sizeof copy, "%s", path);
        fd = open_file(copy);
    }
    *file_name = fd >= 0 ? strdup(copy) : NULL;
    return fd;
}

/* Next to the file or by its build id in /usr/lib/debug; nothing is asked of
 * the network. */
static int find_debuginfo(Dwfl_Module *module, void **userdata,
                          const char *path, Dwarf_Addr base,
                          const char *file_name, const char *link,
                          GElf_Word crc, char **found)
{
    unsetenv("DEBUGINFOD_URLS");
    return dwfl_standard_find_debuginfo(module, userdata, path, base, file_name,
                                        link, crc, found);
}

static int describe_id(Dwfl_Module *module, char *out, size_t size)
{
    const unsigned char *bits = NULL;
    GElf_Addr bias, at;
    int len;

    out[0] = 0;
    if (dwfl_module_getelf(module, &bias) == NULL) {
        return -1;
    }
    len = dwfl_module_build_id(module, &bits, &at);
    for (int i = 0; i < len && (size_t)i * 2 + 2 < size; i++) {
        snprintf(out + i * 2, 3, "%02x", bits[i]);
    }
    return 0;
}

static int look_for_id(Dwfl_Module *module, void **userdata, const char *path,
                       Dwarf_Addr start, void *arg)
{
    struct autopsy *autopsy = arg;
    char name[NAME_MAX + 1];

    (void)userdata;
    (void)start;
    name_of(path, name, sizeof name);
    if (strncmp(name, autopsy->wanted, strlen(autopsy->wanted)) != 0) {
        return DWARF_CB_OK;
    }
    describe_id(module, autopsy->build_id, autopsy->build_id_size);
    return DWARF_CB_ABORT;
}

char *autopsy_build_id(struct autopsy *autopsy, const char *name, char *out,
                       size_t size)
{
    out[0] = 0;
    autopsy->wanted = name;
    autopsy->build_id = out;
    autopsy->build_id_size = size;
    dwfl_getmodules(autopsy->dwfl, look_for_id, autopsy, 0);
    return out;
}

static int write_file(Dwfl_Module *module, void **userdata, const char *path,
                      Dwarf_Addr start, void *arg)
{
    struct autopsy *autopsy = arg;
    char id[96];

    (void)userdata;
    if (describe_id(module, id, sizeof id) == 0) {
        fprintf(autopsy->out, "%#18" PRIx64 " %-40s %s\n", (uint64_t)start,
                id[0] != 0 ? id : "-", path);
    }
    return ++autopsy->count < FILES_MAX ? DWARF_CB_OK : DWARF_CB_ABORT;
}

void autopsy_write_files(struct autopsy *autopsy, FILE *out)
{
    autopsy->out = out;
    autopsy->count = 0;
    dwfl_getmodules(autopsy->dwfl, write_file, autopsy, 0);
}

/* ---- the stack --------------------------------------------------------- */

static pid_t next_thread(Dwfl *dwfl, void *arg, void **thread)
{
    (void)dwfl;
    if (*thread != NULL) {
        return 0;
    }
    *thread = arg;
    return 1;
}

/* The copy begins at the stack pointer and may be cut above. */
static bool read_memory(Dwfl *dwfl, Dwarf_Addr at, Dwarf_Word *word, void *arg)
{
    const struct autopsy *autopsy = arg;
    const struct remains *remains = autopsy->remains;
    size_t len =
        remains->stack_len < REMAINS_STACK ? remains->stack_len : REMAINS_STACK;

    (void)dwfl;
    if (at < remains->stack_at || at - remains->stack_at + sizeof *word > len) {
        return false;
    }
    memcpy(word, remains->stack + (at - remains->stack_at), sizeof *word);
    return true;
}

/* Who has called nonsense: what a call leaves behind. */
#if defined(__x86_64__)
#define SP 7
#define PC 16
static bool find_caller(struct autopsy *autopsy)
{
    Dwarf_Word word;

    if (!read_memory(autopsy->dwfl, autopsy->sp, &word, autopsy)) {
        return false;
    }
    autopsy->pc = word;
    autopsy->sp += sizeof word;
    return true;
}
#else
#define SP 31
#define PC 32
static bool find_caller(struct autopsy *autopsy)
{
    autopsy->pc = autopsy->remains->registers[30];
    return true;
}
#endif

static bool set_registers(Dwfl_Thread *thread, void *arg)
{
    const struct autopsy *autopsy = arg;
    const struct remains *remains = autopsy->remains;
    Dwarf_Word registers[REMAINS_REGISTERS];
    unsigned count = remains->register_count < REMAINS_REGISTERS
                         ? remains->register_count
                         : REMAINS_REGISTERS;

    for (unsigned i = 0; i < count; i++) {
        registers[i] = remains->registers[i];
    }
    registers[SP] = autopsy->sp;
    registers[PC] = autopsy->pc;
    dwfl_thread_state_register_pc(thread, autopsy->pc);
    return dwfl_thread_state_registers(thread, 0, count, registers);
}

static const Dwfl_Thread_Callbacks thread_callbacks = {
    .next_thread = next_thread,
    .memory_read = read_memory,
    .set_initial_registers = set_registers,
};

static void write_place(FILE *out, Dwfl_Module *module, uint64_t at)
{
    Dwfl_Line *line = dwfl_module_getsrc(module, at);
    GElf_Off offset = 0;
    GElf_Sym symbol;
    const char *function =
        dwfl_module_addrinfo(module, at, &offset, &symbol, NULL, NULL, NULL);
    int number = 0;
    const char *source =
        line != NULL ? dwfl_lineinfo(line, NULL, &number, NULL, NULL, NULL)
                     : NULL;

    if (function != NULL) {
        fprintf(out, "%s+%#" PRIx64 " ", function, (uint64_t)offset);
    }
    if (source != NULL) {
        fprintf(out, "at %s:%d ", source, number);
    }
}

static void write_frame(struct autopsy *autopsy, uint64_t pc, bool exact)
{
    /* Behind a call may be another line, or another function. */
    uint64_t at = pc - (exact ? 0 : 1);
    Dwfl_Module *module = dwfl_addrmodule(autopsy->dwfl, at);
    char name[NAME_MAX + 1];
    Dwarf_Addr start;

    fprintf(autopsy->out, "#%-2u %#18" PRIx64 " ", autopsy->count++, pc);
    if (module == NULL) {
        fprintf(autopsy->out, "(no code there)\n");
        return;
    }
    write_place(autopsy->out, module, at);
    name_of(
        dwfl_module_info(module, NULL, &start, NULL, NULL, NULL, NULL, NULL),
        name, sizeof name);
    fprintf(autopsy->out, "(%s+%#" PRIx64 ")\n", name, (uint64_t)(pc - start));
}

static int visit_frame(Dwfl_Frame *frame, void *arg)
{
    struct autopsy *autopsy = arg;
    Dwarf_Addr pc;
    bool exact;

    if (!dwfl_frame_pc(frame, &pc, &exact)) {
        return DWARF_CB_ABORT;
    }
    if (pc == 0) {
        return DWARF_CB_ABORT; /* above the first of all */
    }
    write_frame(autopsy, pc,
                exact && !(autopsy->called && autopsy->count == 1));
    return autopsy->count < FRAMES_MAX ? DWARF_CB_OK : DWARF_CB_ABORT;
}

void autopsy_write_stack(struct autopsy *autopsy, FILE *out)
{
    const struct remains *remains = autopsy->remains;

    autopsy->out = out;
    autopsy->count = 0;
    autopsy->pc = remains->pc;
    autopsy->sp = remains->sp;
    if (dwfl_addrmodule(autopsy->dwfl, autopsy->pc) == NULL) {
        write_frame(autopsy, autopsy->pc, true);
        autopsy->called = find_caller(autopsy);
        if (!autopsy->called) {
            return;
        }
    }
    if (!dwfl_attach_state(autopsy->dwfl, NULL, 1, &thread_callbacks,
                           autopsy)) {
        write_frame(autopsy, autopsy->pc, true);
        fprintf(out, "(no more: %s)\n", dwfl_errmsg(-1));
        return;
    }
    if (dwfl_getthread_frames(autopsy->dwfl, 1, visit_frame, autopsy) < 0) {
        fprintf(out, "(no more: %s)\n", dwfl_errmsg(-1));
    } else if (autopsy->count == FRAMES_MAX) {
        fprintf(out, "(and so on)\n");
    }
}

/* ---- the whole --------------------------------------------------------- */

static const Dwfl_Callbacks callbacks = {
    .find_elf = find_elf,
    .find_debuginfo = find_debuginfo,
};

/* Which files lay where. */
static int report_files(struct autopsy *autopsy)
{
    const struct remains *remains = autopsy->remains;
    size_t len =
        remains->maps_len < REMAINS_MAPS ? remains->maps_len : REMAINS_MAPS;
    char *text = malloc(len + 1);
    FILE *in;
    int status = -1;

    if (text == NULL || len == 0) {
        free(text);
        return -1;
    }
    memcpy(text, remains->maps, len);
    in = fmemopen(text, len, "r");
    if (in != NULL) {
        dwfl_report_begin(autopsy->dwfl);
        status = dwfl_linux_proc_maps_report(autopsy->dwfl, in);
        dwfl_report_end(autopsy->dwfl, NULL, NULL);
        fclose(in);
    }
    free(text);
    return status == 0 ? 0 : -1;
}

struct autopsy *autopsy_create(const struct remains *remains,
                               const char *images_dir)
{
    struct autopsy *autopsy = calloc(1, sizeof *autopsy);

    if (autopsy == NULL || remains->wall_ms == 0) {
        free(autopsy);
        return NULL;
    }
    autopsy->remains = remains;
    autopsy->images_dir = images_dir;
    current = autopsy;
    autopsy->dwfl = dwfl_begin(&callbacks);
    if (autopsy->dwfl == NULL || report_files(autopsy) < 0) {
        autopsy_destroy(autopsy);
        return NULL;
    }
    return autopsy;
}

void autopsy_destroy(struct autopsy *autopsy)
{
    if (autopsy != NULL) {
        if (autopsy->dwfl != NULL) {
            dwfl_end(autopsy->dwfl);
        }
        free(autopsy);
    }
}

/* fuzz_elf.c - a plugin's file, before dlopen sees it */
#include "fuzz.h"

#include "plugin/audit.h"
#include "plugin/dynamic.h"
#include "plugin/elf.h"

/* Reads every byte of it. */
static size_t sum;

static void found(void *arg, enum audit_level level, const char *what,
                  const char *advice)
{
    (void)arg;
    fuzz_check(audit_level_name(level) != NULL);
    sum += strlen(what) + strlen(advice);
}

static void read_names(const struct dynamic_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        sum += strlen(names->list[i].text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct audit audit = { found, NULL };
    void *copy = fuzz_copy(data, len);
    char why[512] = "";
    struct dynamic dynamic;

    if (elf_check(copy, len, why, sizeof why) != 0) {
        fuzz_check(why[0] != '\0');
        free(copy);
        return 0;
    }
    if (dynamic_read(&dynamic, copy, len, why, sizeof why) == 0) {
        read_names(&dynamic.exported);
        read_names(&dynamic.wanted);
        for (size_t i = 0; i < dynamic.needed_count; i++) {
            sum += strlen(dynamic.needed[i]);
        }
        sum += dynamic.search_path != NULL ? strlen(dynamic.search_path) : 0;
        audit_file(&audit, &dynamic);
    } else {
        fuzz_check(why[0] != '\0');
    }
    dynamic_free(&dynamic);
    free(copy);
    return 0;
}

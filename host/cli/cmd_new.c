/* cmd_new.c - patchbay new: a plugin to begin with */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "cli/places.h"
#include "cli/template.h"
#include "conf/text.h"

static const char *const languages[] = { "c", "c++", "rust", NULL };

/* Names of targets that CMake keeps for itself. */
static const char *const reserved[] = {
    "all",     "clean",      "edit_cache",    "help", "install",
    "package", "preinstall", "rebuild_cache", "test", NULL
};

static bool is_in(const char *const *list, const char *word)
{
    while (*list != NULL && strcmp(*list, word) != 0) {
        list++;
    }
    return *list != NULL;
}

/* A name that is right in C: "my-dice" becomes my_dice, "3d" p_3d. */
static char *make_ident(const char *name)
{
    struct buf ident = { 0 };

    if (name[0] >= '0' && name[0] <= '9') {
        buf_adds(&ident, "p_");
    }
    buf_adds(&ident, name);
    if (ident.failed) {
        buf_free(&ident);
        return NULL;
    }
    for (char *at = ident.data; *at != '\0'; at++) {
        *at = *at == '-' ? '_' : *at;
    }
    return ident.data;
}

static int check_name(const struct cli_call *call, const char *name)
{
    if (!text_is_name(name)) {
        return cli_misused(call->command,
                           "a plugin's name is " TEXT_NAME_RULE ", not \"%s\"",
                           name);
    }
    if (name[0] == '-' || is_in(reserved, name)) {
        return cli_misused(call->command,
                           "a plugin called \"%s\" cannot be built: CMake has "
                           "a use for that name; choose another",
                           name);
    }
    return CLI_DONE;
}

static bool is_on_path(const char *program)
{
    const char *path = getenv("PATH");
    struct buf file = { 0 };
    bool found = false;

    while (path != NULL && *path != '\0' && !found) {
        size_t len = strcspn(path, ":");

        buf_clear(&file);
        buf_addf(&file, "%.*s/%s", (int)len, path, program);
        found = !file.failed && access(file.data, X_OK) == 0;
        path += len + (path[len] == ':');
    }
    buf_free(&file);
    return found;
}

static void print_file(void *arg, const char *file)
{
    printf("made %s/%s\n", (const char *)arg, file);
}

/* Where CMake is to look, if this program is not installed: an installed one
 * on the PATH is found. NULL: it is installed. */
static char *build_folder(void)
{
    char *folder = places_program();

    if (folder != NULL) {
        *strrchr(folder, '/') = '\0';
        if (strlen(folder) >= 4 &&
            strcmp(folder + strlen(folder) - 4, "/bin") == 0) {
            free(folder);
            folder = NULL;
        }
    }
    return folder;
}

static void print_next(const char *folder, const char *name, const char *lang)
{
    const bool rust = strcmp(lang, "rust") == 0;
    char *build = build_folder();

    printf("\nNext:\n"
           "  cd %s\n"
           "  cmake -B build%s%s && cmake --build build\n"
           "  ctest --test-dir build\n"
           "  patchbay dev %s%s%s\n",
           folder, build != NULL ? " -DCMAKE_PREFIX_PATH=" : "",
           build != NULL ? build : "", rust ? "build/" : "", name,
           rust                       ? ".so"
           : strcmp(lang, "c++") == 0 ? ".cpp"
                                      : ".c");
    if (rust && !is_on_path("cargo")) {
        fprintf(stderr, "patchbay: there is no cargo on the PATH: install Rust "
                        "to build this plugin\n");
    }
    free(build);
}

static int make(const char *name, const char *lang, const char *folder)
{
    struct buf kind = { 0 };
    char *ident = make_ident(name);
    char *from = NULL;
    char why[1024];
    int status = CLI_FAILED;

    buf_addf(&kind, "template/%s", lang);
    if (!kind.failed) {
        from = places_share(kind.data);
    }
    if (from == NULL || ident == NULL) {
        fprintf(stderr,
                "patchbay: the templates are missing: they belong in "
                "share/patchbay/template beside the program's bin folder\n");
    } else {
        const struct template_names names = { name, ident };

        if (template_copy(from, folder, &names, print_file,
                          (void *)(uintptr_t)folder, why, sizeof why) == 0) {
            status = CLI_DONE;
        } else {
            fprintf(stderr, "patchbay: %s\n", why);
        }
    }
    free(from);
    free(ident);
    buf_free(&kind);
    return status;
}

static int run(const struct cli_call *call)
{
    const char *name = cli_operand(call, 0);
    const char *lang = cli_option(call, "lang");
    const char *dir = cli_option(call, "dir");
    struct buf folder = { 0 };
    int status = check_name(call, name);

    if (status != CLI_DONE) {
        return status;
    }
    lang = lang != NULL ? lang : "c";
    if (!is_in(languages, lang)) {
        return cli_unknown(call->command, "language", lang, languages);
    }
    buf_addf(&folder, "%s%s%s", dir != NULL ? dir : "", dir != NULL ? "/" : "",
             name);
    if (folder.failed) {
        buf_free(&folder);
        return CLI_FAILED;
    }
    status = make(name, lang, folder.data);
    if (status == CLI_DONE) {
        print_next(folder.data, name, lang);
    }
    buf_free(&folder);
    return status;
}

static const struct cli_option options[] = {
    { "lang", 0, "LANG", false, "c (the default), c++ or rust" },
    { "dir", 0, "DIR", false, "make the folder in DIR rather than here" },
    CLI_OPTIONS_END
};

const struct cli_command cmd_new = {
    .name = "new",
    .options = options,
    .operands = { "NAME", 1, 1 },
    .summary = "begin a plugin that builds and whose test passes",
    .help = "Makes a folder NAME with the plugin, its test, a build file, an "
            "INI file and a\nREADME. A folder that is there already is left "
            "alone.\n",
    .run = run,
};

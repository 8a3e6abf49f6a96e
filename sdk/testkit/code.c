/* code.c - one version of the plugin: linked into the program, or a file */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kit.h"
#include "plugin/descriptor.h"
#include "plugin/image.h"

struct kit_code *kit_code_link(const bay_plugin *plugin)
{
    struct kit_code *code = kit_alloc(sizeof *code);
    char why[512];

    if (plugin == NULL) {
        kit_why("there is no plugin: the descriptor is NULL");
    } else if (descriptor_read(plugin, &code->plugin, why, sizeof why) != 0) {
        kit_why("the plugin %s", why);
    } else {
        snprintf(code->id, sizeof code->id, "%p", (const void *)plugin);
        code->refs = 1;
        return code;
    }
    free(code);
    return NULL;
}

/* "chat" of "build/chat.so". */
static bool name_of(const char *path, char *name, size_t size)
{
    const char *base = strrchr(path, '/');
    size_t len;

    base = base != NULL ? base + 1 : path;
    len = strlen(base);
    if (len <= 3 || len - 3 >= size || strcmp(base + len - 3, ".so") != 0) {
        kit_why("%s is not NAME.so", path);
        return false;
    }
    memcpy(name, base, len - 3);
    name[len - 3] = '\0';
    return true;
}

struct kit_code *kit_code_load(const char *so_path)
{
    const char *tmp = getenv("TMPDIR");
    struct kit_code *code;
    struct image *image;
    char name[CONF_MAX_NAME + 1], dir[4096], copy[4096 + 128], why[1024];

    if (so_path == NULL || !name_of(so_path, name, sizeof name)) {
        return NULL;
    }
    snprintf(dir, sizeof dir, "%s/patchbay-test-XXXXXX",
             tmp != NULL && *tmp != '\0' ? tmp : "/tmp");
    if (mkdtemp(dir) == NULL) {
        kit_why("cannot make a folder for the copy of %s: %s", so_path, dir);
        return NULL;
    }
    image = image_open(name, so_path, dir, why, sizeof why);
    if (image != NULL) {
        /* It is mapped: the name is not needed any more. */
        snprintf(copy, sizeof copy, "%s/%s.%s.so", dir, name, image->hash);
        unlink(copy);
    }
    rmdir(dir);
    if (image == NULL) {
        kit_why("%s", why);
        return NULL;
    }
    code = kit_alloc(sizeof *code);
    code->refs = 1;
    code->plugin = image->plugin;
    code->image = image;
    snprintf(code->id, sizeof code->id, "%s", image->hash);
    return code;
}

void kit_code_unref(struct kit_code *code)
{
    if (code != NULL && --code->refs == 0) {
        image_close(code->image);
        free(code);
    }
}

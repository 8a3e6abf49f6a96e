/* image.c - a plugin's file, opened from a private copy */
#include "plugin/image.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/copy.h"
#include "plugin/descriptor.h"
#include "plugin/elf.h"

#define SYMBOL "bay_plugin_descriptor"

#define LONGEST_REASON 1024

/* O_NONBLOCK: a FIFO in the place of the file must not stop the host. */
static int open_file(const char *path, struct stat *stat, char *why,
                     size_t why_size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0) {
        snprintf(why, why_size, "cannot be read: %s", strerror(errno));
        return -1;
    }
    if (fstat(fd, stat) != 0) {
        snprintf(why, why_size, "cannot be read: %s", strerror(errno));
    } else if (S_ISDIR(stat->st_mode)) {
        snprintf(why, why_size, "is a directory, not a shared object");
    } else if (!S_ISREG(stat->st_mode)) {
        snprintf(why, why_size, "is not a regular file");
    } else {
        return fd;
    }
    close(fd);
    return -1;
}

/* A file that changes meanwhile is caught by the ELF check as far as it got
 * shorter; what is checked is what is copied and opened. */
int image_read(const char *path, struct buf *bytes, char *why, size_t why_size)
{
    struct stat stat;
    int fd = open_file(path, &stat, why, why_size);
    size_t size;
    ssize_t n = 1;

    if (fd < 0) {
        return -1;
    }
    size = (size_t)stat.st_size;
    if (buf_reserve(bytes, size) == NULL) {
        snprintf(why, why_size, "cannot be read: out of memory");
        close(fd);
        return -1;
    }
    while (bytes->len < size && n != 0) {
        n = read(fd, bytes->data + bytes->len, size - bytes->len);
        if (n > 0) {
            bytes->len += (size_t)n;
        } else if (n < 0 && errno != EINTR) {
            snprintf(why, why_size, "cannot be read: %s", strerror(errno));
            close(fd);
            return -1;
        }
    }
    close(fd);
    return 0;
}

/* dlerror begins with the name of the copy, which tells nobody anything. */
static void explain_dlopen(const char *copy, char *why, size_t why_size)
{
    const char *error = dlerror();
    size_t len = strlen(copy);
    const char *advice = "";

    if (error == NULL) {
        error = "dlopen gives no reason";
    }
    if (strncmp(error, copy, len) == 0 && strncmp(error + len, ": ", 2) == 0) {
        error += len + 2;
    }
    if (strstr(error, "undefined symbol") != NULL) {
        advice = " (link the plugin with -Wl,-z,defs to see this at its build)";
    }
    snprintf(why, why_size, "cannot be loaded: %s%s", error, advice);
}

/*
 * The symbol's size in the file is held against the size the descriptor claims
 * before descriptor_read believes it.
 */
static const bay_plugin *find_descriptor(void *handle, char *why,
                                         size_t why_size)
{
    const bay_plugin *found = dlsym(handle, SYMBOL);
    void *entry = NULL;
    Dl_info info;

    if (found == NULL) {
        snprintf(why, why_size,
                 "has no " SYMBOL " symbol: does it have a BAY_PLUGIN = "
                 "{...}, and was it built with -fvisibility=hidden without "
                 "BAY_EXPORT?");
        return NULL;
    }
    if (dladdr1(found, &info, &entry, RTLD_DL_SYMENT) != 0 && entry != NULL) {
        const ElfW(Sym) *symbol = entry;

        if (symbol->st_size != 0 &&
            (symbol->st_size < offsetof(bay_plugin, name) ||
             symbol->st_size < found->size)) {
            snprintf(why, why_size,
                     "has a " SYMBOL " of %zu bytes, fewer than it says",
                     (size_t)symbol->st_size);
            return NULL;
        }
    }
    return found;
}

/* Fills in hash and handle. */
static int load(struct image *image, const char *copies_dir, char *why,
                size_t why_size)
{
    struct buf bytes = { 0 };
    struct copy copy = { 0 };
    int status = image_read(image->path, &bytes, why, why_size);

    if (status == 0) {
        status = elf_check(bytes.data, bytes.len, why, why_size);
    }
    if (status == 0) {
        status = copy_make(&copy, image->name, bytes.data, bytes.len,
                           copies_dir, why, why_size);
    }
    image->size = bytes.len;
    buf_free(&bytes);
    if (status != 0) {
        return -1;
    }
    memcpy(image->hash, copy.hash, sizeof image->hash);
    image->handle = dlopen(copy.path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (image->handle == NULL) {
        explain_dlopen(copy.path, why, why_size);
    }
    copy_finish(&copy);
    return image->handle != NULL ? 0 : -1;
}

/* Fills in plugin. */
static int describe(struct image *image, char *why, size_t why_size)
{
    const bay_plugin *found = find_descriptor(image->handle, why, why_size);

    if (found == NULL ||
        descriptor_read(found, &image->plugin, why, why_size) != 0) {
        return -1;
    }
    if (strcmp(image->plugin.name, image->name) != 0) {
        snprintf(why, why_size,
                 "calls itself \"%s\", but its file is that of \"%s\": they "
                 "must be equal",
                 image->plugin.name, image->name);
        return -1;
    }
    return 0;
}

struct image *image_load(const char *name, const char *path,
                         const char *copies_dir, char *why, size_t why_size)
{
    struct image *image = calloc(1, sizeof *image);
    char reason[LONGEST_REASON] = "cannot be opened: out of memory";

    if (image != NULL) {
        image->name = strdup(name);
        image->path = strdup(path);
        if (image->name != NULL && image->path != NULL &&
            load(image, copies_dir, reason, sizeof reason) == 0) {
            return image;
        }
    }
    snprintf(why, why_size, "%s %s", path, reason);
    image_close(image);
    return NULL;
}

int image_describe(struct image *image, char *why, size_t why_size)
{
    char reason[LONGEST_REASON];

    if (describe(image, reason, sizeof reason) != 0) {
        snprintf(why, why_size, "%s %s", image->path, reason);
        return -1;
    }
    return 0;
}

struct image *image_open(const char *name, const char *path,
                         const char *copies_dir, char *why, size_t why_size)
{
    struct image *image = image_load(name, path, copies_dir, why, why_size);

    if (image != NULL && image_describe(image, why, why_size) != 0) {
        image_close(image);
        return NULL;
    }
    return image;
}

void image_close(struct image *image)
{
    if (image != NULL) {
        free(image->name);
        free(image->path);
        free(image);
    }
}

/* files.c - the files of [http] root
 *
 * Every path is opened below the root by the kernel (openat2), so that neither
 * dots nor symbolic links lead out of it; where a sandbox keeps that call from
 * us, step by step and through no link. Served here rather than by a mount
 * of libwebsockets, which follows links out, refuses types it does not know
 * and redirects to whatever Host the client names.
 */
#include "net/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "net/exchange.h"
#include "net/headers.h"
#include "net/link.h"

/* A FIFO keeps nobody waiting before it is seen to be no file. */
#define FILE_FLAGS (O_RDONLY | O_NONBLOCK | O_NOCTTY)

struct files {
    int root;
    bool by_steps; /* openat2 may not be called here */
};

static const struct {
    const char *ending;
    const char *type;
} types[] = {
    { ".html", "text/html; charset=utf-8" },
    { ".htm", "text/html; charset=utf-8" },
    { ".css", "text/css; charset=utf-8" },
    { ".js", "text/javascript; charset=utf-8" },
    { ".mjs", "text/javascript; charset=utf-8" },
    { ".json", "application/json" },
    { ".map", "application/json" },
    { ".webmanifest", "application/manifest+json" },
    { ".txt", "text/plain; charset=utf-8" },
    { ".md", "text/markdown; charset=utf-8" },
    { ".csv", "text/csv; charset=utf-8" },
    { ".xml", "application/xml" },
    { ".svg", "image/svg+xml" },
    { ".png", "image/png" },
    { ".jpg", "image/jpeg" },
    { ".jpeg", "image/jpeg" },
    { ".gif", "image/gif" },
    { ".webp", "image/webp" },
    { ".avif", "image/avif" },
    { ".ico", "image/x-icon" },
    { ".woff", "font/woff" },
    { ".woff2", "font/woff2" },
    { ".ttf", "font/ttf" },
    { ".wasm", "application/wasm" },
    { ".pdf", "application/pdf" },
    { ".mp3", "audio/mpeg" },
    { ".ogg", "audio/ogg" },
    { ".wav", "audio/wav" },
    { ".mp4", "video/mp4" },
    { ".webm", "video/webm" },
    { ".zip", "application/zip" },
    { ".gz", "application/gzip" },
};

const char *files_type(const char *name)
{
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; dot != NULL && i < sizeof types / sizeof types[0]; i++) {
        if (strcasecmp(dot, types[i].ending) == 0) {
            return types[i].type;
        }
    }
    return "application/octet-stream";
}

struct files *files_create(const char *root)
{
    struct files *files = malloc(sizeof *files);

    if (files == NULL) {
        return NULL;
    }
    files->by_steps = false;
    files->root = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (files->root < 0) {
        free(files);
        return NULL;
    }
    return files;
}

void files_destroy(struct files *files)
{
    if (files != NULL) {
        close(files->root);
        free(files);
    }
}

/* Names that begin with a dot are nobody's business: .git, .htpasswd. */
static bool is_hidden(const char *path)
{
    return path[0] == '.' || strstr(path, "/.") != NULL;
}

/* The name has no "..", being not hidden. */
static int open_by_steps(int root, const char *name)
{
    int at = root;

    for (;;) {
        size_t len = strcspn(name, "/");
        bool last = name[len] == '\0';
        char part[NAME_MAX + 1];
        int next = -1;

        if (len < sizeof part) {
            memcpy(part, name, len);
            part[len] = '\0';
            next = openat(at, part,
                          O_NOFOLLOW | O_CLOEXEC |
                              (last ? FILE_FLAGS : O_PATH | O_DIRECTORY));
        }
        if (at != root) {
            close(at);
        }
        if (last || next < 0) {
            return next;
        }
        at = next;
        name += len + 1;
    }
}

static int open_below(struct files *files, const char *name)
{
    struct open_how how = { .flags = FILE_FLAGS | O_CLOEXEC,
                            .resolve =
                                RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
    int fd;

    if (files->by_steps) {
        return open_by_steps(files->root, name);
    }
    fd = (int)syscall(SYS_openat2, files->root, name, &how, sizeof how);
    if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) {
        return fd;
    }
    log_info("[http] root: links are not followed, as openat2 may not be "
             "called here: %s",
             strerror(errno));
    files->by_steps = true;
    return open_by_steps(files->root, name);
}

/* Opens a regular file, or the index of a folder whose path ends in a slash.
 * name becomes what was opened. -1: there is none. */
static int open_file(struct files *files, const char *path, char *name,
                     size_t size, struct stat *st)
{
    const char *below = path + 1; /* without the first slash */
    size_t len = strlen(below);
    bool folder = len == 0 || below[len - 1] == '/';
    int n = snprintf(name, size, "%s%s", below, folder ? "index.html" : "");
    int fd;

    if (n < 0 || (size_t)n >= size || name[0] == '/' || is_hidden(name) ||
        strstr(name, "//") != NULL) {
        return -1;
    }
    fd = open_below(files, name);
    if (fd >= 0 && (fstat(fd, st) != 0 || !S_ISREG(st->st_mode))) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* Whether the client's copy is still good (RFC 9110 section 13.1.2): one of the
 * entity tags it names is ours, weak or not. */
static bool has_copy(struct link *link, const char *etag)
{
    char list[512];

    if (headers_known(link->wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH, list,
                      sizeof list) <= 0) {
        return false;
    }
    return strcmp(list, "*") == 0 || strstr(list, etag) != NULL;
}

bool files_serve(struct files *files, struct exchange *exchange, int *result)
{
    char name[EXCHANGE_PATH_MAX + 16], headers[256], etag[64], modified[40];
    const char *method = exchange->method;
    struct stat st;
    struct tm tm;
    int fd;

    if (files == NULL || exchange->path[0] != '/') {
        return false;
    }
    fd = open_file(files, exchange->path, name, sizeof name, &st);
    if (fd < 0) {
        return false;
    }
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        close(fd);
        *result = exchange_refuse(exchange, 405, "allow: GET, HEAD\r\n",
                                  "a file can only be read");
        return true;
    }
    snprintf(etag, sizeof etag, "\"%llx-%llx-%lx\"",
             (unsigned long long)st.st_size,
             (unsigned long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    gmtime_r(&st.st_mtim.tv_sec, &tm);
    strftime(modified, sizeof modified, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    /* no-cache: kept, but asked about each time. */
    snprintf(headers, sizeof headers,
             "etag: %s\r\nlast-modified: %s\r\ncache-control: no-cache\r\n"
             "x-content-type-options: nosniff\r\n",
             etag, modified);
    if (has_copy(exchange->link, etag)) {
        close(fd);
        *result = exchange_respond(exchange, 304, NULL, headers, NULL, 0);
    } else {
        *result = exchange_respond_file(exchange, 200, files_type(name),
                                        headers, fd, st.st_size);
    }
    return true;
}

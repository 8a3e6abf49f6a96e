/* trust.c - who can change a file, or put another in its place */
#include "base/trust.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_LINKS 40 /* as the kernel's */

void trust_add(struct trust *trust, uid_t uid)
{
    for (size_t i = 0; i < trust->count; i++) {
        if (trust->uids[i] == uid) {
            return;
        }
    }
    if (trust->count < TRUST_MAX) {
        trust->uids[trust->count++] = uid;
    }
}

void trust_add_owner(struct trust *trust, const char *file)
{
    struct stat info;

    if (stat(file, &info) == 0) {
        trust_add(trust, info.st_uid);
    }
}

void trust_init(struct trust *trust)
{
    *trust = (struct trust){ .count = 0 };
    trust_add(trust, 0);
    trust_add(trust, geteuid());
    trust_add_owner(trust, "/proc/self/exe");
}

static bool has(const struct trust *trust, uid_t uid)
{
    for (size_t i = 0; i < trust->count; i++) {
        if (trust->uids[i] == uid) {
            return true;
        }
    }
    return false;
}

/* ---- the way to a file ------------------------------------------------- */

struct way {
    char done[PATH_MAX]; /* without links, absolute; "" is the root */
    char rest[PATH_MAX];
    int links;
};

static int begin(struct way *way, const char *file)
{
    size_t len = 0;

    *way = (struct way){ .links = 0 };
    if (file[0] != '/') {
        if (getcwd(way->rest, sizeof way->rest) == NULL) {
            return -1;
        }
        len = strlen(way->rest);
    }
    if (len + 1 + strlen(file) >= sizeof way->rest) {
        errno = ENAMETOOLONG;
        return -1;
    }
    snprintf(way->rest + len, sizeof way->rest - len, "/%s", file);
    return 0;
}

static void go_up(struct way *way)
{
    char *slash = strrchr(way->done, '/');

    if (slash != NULL) {
        *slash = 0;
    }
}

/* What the link at done says comes before the rest. */
static int follow(struct way *way)
{
    char target[PATH_MAX];
    ssize_t len = readlink(way->done, target, sizeof target - 1);
    size_t rest = strlen(way->rest);

    if (len < 0) {
        return -1;
    }
    if (++way->links > MAX_LINKS) {
        errno = ELOOP;
        return -1;
    }
    if ((size_t)len + 1 + rest >= sizeof way->rest) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memmove(way->rest + len + 1, way->rest, rest + 1);
    memcpy(way->rest, target, (size_t)len);
    way->rest[len] = '/';
    if (target[0] == '/') {
        way->done[0] = 0;
    } else {
        go_up(way);
    }
    return 0;
}

/* Moves the next name from rest to done: 1, or 0 if there is none; -1 with
 * errno set. */
static int step(struct way *way)
{
    char *name = way->rest + strspn(way->rest, "/");
    size_t len = strcspn(name, "/");
    size_t done = strlen(way->done);

    if (len == 0) {
        return 0;
    }
    if (len == 2 && name[0] == '.' && name[1] == '.') {
        go_up(way);
    } else if (len != 1 || name[0] != '.') {
        if (done + 1 + len >= sizeof way->done) {
            errno = ENAMETOOLONG;
            return -1;
        }
        way->done[done] = '/';
        memcpy(way->done + done + 1, name, len);
        way->done[done + 1 + len] = 0;
    }
    memmove(way->rest, name + len, strlen(name + len) + 1);
    return 1;
}

/* Shows each link, each folder and at last the file, until look says no. */
static int walk(const char *file,
                bool look(void *arg, const char *path, const struct stat *info),
                void *arg)
{
    struct way way;
    struct stat info;
    int more = begin(&way, file) == 0 ? 1 : -1;

    while (more > 0) {
        const char *path = way.done[0] != 0 ? way.done : "/";

        if (lstat(path, &info) != 0) {
            return -1;
        }
        if (!look(arg, path, &info)) {
            return 0;
        }
        if (S_ISLNK(info.st_mode) && follow(&way) != 0) {
            return -1;
        }
        more = step(&way);
    }
    return more;
}

/* ---- questions about it ------------------------------------------------ */

struct doubt {
    const struct trust *trust;
    const char *file;
    char *why;
    size_t why_size;
    bool found;
};

static const char *kind_of(const struct stat *info)
{
    return S_ISDIR(info->st_mode)   ? "the folder "
           : S_ISLNK(info->st_mode) ? "the link "
                                    : "";
}

static bool look_writers(void *arg, const char *path, const struct stat *info)
{
    struct doubt *doubt = arg;
    bool sticky = S_ISDIR(info->st_mode) && (info->st_mode & S_ISVTX) != 0;

    if (doubt->trust != NULL && !has(doubt->trust, info->st_uid)) {
        snprintf(doubt->why, doubt->why_size,
                 "%s is not safe: %s%s belongs to user %u, who is neither root "
                 "nor the one who runs patchbay; give it to one of them",
                 doubt->file, kind_of(info), path, (unsigned)info->st_uid);
        doubt->found = true;
    } else if (!S_ISLNK(info->st_mode) && (info->st_mode & S_IWOTH) != 0 &&
               !sticky) {
        snprintf(doubt->why, doubt->why_size,
                 "%s is not safe: everybody may write to %s%s (mode %04o); "
                 "chmod o-w %s",
                 doubt->file, kind_of(info), path,
                 (unsigned)info->st_mode & 07777U, path);
        doubt->found = true;
    }
    return !doubt->found;
}

int trust_check(const struct trust *trust, const char *file, char *why,
                size_t why_size)
{
    struct doubt doubt = { trust, file, why, why_size, false };
    int result = walk(file, look_writers, &doubt);

    if (result < 0 && errno == ENAMETOOLONG) {
        snprintf(why, why_size, "%s cannot be looked at: %s", file,
                 strerror(errno));
        return -1;
    }
    return doubt.found ? -1 : 0;
}

static bool look_readers(void *arg, const char *path, const struct stat *info)
{
    bool *is_public = arg;

    (void)path;
    if (S_ISDIR(info->st_mode)) {
        *is_public = (info->st_mode & S_IXOTH) != 0;
    } else if (!S_ISLNK(info->st_mode)) {
        *is_public = (info->st_mode & S_IROTH) != 0;
    }
    return *is_public;
}

bool trust_is_public(const char *file)
{
    bool is_public = true;

    return walk(file, look_readers, &is_public) == 0 && is_public;
}

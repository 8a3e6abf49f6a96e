/* user.c - becoming another user, for good */
#include "base/user.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAPABILITY_WORDS 2 /* of version 3 */

int user_find(const char *name, uid_t *uid, gid_t *gid)
{
    const struct passwd *user;

    errno = 0;
    user = getpwnam(name);
    if (user == NULL) {
        errno = errno == 0 ? ENOENT : errno;
        return -1;
    }
    *uid = user->pw_uid;
    *gid = user->pw_gid;
    return 0;
}

static bool is_among(gid_t gid, const gid_t *groups, int count)
{
    for (int i = 0; i < count; i++) {
        if (groups[i] == gid) {
            return true;
        }
    }
    return false;
}

/* Whether this process has a group that is none of the user's. */
static bool has_foreign_group(const char *name, gid_t gid)
{
    int count = getgroups(0, NULL);
    int allowed = 0;
    gid_t *have, *may;
    bool foreign = true;

    (void)getgrouplist(name, gid, NULL, &allowed); /* asks for the number */
    have = calloc((size_t)count + 1, sizeof *have);
    may = calloc((size_t)allowed + 1, sizeof *may);
    if (have != NULL && may != NULL &&
        getgrouplist(name, gid, may, &allowed) >= 0) {
        count = getgroups(count, have);
        foreign = count < 0;
        for (int i = 0; i < count; i++) {
            foreign = foreign || !is_among(have[i], may, allowed);
        }
    }
    free(have);
    free(may);
    return foreign;
}

/* What the calls have promised: asked, and tried. */
static bool has_way_back(uid_t uid, gid_t gid)
{
    uid_t uids[3];
    gid_t gids[3];

    if (getresuid(&uids[0], &uids[1], &uids[2]) != 0 ||
        getresgid(&gids[0], &gids[1], &gids[2]) != 0) {
        return true;
    }
    for (int i = 0; i < 3; i++) {
        if (uids[i] != uid || gids[i] != gid) {
            return true;
        }
    }
    return uid != 0 &&
           (setuid(0) == 0 || seteuid(0) == 0 || setresuid(0, 0, 0) == 0 ||
            (gid != 0 && (setgid(0) == 0 || setegid(0) == 0)));
}

/* What a program with root's set-user-id bit could have. Takes root. */
static void empty_bounds(void)
{
    for (unsigned long i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++) {
        (void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
    }
}

int user_become(const char *name)
{
    uid_t uid;
    gid_t gid;

    if (user_find(name, &uid, &gid) != 0) {
        return -1;
    }
    if (geteuid() != uid || getegid() != gid || uid == 0) {
        if (uid != 0) {
            empty_bounds();
        }
        if (initgroups(name, gid) != 0 || setresgid(gid, gid, gid) != 0 ||
            setresuid(uid, uid, uid) != 0) {
            return -1;
        }
        if (has_foreign_group(name, gid)) {
            errno = EPERM;
            return -1;
        }
    }
    if (has_way_back(uid, gid)) {
        errno = EPERM;
        return -1;
    }
    return 0;
}

/* ---- rights ------------------------------------------------------------ */

/* libcap is not worth its dependency for two calls. */
static int get_capabilities(struct __user_cap_data_struct *sets)
{
    struct __user_cap_header_struct head = { .version =
                                                 _LINUX_CAPABILITY_VERSION_3 };

    return (int)syscall(SYS_capget, &head, sets);
}

static int clear_capabilities(void)
{
    struct __user_cap_header_struct head = { .version =
                                                 _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct sets[CAPABILITY_WORDS] = { { 0 } };

    if (syscall(SYS_capset, &head, sets) != 0) {
        return -1;
    }
    /* A kernel without ambient ones has none. */
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return 0;
}

static bool has_capabilities(void)
{
    struct __user_cap_data_struct sets[CAPABILITY_WORDS] = { { 0 } };

    if (get_capabilities(sets) != 0) {
        return true;
    }
    for (int i = 0; i < CAPABILITY_WORDS; i++) {
        if ((sets[i].effective | sets[i].permitted | sets[i].inheritable) !=
            0) {
            return true;
        }
    }
    return false;
}

int user_confine(void)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return -1;
    }
    if (geteuid() != 0 && clear_capabilities() != 0) {
        return -1;
    }
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 ||
        (geteuid() != 0 && has_capabilities())) {
        errno = EPERM;
        return -1;
    }
    return 0;
}

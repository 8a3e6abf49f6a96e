/* user.c - becoming another user, for good */
#include "base/user.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <unistd.h>

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

int user_become(const char *name)
{
    uid_t uid;
    gid_t gid;

    if (user_find(name, &uid, &gid) != 0) {
        return -1;
    }
    if (geteuid() == uid && getegid() == gid && geteuid() != 0) {
        return 0;
    }
    if (initgroups(name, gid) != 0 || setresgid(gid, gid, gid) != 0 ||
        setresuid(uid, uid, uid) != 0) {
        return -1;
    }
    if (uid != 0 && setuid(0) == 0) {
        errno = EPERM;
        return -1;
    }
    return 0;
}

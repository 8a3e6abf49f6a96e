/* user.h - becoming another user, for good */
#ifndef PATCHBAY_BASE_USER_H
#define PATCHBAY_BASE_USER_H

#include <sys/types.h>

/* 0, or -1 with errno set; ENOENT: no such user. */
int user_find(const char *name, uid_t *uid, gid_t *gid);

/* Takes on the user's id, group and further groups, with no way back. 0, or
 * -1 with errno set: then the process must not go on. */
int user_become(const char *name);

#endif

/* user.h - becoming another user, for good */
#ifndef PATCHBAY_BASE_USER_H
#define PATCHBAY_BASE_USER_H

#include <sys/types.h>

/* 0, or -1 with errno set; ENOENT: no such user. */
int user_find(const char *name, uid_t *uid, gid_t *gid);

/* Takes on the user's id, group and further groups, with no way back, which is
 * tried. 0, or -1 with errno set, EPERM if there is a way back: then the
 * process must not go on. */
int user_become(const char *name);

/*
 * From now on neither this process nor a program that it starts gets rights
 * that it has not: set-user-id bits and file capabilities mean nothing any more
 * (PR_SET_NO_NEW_PRIVS), and of capabilities a process that is not root's has
 * none left. 0, or -1 with errno set: then it must not go on.
 */
int user_confine(void);

#endif

/* account.h - the user the workers run as */
#ifndef PATCHBAY_PROC_ACCOUNT_H
#define PATCHBAY_PROC_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct account {
    const char *name; /* NULL: stay who we are */
    uid_t uid;
    gid_t gid;
};

/* Looks up conf's `user`; borrows the name, which may be NULL. Each returns 0,
 * or -1 and one sentence in why. */
int account_find(struct account *account, const char *name, char *why,
                 size_t why_size);

/* Makes a file the account's. */
int account_give(const struct account *account, const char *path, char *why,
                 size_t why_size);

/* Becomes the account, for good: nothing of the former one can be had back,
 * which is tried. Also if it stays who it is, it gives up all capabilities that
 * are not root's, and the way to new ones: see user_confine. */
int account_become(const struct account *account, char *why, size_t why_size);

#endif

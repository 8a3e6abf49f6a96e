/* account.c - the user the workers run as */
#include "proc/account.h"

#include <errno.h>
#include <unistd.h>

#include "base/user.h"
#include "proc/reason.h"

int account_find(struct account *account, const char *name, char *why,
                 size_t why_size)
{
    uid_t uid;
    gid_t gid;

    *account = (struct account){ 0 };
    if (name == NULL) {
        return 0;
    }
    if (user_find(name, &uid, &gid) != 0) {
        return reason_set(why, why_size, "[server] user: no user \"%s\"", name);
    }
    if (geteuid() != 0) {
        if (uid == geteuid()) {
            return 0;
        }
        return reason_set(why, why_size,
                          "[server] user: only root can become \"%s\"; start "
                          "patchbay as root, or as that user",
                          name);
    }
    account->name = name;
    account->uid = uid;
    account->gid = gid;
    return 0;
}

int account_give(const struct account *account, const char *path, char *why,
                 size_t why_size)
{
    if (account->name == NULL) {
        return 0;
    }
    if (lchown(path, account->uid, account->gid) < 0) {
        return reason_set(why, why_size, "cannot give %s to user \"%s\": %s",
                          path, account->name, reason_errno(errno));
    }
    return 0;
}

int account_become(const struct account *account, char *why, size_t why_size)
{
    if (account->name != NULL && user_become(account->name) != 0) {
        return reason_set(why, why_size, "cannot become user \"%s\": %s",
                          account->name, reason_errno(errno));
    }
    if (user_confine() != 0) {
        return reason_set(why, why_size,
                          "cannot give up the rights to get further rights: %s",
                          reason_errno(errno));
    }
    return 0;
}

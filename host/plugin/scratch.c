/* scratch.c - the folder for copies of plugins that are only looked at */
#include "plugin/scratch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/tree.h"
#include "base/user.h"

int scratch_give(const char *path, const char *user)
{
    uid_t uid;
    gid_t gid;

    return user == NULL || (user_find(user, &uid, &gid) == 0 &&
                            chown(path, uid, gid) == 0)
               ? 0
               : -1;
}

int scratch_make(struct buf *path, const char *user)
{
    const char *parent = getenv("TMPDIR");
    int error;

    buf_addf(path, "%s/patchbay-probe-XXXXXX",
             parent == NULL || *parent == 0 ? "/tmp" : parent);
    if (path->failed) {
        errno = ENOMEM;
        return -1;
    }
    if (mkdtemp(path->data) == NULL) {
        /* It is the parent that is not as it should be. */
        *strrchr(path->data, '/') = 0;
        return -1;
    }
    if (scratch_give(path->data, user) != 0) {
        error = errno;
        rmdir(path->data);
        errno = error;
        return -1;
    }
    return 0;
}

void scratch_remove(struct buf *path)
{
    if (path->data != NULL) {
        tree_remove(path->data);
    }
    buf_free(path);
}

/* trust.h - who can change a file, or put another in its place
 *
 * Code that the host runs and what it is told by must not be anybody's to
 * write. Whoever owns the program, or runs it, may do with it what he likes
 * anyway; so may root. What these have made writable for a group is their
 * decision; for everybody, it is a mistake.
 */
#ifndef PATCHBAY_BASE_TRUST_H
#define PATCHBAY_BASE_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define TRUST_MAX 5

struct trust {
    uid_t uids[TRUST_MAX];
    size_t count;
};

/* Root, the user of this process and the owner of its program. */
void trust_init(struct trust *trust);
void trust_add(struct trust *trust, uid_t uid);
/* The owner of a file, if there is one. */
void trust_add_owner(struct trust *trust, const char *file);

/*
 * trust may be NULL: any owner will do.
 *
 * Whether the file, each folder on the way to it and each link in between is
 * owned by one of them, and none is writable for everybody; a folder with the
 * sticky bit may be, since there nobody replaces what is another's. 0, also if
 * there is no such file, or none that can be reached; or -1 and in why a
 * sentence that begins with the file and names what is wrong with it.
 */
int trust_check(const struct trust *trust, const char *file, char *why,
                size_t why_size);

/* Whether everybody can read it, the folders on the way included. */
bool trust_is_public(const char *file);

#endif

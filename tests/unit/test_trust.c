/* test_trust.c - who can change a file, or put another in its place */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/trust.h"
#include "folder.h"

#define STRANGER 4711

static struct trust trust;
static char why[1024];

static int make(void **state)
{
    FILE *file;

    if (folder_make(state) < 0) {
        return -1;
    }
    trust_init(&trust);
    mkdir(folder_file("a"), 0755);
    mkdir(folder_file("a/b"), 0755);
    file = fopen(folder_file("a/b/f.so"), "w");
    return file != NULL && fclose(file) == 0 &&
                   chmod(folder_file("a/b/f.so"), 0644) == 0
               ? 0
               : -1;
}

static void is_safe(const char *name)
{
    why[0] = 0;
    if (trust_check(&trust, folder_file(name), why, sizeof why) != 0) {
        fail_msg("%s", why);
    }
}

/* The sentence names the file that was asked for, and what is wrong. */
static void is_unsafe(const char *name, const char *part)
{
    const char *file = folder_file(name);

    assert_int_equal(trust_check(&trust, file, why, sizeof why), -1);
    if (strncmp(why, file, strlen(file)) != 0 || strstr(why, part) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", part, why);
    }
}

static void files_and_folders(void **state)
{
    (void)state;
    is_safe("a/b/f.so");
    is_safe("a/b/../b/./f.so");
    /* What is not there is for others to say. */
    is_safe("a/b/nothing.so");
    is_safe("nothing/f.so");
    is_safe("a/b/f.so/x");
    /* A group is the owner's decision. */
    chmod(folder_file("a/b/f.so"), 0664);
    chmod(folder_file("a/b"), 0775);
    is_safe("a/b/f.so");
    chmod(folder_file("a/b/f.so"), 0666);
    is_unsafe("a/b/f.so", " everybody may write to /tmp/");
    assert_non_null(strstr(why, "/a/b/f.so (mode 0666); chmod o-w /"));
    chmod(folder_file("a/b/f.so"), 0644);
    chmod(folder_file("a/b"), 0777);
    is_unsafe("a/b/f.so", "/a/b (mode 0777); chmod o-w /");
    assert_non_null(strstr(why, "write to the folder /"));
    /* Not what is below it, since all of that can be moved away. */
    chmod(folder_file("a/b"), 0755);
    chmod(folder_file("a"), 0757);
    is_unsafe("a/b/f.so", "/a (mode 0757)");
    is_unsafe("a/b/../b/f.so", "/a (mode 0757)");
    /* The sticky bit keeps it where it is. */
    chmod(folder_file("a"), 01777);
    is_safe("a/b/f.so");
}

static void links(void **state)
{
    (void)state;
    assert_int_equal(symlink("a/b/f.so", folder_file("one.so")), 0);
    assert_int_equal(symlink(folder_file("a"), folder_file("two")), 0);
    assert_int_equal(symlink("../one.so", folder_file("a/three.so")), 0);
    assert_int_equal(symlink("loop", folder_file("loop")), 0);
    is_safe("one.so");
    is_safe("two/b/f.so");
    is_safe("two/three.so");
    is_safe("loop"); /* cannot be opened either */
    /* Both the folder of a link and that of its end count. */
    chmod(folder_file("a"), 0777);
    is_unsafe("one.so", "/a (mode 0777)");
    is_unsafe("two/b/f.so", "/a (mode 0777)");
    is_unsafe("two/three.so", "/a (mode 0777)");
    chmod(folder_file("a"), 0755);
    chmod(folder_file("a/b/f.so"), 0646);
    is_unsafe("two/three.so", "/a/b/f.so (mode 0646)");
}

static void relative_paths(void **state)
{
    char before[4096];

    (void)state;
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(folder_file("a")), 0);
    assert_int_equal(trust_check(&trust, "b/f.so", why, sizeof why), 0);
    assert_int_equal(trust_check(&trust, "../a/b/f.so", why, sizeof why), 0);
    chmod(folder_file("a/b"), 0777);
    assert_int_equal(trust_check(&trust, "b/f.so", why, sizeof why), -1);
    assert_int_equal(strncmp(why, "b/f.so is not safe: ", 20), 0);
    assert_int_equal(chdir(before), 0);
}

static void owners(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    assert_int_equal(lchown(folder_file("a/b/f.so"), STRANGER, 0), 0);
    is_unsafe("a/b/f.so", "/a/b/f.so belongs to user 4711, who is neither");
    /* Any owner will do for some. */
    assert_int_equal(
        trust_check(NULL, folder_file("a/b/f.so"), why, sizeof why), 0);
    trust_add_owner(&trust, folder_file("a/b/f.so"));
    is_safe("a/b/f.so");
    trust_init(&trust);
    trust_add(&trust, STRANGER);
    is_safe("a/b/f.so");
    trust_init(&trust);
    assert_int_equal(lchown(folder_file("a/b/f.so"), 0, 0), 0);
    assert_int_equal(lchown(folder_file("a"), STRANGER, 0), 0);
    is_unsafe("a/b/f.so", "the folder /tmp/");
    assert_int_equal(lchown(folder_file("a"), 0, 0), 0);
    /* Another's link in a folder where everybody makes links. */
    assert_int_equal(symlink("a/b/f.so", folder_file("l.so")), 0);
    assert_int_equal(lchown(folder_file("l.so"), STRANGER, 0), 0);
    is_unsafe("l.so", "the link /tmp/");
}

static void long_paths(void **state)
{
    char file[9000];

    (void)state;
    memset(file, 'x', sizeof file - 1);
    file[sizeof file - 1] = 0;
    assert_int_equal(trust_check(&trust, file, why, sizeof why), -1);
    /* More of them than a struct holds. */
    for (unsigned i = 0; i < 20; i++) {
        trust_add(&trust, STRANGER + i);
    }
    assert_int_equal(trust.count, TRUST_MAX);
}

static void readers(void **state)
{
    (void)state;
    assert_false(trust_is_public(folder_file("a/b/f.so"))); /* mkdtemp: 0700 */
    chmod(folder, 0755);
    assert_true(trust_is_public(folder_file("a/b/f.so")));
    chmod(folder_file("a"), 0754);
    assert_false(trust_is_public(folder_file("a/b/f.so")));
    chmod(folder_file("a"), 0755);
    chmod(folder_file("a/b/f.so"), 0640);
    assert_false(trust_is_public(folder_file("a/b/f.so")));
    assert_false(trust_is_public(folder_file("a/b/nothing")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_and_folders, make, folder_remove),
        cmocka_unit_test_setup_teardown(links, make, folder_remove),
        cmocka_unit_test_setup_teardown(relative_paths, make, folder_remove),
        cmocka_unit_test_setup_teardown(owners, make, folder_remove),
        cmocka_unit_test_setup_teardown(long_paths, make, folder_remove),
        cmocka_unit_test_setup_teardown(readers, make, folder_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* ini_file.h - a configuration that a test gives as text */
#ifndef PATCHBAY_TESTS_INI_FILE_H
#define PATCHBAY_TESTS_INI_FILE_H

#include <string.h>
#include <unistd.h>

#include "conf/conf.h"
#include "said.h"

#define INI_FILE "p.ini" /* in the current folder */

static char ini_folder[] = "/tmp/test_conf.XXXXXX";

static inline int ini_file_set_up(void **state)
{
    (void)state;
    return mkdtemp(ini_folder) == NULL || chdir(ini_folder) != 0;
}

static inline int ini_file_tear_down(void **state)
{
    (void)state;
    unlink(INI_FILE);
    return chdir("/") != 0 || rmdir(ini_folder) != 0;
}

static inline void ini_file_write(const char *text)
{
    FILE *out = fopen(INI_FILE, "w");

    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

/* The caller frees it. */
static inline struct conf *ini_file_load(const char *text)
{
    struct problems problems = { 0 };
    struct conf *conf;

    ini_file_write(text);
    conf = conf_load(INI_FILE, &problems);
    said(&problems, "");
    assert_non_null(conf);
    return conf;
}

/* It is refused, with these lines. */
static inline void ini_file_refuse(const char *text, const char *expected)
{
    struct problems problems = { 0 };

    ini_file_write(text);
    assert_null(conf_load(INI_FILE, &problems));
    said(&problems, expected);
}

#endif

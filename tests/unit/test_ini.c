/* test_ini.c - an INI file: its sections, keys, values and their lines */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <iniparser/iniparser.h>

#include "base/buf.h"
#include "conf/ini.h"
#include "said.h"

static char folder[] = "/tmp/test_ini.XXXXXX";

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL || chdir(folder) != 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink("f");
    return chdir("/") != 0 || rmdir(folder) != 0;
}

static void put_bytes(const char *text, size_t len)
{
    FILE *out = fopen("f", "w");

    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, len, out), len);
    assert_int_equal(fclose(out), 0);
}

static void put(const char *text)
{
    put_bytes(text, strlen(text));
}

static struct ini *loads(const char *text, const char *expected)
{
    struct problems problems = { 0 };
    struct ini *ini;

    put(text);
    ini = ini_load("f", &problems);
    said(&problems, expected);
    return ini;
}

static void has(const struct ini *ini, const char *section, const char *name,
                const char *value, int line)
{
    const struct ini_section *found = ini_find_section(ini, section);
    const struct ini_key *key;

    assert_non_null(found);
    key = ini_find_key(found, name);
    assert_non_null(key);
    assert_false(key->bad);
    assert_string_equal(key->value, value);
    assert_int_equal(key->line, line);
}

static void values_and_lines(void **state)
{
    struct ini *ini = loads("; comment\n"
                            "[Server]\n"
                            "\n"
                            "listen = localhost:9501 ; here\n"
                            "empty =\n"
                            "quoted = \" a ; b # c \"\n"
                            "single = '\"x\"'\n"
                            "[route.a]\n"
                            "list = one, \\\n"
                            "  two\n"
                            "behind = Case Stays\n",
                            "f:2: [server]: names are lower case, write "
                            "[server]\n");

    (void)state;
    assert_non_null(ini);
    assert_int_equal(ini->count, 2);
    assert_int_equal(ini->sections[0].line, 2);
    assert_int_equal(ini->sections[1].line, 8);
    has(ini, "server", "listen", "localhost:9501", 4);
    has(ini, "server", "empty", "", 5);
    has(ini, "server", "quoted", " a ; b # c ", 6);
    has(ini, "server", "single", "\"x\"", 7);
    has(ini, "route.a", "list", "one,   two", 9);
    has(ini, "route.a", "behind", "Case Stays", 11);
    assert_null(ini_find_section(ini, "route.b"));
    assert_null(ini_find_key(&ini->sections[0], "behind"));
    ini_free(ini);
}

static void faults_do_not_hide_the_rest(void **state)
{
    struct ini *ini = loads("[a]\nx\nbad = \"1\ngood = 1\ngood = 2\n[b]\nk = v",
                            "f:2: [a]: no \"=\" in \"x\", a line is key = "
                            "value\n"
                            "f:3: [a] bad: the quote \" is not closed on this "
                            "line\n"
                            "f:5: [a] good: duplicate key, first on line 4\n");

    (void)state;
    assert_non_null(ini);
    assert_true(ini->sections[0].torn);
    assert_true(ini_find_key(&ini->sections[0], "bad")->bad);
    assert_null(ini_find_key(&ini->sections[0], "bad")->value);
    has(ini, "a", "good", "1", 4);
    assert_false(ini->sections[1].torn);
    has(ini, "b", "k", "v", 7);
    ini_free(ini);
}

static void empty_file(void **state)
{
    struct ini *ini = loads("", "");

    (void)state;
    assert_non_null(ini);
    assert_int_equal(ini->count, 0);
    ini_free(ini);
    ini_free(NULL);
}

static void no_file(void **state)
{
    struct problems problems = { 0 };

    (void)state;
    assert_null(ini_load("nothing.ini", &problems));
    said(&problems,
         "nothing.ini: cannot be opened: No such file or directory\n");
    assert_null(ini_load("..", &problems));
    said(&problems, "..: is a folder, not a file\n");
}

static void unreadable_file(void **state)
{
    struct problems problems = { 0 };
    uid_t user = geteuid();
    struct ini *ini;

    (void)state;
    put("[a]\n");
    assert_int_equal(chmod("f", 0), 0);
    assert_int_equal(chmod(".", 0755), 0);
    assert_int_equal(user == 0 ? seteuid(65534) : 0, 0);
    ini = ini_load("f", &problems);
    assert_int_equal(seteuid(user), 0);
    assert_int_equal(chmod("f", 0600), 0);
    assert_null(ini);
    said(&problems, "f: cannot be opened: Permission denied\n");
}

static void huge_file(void **state)
{
    static char text[300000];
    struct problems problems = { 0 };

    (void)state;
    memset(text, '\n', sizeof text);
    put_bytes(text, sizeof text);
    assert_null(ini_load("f", &problems));
    said(&problems, "f: is larger than 256 KiB: is this the right file?\n");
}

/* A pipe can be read once only: patchbay check -c <(generate) */
static void from_a_pipe(void **state)
{
    struct problems problems = { 0 };
    struct ini *ini;
    char name[32];
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "[a]\nk = v\n", 10), 10);
    close(ends[1]);
    snprintf(name, sizeof name, "/dev/fd/%d", ends[0]);
    ini = ini_load(name, &problems);
    said(&problems, "");
    has(ini, "a", "k", "v", 2);
    ini_free(ini);
    close(ends[0]);
}

/* What iniparser itself has to say: here, that it is out of descriptors. */
static void iniparser_fails(void **state)
{
    struct problems problems = { 0 };
    struct rlimit old;
    struct rlimit limit;
    int next = dup(0);
    struct ini *ini;

    (void)state;
    put("[a]\nk = v\n");
    close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    limit = old;
    limit.rlim_cur = (rlim_t)next + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ini = ini_load("f", &problems);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_null(ini);
    said(&problems, "f: iniparser says: cannot open\n");
}

/* ---- a line that the scan lets through and iniparser does not -----------
 *
 * There is none that we know of; so iniparser's two functions are replaced by
 * ones that can pretend it.
 */

static int (*callback)(const char *format, ...);
static bool pretend;

void iniparser_set_error_callback(int (*errback)(const char *, ...))
{
    void (*real)(int (*)(const char *, ...));

    *(void **)&real = dlsym(RTLD_NEXT, "iniparser_set_error_callback");
    callback = errback;
    real(errback);
}

dictionary *iniparser_load(const char *ininame)
{
    dictionary *(*real)(const char *);

    if (pretend) {
        callback("iniparser: syntax error in %s (%d):\n-> %s\n", ininame, 2,
                 "k = v");
        callback("iniparser: input line too long in %s (%d)\n", ininame, 3);
        return NULL;
    }
    *(void **)&real = dlsym(RTLD_NEXT, "iniparser_load");
    return real(ininame);
}

static void iniparser_minds_a_line(void **state)
{
    (void)state;
    pretend = true;
    assert_null(loads("[a]\nk = v\nl = w\n",
                      "f:2: iniparser says: syntax error\n"
                      "f:3: iniparser says: input line too long\n"));
    pretend = false;
}

/* ---- agreement with iniparser ------------------------------------------ */

static int quiet(const char *format, ...)
{
    (void)format;
    return 0;
}

/* Without any problem, each key is there with iniparser's value. */
static void compare(const struct ini *ini)
{
    dictionary *values = iniparser_load("f");
    size_t entries = 0;

    assert_non_null(values);
    for (size_t i = 0; i < ini->count; i++) {
        const struct ini_section *section = &ini->sections[i];

        assert_int_equal(iniparser_find_entry(values, section->name), 1);
        entries += 1 + section->count;
        for (size_t k = 0; k < section->count; k++) {
            char name[300];

            snprintf(name, sizeof name, "%s:%s", section->name,
                     section->keys[k].name);
            assert_string_equal(iniparser_getstring(values, name, "?"),
                                section->keys[k].value);
        }
    }
    assert_int_equal(entries, values->n);
    iniparser_freedict(values);
}

/* Random files: what the scan says is right reads the same without it, and of
 * what it says is wrong, iniparser has nothing to add. */
static void agrees(void **state)
{
    static const char *const words[] = {
        "[",  "]",  "a",  "b",  "=",    "\"",   "'",       ";",
        "#",  " ",  "\\", ":",  ".",    "[a]",  "k =",     "k = v",
        "\n", "\n", "\n", "\t", "\r\n", "\\\n", "\n[b]\n", "x = "
    };
    int good = 0;
    int bad = 0;

    (void)state;
    srand(7);
    iniparser_set_error_callback(quiet);
    for (int round = 0; round < 6000; round++) {
        struct problems problems = { 0 };
        struct buf text = { 0 };
        struct ini *ini;
        int count = rand() % 20;

        buf_adds(&text, rand() % 4 == 0 ? "" : "[a]\n");
        for (int i = 0; i < count; i++) {
            buf_adds(&text,
                     words[(size_t)rand() % (sizeof words / sizeof *words)]);
        }
        put_bytes(text.data, text.len);
        ini = ini_load("f", &problems);
        assert_non_null(ini);
        for (size_t i = 0; i < problems.count; i++) {
            assert_null(strstr(problems.list[i].text, "iniparser"));
        }
        if (problems.count == 0) {
            iniparser_set_error_callback(quiet);
            compare(ini);
            good++;
        } else {
            bad++;
        }
        ini_free(ini);
        problems_free(&problems);
        buf_free(&text);
    }
    iniparser_set_error_callback(NULL);
    assert_true(good > 500);
    assert_true(bad > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_and_lines),
        cmocka_unit_test(faults_do_not_hide_the_rest),
        cmocka_unit_test(empty_file),
        cmocka_unit_test(no_file),
        cmocka_unit_test(unreadable_file),
        cmocka_unit_test(huge_file),
        cmocka_unit_test(from_a_pipe),
        cmocka_unit_test(iniparser_fails),
        cmocka_unit_test(iniparser_minds_a_line),
        cmocka_unit_test(agrees),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

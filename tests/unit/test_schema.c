/* test_schema.c - every section and key of patchbay.ini, in one table */
#include <string.h>
#include <unistd.h>

#include "conf/conf.h"
#include "conf/ini.h"
#include "conf/schema.h"
#include "said.h"

static void finds(void **state)
{
    (void)state;
    assert_string_equal(schema_find("server", "listen")->fallback,
                        "localhost:9501");
    assert_null(schema_find("server", "path"));
    assert_null(schema_find("nowhere", "listen"));
    assert_ptr_equal(schema_find("route", "max_message"),
                     schema_find("limits", "max_message"));
    assert_non_null(schema_find("limits", "origins"));
    assert_non_null(schema_find("route", "origins"));
    /* They hold before a route is known, or for all routes. */
    assert_null(schema_find("route", "handshake"));
    assert_null(schema_find("route", "jobs"));
    assert_false(schema_find_section("server")->named);
    assert_true(schema_find_section("route")->named);
    assert_null(schema_find_section("route.a"));
}

static void suggests(void **state)
{
    (void)state;
    assert_string_equal(schema_nearest("server", "lisen"), "listen");
    assert_string_equal(schema_nearest("route", "max_mesage"), "max_message");
    assert_null(schema_nearest("log", "lisen"));
    assert_string_equal(schema_nearest_section("sever"), "server");
    assert_null(schema_nearest_section("database"));
}

static void lists(void **state)
{
    struct buf names = { 0 };

    (void)state;
    schema_add_names(&names, "log");
    assert_string_equal(names.data,
                        "level, file, format, access, trace, crash_reports and "
                        "crash_messages");
    buf_clear(&names);
    schema_add_names(&names, "http");
    assert_string_equal(names.data, "root, health and metrics");
    buf_free(&names);
}

static void allows(const char *section, const char *key, const char *expected)
{
    struct buf text = { 0 };

    buf_adds(&text, "");
    schema_add_allowed(&text, schema_find(section, key));
    assert_string_equal(text.data, expected);
    buf_free(&text);
}

static void tells_what_is_allowed(void **state)
{
    (void)state;
    allows("server", "workers", "auto, or from 1 to 128");
    allows("server", "listen", "");
    allows("log", "access", "yes or no");
    allows("log", "level", "error, warn, info or debug");
    allows("limits", "max_message", "from 1 to 1g");
    allows("limits", "ping", "0 or from 1s to 1h");
    allows("limits", "jobs", "from 1 to 64");
}

/* What a mistake in the table would break elsewhere */
static void is_sound(void **state)
{
    (void)state;
    for (const struct schema_key *key = schema_keys; key->name != NULL; key++) {
        assert_non_null(schema_find_section(key->section));
        assert_ptr_equal(schema_find(key->section, key->name), key);
        assert_true(strlen(key->help) > 5);
        assert_true(key->min <= key->max);
        assert_int_equal(key->type == SCHEMA_WORD, key->words != NULL);
        assert_int_equal(key->fallback == NULL,
                         strcmp(key->name, "path") == 0 ||
                             strcmp(key->name, "plugin") == 0 ||
                             strcmp(key->section, "certificate") == 0);
    }
}

static char *printed(void)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    assert_non_null(out);
    schema_print(out);
    fclose(out);
    return text;
}

/* The reference is a file that patchbay takes, and that changes nothing. */
static void prints_a_file(void **state)
{
    char name[] = "/tmp/test_schema.XXXXXX";
    int fd = mkstemp(name);
    char *text = printed();
    struct problems problems = { 0 };
    struct ini *ini;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    ini = ini_load(name, &problems);
    conf_free(conf_load(name, &problems));
    unlink(name);
    free(text);
    said(&problems, "");
    for (const struct schema_key *key = schema_keys; key->name != NULL; key++) {
        const struct ini_section *section = ini_find_section(ini, key->section);

        if (schema_find_section(key->section)->named) {
            assert_null(section);
        } else {
            assert_non_null(section);
            assert_non_null(ini_find_key(section, key->name));
            assert_string_equal(ini_find_key(section, key->name)->value,
                                key->fallback);
        }
    }
    ini_free(ini);
}

static void prints_how_routes_are_written(void **state)
{
    char *text = printed();

    (void)state;
    assert_non_null(strstr(text, ";[plugin.NAME]\n"));
    assert_non_null(strstr(text, ";[route.NAME]\n"));
    assert_non_null(strstr(text, ";[certificate.NAME]\n"));
    assert_non_null(strstr(text, "; required\n;path =\n"));
    assert_non_null(strstr(text, ";on_reload = migrate\n"));
    free(text);
}

/* ---- the operator's document ------------------------------------------- */

/* On the heap: the text of operate.md from the heading of a section to the
 * next heading. */
static char *section_of(const char *document, const char *section)
{
    char heading[64];
    const char *from;
    const char *to;

    snprintf(heading, sizeof heading, "\n### [%s%s]\n", section,
             schema_find_section(section)->named ? ".NAME" : "");
    from = strstr(document, heading);
    if (from == NULL) {
        print_error("no heading %s", heading);
    }
    assert_non_null(from);
    to = strstr(from + strlen(heading), "\n##");
    return to == NULL ? strdup(from) : strndup(from, (size_t)(to - from));
}

/* Each key has its row, with its default and what is allowed. */
static void documents_every_key(void **state)
{
    FILE *in = fopen(SOURCE_DIR "/host/doc/operate.md", "r");
    static char document[1 << 17];
    size_t rows = 0;
    size_t keys = 0;

    (void)state;
    assert_non_null(in);
    assert_true(fread(document, 1, sizeof document - 1, in) > 0);
    fclose(in);
    for (const struct schema_key *key = schema_keys; key->name != NULL; key++) {
        char *section = section_of(document, key->section);
        struct buf row = { 0 };

        if (key->fallback == NULL) {
            buf_addf(&row, "\n| `%s` | required | ", key->name);
        } else if (*key->fallback == 0) {
            buf_addf(&row, "\n| `%s` | empty | ", key->name);
        } else {
            buf_addf(&row, "\n| `%s` | `%s` | ", key->name, key->fallback);
        }
        schema_add_allowed(&row, key);
        if (strstr(section, row.data) == NULL) {
            print_error("[%s] lacks %s\n", key->section, row.data);
        }
        assert_non_null(strstr(section, row.data));
        buf_free(&row);
        free(section);
        keys++;
    }
    /* And no other: one that is gone must go from the document, too. */
    for (const struct schema_section *known = schema_sections;
         known->name != NULL; known++) {
        char *section = section_of(document, known->name);

        for (char *at = section; (at = strstr(at, "\n| `")) != NULL; at++) {
            rows++;
        }
        free(section);
    }
    assert_int_equal(rows, keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds),
        cmocka_unit_test(suggests),
        cmocka_unit_test(lists),
        cmocka_unit_test(tells_what_is_allowed),
        cmocka_unit_test(is_sound),
        cmocka_unit_test(prints_a_file),
        cmocka_unit_test(prints_how_routes_are_written),
        cmocka_unit_test(documents_every_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

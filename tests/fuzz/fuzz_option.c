/* fuzz_option.c - a plugin's options: a table, and an INI file that sets them
 *
 * Lines of `name|type|min|max|fallback|help` up to an empty one, then the file.
 * What a plugin declares is as foreign as what an operator writes.
 */
#include "fuzz.h"

#include "plugin/descriptor.h"
#include "plugin/options.h"
#include "plugin/optvalue.h"

#define MOST 8

static bay_option table[MOST + 1];

/* The next part of a line; NULL when there is none or it is "-". */
static const char *part(char **line)
{
    char *text = *line != NULL ? strsep(line, "|") : NULL;

    return text != NULL && strcmp(text, "-") != 0 ? text : NULL;
}

static int64_t number(const char *text)
{
    return text != NULL ? strtoll(text, NULL, 10) : 0;
}

static void read_table(char **text)
{
    size_t count = 0;
    char *line;

    memset(table, 0, sizeof table);
    while ((line = fuzz_line(text)) != NULL && *line != '\0') {
        if (count < MOST) {
            bay_option *option = &table[count++];

            option->name = part(&line);
            option->type = (bay_option_type)number(part(&line));
            option->min = number(part(&line));
            option->max = number(part(&line));
            option->fallback = part(&line);
            option->help = part(&line);
        }
    }
}

/* Whatever is accepted lies in the range, and is read again as the same. */
static void check_value(const bay_option *option, const char *text,
                        int64_t value)
{
    char why[256], range[64];
    int64_t again;

    fuzz_check(optvalue_parse(option, text, &again, why, sizeof why) == 0);
    fuzz_check(again == value);
    optvalue_range(option, range, sizeof range);
    if (option->type == BAY_OPT_BOOL) {
        fuzz_check(value == 0 || value == 1);
    } else if (option->type == BAY_OPT_STR) {
        fuzz_check(value == 0);
    } else if (option->min != 0 || option->max != 0) {
        fuzz_check(value >= option->min && value <= option->max);
    }
}

static void resolve(const bay_plugin *plugin, const char *text)
{
    struct problems problems = { 0 };
    struct conf *conf =
        conf_load_text("/etc/p.ini", text, strlen(text), &problems);

    for (size_t i = 0; conf != NULL && i < conf->route_count; i++) {
        struct options *options =
            options_resolve(plugin, conf, &conf->routes[i], &problems);

        fuzz_check((options == NULL) == (problems.count > 0));
        for (size_t k = 0; options != NULL && k < MOST; k++) {
            if (table[k].name != NULL) {
                const char *value = options_str(options, table[k].name);

                fuzz_check(value != NULL);
                check_value(&table[k], value,
                            options_int(options, table[k].name));
            }
        }
        fuzz_check(options == NULL || options_equal(options, options));
        options_free(options);
        problems_free(&problems);
        problems = (struct problems){ 0 };
    }
    conf_free(conf);
    problems_free(&problems);
}

static int on_message(bay_conn *conn, const bay_message *msg)
{
    (void)conn;
    (void)msg;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *whole = fuzz_text(data, len);
    char *text = whole;
    bay_plugin theirs = { BAY_INIT, .name = "p", .message = on_message };
    bay_plugin ours;
    char why[512];

    read_table(&text);
    theirs.options = table;
    why[0] = '\0';
    if (descriptor_read(&theirs, &ours, why, sizeof why) == 0) {
        resolve(&ours, text != NULL ? text : "");
    } else {
        fuzz_check(why[0] != '\0');
    }
    free(whole);
    return 0;
}

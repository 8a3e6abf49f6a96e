/* fuzz_ini.c - an INI file: refused with problems, or taken without any */
#include "fuzz.h"

#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct problems problems = { 0 };
    char *text = fuzz_copy(data, len);
    struct conf *conf = conf_load_text("/etc/p.ini", text, len, &problems);

    fuzz_check((conf == NULL) == (problems.count > 0));
    fuzz_check(problems.lost == 0);
    for (size_t i = 0; i < problems.count; i++) {
        fuzz_check(problems.list[i].line >= 0);
        fuzz_check(strchr(problems.list[i].text, '\n') == NULL);
    }
    if (conf != NULL) {
        fuzz_check(conf->route_count <= CONF_MAX_ROUTES);
        for (size_t i = 0; i < conf->route_count; i++) {
            const struct conf_route *route = &conf->routes[i];

            fuzz_check(route->path[0] == '/');
            fuzz_check(strlen(route->name) <= CONF_MAX_NAME);
            fuzz_check(conf_find_plugin(conf, route->plugin) != NULL ||
                       route->plugin[0] != '\0');
        }
    }
    conf_free(conf);
    problems_free(&problems);
    free(text);
    return 0;
}

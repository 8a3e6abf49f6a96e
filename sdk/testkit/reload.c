/* reload.c - other options, or another version of the plugin, in all workers */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/reload.h"
#include "kit.h"

/* Undoes what begun workers have prepared. */
static void abort_all(struct bay_test *test, struct reload **reloads)
{
    for (int i = 0; i < test->worker_count; i++) {
        if (reloads[i] != NULL) {
            reload_abort(reloads[i]);
            reloads[i] = NULL;
        }
    }
}

static int prepare(struct bay_test *test, struct kit_setting *setting,
                   struct reload **reloads)
{
    char why[512];

    for (int i = 0; i < test->worker_count; i++) {
        struct kit_worker *worker = test->workers[i];
        struct core_route route;

        if (worker->core == NULL) {
            continue;
        }
        route = kit_core_route(setting);
        reloads[i] = reload_create(worker->core, &route, 1, why, sizeof why);
        if (reloads[i] == NULL) {
            kit_why("%s", why);
            return BAY_EINVAL;
        }
    }
    for (int i = 0; i < test->worker_count; i++) {
        if (reloads[i] != NULL &&
            !reload_settled(reloads[i], why, sizeof why)) {
            kit_why("%s", why);
            return BAY_ESTATE;
        }
    }
    return BAY_OK;
}

static void add_result(struct bay_test *test, struct reload *reload)
{
    bay_reloaded *sum = &test->reloaded;
    const struct reload_result *result = NULL;

    for (size_t i = 0; i < reload_count(reload); i++) {
        result = reload_result(reload, i);
        sum->kept += result->kept;
        sum->outdated += result->outdated;
        sum->closed += result->closed;
        if (sum->way == NULL || result->way == RELOAD_FAILED) {
            sum->way = reload_way_name(result->way);
        }
        if (result->why[0] != '\0') {
            snprintf(test->reloaded_why, sizeof test->reloaded_why, "%s",
                     result->why);
        }
    }
}

static void commit(struct bay_test *test, struct reload **reloads)
{
    for (int i = 0; i < test->worker_count; i++) {
        if (reloads[i] != NULL) {
            reload_commit(reloads[i], true, 0);
            add_result(test, reloads[i]);
            reload_free(reloads[i]);
        }
    }
}

/* Takes the reference of the caller. */
static int reload(struct bay_test *test, struct kit_code *code,
                  const char *options)
{
    struct reload *reloads[CONF_MAX_WORKERS] = { NULL };
    const char *lines = options != NULL ? options : test->options;
    struct kit_setting *setting =
        kit_setting_create(code, lines, test->setting->conf->routes[0].path);
    int status = BAY_EINVAL;

    kit_code_unref(code);
    if (setting == NULL) {
        return BAY_EINVAL;
    }
    kit.running = test;
    status = prepare(test, setting, reloads);
    if (status != BAY_OK) {
        abort_all(test, reloads);
        kit_setting_unref(setting);
        kit_settle(test);
        return status;
    }
    test->reloaded = (bay_reloaded){ .why = test->reloaded_why };
    test->reloaded_why[0] = '\0';
    commit(test, reloads);
    kit_setting_unref(test->setting);
    test->setting = setting;
    if (options != NULL) {
        free(test->options);
        test->options = kit_copy(options);
    }
    kit_settle(test);
    return BAY_OK;
}

int bay_test_reload(bay_test *test, const bay_plugin *plugin,
                    const char *options)
{
    struct kit_code *code;

    kit_why("%s", "");
    if (test == NULL) {
        return BAY_EINVAL;
    }
    if (plugin != NULL) {
        code = kit_code_link(plugin);
    } else {
        code = test->setting->code;
        code->refs++;
    }
    return code != NULL ? reload(test, code, options) : BAY_EINVAL;
}

int bay_test_reload_from(bay_test *test, const char *so_path,
                         const char *options)
{
    struct kit_code *code;

    kit_why("%s", "");
    if (test == NULL) {
        return BAY_EINVAL;
    }
    code = kit_code_load(so_path);
    return code != NULL ? reload(test, code, options) : BAY_EINVAL;
}

const bay_reloaded *bay_test_reloaded(const bay_test *test)
{
    static const bay_reloaded none = { "", "", 0, 0, 0 };

    return test != NULL && test->reloaded.way != NULL ? &test->reloaded : &none;
}

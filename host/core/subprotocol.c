/* subprotocol.c - which subprotocol a connection speaks (RFC 6455 1.9) */
#include "core/subprotocol.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/resume.h"

/* Whether a comma-separated list has a name. */
static bool offers(const char *list, const char *name)
{
    size_t len = strlen(name);

    for (;;) {
        size_t word;

        list += strspn(list, ", \t");
        word = strcspn(list, ", \t");
        if (word == 0) {
            return false;
        }
        if (word == len && memcmp(list, name, len) == 0) {
            return true;
        }
        list += word;
    }
}

const char *subprotocol_choose(const bay_plugin *plugin, const char *offered)
{
    if (offered == NULL || plugin->subprotocols == NULL) {
        return "";
    }
    for (const char *const *name = plugin->subprotocols; *name; name++) {
        if (offers(offered, *name)) {
            return *name;
        }
    }
    return "";
}

const char *subprotocol_resuming(const bay_plugin *plugin, const char *offered,
                                 char out[SUBPROTOCOL_MAX])
{
    static const char *const none[] = { NULL };
    const char *const *name =
        plugin->subprotocols != NULL ? plugin->subprotocols : none;

    if (offered == NULL || strstr(offered, RESUME_SUBPROTOCOL) == NULL) {
        return NULL;
    }
    for (; *name != NULL; name++) {
        int len =
            snprintf(out, SUBPROTOCOL_MAX, RESUME_SUBPROTOCOL "+%s", *name);

        if (len < SUBPROTOCOL_MAX && offers(offered, out)) {
            return out + sizeof RESUME_SUBPROTOCOL;
        }
    }
    memcpy(out, RESUME_SUBPROTOCOL, sizeof RESUME_SUBPROTOCOL);
    return offers(offered, out) ? out + sizeof RESUME_SUBPROTOCOL - 1 : NULL;
}

/* subprotocol.c - which subprotocol a connection speaks (RFC 6455 1.9) */
#include "core/subprotocol.h"

#include <stdbool.h>
#include <string.h>

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

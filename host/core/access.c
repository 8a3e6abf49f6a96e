/* access.c - lines of the log that are about a connection */
#include <stdio.h>

#include "base/log.h"
#include "core/core-t.h"

void conn_log(const struct conn *conn, enum log_level level, const char *what)
{
    struct log_subject subject = {
        .route = conn->instance->route->name,
        .plugin = conn->instance->plugin_name,
        .conn = conn->id,
        .remote = conn->remote,
    };

    log_about(level, &subject, "%s", what);
}

void conn_log_access(const struct conn *conn, bool begins)
{
    char line[512];
    const bay_facts *facts = &conn->facts;

    if (!conn->instance->core->setup.log_access) {
        return;
    }
    if (begins) {
        snprintf(line, sizeof line, "open %s%s%s", conn->path,
                 *conn->subprotocol != '\0' ? " subprotocol " : "",
                 conn->subprotocol);
    } else {
        snprintf(line, sizeof line,
                 "close %s code %d after %llu ms, %llu messages (%llu bytes) "
                 "in, %llu (%llu) out",
                 conn->path, conn->close_code,
                 (unsigned long long)(core_now(conn->instance->core) -
                                      facts->connected_ms),
                 (unsigned long long)facts->messages_in,
                 (unsigned long long)facts->bytes_in,
                 (unsigned long long)facts->messages_out,
                 (unsigned long long)facts->bytes_out);
    }
    conn_log(conn, LOG_LEVEL_INFO, line);
}

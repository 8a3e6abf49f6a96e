/* request.c - an HTTP request and its answer, as the hooks see them */
#include "core/request.h"

#include <stdlib.h>
#include <string.h>

#include "core/core-t.h"
#include "core/hooks.h"

const char *request_query_find(const char *query, const char *name)
{
    size_t len = strlen(name);

    while (query != NULL && *query != '\0') {
        if (strncmp(query, name, len) == 0) {
            if (query[len] == '=') {
                return query + len + 1;
            }
            if (query[len] == '\0') {
                return query + len;
            }
        }
        query += strlen(query) + 1;
    }
    return NULL;
}

int request_http(struct instance *instance, struct request *request)
{
    int result;

    if (instance->plugin.http == NULL) {
        return 426;
    }
    request->handle.api = instance->core->setup.api;
    request->magic = REQUEST_MAGIC;
    request->may_reply = true;
    result = hook_http(instance, request);
    request->may_reply = false;
    if (request->reply.failed || request->headers.failed) {
        result = BAY_ENOMEM;
    }
    if (result == 0 && request->replied) {
        return 0;
    }
    if (result >= 400 && result <= 599) {
        return result;
    }
    hook_complain(instance, NULL, HOOK_HTTP, result);
    return 500;
}

void request_finish(struct request *request)
{
    free(request->type);
    buf_free(&request->headers);
    buf_free(&request->reply);
    request->type = NULL;
    request->magic = 0;
}

/* request.c - what a client asks for, as core gets it from its transport */
#include <stdlib.h>
#include <string.h>

#include "kit.h"

static const char *header(void *link, const char *name)
{
    return kit_find_header(link, name);
}

/* The route's own path, without the star. */
char *kit_default_path(const bay_test *test)
{
    const struct conf_route *route = &test->setting->conf->routes[0];
    char *path = kit_copy(route->path);

    path[route->path_len] = '\0';
    return path;
}

struct request *kit_request(bay_test *test, const char *method,
                            const char *target, const bay_client *client,
                            const void *body, size_t len)
{
    struct kit_request *request = kit_alloc(sizeof *request);

    request->path = target != NULL ? kit_path(target) : kit_default_path(test);
    kit_query(target != NULL ? target : "", &request->query);
    request->headers = kit_pack_headers(client->headers);
    request->body = kit_alloc(len + 1);
    if (len > 0) {
        memcpy(request->body, body, len);
    }
    request->is = (struct request){
        .method = method,
        .remote = client->remote != NULL ? client->remote : "127.0.0.1",
        .path = request->path,
        .query = request->query.data,
        .header = header,
        .link = request->headers,
        .body = { .data = request->body,
                  .len = len,
                  .kind = BAY_BINARY,
                  .fin = true },
    };
    request->next = test->requests;
    test->requests = request;
    return &request->is;
}

void kit_free_requests(bay_test *test)
{
    while (test->requests != NULL) {
        struct kit_request *request = test->requests;

        test->requests = request->next;
        request_finish(&request->is);
        free(request->path);
        free(request->headers);
        free(request->body);
        buf_free(&request->query);
        free(request);
    }
}

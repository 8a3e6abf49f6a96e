/* api_request.c - the host calls on an HTTP request */
#include "core/api.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/core-t.h"

#define HEADERS_MAX 8192u

static struct request *checked(const bay_request *handle)
{
    struct request *request = (struct request *)(uintptr_t)handle;

    if (request == NULL || request->magic != REQUEST_MAGIC) {
        log_error("a plugin used a request after its hook, or something that "
                  "is no bay_request");
        return NULL;
    }
    return request;
}

const char *api_req_method(const bay_request *handle)
{
    const struct request *request = checked(handle);

    return request != NULL ? request->method : "";
}

const char *api_req_remote(const bay_request *handle)
{
    const struct request *request = checked(handle);

    return request != NULL ? request->remote : "";
}

const char *api_req_path(const bay_request *handle)
{
    const struct request *request = checked(handle);

    return request != NULL ? request->path : "";
}

const char *api_req_query(const bay_request *handle, const char *name)
{
    const struct request *request = checked(handle);

    return request != NULL && name != NULL
               ? request_query_find(request->query, name)
               : NULL;
}

const char *api_req_header(const bay_request *handle, const char *name)
{
    const struct request *request = checked(handle);

    return request != NULL && name != NULL && request->header != NULL
               ? request->header(request->link, name)
               : NULL;
}

const bay_message *api_req_body(const bay_request *handle)
{
    static const bay_message empty = { .data = "",
                                       .kind = BAY_BINARY,
                                       .fin = true };
    const struct request *request = checked(handle);

    return request != NULL ? &request->body : &empty;
}

/* A token of RFC 7230 section 3.2.6. */
static bool is_token(const char *text)
{
    if (*text == '\0') {
        return false;
    }
    for (; *text != '\0'; text++) {
        if (!isalnum((unsigned char)*text) &&
            strchr("!#$%&'*+-.^_`|~", *text) == NULL) {
            return false;
        }
    }
    return true;
}

/* No control bytes: a value cannot end the header and begin another. */
static bool is_field_value(const char *text)
{
    for (; *text != '\0'; text++) {
        if (((unsigned char)*text < 0x20 && *text != '\t') || *text == 0x7f) {
            return false;
        }
    }
    return true;
}

int api_req_add_header(bay_request *handle, const char *name, const char *value)
{
    struct request *request = checked(handle);

    if (request == NULL || name == NULL || value == NULL || !is_token(name) ||
        !is_field_value(value)) {
        return BAY_EINVAL;
    }
    if (request->headers.len + strlen(name) + strlen(value) + 4 > HEADERS_MAX) {
        return BAY_ETOOBIG;
    }
    buf_addf(&request->headers, "%s: %s\r\n", name, value);
    return request->headers.failed ? BAY_ENOMEM : BAY_OK;
}

int api_req_reply(bay_request *handle, int status, const char *type,
                  const void *body, size_t len)
{
    struct request *request = checked(handle);

    if (request == NULL || status < 200 || status > 599 ||
        (body == NULL && len > 0) || (type != NULL && !is_field_value(type))) {
        return BAY_EINVAL;
    }
    if (!request->may_reply || request->replied) {
        return BAY_ESTATE;
    }
    request->type = strdup(type != NULL ? type : "application/octet-stream");
    buf_add(&request->reply, body, len);
    if (request->type == NULL || request->reply.failed) {
        return BAY_ENOMEM;
    }
    request->status = status;
    request->replied = true;
    return BAY_OK;
}

/* fuzz_url.c - what people write to name a place: URLs, addresses, queries */
#include "fuzz.h"

#include "cli/talk_url.h"
#include "core/request.h"
#include "net/headers.h"
#include "net/handshake.h"

/* The first line. */
static void url(const char *text)
{
    struct talk_url url;
    char why[256] = "";

    if (talk_url_parse(&url, text, why, sizeof why) != 0) {
        fuzz_check(why[0] != '\0');
        return;
    }
    fuzz_check(url.host[0] != '\0');
    fuzz_check(url.port > 0 && url.port < 65536);
    fuzz_check(url.target[0] == '/');
    /* It goes into a request as it stands. */
    fuzz_check(strpbrk(url.target, " \r\n") == NULL);
    fuzz_check(strpbrk(url.authority, " \r\n") == NULL);
}

/* The second: parameters, as the transport packs them, and a name. */
static void query(const char *text, const char *name)
{
    size_t len = strlen(text);
    char *packed = malloc(len + 2);
    const char *value;
    size_t used = 0;

    for (size_t i = 0; i <= len; i++) {
        char c = text[i] == '&' ? '\0' : text[i];

        if (c != '\0' || (used > 0 && packed[used - 1] != '\0')) {
            packed[used++] = c;
        }
    }
    packed[used] = '\0';
    value = request_query_find(packed, name);
    fuzz_check(value == NULL || (value >= packed && value <= packed + used));
    free(packed);
}

static char *origins[] = { (char[]){ "https://example.org" },
                           (char[]){ "https://*.example.org" } };

/* Headers that are lists, and origins. */
static void headers(const char *list, const char *token)
{
    struct conf_limits limits = { 0 };

    headers_list_has(list, token);
    handshake_origin_allowed(&limits, list, token, false);
    limits.origins = origins;
    limits.origin_count = 2;
    handshake_origin_allowed(&limits, list, token, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *whole = fuzz_text(data, len);
    char *rest = whole;
    char *first = fuzz_line(&rest);
    char *second = fuzz_line(&rest);
    char *third = fuzz_line(&rest);

    url(first);
    if (second != NULL) {
        query(second, third != NULL ? third : "");
        headers(second, third != NULL ? third : "");
    }
    free(whole);
    return 0;
}

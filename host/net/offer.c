/* offer.c - permessage-deflate, agreed in the handshake */
#include "net/offer.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define WORD_MAX 40

enum {
    SERVER_NO_CONTEXT = 1,
    CLIENT_NO_CONTEXT = 2,
    SERVER_BITS = 4,
    CLIENT_BITS = 8
};

static const char token[] = "!#$%&'*+-.^_`|~0123456789"
                            "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                            "abcdefghijklmnopqrstuvwxyz";

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t");
}

/* Reads a token, or with quotes the token between them (RFC 6455 section 9.1).
 * Returns what follows it; NULL: there is none, or it is too long. */
static const char *read_word(const char *at, bool quotes, char *word)
{
    bool quoted = quotes && *at == '"';
    size_t len;

    at += quoted ? 1 : 0;
    len = strspn(at, token);
    if (len == 0 || len >= WORD_MAX || (quoted && at[len] != '"')) {
        return NULL;
    }
    memcpy(word, at, len);
    word[len] = '\0';
    return skip_blanks(at + len + (quoted ? 1 : 0));
}

/* 8 to 15 in decimal, without leading zeros; 0: it is not. */
static unsigned read_bits(const char *value)
{
    if (strcmp(value, "8") == 0 || strcmp(value, "9") == 0) {
        return (unsigned)(value[0] - '0');
    }
    if (value[0] == '1' && value[1] >= '0' && value[1] <= '5' &&
        value[2] == '\0') {
        return 10u + (unsigned)(value[1] - '0');
    }
    return 0;
}

/* One parameter of an offer; value is NULL if it has none. false: the offer
 * has to be declined (RFC 7692 section 7.1). */
static bool take_parameter(const char *name, const char *value, unsigned *seen,
                           unsigned *bits)
{
    static const struct {
        const char *name;
        unsigned flag;
    } known[] = {
        { "server_no_context_takeover", SERVER_NO_CONTEXT },
        { "client_no_context_takeover", CLIENT_NO_CONTEXT },
        { "server_max_window_bits", SERVER_BITS },
        { "client_max_window_bits", CLIENT_BITS },
    };
    unsigned flag = 0;

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i].name, name) == 0) {
            flag = known[i].flag;
        }
    }
    if (flag == 0 || (*seen & flag) != 0) {
        return false;
    }
    *seen |= flag;
    switch (flag) {
    case SERVER_BITS:
        *bits = value != NULL ? read_bits(value) : 0;
        return *bits >= 9; /* zlib compresses with no smaller window */
    case CLIENT_BITS: return value == NULL || read_bits(value) != 0;
    default: return value == NULL;
    }
}

/* Reads one extension of the list with its parameters. *good: it is an offer
 * that can be met; *bits: what it asks for, or 0. Returns what follows it, or
 * NULL if the list is broken. */
static const char *read_offer(const char *at, bool *good, unsigned *bits)
{
    char name[WORD_MAX], value[WORD_MAX];
    unsigned seen = 0;

    at = read_word(at, false, name);
    *good = at != NULL && strcmp(name, "permessage-deflate") == 0;
    *bits = 0;
    while (at != NULL && *at == ';') {
        bool has_value;

        at = read_word(skip_blanks(at + 1), false, name);
        has_value = at != NULL && *at == '=';
        if (has_value) {
            at = read_word(skip_blanks(at + 1), true, value);
        }
        if (at != NULL &&
            !take_parameter(name, has_value ? value : NULL, &seen, bits)) {
            *good = false;
        }
    }
    return at;
}

bool offer_take(const char *extensions, struct offer *offer)
{
    const char *at = skip_blanks(extensions);
    bool found = false, asked = false;

    offer->bits = 0;
    while (*at != '\0') {
        unsigned bits;
        bool good;

        if (*at == ',') { /* an element may be empty (RFC 9110 5.6.1) */
            at = skip_blanks(at + 1);
            continue;
        }
        at = read_offer(at, &good, &bits);
        if (at == NULL || (*at != ',' && *at != '\0')) {
            offer->bits = 0;
            return false;
        }
        if (good && !found) {
            found = true;
            asked = bits > 0;
            offer->bits = asked ? bits : 15;
        }
    }
    if (!found) {
        return false;
    }
    snprintf(offer->answer, sizeof offer->answer,
             "permessage-deflate; server_no_context_takeover; "
             "client_no_context_takeover");
    if (asked) {
        size_t len = strlen(offer->answer);

        snprintf(offer->answer + len, sizeof offer->answer - len,
                 "; server_max_window_bits=%u", offer->bits);
    }
    return true;
}

/* value.c - the text of a value: parsed, checked and put into the conf */
#include "conf/value.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/units.h"
#include "conf/endpoints.h"
#include "conf/conf.h"
#include "conf/hosts.h"
#include "conf/origins.h"
#include "conf/redis_url.h"
#include "conf/text.h"

static int say_allowed(const struct schema_key *key, struct buf *why)
{
    buf_adds(why, ", allowed is ");
    schema_add_allowed(why, key);
    return -1;
}

/* ---- numbers ----------------------------------------------------------- */

static int parse_number(enum schema_type type, const char *text, int64_t *value)
{
    switch (type) {
    case SCHEMA_SIZE: return units_parse_bytes(text, value);
    case SCHEMA_TIME: return units_parse_ms(text, value);
    default: return units_parse_int(text, value);
    }
}

/* "30 Sec" could mean 30s, "1 MB" 1m, "30" as a time 30s. */
static void suggest_number(const struct schema_key *key, const char *text,
                           struct buf *why)
{
    struct buf meant = { 0 };
    int64_t value;

    buf_adds(&meant, "");
    for (; *text != 0; text++) {
        char low = (char)tolower((unsigned char)*text);

        if (!isspace((unsigned char)low)) {
            buf_add(&meant, &low, 1);
        }
    }
    if (!meant.failed && meant.len > 1 && key->type == SCHEMA_SIZE &&
        meant.data[meant.len - 1] == 'b') {
        meant.data[--meant.len] = 0;
        if (meant.data[meant.len - 1] == 'i') {
            meant.data[--meant.len] = 0;
        }
    }
    if (!meant.failed && key->type == SCHEMA_TIME &&
        units_parse_int(meant.data, &value) == 0) {
        buf_adds(&meant, "s");
    }
    if (!meant.failed && parse_number(key->type, meant.data, &value) == 0) {
        text_suggest(why, meant.data);
    }
    buf_free(&meant);
}

static const char *kind_of(enum schema_type type)
{
    switch (type) {
    case SCHEMA_SIZE: return "a size such as 512, 64k, 16m or 1g";
    case SCHEMA_TIME: return "a time such as 250ms, 30s, 5m or 1h";
    default: return "a number";
    }
}

static int read_number(const struct schema_key *key, const char *text,
                       int64_t *value, struct buf *why)
{
    int result = parse_number(key->type, text, value);

    if (result == -1) {
        buf_addf(why, "\"%s\" is not %s", text, kind_of(key->type));
        say_allowed(key, why);
        suggest_number(key, text, why);
        return -1;
    }
    if (result != 0 || ((*value < key->min || *value > key->max) &&
                        !(*value == 0 && key->zero))) {
        buf_addf(why, "\"%s\" is out of range", text);
        return say_allowed(key, why);
    }
    return 0;
}

static unsigned count_processors(void)
{
    cpu_set_t set;
    long count = sched_getaffinity(0, sizeof set, &set) == 0
                     ? CPU_COUNT(&set)
                     : sysconf(_SC_NPROCESSORS_ONLN);

    if (count < 1) {
        return 1;
    }
    return count > CONF_MAX_WORKERS ? CONF_MAX_WORKERS : (unsigned)count;
}

static int store_number(const struct schema_key *key, const char *text,
                        void *member, struct buf *why)
{
    int64_t value;

    if (key->type == SCHEMA_WORKERS && strcmp(text, "auto") == 0) {
        *(uint32_t *)member = count_processors();
        return 0;
    }
    if (read_number(key, text, &value, why) != 0) {
        return -1;
    }
    switch (key->type) {
    case SCHEMA_SIZE: *(size_t *)member = (size_t)value; break;
    case SCHEMA_TIME: *(uint64_t *)member = (uint64_t)value; break;
    default: *(uint32_t *)member = (uint32_t)value; break;
    }
    return 0;
}

/* ---- words ------------------------------------------------------------- */

static int store_word(const struct schema_key *key, const char *text,
                      void *member, struct buf *why)
{
    const char *names[8];
    size_t count = 0;

    for (const struct schema_word *word = key->words; word->name != NULL;
         word++) {
        if (strcmp(word->name, text) == 0) {
            memcpy(member, &word->value, sizeof word->value);
            return 0;
        }
        if (count < sizeof names / sizeof *names - 1) {
            names[count++] = word->name;
        }
    }
    names[count] = NULL;
    buf_addf(why, "\"%s\" is unknown", text);
    say_allowed(key, why);
    text_suggest(why, units_nearest(text, names));
    return -1;
}

static int store_bool(const struct schema_key *key, const char *text,
                      bool *member, struct buf *why)
{
    if (units_parse_bool(text, member) != 0) {
        buf_addf(why, "\"%s\" is neither yes nor no", text);
        return say_allowed(key, why);
    }
    return 0;
}

/* ---- texts ------------------------------------------------------------- */

static int store_text(char *text, char **member, struct buf *why)
{
    if (text == NULL) {
        buf_adds(why, "out of memory");
        return -1;
    }
    *member = text;
    return 0;
}

/* Whether it can be read is left to the moment it is: the one who checks a
 * configuration may not be the one who runs it. */
static int check_there(const char *path, bool folder, struct buf *why)
{
    struct stat info;

    if (stat(path, &info) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) {
            buf_addf(why, "%s does not exist", path);
            return -1;
        }
        return 0;
    }
    if (S_ISDIR(info.st_mode) != folder) {
        buf_addf(why, "%s is %s", path,
                 folder ? "not a folder" : "a folder, not a file");
        return -1;
    }
    if (!folder && !S_ISREG(info.st_mode)) {
        buf_addf(why, "%s is not a regular file", path); /* a FIFO waits */
        return -1;
    }
    return 0;
}

static int check_run_dir(const char *path, struct buf *why)
{
    const struct sockaddr_un *addr = NULL;
    size_t limit = sizeof addr->sun_path - 1 - 1 - CONF_MAX_RUN_NAME;

    if (strlen(path) > limit) {
        buf_addf(why,
                 "%s has %zu bytes, too long for the sockets in it, allowed "
                 "are %zu",
                 path, strlen(path), limit);
        return -1;
    }
    return 0;
}

static int store_path(const struct schema_key *key, const char *text,
                      const char *folder, bool unseen, char **member,
                      struct buf *why)
{
    int status = 0;

    if (key->type == SCHEMA_LOG_FILE && strcmp(text, "-") == 0) {
        return store_text(strdup(text), member, why);
    }
    if (store_text(text_absolute(folder, text), member, why) != 0) {
        return -1;
    }
    if (unseen) {
        return 0;
    }
    switch (key->type) {
    case SCHEMA_FILE: status = check_there(*member, false, why); break;
    case SCHEMA_FOLDER: status = check_there(*member, true, why); break;
    case SCHEMA_RUN_DIR: status = check_run_dir(*member, why); break;
    default: break;
    }
    if (status != 0) {
        free(*member);
        *member = NULL;
    }
    return status;
}

static int store_user(const char *text, char **member, struct buf *why)
{
    if (getpwnam(text) == NULL) {
        buf_addf(why, "\"%s\" is not a user of this machine", text);
        return -1;
    }
    return store_text(strdup(text), member, why);
}

static int store_group(const char *text, char **member, struct buf *why)
{
    if (getgrnam(text) == NULL) {
        buf_addf(why, "\"%s\" is not a group of this machine", text);
        return -1;
    }
    return store_text(strdup(text), member, why);
}

/* ---- URL paths and names ----------------------------------------------- */

static bool has_dot_segment(const char *path)
{
    for (; path != NULL; path = strchr(path + 1, '/')) {
        size_t len = strcspn(path + 1, "/");

        if ((len == 1 && path[1] == '.') ||
            (len == 2 && path[1] == '.' && path[2] == '.')) {
            return true;
        }
    }
    return false;
}

static bool has_escape(const char *path)
{
    for (; (path = strchr(path, '%')) != NULL; path++) {
        if (isxdigit((unsigned char)path[1]) &&
            isxdigit((unsigned char)path[2])) {
            return true;
        }
    }
    return false;
}

/* What is wrong with a path that starts with a slash, or NULL. */
static const char *path_fault(const char *path, bool star)
{
    const char *found = strchr(path, '*');

    if (strchr(path, '?') != NULL) {
        return "a path has no query, plugins see it at open";
    }
    if (strchr(path, '#') != NULL) {
        return "a path has no fragment, browsers do not send it";
    }
    if (found != NULL && !star) {
        return "this page has one path, without a *";
    }
    if (found != NULL && (found[-1] != '/' || found[1] != 0)) {
        return "a * stands only at the end, behind a /, as in /rooms/*";
    }
    if (strstr(path, "//") != NULL) {
        return "a path has no //, since requests arrive with a single /";
    }
    if (has_dot_segment(path)) {
        return "a path has no . or .. between slashes, since requests arrive "
               "without";
    }
    if (has_escape(path)) {
        return "write the character itself, requests arrive decoded";
    }
    return NULL;
}

static int store_url(const char *text, bool star, char **member,
                     struct buf *why)
{
    const char *fault;

    if (*text != '/') {
        buf_addf(why, "\"%s\" does not start with a /, did you mean \"/%s\"?",
                 text, text);
        return -1;
    }
    fault = path_fault(text, star);
    if (fault != NULL) {
        buf_addf(why, "\"%s\": %s", text, fault);
        return -1;
    }
    return store_text(strdup(text), member, why);
}

/* The name in "/usr/lib/Chat.so": chat. */
static void suggest_plugin(const char *text, struct buf *why)
{
    const char *base =
        strrchr(text, '/') == NULL ? text : strrchr(text, '/') + 1;
    struct buf meant = { 0 };

    buf_adds(&meant, base);
    if (!meant.failed) {
        if (meant.len > 3 && strcmp(meant.data + meant.len - 3, ".so") == 0) {
            meant.data[meant.len - 3] = 0;
        }
        for (char *at = meant.data; *at != 0; at++) {
            *at = (char)tolower((unsigned char)*at);
        }
        text_suggest(why, text_is_name(meant.data) ? meant.data : NULL);
    }
    buf_free(&meant);
}

static int store_plugin(const char *text, char **member, struct buf *why)
{
    if (!text_is_name(text)) {
        buf_addf(
            why,
            "\"%s\" is not the name of a plugin, which has " TEXT_NAME_RULE,
            text);
        suggest_plugin(text, why);
        return -1;
    }
    return store_text(strdup(text), member, why);
}

static int store_name(const char *text, char **member, struct buf *why)
{
    if (!text_is_name(text)) {
        buf_addf(why, "\"%s\" is not a name, which has " TEXT_NAME_RULE, text);
        return -1;
    }
    return store_text(strdup(text), member, why);
}

/* ------------------------------------------------------------------------ */

/* Its member stays as it is then: NULL, or no entry. */
static bool may_be_empty(const struct schema_key *key)
{
    return key->type == SCHEMA_PAGE ||
           (key->fallback != NULL && *key->fallback == 0);
}

static int say_empty(const struct schema_key *key, struct buf *why)
{
    size_t before;

    buf_adds(why, "is empty");
    before = why->len;
    buf_adds(why, ", allowed is ");
    schema_add_allowed(why, key);
    if (!why->failed && why->len == before + strlen(", allowed is ")) {
        why->len = before;
        why->data[before] = 0;
    }
    return -1;
}

static int store(const struct schema_key *key, const char *text,
                 const char *folder, bool unseen, void *base, struct buf *why)
{
    void *member = (char *)base + key->offset;

    if (*text == 0) {
        return may_be_empty(key) ? 0 : say_empty(key, why);
    }
    switch (key->type) {
    case SCHEMA_BOOL: return store_bool(key, text, member, why);
    case SCHEMA_COUNT:
    case SCHEMA_WORKERS:
    case SCHEMA_SIZE:
    case SCHEMA_TIME: return store_number(key, text, member, why);
    case SCHEMA_WORD: return store_word(key, text, member, why);
    case SCHEMA_PATH:
    case SCHEMA_FILE:
    case SCHEMA_FOLDER:
    case SCHEMA_RUN_DIR:
    case SCHEMA_LOG_FILE:
        return store_path(key, text, folder, unseen, member, why);
    case SCHEMA_TEXT: return store_text(strdup(text), member, why);
    case SCHEMA_PAGE: return store_url(text, false, member, why);
    case SCHEMA_USER:
        return unseen ? store_text(strdup(text), member, why)
                      : store_user(text, member, why);
    case SCHEMA_GROUP:
        return unseen ? store_text(strdup(text), member, why)
                      : store_group(text, member, why);
    case SCHEMA_ROUTE: return store_url(text, true, member, why);
    case SCHEMA_PLUGIN: return store_plugin(text, member, why);
    case SCHEMA_LISTEN:
        return unseen ? 0 : endpoints_parse_listen(base, text, folder, why);
    case SCHEMA_PROXIES: return endpoints_parse_proxies(base, text, why);
    case SCHEMA_ORIGINS: return origins_parse(base, text, why);
    case SCHEMA_NAMES: return hosts_parse(base, text, why);
    case SCHEMA_NAME: return store_name(text, member, why);
    case SCHEMA_REDIS: return redis_url_parse(member, text, why);
    }
    return -1;
}

int value_store(const struct schema_key *key, const char *text,
                const char *folder, void *base, struct buf *why)
{
    return store(key, text, folder, false, base, why);
}

int value_store_unseen(const struct schema_key *key, const char *text,
                       const char *folder, void *base, struct buf *why)
{
    return store(key, text, folder, true, base, why);
}

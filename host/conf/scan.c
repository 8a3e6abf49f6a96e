/* scan.c - a look at an INI file's lines, for what iniparser hides */
#include "conf/scan.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"

/* iniparser's buffer is 1024 bytes, with the end of the line and a 0. Lines
 * that are continued with a backslash share it. */
#define LINE_MAX_BYTES 1022

/* Longer ones would not be found: iniparser cuts what it looks up at 1024. */
#define NAME_MAX_BYTES 200

#define MAX_ENTRIES 10000

struct scan {
    struct ini *ini;
    const char *file;
    struct problems *problems;
    struct buf *clean;
    size_t section;  /* index of the one the line is in */
    bool in_section; /* false: before the first, or its name is unusable */
    bool skip;       /* the latter: nothing is said about its keys */
    size_t entries;
    bool failed; /* out of memory */

    /* The line, with those that continue it joined as iniparser does */
    char line[LINE_MAX_BYTES + 1];
    size_t len;
    size_t last; /* where the last of them starts */
    int first;   /* the number of the first, counted from 1 */
    int count;   /* how many there are; 0: between lines */
    bool unusable;
};

static struct ini_section *section_of(struct scan *scan)
{
    return scan->in_section ? &scan->ini->sections[scan->section] : NULL;
}

static const char *section_name(struct scan *scan)
{
    return scan->in_section ? section_of(scan)->name : NULL;
}

__attribute__((format(printf, 3, 4))) static void
report(struct scan *scan, int line, const char *format, ...)
{
    struct buf text = { 0 };
    va_list args;

    va_start(args, format);
    buf_vaddf(&text, format, args);
    va_end(args);
    problems_add(scan->problems, scan->file, line, section_name(scan), NULL,
                 "%s", text.failed ? "out of memory" : text.data);
    buf_free(&text);
}

/* Cuts the white space off both ends, in place. */
static char *strip(char *text)
{
    size_t len;

    while (isspace((unsigned char)*text)) {
        text++;
    }
    len = strlen(text);
    while (len > 0 && isspace((unsigned char)text[len - 1])) {
        text[--len] = 0;
    }
    return text;
}

/* iniparser folds names to lower case. Two names that differ in nothing else
 * would silently be one, so there is one way to write them. */
static bool fold(char *name)
{
    bool folded = false;

    for (; *name != 0; name++) {
        char low = (char)tolower((unsigned char)*name);

        folded = folded || low != *name;
        *name = low;
    }
    return folded;
}

/* What iniparser gets for the line: text, or nothing. */
static void pass_on(struct scan *scan, const char *text)
{
    buf_adds(scan->clean, text);
    for (int i = 0; i < scan->count; i++) {
        buf_add(scan->clean, "\n", 1);
    }
}

static void tear(struct scan *scan)
{
    if (scan->in_section) {
        section_of(scan)->torn = true;
    }
    pass_on(scan, "");
}

/* ---- section headers --------------------------------------------------- */

static bool usable_section_name(struct scan *scan, const char *name)
{
    if (*name == 0) {
        report(scan, scan->first, "a section without a name");
    } else if (strlen(name) > NAME_MAX_BYTES) {
        report(scan, scan->first,
               "the name of a section has %zu bytes, the limit is %d",
               strlen(name), NAME_MAX_BYTES);
    } else if (strchr(name, ':') != NULL) {
        report(scan, scan->first,
               "[%s]: a name cannot hold a \":\"; a URL path is a value: "
               "path = /x",
               name);
    } else {
        return true;
    }
    return false;
}

static void enter_section(struct scan *scan, const char *name)
{
    const struct ini_section *known = ini_find_section(scan->ini, name);

    scan->in_section = true;
    scan->skip = false;
    if (known != NULL) {
        scan->section = (size_t)(known - scan->ini->sections);
        report(scan, scan->first, "duplicate section, first on line %d",
               known->line);
        return;
    }
    if (ini_add_section(scan->ini, name, scan->first) == NULL) {
        scan->failed = true;
        scan->in_section = false;
        return;
    }
    scan->section = scan->ini->count - 1;
    scan->entries++;
}

/* text starts with "[" and is stripped. */
static void scan_header(struct scan *scan, char *text)
{
    char *end = strchr(text, ']');
    bool behind = end != NULL && end[1] != 0;
    struct buf header = { 0 };
    bool folded;
    char *name;

    if (end != NULL) {
        *end = 0;
    } else {
        text[strcspn(text, ";#")] = 0;
    }
    name = strip(text + 1);
    scan->in_section = false;
    if (!usable_section_name(scan, name)) {
        scan->skip = true;
        pass_on(scan, "");
        return;
    }
    folded = fold(name);
    enter_section(scan, name);
    if (folded) {
        report(scan, scan->first, "names are lower case, write [%s]", name);
    }
    if (end == NULL) {
        report(scan, scan->first, "\"]\" is missing");
    } else if (behind) {
        report(scan, scan->first,
               "text behind \"]\"; a comment needs a line of its own here");
    }
    buf_addf(&header, "[%s]", name);
    pass_on(scan, header.failed ? "" : header.data);
    buf_free(&header);
}

/* ---- values ------------------------------------------------------------ */

/* Adds to why what is wrong with a value that starts with a quote. */
static void check_quoted(char *value, struct buf *why)
{
    char *close = strchr(value + 1, *value);
    char *behind;

    if (close == NULL) {
        buf_addf(why, "the quote %c is not closed on this line", *value);
        return;
    }
    behind = strip(close + 1);
    if (*behind != 0 && *behind != ';' && *behind != '#') {
        buf_addf(why,
                 "text behind the closing quote: %s; quote the value as a "
                 "whole, with the other kind of quote if it holds one",
                 behind);
    }
}

/*
 * iniparser cuts an unquoted value at the first ; or #, wherever it stands. A
 * ; is taken for a comment if white space is in front of it. A # is only if
 * there is white space on both sides: " #general" and " #1" are values.
 */
static bool is_comment(const char *value, size_t at)
{
    bool before = at == 0 || isspace((unsigned char)value[at - 1]);
    char next = value[at + 1];

    return before && (value[at] == ';' || next == 0 || next == '#' ||
                      isspace((unsigned char)next));
}

static size_t count_quotes(const char *text, size_t len)
{
    size_t count = 0;

    for (size_t i = 0; i < len; i++) {
        count += text[i] == '"';
    }
    return count;
}

/* Adds to why what is wrong with a value that starts without a quote. last:
 * from where in value on the last of the joined lines starts. */
static void check_unquoted(const char *value, size_t last, struct buf *why)
{
    size_t cut = strcspn(value, ";#");
    const char *quote = strchr(value, '"') == NULL ? "\"" : "'";
    size_t left = cut;

    if (value[cut] == 0) {
        return;
    }
    while (left > 0 && isspace((unsigned char)value[left - 1])) {
        left--;
    }
    if (cut < last) {
        buf_addf(why,
                 "the comment behind \"%.*s\" hides the line that continues "
                 "it; put the comment on a line of its own",
                 (int)left, value);
    } else if (!is_comment(value, cut) || count_quotes(value, cut) % 2 != 0) {
        buf_addf(why,
                 "the %c cuts the value to \"%.*s\"; write %s%s%s with "
                 "quotes, or a blank on both sides of the %c if a comment "
                 "starts there",
                 value[cut], (int)left, value, quote, value, quote, value[cut]);
    }
}

/* ---- keys -------------------------------------------------------------- */

static bool usable_key_name(struct scan *scan, const char *name)
{
    if (*name == 0) {
        report(scan, scan->first, "there is no key in front of the \"=\"");
    } else if (strlen(name) > NAME_MAX_BYTES) {
        report(scan, scan->first,
               "the name of a key has %zu bytes, the limit is %d", strlen(name),
               NAME_MAX_BYTES);
    } else if (strchr(name, ':') != NULL) {
        report(scan, scan->first, "%s: the name of a key cannot hold a \":\"",
               name);
    } else if (!scan->in_section) {
        report(scan, scan->first, "%s: a key before the first [section]", name);
    } else {
        return true;
    }
    return false;
}

static void add_key(struct scan *scan, const char *name, const char *line,
                    const struct buf *why)
{
    struct ini_section *section = section_of(scan);
    const struct ini_key *known = ini_find_key(section, name);
    struct ini_key *key;

    if (why->len > 0) {
        problems_add(scan->problems, scan->file, scan->first, section->name,
                     name, "%s", why->data);
    }
    if (known != NULL) {
        problems_add(scan->problems, scan->file, scan->first, section->name,
                     name, "duplicate key, first on line %d", known->line);
        pass_on(scan, "");
        return;
    }
    key = ini_add_key(section, name, scan->first);
    if (key == NULL) {
        scan->failed = true;
        return;
    }
    scan->entries++;
    key->bad = why->len > 0;
    pass_on(scan, key->bad ? "" : line);
}

/* text is stripped and neither empty nor a comment nor a header. */
static void scan_key(struct scan *scan, char *text)
{
    struct buf line = { 0 };
    struct buf why = { 0 };
    char *value = strchr(text, '=');
    size_t last;
    char *name;

    if (scan->skip) {
        pass_on(scan, "");
        return;
    }
    if (value == NULL) {
        report(scan, scan->first, "no \"=\" in \"%s\", a line is key = value",
               text);
        tear(scan);
        return;
    }
    buf_adds(&line, text);
    *value++ = 0;
    name = strip(text);
    if (!usable_key_name(scan, name)) {
        tear(scan);
        buf_free(&line);
        return;
    }
    if (fold(name)) {
        report(scan, scan->first, "names are lower case, write %s", name);
    }
    value = strip(value);
    last = scan->line + scan->last > value
               ? (size_t)(scan->line + scan->last - value)
               : 0;
    if (*value == '"' || *value == '\'') {
        check_quoted(value, &why);
    } else {
        check_unquoted(value, last, &why);
    }
    if (line.failed || why.failed) {
        scan->failed = true;
    } else {
        add_key(scan, name, line.data, &why);
    }
    buf_free(&line);
    buf_free(&why);
}

/* ---- lines ------------------------------------------------------------- */

/* The whole of a line is in scan->line. */
static void end_line(struct scan *scan)
{
    char *text = strip(scan->line);

    if (scan->unusable) {
        tear(scan);
    } else if (*text == 0 || *text == ';' || *text == '#') {
        pass_on(scan, "");
    } else if (*text == '[') {
        scan_header(scan, text);
    } else {
        scan_key(scan, text);
    }
    scan->len = 0;
    scan->count = 0;
    scan->unusable = false;
}

/* Reports what no line may hold. len: without the end of the line. */
static bool check_bytes(struct scan *scan, int number, const char *line,
                        size_t len)
{
    if (memchr(line, 0, len) != NULL) {
        report(scan, number, "a NUL byte: is this a text file?");
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)line[i];

        if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
            report(scan, number, "a control character, 0x%02x, at byte %zu",
                   byte, i + 1);
            return false;
        }
    }
    if (!utf8_valid(line, len)) {
        report(scan, number, "not UTF-8: save the file in this encoding");
        return false;
    }
    return true;
}

static bool starts_comment(const char *line, size_t len)
{
    size_t at = 0;

    while (at < len && isspace((unsigned char)line[at])) {
        at++;
    }
    return at < len && (line[at] == ';' || line[at] == '#');
}

/* One line of the file, without its \n. */
static void add_line(struct scan *scan, int number, const char *line,
                     size_t len, bool at_end)
{
    size_t whole = len;
    bool comment = scan->count == 0 && starts_comment(line, len);
    bool continued;

    while (len > 0 && isspace((unsigned char)line[len - 1])) {
        len--;
    }
    continued = len > 0 && line[len - 1] == '\\';
    if (scan->count == 0) {
        scan->first = number;
    }
    scan->count++;
    if (scan->len + whole > LINE_MAX_BYTES) {
        report(scan, number,
               "%zu bytes are too long for a line, the limit is %d%s",
               scan->len + whole, LINE_MAX_BYTES,
               scan->count > 1 ? ", for all that are continued together" : "");
        scan->unusable = true;
    } else if (!comment || memchr(line, 0, len) != NULL) {
        scan->unusable =
            !check_bytes(scan, number, line, len) || scan->unusable;
    }
    if (continued && comment) {
        report(scan, number,
               "the comment ends in \"\\\" and would hide the next line");
        continued = false;
    }
    if (continued && at_end) {
        report(scan, number, "the last line ends in \"\\\" and would be lost");
        continued = false;
        scan->unusable = true;
    }
    if (!scan->unusable) {
        scan->last = scan->len;
        len -= continued || (len > 0 && line[len - 1] == '\\');
        memcpy(scan->line + scan->len, line, len);
        scan->len += len;
    }
    scan->line[scan->len] = 0;
    if (!continued) {
        end_line(scan);
    }
}

static size_t skip_mark(struct scan *scan, const struct buf *text)
{
    if (text->len >= 3 && memcmp(text->data, "\xef\xbb\xbf", 3) == 0) {
        report(scan, 1,
               "the file starts with a byte order mark; save it as UTF-8 "
               "without one");
        return 3;
    }
    if (text->len >= 2 && (memcmp(text->data, "\xff\xfe", 2) == 0 ||
                           memcmp(text->data, "\xfe\xff", 2) == 0)) {
        report(scan, 1, "the file is UTF-16; save it as UTF-8");
        return text->len;
    }
    return 0;
}

int scan_run(struct ini *ini, const char *file, const struct buf *text,
             struct buf *clean, struct problems *problems)
{
    struct scan scan = {
        .ini = ini, .file = file, .problems = problems, .clean = clean
    };
    size_t at = skip_mark(&scan, text);

    for (int number = 1; at < text->len && !scan.failed; number++) {
        const char *line = text->data + at;
        const char *end = memchr(line, '\n', text->len - at);
        size_t len = end == NULL ? text->len - at : (size_t)(end - line);

        at += len + (end != NULL);
        add_line(&scan, number, line, len, at == text->len);
        if (scan.entries > MAX_ENTRIES) {
            report(&scan, number, "more than %d keys", MAX_ENTRIES);
            break;
        }
    }
    return scan.failed || clean->failed ? -1 : 0;
}

/* table.c - text in aligned columns, for people */
#include "cli/table.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/printable.h"

static void add(struct table *table, char *cell)
{
    if (cell == NULL) {
        return; /* out of memory: the columns shift, which is all */
    }
    if (table->count == table->cap) {
        size_t cap = table->cap == 0 ? 64 : table->cap * 2;
        char **cells = reallocarray(table->cells, cap, sizeof *cells);

        if (cells == NULL) {
            free(cell);
            return;
        }
        table->cells = cells;
        table->cap = cap;
    }
    table->cells[table->count++] = cell;
}

void table_text(struct table *table, const char *text)
{
    struct buf cell = { 0 };

    printable_add(&cell, text != NULL ? text : "",
                  text != NULL ? strlen(text) : 0, "");
    buf_add(&cell, "", 1);
    if (cell.failed) {
        buf_free(&cell);
    }
    add(table, cell.data);
}

void table_number(struct table *table, int64_t value)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRId64, value);
    add(table, strdup(text));
}

char *table_format_duration(int64_t ms, char *out, size_t size)
{
    int64_t s = ms / 1000;

    if (ms < 0) {
        snprintf(out, size, "%s", "");
    } else if (ms < 1000) {
        snprintf(out, size, "%" PRId64 "ms", ms);
    } else if (s < 60) {
        snprintf(out, size, "%" PRId64 "s", s);
    } else if (s < 3600) {
        snprintf(out, size, "%" PRId64 "m %" PRId64 "s", s / 60, s % 60);
    } else if (s < 86400) {
        snprintf(out, size, "%" PRId64 "h %" PRId64 "m", s / 3600, s / 60 % 60);
    } else {
        snprintf(out, size, "%" PRId64 "d %" PRId64 "h", s / 86400,
                 s / 3600 % 24);
    }
    return out;
}

void table_duration(struct table *table, int64_t ms)
{
    char text[48];

    table_text(table, table_format_duration(ms, text, sizeof text));
}

void table_put_safe(const char *text, FILE *out)
{
    printable_put(out, text, strlen(text), "");
}

/* Characters, not bytes. */
static size_t width_of(const char *text)
{
    size_t width = 0;

    for (; *text != 0; text++) {
        width += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return width;
}

static bool is_number(const char *text)
{
    return *text != 0 && strspn(text, "0123456789") == strlen(text);
}

static void put_cell(const char *text, size_t width, bool right, bool last,
                     FILE *out)
{
    int blanks = (int)(width - width_of(text));

    if (right) {
        fprintf(out, "%*s%s", blanks, "", text);
    } else {
        fprintf(out, "%s%*s", text, last ? 0 : blanks, "");
    }
    fputs(last ? "\n" : "  ", out);
}

void table_print(struct table *table, FILE *out)
{
    size_t widths[TABLE_COLUMNS] = { 0 };
    bool right[TABLE_COLUMNS] = { false };
    size_t columns = 0;

    while (columns < TABLE_COLUMNS && table->heads[columns] != NULL) {
        widths[columns] = width_of(table->heads[columns]);
        right[columns] = table->count > 0;
        columns++;
    }
    for (size_t i = 0; i < table->count; i++) {
        size_t width = width_of(table->cells[i]);

        if (width > widths[i % columns]) {
            widths[i % columns] = width;
        }
        if (!is_number(table->cells[i])) {
            right[i % columns] = false;
        }
    }
    for (size_t i = 0; i < columns; i++) {
        put_cell(table->heads[i], widths[i], right[i], i + 1 == columns, out);
    }
    for (size_t i = 0; i < table->count; i++) {
        put_cell(table->cells[i], widths[i % columns], right[i % columns],
                 (i + 1) % columns == 0, out);
        free(table->cells[i]);
    }
    free(table->cells);
    table->cells = NULL;
    table->count = table->cap = 0;
}

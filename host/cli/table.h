/* table.h - text in aligned columns, for people */
#ifndef PATCHBAY_CLI_TABLE_H
#define PATCHBAY_CLI_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TABLE_COLUMNS 16

struct table {
    const char *heads[TABLE_COLUMNS]; /* the first NULL ends them */
    char **cells;                     /* row by row; the rest is its own */
    size_t count;
    size_t cap;
};

/* Each adds the next cell. Control characters become question marks: some of
 * the text comes from clients. */
void table_text(struct table *table, const char *text);
void table_number(struct table *table, int64_t value);
/* 850ms, 12s, 5m 10s, 3h 12m, 2d 4h; blank if negative. */
void table_duration(struct table *table, int64_t ms);

/* Prints it and frees the cells. Numbers are aligned to the right. */
void table_print(struct table *table, FILE *out);

/* As table_duration, into out; returns it. */
char *table_format_duration(int64_t ms, char *out, size_t size);

/* Prints text as table_text does. */
void table_put_safe(const char *text, FILE *out);

#endif

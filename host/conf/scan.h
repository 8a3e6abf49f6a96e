/* scan.h - a look at an INI file's lines, for what iniparser hides */
#ifndef PATCHBAY_CONF_SCAN_H
#define PATCHBAY_CONF_SCAN_H

#include "base/buf.h"
#include "base/problems.h"
#include "conf/ini.h"

/*
 * Fills ini with the sections and keys of text, each with its line but without
 * a value, reports what is wrong, and adds to clean a text with the same lines
 * in which nothing is wrong, for iniparser. 0, or -1: out of memory.
 */
int scan_run(struct ini *ini, const char *file, const struct buf *text,
             struct buf *clean, struct problems *problems);

#endif

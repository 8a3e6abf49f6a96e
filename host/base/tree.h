/* tree.h - a folder with all that is in it */
#ifndef PATCHBAY_BASE_TREE_H
#define PATCHBAY_BASE_TREE_H

/* Removes it, and no more than links of what it links to. What is not there, or
 * cannot be removed, stays unsaid. */
void tree_remove(const char *path);

#endif

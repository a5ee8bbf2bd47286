/*
 * exec_check.h - can a library be loaded into a program? For `tapio exec`, and for its shim, which
 * asks before each program that its own starts.
 */
#ifndef TAPIO_TOOLS_EXEC_CHECK_H
#define TAPIO_TOOLS_EXEC_CHECK_H

#include <stdbool.h>
#include <stddef.h>

enum { EXEC_PATH = 4096 };

/* Where the shell would find `file`: itself with a slash in it, else the first of $PATH. False when
 * there is none. */
bool exec_find(const char *file, char out[EXEC_PATH]);

/* NULL when the program at `path` can be run on a stack of ours, or cannot be run at all (which
 * exec() says better); else why not, in a phrase. A script is asked for its interpreter. */
const char *exec_refuses(const char *path);

#endif

/*
 * lab_verb.h - what the files of `tapio lab` share.
 */
#ifndef TAPIO_TOOLS_LAB_VERB_H
#define TAPIO_TOOLS_LAB_VERB_H

#include "sim/lab.h"

/* The list of labs, and what happened in one, as JSON: an object a line (docs/labs.md). */
void lab_json_list(int language);
void lab_json_items(const struct lab *lab, int language);
void lab_json_end(const struct lab *lab, const char *captured, const char *problem);

#endif

/*
 * drill_files.h - the scripts that `tapio drill` is asked for, and the files that they name.
 */
#ifndef TAPIO_TOOLS_DRILL_FILES_H
#define TAPIO_TOOLS_DRILL_FILES_H

#include "sim/drill.h"
#include "talk.h"

/* Paths of scripts, in the order in which they run. */
struct script_list {
    char **paths;
    size_t count, room;
};

/* Adds a file, or every *.pkt below a directory in the order of their names. 0, or the exit status
 * with the reason. */
int script_list_add(struct script_list *list, const char *path, struct refusal *refusal);
void script_list_free(struct script_list *list);

/* A whole file, at most DRILL_SCRIPT_MAX octets; free() out->at. 0 or a negative errno. `or_pipe`:
 * what can be read to its end is a file too, and may make us wait. */
int read_whole_file(const char *path, bool or_pipe, struct bytes *out);

/* The files that shell lines name, relative to the folder of the script. */
struct script_files {
    struct drill_files files; /* hand out &f.files */
    const char *script;
    struct bytes last; /* what was read last */
};
void script_files_init(struct script_files *files, const char *script);
void script_files_fini(struct script_files *files);

#endif

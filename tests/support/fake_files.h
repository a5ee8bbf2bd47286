/*
 * fake_files.h - files_ops over a table in memory, for tests of the web server.
 *
 * The content of a file is a pattern of its offset (fake_file_octet), so files of any size cost
 * nothing; a folder lists the names of the table that lie directly in it, and any number of made-up
 * ones. Opening asserts what every caller promises: a relative name without "..". Faults are fields
 * of the table.
 */
#ifndef TAPIO_TESTS_FAKE_FILES_H
#define TAPIO_TESTS_FAKE_FILES_H

#include "base/files.h"

enum {
    FAKE_FILES = 32,
    FAKE_FOLDERS = 64, /* that can be open at a time; -EMFILE beyond */
    FAKE_STEP = 4,     /* names that one list() tells */
};

struct fake_file {
    const char *name;
    enum file_kind kind;
    uint64_t size; /* as open() tells */
    int64_t mtime_ns;
    uint64_t serial; /* as who remembers files tells */
    int open_error;  /* negative errno */
    bool cut;        /* read() finds only `cut_size` octets */
    uint64_t cut_size;
    int read_error; /* from offset `read_error_at` on */
    uint64_t read_error_at;
    bool hollow; /* read() does not touch the buffer: for gigabytes */

    /* Of folders. */
    const char *crowd;    /* list() tells of more files: this, and a number of 7 digits, */
    uint32_t crowd_count; /* that many */
    int list_error;       /* behind `list_error_at` names */
    uint32_t list_error_at;
};

/* A folder that is open. */
struct fake_folder {
    const struct fake_file *file; /* NULL: free */
    uint32_t place;               /* in the table of files, then in the crowd */
    uint32_t told;
};

struct fake_files {
    struct fake_file file[FAKE_FILES];
    struct fake_folder folder[FAKE_FOLDERS];
    int open;        /* handles that are out */
    uint64_t opened; /* calls */
    uint64_t read;   /* calls */
    uint64_t listed; /* calls */
    uint64_t octets; /* that were read */
};

struct files_ops fake_files_ops(struct fake_files *files);
struct fake_file *fake_file(struct fake_files *files, const char *name);
uint8_t fake_file_octet(uint64_t offset);

#endif

/*
 * http_known.h - what has been worked out about files that are asked for again and again.
 *
 * What is said of a file (its type, its entity tag, its date, and so nearly all of the head of a
 * response) follows from the file and its name. Who remembers files gives each a serial number
 * (struct file_info); what was worked out for a number holds for as long as it is told. There is
 * one place for many numbers, and the last one has it.
 */
#ifndef TAPIO_HTTP_KNOWN_H
#define TAPIO_HTTP_KNOWN_H

#include "base/files.h"
#include "http/http_conditions.h"

enum {
    HTTP_KNOWN_FILES = 512, /* places; a power of two */
    HTTP_KNOWN_HEAD = 384,  /* octets of a head that is kept; a longer one is made each time */
};

/* What is said of a file. */
struct http_about {
    const char *type;
    bool compressible; /* so there may be siblings of it in other codings */
    struct http_validators is;
};

struct http_known {
    uint64_t serial; /* of the file; 0: nobody has the place */
    struct http_about about;
    uint16_t head_len;             /* 0: there is none yet */
    uint8_t head[HTTP_KNOWN_HEAD]; /* of the whole file's response, with a Date that is over */
};

/* The place for that file; NULL for one without a serial number. */
static inline struct http_known *http_known_place(struct http_known *known, uint64_t serial)
{
    return serial ? &known[serial % HTTP_KNOWN_FILES] : NULL;
}

#endif

/*
 * http_mime.h - the media type of a file, by its name.
 *
 * There is a table for the names that most sites have; whoever wants others gives a file of them,
 * in the format that web servers share (http_mime_read()).
 */
#ifndef TAPIO_HTTP_MIME_H
#define TAPIO_HTTP_MIME_H

#include "base/memory.h"
#include "base/text.h"

enum {
    HTTP_MIME_TYPE_MAX = 127,        /* octets of any type, its charset included */
    HTTP_MIME_TEXT_MAX = 256 * 1024, /* octets of a file of types */
    HTTP_MIME_EXTENSIONS_MAX = 4096, /* in one */
    HTTP_MIME_WHY = 256,             /* room for what is wrong with one */
};

/* What Content-Type says of a file with that name; static storage, never NULL. */
const char *http_mime_type(const char *name, size_t len);

/* Whether octets of that type usually get fewer by a content coding: text in the widest sense. */
bool http_mime_is_compressible(const char *type);

/* What is behind the last dot of the last segment; empty without one. */
struct bytes http_mime_extension(const char *name, size_t len);

/* --- a file of types ---------------------------------------------------------------------- */

struct http_mime_types;

/* Reads the text of a file: on each line a type and the extensions that it goes by, "#" and what
 * follows is a comment; or the same in "types { }", where ";" ends each type. The last line that
 * names an extension wins. `*types` is a copy of what is needed. -EINVAL: `why` names the line;
 * -EFBIG: more than the caps allow; -ENOMEM. `why` is filled in for each. */
NODISCARD int http_mime_read(struct memory *memory, struct bytes text,
                             struct http_mime_types **types, struct text *why);
void http_mime_free(struct memory *memory, struct http_mime_types *types);

/* As http_mime_type(), but `types`, unless it is NULL, is looked at first. Lives as long as it. */
const char *http_mime_find(const struct http_mime_types *types, const char *name, size_t len);

#endif

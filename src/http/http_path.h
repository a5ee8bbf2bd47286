/*
 * http_path.h - from the path of a target to the name of a file below the root, and back.
 */
#ifndef TAPIO_HTTP_PATH_H
#define TAPIO_HTTP_PATH_H

#include "base/bytes.h"

/* PATH_MAX and NAME_MAX of Linux: what is longer opens nothing. */
enum { HTTP_PATH_ROOM = 4096, HTTP_NAME_MAX = 255 };

/* A name for files_ops: relative, NUL-terminated, "." for the root itself. */
struct http_path {
    size_t len;     /* without the NUL */
    bool directory; /* the target ended in a slash, or was the root */
    char text[HTTP_PATH_ROOM];
};

/* Decodes the path of a target. 0; 400 when it is malformed or tries to climb; 404 when it is fine
 * but can name no file. */
NODISCARD int http_path_decode(struct bytes path, struct http_path *out);

/* Writes a name as the path of a URI: what is not plain is escaped. Slashes stay. */
void http_path_encode(struct writer *w, const char *name, size_t len);

/* How many octets http_path_encode() would write. */
size_t http_path_encoded_len(const char *name, size_t len);

#endif

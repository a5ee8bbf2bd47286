/*
 * serve_mime.h - `tapio serve --mime-types FILE`: a file of media types, read.
 */
#ifndef TAPIO_TOOLS_SERVE_MIME_H
#define TAPIO_TOOLS_SERVE_MIME_H

#include "base/memory.h"
#include "http/http_mime.h"
#include "options.h"

/* Reads `path`. 0 and the types, which http_mime_free() gives back; or the status to exit with and
 * the reason. */
TAPIO_NODISCARD int serve_mime_read(struct memory *memory, const char *path,
                                    struct http_mime_types **types, struct refusal *refusal);

#endif

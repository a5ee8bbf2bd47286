/*
 * http_mime.h - the media type of a file, by its name.
 */
#ifndef TAPIO_HTTP_MIME_H
#define TAPIO_HTTP_MIME_H

#include "base/base.h"

/* What Content-Type says of a file with that name; static storage, never NULL. */
const char *http_mime_type(const char *name, size_t len);

#endif

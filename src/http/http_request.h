/*
 * http_request.h - what the parts of a request mean together.
 */
#ifndef TAPIO_HTTP_REQUEST_H
#define TAPIO_HTTP_REQUEST_H

#include "http/http_parse.h"

/* The method with that name; case matters (RFC 9110, 9.1). */
enum http_method http_method_of(struct bytes name);

/* Judges the target, the fields and the framing of a request whose slices are known, and fills in
 * the rest of `request`. 0, or the status that refuses the request and ends the connection. */
NODISCARD int http_request_judge(struct http_request *request, struct bytes head);

/* The next field called `name` (in lower case), from the `*at`th on: its value, and `*at` is behind
 * it. False when there is none left. */
bool http_request_next(const struct http_request *request, struct bytes head, const char *name,
                       size_t *at, struct bytes *value);

/* How many fields are called `name` (in lower case); `value` is the last one's, or empty. */
size_t http_request_find(const struct http_request *request, struct bytes head, const char *name,
                         struct bytes *value);

#endif

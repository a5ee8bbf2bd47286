/*
 * os_request.h - a line from a control socket's client, as the members of an object.
 */
#ifndef TAPIO_OS_OS_REQUEST_H
#define TAPIO_OS_OS_REQUEST_H

#include "see/control.h"

/* Reads one JSON object, of strings, whole numbers and truth values, nothing nested. False when the
 * line is anything else; then `why` is one phrase about what is wrong. The line has at most
 * CONTROL_REQUEST octets. */
bool os_request_read(struct bytes line, struct control_request *out, struct text *why);

#endif

/*
 * http_client_inner.h - what the two files of the client share, and nobody else.
 */
#ifndef TAPIO_HTTP_CLIENT_INNER_H
#define TAPIO_HTTP_CLIENT_INNER_H

#include "http/http_client.h"

struct http_client_event http_client_event_of(const struct http_client *c,
                                              enum http_client_event_type type);
void http_client_tell(struct http_client *c, enum http_client_event_type type, instant now);

/* Closes the connection, if there is one. */
void http_client_let_go(struct http_client *c, instant now);

/* Ends the fetch. Another one may have begun when they return. */
void http_client_finish(struct http_client *c, enum http_client_outcome outcome, instant now);
void http_client_finish_error(struct http_client *c, enum http_client_outcome outcome, int error,
                              instant now);
void http_client_finish_why(struct http_client *c, enum http_client_outcome outcome,
                            const char *why, instant now);

/* From `c->url` to its server. */
void http_client_begin_url(struct http_client *c, instant now);

/* Reads behind what waits. False when there is nothing more to be done now: nothing has come yet,
 * or the stream has ended. */
bool http_client_read_more(struct http_client *c, instant now);

/* Steps of the two states; false when there is nothing more to be done now. */
bool http_client_read_head(struct http_client *c, instant now);
bool http_client_read_content(struct http_client *c, instant now);

#endif

/*
 * top_feed.h - a connection to a control socket that is read without waiting for it, so that keys
 * are heard while a stack says nothing.
 */
#ifndef TAPIO_TOOLS_TOP_FEED_H
#define TAPIO_TOOLS_TOP_FEED_H

#include "control_client.h"

enum { TOP_FEED_ROOM = 262144 }; /* octets that are read at once: several lines */

struct top_feed {
    struct control_client client; /* its descriptor, -1: closed; its path */
    bool ended;                   /* the stack has hung up */
    size_t len, taken;            /* octets in `buffer`, and of them those that were lines */
    json_t *object;               /* the last line, */
    const char *line;             /* and the same as it came, with its end; */
    size_t line_len;
    char buffer[TOP_FEED_ROOM];
};

/* As control_client_open(). */
int top_feed_open(struct top_feed *feed, const char *path, struct refusal *refusal);
void top_feed_close(struct top_feed *feed);
/* Sends a request, of which it takes the reference. False: the stack is gone. */
bool top_feed_ask(struct top_feed *feed, json_t *request);
/* Takes what has come. */
void top_feed_read(struct top_feed *feed);
/* The next whole line into `object`, which stays until the next call: 1. 0: none. -1: what came is
 * no line of JSON. */
int top_feed_next(struct top_feed *feed);

#endif

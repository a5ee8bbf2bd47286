/*
 * live_inside.h - what the files of the live page share and nobody else.
 */
#ifndef TAPIO_SEE_PAGE_LIVE_INSIDE_H
#define TAPIO_SEE_PAGE_LIVE_INSIDE_H

#include "see/fields.h"
#include "see/live.h"
#include "see/page/live_page.h"

enum {
    LIVE_FRAME = 16,     /* octets around a line that make it an event */
    LIVE_REPLY = 131072, /* octets of a packet with all that is said of it */
};

/* Somebody who watches. */
struct live_observer {
    struct http_source source;
    struct live_page *page;
    bool taken;
    struct live_reader reader;
    size_t given, len;
    char text[LIVE_LINE + LIVE_FRAME];
};

/* An answer that is made whole before it is sent. */
struct live_reply {
    struct http_source source;
    bool taken;
    size_t given, len;
    char text[LIVE_REPLY];
};

/* What answers with a file of the page. */
struct live_page_file {
    struct live_page *page;
    const struct live_file *file;
};

struct live_page {
    struct live_page_config config;
    struct live *live;
    bool poked; /* readers have been woken: they want another turn at once */
    struct live_observer observer[LIVE_PAGE_READERS];
    struct live_reply reply[LIVE_PAGE_REPLIES];
    struct dissection dissection;
    struct live_page_file file[LIVE_FILES];
};

/* --- live_events.c */
int live_events_answer(void *context, const struct http_call *call, struct http_made *made);
void live_events_wake(struct live_page *page);

/* --- live_reply.c */
int live_packet_answer(void *context, const struct http_call *call, struct http_made *made);
int live_words_answer(void *context, const struct http_call *call, struct http_made *made);

/* --- live_guard.c: 0, or the status of a refusal */
/* Does the request name us by an address, so that it cannot have been tricked into naming us? */
int live_guard_host(const struct http_call *call);
/* The same, and does it come from a page of this very server? */
int live_guard_origin(const struct http_call *call);

#endif

/*
 * live_page.h - the page /.tapio/: a stack watched from a browser, over that very stack.
 *
 *     live_page_new(&config, now, &page)
 *     ... the server is made with live_page_handlers() ...
 *     ... live_page_advance() when live_page_deadline() says so
 *
 *     /.tapio/           the page (live.html), with live.css and live.js: made at build time
 *     /.tapio/events     what happens, as server-sent events: one line of see/live.h each; "?own"
 *                        with the packets of observers
 *     /.tapio/packet?N   the headers of packet N: fields, where they lie, what they mean
 *     /.tapio/words      what the keys of the events mean
 *     /.tapio/control    POST: changes the wire, with the words of --impair; only if it is allowed
 *
 * Everything but the page itself is refused to who asks by a name instead of an address: a
 * stranger's page could have made that name lead here (DNS rebinding). What changes something wants
 * an Origin as well, and it must be this server.
 */
#ifndef TAPIO_SEE_PAGE_LIVE_PAGE_H
#define TAPIO_SEE_PAGE_LIVE_PAGE_H

#include <tapio/tapio.h>

#include "base/control_ops.h"
#include "base/memory.h"
#include "http/http_handler.h"
#include "http/http_page.h"

enum {
    LIVE_PAGE_HANDLERS = 7,
    LIVE_PAGE_READERS = 32, /* at a time; 503 beyond */
    LIVE_PAGE_REPLIES = 4,  /* packets and words on their way; the same */
};

struct live_page_config {
    struct stack *stack;
    struct memory *memory;
    const char *device;            /* "tap0" */
    const struct control_ops *ops; /* the wire; NULL: there is none to be shown */
    bool may_change;               /* by who looks at the page */
};

struct live_page;

/* 0 or -ENOMEM. What `config` points at must outlive the page, and the page the server. */
NODISCARD int live_page_new(const struct live_page_config *config, instant now,
                            struct live_page **out);
/* The server is gone. */
void live_page_free(struct live_page *page);
void live_page_handlers(struct live_page *page, struct http_handler out[LIVE_PAGE_HANDLERS]);
uint64_t live_page_memory_cap(void);

instant live_page_deadline(const struct live_page *page);
void live_page_advance(struct live_page *page, instant now);

/* The files of the page, as they are and as gzip: made by scripts/embed-page. */
struct live_file {
    const char *path, *type;
    struct bytes plain, gzip;
};
enum { LIVE_FILES = 3 };
extern const struct live_file live_files[LIVE_FILES];

#endif

/*
 * serve.h - inside `tapio serve`: what its files share.
 */
#ifndef TAPIO_TOOLS_SERVE_H
#define TAPIO_TOOLS_SERVE_H

#include "apps/service.h"
#include "apps/service_udp.h"
#include "http/http_extra.h"
#include "http/http_server.h"
#include "os/os_changes.h"
#include "os/os_files.h"
#include "os/os_files_cache.h"
#include "rig.h"
#include "see/page/live_page.h"
#include "see/page/metrics.h"
#include "serve_log.h"
#include "serve_mime.h"

enum service_port { PORT_HTTP, PORT_ECHO, PORT_DISCARD, PORT_CHARGEN, PORT_COUNT };

enum { SERVE_BACKLOG = 1024 };

struct serve {
    struct options options;
    const char *root;          /* NULL: the built-in page */
    uint16_t port[PORT_COUNT]; /* 0: not wanted */
    struct serve_log log;
    struct http_extra extra; /* --header */
    const char *index;
    bool listing;
    uint32_t per_client;    /* connections; 0: as the server has it */
    int64_t busy_poll_ns;   /* as in struct os_loop */
    const char *mime_types; /* NULL: the built-in ones */

    struct rig rig;
    struct os_files files;
    struct files_ops files_ops;
    struct os_changes changes;
    struct os_files_cache cache;
    bool remembers;       /* small files: the two above are there */
    struct memory memory; /* for the types */
    struct http_mime_types *types;
    struct metrics metrics;
    bool no_live;
    struct control_ops wire;                              /* what the live page shows and changes */
    struct live_page *live;                               /* NULL: there is none */
    struct http_handler handlers[1 + LIVE_PAGE_HANDLERS]; /* of the metrics, and of the live page */
    struct http_server *http;
    struct service *services[PORT_COUNT];      /* NULL: not wanted */
    struct service_udp *datagrams[PORT_COUNT]; /* the same over UDP */
    struct os_machine http_machine;
    struct os_machine drain;
    bool stopping;
    instant stop_at; /* when stopping: until then peers may finish, */
    instant look_at; /* and the next look whether they have */
};

/* What takes the options of the web server; `context` is the struct serve. */
TAPIO_NODISCARD int serve_take_root(void *context, const char *text, struct refusal *refusal);
TAPIO_NODISCARD int serve_take_index(void *context, const char *text, struct refusal *refusal);
TAPIO_NODISCARD int serve_take_no_listing(void *context, const char *text, struct refusal *refusal);
TAPIO_NODISCARD int serve_take_mime_types(void *context, const char *text, struct refusal *refusal);
TAPIO_NODISCARD int serve_take_header(void *context, const char *text, struct refusal *refusal);
TAPIO_NODISCARD int serve_take_per_client(void *context, const char *text, struct refusal *refusal);

/* Opens the folder, and reads the types. 0, or the status to exit with and the reason. */
TAPIO_NODISCARD int serve_http_prepare(struct serve *serve, struct refusal *refusal);
/* The web server, on the rig. */
TAPIO_NODISCARD int serve_http_open(struct serve *serve, struct refusal *refusal);
/* Octets that its caps allow. */
uint64_t serve_http_memory_cap(const struct serve *serve);
/* Ends the web server, if it is there. */
void serve_http_close(struct serve *serve);
/* Gives back what was prepared. */
void serve_http_release(struct serve *serve);

#endif

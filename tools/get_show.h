/*
 * get_show.h - what `tapio get -v` tells on stderr: each step between the URL and the page, with
 * the packets that it took.
 */
#ifndef TAPIO_TOOLS_GET_SHOW_H
#define TAPIO_TOOLS_GET_SHOW_H

#include "http/http_client.h"
#include "os/os_sink.h"
#include "see/log.h"

struct get_show {
    int level;      /* 0: silent; 1: steps and packets, but not those of the content; 2: all */
    struct log log; /* the packets, as `--log` writes them */
    struct os_sink out;
    struct stack *stack;
    bool has_length;
    uint64_t length;   /* of the content */
    uint64_t received; /* of it */
    instant tell_at;   /* when its progress is told next */
    bool quiet;        /* packets are left out just now */
};

/* Listens to the stack from here on, until get_show_end(). */
void get_show_begin(struct get_show *show, int level, struct stack *stack, instant now);
void get_show_end(struct get_show *show);

/* "* ..." */
void get_show_say(const struct get_show *show, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void get_show_event(struct get_show *show, const struct http_client_event *event, instant now);
void get_show_content(struct get_show *show, size_t len, instant now);

#endif

/*
 * get_verb.h - `tapio get` at work: what its files share.
 */
#ifndef TAPIO_TOOLS_GET_VERB_H
#define TAPIO_TOOLS_GET_VERB_H

#include "get_show.h"
#include "get_sink.h"
#include "http/http_client.h"
#include "names.h"
#include "options.h"
#include "rig.h"

struct get_verb {
    struct options options;
    struct http_client_request request;
    struct http_client_config config;
    int verbose;
    bool resume; /* -C - */
    char **urls;
    int count, at;

    struct rig rig;
    struct http_client client;
    struct names names;
    struct get_show show;
    struct os_machine machine;
    struct get_sink sink; /* where content goes */
    bool waits;           /* for room in it */
    instant look_at;
    char reason[80]; /* of the last response, as it may be printed */
    bool had_all;    /* -C -: the file is whole already */
    bool closing;
    instant close_at;
    int status; /* what to exit with */
};

/* Says in one line what went wrong with the URL at hand; what to exit with. */
int get_explain(const struct get_verb *get, const struct http_client_event *event);
/* Says why where content goes has not taken it. */
void get_say_sink_refused(const struct get_verb *get, const char *url, int error);

#endif

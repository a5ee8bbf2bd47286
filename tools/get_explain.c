/*
 * get_explain.c - why `tapio get` has no page: one line that says what is wrong and what to do.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "get_verb.h"

static void say_no_connection(const struct get_verb *get, const char *url, struct endpoint to,
                              int error)
{
    const char *nobody = options_no_peer(&get->options, to.addr);
    char remote[ENDPOINT_TEXT];

    endpoint_format(to, remote);
    if (nobody) /* what a name has turned out to mean */
        say("get %s: %s: %s", url, remote, nobody);
    else if (error == -ECONNREFUSED)
        say("get %s: %s refused the connection: nobody listens there; is the port right?", url,
            remote);
    else if (error == -EHOSTUNREACH)
        say("get %s: %s cannot be reached: no station has this address; is it up, and on this "
            "link?",
            url, remote);
    else if (error == -ENETUNREACH)
        say("get %s: %s is beyond the link, and no route leads there; set --gateway", url, remote);
    else if (error == -ETIMEDOUT)
        say("get %s: no answer from %s; is it up, or does a firewall stand before it?", url,
            remote);
    else
        say("get %s: no connection to %s: %s", url, remote, strerror(-error));
}

void get_say_sink_refused(const struct get_verb *get, const char *url, int error)
{
    if (error == -EPIPE)
        say("get %s: the reader of standard output went away after %" PRIu64 " octets", url,
            get->sink.written);
    else if (error == -ENOSPC || error == -EDQUOT || error == -EFBIG)
        say("get %s: %s: %s after %" PRIu64 " octets; make room%s", url, get_sink_name(&get->sink),
            strerror(-error), get->sink.written, get->sink.path ? ", then go on with -C -" : "");
    else
        say("get %s: %s: %s; choose another file with -o", url, get_sink_name(&get->sink),
            strerror(-error));
}

static void say_short(const struct get_verb *get, const char *url,
                      const struct http_client_result *result)
{
    char missing[80] = "its end is missing";

    if (result->missing)
        snprintf(missing, sizeof missing, "%" PRIu64 " octets are missing", result->missing);
    say("get %s: the server closed too early: %" PRIu64 " octets came, %s; try again%s", url,
        result->received, missing, get->sink.path ? " with -C -" : "");
}

int get_explain(const struct get_verb *get, const struct http_client_event *event)
{
    const struct http_client_result *result = event->result;
    char url[160], remote[ENDPOINT_TEXT];

    snprintf(url, sizeof url, "%s", get->urls[get->at]);
    endpoint_format(event->remote, remote);
    switch (result->outcome) {
    case HTTP_CLIENT_DONE:
        say("get %s: the server answered %d %s", url, result->status, get->reason);
        break;
    case HTTP_CLIENT_NO_ADDRESS:
        say("get %s: '%s' %s", url, event->url->host, names_why(&get->names, result->error));
        break;
    case HTTP_CLIENT_NO_CONNECTION:
        say_no_connection(get, url, event->remote, result->error);
        break;
    case HTTP_CLIENT_BROKEN:
        say("get %s: the connection to %s broke after %" PRIu64 " octets: %s", url, remote,
            result->received, strerror(-result->error));
        break;
    case HTTP_CLIENT_STALLED:
        say("get %s: %s says nothing more; %" PRIu64 " octets came; --timeout waits longer", url,
            remote, result->received);
        break;
    case HTTP_CLIENT_NO_REPLY:
        say("get %s: %s closed the connection without an answer; does it speak HTTP?", url, remote);
        break;
    case HTTP_CLIENT_SHORT:
        say_short(get, url, result);
        break;
    case HTTP_CLIENT_BAD_REPLY:
        say("get %s: the answer of %s cannot be trusted: %s", url, remote, result->why);
        break;
    case HTTP_CLIENT_BAD_LOCATION:
        say("get %s: it redirects to a place that cannot be fetched: %s", url, result->why);
        break;
    case HTTP_CLIENT_REDIRECTS:
        say("get %s: more than %u redirects; --max-redirs allows more", url, get->config.redirects);
        break;
    case HTTP_CLIENT_NO_RANGE:
        say("get %s: %s; fetch it without %s", url, result->why, get->resume ? "-C" : "-r");
        break;
    case HTTP_CLIENT_REFUSED:
        get_say_sink_refused(get, url, result->error);
        return result->error == -EACCES || result->error == -EPERM ? EXIT_PERMISSION : EXIT_FAILURE;
    }
    return EXIT_FAILURE;
}

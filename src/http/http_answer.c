/*
 * http_answer.c - from a request to a response: who answers it, and the head of what is said.
 *
 * A response is a head, made here in full, and content that follows: from a page in memory, from a
 * file, or from a source that makes it on the way. What is asked for is found in this order: a
 * handler with that path, a page, a file (http_answer_file.c). What answers says what there is
 * (struct http_representation); which part of it is sent, and whether any has to be, is decided in
 * one place for all of them (http_answer_with()).
 */
#include <errno.h>

#include "http/http_conn.h"
#include "http/http_octets.h"
#include "http/http_ranges.h"

static const char html[] = "text/html; charset=utf-8";

/* Looks at the clock, once for each response; the Date of it is made once a second. */
static void tell_time(struct http_server *server)
{
    const struct env *env = server->config.env;
    const int64_t now_s = http_seconds_of(env->wall_ns(env->context));

    if (server->date_s != now_s) {
        server->date_s = now_s;
        http_date_format(now_s, server->date);
    }
}

/* --- heads -------------------------------------------------------------------------------- */

/* `out` holds a head, and content behind it up to `len`. */
static void note_out(struct http_exchange *x, int status, size_t head_len, size_t len)
{
    x->own_begin = (uint32_t)head_len;
    x->out_len = x->own_end = (uint32_t)len;
    x->out_sent = 0;
    x->status = status;
    x->sent = 0;
}

/* Writes the head of a response to the exchange, and the content behind it when that is small
 * enough to be a page about an error. */
static void put_head(struct http_server *server, struct http_exchange *x,
                     struct http_response *response, struct bytes content)
{
    struct writer w = writer_of(x->out, sizeof(x->out));

    response->extra = server->config.extra;
    response->close = x->close;
    response->keep_alive = x->parser.request.minor == 0 && !x->close;
    http_response_emit(&w, response, server->date);
    const size_t head_len = sizeof(x->out) - w.left;
    if (!x->head_only)
        write_bytes(&w, content.at, content.len);
    assert(!w.overrun);
    note_out(x, response->status, head_len, sizeof(x->out) - w.left);
}

/* Content that fits behind the head goes out with it, in one piece. */
static void join_content(const struct http_server *server, struct http_exchange *x)
{
    const struct files_ops *files = server->config.files;
    const size_t len = (size_t)x->left;
    uint8_t *out = x->out + x->out_len;

    if (x->file == HTTP_NO_FILE)
        memcpy(out, x->content + x->offset, len);
    else if (files->read(files->context, x->file, x->offset, out, len) != (int64_t)len)
        return; /* it is read again when it is sent, and then told of */
    x->out_len = x->own_end += (uint32_t)len;
    x->left = 0;
}

/* A response to GET has `length` octets of content behind its head; one to HEAD says so only
 * (RFC 9110, 9.3.2). */
static void put_content(const struct http_server *server, struct http_exchange *x,
                        const struct http_representation *rep, uint64_t offset, uint64_t length)
{
    x->content = rep->content;
    x->file = rep->file;
    x->took = 0;
    x->expected = HTTP_CHUNK;
    x->probe = HTTP_CHUNK_MIN;
    x->offset = offset;
    x->left = x->head_only ? 0 : length;
    if (x->left > 0 && x->left <= sizeof(x->out) - x->out_len)
        join_content(server, x);
}

void http_answer_fini(struct http_server *server, struct http_exchange *x)
{
    if (x->file != HTTP_NO_FILE)
        server->config.files->close(server->config.files->context, x->file);
    x->file = HTTP_NO_FILE;
    x->left = 0;
    http_send_end_source(x);
    x->paused = false;
}

/* --- answers without a representation ----------------------------------------------------- */

static const char *methods_of(const struct http_exchange *x)
{
    return x->handler && x->handler->takes_post ? "GET, HEAD, OPTIONS, POST" : "GET, HEAD, OPTIONS";
}

/* `response` has what is special about it. */
static void answer_explained(struct http_server *server, struct http_exchange *x,
                             struct http_response *response)
{
    uint8_t text[HTTP_EXPLAIN_MAX];
    struct writer w = writer_of(text, sizeof(text));

    http_answer_fini(server, x);
    http_explain_emit(&w, response->status);
    assert(!w.overrun);
    struct bytes content = bytes_of(text, sizeof(text) - w.left);
    response->has_length = true;
    response->content_length = content.len;
    response->type = html;
    if (response->status == 405)
        response->allow = methods_of(x);
    put_head(server, x, response, content);
}

void http_answer_error(struct http_server *server, struct http_exchange *x, int status)
{
    tell_time(server);
    answer_explained(server, x, &(struct http_response){.status = status});
}

void http_answer_redirect(struct http_server *server, struct http_exchange *x)
{
    answer_explained(server, x,
                     &(struct http_response){
                         .status = 301,
                         .directory = server->path.text,
                         .query = http_slice_of(http_exchange_head(x), x->parser.request.query),
                     });
}

/* What may be done here, or that it is done: no content, and so no length (RFC 9110, 8.6). */
static void answer_without_content(struct http_server *server, struct http_exchange *x,
                                   const char *allow)
{
    struct http_response response = {.status = 204, .allow = allow};

    put_head(server, x, &response, bytes_of(NULL, 0));
}

/* --- answers with one --------------------------------------------------------------------- */

void http_answer_with(struct http_server *server, struct http_exchange *x,
                      struct http_representation *rep)
{
    const struct http_request *request = &x->parser.request;
    const struct bytes head = http_exchange_head(x);
    uint64_t first = 0, last = 0;

    if (rep->is.modified_s > server->date_s)
        rep->is.modified_s = server->date_s; /* never in the future (RFC 9110, 8.8.2.1) */
    struct http_response response = {
        .status = http_conditions(request, head, &rep->is, server->date_s),
        .is = &rep->is,
        .varies = rep->varies,
        .ranges = true,
        .whole = rep->length,
    };
    enum http_part part = HTTP_WHOLE;
    if (!response.status && http_if_range(request, head, &rep->is, server->date_s))
        part = http_part_wanted(request, head, rep->length, &first, &last);
    if (part == HTTP_UNSATISFIABLE)
        response.status = 416;
    if (response.status) { /* 304, 412 or 416: the file is not needed */
        if (rep->file != HTTP_NO_FILE)
            server->config.files->close(server->config.files->context, rep->file);
        response.is = response.status == 304 ? &rep->is : NULL;
        if (response.status == 304)
            put_head(server, x, &response, bytes_of(NULL, 0));
        else
            answer_explained(server, x, &response);
        return;
    }
    response.status = part == HTTP_PART ? 206 : 200;
    response.type = rep->type;
    response.coding = rep->coding;
    response.has_length = true;
    response.content_length = part == HTTP_PART ? last - first + 1 : rep->length;
    response.first = first;
    response.last = last;
    put_head(server, x, &response, bytes_of(NULL, 0));
    put_content(server, x, rep, first, response.content_length);
}

/* --- what is known of a file -------------------------------------------------------------- */

/* Whether nothing about the request makes the response another one than that with all of the file
 * as it is, on a connection that goes on. */
static bool is_usual(const struct http_server *server, const struct http_exchange *x,
                     const struct http_about *about)
{
    const struct http_request *request = &x->parser.request;

    return !x->close && request->minor > 0 && !request->conditional && !request->ranged &&
           !(about->compressible && request->accepts) && about->is.modified_s <= server->date_s;
}

bool http_answer_known(struct http_server *server, struct http_exchange *x,
                       const struct http_known *known, const struct http_representation *rep)
{
    if (known->head_len == 0 || !is_usual(server, x, &known->about))
        return false;
    memcpy(x->out, known->head, known->head_len);
    memcpy(x->out + HTTP_OK_DATE, server->date, HTTP_DATE_LEN);
    note_out(x, 200, known->head_len, known->head_len);
    put_content(server, x, rep, 0, rep->length);
    return true;
}

void http_answer_learn(const struct http_server *server, const struct http_exchange *x,
                       struct http_known *known)
{
    const size_t len = x->own_begin; /* of the head alone */

    if (len > sizeof(known->head) || !is_usual(server, x, &known->about))
        return;
    assert(x->status == 200 && memcmp(x->out + HTTP_OK_DATE, server->date, HTTP_DATE_LEN) == 0);
    memcpy(known->head, x->out, len);
    known->head_len = (uint16_t)len;
}

void http_answer_source(struct http_conn *conn, struct http_source *source, const char *type)
{
    struct http_server *server = conn->server;
    struct http_exchange *x = conn->exchange;
    struct http_response response = {.status = 200, .type = type};

    if (x->head_only) {
        source->close(source);
    } else {
        /* HTTP/1.0 knows no chunks: there the end of the connection is that of the content */
        x->chunked = x->parser.request.minor > 0;
        x->close |= !x->chunked;
        if (source->send_buffer)
            http_conn_set_option(conn, SOL_SOCKET, SO_SNDBUF, &source->send_buffer,
                                 sizeof(source->send_buffer));
        source->conn = conn;
        x->source = source;
    }
    response.chunked = !x->head_only && x->chunked;
    put_head(server, x, &response, bytes_of(NULL, 0));
}

static void answer_page(struct http_server *server, struct http_exchange *x, size_t index)
{
    const struct http_page *page = &server->config.pages[index];
    struct http_representation rep = {
        .is.modified_s = HTTP_NO_DATE,
        .length = page->content.len,
        .type = page->type,
        .content = page->content.at,
        .file = HTTP_NO_FILE,
    };

    http_etag_of(rep.is.etag, server->page_tags[index], page->content.len, 0, NULL);
    http_answer_with(server, x, &rep);
}

/* 0, or the status of an error. */
static int answer_handler(struct http_conn *conn, instant now)
{
    struct http_exchange *x = conn->exchange;
    const struct http_handler *handler = x->handler;
    struct sock_info info;
    struct http_made made = {0};
    struct http_call call = {
        .request = &x->parser.request,
        .head = http_exchange_head(x),
        .query = http_slice_of(http_exchange_head(x), x->parser.request.query),
        .content = bytes_of(x->input + x->begin + x->parser.at, x->body_kept),
        .now = now,
    };

    if (sock_info(conn->server->config.stack, conn->socket, &info))
        return 500;
    call.remote = info.facts.remote;
    call.conn = info.facts.id;
    int status = 0;
    if (call.request->method == HTTP_POST) { /* judged before anything is done (RFC 9110, 13.2.1) */
        const struct http_validators none = {.modified_s = HTTP_NO_DATE};
        status = http_conditions(call.request, call.head, &none, conn->server->date_s);
    }
    if (!status)
        status = handler->answer(handler->context, &call, &made);
    if (status == 204)
        answer_without_content(conn->server, x, NULL);
    if (status)
        return status == 204 ? 0 : status;
    if (made.source) {
        http_answer_source(conn, made.source, made.type);
        return 0;
    }
    struct http_representation rep = {
        .is.modified_s = HTTP_NO_DATE,
        .length = made.content.len,
        .type = made.type,
        .coding = made.coding,
        .varies = made.varies,
        .content = made.content.at,
        .file = HTTP_NO_FILE,
    };
    http_answer_with(conn->server, x, &rep);
    return 0;
}

/* --- who answers -------------------------------------------------------------------------- */

int http_status_of(int err)
{
    switch (-err) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case EXDEV: /* the path leads out of the root */
    case ENAMETOOLONG:
        return 404;
    case EACCES:
    case EPERM:
    case ENXIO: /* a socket, or a FIFO that nobody reads */
        return 403;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN:
        return 503;
    }
    return 500;
}

static const struct http_handler *find_handler(const struct http_server *server)
{
    for (size_t i = 0; i < server->config.handler_count; i++)
        if (strcmp(server->config.handlers[i].path, server->path.text) == 0)
            return &server->config.handlers[i];
    return NULL;
}

int http_answer_route(struct http_server *server, struct http_exchange *x)
{
    const struct http_request *request = &x->parser.request;
    const bool reads = request->method == HTTP_GET || request->method == HTTP_HEAD ||
                       request->method == HTTP_OPTIONS;

    x->close = !request->keep_alive || server->stopping;
    x->head_only = request->method == HTTP_HEAD;
    x->handler = NULL;
    if (request->method == HTTP_UNKNOWN)
        return 501;
    if (request->method == HTTP_CONNECT)
        return 405; /* its target is no path */
    int status =
        http_path_decode(http_slice_of(http_exchange_head(x), request->path), &server->path);
    if (!status && server->config.handler_count)
        x->handler = find_handler(server);
    if (!reads && !(request->method == HTTP_POST && x->handler && x->handler->takes_post))
        return 405;
    return status ? status : request->expect_unknown ? 417 : 0;
}

/* 0, or the status of an error. */
static int answer_target(struct http_conn *conn, instant now)
{
    struct http_server *server = conn->server;
    struct http_exchange *x = conn->exchange;
    const struct http_request *request = &x->parser.request;

    if (request->method == HTTP_OPTIONS) {
        answer_without_content(server, x, methods_of(x));
        return 0;
    }
    if (x->handler)
        return answer_handler(conn, now);
    if (conn->state == HTTP_TAKING) { /* others have used it meanwhile */
        int status =
            http_path_decode(http_slice_of(http_exchange_head(x), request->path), &server->path);
        if (status)
            return status;
    }
    for (size_t i = 0; i < server->config.page_count; i++) {
        if (strcmp(server->config.pages[i].name, server->path.text) == 0) {
            answer_page(server, x, i);
            return 0;
        }
    }
    return server->config.files ? http_answer_file(conn) : 404;
}

void http_answer(struct http_conn *conn, int status, instant now)
{
    tell_time(conn->server);
    if (!status)
        status = answer_target(conn, now);
    if (status)
        http_answer_error(conn->server, conn->exchange, status);
}

/*
 * http_answer.c - from a request to a response: which file or page, or which error.
 *
 * A response is a head, made here in full, and content that follows from a page in memory or from a
 * file. The file is opened once, described by what it was then, and held open until it is sent:
 * what happens to its name meanwhile does not matter, and its length is never guessed.
 *
 * Left out for now: listings of directories (404 when there is no index.html), ranges, conditions
 * (Last-Modified is sent, If-Modified-Since is not looked at yet), and content of requests, which a
 * GET has no use for: it is not read, and the connection closes behind the response (RFC
 * 9112, 9.3).
 */
#include <errno.h>

#include "http/http_conn.h"
#include "http/http_mime.h"

static const char index_name[] = "index.html";

static int64_t seconds_of(int64_t ns)
{
    return ns / NS_PER_S - (ns % NS_PER_S < 0);
}

/* The time as a Date says it; made once a second. */
static const char *date_now(struct http_server *server)
{
    const struct env *env = server->config.env;
    const int64_t now_s = seconds_of(env->wall_ns(env->context));

    if (server->date_s != now_s) {
        server->date_s = now_s;
        http_date_format(now_s, server->date);
    }
    return server->date;
}

/* Writes the head of a response to the exchange, and the content behind it when that is small
 * enough to be a page about an error. */
static void put_head(struct http_server *server, struct http_exchange *x,
                     struct http_response *response, struct bytes content)
{
    struct writer w = writer_of(x->head, sizeof(x->head));
    const struct http_request *request = &x->parser.request;

    response->close = x->close;
    response->keep_alive = request->minor == 0 && !x->close;
    http_response_emit(&w, response, date_now(server));
    if (!x->head_only)
        write_bytes(&w, content.at, content.len);
    assert(!w.overrun);
    x->head_len = (uint32_t)(sizeof(x->head) - w.left);
    x->head_sent = 0;
}

/* A response to GET has `length` octets of content behind its head; one to HEAD says so only
 * (RFC 9110, 9.3.2). */
static void put_content(struct http_exchange *x, const uint8_t *content, int file, uint64_t length)
{
    x->content = content;
    x->file = file;
    x->took = 0;
    x->expected = HTTP_CHUNK;
    x->probe = HTTP_CHUNK_MIN;
    x->offset = 0;
    x->left = x->head_only ? 0 : length;
}

void http_answer_fini(struct http_server *server, struct http_exchange *x)
{
    if (x->file != HTTP_NO_FILE)
        server->config.files->close(server->config.files->context, x->file);
    x->file = HTTP_NO_FILE;
    x->left = 0;
}

static void answer_explained(struct http_server *server, struct http_exchange *x, int status,
                             const char *directory)
{
    uint8_t text[HTTP_EXPLAIN_MAX];
    struct writer w = writer_of(text, sizeof(text));

    http_answer_fini(server, x);
    http_explain_emit(&w, status);
    assert(!w.overrun);
    struct bytes content = bytes_of(text, sizeof(text) - w.left);
    struct http_response response = {
        .status = status,
        .content_length = content.len,
        .type = "text/html; charset=utf-8",
        .modified_s = HTTP_NO_DATE,
        .directory = directory,
    };
    put_head(server, x, &response, content);
}

void http_answer_error(struct http_server *server, struct http_exchange *exchange, int status)
{
    answer_explained(server, exchange, status, NULL);
}

static void answer_page(struct http_server *server, struct http_exchange *x,
                        const struct http_page *page)
{
    struct http_response response = {
        .status = 200,
        .content_length = page->content.len,
        .type = page->type,
        .modified_s = HTTP_NO_DATE,
    };

    put_head(server, x, &response, bytes_of(NULL, 0));
    put_content(x, page->content.at, HTTP_NO_FILE, page->content.len);
}

/* Takes the open file. */
static void answer_file(struct http_server *server, struct http_exchange *x, int file,
                        const struct file_info *info)
{
    const struct http_path *path = &server->path;
    struct http_response response = {
        .status = 200,
        .content_length = info->size,
        .type = http_mime_type(path->text, path->len),
        .modified_s = seconds_of(info->mtime_ns),
    };

    date_now(server);
    if (response.modified_s > server->date_s)
        response.modified_s = server->date_s; /* never in the future (RFC 9110, 8.8.2.1) */
    put_head(server, x, &response, bytes_of(NULL, 0));
    put_content(x, NULL, file, info->size);
}

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

/* Names the index of the directory that server->path names. False when that is too long a name. */
static bool append_index(struct http_path *path)
{
    const bool root = path->len == 1 && path->text[0] == '.';

    if (root)
        path->len = 0;
    if (path->len + 1 + sizeof(index_name) > sizeof(path->text))
        return false;
    if (!root)
        path->text[path->len++] = '/';
    memcpy(path->text + path->len, index_name, sizeof(index_name));
    path->len += sizeof(index_name) - 1;
    return true;
}

/* Answers with what server->path names. 0, or the status of an error. */
static int answer_path(struct http_server *server, struct http_exchange *x)
{
    const struct files_ops *files = server->config.files;
    struct http_path *path = &server->path;
    struct file_info info;
    int file = files->open(files->context, path->text, &info);

    if (file < 0)
        return http_status_of(file);
    if (info.kind == FILE_REGULAR && !path->directory) {
        answer_file(server, x, file, &info);
        return 0;
    }
    files->close(files->context, file);
    if (info.kind == FILE_REGULAR)
        return 404; /* a file has nothing below it */
    if (info.kind == FILE_OTHER)
        return 403;
    if (!path->directory) {
        /* Without the slash, relative links in its index would lead nowhere. */
        answer_explained(server, x, 301, path->text);
        return 0;
    }
    if (!append_index(path))
        return 404;
    file = files->open(files->context, path->text, &info);
    if (file < 0)
        return http_status_of(file);
    if (info.kind != FILE_REGULAR) {
        files->close(files->context, file);
        return 404;
    }
    answer_file(server, x, file, &info);
    return 0;
}

/* What is wrong with a request that is well formed; 0 if nothing is. */
static int refusal_of(const struct http_request *request)
{
    if (request->method == HTTP_UNKNOWN)
        return 501;
    if (request->method != HTTP_GET && request->method != HTTP_HEAD)
        return 405;
    if (request->expect_unknown)
        return 417;
    if (request->chunked)
        return 411;
    if (request->content_length > HTTP_CONTENT_MAX)
        return 413;
    return 0;
}

/* 0, or the status of an error. */
static int answer_target(struct http_server *server, struct http_exchange *x, struct bytes target)
{
    int status = http_path_decode(target, &server->path);

    if (status)
        return status;
    for (size_t i = 0; i < server->config.page_count; i++) {
        const struct http_page *page = &server->config.pages[i];
        if (strcmp(page->name, server->path.text) == 0) {
            answer_page(server, x, page);
            return 0;
        }
    }
    return server->config.files ? answer_path(server, x) : 404;
}

void http_answer(struct http_server *server, struct http_exchange *exchange)
{
    struct http_exchange *x = exchange;
    const struct http_request *request = &x->parser.request;
    const struct bytes input = bytes_of(x->input + x->begin, x->end - x->begin);

    /* Content is not read, so nothing can be read behind it. The final response goes out at once,
     * which is also what a client that expects 100 is owed (RFC 9110, 10.1.1). */
    const bool has_content = request->chunked || request->content_length;
    x->close = !request->keep_alive || has_content || server->stopping;
    x->head_only = request->method == HTTP_HEAD;
    int status = refusal_of(request);
    if (!status)
        status = answer_target(server, x, http_slice_of(input, request->path));
    if (status)
        http_answer_error(server, x, status);
}

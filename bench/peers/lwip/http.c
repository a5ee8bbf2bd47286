/*
 * http.c - just enough HTTP for a benchmark: GET of three constant bodies, with keep-alive.
 *
 * Answers are made once, header and body in one piece, and sent from there without a copy. A
 * request is read where it lies in lwIP's buffer; one that came in several pieces is first put
 * together.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "services.h"

enum { PORT = 80, REQUEST_MAX = 4096, HEADER_MAX = 256 };

/* What is sent for a path: when the connection stays, and when it ends. */
struct page {
    const char *path;
    const char *status;
    u16_t body;
    char *answer[2];
    u16_t answer_len[2];
};

static struct page pages[] = {
    {.path = "/", .status = "200 OK", .body = 100},
    {.path = "/100", .status = "200 OK", .body = 100},
    {.path = "/10k", .status = "200 OK", .body = 10240},
    {.path = NULL, .status = "404 Not Found", .body = 10},
};

/* Does the header line `line` of `len` octets begin with `name`, and name `token` behind it? */
static bool line_says(const char *line, size_t len, const char *name, const char *token)
{
    size_t name_len = strlen(name), token_len = strlen(token);
    if (len < name_len || strncasecmp(line, name, name_len) != 0)
        return false;
    for (size_t i = name_len; i + token_len <= len; i++)
        if (strncasecmp(line + i, token, token_len) == 0)
            return true;
    return false;
}

/* Does the connection end behind this request? `head` begins with the request line. */
static bool wants_close(const char *head, size_t len)
{
    const char *end = head + len;
    const char *line_end = memchr(head, '\r', len);
    bool old = line_end && line_end - head > 8 && memcmp(line_end - 8, "HTTP/1.0", 8) == 0;
    bool close = old;

    while (line_end && line_end + 2 < end) {
        const char *line = line_end + 2;
        line_end = memchr(line, '\r', (size_t)(end - line));
        size_t line_len = (size_t)((line_end ? line_end : end) - line);
        if (line_says(line, line_len, "connection:", "close"))
            close = true;
        else if (old && line_says(line, line_len, "connection:", "keep-alive"))
            close = false;
    }
    return close;
}

static const struct page *page_of(const char *head, size_t len)
{
    const struct page *page = pages;
    const char *path = head + 4;
    const char *path_end =
        len > 4 && memcmp(head, "GET ", 4) == 0 ? memchr(path, ' ', len - 4) : NULL;

    for (; page->path; page++) {
        size_t path_len = strlen(page->path);
        if (path_end && (size_t)(path_end - path) == path_len &&
            memcmp(path, page->path, path_len) == 0)
            break;
    }
    return page;
}

static bool http_run(struct conn *conn)
{
    static char together[REQUEST_MAX];

    while (conn->queue) {
        const char *octets = conn->queue->payload;
        size_t len = conn->queue->len;
        if (conn->queue->next) {
            len = pbuf_copy_partial(conn->queue, together, sizeof(together), 0);
            octets = together;
        }
        const char *end = memmem(octets, len, "\r\n\r\n", 4);
        if (!end)
            return len < REQUEST_MAX && !conn->peer_done;
        size_t head_len = (size_t)(end - octets) + 4;
        const struct page *page = page_of(octets, head_len);
        bool close = wants_close(octets, head_len);
        if (tcp_write(conn->pcb, page->answer[close], page->answer_len[close], 0) != ERR_OK)
            return true; /* again, when there is room */
        conn_consume(conn, (u16_t)head_len);
        if (close)
            return false;
    }
    return true;
}

static err_t http_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)arg;
    return err == ERR_OK && pcb ? conn_accept(pcb, http_run) : ERR_VAL;
}

void http_start(void)
{
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        for (int close = 0; close < 2; close++) {
            char *octets = malloc(HEADER_MAX + pages[i].body);
            if (!octets)
                exit(1);
            int len = snprintf(octets, HEADER_MAX,
                               "HTTP/1.1 %s\r\nContent-Length: %u\r\n"
                               "Content-Type: text/html\r\n%s\r\n",
                               pages[i].status, (unsigned)pages[i].body,
                               close ? "Connection: close\r\n" : "");
            memset(octets + len, 'x', pages[i].body);
            pages[i].answer[close] = octets;
            pages[i].answer_len[close] = (u16_t)(len + pages[i].body);
        }
    }
    listen_on(PORT, http_accept);
}

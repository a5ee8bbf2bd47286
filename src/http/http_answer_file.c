/*
 * http_answer_file.c - a request for a file or a folder.
 *
 * A file is opened once, described by what it was then, and held open until it is sent: what
 * happens to its name meanwhile does not matter, and its length is never guessed. If a client takes
 * a coding in which the file lies beside itself (page.html.br), that one is opened and sent in its
 * place. A folder is its index, or a listing; without the slash behind it, it is somewhere else.
 */
#include <errno.h>

#include "http/http_accept.h"
#include "http/http_conn.h"
#include "http/http_listing.h"
#include "http/http_mime.h"

/* Appends to the name; false when that is too long. */
static bool append(struct http_path *path, const char *text)
{
    size_t len = strlen(text);

    if (path->len + len + 1 > sizeof(path->text))
        return false;
    memcpy(path->text + path->len, text, len + 1);
    path->len += len;
    return true;
}

static int open_path(struct http_server *server, struct file_info *info)
{
    const struct files_ops *files = server->config.files;

    return files->open(files->context, server->path.text, info);
}

static void close_file(struct http_server *server, int file)
{
    server->config.files->close(server->config.files->context, file);
}

/* --- files -------------------------------------------------------------------------------- */

/* Opens the file's sibling in the best coding that the client takes. A handle, with `*coding`; or
 * HTTP_NO_FILE. */
static int open_sibling(struct http_server *server, const struct http_exchange *x,
                        struct file_info *info, const char **coding)
{
    const struct bytes head = http_exchange_head(x);
    struct http_path *path = &server->path;
    const size_t len = path->len;
    enum http_coding order[HTTP_CODINGS];
    const size_t count = http_codings_accepted(&x->parser.request, head, order);
    int file = HTTP_NO_FILE;

    for (size_t i = 0; i < count && file < 0; i++) {
        if (!append(path, http_codings[order[i]].suffix))
            continue;
        file = open_path(server, info);
        if (file >= 0 && info->kind != FILE_REGULAR) {
            close_file(server, file);
            file = HTTP_NO_FILE;
        }
        *coding = http_codings[order[i]].name;
        path->len = len;
        path->text[len] = '\0';
    }
    return file < 0 ? HTTP_NO_FILE : file;
}

static struct http_validators validators_of(const struct file_info *info, const char *coding)
{
    struct http_validators is = {.modified_s = http_seconds_of(info->mtime_ns)};

    http_etag_of(is.etag, info->inode, info->size, info->mtime_ns, coding);
    return is;
}

/* What is said of the file that server->path names. */
static struct http_about describe(const struct http_server *server, const struct file_info *info)
{
    const struct http_path *path = &server->path;
    const char *type = http_mime_find(server->config.mime_types, path->text, path->len);

    return (struct http_about){
        .type = type,
        .compressible = http_mime_is_compressible(type),
        .is = validators_of(info, NULL),
    };
}

/* The same from what is known of it; `known` is its place, which another may have. */
static const struct http_about *recall(const struct http_server *server, struct http_known *known,
                                       const struct file_info *info)
{
    if (known->serial != info->serial) {
        known->serial = info->serial;
        known->head_len = 0;
        known->about = describe(server, info);
    }
    return &known->about;
}

/* Takes the open file. */
static void answer_file(struct http_server *server, struct http_exchange *x, int file,
                        struct file_info info)
{
    struct http_known *known = http_known_place(server->known, info.serial);
    const struct http_about about = known ? *recall(server, known, &info) : describe(server, &info);
    struct http_representation rep = {
        .is = about.is,
        .length = info.size,
        .type = about.type,
        .file = file,
    };

    if (known && http_answer_known(server, x, known, &rep))
        return;
    if (about.compressible) {
        struct file_info coded;
        int sibling = open_sibling(server, x, &coded, &rep.coding);
        rep.varies = true;
        if (sibling == HTTP_NO_FILE) {
            rep.coding = NULL;
        } else {
            close_file(server, file);
            rep.file = sibling;
            rep.length = coded.size;
            rep.is = validators_of(&coded, rep.coding);
        }
    }
    http_answer_with(server, x, &rep);
    if (known)
        http_answer_learn(server, x, known);
}

/* --- folders ------------------------------------------------------------------------------ */

/* Takes the open folder. */
static int answer_listing(struct http_conn *conn, int dir)
{
    struct http_server *server = conn->server;
    struct http_exchange *x = conn->exchange;
    const struct bytes head = http_exchange_head(x);
    const char *type;
    struct http_source *source =
        http_listing_open(&server->listings, server->config.files, dir, server->path.text,
                          http_slice_of(head, x->parser.request.query), &type);

    if (!source) {
        close_file(server, dir);
        return 503;
    }
    http_answer_source(conn, source, type);
    return 0;
}

/* Takes the open folder. 0, or the status of an error. */
static int answer_folder(struct http_conn *conn, int dir)
{
    struct http_server *server = conn->server;
    struct http_path *path = &server->path;
    const size_t len = path->len;
    const bool root = len == 1 && path->text[0] == '.';
    char first = path->text[0];
    struct file_info info = {.kind = FILE_OTHER};
    int index = -ENAMETOOLONG;

    if (root)
        path->len = 0;
    if ((root || append(path, "/")) && append(path, server->config.index))
        index = open_path(server, &info);
    if (index >= 0 && info.kind == FILE_REGULAR) {
        close_file(server, dir);
        answer_file(server, conn->exchange, index, info);
        return 0;
    }
    if (index >= 0)
        close_file(server, index);
    path->text[0] = first;
    path->len = len;
    path->text[len] = '\0';
    const bool none = index >= 0 || index == -ENOENT || index == -ENAMETOOLONG;
    if (none && server->config.listing)
        return answer_listing(conn, dir);
    close_file(server, dir);
    return none ? 404 : http_status_of(index);
}

int http_answer_file(struct http_conn *conn)
{
    struct http_server *server = conn->server;
    const bool slash = server->path.directory;
    struct file_info info;
    int file = open_path(server, &info);

    if (file < 0)
        return http_status_of(file);
    if (info.kind == FILE_REGULAR && !slash) {
        answer_file(server, conn->exchange, file, info);
        return 0;
    }
    if (info.kind == FILE_DIRECTORY && slash)
        return answer_folder(conn, file);
    close_file(server, file);
    if (info.kind == FILE_REGULAR)
        return 404; /* a file has nothing below it */
    if (info.kind == FILE_OTHER)
        return 403;
    /* Without the slash, relative links in its index would lead nowhere. */
    http_answer_redirect(server, conn->exchange);
    return 0;
}

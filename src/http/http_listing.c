/*
 * http_listing.c - what is in a folder, from its names to the octets of a response.
 *
 * What is hard: a folder has any number of names, and nothing here may take long, whatever there
 * is. So each read() does one small thing:
 *
 *     scan    while the directory is open: one list(), whose names go into the entries, and -EAGAIN
 *     write   once it is closed: pieces of the page (http_listing_page.c) or of the JSON, row by
 *             row, in the order of http_listing_order.c, until `out` is full
 *
 * The head of either kind of content says how many entries follow, so nothing is written before the
 * scan is over. A name beyond the caps ends it at once: who lists a folder of ten million files
 * sees the first few thousand, and does not read the rest.
 *
 * Names that begin with a dot are hidden, as everywhere. What is neither a file nor a folder, and
 * names longer than http_path.h takes, are not served and so not listed.
 */
#include "http/http_listing.h"

#include <errno.h>

#include "http/http_date.h"
#include "http/http_listing_inner.h"
#include "http/http_octets.h"

enum {
    PASSED_MAX = 1 << 17, /* names that a scan goes past, listed or not */
    READ_MAX = 16384,     /* octets that one read() writes */
};

size_t http_listing_size(void)
{
    return sizeof(struct http_listing);
}

/* --- what is asked for -------------------------------------------------------------------- */

/* Takes what is before the next `mark`, which goes too; all when there is none. */
static struct bytes take_until(struct bytes *rest, uint8_t mark)
{
    size_t len = 0;

    while (len < rest->len && rest->at[len] != mark)
        len++;
    struct bytes part = bytes_first(*rest, len);
    *rest = bytes_skip(*rest, len + 1);
    return part;
}

static struct listing_view view_of(struct bytes query)
{
    struct listing_view view = {.sort = LISTING_BY_NAME};

    while (query.len > 0) {
        struct bytes value = take_until(&query, '&');
        struct bytes key = take_until(&value, '=');
        if (http_equals(key, "json"))
            view.json = true;
        else if (http_equals(key, "order"))
            view.descending = http_equals(value, "desc");
        else if (http_equals(key, "sort"))
            view.sort = http_equals(value, "size")   ? LISTING_BY_SIZE
                        : http_equals(value, "time") ? LISTING_BY_TIME
                                                     : LISTING_BY_NAME;
    }
    return view;
}

/* --- the scan ----------------------------------------------------------------------------- */

static void take_entry(void *cookie, const char *name, const struct file_info *info)
{
    struct http_listing *l = cookie;
    size_t len = strlen(name);

    if (l->cut || name[0] == '.' || len == 0 || len > HTTP_NAME_MAX || info->kind == FILE_OTHER)
        return;
    if (l->count == HTTP_LISTING_ENTRIES || len > HTTP_LISTING_OCTETS - l->name_octets) {
        l->cut = true;
        return;
    }
    const bool folder = info->kind == FILE_DIRECTORY;
    l->entries[l->count++] = (struct listing_entry){
        .size = folder ? 0 : info->size,
        .mtime_ns = info->mtime_ns,
        .name = l->name_octets,
        .name_len = (uint8_t)len,
        .folder = folder,
    };
    memcpy(l->names + l->name_octets, name, len);
    l->name_octets += (uint32_t)len;
    l->folders += folder;
    if (!folder)
        l->octets += info->size < UINT64_MAX - l->octets ? info->size : UINT64_MAX - l->octets;
    listing_order_add(l);
}

static void close_dir(struct http_listing *l)
{
    if (l->dir != LISTING_NO_DIR)
        l->files->close(l->files->context, l->dir);
    l->dir = LISTING_NO_DIR;
}

/* One step. 0: the scan is over; -EAGAIN: it is not; any other: it has failed. */
static int scan(struct http_listing *l)
{
    int passed = l->files->list(l->files->context, l->dir, l->path, take_entry, l);

    if (passed > 0) {
        l->passed += (uint32_t)passed;
        l->cut = l->cut || l->passed >= PASSED_MAX;
        if (!l->cut) {
            http_source_wake(&l->source);
            return -EAGAIN;
        }
    } else if (passed < 0) {
        l->err = passed == -EAGAIN ? -EIO : passed; /* that has a meaning of its own here */
    }
    close_dir(l);
    return l->err;
}

/* --- JSON --------------------------------------------------------------------------------- */

void listing_time(int64_t mtime_ns, char out[LISTING_TIME_LEN + 1])
{
    struct text t = text_of(out, LISTING_TIME_LEN + 1);

    http_date_add_iso(&t, mtime_ns, 3);
}

static void json_head(struct http_listing *l)
{
    char path[HTTP_PATH_ROOM + 2];
    struct text t = text_of(path, sizeof(path));

    text_add_char(&t, '/');
    if (strcmp(l->path, ".") != 0) {
        text_add(&t, l->path);
        text_add_char(&t, '/');
    }
    l->json = json_of(&l->text);
    json_open(&l->json, '{');
    json_add_utf8(&l->json, "path", text_bytes(&t));
    json_add_bool(&l->json, "complete", !l->cut);
    json_open_member(&l->json, "entries", '[');
}

static void json_entry(struct http_listing *l, const struct listing_entry *e)
{
    char modified[LISTING_TIME_LEN + 1];

    listing_time(e->mtime_ns, modified);
    json_open(&l->json, '{');
    json_add_utf8(&l->json, "name", listing_name(l, e));
    json_add_string(&l->json, "type", e->folder ? "folder" : "file");
    if (!e->folder)
        json_add_u64(&l->json, "size", e->size);
    json_add_string(&l->json, "modified", modified);
    json_close(&l->json, '}');
}

static bool json_next(struct http_listing *l)
{
    enum { HEAD, ENTRIES, END };

    if (l->stage == HEAD) {
        json_head(l);
        l->stage = ENTRIES;
        return true;
    }
    if (l->stage == END)
        return false;
    const struct listing_entry *e = listing_order_take(l);
    if (e) {
        json_entry(l, e);
        return true;
    }
    json_close(&l->json, ']');
    json_close(&l->json, '}');
    text_add_char(&l->text, '\n');
    l->stage = END;
    return true;
}

/* --- the source --------------------------------------------------------------------------- */

static bool next_piece(struct http_listing *l)
{
    l->text = text_of(l->piece, sizeof(l->piece));
    if (!(l->view.json ? json_next(l) : listing_page_next(l)))
        return false;
    assert(!l->text.cut && l->text.len > 0); /* the room is for the longest path there is */
    l->unread = text_bytes(&l->text);
    return true;
}

static int listing_read(struct http_source *source, uint8_t *out, size_t room, instant now)
{
    struct http_listing *l = CONTAINER_OF(source, struct http_listing, source);
    struct writer w = writer_of(out, size_min(room, READ_MAX));
    const size_t all = w.left;

    (void)now;
    assert(room > 0);
    if (l->dir != LISTING_NO_DIR) {
        int err = scan(l);
        if (err)
            return err;
    }
    if (l->err)
        return l->err;
    while (w.left > 0 && (l->unread.len > 0 || next_piece(l))) {
        size_t len = size_min(l->unread.len, w.left);
        write_bytes(&w, l->unread.at, len);
        l->unread = bytes_skip(l->unread, len);
    }
    return (int)(all - w.left);
}

static void listing_close(struct http_source *source)
{
    struct http_listing *l = CONTAINER_OF(source, struct http_listing, source);

    close_dir(l);
    pool_put(l->pool, l);
}

struct http_source *http_listing_open(struct pool *pool, const struct files_ops *files, int dir,
                                      const char *path, struct bytes query, const char **type)
{
    struct http_listing *l = pool_get_unzeroed(pool);
    size_t len = strlen(path);

    if (!l)
        return NULL;
    assert(dir >= 0 && len < HTTP_PATH_ROOM);
    /* all but the large arrays at its end */
    memset(l, 0, offsetof(struct http_listing, piece));
    l->source = (struct http_source){.read = listing_read, .close = listing_close};
    l->pool = pool;
    l->files = files;
    l->dir = dir;
    l->view = view_of(query);
    memcpy(l->path, path, len + 1);
    *type = l->view.json ? "application/json" : "text/html; charset=utf-8";
    return &l->source;
}

/*
 * http_listing_page.c - a listing as a page for people.
 *
 * One file without a script, a font or a picture from elsewhere, in the look of the front page
 * (http_page.c); its own Content-Security-Policy says so to the browser, too. It works without
 * style and without sight: breadcrumbs, a table, links.
 *
 * The names in it are strangers' text, and they stand in two places. As text, whatever HTML or a
 * screen could obey is replaced: markup by references, controls by their pictures (U+2400 and
 * following), octets that are no UTF-8 by U+FFFD. In links each octet is itself or escaped
 * (http_path.h), so a link leads to the name exactly, whatever is shown; "./" before it keeps a
 * colon from making a scheme of it. Links are relative, so that a proxy may serve the tree below
 * another path; they keep the order that the reader chose.
 */
#include "http/http_listing_inner.h"

/* clang-format off */
static const char head_begin[] =
"<!doctype html>\n"
"<html lang=\"en\">\n"
"<meta charset=\"utf-8\">\n"
"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n"
"<title>Files in /";

/* The pictures are masks, so that they have the colours of the text. */
#define ICON(path)                                                                                 \
    "url(\"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 18 18'"       \
    "%3E%3Cpath d='" path "' fill='none' stroke='%23000' stroke-width='1.5' stroke-linejoin='round'" \
    " stroke-linecap='round'/%3E%3C/svg%3E\")"

static const char head_end[] =
"</title>\n"
"<link rel=\"icon\" href=\"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'"
"%3E%3Cpath d='M1 2h7M1 4.5h7M1 7h7' stroke='%230a7' stroke-width='1.4'/%3E%3C/svg%3E\">\n"
"<style>\n"
":root{color-scheme:light dark;--ink:#12211c;--dim:#5b6b65;--paper:#fbfaf6;--line:#d8ddd6;--green:#087f5b;--hover:#f0f3ec}\n"
"@media(prefers-color-scheme:dark){:root{--ink:#e8eee9;--dim:#93a39b;--paper:#101815;--line:#2b3833;--green:#4fd1a5;--hover:#18231f}}\n"
"*{box-sizing:border-box}\n"
"body{margin:0;background:var(--paper);color:var(--ink);font:17px/1.6 system-ui,sans-serif}\n"
"main{max-width:56rem;margin:0 auto;padding:3.5rem 1.25rem}\n"
"a{color:var(--green);text-decoration:none}a:hover{text-decoration:underline}\n"
"a:focus-visible{outline:2px solid var(--green);outline-offset:-2px;border-radius:6px}\n"
"nav{color:var(--dim);overflow-wrap:anywhere}nav a,nav b{unicode-bidi:isolate;font-weight:inherit}\n"
"h1{font-size:clamp(1.8rem,6vw,2.6rem);line-height:1.15;letter-spacing:-.02em;margin:.35rem 0 .5rem;overflow-wrap:anywhere}\n"
"p{margin:0 0 1.75rem;color:var(--dim);font-variant-numeric:tabular-nums}p strong{display:block;color:var(--ink);font-weight:600}\n"
"table{width:100%;border:1px solid var(--line);border-radius:10px;border-spacing:0;overflow:clip}\n"
"th{position:sticky;top:0;z-index:1;padding:0;background:var(--paper);border-bottom:1px solid var(--line);text-align:right;font-size:.9rem;font-weight:600;white-space:nowrap}\n"
"th:first-child{width:100%;text-align:left}\n"
"th a{display:block;padding:.6rem 1rem;color:var(--dim)}th[aria-sort] a{color:var(--ink)}\n"
"th[aria-sort] a::after{color:var(--green);content:\" \\2191\"}th[aria-sort=descending] a::after{content:\" \\2193\"}\n"
"tr+tr td{border-top:1px solid var(--line)}\n"
"td{padding:.55rem 1rem;color:var(--dim);font-size:.92rem;text-align:right;white-space:nowrap;vertical-align:baseline;font-variant-numeric:tabular-nums}\n"
"td:first-child{padding:0;font-size:1rem;text-align:left;white-space:normal;overflow-wrap:anywhere}\n"
"td a{display:block;position:relative;padding:.45rem 1rem .45rem 2.9rem;unicode-bidi:plaintext;color:var(--ink)}\n"
"td a::before{content:\"\";position:absolute;left:1rem;top:.72rem;width:1.1rem;height:1.1rem;background:var(--dim);-webkit-mask:var(--icon);mask:var(--icon)}\n"
"tr{--icon:" ICON("M4 2h6.5l3.5 3.5V16H4zM10.5 2v3.5H14") "}\n"
".d{--icon:" ICON("M2 4h5l2 2.5h7V15H2z") "}.u{--icon:" ICON("M9 15V4M4.5 8 9 3.5 13.5 8") "}\n"
".d a,.u a{color:var(--green);font-weight:600}.d a::before,.u a::before{background:var(--green)}\n"
"tbody tr:hover{background:var(--hover)}\n"
"footer{margin-top:2rem;color:var(--dim);font-size:.9rem}\n"
/* On a phone a row is two lines: the name, and what is said of it. All of it is the link. */
"@media(max-width:36rem){main{padding:2rem .9rem}p{margin-bottom:1.25rem}\n"
"table,thead,tbody{display:block}thead tr{display:flex}th a{padding:.6rem .8rem}\n"
"thead{position:sticky;top:0;z-index:1}\n"
"tbody tr{display:grid;grid-template-columns:1fr auto;position:relative}tr+tr{border-top:1px solid var(--line)}tr+tr td{border:0}\n"
"td{padding:0 .8rem .6rem}td:first-child{grid-column:1/-1}td:nth-child(2){padding-left:2.5rem;text-align:left}td[title]{z-index:1;justify-self:start}\n"
"td a{position:static;padding:.6rem .8rem .15rem 2.5rem}.u a{padding-bottom:.6rem}td a::before{left:.8rem;top:.85rem}td a::after{content:\"\";position:absolute;inset:0}}\n"
"</style>\n"
"<main>\n";

static const char end[] =
"<footer>The same as <a href=\"?json\">JSON</a>.</footer>\n"
"</main>\n"
"</html>\n";
/* clang-format on */

/* --- strangers' text ---------------------------------------------------------------------- */

static void add_html(struct text *t, struct bytes text)
{
    while (text.len > 0) {
        const uint8_t c = text.at[0];
        const size_t len = utf8_len(text);
        if (len == 0 || (c == 0xc2 && text.at[1] < 0xa0)) { /* nothing, or a control of C1 */
            text_add(t, "\xef\xbf\xbd");                    /* U+FFFD */
        } else if (c < 0x20 || c == 0x7f) {
            text_add(t, "\xe2\x90"); /* U+2400 to U+2421 */
            text_add_char(t, (char)(0x80 + (c == 0x7f ? 0x21 : c)));
        } else if (c == '&') {
            text_add(t, "&amp;");
        } else if (c == '<') {
            text_add(t, "&lt;");
        } else if (c == '>') {
            text_add(t, "&gt;");
        } else if (c == '"') {
            text_add(t, "&quot;");
        } else if (c == '\'') {
            text_add(t, "&#39;");
        } else {
            for (size_t i = 0; i < len; i++)
                text_add_char(t, (char)text.at[i]);
        }
        text = bytes_skip(text, size_max(len, 1));
    }
}

static void add_encoded(struct text *t, struct bytes name)
{
    struct writer w = writer_of(t->at + t->len, t->room - 1 - t->len);

    http_path_encode(&w, (const char *)name.at, name.len);
    t->cut = t->cut || w.overrun;
    t->len = t->room - 1 - w.left;
    t->at[t->len] = '\0';
}

/* --- numbers ------------------------------------------------------------------------------ */

/* "999 B", "1.2 MB", "123 MB", rounded. */
static void add_size(struct text *t, uint64_t octets)
{
    static const char *const units[] = {" kB", " MB", " GB", " TB", " PB", " EB"};
    uint64_t unit = 1000;
    size_t i = 0;

    if (octets < 1000) {
        text_add_u64(t, octets);
        text_add(t, " B");
        return;
    }
    while (octets / unit + (octets % unit >= unit / 2) >= 1000) {
        unit *= 1000;
        i++;
    }
    const uint64_t tenths = octets / unit * 10 + (octets % unit * 10 + unit / 2) / unit;
    if (tenths < 1000) {
        text_add_u64(t, tenths / 10);
        text_add_char(t, '.');
        text_add_u64(t, tenths % 10);
    } else {
        text_add_u64(t, octets / unit + (octets % unit >= unit / 2));
    }
    text_add(t, units[i]);
}

static void add_count(struct text *t, uint64_t count, const char *noun)
{
    text_add_u64(t, count);
    text_add_char(t, ' ');
    text_add(t, noun);
    if (count != 1)
        text_add_char(t, 's');
}

/* --- links -------------------------------------------------------------------------------- */

static void add_order(struct text *t, enum listing_sort sort, bool descending)
{
    static const char *const keys[] = {
        [LISTING_BY_NAME] = "name", [LISTING_BY_SIZE] = "size", [LISTING_BY_TIME] = "time"};

    text_add(t, "?sort=");
    text_add(t, keys[sort]);
    text_add(t, descending ? "&amp;order=desc" : "&amp;order=asc");
}

/* Behind a link to another folder: the order that was chosen. */
static void keep_order(struct http_listing *l)
{
    if (l->view.sort != LISTING_BY_NAME || l->view.descending)
        add_order(&l->text, l->view.sort, l->view.descending);
}

static void add_link_up(struct http_listing *l, size_t levels)
{
    text_add(&l->text, "<a href=\"");
    for (size_t i = 0; i < levels; i++)
        text_add(&l->text, "../");
    keep_order(l);
    text_add(&l->text, "\">");
}

/* --- the pieces --------------------------------------------------------------------------- */

static struct bytes path_of(const struct http_listing *l)
{
    return strcmp(l->path, ".") == 0 ? bytes_of(l->path, 0) : bytes_of(l->path, strlen(l->path));
}

static size_t depth_of(struct bytes path)
{
    size_t depth = path.len > 0;

    for (size_t i = 0; i < path.len; i++)
        depth += path.at[i] == '/';
    return depth;
}

/* The last folder of the path. */
static struct bytes last_of(struct bytes path)
{
    size_t at = path.len;

    while (at > 0 && path.at[at - 1] != '/')
        at--;
    return bytes_skip(path, at);
}

static void add_head(struct http_listing *l)
{
    const struct bytes path = path_of(l);

    text_add(&l->text, head_begin);
    add_html(&l->text, path);
    text_add(&l->text, path.len ? "/" : "");
    text_add(&l->text, head_end);
    if (path.len) {
        text_add(&l->text, "<nav aria-label=\"Path\">");
        add_link_up(l, depth_of(path));
        text_add(&l->text, "Files</a>");
    }
}

/* The next folder of the path; false when there is none left. */
static bool add_crumb(struct http_listing *l)
{
    const struct bytes rest = bytes_skip(path_of(l), l->crumb);
    size_t len = 0;

    if (rest.len == 0)
        return false;
    while (len < rest.len && rest.at[len] != '/')
        len++;
    const size_t below = depth_of(bytes_skip(rest, len + 1));
    text_add(&l->text, " / ");
    if (below > 0)
        add_link_up(l, below);
    else
        text_add(&l->text, "<b aria-current=\"page\">");
    add_html(&l->text, bytes_first(rest, len));
    text_add(&l->text, below > 0 ? "</a>" : "</b>");
    l->crumb += len + 1;
    return true;
}

static void add_heading(struct http_listing *l, enum listing_sort sort, const char *words)
{
    struct text *t = &l->text;
    const bool current = l->view.sort == sort;

    text_add(t, "<th scope=\"col\"");
    if (current)
        text_add(t, l->view.descending ? " aria-sort=\"descending\"" : " aria-sort=\"ascending\"");
    text_add(t, "><a href=\"");
    /* the other way round, or what one wants to see first: the largest, the newest */
    add_order(t, sort, current ? !l->view.descending : sort != LISTING_BY_NAME);
    text_add(t, "\">");
    text_add(t, words);
    text_add(t, "</a>");
}

static void add_summary(struct http_listing *l)
{
    struct text *t = &l->text;

    if (l->folders > 0)
        add_count(t, l->folders, "folder");
    if (l->folders > 0 && l->folders < l->count)
        text_add(t, ", ");
    if (l->folders < l->count) {
        add_count(t, l->count - l->folders, "file");
        text_add(t, ", ");
        add_size(t, l->octets);
    }
    if (l->cut) {
        text_add(t, "<strong>This folder is large: only the first ");
        text_add_u64(t, l->count);
        text_add(t, " of more are shown.</strong>");
    }
}

/* Not in the root when it is empty: there is not even a link up. */
static bool has_table(const struct http_listing *l)
{
    return l->count > 0 || path_of(l).len > 0;
}

/* From the end of the breadcrumbs to the first row. */
static void add_table(struct http_listing *l)
{
    struct text *t = &l->text;
    const struct bytes path = path_of(l);

    text_add(t, path.len ? "</nav>\n<h1>" : "<h1>Files");
    add_html(t, last_of(path));
    text_add(t, "</h1>\n<p>");
    if (l->count > 0 || l->cut)
        add_summary(l);
    else
        text_add(t, "This folder is empty.");
    text_add(t, "</p>\n");
    if (has_table(l))
        text_add(t, "<table>\n");
    if (l->count > 0) {
        text_add(t, "<thead><tr>");
        add_heading(l, LISTING_BY_NAME, "Name");
        add_heading(l, LISTING_BY_SIZE, "Size");
        add_heading(l, LISTING_BY_TIME, "Modified (UTC)");
        text_add(t, "</thead>\n<tbody>\n");
    }
    if (path.len) {
        text_add(t, "<tr class=\"u\"><td colspan=\"3\">");
        add_link_up(l, 1);
        text_add(t, "Parent folder</a>\n");
    }
}

static void add_row(struct http_listing *l, const struct listing_entry *e)
{
    struct text *t = &l->text;
    const struct bytes name = listing_name(l, e);
    char modified[LISTING_TIME_LEN + 1];

    text_add(t, e->folder ? "<tr class=\"d\"><td><a href=\"./" : "<tr><td><a href=\"./");
    add_encoded(t, name);
    if (e->folder) {
        text_add_char(t, '/');
        keep_order(l);
    }
    text_add(t, "\">");
    add_html(t, name);
    text_add(t, e->folder ? "/</a><td>&ndash;" : "</a><td title=\"");
    if (!e->folder) {
        add_count(t, e->size, "octet");
        text_add(t, "\">");
        add_size(t, e->size);
    }
    listing_time(e->mtime_ns, modified);
    text_add(t, "<td><time datetime=\"");
    text_add(t, modified);
    text_add(t, "\">");
    modified[10] = ' ';
    modified[16] = '\0'; /* before the seconds */
    text_add(t, modified);
    text_add(t, "</time>\n");
}

bool listing_page_next(struct http_listing *l)
{
    enum { HEAD, CRUMBS, ROWS, END };
    const struct listing_entry *e;

    switch (l->stage) {
    case HEAD:
        add_head(l);
        l->stage = CRUMBS;
        return true;
    case CRUMBS:
        if (!add_crumb(l)) {
            add_table(l);
            l->stage = ROWS;
        }
        return true;
    case ROWS:
        e = listing_order_take(l);
        if (e) {
            add_row(l, e);
        } else {
            text_add(&l->text, has_table(l) ? "</table>\n" : "");
            text_add(&l->text, end);
            l->stage = END;
        }
        return true;
    default:
        return false;
    }
}

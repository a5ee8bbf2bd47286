/*
 * fuzz_http_listing.c - names that anybody may have given to files, and any query.
 *
 * The input is the room of a read, a query and names. The page is taken apart by a grammar that has
 * no way for a name to be anything but text and a link to exactly itself; the JSON is read by a
 * library. Neither may depend on the room, and all is given back.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "http/http_listing.h"
#include "http/http_octets.h"
#include "http/http_path.h"
#include "support/counted.h"
#include "support/fake_files.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

enum { OUT_ROOM = 1 << 17, INPUT_MAX = 4096 };

static struct fake_files files;
static struct files_ops ops;
static struct memory memory;
static unsigned wakes;

static const struct env env = {.alloc = counted_alloc, .release = counted_release};

void http_source_wake(struct http_source *source)
{
    (void)source;
    wakes++;
}

/* --- the files ---------------------------------------------------------------------------- */

/* Up to the next NUL, NUL-terminated; `text` is, at the end of all. */
static char *take_string(char **text, const char *end)
{
    char *string = *text;

    *text += strlen(string) + (*text + strlen(string) < end);
    return string;
}

/* The folder is "d"; names[] gets those that it must list. */
static size_t make_files(char *text, const char *end, const char **names)
{
    static char paths[FAKE_FILES][INPUT_MAX + 3];
    size_t count = 0;

    files = (struct fake_files){.file = {{.name = "d", .kind = FILE_DIRECTORY}}};
    for (size_t i = 1; i < FAKE_FILES && text < end; i++) {
        const uint8_t traits = (uint8_t)*text++;
        const char *name = take_string(&text, end);
        if (name[0] == '\0' || strchr(name, '/'))
            continue;
        memcpy(paths[i], "d/", 2);
        memcpy(paths[i] + 2, name, strlen(name) + 1);
        files.file[i] = (struct fake_file){.name = paths[i],
                                           .kind = (enum file_kind)(traits % 3),
                                           .size = UINT64_C(1) << (traits >> 2),
                                           .mtime_ns = (int64_t)((uint64_t)traits << 56)};
        if (name[0] != '.' && strlen(name) <= HTTP_NAME_MAX && traits % 3 != FILE_OTHER)
            names[count++] = paths[i] + 2;
    }
    return count;
}

static size_t list(struct bytes query, size_t room, char *out, const char **type)
{
    struct pool pool;
    struct file_info info;
    size_t len = 0;
    int n;

    HOLDS(pool_init(&pool, &memory, "listings", http_listing_size(), 1) == 0);
    int dir = ops.open(ops.context, "d", &info);
    struct http_source *source = http_listing_open(&pool, &ops, dir, "d", query, type);
    HOLDS(source);
    uint8_t *exact = malloc(room);
    HOLDS(exact);
    do {
        const unsigned before = wakes;
        n = source->read(source, exact, room, (instant){0});
        HOLDS(n <= (int)room && wakes == before + (n == -EAGAIN));
        if (n > 0) {
            HOLDS(len + (size_t)n < OUT_ROOM);
            memcpy(out + len, exact, (size_t)n);
            len += (size_t)n;
        }
    } while (n > 0 || n == -EAGAIN);
    free(exact);
    HOLDS(n == 0 && files.open == 0);
    source->close(source);
    HOLDS(pool.used == 0);
    pool_fini(&pool);
    HOLDS(memory_used == 0);
    out[len] = '\0';
    return len;
}

/* --- the page ----------------------------------------------------------------------------- */

static bool next_is(const char **at, const char *text)
{
    if (strncmp(*at, text, strlen(text)) != 0)
        return false;
    *at += strlen(text);
    return true;
}

static void expect(const char **at, const char *text)
{
    HOLDS(next_is(at, text));
}

/* The octets that a link leads to, up to `end`. */
static void read_link(const char **at, char end, char name[HTTP_NAME_MAX + 1])
{
    size_t len = 0;

    while (**at != end) {
        uint8_t octet = (uint8_t) * (*at)++;
        HOLDS(octet == '%' || http_is_digit(octet) || strchr("-._~", octet) ||
              (http_lower(octet) >= 'a' && http_lower(octet) <= 'z'));
        if (octet == '%') {
            const uint8_t high = (uint8_t) * (*at)++, low = (uint8_t) * (*at)++;
            HOLDS(http_octet_is(high, HTTP_HEX) && http_octet_is(low, HTTP_HEX));
            octet = (uint8_t)(http_hex_value(high) << 4 | http_hex_value(low));
        }
        HOLDS(octet != '\0' && len < HTTP_NAME_MAX);
        name[len++] = (char)octet;
    }
    name[len] = '\0';
}

/* Text up to the next tag: well-formed, without markup or controls. */
static void read_text(const char **at)
{
    while (**at != '<') {
        const struct bytes rest = bytes_of(*at, strnlen(*at, 4));
        const size_t len = rest.len ? utf8_len(rest) : 0;
        HOLDS(len > 0 && rest.at[0] >= 0x20 && rest.at[0] != 0x7f);
        HOLDS(rest.at[0] != 0xc2 || rest.at[1] >= 0xa0);
        HOLDS(!strchr(">\"'", rest.at[0]));
        if (rest.at[0] != '&')
            *at += len;
        else
            HOLDS(next_is(at, "&amp;") || next_is(at, "&lt;") || next_is(at, "&gt;") ||
                  next_is(at, "&quot;") || next_is(at, "&#39;"));
    }
}

static void skip_of(const char **at, const char *octets)
{
    *at += strspn(*at, octets);
}

/* One row: which name it is of goes into `name`. */
static bool read_row(const char **at, char name[HTTP_NAME_MAX + 1])
{
    const bool folder = next_is(at, "<tr class=\"d\"><td><a href=\"./");

    if (!folder && !next_is(at, "<tr><td><a href=\"./"))
        return false;
    read_link(at, folder ? '/' : '"', name);
    if (folder) {
        expect(at, "/");
        if (next_is(at, "?sort=")) {
            skip_of(at, "namesiztd");
            HOLDS(next_is(at, "&amp;order=asc") || next_is(at, "&amp;order=desc"));
        }
    }
    expect(at, "\">");
    read_text(at);
    expect(at, "</a><td");
    if (folder) {
        expect(at, ">&ndash;");
    } else {
        expect(at, " title=\"");
        skip_of(at, "0123456789 octets");
        expect(at, "\">");
        skip_of(at, "0123456789. kMGTPEB");
    }
    expect(at, "<td><time datetime=\"");
    skip_of(at, "0123456789-:.TZ");
    expect(at, "\">");
    skip_of(at, "0123456789-: ");
    expect(at, "</time>\n");
    return true;
}

static void check_page(const char *page, const char **names, size_t count)
{
    static const char parent[] = "Parent folder</a>\n";
    char name[HTTP_NAME_MAX + 1];

    const char *at = strstr(page, parent);
    HOLDS(at);
    at += sizeof(parent) - 1;
    for (size_t left = count; left > 0; left--) {
        size_t i = 0;
        HOLDS(read_row(&at, name));
        while (i < left && strcmp(names[i], name) != 0)
            i++;
        HOLDS(i < left);
        names[i] = names[left - 1];
    }
    expect(&at, "</table>\n<footer>");
    HOLDS(strcmp(at + strlen(at) - 16, "</main>\n</html>\n") == 0);
}

static void check_json(const char *json, size_t len, size_t count)
{
    json_t *all = json_loadb(json, len, JSON_REJECT_DUPLICATES, NULL);

    HOLDS(all);
    HOLDS(json_array_size(json_object_get(all, "entries")) == count);
    HOLDS(json_is_true(json_object_get(all, "complete")));
    json_decref(all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char input[INPUT_MAX + 1], out[OUT_ROOM], again[OUT_ROOM];
    const char *names[FAKE_FILES], *type, *type_again;
    char *text = input;

    if (size < 1 || size > INPUT_MAX)
        return 0;
    memcpy(input, data, size);
    input[size] = '\0';
    memory = (struct memory){.env = &env};
    ops = fake_files_ops(&files);
    const size_t room = (uint8_t)*text++ + 1U;
    const char *query = take_string(&text, input + size);
    const size_t count = make_files(text, input + size, names);

    size_t len = list(bytes_of(query, strlen(query)), OUT_ROOM, out, &type);
    HOLDS(list(bytes_of(query, strlen(query)), room, again, &type_again) == len);
    HOLDS(memcmp(out, again, len) == 0 && type == type_again);
    if (strcmp(type, "application/json") == 0)
        check_json(out, len, count);
    else
        check_page(out, names, count);
    return 0;
}

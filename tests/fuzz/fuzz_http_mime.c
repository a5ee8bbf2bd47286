/*
 * fuzz_http_mime.c - any octets as a file of media types.
 *
 * What is refused says why, with its line. What is read answers for every name with a type that a
 * head can carry; and all of its extensions, looked up and written down again, are read as the
 * same.
 */
#include <errno.h>
#include <stdlib.h>

#include "http/http_mime.h"
#include "http/http_octets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

enum { TEXT_MAX = 1024 }; /* of an input that is written down again */

static struct memory memory;

static int read_types(struct bytes text, struct http_mime_types **types)
{
    char why[HTTP_MIME_WHY];
    struct text to = text_of(why, sizeof(why));
    const int err = http_mime_read(&memory, text, types, &to);

    HOLDS(err == 0 || err == -EINVAL || err == -EFBIG);
    HOLDS(!err == (to.len == 0));
    if (err == -EINVAL)
        HOLDS(strncmp(why, "line ", 5) == 0);
    for (const char *p = why; *p; p++)
        HOLDS(*p >= 0x20 && *p < 0x7f);
    return err;
}

static void check_type(const char *type)
{
    HOLDS(strlen(type) <= HTTP_MIME_TYPE_MAX && strchr(type, '/'));
    for (const char *p = type; *p; p++)
        HOLDS(http_octet_is((uint8_t)*p, HTTP_TCHAR) || strchr("/; =", *p));
    (void)http_mime_is_compressible(type);
}

static const char *find(const struct http_mime_types *types, struct bytes word)
{
    static char name[TEXT_MAX + 2];

    name[0] = '.';
    memcpy(name + 1, word.at, word.len);
    const char *type = http_mime_find(types, name, word.len + 1);
    check_type(type);
    return type;
}

/* Every run of token octets in the input is a name to look up. */
static void check_names(struct bytes in, const struct http_mime_types *types)
{
    static char again[TEXT_MAX * (HTTP_MIME_TYPE_MAX + 4)];
    struct http_mime_types *copy = NULL;
    struct writer w = writer_of(again, sizeof(again));

    for (int pass = 0; pass < 2; pass++) {
        for (size_t at = 0, len; at < in.len; at += len + 1) {
            len = 0;
            while (at + len < in.len && http_octet_is(in.at[at + len], HTTP_TCHAR) &&
                   in.at[at + len] != '.' && in.at[at + len] != '#')
                len++;
            if (len == 0)
                continue;
            const struct bytes word = bytes_of(in.at + at, len);
            const char *type = find(types, word);
            if (pass == 1) {
                HOLDS(strcmp(find(copy, word), type) == 0);
                continue;
            }
            size_t bare = 0; /* without the charset, which is added to text again */
            while (type[bare] && type[bare] != ';')
                bare++;
            write_bytes(&w, type, bare);
            write_u8(&w, ' ');
            write_bytes(&w, word.at, word.len);
            write_u8(&w, '\n');
        }
        HOLDS(!w.overrun);
        if (pass == 0 && read_types(bytes_of(again, sizeof(again) - w.left), &copy))
            abort();
    }
    http_mime_free(&memory, copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_mime_types *types = NULL;
    const struct bytes in = bytes_of(data, size);

    if (read_types(in, &types))
        return 0;
    if (in.len <= TEXT_MAX)
        check_names(in, types);
    http_mime_free(&memory, types);
    return 0;
}

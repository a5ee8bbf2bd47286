/*
 * fuzz_http_path.c - any octets as the path of a target.
 *
 * A name that comes out is relative, has no "..", no control and no NUL, is UTF-8, and is found
 * again when it is written as a path.
 */
#include <stdlib.h>

#include "http/http_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

static void check_name(const struct http_path *path)
{
    const char *segment = path->text;

    HOLDS(path->len > 0 && path->len < HTTP_PATH_ROOM && path->text[path->len] == '\0');
    HOLDS(strlen(path->text) == path->len);
    for (size_t i = 0; i <= path->len; i++) {
        uint8_t octet = (uint8_t)path->text[i];
        if (octet != '/' && octet != '\0') {
            HOLDS(octet >= 0x20 && octet != 0x7f && octet != '\\');
            continue;
        }
        size_t len = (size_t)(path->text + i - segment);
        HOLDS(len > 0 && len <= HTTP_NAME_MAX);
        HOLDS(len != 2 || memcmp(segment, "..", 2) != 0);
        HOLDS(len != 1 || segment[0] != '.' || path->len == 1);
        segment = path->text + i + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct http_path path, again;
    static uint8_t encoded[3 * HTTP_PATH_ROOM];
    uint8_t *exact = malloc(size ? size : 1);

    HOLDS(exact);
    if (size)
        memcpy(exact, data, size);
    int status = http_path_decode(bytes_of(exact, size), &path);
    free(exact);
    HOLDS(status == 0 || status == 400 || status == 404);
    if (status)
        return 0;
    check_name(&path);

    struct writer w = writer_of(encoded, sizeof(encoded));
    http_path_encode(&w, path.text, path.len);
    size_t len = sizeof(encoded) - w.left;
    HOLDS(!w.overrun && len == http_path_encoded_len(path.text, path.len));
    HOLDS(http_path_decode(bytes_of(encoded, len), &again) == 0);
    HOLDS(again.len == path.len && memcmp(again.text, path.text, path.len) == 0);
    return 0;
}

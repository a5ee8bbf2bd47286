/*
 * serve_mime.c - see serve_mime.h.
 */
#include "serve_mime.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As much of the file as there is room for: 0 or a negative errno. */
static int read_file(const char *path, uint8_t *octets, size_t room, size_t *len)
{
    FILE *file = fopen(path, "re");

    if (!file)
        return -errno;
    errno = 0;
    *len = fread(octets, 1, room, file);
    int err = ferror(file) ? -errno : 0;
    fclose(file);
    return err;
}

int serve_mime_read(struct memory *memory, const char *path, struct http_mime_types **types,
                    struct refusal *refusal)
{
    static uint8_t octets[HTTP_MIME_TEXT_MAX + 1]; /* one more shows that there are too many */
    char why[HTTP_MIME_WHY];
    struct text words = text_of(why, sizeof why);
    size_t len = 0;

    int err = read_file(path, octets, sizeof octets, &len);
    if (err)
        return refuse(refusal, EXIT_FAILURE,
                      "--mime-types %s: %s; name a file like /etc/mime.types", path,
                      strerror(-err));
    err = http_mime_read(memory, bytes_of(octets, len), types, &words);
    if (err)
        return refuse(refusal, EXIT_FAILURE, "--mime-types %s: %s", path, why);
    return 0;
}

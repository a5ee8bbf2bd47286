/*
 * control_client.c - see control_client.h.
 *
 * Who finds no stack, or several, must know what to do next: so the choice is listed, one path a
 * line, as --control wants it. A stack that is stopped by a signal takes connections and answers
 * nothing; it is given PATIENCE_S.
 */
#include "control_client.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"
#include "base/instant.h"

enum { PATIENCE_S = 10, TRIES = 100, NAP_MS = 10 };

int control_path_take(const char **path, const char *text, struct refusal *refusal)
{
    if (!*text)
        return refuse(refusal, EXIT_USAGE, "--control needs the path of a socket");
    *path = text;
    return 0;
}

static int choose(struct control_client *c, struct refusal *refusal)
{
    static struct os_control_found found; /* not on the stack: 64 paths */

    os_control_search(&found);
    if (found.count == 0)
        return refuse(
            refusal, EXIT_FAILURE,
            "no stack is running that could be asked; start one by 'tapio serve', or name "
            "its socket by --control PATH");
    if (found.count > 1) {
        for (int i = 0; i < found.count; i++)
            fprintf(stderr, "%s\n", found.path[i]);
        return refuse(refusal, EXIT_USAGE, "%d stacks are running; choose one by --control PATH",
                      found.count);
    }
    memcpy(c->path, found.path[0], sizeof c->path);
    return 0;
}

/* While more wait than the stack has had time for, it waits, too. */
static int dial(const char *path)
{
    const struct timespec nap = {.tv_nsec = NAP_MS * NS_PER_MS};
    int fd = os_control_connect(path);

    for (int i = 0; i < TRIES && fd == -EAGAIN; i++) {
        nanosleep(&nap, NULL);
        fd = os_control_connect(path);
    }
    return fd;
}

int control_client_open(struct control_client *c, const char *path, struct refusal *refusal)
{
    struct timeval patience = {.tv_sec = PATIENCE_S};

    *c = (struct control_client){.fd = -1};
    if (path && strlen(path) >= sizeof c->path)
        return refuse(refusal, EXIT_USAGE, "--control %s: a socket's path has at most %zu octets",
                      path, sizeof c->path - 1);
    int status = path ? 0 : choose(c, refusal);
    if (status)
        return status;
    if (path)
        snprintf(c->path, sizeof c->path, "%s", path);
    c->fd = dial(c->path);
    if (c->fd == -ECONNREFUSED)
        return refuse(refusal, EXIT_FAILURE, "%s: nobody answers; the stack that made it is gone",
                      c->path);
    if (c->fd == -EAGAIN)
        return refuse(refusal, EXIT_FAILURE,
                      "%s: too many ask at once, or it is stopped; try later", c->path);
    if (c->fd == -EACCES || c->fd == -EPERM)
        return refuse(refusal, EXIT_PERMISSION,
                      "%s: it is another user's; ask as that user, or root", c->path);
    if (c->fd < 0)
        return refuse(refusal, EXIT_FAILURE, "%s: %s", c->path, strerror(-c->fd));
    fcntl(c->fd, F_SETFL, fcntl(c->fd, F_GETFL) & ~O_NONBLOCK);
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    return 0;
}

void control_client_close(struct control_client *c)
{
    json_decref(c->object);
    free(c->line);
    if (c->in)
        fclose(c->in);
    else if (c->fd >= 0)
        close(c->fd);
    *c = (struct control_client){.fd = -1};
}

int control_client_ask(struct control_client *c, json_t *request, struct refusal *refusal)
{
    char *line = json_dumps(request, JSON_COMPACT);
    bool sent = line && dprintf(c->fd, "%s\n", line) > 0;

    free(line);
    json_decref(request);
    /* Who turns us away has said why and hung up: that can still be read. */
    return sent || errno == EPIPE || errno == ECONNRESET ? 0 : control_client_lost(c, refusal);
}

int control_client_lost(const struct control_client *c, struct refusal *refusal)
{
    if (errno == EAGAIN)
        return refuse(refusal, EXIT_FAILURE,
                      "%s: no answer for %d s; is that process stopped (kill -CONT)?", c->path,
                      PATIENCE_S);
    return refuse(refusal, EXIT_FAILURE, "%s: the stack has ended before its answer was complete",
                  c->path);
}

int control_client_next(struct control_client *c, struct refusal *refusal)
{
    json_error_t error;

    json_decref(c->object);
    c->object = NULL;
    if (!c->in)
        c->in = fdopen(c->fd, "r");
    errno = 0;
    ssize_t len = c->in ? getline(&c->line, &c->room, c->in) : -1;
    if (len <= 0 || c->line[len - 1] != '\n')
        return control_client_lost(c, refusal);
    c->object = json_loadb(c->line, (size_t)len, 0, &error);
    const char *type = control_text(c->object, "type");
    if (!type)
        return refuse(refusal, EXIT_FAILURE, "%s: that is no answer of a stack: %s", c->path,
                      error.text);
    if (strcmp(type, "error") == 0) {
        const char *why = control_text(c->object, "error");
        return refuse(refusal, EXIT_FAILURE, "%s: %s", c->path, why ? why : "refused");
    }
    return strcmp(type, "end") == 0 ? -1 : 0;
}

const char *control_text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

uint64_t control_number(const json_t *object, const char *key, uint64_t otherwise)
{
    const json_t *value = json_object_get(object, key);

    if (json_is_integer(value))
        return (uint64_t)json_integer_value(value);
    if (json_is_string(value))
        return strtoull(json_string_value(value), NULL, 10);
    return otherwise;
}

/*
 * control_client.h - asks a running stack: finds its control socket, and reads what it answers.
 */
#ifndef TAPIO_TOOLS_CONTROL_CLIENT_H
#define TAPIO_TOOLS_CONTROL_CLIENT_H

#include <jansson.h>
#include <stdio.h>

#include "os/os_control_dir.h"
#include "talk.h"

struct control_client {
    int fd; /* -1: none */
    char path[OS_CONTROL_PATH];
    FILE *in;
    char *line; /* the last one, with its end */
    size_t room;
    json_t *object; /* the same, read; NULL: none */
};

/* The value of --control. */
int control_path_take(const char **path, const char *text, struct refusal *refusal);

/* Connects to the socket at `path`, or where that is NULL to the only one that lives. 0, or the
 * status to exit with and the reason: 1 when there is none, 2 when there are several, which are
 * listed. */
int control_client_open(struct control_client *c, const char *path, struct refusal *refusal);
void control_client_close(struct control_client *c);
/* Sends one request, an object of which it takes the reference. 0, or the status and the reason. */
int control_client_ask(struct control_client *c, json_t *request, struct refusal *refusal);
/* The next line of the reply, in c->line and c->object: 0. -1 behind the last line, of type "end";
 * else the status and the reason. */
int control_client_next(struct control_client *c, struct refusal *refusal);
/* What is wrong when a reply ends before its end. */
int control_client_lost(const struct control_client *c, struct refusal *refusal);

/* A member of an object; NULL, or `otherwise`, when it is not there. Numbers too large for a double
 * come as strings. */
const char *control_text(const json_t *object, const char *key);
uint64_t control_number(const json_t *object, const char *key, uint64_t otherwise);

#endif

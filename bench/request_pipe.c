/*
 * request_pipe.c - small requests and answers, or connections that come and go, from one stack to
 * another over the in-memory pipe, for counting instructions.
 *
 *     request_pipe requests N      over one connection, 100 octets each way
 *     request_pipe opens N         connections, one after the other, that carry nothing; the client
 *                                  closes first, and they stay in TIME-WAIT
 *
 * Prints how many there were, and how many packets both have sent. See pipe_pair.h.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipe_pair.h"

enum { LEN = 100, TURNS_MAX = 10000000 };

static struct pipe_pair pair;
static struct pipe_side *const client = &pair.side[0], *const server = &pair.side[1];
static uint8_t text[LEN];
static uint64_t left, done;
static int listener, asks = -1, answers = -1;
static bool waits, only_opens;

/* --- both sides --------------------------------------------------------------------------- */

PIPE_STEP client_in(void)
{
    pipe_side_in(client, pair.now);
}

PIPE_STEP client_out(void)
{
    pipe_side_out(client, pair.now);
}

PIPE_STEP server_in(void)
{
    pipe_side_in(server, pair.now);
}

PIPE_STEP server_out(void)
{
    pipe_side_out(server, pair.now);
}

/* --- requests ----------------------------------------------------------------------------- */

static void ask(void)
{
    if (waits && sock_recv(client->stack, asks, text, LEN, 0, NULL) == LEN) {
        waits = false;
        done++;
    }
    if (!waits && left > 0 && sock_send(client->stack, asks, text, LEN, 0, NULL) == LEN) {
        waits = true;
        left--;
    }
}

static void answer(int s)
{
    if (sock_recv(server->stack, s, text, LEN, 0, NULL) == LEN)
        pipe_pair_must(sock_send(server->stack, s, text, LEN, 0, NULL) == LEN, "not answered");
}

/* --- connections -------------------------------------------------------------------------- */

static void open_or_close(void)
{
    if (asks < 0 && left > 0) {
        asks = pipe_pair_connect(&pair);
        left--;
    } else if (asks >= 0 && sock_poll(client->stack, asks) & POLLOUT) {
        pipe_pair_must(sock_close(client->stack, asks) == 0, "not closed");
        asks = -1;
    }
}

static void close_after(int s)
{
    if (sock_recv(server->stack, s, text, LEN, 0, NULL) != 0)
        return;
    pipe_pair_must(sock_close(server->stack, s) == 0, "not closed");
    answers = -1;
    done++;
}

/* --- the loop: who has news is served ----------------------------------------------------- */

PIPE_STEP client_app(void)
{
    short events;

    while (sock_next_ready(client->stack, &events) >= 0)
        ;
    if (only_opens)
        open_or_close();
    else
        ask();
}

PIPE_STEP server_app(void)
{
    short events;
    int s;

    while ((s = sock_next_ready(server->stack, &events)) >= 0) {
        if (s == listener)
            answers = sock_accept(server->stack, listener, NULL, NULL);
        else if (only_opens)
            close_after(s);
        else
            answer(s);
    }
}

int main(int argc, char **argv)
{
    only_opens = argc > 1 && strcmp(argv[1], "opens") == 0;
    if (argc != 3 || (!only_opens && strcmp(argv[1], "requests") != 0)) {
        fprintf(stderr, "usage: request_pipe requests|opens N\n");
        return 2;
    }
    uint64_t wanted = left = strtoull(argv[2], NULL, 10);
    pipe_pair_begin(&pair, 1500);
    listener = pipe_pair_listen(&pair);
    if (!only_opens)
        asks = pipe_pair_connect(&pair);
    for (int turns = 0; done < wanted && turns < TURNS_MAX; turns++) {
        client_app();
        client_out();
        server_in();
        server_app();
        server_out();
        client_in();
        pipe_pair_tick(&pair);
    }
    printf("%llu %s, %llu segments\n", (unsigned long long)done, argv[1],
           (unsigned long long)pipe_pair_packets(&pair));
    pipe_pair_end(&pair);
    return done == wanted ? EXIT_SUCCESS : EXIT_FAILURE;
}

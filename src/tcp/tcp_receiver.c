/*
 * tcp_receiver.c - the object of receiver.h comes and goes.
 *
 * Without memory for it the peer's text or FIN is as good as lost, and comes again; and what came
 * twice is not told, which it need not be.
 */
#include "tcp/tcp_conn.h"

enum { FRAME_OCTETS_PER_ISLAND = 512 };

int receivers_init(struct tcp *tcp)
{
    const struct stack_values *values = tcp->values;
    int err = pool_init(&tcp->receivers, tcp->memory, "tcp receivers", sizeof(struct receiver),
                        (uint32_t)values->tcp_connections);

    if (err)
        return err;
    err = pool_init(&tcp->islands, tcp->memory, "tcp islands", reorder_island_size,
                    (uint32_t)(values->mem_frames / FRAME_OCTETS_PER_ISLAND));
    if (err)
        pool_fini(&tcp->receivers);
    return err;
}

void receivers_fini(struct tcp *tcp)
{
    pool_fini(&tcp->islands);
    pool_fini(&tcp->receivers);
}

struct receiver *receiver_need(struct tcp *tcp, struct tcp_conn *conn)
{
    if (!conn->receiver)
        conn->receiver = pool_get(&tcp->receivers);
    return conn->receiver;
}

void receiver_flush(struct tcp *tcp, struct tcp_conn *conn)
{
    if (conn->receiver)
        reorder_clear(&conn->receiver->reorder, &tcp->islands);
}

void receiver_free(struct tcp *tcp, struct tcp_conn *conn)
{
    receiver_flush(tcp, conn);
    conn->has_dsack = conn->fin_early = false;
    if (conn->receiver)
        pool_put(&tcp->receivers, conn->receiver);
    conn->receiver = NULL;
}

void receiver_settle(struct tcp *tcp, struct tcp_conn *conn)
{
    if (!conn_has_early(conn) && !conn->has_dsack && !conn->fin_early)
        receiver_free(tcp, conn);
}

/*
 * tcp_address.c - an address of ours goes away, and its connections with it.
 *
 * A connection is named by both its ends, so it cannot outlive either. Nor can it say goodbye: the
 * address may be somebody else's by now, and a reset from us would be a lie about him. Whoever
 * speaks to the old name will learn from its new owner, or from nobody.
 *
 * One that was aborted a moment ago is in no table any more but may owe its reset still, which is
 * forgotten. And who waits for a station is let go, whichever it is: the stack is about to drop the
 * packets of others that he waits behind.
 *
 * This looks at every connection. It happens when a lease ends.
 */
#include <errno.h>

#include "tcp/syn_cache.h"
#include "tcp/tcp_conn.h"
#include "tcp/time_wait.h"

static const char cause[] = "its address is not ours any more";

static void forget_resets(struct tcp *tcp, struct ip_addr local, instant now)
{
    struct list *next;

    tcp_unpark_all(tcp);
    for (struct list *node = tcp->debtors.next; node != &tcp->debtors; node = next) {
        struct tcp_conn *conn = CONTAINER_OF(node, struct tcp_conn, debt);
        next = node->next;
        if (conn->state != TCPS_CLOSED || !ip_equal(conn->local.addr, local))
            continue;
        conn->rst_why = WHY_NONE;
        list_remove(&conn->debt);
        tcp_settle(tcp, conn, now);
    }
}

void tcp_forget_address(struct tcp *tcp, struct ip_addr local, instant now)
{
    for (size_t i = 0; i < tcp->table_used; i++) {
        struct tcp_conn *next;
        for (struct tcp_conn *conn = tcp->table[i]; conn; conn = next) {
            next = conn->hash_next;
            if (!ip_equal(conn->local.addr, local))
                continue;
            tcp_end(tcp, conn, ENETDOWN, cause, now);
            tcp_settle(tcp, conn, now);
        }
    }
    forget_resets(tcp, local, now);
    syn_forget_address(tcp, local, cause, now);
    tw_forget_address(tcp, local, cause, now);
}

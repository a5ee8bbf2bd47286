/*
 * tcp_park.c - connections whose first hop is being asked for, and at whose entry no more can wait.
 *
 * Such a connection keeps its debt but is no debtor: it lies in the list of the station that it
 * waits for, under the number by which the stack names it, and a half-open one in a chain of the
 * same number (syn_cache.c). Who lets a station's connections go moves the whole list behind the
 * debtors, whatever its length, and none of another station is looked at: else one that never
 * answers and another that always does could make us try all of the first one's again and again.
 *
 * Each is woken once for each answer or failure of its own station, and parks again only if that
 * station is being asked for anew. Where it waits is nowhere written: who ends or is paid meanwhile
 * takes itself out of whatever list it is in.
 *
 * The numbers are few, as many as the ARP cache has entries, so the lists are there from the start.
 */
#include <errno.h>

#include "tcp/syn_cache.h"
#include "tcp/tcp_conn.h"

int tcp_parking_init(struct tcp *tcp, uint32_t stations)
{
    tcp->stations = stations;
    if (stations == 0)
        return 0;
    tcp->parked = memory_alloc(tcp->memory, stations * sizeof(*tcp->parked));
    if (!tcp->parked)
        return -ENOMEM;
    for (uint32_t i = 0; i < stations; i++)
        list_init(&tcp->parked[i]);
    return 0;
}

void tcp_parking_fini(struct tcp *tcp)
{
    memory_release(tcp->memory, tcp->parked, tcp->stations * sizeof(*tcp->parked));
}

uint64_t tcp_parking_octets(const struct tcp *tcp)
{
    return tcp->stations * (sizeof(*tcp->parked) + sizeof(struct chain_link));
}

void tcp_park(struct tcp *tcp, const struct tcp_out *out, uint32_t station, instant now)
{
    assert(station < tcp->stations);
    if (out->is_note) { /* as if it were lost: the next ACK says as much */
        tcp_sent(tcp, out, now);
        return;
    }
    if (out->conn == tcp->syn.at) {
        syn_park(tcp, station);
        return;
    }
    list_remove(&out->conn->debt);
    list_append(&tcp->parked[station], &out->conn->debt);
}

void tcp_unpark(struct tcp *tcp, uint32_t station)
{
    assert(station < tcp->stations);
    syn_unpark(tcp, station);
    list_splice(&tcp->debtors, &tcp->parked[station]);
}

void tcp_unpark_all(struct tcp *tcp)
{
    for (uint32_t i = 0; i < tcp->stations; i++)
        tcp_unpark(tcp, i);
}

bool tcp_is_awaiting(const struct tcp *tcp, uint32_t station)
{
    return !list_is_empty(&tcp->parked[station]) || syn_is_awaiting(tcp, station);
}

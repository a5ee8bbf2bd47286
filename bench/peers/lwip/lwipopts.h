/*
 * lwipopts.h - lwIP as fast as its options make it, for one thread and one network. The why of each
 * figure is in ../README.md. MANY makes the second program, with control blocks without number.
 */
#ifndef PEER_LWIPOPTS_H
#define PEER_LWIPOPTS_H

/* One thread, callbacks, no sockets. */
#define NO_SYS               1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_SOCKET          0
#define LWIP_NETCONN         0
#define LWIP_STATS           0
#define LWIP_RAW             0
#define LWIP_IPV6            0
#define LWIP_ICMP            1

/* The link. HWADDRHINT: a connection remembers its neighbour's entry. */
#define LWIP_ARP              1
#define ARP_QUEUEING          1
#define ETHARP_SUPPORT_VLAN   0
#define LWIP_NETIF_HWADDRHINT 1
#define IP_REASSEMBLY         1
#define IP_FRAG               1

/* --offload takes the sums of TCP away, and of nothing else. */
#define LWIP_CHECKSUM_CTRL_PER_NETIF 1

/* Memory: what lwIP calls its heap is malloc(). Fixed pools, of which MANY has none: a pool counts
 * in 16 bits, is touched as a whole at the start, and would hide what a connection costs. */
#define MEM_ALIGNMENT   8
#define MEM_LIBC_MALLOC 1
#ifdef MANY
#define MEMP_MEM_MALLOC 1
#endif
#ifndef MEMP_NUM_TCP_PCB
#define MEMP_NUM_TCP_PCB 300
#endif
#define MEMP_NUM_TCP_PCB_LISTEN 8
#define MEMP_NUM_UDP_PCB        8
#define MEMP_NUM_TCP_SEG        32768
#define MEMP_NUM_PBUF           32768
#define PBUF_POOL_SIZE          8192
#define PBUF_POOL_BUFSIZE       1520 /* a whole frame of 1514 octets, in one piece */

/* TCP. The window is as large as the TAP's queue of 1000 frames bears. */
#define LWIP_TCP           1
#define TCP_MSS            1460
#define LWIP_WND_SCALE     1
#define TCP_RCV_SCALE      5
#define TCP_WND            (1024 * 1024)
#define TCP_SND_BUF        (1024 * 1024)
#define TCP_SND_QUEUELEN   4096
#define TCP_SNDLOWAT       (32 * 1024)
#define TCP_SNDQUEUELOWAT  1024
#define TCP_QUEUE_OOSEQ    1
#define LWIP_TCP_SACK_OUT  1
#define TCP_LISTEN_BACKLOG 0
#define TCP_OVERSIZE       TCP_MSS
#define LWIP_TCP_KEEPALIVE 0
#ifndef LWIP_TCP_TIMESTAMPS
#define LWIP_TCP_TIMESTAMPS 0
#endif

#endif

/*
 * field_words.c - names of values that more than one protocol speaks of, and who reads what
 * follows.
 */
#include "see/field_table.h"

/* clang-format off */
const struct field_word words_ether_type[] = {
    {0x0800, "IPv4", "An IPv4 packet follows."},
    {0x0806, "ARP", "An ARP packet follows."},
    {0x86dd, "IPv6", "An IPv6 packet follows."},
    {0x8100, "VLAN tag", "A VLAN tag follows (IEEE 802.1Q)."},
    {0x88a8, "service VLAN tag", "A provider's VLAN tag follows (IEEE 802.1ad)."},
    {0x9100, "VLAN tag", "A VLAN tag follows; a number from before IEEE 802.1ad."},
    {0x8847, "MPLS", NULL},
    {0x8863, "PPPoE discovery", NULL},
    {0x8864, "PPPoE", NULL},
    {0x88cc, "LLDP", NULL},
    {0x888e, "802.1X", NULL},
    {0},
};

const struct field_word words_protocol[] = {
    {0, "hop-by-hop options", "Options for every router on the way follow (RFC 8200, 4.3)."},
    {1, "ICMP", "An ICMP message follows (RFC 792)."},
    {2, "IGMP", "An IGMP message follows."},
    {4, "IPv4", "Another IPv4 packet follows: a tunnel (RFC 2003)."},
    {6, "TCP", "A TCP segment follows (RFC 9293)."},
    {17, "UDP", "A UDP datagram follows (RFC 768)."},
    {41, "IPv6", "An IPv6 packet follows: a tunnel."},
    {43, "routing header", "A routing header follows (RFC 8200, 4.4)."},
    {44, "fragment header", "A fragment header follows (RFC 8200, 4.5)."},
    {47, "GRE", NULL},
    {50, "ESP", "Encrypted: nobody on the way can read what follows (RFC 4303)."},
    {51, "AH", "An authentication header follows (RFC 4302)."},
    {58, "ICMPv6", "An ICMPv6 message follows (RFC 4443)."},
    {59, "no next header", "Nothing follows (RFC 8200, 4.7)."},
    {60, "destination options", "Options for the destination follow (RFC 8200, 4.6)."},
    {88, "EIGRP", NULL},
    {89, "OSPF", NULL},
    {103, "PIM", NULL},
    {112, "VRRP", NULL},
    {132, "SCTP", NULL},
    {0},
};

const struct field_word words_dscp[] = {
    {0, "default", "Best effort, like nearly everything."},
    {8, "CS1", NULL}, {10, "AF11", NULL}, {12, "AF12", NULL}, {14, "AF13", NULL},
    {16, "CS2", NULL}, {18, "AF21", NULL}, {20, "AF22", NULL}, {22, "AF23", NULL},
    {24, "CS3", NULL}, {26, "AF31", NULL}, {28, "AF32", NULL}, {30, "AF33", NULL},
    {32, "CS4", NULL}, {34, "AF41", NULL}, {36, "AF42", NULL}, {38, "AF43", NULL},
    {40, "CS5", NULL}, {46, "EF", "Expedited: voice, usually."}, {48, "CS6", "Routing protocols, usually."},
    {56, "CS7", NULL},
    {0},
};

const struct field_word words_ecn[] = {
    {0, "not ECT", "A congested router can only drop this packet."},
    {1, "ECT(1)", "The sender understands marks: a congested router may set CE instead of dropping."},
    {2, "ECT(0)", "The sender understands marks: a congested router may set CE instead of dropping."},
    {3, "CE", "A router on the way is congested and says so by this mark."},
    {0},
};
/* clang-format on */

struct step step_ether_type(uint32_t type, uint32_t at, uint32_t end)
{
    switch (type) {
    case 0x0800:
        return (struct step){walk_ipv4, at, end};
    case 0x86dd:
        return (struct step){walk_ipv6, at, end};
    case 0x0806:
        return (struct step){walk_arp, at, end};
    case 0x8100:
    case 0x9100:
        return (struct step){walk_vlan, at, end};
    case 0x88a8:
        return (struct step){walk_service_vlan, at, end};
    default:
        return (struct step){walk_text, at, end};
    }
}

struct step step_protocol(struct walk *w, uint32_t protocol, uint32_t at, uint32_t end)
{
    bool v6 = w->v6;

    w->protocol = (uint8_t)protocol;
    switch (protocol) {
    case 1:
        return (struct step){v6 ? walk_text : walk_icmp, at, end};
    case 4:
        return (struct step){walk_ipv4, at, end};
    case 6:
        return (struct step){walk_tcp, at, end};
    case 17:
        return (struct step){walk_udp, at, end};
    case 41:
        return (struct step){walk_ipv6, at, end};
    case 58:
        return (struct step){v6 ? walk_icmp6 : walk_text, at, end};
    case 51:
        return (struct step){walk_extension, at, end}; /* of either IP */
    case 0:
    case 43:
    case 44:
    case 60:
        return (struct step){v6 ? walk_extension : walk_text, at, end};
    default:
        return (struct step){walk_text, at, end};
    }
}

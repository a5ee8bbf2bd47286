#!/usr/bin/env python3
"""explain_zoo - one packet of every kind that `tapio explain` knows, written by hand.

    explain_zoo.py DIRECTORY     writes ethernet.pcap, and the IP packets of it with each other link type

Checksums are right but where a packet is about a wrong one. Nothing here comes from the code under test.
"""
import os
import struct
import sys

MAC_A, MAC_B = bytes.fromhex("02005e100001"), bytes.fromhex("02005e100002")
A4, B4 = bytes([10, 9, 0, 1]), bytes([10, 9, 0, 2])
A6, B6 = bytes.fromhex("fd000009" + "00" * 11 + "01"), bytes.fromhex("fd000009" + "00" * 11 + "02")
ALL = bytes.fromhex("ff02" + "00" * 13 + "01")


def checksum(octets):
    if len(octets) % 2:
        octets += b"\0"
    total = sum(struct.unpack(f">{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def put(octets, at, value):
    return octets[:at] + struct.pack(">H", value) + octets[at + 2 :]


def ip4(protocol, payload, options=b"", fragment=0x4000, total=None, first=None, tos=0, ttl=64):
    options += b"\0" * (-len(options) % 4)
    length = 20 + len(options)
    header = struct.pack(">BBHHHBBH", 0x40 | length // 4 if first is None else first, tos,
                         length + len(payload) if total is None else total, 0x1234, fragment, ttl,
                         protocol, 0) + A4 + B4 + options
    return put(header, 10, checksum(header)) + payload


def ip6(following, payload, source=A6, target=B6, length=None):
    return struct.pack(">IHBB", 0x6 << 28 | 0x2 << 20 | 0xabcde,
                       len(payload) if length is None else length, following, 64) + source + target + payload


def pseudo(v6, protocol, length, source=None, target=None):
    if v6:
        return (source or A6) + (target or B6) + struct.pack(">II", length, protocol)
    return A4 + B4 + struct.pack(">BBH", 0, protocol, length)


def tcp(flags=0x18, options=b"", text=b"", offset=None, v6=False, wrong=0, urgent=0, ack=2000, seq=1000):
    options += b"\0" * (-len(options) % 4)
    words = 5 + len(options) // 4 if offset is None else offset
    segment = struct.pack(">HHIIHHHH", 40000, 80, seq, ack, words << 12 | flags, 502, 0, urgent) + options + text
    return put(segment, 16, checksum(pseudo(v6, 6, len(segment)) + segment) ^ wrong)


def udp(data=b"abc", source=40000, target=9, length=None, v6=False, zero=False, wrong=0):
    datagram = struct.pack(">HHHH", source, target, 8 + len(data) if length is None else length, 0) + data
    return datagram if zero else put(datagram, 6, checksum(pseudo(v6, 17, len(datagram)) + datagram) ^ wrong)


def icmp(kind, code, rest, body=b""):
    message = struct.pack(">BBH", kind, code, 0) + rest + body
    return put(message, 2, checksum(message))


def icmp6(kind, code, rest, body=b"", target=B6):
    message = struct.pack(">BBH", kind, code, 0) + rest + body
    return put(message, 2, checksum(pseudo(True, 58, len(message), A6, target) + message))


def arp(operation, *addresses, hardware=1, lengths=(6, 4)):
    return struct.pack(">HHBBH", hardware, 0x0800, *lengths, operation) + b"".join(addresses)


def ethernet(kind, payload, target=MAC_B):
    return target + MAC_A + struct.pack(">H", kind) + payload


def word(*values):
    return struct.pack(f">{len(values)}I", *values)


def tcp_segments(v6):
    """TCP, with each option well-formed and not."""
    usual = b"\x02\x04\x05\xb4\x04\x02\x08\x0a" + word(7, 0) + b"\x01\x03\x03\x07"
    stamps = b"\x01\x01\x08\x0a" + word(8, 7)
    options = [
        usual, stamps, stamps + b"\x01\x01\x05\x1a" + word(3000, 4000, 5000, 6000, 7000, 8000),
        b"\x01\x01\x05\x12" + word(1500, 1600, 3000, 4000), b"\x22\x02", b"\x22\x0a" + b"cookie!!",
        b"\x13\x12" + b"\x5a" * 16, b"\x1c\x04\x80\x0a", b"\x1e\x0c\x00\x81" + b"\x11" * 8,
        b"\xfe\x04\xf9\x89", b"\xfd\x06\x00\x01ab", b"\xc8\x05abc", b"\xac\x0b" + b"\1\2\3" * 3,
        b"\x1d\x10\x01\x02" + b"\x33" * 12, b"\x03\x03\x0f", b"\x00\x00\x00\x00", b"\x00\x01\x02\x03",
        b"\x02\x00\x05\xb4", b"\x02\x01\x05\xb4", b"\x02\x03\x05\x01", b"\x02\x28\x05\xb4", b"\x08\x08" + b"\1" * 6,
        b"\x05\x08" + word(1) + b"\0\0", b"\x05\x0b" + b"\1" * 9, b"\x04\x03\x00\x01", b"\x01\x01\x01\x02", b"\x08",
    ]
    segments = [tcp(0x02, usual, v6=v6, ack=0), tcp(0xc2, usual, v6=v6, ack=0), tcp(0x12, usual, v6=v6)]
    segments += [tcp(0x10, option, v6=v6) for option in options]
    segments += [tcp(flags, text=b"text", v6=v6) for flags in (0, 0x01, 0x04, 0x14, 0x11, 0x29, 0x3f, 0xff, 0x1ff)]
    segments += [
        tcp(0x18, stamps, b"GET /index.html HTTP/1.1\r\nHost: example\r\n\r\n", v6=v6),
        tcp(0x18, b"", b"HTTP/1.1 200 OK\r\n\r\n\x00\x01\x02", v6=v6), tcp(text=b"x", wrong=1, v6=v6),
        tcp(offset=4, v6=v6), tcp(offset=0, v6=v6), tcp(offset=15, v6=v6), tcp(0xe10, v6=v6),
        tcp(0x38, urgent=3, text=b"urgent", v6=v6), tcp(urgent=9, v6=v6), tcp(v6=v6)[:13], tcp(v6=v6)[:7], b"",
    ]
    return segments


def dns(flags, counts, rest):
    return struct.pack(">HH4H", 0xbeef, flags, *counts) + rest


def udp_datagrams(v6):
    question = b"\3www\7example\3com\0\0\1\0\1"
    answer = question + b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x0a\x09\0\2"
    hello = struct.pack(">BBBBIHH", 1, 1, 6, 0, 0xabad1dea, 3, 0x8000) + bytes(16) + MAC_A + bytes(10 + 192)
    hello += b"\x63\x82\x53\x63\x35\x01\x01\xff"
    return [
        udp(v6=v6), udp(b"", v6=v6), udp(b"odd", source=0, v6=v6), udp(b"wrong", wrong=1, v6=v6),
        udp(zero=not v6, v6=v6), udp(length=7, v6=v6), udp(length=0, v6=v6), udp(length=900, v6=v6),
        udp(length=9, v6=v6), udp(v6=v6)[:5],
        udp(dns(0x0100, (1, 0, 0, 0), question), target=53, v6=v6),
        udp(dns(0x8180, (1, 1, 0, 0), answer), source=53, v6=v6),
        udp(dns(0x8183, (1, 0, 0, 0), question), source=53, v6=v6), udp(dns(0x0100, (1, 0, 0, 0), b"\3ww"), target=53, v6=v6),
        udp(b"\0" * 5, target=53, v6=v6),
    ] + ([] if v6 else [udp(hello, source=68, target=67), udp(hello[:40], source=68, target=67)])


def icmp_messages():
    quotes = [ip4(6, tcp(0x02, b"\x02\x04\x05\xb4")), ip4(17, udp()), ip4(1, icmp(8, 0, word(0x00070001)))]
    messages = [icmp(8, 0, word(0x12340001), b"abcdefgh"), icmp(0, 0, word(0x12340001), b"abcdefgh"), icmp(8, 0, b"\0")]
    for quote in quotes:
        cut = quote[:28]
        messages += [icmp(3, code, word(0), quote) for code in (0, 1, 3, 13)]
        messages += [icmp(3, 4, struct.pack(">HH", 0, 1400), cut), icmp(11, 0, word(0), cut), icmp(11, 1, word(0), cut),
                     icmp(12, 0, word(0x14000000), cut), icmp(5, 1, A4, cut), icmp(4, 0, word(0), cut),
                     icmp(3, 3, word(0), quote[:19]), icmp(3, 3, word(0), quote[:23])]
    messages += [icmp(13, 0, word(0x00010002), word(1, 2, 3)), icmp(14, 0, word(0x00010002), word(1, 2, 3)),
                 icmp(17, 0, word(0x00010002), b"\xff\xff\xff\0"), icmp(42, 0, b"\0\7\1\1"), icmp(99, 5, word(1), b"x"),
                 put(icmp(8, 0, word(1)), 2, 0x4242)]
    return messages


def icmp6_messages():
    station = b"\1\1" + MAC_A
    prefix = b"\3\4\x40\xc0" + word(86400, 14400, 0) + A6
    options = station + prefix + b"\5\1\0\0" + word(1500) + b"\x19\3\0\0" + word(600) + A6 + b"\x26\2" + b"\1" * 14
    quote = ip6(6, tcp(0x02, v6=True))
    messages = [icmp6(128, 0, word(0x12340001), b"abcd"), icmp6(129, 0, word(0x12340001), b"abcd"),
                icmp6(133, 0, word(0), station), icmp6(134, 0, b"\x40\xc8\x07\x08", word(0, 0) + options),
                icmp6(135, 0, word(0), B6 + station), icmp6(136, 0, word(0xe0000000), A6 + b"\2\1" + MAC_A),
                icmp6(137, 0, word(0), A6 + B6 + b"\4\2" + b"\0" * 14), icmp6(130, 0, b"\x03\xe8\0\0", ALL, ALL),
                icmp6(130, 0, b"\x03\xe8\0\0", ALL + b"\2\x7d\0\0", ALL), icmp6(131, 0, word(0), ALL, ALL),
                icmp6(132, 0, word(0), ALL, ALL), icmp6(143, 0, word(1), b"\4\0\0\0" + ALL, ALL),
                icmp6(135, 0, word(0), B6 + b"\1\0" + MAC_A), icmp6(135, 0, word(0), B6 + b"\1\2" + MAC_A),
                icmp6(135, 0, word(0), B6[:9]), icmp6(160, 0, b"\0\7\1\1"), icmp6(200, 0, word(0), b"x")]
    for kind, code, rest in ((1, 0, 0), (1, 4, 0), (2, 0, 1280), (3, 0, 0), (3, 1, 0), (4, 1, 40)):
        messages += [icmp6(kind, code, word(rest), quote), icmp6(kind, code, word(rest), quote[:50])]
    return messages


def ip4_packets():
    record = b"\7\x0b\4" + bytes(8)
    stamp = b"\x44\x0c\5\0" + word(0, 0)
    packets = [ip4(6, segment) for segment in tcp_segments(False)]
    packets += [ip4(17, datagram) for datagram in udp_datagrams(False)]
    packets += [ip4(1, message) for message in icmp_messages()]
    for option in (record, stamp, b"\x83\7\4" + A4, b"\x89\7\4" + A4, b"\x94\4\0\0", b"\x94\6\0\0\0\0", b"\1\1\0\0", b"\7\2",
                   b"\7\3\1", b"\7\0", b"\7\x28\4", b"\x52\4ab", b"\x99\4ab"):
        packets.append(ip4(17, udp(), option))
    packets += [ip4(17, udp(b"x" * 40)[:24], fragment=0x2000), ip4(17, b"y" * 24, fragment=0x2003), ip4(17, b"y" * 3, fragment=6),
                ip4(6, tcp(), fragment=0x8000), ip4(6, tcp(), tos=0xbb), ip4(6, tcp(), ttl=0), ip4(6, tcp(), total=0),
                ip4(6, tcp(), total=19), ip4(6, tcp(), total=900), ip4(6, tcp(), first=0x44), ip4(6, tcp(), first=0x4f),
                ip4(6, tcp(), first=0x65), put(ip4(6, tcp()), 10, 0x1111), ip4(132, b"sctp"), ip4(50, b"esp."),
                ip4(4, ip4(6, tcp())), ip4(41, ip6(6, tcp(v6=True))), ip4(51, b"\x11\4\0\0" + b"\0" * 20 + udp()),
                ip4(6, tcp())[:13], ip4(6, tcp())[:1]]
    return packets


def ip6_packets():
    packets = [ip6(6, segment) for segment in tcp_segments(True)]
    packets += [ip6(17, datagram) for datagram in udp_datagrams(True)]
    packets += [ip6(58, message, target=ALL if message[0] in (130, 131, 132, 143) else B6) for message in icmp6_messages()]
    hop, target = b"\0\5\2\0\0\1\0", b"\0\1\4\0\0\0\0"
    ping = icmp6(128, 0, word(1))
    route = b"\2" + b"\0" + word(0) + B6
    packets += [ip6(0, b"\x3a" + hop + ping), ip6(60, b"\x3a" + target + ping), ip6(0, b"\x3c" + hop + b"\x3a" + target + ping),
                ip6(0, b"\x3a\0\0\0\0\0\1\x09" + ping), ip6(0, b"\x3a\x20\0\0\0\0\0\0" + ping),
                ip6(43, b"\x3a" + route[:1] + b"\0\0" + word(0) + B6 + ping), ip6(43, b"\x3a\2\2\0" + word(0) + B6 + ping),
                ip6(44, b"\x3a\0\0\1" + word(77) + ping), ip6(44, b"\x3a\0\0\x08" + word(77) + b"rest"),
                ip6(44, b"\x3a\0\0\0" + word(77) + ping), ip6(44, b"\x3a\0"), ip6(59, b"nothing"),
                ip6(51, b"\x3a\4\0\0" + b"\0" * 20 + ping), ip6(50, b"esp."), ip6(6, tcp(v6=True), length=0),
                ip6(6, tcp(v6=True), length=900), ip6(41, ip6(17, udp(v6=True))), ip6(4, ip4(17, udp())),
                ip6(6, tcp(v6=True))[:39], ip6(6, b"")[:2], b"\x40" + ip6(6, tcp(v6=True))[1:]]
    return packets


def frames():
    everybody = b"\xff" * 6
    inner = ip4(17, udp())
    request = arp(1, MAC_A, A4, bytes(6), B4)
    found = [ethernet(0x0800, packet) for packet in ip4_packets()] + [ethernet(0x86dd, packet) for packet in ip6_packets()]
    found += [ethernet(0x0806, request, everybody), ethernet(0x0806, request + bytes(18), everybody),
              ethernet(0x0806, arp(2, MAC_B, B4, MAC_A, A4)), ethernet(0x0806, arp(1, MAC_A, bytes(4), bytes(6), B4)),
              ethernet(0x0806, arp(3, MAC_A, A4, bytes(6), B4)), ethernet(0x0806, arp(9, MAC_A, A4, bytes(6), B4)),
              ethernet(0x0806, arp(1, b"\1\2", A4, b"\3\4", B4, hardware=7, lengths=(2, 4))), ethernet(0x0806, request[:20]),
              ethernet(0x0806, arp(1, MAC_A, A4, lengths=(255, 255)))]
    found += [ethernet(0x8100, b"\x60\x2a\x08\0" + inner), ethernet(0x88a8, b"\0\x64\x81\0\xe0\x01\x08\0" + inner),
              ethernet(0x8100, b"\x60\x2a"), ethernet(0x8100, b"\0\1\0\x10" + bytes(16)), ethernet(46, bytes(46)),
              ethernet(0x05e0, bytes(46)), ethernet(0x88cc, bytes(20)), ethernet(0x0800, inner + b"\0" * 9),
              ethernet(0x1234, b""), ethernet(0x0800, b""), ethernet(0x86dd, b""), MAC_A, b""]
    return found


def write_pcap(path, link, packets):
    with open(path, "wb") as file:
        file.write(struct.pack(">IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, link))
        for number, packet in enumerate(packets):
            file.write(struct.pack(">IIII", 1000 + number, number * 10, len(packet), len(packet)) + packet)


def main():
    folder = sys.argv[1]
    four, six = ip4_packets(), ip6_packets()
    both = [(2, 0x0800, packet) for packet in four] + [(30, 0x86dd, packet) for packet in six]
    write_pcap(os.path.join(folder, "ethernet.pcap"), 1, frames())
    write_pcap(os.path.join(folder, "raw.pcap"), 101, [packet for packet in four + six if packet])
    write_pcap(os.path.join(folder, "ipv4.pcap"), 228, four)
    write_pcap(os.path.join(folder, "ipv6.pcap"), 229, [packet for packet in six if packet[0] >> 4 == 6])
    write_pcap(os.path.join(folder, "null.pcap"), 0, [struct.pack(">I", family) + packet for family, _, packet in both])
    write_pcap(os.path.join(folder, "loop.pcap"), 108, [struct.pack(">I", family) + packet for family, _, packet in both])
    write_pcap(os.path.join(folder, "sll.pcap"), 113,
               [struct.pack(">HHH8sH", 4, 1, 6, MAC_A, kind) + packet for _, kind, packet in both])
    write_pcap(os.path.join(folder, "sll2.pcap"), 276,
               [struct.pack(">HHIHBB8s", kind, 0, 2, 1, 4, 6, MAC_A) + packet for _, kind, packet in both])


if __name__ == "__main__":
    main()

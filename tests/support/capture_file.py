"""capture_file.py - reads a capture that tapio wrote: pcapng, Ethernet, IPv4, ICMP, UDP, TCP, and
the comments. Written from the specifications and shared with nothing in the stack.
"""
import re
import struct

# --- pcapng ------------------------------------------------------------------------------------

LINK_ETHERNET, LINK_RAW = 1, 101


class FormatError(Exception):
    """The file is not something that this program can check."""


class Interface:
    def __init__(self, link, name, resolution):
        self.link, self.name, self.resolution = link, name, resolution


class Packet:
    """One enhanced packet block."""

    def __init__(self, number, interface, when, data, original_len, options):
        self.number = number
        self.interface = interface
        self.when = when  # in units of the interface
        self.data = data
        self.original_len = original_len
        self.comments = [value.decode("utf-8", "replace") for code, value in options if code == 1]
        flags = [value for code, value in options if code == 2]
        ids = [value for code, value in options if code == 5]
        self.flags = flags[0] if len(flags) == 1 and len(flags[0]) == 4 else None
        self.id = ids[0] if len(ids) == 1 and len(ids[0]) == 8 else None

    def decode_numbers(self, order):
        if self.flags is not None:
            self.flags = struct.unpack(order + "I", self.flags)[0]
        if self.id is not None:
            self.id = struct.unpack(order + "Q", self.id)[0]


def read_options(data, order, where):
    options = []
    while data:
        if len(data) < 4:
            raise FormatError(f"{where}: an option is cut off")
        code, length = struct.unpack_from(order + "HH", data)
        if code == 0:
            if length != 0 or len(data) != 4:
                raise FormatError(f"{where}: octets behind the end of the options")
            return options
        padded = (length + 3) // 4 * 4
        if len(data) < 4 + padded:
            raise FormatError(f"{where}: option {code} is longer than its block")
        options.append((code, data[4 : 4 + length]))
        data = data[4 + padded :]
    return options


def read_interface(body, order):
    if len(body) < 8:
        raise FormatError("an interface block is too short")
    link = struct.unpack_from(order + "H", body)[0]
    name, resolution = None, 10**6
    for code, value in read_options(body[8:], order, "interface block"):
        if code == 2:
            name = value.decode("utf-8", "replace")
        if code == 9 and len(value) == 1:
            resolution = 2 ** (value[0] & 0x7F) if value[0] & 0x80 else 10 ** value[0]
    if link not in (LINK_ETHERNET, LINK_RAW):
        raise FormatError(
            f"interface {name!r} has link type {link}; only Ethernet (1) and raw IP (101) are known"
        )
    return Interface(link, name, resolution)


def read_packet(number, body, order, interfaces):
    where = f"packet {number}"
    if len(body) < 20:
        raise FormatError(f"{where}: the block is too short")
    interface, high, low, captured, original = struct.unpack_from(order + "5I", body)
    padded = (captured + 3) // 4 * 4
    if len(body) < 20 + padded:
        raise FormatError(f"{where}: the data is longer than its block")
    if interface >= len(interfaces):
        raise FormatError(f"{where}: interface {interface} was never described")
    options = read_options(body[20 + padded :], order, where)
    data = body[20 : 20 + captured]
    packet = Packet(number, interface, high << 32 | low, data, original, options)
    packet.decode_numbers(order)
    return packet


def read_capture(data):
    """The interfaces and the packets of a file with one section."""
    interfaces, packets = [], []
    order, offset = None, 0
    while offset < len(data):
        if len(data) - offset < 12:
            raise FormatError(f"half a block at octet {offset}")
        if data[offset : offset + 4] == b"\x0a\x0d\x0d\x0a":
            if order:
                raise FormatError("a second section; tapio writes one")
            magic = data[offset + 8 : offset + 12]
            order = {b"\x1a\x2b\x3c\x4d": ">", b"\x4d\x3c\x2b\x1a": "<"}.get(magic)
        if not order:
            raise FormatError("not a pcapng file")
        kind, length = struct.unpack_from(order + "II", data, offset)
        if length < 12 or length % 4 or length > len(data) - offset:
            raise FormatError(f"half a block at octet {offset}")
        if struct.unpack_from(order + "I", data, offset + length - 4)[0] != length:
            raise FormatError(f"the two lengths of the block at octet {offset} differ")
        body = data[offset + 8 : offset + length - 4]
        if kind == 1:
            interfaces.append(read_interface(body, order))
        elif kind == 6:
            packets.append(read_packet(len(packets) + 1, body, order, interfaces))
        elif kind in (2, 3):
            raise FormatError(f"a packet block without options (type {kind}) at octet {offset}")
        offset += length
    if not order:
        raise FormatError("the file is empty")
    return interfaces, packets


# --- Ethernet, IPv4, ICMP, UDP, TCP --------------------------------------------------------------

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
FLAG_NAMES = ((SYN, "SYN"), (FIN, "FIN"), (RST, "RST"), (PSH, "PSH"), (ACK, "ACK"))


def internet_sum(data):
    """RFC 1071: 0 over data with a right checksum."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Malformed(Exception):
    """A header contradicts itself or its packet."""


class Ipv4:
    def __init__(self, data):
        if len(data) < 20:
            raise Malformed("shorter than an IPv4 header")
        if data[0] >> 4 != 4:
            raise Malformed(f"IP version {data[0] >> 4}")
        header_len = (data[0] & 15) * 4
        self.total_len = struct.unpack_from(">H", data, 2)[0]
        if header_len < 20 or header_len > len(data) or header_len > self.total_len:
            raise Malformed("the IPv4 header length is wrong")
        fragment = struct.unpack_from(">H", data, 6)[0]
        self.is_fragment = bool(fragment & 0x3FFF)
        self.protocol = data[9]
        self.src, self.dst = data[12:16], data[16:20]
        self.header_sum = internet_sum(data[:header_len])
        self.payload_len = self.total_len - header_len
        self.payload = data[header_len : self.total_len]
        self.is_whole = len(self.payload) == self.payload_len


class Tcp:
    def __init__(self, ip):
        data = ip.payload
        if len(data) < 20:
            raise Malformed("shorter than a TCP header")
        (self.src_port, self.dst_port, self.seq, self.ack, offset_and_flags, self.window) = (
            struct.unpack_from(">HHIIHH", data)
        )
        header_len = (offset_and_flags >> 12) * 4
        if header_len < 20 or header_len > len(data):
            raise Malformed("the TCP data offset is wrong")
        self.flags = offset_and_flags & 0x3F
        self.text_len = ip.payload_len - header_len
        self.mss = self.shift = None
        self.options_are_sane = self.read_options(data[20:header_len])

    def read_options(self, data):
        while data and data[0] != 0:
            if data[0] == 1:
                data = data[1:]
                continue
            if len(data) < 2 or data[1] < 2 or data[1] > len(data):
                return False
            if data[0] == 2 and data[1] == 4:
                self.mss = struct.unpack_from(">H", data, 2)[0]
            if data[0] == 3 and data[1] == 3:
                self.shift = min(data[2], 14)
            data = data[data[1] :]
        return True

    def length(self):
        """SEG.LEN (RFC 9293, 3.4)."""
        return self.text_len + bool(self.flags & SYN) + bool(self.flags & FIN)

    def __str__(self):
        names = ",".join(name for bit, name in FLAG_NAMES if self.flags & bit)
        return f"<{names or 'none'}> of {self.text_len} octets"


class Frame:
    """What the headers of a packet say; `trouble` when they say nothing sensible."""

    def __init__(self, link, data):
        self.ip = self.tcp = self.trouble = None
        try:
            if link == LINK_ETHERNET:
                if len(data) < 14:
                    raise Malformed("shorter than an Ethernet header")
                kind = struct.unpack_from(">H", data, 12)[0]
                if kind != 0x0800:
                    return
                data = data[14:]
            self.ip = Ipv4(data)
            if self.ip.protocol == 6 and not self.ip.is_fragment:
                self.tcp = Tcp(self.ip)
        except Malformed as malformed:
            self.trouble = str(malformed)

    def transport_sum(self):
        """The transport checksum over everything: 0 when right, None when there is none."""
        ip = self.ip
        if ip is None or ip.is_fragment or not ip.is_whole:
            return None
        if ip.protocol == 1:
            return internet_sum(ip.payload)
        if ip.protocol == 17 and ip.payload[6:8] == b"\0\0":
            return None
        if ip.protocol in (6, 17):
            pseudo = ip.src + ip.dst + struct.pack(">BBH", 0, ip.protocol, ip.payload_len)
            return internet_sum(pseudo + ip.payload)
        return None


# --- comments ----------------------------------------------------------------------------------

FACTS = re.compile(
    r"conn=(?P<conn>\d+) state=(?P<state>[A-Z0-9-]+) cwnd=\d+ ssthresh=(\d+|inf) inflight=\d+ "
    r"srtt_us=\d+ rto_ms=\d+ why=(?P<why>[a-z0-9-]+)( drop=(?P<drop>[a-z0-9_.]+))?"
)
NO_CONNECTION = re.compile(
    r"conn=(?P<conn>0) state=(?P<state>CLOSED|LISTEN) why=(?P<why>[a-z0-9-]+)"
    r"( drop=(?P<drop>[a-z0-9_.]+))?"
)
NOT_TCP = re.compile(r"why=(?P<why>[a-z0-9-]+)( drop=(?P<drop>[a-z0-9_.]+))?")


class Comment:
    """`key=value` pairs, then " | " (or ". "), then a sentence."""

    def __init__(self, text):
        pairs, bar, sentence = text.partition(" | ")
        if not bar:
            pairs, bar, sentence = text.partition(". ")
        self.conn = self.state = self.why = self.drop = None
        self.is_sane = False
        for form in (FACTS, NO_CONNECTION, NOT_TCP):
            match = form.fullmatch(pairs)
            if match:
                found = match.groupdict()
                self.conn = int(found["conn"]) if found.get("conn") else None
                self.state = found.get("state")
                self.why, self.drop = found["why"], found["drop"]
                self.is_sane = bool(sentence.strip())
                return

"""diff_packets.py - packets for the differential run: octets to fields, and from one stack's numbers to another's.

A script's packets in were made for tapio: they acknowledge tapio's initial sequence number and echo tapio's
timestamps. Before they go to the kernel each number of that kind moves by the distance between the two stacks' own;
the peer's numbers, which the script chose, stay. Then both sides' packets out are told in the script's numbers: a
`Seen` counts from the initial sequence numbers of its connection, and two of them can be compared field by field.

IPv4, IPv6 without extension headers, TCP, ICMP and ICMPv6; nothing else is ever in a script.
"""
import struct

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << bit for bit in range(8))
FLAG_LETTERS = ((FIN, "F"), (SYN, "S"), (RST, "R"), (PSH, "P"), (URG, "U"), (ECE, "E"), (CWR, "W"), (ACK, "."))
MASK = 0xFFFFFFFF
TCP, ICMP, ICMP6 = 6, 1, 58
FRAGMENT = 44 # of either IP: told apart from what it is a piece of
OPTION_NAMES = {2: "mss", 3: "wscale", 4: "sackOK", 5: "sack", 8: "TS"}


def checksum(octets):
    """RFC 1071."""
    if len(octets) % 2:
        octets += b"\0"
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Packet:
    """One IP packet. `octets` may be changed through the setters; emit() makes the checksums right."""

    def __init__(self, octets):
        self.octets = bytearray(octets)
        self.v6 = octets[0] >> 4 == 6
        if self.v6:
            self.head, self.protocol = 40, octets[6]
            self.tos = (octets[0] & 15) << 4 | octets[1] >> 4
            self.ttl, self.dont_fragment = octets[7], True
            self.src, self.dst = bytes(octets[8:24]), bytes(octets[24:40])
        else:
            self.head, self.protocol = (octets[0] & 15) * 4, octets[9]
            self.tos, self.ttl = octets[1], octets[8]
            self.dont_fragment = bool(octets[6] & 0x40)
            self.src, self.dst = bytes(octets[12:16]), bytes(octets[16:20])
            if struct.unpack_from("!H", octets, 6)[0] & 0x3FFF:
                self.protocol = FRAGMENT
        if self.protocol == TCP:
            self.read_tcp()

    def read_tcp(self):
        at = self.head
        (self.src_port, self.dst_port, self.seq, self.ack, offset, self.window, _, self.urgent) = struct.unpack_from(
            "!HHIIHHHH", self.octets, at)
        self.flags = offset & 0xFF
        self.text_at = at + (offset >> 12) * 4
        self.len = len(self.octets) - self.text_at
        self.options = list(self.read_options(at + 20, self.text_at))

    def read_options(self, at, end):
        """(kind, where the option begins, its value's octets); padding is left out."""
        while at < end:
            kind = self.octets[at]
            if kind == 0:
                return
            if kind == 1:
                at += 1
                continue
            length = self.octets[at + 1] if at + 1 < end else 0
            if length < 2 or at + length > end:
                return
            yield kind, at, bytes(self.octets[at + 2:at + length])
            at += length

    def timestamp(self):
        for kind, _, value in self.options:
            if kind == 8 and len(value) == 8:
                return struct.unpack("!II", value)
        return None

    def move(self, distance, echo):
        """The other stack's numbers: ACK and SACK blocks move by `distance`, the echoed timestamp goes through
        `echo`."""
        if self.flags & ACK:
            struct.pack_into("!I", self.octets, self.head + 8, (self.ack + distance) & MASK)
        for kind, at, value in self.options:
            if kind == 5:
                blocks = struct.unpack(f"!{len(value) // 4}I", value[:len(value) // 4 * 4])
                struct.pack_into(f"!{len(blocks)}I", self.octets, at + 2, *((b + distance) & MASK for b in blocks))
            if kind == 8 and len(value) == 8 and self.flags & ACK:
                struct.pack_into("!I", self.octets, at + 6, echo(struct.unpack("!II", value)[1]))

    def quoted(self):
        """What an ICMP error quotes: (source port, destination port, where its sequence number is), or None."""
        at = self.head + 8
        if len(self.octets) < at + (40 if self.v6 else 20):
            return None
        inner = at + (40 if self.v6 else (self.octets[at] & 15) * 4)
        protocol = self.octets[at + 6] if self.v6 else self.octets[at + 9]
        if protocol != TCP or len(self.octets) < inner + 8:
            return None
        return (*struct.unpack_from("!HH", self.octets, inner), inner + 4)

    def move_quoted(self, at, distance):
        seq, = struct.unpack_from("!I", self.octets, at)
        struct.pack_into("!I", self.octets, at, (seq + distance) & MASK)

    def emit(self):
        body = self.octets[self.head:]
        place = {TCP: 16, ICMP: 2, ICMP6: 2}.get(self.protocol)
        if place is None:
            return bytes(self.octets)
        body[place:place + 2] = b"\0\0"
        pseudo = b""
        if self.v6:
            pseudo = self.src + self.dst + struct.pack("!II", len(body), self.protocol)
        elif self.protocol == TCP:
            pseudo = self.src + self.dst + struct.pack("!HH", self.protocol, len(body))
        struct.pack_into("!H", self.octets, self.head + place, checksum(pseudo + bytes(body)))
        return bytes(self.octets)


class Ends:
    """What one stack's packets have told about each connection, and the peer's part of it. A connection is
    (the stack's port, the peer's port)."""

    def __init__(self):
        self.isn, self.peer_isn, self.stamps = {}, {}, {}

    def sent(self, packet):
        """A packet out: its SYN names the number that all later ones count from."""
        key = (packet.src_port, packet.dst_port)
        if packet.flags & SYN:
            if self.isn.get(key) != packet.seq:
                self.stamps[key] = []
            self.isn[key] = packet.seq
        stamp = packet.timestamp()
        if stamp:
            self.stamps.setdefault(key, []).append(stamp[0])

    def came(self, packet):
        if packet.flags & SYN:
            self.peer_isn[(packet.dst_port, packet.src_port)] = packet.seq


def near(stamps, wanted):
    return min(stamps, key=lambda stamp: abs((stamp - wanted + 0x80000000 & MASK) - 0x80000000))


def translate(packet, ours, kernel):
    """Turns a packet in for tapio into the same one for the kernel. `ours` and `kernel` are the Ends so far."""
    if packet.protocol != TCP:
        quoted = packet.quoted()
        if quoted and quoted[:2] in ours.isn and quoted[:2] in kernel.isn:
            packet.move_quoted(quoted[2], kernel.isn[quoted[:2]] - ours.isn[quoted[:2]])
        return packet.emit()
    key = (packet.dst_port, packet.src_port)
    known = key in ours.isn and key in kernel.isn

    def echo(value):
        mine, theirs = ours.stamps.get(key), kernel.stamps.get(key)
        if not mine or not theirs:
            return value
        moved = (value - mine[0] + theirs[0]) & MASK
        # An echo of what was sent stays one: the two clocks do not tick together.
        return near(theirs, moved) if value in mine else moved

    packet.move(kernel.isn[key] - ours.isn[key] if known else 0, echo)
    return packet.emit()


class Seen:
    """A packet out in the script's numbers."""

    def __init__(self, packet, ends, at, after):
        self.at = at # seconds since the script began
        self.after = after # the line of the last event that went in before it
        self.protocol = packet.protocol
        self.pieces = 1
        if packet.protocol != TCP:
            self.key, self.len, self.flags = None, 0, 0
            self.name = "a fragment"
            if packet.protocol != FRAGMENT:
                self.name = "icmp %d.%d" % tuple(packet.octets[packet.head:packet.head + 2])
            return
        self.key = key = (packet.src_port, packet.dst_port)
        self.flags = packet.flags
        origin, peer = ends.isn.get(key, 0), ends.peer_isn.get(key, 0)
        self.seq = (packet.seq - origin) & MASK
        self.len = packet.len
        self.ack = (packet.ack - peer) & MASK if packet.flags & ACK else packet.ack
        self.window = "shut" if packet.window == 0 else "open"
        self.raw_window = packet.window
        self.tos, self.ttl, self.dont_fragment = packet.tos, packet.ttl, packet.dont_fragment
        self.options = [self.option(kind, value, peer) for kind, _, value in packet.options]

    @staticmethod
    def option(kind, value, peer):
        name = OPTION_NAMES.get(kind, f"kind {kind}")
        if kind == 2 and len(value) == 2:
            return f"{name} {struct.unpack('!H', value)[0]}"
        if kind == 3 and len(value) == 1:
            return f"{name} {value[0]}"
        if kind == 5:
            edges = [(n - peer) & MASK for n in struct.unpack(f"!{len(value) // 4}I", value)]
            return " ".join([name] + [f"{a}:{b}" for a, b in zip(edges[::2], edges[1::2])])
        if kind == 8 and len(value) == 8:
            return f"{name} ecr {struct.unpack('!II', value)[1]}"
        return name

    def letters(self):
        return "".join(letter for bit, letter in FLAG_LETTERS if self.flags & bit) or "0"

    def text(self):
        """As a script would write it, but for the values that are the stack's own."""
        if self.key is None:
            return self.name
        parts = [self.letters(), f"{self.seq}:{(self.seq + self.len) & MASK}({self.len})"]
        if self.flags & ACK:
            parts.append(f"ack {self.ack}")
        if self.window == "shut" and not self.flags & RST:
            parts.append("win 0")
        if self.options:
            parts.append("<" + ",".join(self.options) + ">")
        return " ".join(parts)

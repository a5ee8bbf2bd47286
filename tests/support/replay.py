#!/usr/bin/env python3
"""replay.py - an independent check of a tapio capture.

    replay.py [--max-share PERCENT] [--json] CAPTURE

Reads a pcapng file that tapio wrote, believes nothing in it, and holds what the comments claim
against what the packets show. Nothing here is shared with the stack: the pcapng, Ethernet, IPv4,
ICMP and TCP readers are written from the specifications, and the connections are replayed by a
state machine written from RFC 9293, sections 3.3.2 and 3.10.

What is checked:

  - each packet has exactly one comment of the promised form; packet ids increase over both
    interfaces; time does not go back;
  - IPv4, ICMP, UDP and TCP checksums are right in everything that passed, and wrong in whatever was
    dropped for a wrong one;
  - a connection id belongs to one incarnation of one four-tuple; ids count up;
  - `state=` is the state after a received segment was processed, or when a segment was sent;
  - the right edge of our window never moves left (by more than window scaling rounds off, RFC 7323,
    2.4); nothing new is sent beyond the peer's window but a probe of one octet; MSS and window
    scale stand on SYN segments only; what is sent again says so in `why=`, and only that does.

What cannot be seen on the wire is allowed for. The application's CLOSE turns ESTABLISHED into
FIN-WAIT-1 (and CLOSE-WAIT into LAST-ACK) while text still goes before the FIN, so until our FIN has
been seen both are right, but there is no way back. Our window may in truth be larger than the peer has
been told; what lies between counts as "maybe received" until an ACK or a state tells. Time-outs and
the end of TIME-WAIT end a connection silently; an ESTABLISHED one can vanish only after it sent
something again in vain.

Known limit: text that was handed to ARP and lost there was never on the wire, so its first appearance
as a retransmission counts as a problem.

Exit status: 0 when all holds, 1 otherwise. Problems are printed one a line, `packet N: ...`, N being
the packet's place in the file as Wireshark counts.
"""
import argparse
import json
import re
import struct
import sys

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
    packet = Packet(number, interface, high << 32 | low, body[20 : 20 + captured], original, options)
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


# --- sequence numbers and what has been received -----------------------------------------------


# Sequence numbers are counted on without end, starting one turn of the circle above what the wire
# says, so that none is ever negative.
CIRCLE = 2**32


def near(value, reference):
    """The number that is `value` modulo 2^32 and nearest to `reference` (RFC 9293, 3.4)."""
    distance = (value - reference) % CIRCLE
    return reference + distance - (CIRCLE if distance >= CIRCLE // 2 else 0)


class Ranges:
    """Sorted, disjoint [start, end) ranges."""

    def __init__(self):
        self.list = []

    def add(self, start, end):
        if start >= end:
            return
        kept = []
        for s, e in self.list:
            if e < start or end < s:
                kept.append((s, e))
            else:
                start, end = min(start, s), max(end, e)
        self.list = sorted(kept + [(start, end)])

    def reach(self, start):
        """How far octets follow `start` without a hole."""
        for s, e in self.list:
            if s <= start < e:
                return e
        return start

    def forget_below(self, start):
        self.list = [(max(s, start), e) for s, e in self.list if e > start]


class Received:
    """The octets of the peer, its FIN counted as one: those surely taken and those maybe taken."""

    def __init__(self, first):
        self.nxt = first  # RCV.NXT, as far as is sure
        self.sure, self.both = Ranges(), Ranges()

    def add(self, start, end, is_sure):
        if is_sure:
            self.sure.add(start, end)
        self.both.add(start, end)
        self.advance(self.sure.reach(self.nxt))

    def advance(self, nxt):
        self.nxt = max(self.nxt, nxt)
        self.nxt = self.sure.reach(self.nxt)
        self.sure.forget_below(self.nxt)
        self.both.forget_below(self.nxt)

    def farthest(self):
        return max(self.nxt, self.both.reach(self.nxt))


# --- a connection ------------------------------------------------------------------------------

# What the application's CLOSE does, which no packet shows (RFC 9293, 3.10.4).
CLOSE = {"SYN-RECEIVED": "FIN-WAIT-1", "ESTABLISHED": "FIN-WAIT-1", "CLOSE-WAIT": "LAST-ACK"}
# What our FIN's ACK does (3.10.7.4, fifth), and the peer's FIN (eighth).
OUR_FIN_ACKED = {"FIN-WAIT-1": "FIN-WAIT-2", "CLOSING": "TIME-WAIT", "LAST-ACK": "CLOSED"}
PEER_FIN = {"ESTABLISHED": "CLOSE-WAIT", "FIN-WAIT-1": "CLOSING", "FIN-WAIT-2": "TIME-WAIT"}
TAKES_TEXT = ("ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2")
SAYS_AGAIN = re.compile(r"(^|-)retransmit(-|$)")


def with_close(states):
    return set(states) | {CLOSE[state] for state in states if state in CLOSE}


class Connection:
    """One incarnation, replayed from our side."""

    def __init__(self, ident, is_active, first):
        self.id = ident
        self.is_active = is_active
        self.state = "SYN-SENT" if is_active else "SYN-RECEIVED"
        self.ended = False
        self.is_known = True  # False: only its id is; nothing can be checked
        # what we send
        self.iss = self.una = self.nxt = None
        self.probed = 0  # how far probes of a closed window went
        self.fin = None  # where our FIN is
        self.wnd, self.wl1, self.wl2, self.max_wnd, self.edge = 0, None, None, 0, None
        self.our_shift = self.peer_shift = None  # as their SYNs said
        self.again = 0  # segments sent more than once
        # what we receive
        self.received = None
        self.peer_fin = None
        self.told_edge = None  # the right edge of our window, as far as the peer was told
        self.told_ack = None
        if is_active:
            self.iss = self.una = self.nxt = first.seq + CIRCLE
        else:
            self.take_peer_syn(first)

    def take_peer_syn(self, seg):
        first = seg.seq + CIRCLE + 1  # the octet behind the SYN
        self.received = Received(first)
        self.received.add(first, first + seg.text_len + bool(seg.flags & FIN), False)
        if seg.flags & FIN:
            self.peer_fin = first + seg.text_len
        self.peer_shift = seg.shift
        self.wl1, self.wl2 = first - 1, None
        self.set_window(seg.window)

    def set_window(self, window):
        self.wnd = window
        self.max_wnd = max(self.max_wnd, window)
        if self.una is not None:
            self.edge = max(self.edge or 0, self.una + window)

    def shifts(self):
        """Scaling holds when both SYNs ask for it (RFC 7323, 2.2): (ours, the peer's)."""
        if self.our_shift is None or self.peer_shift is None:
            return 0, 0
        return self.our_shift, self.peer_shift

    def may_end_silently(self):
        """Time-outs, the end of TIME-WAIT, and CLOSE or ABORT where they send nothing (3.10.4,
        3.10.5, 3.10.8)."""
        if self.ended or not self.is_known:
            return True
        if self.state in ("SYN-SENT", "SYN-RECEIVED", "FIN-WAIT-2", "CLOSING", "LAST-ACK", "TIME-WAIT"):
            return True
        return self.again > 0 and self.una is not None and self.una < max(self.nxt, self.probed)

    # -- a segment arrives (3.10.7)

    def arrives(self, seg):
        """The states in which RFC 9293 allows us to be afterwards."""
        if self.state == "SYN-SENT":
            return self.syn_sent_arrives(seg)
        before = with_close({self.state})
        seq = near(seg.seq, self.received.nxt)
        verdict = self.acceptability(seq, seg.length())
        if verdict == "no":
            if self.is_crossing_syn_ack(seg):  # RFC 9293, 3.5, Figure 8
                return before | {"ESTABLISHED"}
            return before
        if seg.flags & RST:
            return self.reset_arrives(seq, before)
        if seg.flags & SYN:  # challenged (RFC 5961, 4.2); half-open ones may go back to LISTEN
            is_passive = self.state == "SYN-RECEIVED" and not self.is_active
            return before | ({"LISTEN", "CLOSED"} if is_passive else set())
        if not seg.flags & ACK or self.iss is None:
            return before
        after = self.take_ack(seg, seq, before, verdict == "yes")
        if after is None:
            return before
        after = self.take_text(seg, seq, after, verdict == "yes")
        return after if verdict == "yes" else after | before

    def syn_sent_arrives(self, seg):
        acks_our_syn = False
        if seg.flags & ACK:
            ack = near(seg.ack, self.una)
            acks_our_syn = self.iss < ack <= self.nxt
            if not acks_our_syn:
                return {"SYN-SENT"}
        if seg.flags & RST:
            return {"CLOSED"} if acks_our_syn else {"SYN-SENT"}
        if not seg.flags & SYN:
            return {"SYN-SENT"}
        if acks_our_syn:
            self.una = near(seg.ack, self.una)
        self.take_peer_syn(seg)
        self.wl2 = near(seg.ack, self.una)
        if not acks_our_syn:
            return {"SYN-RECEIVED"}
        return {"ESTABLISHED", "CLOSE-WAIT"} if seg.flags & FIN else {"ESTABLISHED"}

    def acceptability(self, seq, length):
        """The four cases of the first check (3.10.7.4, Table 6): yes, no, or maybe when it depends on
        what the peer was not told."""
        last = seq + max(length, 1) - 1
        if last < self.received.nxt:
            return "no"
        left, right = self.received.nxt, self.told_edge
        if right is None or self.received.farthest() > left:
            return "maybe"
        if length == 0 and seq == left:
            return "yes"
        if left <= seq < right or (length > 0 and left <= last < right):
            return "yes"
        return "maybe" if seq < right + 2**30 else "no"

    def is_crossing_syn_ack(self, seg):
        return (
            self.state == "SYN-RECEIVED"
            and self.is_active
            and seg.flags & (SYN | ACK | RST) == SYN | ACK
            and self.una < near(seg.ack, self.una) <= self.nxt
        )

    def reset_arrives(self, seq, before):
        """Second: believed at RCV.NXT alone (RFC 5961, 3.2)."""
        if seq not in (self.received.nxt, self.received.farthest()):
            return before
        after = {"CLOSED"}
        if self.state == "SYN-RECEIVED":
            after.add("LISTEN")
        if self.state == "TIME-WAIT":
            after.add("TIME-WAIT")  # RFC 1337
        if self.received.nxt != self.received.farthest() or seq > (self.told_edge or seq):
            after |= before
        return after

    def take_ack(self, seg, seq, before, is_sure):
        """Fifth: the states after the ACK field, or None when the segment goes no further."""
        ack = near(seg.ack, self.una)
        if ack > max(self.nxt, self.probed) or ack < self.una - self.max_wnd:
            return None
        if "SYN-RECEIVED" in before:
            if not self.una < ack:
                return None
            before = with_close({"ESTABLISHED"})
            self.wl2 = None
        self.una = max(self.una, ack)
        if ack == self.una:
            self.update_window(seg, seq, ack, is_sure)
        after = set(before)
        if self.fin is not None and self.una > self.fin:
            after = {OUR_FIN_ACKED.get(state, state) for state in after}
        return after

    def update_window(self, seg, seq, ack, is_sure):
        """SND.WND <- SEG.WND, but never from an old segment."""
        window = seg.window << self.shifts()[1]
        if not is_sure and window < self.wnd:
            return
        if self.wl2 is None or self.wl1 < seq or (self.wl1 == seq and self.wl2 <= ack):
            self.wl1, self.wl2 = seq, ack
            self.set_window(window)

    def take_text(self, seg, seq, before, is_sure):
        """Seventh and eighth: the text, and the FIN behind it."""
        if not before & set(TAKES_TEXT):
            return before
        end = seq + seg.text_len
        is_new = end > self.received.nxt and seg.text_len > 0
        right = self.told_edge if self.told_edge is not None else seq
        if seg.flags & FIN and self.peer_fin is None:
            self.peer_fin = end
        with_fin = end + bool(seg.flags & FIN)
        self.received.add(max(seq, self.received.nxt), min(with_fin, right), is_sure)
        self.received.add(max(seq, right), with_fin, False)

        after = set(before)
        if self.peer_fin is not None and self.received.farthest() > self.peer_fin:
            after = {PEER_FIN.get(state, state) for state in before}
            if self.received.nxt <= self.peer_fin:
                after |= before  # maybe
        if is_new and before & {"FIN-WAIT-1", "FIN-WAIT-2"}:
            after.add("CLOSED")  # nobody will read it: answered with a reset (3.6.1)
        return after

    def settle(self, state):
        """`state` is what the stack says; it may tell whether the peer's FIN was taken."""
        took_fin = ("CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT")
        if state in took_fin and self.peer_fin is not None:
            self.received.advance(self.peer_fin + 1)
        self.state = state
        if state in ("CLOSED", "LISTEN"):
            self.ended = True

    # -- a segment is sent

    def sent(self, seg, why, problem):
        """Takes note of a segment of ours; returns the states in which it may be sent."""
        states = with_close({self.state})
        if seg.flags & RST:
            return {"CLOSED", self.state} & {"CLOSED", "SYN-SENT", "SYN-RECEIVED"}
        if self.state == "SYN-SENT" and seg.flags & (SYN | ACK) != SYN:
            problem(f"conn {self.id} sends {seg} before the peer answered its SYN")
            return states
        if self.iss is None:
            if seg.flags & (SYN | ACK) != SYN | ACK:
                problem(f"conn {self.id} sends {seg} before its <SYN,ACK>")
                return states
            self.iss = self.una = self.nxt = seg.seq + CIRCLE
        if seg.flags & SYN:
            self.send_syn(seg, problem)
        self.check_again(seg, why, problem)
        self.check_window(seg, why, problem)
        if seg.flags & ACK:
            self.check_told(seg, problem)
        if seg.flags & FIN:
            states &= {"FIN-WAIT-1", "LAST-ACK", "CLOSING"}
        return states

    def send_syn(self, seg, problem):
        if near(seg.seq, self.iss) != self.iss:
            problem(f"conn {self.id} starts again at {seg.seq}, its ISS was {self.iss % CIRCLE}")
        if self.nxt > self.iss and self.our_shift != seg.shift:
            problem(f"conn {self.id} changes its window scale")
        self.our_shift = seg.shift
        if seg.flags & ACK and self.received is None:
            problem(f"conn {self.id} acknowledges a SYN that did not come")

    def check_again(self, seg, why, problem):
        """What is sent again says so, and only that does."""
        seq = near(seg.seq, self.nxt)
        start, end = seq + bool(seg.flags & SYN), seq + bool(seg.flags & SYN) + seg.text_len
        is_old = seg.text_len > 0 and start < self.nxt
        is_old |= bool(seg.flags & SYN) and self.nxt > self.iss
        if seg.flags & FIN:
            if self.fin is not None and self.fin != end:
                problem(f"conn {self.id} moves its FIN from {self.fin % CIRCLE} to {end % CIRCLE}")
            is_old |= self.fin is not None
        if self.fin is not None and seg.text_len > 0 and end > self.fin:
            problem(f"conn {self.id} sends text behind its FIN")
        says_again = bool(SAYS_AGAIN.search(why))
        if is_old and not says_again and why != "window-probe":
            problem(f"conn {self.id} sends octets again and says why={why}")
        if says_again and not is_old and not seg.flags & SYN:
            if not (seg.text_len > 0 and start < self.probed):
                problem(f"conn {self.id} says why={why}, but this was never sent before")
        self.again += is_old

    def check_window(self, seg, why, problem):
        """Nothing new beyond the peer's window but a probe; then notes what was sent."""
        seq = near(seg.seq, self.nxt)
        end = seq + bool(seg.flags & SYN) + seg.text_len
        right = self.una + self.wnd
        self.edge = max(self.edge or 0, right)
        is_probe = seg.text_len == 1 and (end > right or why == "window-probe")
        if seg.text_len > 0 and not is_probe:
            if end > self.nxt and end > right:
                problem(f"conn {self.id} sends {end - right} octets beyond the peer's window")
            elif end > self.edge:
                problem(f"conn {self.id} sends octets that the peer's window never held")
        if is_probe and end > self.nxt:
            self.probed = max(self.probed, end)
            end -= 1
        if seg.flags & FIN:
            self.fin = end if self.fin is None else self.fin
            end += 1
        self.nxt = max(self.nxt, end)

    def check_told(self, seg, problem):
        """What this segment tells the peer of our receive window."""
        if self.received is None:
            return
        ack = near(seg.ack, self.received.nxt)
        if ack > self.received.farthest():
            problem(f"conn {self.id} acknowledges {ack - self.received.farthest()} octets that never came")
            return
        if self.told_ack is not None and ack < self.told_ack:
            problem(f"conn {self.id} acknowledges {self.told_ack - ack} octets less than before")
        self.told_ack = max(ack, self.told_ack or ack)
        self.received.advance(ack)
        shift = 0 if seg.flags & SYN else self.shifts()[0]
        edge = ack + (seg.window << shift)
        if self.told_edge is not None and edge + (1 << shift) <= self.told_edge:
            problem(f"conn {self.id} moves the right edge of its window left by {self.told_edge - edge}")
        self.told_edge = max(edge, self.told_edge or edge)


# --- the whole capture -------------------------------------------------------------------------

# Dropped for a wrong checksum, which therefore must be wrong.
SUM_DROPS = ("ip4.rx_csum", "tcp.rx_csum")
NO_CONNECTION_DROPS = ("tcp.rx_closed", "tcp.rx_closed_rst")


class Replay:
    def __init__(self, interfaces):
        self.interfaces = interfaces
        self.problems = []  # (packet number, text)
        self.why = {}
        self.packets = 0
        self.last_id, self.last_when = 0, 0
        self.live = {}  # four-tuple, ours first -> Connection
        self.by_id = {}  # id -> (four-tuple, Connection)
        self.last_passive = 0

    def run(self, packets):
        for packet in packets:
            self.packets += 1
            self.packet(packet)

    def packet(self, packet):
        def problem(text):
            self.problems.append((packet.number, text))

        self.check_record(packet, problem)
        if len(packet.comments) != 1:
            problem(f"{len(packet.comments)} comments instead of one")
            return
        comment = Comment(packet.comments[0])
        if not comment.is_sane:
            problem(f"a comment that is not of the promised form: {packet.comments[0]!r}")
            return
        self.why[comment.why] = self.why.get(comment.why, 0) + 1
        if (packet.interface == 1) != (comment.drop is not None):
            problem("drop= belongs on the second interface, and there alone")
        frame = Frame(self.interfaces[packet.interface].link, packet.data)
        self.check_sums(packet, frame, comment, problem)
        if frame.trouble or not frame.tcp:
            if comment.conn:
                problem(f"conn={comment.conn} on what is not TCP")
            return
        if packet.flags is not None and packet.flags & 3 in (1, 2):
            self.segment(packet, frame, comment, problem)

    def check_record(self, packet, problem):
        if packet.id is None:
            problem("no packet id")
        else:
            if packet.id <= self.last_id:
                problem(f"packet id {packet.id} after {self.last_id}")
            self.last_id = max(packet.id, self.last_id)
        if packet.flags is None or packet.flags & 3 not in (1, 2):
            problem("no direction")
        elif packet.interface == 1 and packet.flags & 3 != 1:
            problem("an outgoing packet on the interface of the dropped")
        if packet.when < self.last_when:
            problem("time goes back")
        self.last_when = max(packet.when, self.last_when)

    def check_sums(self, packet, frame, comment, problem):
        wrong_header = frame.ip is not None and frame.ip.header_sum != 0
        wrong_rest = bool(frame.transport_sum())
        if packet.interface == 0:
            if frame.trouble:
                problem(f"malformed, yet not dropped: {frame.trouble}")
            elif frame.ip and not frame.ip.is_whole and len(packet.data) == packet.original_len:
                problem("the IPv4 total length goes beyond the frame")
            if wrong_header:
                problem("the IPv4 header checksum is wrong")
            if wrong_rest:
                problem("the transport checksum is wrong")
        elif comment.drop in SUM_DROPS and frame.ip is not None and not frame.trouble:
            is_wrong = wrong_header if comment.drop == "ip4.rx_csum" else wrong_rest
            if not is_wrong:
                problem(f"dropped as {comment.drop}, but the checksum is right")

    def segment(self, packet, frame, comment, problem):
        ip, seg = frame.ip, frame.tcp
        is_out = packet.flags & 3 == 2
        ours, theirs = (ip.src, seg.src_port), (ip.dst, seg.dst_port)
        key = ours + theirs if is_out else theirs + ours
        if packet.interface == 1:
            self.dropped_segment(key, seg, comment, problem)
            return
        if comment.conn is None:
            problem("a TCP segment without conn= and state=")
            return
        if is_out:
            self.check_options(seg, problem)
        if comment.conn == 0:
            self.strange_segment(key, seg, is_out, comment, problem)
            return
        connection = self.find(key, seg, is_out, comment, problem)
        if connection is None or not connection.is_known:
            return
        if connection.ended:
            if not (is_out and seg.flags & RST and comment.state == "CLOSED"):
                problem(f"conn {connection.id} has ended, but here is {seg}, state={comment.state}")
            return
        if is_out:
            allowed = connection.sent(seg, comment.why, problem)
        else:
            allowed = connection.arrives(seg)
        self.hold_against(connection, allowed, comment, seg, problem)

    def hold_against(self, connection, allowed, comment, seg, problem):
        if comment.state not in allowed:
            expected = " or ".join(sorted(allowed)) or "no state that could send this"
            problem(
                f"conn {connection.id} says state={comment.state}; from {connection.state} "
                f"with {seg} RFC 9293 leads to {expected}"
            )
        connection.settle(comment.state)

    def check_options(self, seg, problem):
        if not seg.options_are_sane:
            problem("malformed TCP options in what we send")
        if not seg.flags & SYN and (seg.mss is not None or seg.shift is not None):
            problem("an MSS or window scale option on a segment without SYN")

    def find(self, key, seg, is_out, comment, problem):
        """The connection that the comment means; new ones begin with a SYN."""
        if comment.conn in self.by_id:
            known_key, connection = self.by_id[comment.conn]
            if known_key != key:
                problem(f"conn {comment.conn} was another four-tuple before")
                return None
            if self.live.get(key) is not connection:
                problem(f"conn {comment.conn} was followed by conn {self.live[key].id}")
                return None
            return connection
        old = self.live.get(key)
        if old is not None:
            if not old.may_end_silently():
                problem(f"conn {old.id} is {old.state} and vanished without a reset")
            if comment.conn < old.id:
                problem(f"conn {comment.conn} follows conn {old.id}: ids must count up")
        begins = seg.flags & (SYN | ACK | RST) == SYN
        connection = Connection(comment.conn, is_out, seg)
        if not begins:
            problem(f"conn {comment.conn} begins with {seg}, not with a SYN")
            connection.is_known = False
        elif not is_out:
            if comment.conn <= self.last_passive:
                problem(f"conn {comment.conn} after conn {self.last_passive}: ids must count up")
            self.last_passive = max(self.last_passive, comment.conn)
            if comment.state != "SYN-RECEIVED":
                problem(f"conn {comment.conn} says state={comment.state} after its first SYN")
        self.live[key] = connection
        self.by_id[comment.conn] = (key, connection)
        if begins and not is_out:
            return None  # nothing more to do for this SYN
        return connection

    def strange_segment(self, key, seg, is_out, comment, problem):
        """A segment of no connection: a reset of ours."""
        old = self.live.get(key)
        if not is_out:
            problem(f"{seg} was consumed, but by no connection")
        elif not seg.flags & RST:
            problem(f"{seg} is sent by no connection")
        elif old is not None and not old.may_end_silently():
            problem(f"a reset of no connection, but conn {old.id} is {old.state}")
        elif old is not None and old.state not in ("SYN-SENT", "SYN-RECEIVED"):
            old.ended = True

    def dropped_segment(self, key, seg, comment, problem):
        """No effect on any state; but what it says of the connection must be right."""
        connection = self.live.get(key)
        if not comment.conn:
            if comment.drop in NO_CONNECTION_DROPS and connection is not None:
                if not connection.may_end_silently():
                    problem(
                        f"dropped as {comment.drop}, but conn {connection.id} is {connection.state}"
                    )
                connection.ended = True
            return
        known_key, known = self.by_id.get(comment.conn, (None, None))
        if known is None or known is not connection or known_key != key:
            problem(f"conn {comment.conn} is not the connection of this segment")
            return
        if not connection.is_known:
            return
        if connection.ended:
            if comment.state != "CLOSED":
                problem(f"conn {connection.id} has ended, but says state={comment.state}")
            return
        if comment.drop == "tcp.rx_seq" and connection.received is not None:
            seq = near(seg.seq, connection.received.nxt)
            if connection.acceptability(seq, seg.length()) == "yes":
                problem("dropped as outside the receive window, but it is inside")
        self.hold_against(connection, with_close({connection.state}), comment, seg, problem)

    # -- the report

    def check_share(self, most):
        total = sum(self.why.values())
        for why, count in sorted(self.why.items(), key=lambda item: -item[1]):
            if count * 100 > most * total:
                share = f"{count * 100 / total:.1f}"
                self.problems.append((0, f"why={why} covers {share} % of the packets, at most {most:g} may"))

    def report(self, as_json):
        total = sum(self.why.values()) or 1
        shares = sorted(self.why.items(), key=lambda item: (-item[1], item[0]))
        if as_json:
            for number, text in self.problems:
                print(json.dumps({"schema": 1, "kind": "problem", "packet": number, "text": text}))
            summary = {"schema": 1, "kind": "summary", "packets": self.packets}
            summary["connections"] = len(self.by_id)
            summary["problems"] = len(self.problems)
            summary["why"] = dict(shares)
            print(json.dumps(summary))
            return
        for number, text in self.problems:
            print(f"packet {number}: {text}" if number else text)
        for why, count in shares:
            print(f"{count * 100 / total:6.1f} % {count:8d}  {why}")
        print(
            f"replay: {self.packets} packets, {len(self.by_id)} connections, "
            f"{len(self.problems)} problems"
        )


def replay(data, max_share=None):
    interfaces, packets = read_capture(data)
    result = Replay(interfaces)
    if len(interfaces) != 2 or interfaces[1].name != f"{interfaces[0].name}-dropped":
        names = ", ".join(repr(interface.name) for interface in interfaces) or "none"
        result.problems.append((0, f"two interfaces, DEVICE and DEVICE-dropped, are due; here are {names}"))
    result.run(packets)
    if not packets:
        result.problems.append((0, "there is not one packet"))
    if max_share is not None:
        result.check_share(max_share)
    return result


def main():
    parser = argparse.ArgumentParser(description="An independent check of a tapio capture.")
    parser.add_argument("capture")
    parser.add_argument("--max-share", type=float, metavar="PERCENT", help="of one why= at most")
    parser.add_argument("--json", action="store_true", help="newline-delimited JSON")
    args = parser.parse_args()
    try:
        with open(args.capture, "rb") as file:
            result = replay(file.read(), args.max_share)
    except (OSError, FormatError) as error:
        print(f"replay: {args.capture}: {error}", file=sys.stderr)
        return 1
    result.report(args.json)
    return 1 if result.problems else 0


if __name__ == "__main__":
    sys.exit(main())

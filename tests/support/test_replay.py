#!/usr/bin/env python3
"""test_replay.py - holds replay.py to its word.

Captures are built here packet by packet. A right one must pass; each planted contradiction, one
change to a right capture, must be found at the packet where it stands.
"""
import contextlib
import io
import json
import os
import struct
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import replay  # noqa: E402

US, PEER = bytes([10, 9, 0, 2]), bytes([10, 9, 0, 1])
MACS = b"\x02\0\x5e\x10\0\1\x02\0\x5e\x10\0\2"
MSS, SCALE = b"\x02\x04\x05\xb4", b"\x01\x03\x03\x07"
ISS, IRS = 5000, 4294967290  # the peer's text runs across the seam


# --- building captures -------------------------------------------------------------------------


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = 0
    for high, low in zip(data[::2], data[1::2]):
        total += high << 8 | low
    while total > 0xFFFF:
        total = total % 65536 + total // 65536
    return 65535 - total


def ipv4(src, dst, protocol, payload, spoil=0):
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 7, 0x4000, 64, protocol, 0)
    total = checksum(head + src + dst) ^ spoil
    return head[:10] + struct.pack(">H", total) + src + dst + payload


def tcp(p):
    is_out = p["dir"] == "out"
    ports = (80, p["port"]) if is_out else (p["port"], 80)
    src, dst = (US, PEER) if is_out else (PEER, US)
    bits = sum({"F": 1, "S": 2, "R": 4, "P": 8, "A": 16}[letter] for letter in p["flags"])
    offset = (20 + len(p["options"])) // 4 << 12
    seq, ack = p["seq"] % 2**32, p["ack"] % 2**32
    head = struct.pack(">HHIIHHHH", *ports, seq, ack, offset | bits, p["win"], 0, 0)
    segment = head + p["options"] + p["text"]
    total = checksum(src + dst + struct.pack(">BBH", 0, 6, len(segment)) + segment)
    segment = segment[:16] + struct.pack(">H", total ^ p["spoil"]) + segment[18:]
    return ipv4(src, dst, 6, segment, p["spoil_ip"])


def option(order, code, value):
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def block(order, kind, body):
    length = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + length + body + length


def capture(packets, order=">", link=1, names=("tap0", "tap0-dropped")):
    end = option(order, 0, b"")
    data = block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    for name in names:
        options = option(order, 2, name.encode()) + option(order, 9, b"\x09") + end
        data += block(order, 1, struct.pack(order + "HHI", link, 0, 65550) + options)
    for index, p in enumerate(packets):
        frame = p["frame"] if "frame" in p else tcp(p)
        if link == 1:
            frame = MACS + p.get("ethertype", b"\x08\x00") + frame
        when = p.get("when", 10**18 + index * 1000)
        body = struct.pack(
            order + "5I", p.get("interface", 0), when >> 32, when % 2**32, len(frame), len(frame)
        )
        body += frame + bytes(-len(frame) % 4)
        for comment in p.get("comments", [p.get("comment") or facts(p)]):
            body += option(order, 1, comment.encode())
        if p.get("direction", True):
            body += option(order, 2, struct.pack(order + "I", 2 if p["dir"] == "out" else 1))
        if p.get("id", True):
            body += option(order, 5, struct.pack(order + "Q", p.get("id", index + 1)))
        data += block(order, 6, body + end)
    return data


def facts(p):
    drop = f" drop={p['drop']}" if "drop" in p else ""
    if p["conn"] == 0:
        return f"conn=0 state={p['state']} why={p['why']}{drop} | A sentence."
    return (
        f"conn={p['conn']} state={p['state']} cwnd=14480 ssthresh=inf inflight=0 srtt_us=0 "
        f"rto_ms=1000 why={p['why']}{drop} | A sentence (RFC 9293, 3.10.7)."
    )


def seg(direction, flags, seq, ack, state, why="x", **more):
    """Sequence numbers count from the ISS (ours for "out") and from the IRS (the peer's)."""
    ours, theirs = (ISS, IRS) if direction == "out" else (IRS, ISS)
    p = {"dir": direction, "flags": flags, "seq": ours + seq, "ack": theirs + ack, "state": state}
    p.update(why=why, conn=1, port=40000, win=500, text=b"", options=b"", spoil=0, spoil_ip=0)
    p.update(more)
    return p


def handshake(port=40000, conn=1):
    more = {"port": port, "conn": conn}
    return [
        seg("in", "S", 0, -IRS, "SYN-RECEIVED", options=MSS + SCALE, win=64240, **more),
        seg("out", "SA", 0, 1, "SYN-RECEIVED", "syn-ack", options=MSS + SCALE, win=65535, **more),
        seg("in", "A", 1, 1, "ESTABLISHED", "handshake-done", win=502, **more),
    ]


def passive():
    """A request, an answer in two segments, the peer closes, we close."""
    return handshake() + [
        seg("in", "PA", 1, 1, "ESTABLISHED", text=b"q" * 100),  # 4
        seg("out", "A", 1, 101, "ESTABLISHED", text=b"a" * 1448, win=511),  # 5
        seg("out", "PA", 1449, 101, "ESTABLISHED", text=b"a" * 52, win=511),  # 6
        seg("in", "A", 101, 1449, "ESTABLISHED"),  # 7
        seg("in", "FA", 101, 1501, "CLOSE-WAIT"),  # 8
        seg("out", "A", 1501, 102, "CLOSE-WAIT", win=511),  # 9
        seg("out", "FA", 1501, 102, "LAST-ACK", "fin", win=511),  # 10
        seg("in", "A", 102, 1502, "CLOSED"),  # 11
    ]


def active_close():
    """We close first; the peer's text still comes, then its FIN."""
    return handshake() + [
        seg("out", "FA", 1, 1, "FIN-WAIT-1", "fin", win=512),  # 4
        seg("in", "A", 1, 2, "FIN-WAIT-2"),  # 5
        seg("in", "PA", 1, 2, "FIN-WAIT-2", text=b"t" * 10),  # 6
        seg("in", "FA", 11, 2, "TIME-WAIT"),  # 7
        seg("out", "A", 2, 12, "TIME-WAIT", win=512),  # 8
        seg("in", "FA", 11, 2, "TIME-WAIT"),  # 9: again
        seg("out", "A", 2, 12, "TIME-WAIT", win=512),  # 10
    ]


def simultaneous_close():
    return handshake() + [
        seg("out", "FA", 1, 1, "FIN-WAIT-1", "fin", win=512),
        seg("in", "FA", 1, 1, "CLOSING"),
        seg("out", "A", 2, 2, "CLOSING", win=512),
        seg("in", "A", 2, 2, "TIME-WAIT"),
    ]


def active_open(last_state="ESTABLISHED"):
    return [
        seg("out", "S", 0, -IRS, "SYN-SENT", "syn", options=MSS + SCALE, win=65535),
        seg("out", "S", 0, -IRS, "SYN-SENT", "syn-retransmit", options=MSS + SCALE, win=65535),
        seg("in", "SA", 0, 1, "ESTABLISHED", options=MSS, win=64240),
        seg("out", "A", 1, 1, last_state, "handshake-ack", win=65535),
    ]


def simultaneous_open():
    return [
        seg("out", "S", 0, -IRS, "SYN-SENT", "syn", win=65535),
        seg("in", "S", 0, -ISS, "SYN-RECEIVED"),
        seg("out", "SA", 0, 1, "SYN-RECEIVED", "syn-retransmit", win=65535),
        seg("in", "SA", 0, 1, "ESTABLISHED"),
        seg("out", "A", 1, 1, "ESTABLISHED", win=65535),
    ]


def reordered():
    """The FIN comes before the text in front of it."""
    return handshake() + [
        seg("in", "FA", 51, 1, "ESTABLISHED", text=b"2" * 50),  # 4
        seg("out", "A", 1, 1, "ESTABLISHED", "ack-out-of-order", win=512),  # 5
        seg("in", "A", 1, 1, "CLOSE-WAIT", text=b"1" * 50),  # 6
        seg("out", "A", 1, 102, "CLOSE-WAIT", "ack-hole-filled", win=512),  # 7
    ]


def zero_window():
    """Ours closes and opens unseen; a probe is taken although the peer was told nothing. The
    peer's closes too: we probe it with one octet, and send that octet again when it opens."""
    return handshake() + [
        seg("in", "A", 1, 1, "ESTABLISHED", text=b"t" * 65408, win=0),  # 4: its own is closed
        seg("out", "A", 1, 65409, "ESTABLISHED", win=1),  # 5
        seg("in", "A", 65409, 1, "ESTABLISHED", text=b"t" * 128, win=0),  # 6
        seg("out", "A", 1, 65537, "ESTABLISHED", win=0),  # 7
        seg("in", "A", 65537, 1, "ESTABLISHED", text=b"p", win=0),  # 8: refused?
        seg("out", "A", 1, 65538, "ESTABLISHED", win=100),  # 9: no, taken
        seg("out", "A", 1, 65538, "ESTABLISHED", "window-probe", text=b"a", win=100),  # 10
        seg("in", "A", 65538, 1, "ESTABLISHED", win=10),  # 11
        seg("out", "PA", 1, 65538, "ESTABLISHED", "window-opened", text=b"a" * 1280, win=100),  # 12
        seg("in", "A", 65538, 1281, "ESTABLISHED", win=10),  # 13
    ]


def loss():
    return handshake() + [
        seg("out", "A", 1, 1, "ESTABLISHED", text=b"a" * 1000, win=512),  # 4
        seg("out", "A", 1001, 1, "ESTABLISHED", text=b"b" * 1000, win=512),  # 5
        seg("out", "A", 1, 1, "ESTABLISHED", "retransmit-rto", text=b"a" * 1000, win=512),  # 6
        seg("in", "A", 1, 2001, "ESTABLISHED"),  # 7
        seg("out", "FA", 2001, 1, "FIN-WAIT-1", "fin", win=512),  # 8
        seg("out", "FA", 2001, 1, "FIN-WAIT-1", "fin-retransmit", win=512),  # 9
        seg("in", "A", 1, 2002, "FIN-WAIT-2"),  # 10
    ]


SPOILT = "why=dropped drop=tcp.rx_csum | Discarded: the checksum is wrong (RFC 9293, MUST-3)."


def fast():
    """Four segments, the first is lost: three duplicate ACKs, and it is sent again."""
    text = b"a" * 1000
    return (
        handshake()
        + [seg("in", "PA", 1, 1, "ESTABLISHED", text=b"q" * 10)]  # 4
        + [
            seg("out", "A", 1 + 1000 * i, 11, "ESTABLISHED", text=text, win=512) for i in range(4)
        ]  # 5 to 8
        + [seg("in", "A", 11, 1, "ESTABLISHED") for _ in range(3)]  # 9 to 11
        + [seg("out", "A", 1, 11, "ESTABLISHED", "fast-retransmit", text=text, win=512)]  # 12
        + [seg("in", "A", 11, 4001, "ESTABLISHED")]
    )


def drops():
    """What was dropped changes nothing."""
    return handshake() + [
        seg("in", "R", 400, 0, "ESTABLISHED", "challenged", interface=1, drop="tcp.rx_rst"),  # 4
        seg("out", "A", 1, 1, "ESTABLISHED", "ack-challenge", win=512),  # 5
        seg("in", "A", -99, 1, "ESTABLISHED", interface=1, drop="tcp.rx_seq", text=b"old"),  # 6
        seg("in", "FA", 1, 1, "x", interface=1, spoil=1, comment=SPOILT),
        seg("in", "S", 0, 0, "CLOSED", interface=1, port=9, conn=0, drop="tcp.rx_closed"),  # 8
        seg("out", "RA", -ISS, 1, "CLOSED", "reset-no-connection", port=9, conn=0),  # 9
        seg("in", "R", 1, 0, "CLOSED", "reset-received"),  # 10
        seg("in", "A", 1, 1, "CLOSED", interface=1, conn=0, drop="tcp.rx_closed"),  # 11
        seg("out", "R", 1, 0, "CLOSED", "reset-no-connection", conn=0),  # 12
    ]


def abort():
    return handshake() + [
        seg("in", "PA", 1, 1, "ESTABLISHED", text=b"q" * 100),
        seg("out", "R", 1, 0, "CLOSED", "reset-unread"),
        seg("in", "A", 101, 1, "CLOSED", interface=1, conn=0, drop="tcp.rx_closed"),
    ]


def unwanted():
    """Text after the application closed both ways: a reset (RFC 9293, 3.6.1)."""
    return active_close()[:5] + [
        seg("in", "PA", 1, 2, "CLOSED", "text-unwanted", text=b"t" * 10),
        seg("out", "R", 2, 0, "CLOSED", "reset-unread"),
    ]


def again():
    """The same four-tuple twice, and another one beside it."""
    second = [dict(p, conn=3) for p in passive()]
    return passive() + handshake(port=40001, conn=2) + second


def others():
    arp = bytes.fromhex("0001080006040001 02005e100002 0a090001 000000000000 0a090002")
    ping = b"\x08\x00\xf7\xfd\x00\x01\x00\x01"
    return [
        {"dir": "in", "frame": arp, "ethertype": b"\x08\x06", "comment": "why=arp-asked | S."},
        {"dir": "in", "frame": ipv4(PEER, US, 1, ping), "comment": "why=icmp-echo | S."},
        {
            "dir": "in",
            "interface": 1,
            "frame": ipv4(PEER, US, 1, ping, spoil=3),
            "comment": "why=dropped drop=ip4.rx_csum | Discarded: the checksum is wrong.",
        },
    ]


RIGHT = [
    passive,
    active_close,
    simultaneous_close,
    active_open,
    simultaneous_open,
    reordered,
    zero_window,
    loss,
    fast,
    drops,
    abort,
    unwanted,
    again,
    others,
]


# --- the tests ---------------------------------------------------------------------------------


def problems(packets, **how):
    return replay.replay(capture(packets, **how)).problems


# A right capture, the packet that is changed (from 1), how, and what must be said of it. A state
# that was wrong may draw more problems behind it; the first must be the planted one.
REQUEST = facts(passive()[3])
BAD_PING = b"\x08\x00\xf7\xfc\x00\x01\x00\x01"
PLANTED = [
    (passive, 4, {"comments": []}, "0 comments instead of one"),
    (passive, 4, {"comments": [REQUEST] * 2}, "2 comments"),
    (passive, 4, {"comments": ["hello"]}, "not of the promised form"),
    (passive, 4, {"comments": [REQUEST.replace("conn=1 ", "")]}, "not of the promised form"),
    (passive, 4, {"comments": [REQUEST.replace("14480", "0x10")]}, "not of the promised form"),
    (passive, 4, {"comments": [REQUEST.partition(" | ")[0]]}, "not of the promised form"),
    (passive, 4, {"comments": ["why=text-in-order | S."]}, "without conn= and state="),
    (passive, 4, {"comments": ["why=x drop=tcp.rx_seq | S."]}, "belongs on the second interface"),
    (passive, 5, {"id": 4}, "packet id 4 after 4"),
    (passive, 5, {"id": None}, "no packet id"),
    (passive, 5, {"direction": None}, "no direction"),
    (passive, 5, {"when": 10**17}, "time goes back"),
    (passive, 5, {"spoil": 1}, "the transport checksum is wrong"),
    (passive, 4, {"spoil_ip": 256}, "the IPv4 header checksum is wrong"),
    (drops, 7, {"spoil": 0}, "dropped as tcp.rx_csum, but the checksum is right"),
    (others, 2, {"frame": ipv4(PEER, US, 1, BAD_PING)}, "the transport checksum is wrong"),
    (others, 2, {"frame": b"\x45\x00\x00\x10" + bytes(16)}, "malformed, yet not dropped"),
    (others, 2, {"comment": REQUEST}, "conn=1 on what is not TCP"),
    # states
    (passive, 1, {"state": "ESTABLISHED"}, "state=ESTABLISHED after its first SYN"),
    (passive, 2, {"state": "ESTABLISHED"}, "conn 1 says state=ESTABLISHED"),
    (passive, 3, {"state": "SYN-RECEIVED"}, "conn 1 says state=SYN-RECEIVED"),
    (passive, 3, {"ack": ISS + 2}, "conn 1 says state=ESTABLISHED"),
    (passive, 8, {"state": "ESTABLISHED"}, "leads to CLOSE-WAIT or CLOSING"),
    (passive, 8, {"flags": "A"}, "conn 1 says state=CLOSE-WAIT"),
    (passive, 10, {"state": "CLOSE-WAIT"}, "with <FIN,ACK> of 0 octets RFC 9293 leads to LAST-ACK"),
    (passive, 11, {"state": "LAST-ACK"}, "leads to CLOSED"),
    (passive, 11, {"ack": ISS + 1501}, "leads to LAST-ACK"),
    (active_close, 4, {"state": "ESTABLISHED"}, "leads to FIN-WAIT-1"),
    (active_close, 5, {"state": "FIN-WAIT-1"}, "leads to FIN-WAIT-2"),
    (active_close, 5, {"state": "TIME-WAIT"}, "leads to FIN-WAIT-2"),
    (active_close, 6, {"state": "ESTABLISHED"}, "from FIN-WAIT-2"),
    (active_close, 7, {"state": "CLOSE-WAIT"}, "leads to TIME-WAIT"),
    (active_close, 9, {"state": "CLOSED"}, "leads to TIME-WAIT"),
    (simultaneous_close, 5, {"state": "TIME-WAIT"}, "leads to CLOSING"),
    (simultaneous_close, 7, {"state": "CLOSED"}, "leads to TIME-WAIT"),
    (active_open, 1, {"state": "SYN-RECEIVED"}, "leads to SYN-SENT"),
    (active_open, 3, {"state": "SYN-RECEIVED"}, "leads to ESTABLISHED"),
    (active_open, 3, {"ack": ISS + 2}, "leads to SYN-SENT"),
    (simultaneous_open, 2, {"state": "ESTABLISHED"}, "leads to SYN-RECEIVED"),
    (reordered, 4, {"state": "CLOSE-WAIT"}, "leads to CLOSED or ESTABLISHED or FIN-WAIT-1"),
    (reordered, 6, {"state": "ESTABLISHED"}, "leads to CLOSE-WAIT"),
    (drops, 4, {"state": "CLOSED"}, "conn 1 says state=CLOSED"),
    (drops, 10, {"state": "ESTABLISHED"}, "leads to CLOSED"),
    (drops, 10, {"seq": IRS + 2}, "conn 1 says state=CLOSED"),
    # connections
    (passive, 4, {"conn": 2}, "conn 1 is ESTABLISHED and vanished"),
    (passive, 4, {"port": 40009}, "conn 1 was another four-tuple before"),
    (passive, 4, {"conn": 0, "state": "CLOSED"}, "was consumed, but by no connection"),
    (passive, 5, {"conn": 0, "state": "CLOSED"}, "is sent by no connection"),
    (passive, 5, {"conn": 0, "state": "CLOSED", "flags": "R"}, "but conn 1 is ESTABLISHED"),
    (passive, 1, {"flags": "A"}, "begins with <ACK> of 0 octets, not with a SYN"),
    (again, 12, {"conn": 1}, "conn 1 was another four-tuple before"),
    (again, 15, {"conn": 2}, "conn 2 was another four-tuple before"),
    (abort, 6, {"interface": 0, "drop": None, "comments": [REQUEST]}, "conn 1 has ended"),
    (drops, 4, {"seq": IRS + 1}, "dropped as a reset that is not at RCV.NXT, but it is"),
    (drops, 6, {"seq": IRS + 1}, "dropped as outside the receive window, but it is inside"),
    (drops, 11, {"conn": 1, "state": "ESTABLISHED"}, "conn 1 has ended, but says"),
    # windows, options, retransmissions
    (passive, 6, {"win": 509}, "moves the right edge of its window left by 283"),
    (passive, 5, {"options": MSS}, "MSS or window scale option on a segment without SYN"),
    (passive, 5, {"options": b"\x02\x01\x00\x00"}, "malformed TCP options"),
    (passive, 5, {"ack": IRS + 102}, "acknowledges 1 octets that never came"),
    (passive, 9, {"ack": IRS + 50, "win": 512}, "acknowledges 51 octets less than before"),
    (passive, 6, {"seq": ISS + 1448}, "sends octets again and says why=x"),
    (passive, 6, {"why": "retransmit-rto"}, "but this was never sent before"),
    (fast, 12, {"seq": ISS + 2001}, "why=fast-retransmit for text 2000 octets behind SND.UNA"),
    (fast, 12, {"why": "written"}, "sends octets again and says why=written"),
    (loss, 6, {"why": "fast-retransmit"}, "says why=fast-retransmit after 0 duplicate ACKs"),
    (loss, 6, {"why": "written"}, "sends octets again and says why=written"),
    (loss, 9, {"why": "fin"}, "sends octets again and says why=fin"),
    (loss, 9, {"seq": ISS + 2002}, "moves its FIN from"),
    (active_open, 2, {"why": "syn"}, "sends octets again and says why=syn"),
    (active_open, 2, {"seq": ISS + 1}, "starts again at"),
    (zero_window, 10, {"text": b"aa"}, "sends 2 octets beyond the peer's window"),
    (zero_window, 12, {"text": b"a" * 1281}, "sends 1 octets beyond the peer's window"),
    (zero_window, 9, {"ack": IRS + 65539}, "acknowledges 1 octets that never came"),
]


class Replay(unittest.TestCase):
    def test_right_captures_pass(self):
        for build in RIGHT:
            with self.subTest(build.__name__):
                self.assertEqual(problems(build()), [])

    def test_both_byte_orders_and_raw_ip_pass(self):
        self.assertEqual(problems(passive(), order="<"), [])
        self.assertEqual(problems(passive(), link=101), [])

    def test_every_planted_contradiction_is_found_where_it_stands(self):
        for build, number, change, said in PLANTED:
            with self.subTest(build=build.__name__, number=number, change=change):
                packets = build()
                packets[number - 1].update(change)
                for key in [key for key, value in change.items() if value is None]:
                    if key == "drop":
                        del packets[number - 1][key]
                    else:
                        packets[number - 1][key] = False
                found = problems(packets)
                self.assertTrue(found, "nothing was found")
                self.assertEqual(found[0][0], number, found)
                self.assertIn(said, found[0][1])

    def test_close_shows_before_the_fin_but_never_ends_again(self):
        packets = passive()[:7]
        packets[4]["state"] = packets[5]["state"] = packets[6]["state"] = "FIN-WAIT-1"
        self.assertEqual(problems(packets), [])
        packets[5]["state"] = "ESTABLISHED"
        self.assertIn("from FIN-WAIT-1", problems(packets)[0][1])

    def test_a_duplicate_ack_has_no_text_and_the_same_window(self):
        for change in ({"win": 501}, {"text": b"t"}, {"flags": "FA"}, {"ack": ISS}):
            with self.subTest(change=change):
                packets = fast()
                packets[9].update(change)
                said = "conn 1 says why=fast-retransmit after"
                self.assertTrue(any(said in text for _, text in problems(packets)))

    def test_only_a_connection_that_sent_in_vain_may_vanish(self):
        packets = loss()[:6] + handshake(conn=2)
        self.assertEqual(problems(packets), [])
        packets = loss()[:5] + handshake(conn=2)
        self.assertIn("vanished without a reset", problems(packets)[0][1])

    def test_ids_count_up(self):
        packets = handshake(port=1, conn=7) + handshake(port=2, conn=5)
        self.assertIn("ids must count up", problems(packets)[0][1])

    def test_text_beyond_a_small_window_is_found(self):
        packets = passive()
        packets[2]["win"] = packets[3]["win"] = 11  # 1,408 octets
        said = "conn 1 sends 40 octets beyond the peer's window"
        self.assertEqual(problems(packets)[0], (5, said))

    def test_window_scaling_may_round_the_edge_off_but_no_more(self):
        packets = handshake() + [
            seg("in", "A", 1, 1, "ESTABLISHED", text=b"t" * 100),
            seg("out", "A", 1, 1, "ESTABLISHED", win=512),
            seg("out", "A", 1, 101, "ESTABLISHED", win=511),
        ]
        self.assertEqual(problems(packets), [])
        packets[5]["win"] = 510
        self.assertIn("left by 156", problems(packets)[0][1])

    def test_one_why_may_not_cover_too_much(self):
        data = capture(passive())
        self.assertEqual(replay.replay(data, 73).problems, [])
        found = replay.replay(data, 60).problems
        self.assertEqual(found, [(0, "why=x covers 72.7 % of the packets, at most 60 may")])

    def test_interfaces_have_their_names(self):
        self.assertIn("two interfaces", problems(passive(), names=("tap0",))[0][1])
        self.assertIn("two interfaces", problems(passive(), names=("tap0", "tap1"))[0][1])

    def test_a_file_that_is_no_capture_is_refused_in_one_line(self):
        data = capture(passive())
        for bad, said in [
            (b"", "empty"),
            (b"\xd4\xc3\xb2\xa1" + bytes(20), "not a pcapng file"),
            (data[:-1], "half a block"),
            (data[:-4] + b"\0\0\0\0", "two lengths"),
            (data + data, "second section"),
            (capture(passive(), link=113), "link type 113"),
            (capture([]) + block(">", 3, bytes(8)), "without options"),
            (capture([]) + block(">", 6, bytes(8)), "too short"),
            (capture([]) + block(">", 6, struct.pack(">5I", 0, 0, 0, 999, 999)), "longer than"),
            (capture([]) + block(">", 6, struct.pack(">5I", 2, 0, 0, 0, 0)), "never described"),
            (capture([]) + block(">", 6, bytes(20) + b"\0\1\0\x09"), "longer than its block"),
        ]:
            with self.subTest(said):
                with self.assertRaises(replay.FormatError) as caught:
                    replay.replay(bad)
                self.assertIn(said, str(caught.exception))

    def test_every_cut_of_a_file_is_refused_or_read(self):
        data = capture(drops()[:4])
        for length in range(len(data)):
            with contextlib.suppress(replay.FormatError):
                replay.replay(data[:length])

    def test_any_octet_may_be_wrong(self):
        data = bytearray(capture(handshake() + passive()[3:5]))
        for index in range(len(data)):
            flip = 0xFF if index % 2 else 0x01
            data[index] ^= flip
            with contextlib.suppress(replay.FormatError):
                replay.replay(bytes(data))
            data[index] ^= flip


class CommandLine(unittest.TestCase):
    def run_main(self, packets, *options):
        with tempfile.NamedTemporaryFile(suffix=".pcapng") as file:
            file.write(capture(packets))
            file.flush()
            out, err = io.StringIO(), io.StringIO()
            argv, sys.argv = sys.argv, ["replay.py", *options, file.name]
            try:
                with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                    status = replay.main()
            finally:
                sys.argv = argv
        return status, out.getvalue(), err.getvalue()

    def test_right_capture_exits_0_with_a_summary(self):
        status, out, _ = self.run_main(passive())
        self.assertEqual(status, 0)
        self.assertEqual(out.splitlines()[-1], "replay: 11 packets, 1 connections, 0 problems")
        self.assertIn("  72.7 %        8  x", out.splitlines())

    def test_wrong_capture_exits_1_with_one_line_a_problem(self):
        packets = passive()
        packets[4]["spoil"] = 1
        status, out, _ = self.run_main(packets)
        self.assertEqual(status, 1)
        self.assertEqual(out.splitlines()[0], "packet 5: the transport checksum is wrong")

    def test_json(self):
        packets = passive()
        packets[4]["spoil"] = 1
        status, out, _ = self.run_main(packets, "--json", "--max-share", "60")
        self.assertEqual(status, 1)
        lines = [json.loads(line) for line in out.splitlines()]
        self.assertEqual([line["kind"] for line in lines], ["problem", "problem", "summary"])
        self.assertEqual(lines[0]["packet"], 5)
        self.assertEqual(lines[2]["problems"], 2)
        self.assertEqual(lines[2]["why"]["x"], 8)

    def test_missing_file_exits_1(self):
        argv, sys.argv = sys.argv, ["replay.py", "/does/not/exist"]
        err = io.StringIO()
        try:
            with contextlib.redirect_stderr(err):
                self.assertEqual(replay.main(), 1)
        finally:
            sys.argv = argv
        self.assertEqual(len(err.getvalue().splitlines()), 1)


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""wireshark.py - for wireshark.sh: bad frames, a reader that stops, and a judge of captures.

    wireshark.py bad DEVICE TARGET_MAC SOURCE TARGET
                                    each bad frame ten times, its kind in its sender's last octet
    wireshark.py stall HOST PORT    reads nothing until the window has long been closed, then resets
    wireshark.py judge CAPTURE LUA LOG DROPS
                                    what tshark reads in CAPTURE, packet by packet, beside the same run's
                                    --log and `why drop --json`
    wireshark.py latency TAPIO HOST COUNT
                                    from a ping to its line out of tshark: the median, in milliseconds
    wireshark.py comments FILE      a capture with the comments of others
    wireshark.py others FILE LUA    ... of which none becomes a field, and nothing breaks

Each ends with 0, or says in one line what was not as it should be.
"""
import collections
import json
import os
import queue
import re
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time

from clients import checksum, ipv4, tcp

# --- traffic ------------------------------------------------------------------------------------

# The reason that the stack must give for each kind, by the number in the frame's source address.
KINDS = {
    1: "tcp.rx_csum", 2: "tcp.rx_flags", 3: "tcp.rx_flags", 4: "tcp.rx_hdr", 5: "tcp.rx_closed",
    6: "tcp.rx_closed_rst", 7: "ip4.rx_csum", 8: "ip4.rx_hdr", 9: "ip4.rx_martian", 10: "ip4.rx_notours",
    11: "ip4.rx_proto", 12: "eth.rx_vlan", 13: "eth.rx_proto", 14: "arp.rx_bad", 15: "udp.rx_closed",
    16: "udp.rx_len", 17: "icmp.rx_bad", 18: "eth.rx_bad_src", 19: "ip4.rx_l2bcast", 20: "eth.rx_notours",
    21: "icmp.rx_echo_reply",
}
MARK = "02:00:5e:10:00:"  # of their senders; a group's (03:...) for kind 18


def bad(device, target_mac, source, target):
    theirs = bytes.fromhex(target_mac.replace(":", ""))
    src, dst = socket.inet_aton(source), socket.inet_aton(target)
    fin, syn, rst = 1, 2, 4

    def icmp(kind, spoil=0):
        body = struct.pack(">BBHHH", kind, 0, 0, 1, 1) + b"tapio"
        return body[:2] + struct.pack(">H", checksum(body) ^ spoil) + body[4:]

    def segment(port, flags, **change):
        return ipv4(src, dst, 6, tcp(src, dst, 40000, port, flags, **change))

    plain = segment(80, syn)
    packets = {
        1: segment(80, syn, spoil=0x0100), 2: segment(80, syn | fin), 3: segment(80, 0),
        4: segment(80, syn, offset=4), 5: segment(81, syn), 6: segment(81, rst),
        7: plain[:10] + bytes([plain[10] ^ 1]) + plain[11:],
        8: ipv4(src, dst, 6, tcp(src, dst, 40000, 80, syn), first=0x44),
        9: ipv4(socket.inet_aton("127.0.0.1"), dst, 6, tcp(src, dst, 40000, 80, syn)),
        10: ipv4(src, socket.inet_aton("10.9.0.77"), 6, tcp(src, dst, 40000, 80, syn)),
        11: ipv4(src, dst, 47, bytes(20)), 12: b"\x00\x05\x08\x00" + plain, 13: bytes(50), 14: bytes(28),
        15: ipv4(src, dst, 17, struct.pack(">HHHH", 40000, 5, 8, 0)),
        16: ipv4(src, dst, 17, struct.pack(">HHHH", 40000, 5, 4, 0)),
        17: ipv4(src, dst, 1, icmp(8, spoil=1)), 18: plain, 19: plain, 20: plain,
        21: ipv4(src, dst, 1, icmp(0)),
    }
    types = {12: 0x8100, 13: 0x1234, 14: 0x0806}
    targets = {19: b"\xff" * 6, 20: b"\x02\x00\x5e\x20\x00\x01"}
    assert packets.keys() == KINDS.keys()
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind((device, 0))
        for _ in range(10):
            for kind, packet in packets.items():
                sender = bytes.fromhex(MARK.replace(":", "")) + bytes([kind])
                if kind == 18:
                    sender = b"\x03" + sender[1:]
                sock.send(targets.get(kind, theirs) + sender + struct.pack(">H", types.get(kind, 0x0800)) + packet)
            time.sleep(0.02)


def stall(host, port):
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        sock.connect((host, int(port)))
        time.sleep(2)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


# --- the judge ------------------------------------------------------------------------------------

NUMBERS = ("conn", "cwnd", "ssthresh", "inflight", "srtt_us", "rto_ms")
OURS = ("packet", *NUMBERS, "state", "why", "drop", "text", "clause", "retransmit")
FIELDS = ("frame.interface_id", "frame.interface_name", "frame.packet_id", "frame.packet_flags_direction",
          "frame.comment", "eth.src", "tcp.stream", "tcp.seq", "tcp.len", "tcp.flags",
          "tcp.analysis.retransmission", "tcp.analysis.fast_retransmission",
          "tcp.analysis.spurious_retransmission", "tcp.analysis.zero_window", *("tapio." + name for name in OURS))

# These send something new where there is something, else they send again; all others that send again say
# "retransmit".
PROBES = {"tail-loss-probe", "rescue-retransmit", "window-probe", "keep-alive"}


def is_again(why):
    return "retransmit" in why and why not in PROBES


def tshark(*arguments):
    done = subprocess.run(["tshark", "-n", *arguments], capture_output=True, text=True, check=False)
    said = [line for line in done.stderr.splitlines() if not line.startswith("Running as user")]
    assert done.returncode == 0 and not said, f"tshark says: {said}"
    assert "Lua Error" not in done.stdout, "an error in the Lua file"
    return done.stdout


def read_rows(capture, lua):
    columns = [word for name in FIELDS for word in ("-e", name)]
    output = tshark("-X", f"lua_script:{lua}", "-r", capture, "-T", "fields", "-E", "occurrence=f", *columns)
    for line in output.splitlines():
        yield dict(zip(FIELDS, line.split("\t"), strict=True))


def judge_comment(row):
    """It is there, and the fields say what it says. Returns its pairs."""
    comment = row["frame.comment"]
    assert comment, f"no comment: {row}"
    head, sentence = comment.split(" | ", 1)
    pairs = dict(pair.split("=", 1) for pair in head.split())
    wanted = {**pairs, "text": sentence, "packet": row["frame.packet_id"]}
    if pairs.get("ssthresh") == "inf":
        del wanted["ssthresh"]
    clause = re.search(r"\((RFC [^()]*)\)\.?$", sentence)
    if clause:
        wanted["clause"] = clause.group(1)
    if is_again(pairs["why"]):
        wanted["retransmit"] = "1"
    fields = {name: row["tapio." + name] for name in OURS if row["tapio." + name]}
    assert fields == wanted, f"fields {fields}, comment {wanted}"
    assert pairs["why"] not in ("unexplained", "none"), row
    return pairs


class Sent:
    """What we have sent of each connection, by tshark's numbers, and so what is sent again."""

    def __init__(self):
        self.end = {}
        self.triggers = collections.Counter()

    def take(self, row, why):
        again = any(row["tcp.analysis." + kind] for kind in
                    ("retransmission", "fast_retransmission", "spurious_retransmission"))
        flags = int(row["tcp.flags"], 16)
        length = int(row["tcp.len"]) + (flags & 1) + (flags >> 1 & 1)
        begin, stream = int(row["tcp.seq"]), row["tcp.stream"]
        if length and not flags & 4:
            known = self.end.get(stream, begin)
            again = again or begin < known
            self.end[stream] = max(known, begin + length)
            assert not is_again(why) or begin < known, f"{why} is new: {row}"
        if again:
            assert is_again(why) or why in PROBES, f"sent again, and {why} names no trigger: {row}"
            self.triggers[why] += 1


def read_log(path):
    """Number -> (direction, reason) of each packet."""
    packets = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            found = re.search(r" packet=(\d+) (in|out) .* (?:why|drop)=(\S+)$", line)
            if found:
                packets[int(found.group(1))] = found.group(2, 3)
    return packets


def judge(capture, lua, log, drops):
    seen, reasons, marked, dropped = {}, collections.Counter(), collections.defaultdict(collections.Counter), {}
    sent, zero_windows = Sent(), 0
    for number, row in enumerate(read_rows(capture, lua), 1):
        pairs = judge_comment(row)
        assert int(row["frame.packet_id"]) == number, f"packet {number} has the number {row['frame.packet_id']}"
        outgoing = int(row["frame.packet_flags_direction"], 16) == 2
        is_dropped = row["frame.interface_id"] == "1"
        assert is_dropped == ("drop" in pairs), row
        assert row["frame.interface_name"] == ("tap0-dropped" if is_dropped else "tap0"), row
        assert not (is_dropped and outgoing), row
        if is_dropped:
            dropped[number] = pairs["drop"]
        if row["eth.src"][3:-2] == MARK[3:]:
            marked[int(row["eth.src"][-2:], 16)][pairs.get("drop")] += 1
        if outgoing and row["tcp.stream"]:
            sent.take(row, pairs["why"])
        seen[number] = ("out" if outgoing else "in", pairs.get("drop", pairs["why"]))
        reasons[pairs["why"]] += 1
        zero_windows += not outgoing and row["tcp.analysis.zero_window"] != ""
    for kind, reason in KINDS.items():
        assert set(marked[kind]) == {reason}, f"kind {kind}: wanted {reason}, got {dict(marked[kind])}"
    assert zero_windows, "the window was never closed"
    for why in ("window-probe", "reset-received", "reset-no-connection", "text-early",
                "text-fills-hole", "dropped"):
        assert reasons[why], f"nothing has why={why}: {reasons}"
    assert len(sent.triggers) >= 2 and sum(sent.triggers.values()) >= 10, sent.triggers
    assert read_log(log) == seen, "the log and the capture differ"
    told = 0
    with open(drops, encoding="utf-8") as file:
        for line in file:
            one = json.loads(line)
            if one["type"] == "drop":
                told += 1
                assert dropped[one["packet"]] == one["drop"], one
    assert told >= 10, f"why drop tells of {told}"
    print(f"{len(seen)} packets, {len(dropped)} of them dropped; sent again: {dict(sent.triggers)}")


# --- live ---------------------------------------------------------------------------------------


def latency(tapio, host, count):
    capture = subprocess.Popen([tapio, "capture", "-q", "-w", "-"], stdout=subprocess.PIPE)
    viewer = subprocess.Popen(["tshark", "-n", "-l", "-r", "-", "-T", "fields", "-e", "icmp.type", "-e", "icmp.seq",
                               "-e", "frame.comment"], stdin=capture.stdout, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
    capture.stdout.close()
    lines = queue.Queue()
    threading.Thread(target=lambda: [lines.put((time.monotonic(), line)) for line in viewer.stdout],
                     daemon=True).start()

    def one(sock, number, limit):
        body = struct.pack(">BBHHH", 8, 0, 0, 77, number) + bytes(32)
        began = time.monotonic()
        sock.sendto(body[:2] + struct.pack(">H", checksum(body)) + body[4:], (host, 0))
        while True:
            came, line = lines.get(timeout=limit)
            words = line.split("\t")
            if words[:2] == ["8", str(number)]:
                assert "why=icmp-echo" in line, line
                return 1000 * (came - began)

    try:
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sock:
            for number in range(1, 200):  # until all of them have started
                try:
                    one(sock, number, 0.2)
                    break
                except queue.Empty:
                    pass
            times = []
            for number in range(1000, 1000 + int(count)):
                time.sleep(0.05)
                times.append(one(sock, number, 5))
    finally:
        capture.terminate()
        capture.wait()
        viewer.wait()
    print(f"{statistics.median(times):.1f} ms from a ping to its line in the median of {len(times)}, "
          f"{max(times):.1f} at most")
    return statistics.median(times)


# --- the comments of others ---------------------------------------------------------------------

# (the comments of a packet, how many of its fields are named tapio.why)
STRANGE = (
    ([], 0), (["look here"], 0), ([""], 0), (["cwnd=5"], 0), (["why=x"], 0), (["why= | x"], 0), ([" | "], 0),
    (["cwnd=5 | no reason"], 0), (["a why=x | a word that is no pair"], 0), (["Why=x | y"], 0),
    (["why=x | y"], 1), (["why=x | "], 1), (["seen by me", "why=x | y"], 1), (["why=x | y", "why=z | y"], 2),
    (["conn=99999999999 cwnd=-1 rto_ms=0x10 srtt_us=1e3 inflight= ssthresh=inf why=x | inflight is no pair"], 0),
    (["conn=99999999999 cwnd=-1 rto_ms=0x10 srtt_us=1e3 ssthresh=4294967296 why=x | numbers that are none"], 1),
    (["new_key=7 why=x | a key of a later version"], 1), (["why=x | (RFC"], 1), (["why=" + 60000 * "x" + " | y"], 1),
    (["why=\u00e4\u2192 | \u00e4 (RFC 1, 2)."], 1), (["why=x | %s %n %d"], 1),
)


def block(kind, body):
    length = 12 + len(body)
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)


def comments(path):
    with open(path, "wb") as file:
        file.write(block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) + block(1, struct.pack("<HHI", 1, 0, 0)))
        for texts, _ in STRANGE:
            options = b""
            for text in texts:
                octets = text.encode()
                options += struct.pack("<HH", 1, len(octets)) + octets + bytes(-len(octets) % 4)
            file.write(block(6, struct.pack("<IIIII", 0, 0, 0, 60, 60) + bytes(60) + options + struct.pack("<HH", 0, 0)))


def others(path, lua):
    arguments = ("-X", f"lua_script:{lua}", "-X", f"lua_script:{lua}", "-r", path, "-T", "fields")
    output = tshark(*arguments, "-e", "frame.number", "-e", "tapio.why", "-e", "tapio.cwnd", "-e", "tapio.conn",
                    "-e", "tapio.rto_ms", "-e", "tapio.srtt_us", "-e", "tapio.ssthresh", "-E", "aggregator=|")
    rows = [line.split("\t") for line in output.splitlines()]
    assert len(rows) == len(STRANGE), len(rows)
    for row, (texts, wanted) in zip(rows, STRANGE, strict=True):
        got = len(row[1].split("|")) if row[1] else 0
        assert got == wanted, f"{texts}: {row}"
        assert not any(row[2:]), f"{texts}: {row}"
    assert "Lua Error" not in tshark("-X", f"lua_script:{lua}", "-r", path, "-V")


if __name__ == "__main__":
    verbs = {f.__name__: f for f in (bad, stall, judge, latency, comments, others)}
    try:
        result = verbs[sys.argv[1]](*sys.argv[2:])
        if sys.argv[1] == "latency" and result > float(os.environ.get("LIMIT_MS", "50")):
            sys.exit("that is too much")
    except (AssertionError, OSError, ValueError, queue.Empty) as wrong:
        sys.exit(f"{type(wrong).__name__}: {wrong}"[:2000])

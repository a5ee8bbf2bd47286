#!/usr/bin/env python3
"""replay.py - an independent check of a tapio capture.

    replay.py [--max-share PERCENT] [--json] CAPTURE

Reads a pcapng file that tapio wrote, believes nothing in it, and holds what the comments claim
against what the packets show. Nothing here is shared with the stack: the readers
(capture_file.py) and the state machine (replay_tcp.py) are written from the specifications.

What is checked:

  - each packet has exactly one comment of the promised form; packet ids increase over both
    interfaces; time does not go back;
  - IPv4, ICMP, UDP and TCP checksums are right in everything that passed, and wrong in whatever was
    dropped for a wrong one;
  - a connection id belongs to one incarnation of one four-tuple; ids count up;
  - `state=` is the state after a received segment was processed, or when a segment was sent;
  - the right edge of our window never moves left (by more than window scaling rounds off, RFC
    7323, 2.4); nothing new is sent beyond the peer's window but a probe of one octet; MSS and
    window scale stand on SYN segments only; what is sent again says so in `why=`, and only that
    does; a fast retransmission follows three duplicate ACKs, and it and a partial one repeat the
    first unacknowledged segment alone;
  - what was dropped as outside the window, or as a reset beside RCV.NXT, is just that.

Known limit: text that was handed to ARP and lost there was never on the wire, so its first
appearance as a retransmission counts as a problem.

Exit status: 0 when all holds, 1 otherwise. Problems are printed one a line, `packet N: ...`, N
being the packet's place in the file as Wireshark counts.
"""
import argparse
import json
import sys

sys.dont_write_bytecode = True  # a check leaves nothing behind

from capture_file import ACK, RST, SYN, Comment, FormatError, Frame, read_capture  # noqa: E402
from replay_tcp import Connection, near, with_close  # noqa: E402

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
        if comment.drop == "tcp.rx_rst" and connection.received is not None:
            received = connection.received
            if near(seg.seq, received.nxt) == received.nxt == received.farthest():
                problem("dropped as a reset that is not at RCV.NXT, but it is")
        self.hold_against(connection, with_close({connection.state}), comment, seg, problem)

    # -- the report

    def check_share(self, most):
        total = sum(self.why.values())
        for why, count in sorted(self.why.items(), key=lambda item: -item[1]):
            if count * 100 > most * total:
                share = f"{count * 100 / total:.1f}"
                text = f"why={why} covers {share} % of the packets, at most {most:g} may"
                self.problems.append((0, text))

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
        text = f"two interfaces, DEVICE and DEVICE-dropped, are due; here are {names}"
        result.problems.append((0, text))
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

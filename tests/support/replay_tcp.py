"""replay_tcp.py - a TCP connection replayed from our side, as RFC 9293, 3.3.2 and 3.10 have it.

What cannot be seen on the wire is allowed for. The application's CLOSE turns ESTABLISHED into
FIN-WAIT-1 (and CLOSE-WAIT into LAST-ACK) while text still goes before the FIN, so until our FIN has
been seen both are right, but there is no way back. Our window may in truth be larger than the peer
has been told; what lies between counts as "maybe received" until an ACK or a state tells. Time-outs
and the end of TIME-WAIT end a connection silently; an ESTABLISHED one can vanish only after it sent
something again in vain.
"""
import re

from capture_file import ACK, FIN, RST, SYN

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
ENDS_SILENTLY = (
    "SYN-SENT",
    "SYN-RECEIVED",
    "FIN-WAIT-2",
    "CLOSING",
    "LAST-ACK",
    "TIME-WAIT",
)
# These say that the first unacknowledged segment is sent again, and no other (RFC 5681, 3.2; RFC
# 6582, 3.2).
ONE_SEGMENT = ("fast-retransmit", "partial-retransmit")
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
        self.peer_mss = 536
        self.again = 0  # segments sent more than once
        self.duplicates, self.last_window = 0, None  # duplicate ACKs in a row
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
        self.peer_mss = max(seg.mss or 536, 1)
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
        if self.state in ENDS_SILENTLY:
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
        """The four cases of the first check (3.10.7.4, Table 6): yes, no, or maybe when it depends
        on what the peer was not told."""
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
        self.count_duplicates(seg, ack)
        self.una = max(self.una, ack)
        if ack == self.una:
            self.update_window(seg, seq, ack, is_sure)
        after = set(before)
        if self.fin is not None and self.una > self.fin:
            after = {OUR_FIN_ACKED.get(state, state) for state in after}
        return after

    def count_duplicates(self, seg, ack):
        """What a duplicate ACK is: RFC 5681, 2. One that came late says nothing of the window."""
        if ack < self.una:
            return
        if ack > self.una:
            self.duplicates = 0
        elif max(self.nxt, self.probed) > self.una:
            is_bare = seg.text_len == 0 and not seg.flags & (SYN | FIN)
            self.duplicates += is_bare and seg.window == self.last_window
        self.last_window = seg.window

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
        if why == "fast-retransmit" and self.duplicates < 3:
            problem(f"conn {self.id} says why={why} after {self.duplicates} duplicate ACKs")
        if why in ONE_SEGMENT and not self.una <= seq < self.una + self.peer_mss:
            distance = seq - self.una
            problem(f"conn {self.id} says why={why} for text {distance} octets behind SND.UNA")
        says_again = bool(SAYS_AGAIN.search(why))
        # a probe of the tail is new text, or the last segment once more (RFC 8985, 7.3)
        if is_old and not says_again and why not in ("window-probe", "tail-loss-probe"):
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
            excess = ack - self.received.farthest()
            problem(f"conn {self.id} acknowledges {excess} octets that never came")
            return
        if self.told_ack is not None and ack < self.told_ack:
            problem(f"conn {self.id} acknowledges {self.told_ack - ack} octets less than before")
        self.told_ack = max(ack, self.told_ack or ack)
        self.received.advance(ack)
        shift = 0 if seg.flags & SYN else self.shifts()[0]
        edge = ack + (seg.window << shift)
        if self.told_edge is not None and edge + (1 << shift) <= self.told_edge:
            back = self.told_edge - edge
            problem(f"conn {self.id} moves the right edge of its window left by {back}")
        self.told_edge = max(edge, self.told_edge or edge)

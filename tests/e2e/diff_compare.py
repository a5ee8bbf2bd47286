"""diff_compare.py - two runs of one script side by side: what differs.

Text that leaves together in several segments is one line, as in a script; then the two lists of packets are aligned
by the cheapest way to turn one into the other (a field that differs costs less than a packet that only one side has),
and each pair is compared: flags, sequence number and length, ACK, whether the window is open or shut, options with
what they say, TOS, TTL, and when it came. A call is compared by what it returned, its errno, what it has put out,
and, where it slept, when it woke.

A difference is a row of text without times, so that a list of known ones stays true:

    after 14    flags: P. | .          the packet that follows line 14 of the script: the kernel's | ours
    after 14    only the kernel: . 1:1(0) ack 1
    line 9      read: -1 EAGAIN | 5
"""
from diff_packets import PSH, RST, SYN, FIN

TOGETHER = 0.006 # seconds: segments of one flight
GAP = 5 # what a packet of one side alone costs
FIELD_COST = {"flags": 2, "seq": 2, "len": 2, "ack": 1.5, "window": 1, "options": 1, "ip": .5, "time": 1}


class Difference:
    def __init__(self, line, is_call, what, kernel, ours):
        self.order = (line, not is_call)
        self.where = f"{'line' if is_call else 'after'} {line}"
        self.what, self.kernel, self.ours = what, kernel, ours
        self.reason = None # of the list of known ones

    def same_as(self, other):
        """The same field at the same place: what the kernel says there may differ from run to run."""
        return (self.where, self.what.split(":")[0]) == (other.where, other.what.split(":")[0])


def tolerance(distance):
    """Timers of the kernel tick in milliseconds, and this machine does other things, too."""
    return 0.025 + 0.125 * max(0, distance)


def together(packets):
    """Adjacent pieces of one flight become one packet."""
    merged = []
    for packet in packets:
        last = merged[-1] if merged else None
        if (last and last.key is not None and last.key == packet.key and last.len and packet.len
                and not (last.flags | packet.flags) & (SYN | RST) and not last.flags & FIN
                and last.seq + last.len == packet.seq and last.ack == packet.ack
                and last.after == packet.after and packet.at - last.at_last < TOGETHER):
            last.len += packet.len
            last.flags |= packet.flags
            last.at_last = packet.at
            last.pieces += 1
            continue
        packet.at_last = packet.at
        merged.append(packet)
    return merged


def fields(kernel, ours, since):
    """The fields in which a pair differs: {name: (kernel's, ours)}."""
    if kernel.key is None or ours.key is None:
        return {} if kernel.text() == ours.text() else {"flags": (kernel.text(), ours.text())}
    off = {}
    if kernel.flags != ours.flags:
        off["flags"] = (kernel.letters(), ours.letters())
    for name in ("seq", "len", "ack"):
        if getattr(kernel, name) != getattr(ours, name):
            off[name] = (getattr(kernel, name), getattr(ours, name))
    if kernel.window != ours.window and not kernel.flags & RST:
        off["window"] = (kernel.window, ours.window)
    if kernel.options != ours.options:
        off["options"] = tuple("<" + ",".join(side.options) + ">" for side in (kernel, ours))
    ip = [(side.tos, side.ttl, side.dont_fragment) for side in (kernel, ours)]
    if ip[0] != ip[1]:
        off["ip"] = tuple(f"tos {tos:#x} ttl {ttl} df {int(df)}" for tos, ttl, df in ip)
    if abs(kernel.at - ours.at) > tolerance(ours.at - since):
        off["time"] = ("later", "earlier") if kernel.at > ours.at else ("earlier", "later")
    return off


def align(kernel, ours, since_of):
    """Pairs (kernel's packet or None, ours or None), in order."""
    rows, columns = len(kernel), len(ours)
    cost = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    for i in range(rows + 1):
        for j in range(columns + 1):
            if i == 0 or j == 0:
                cost[i][j] = GAP * (i + j)
                continue
            pair = cost[i - 1][j - 1] + price(kernel[i - 1], ours[j - 1], since_of)
            cost[i][j] = min(pair, cost[i - 1][j] + GAP, cost[i][j - 1] + GAP)
    pairs, i, j = [], rows, columns
    while i or j:
        if i and j and cost[i][j] == cost[i - 1][j - 1] + price(kernel[i - 1], ours[j - 1], since_of):
            i, j = i - 1, j - 1
            pairs.append((kernel[i], ours[j]))
        elif i and cost[i][j] == cost[i - 1][j] + GAP:
            i -= 1
            pairs.append((kernel[i], None))
        else:
            j -= 1
            pairs.append((None, ours[j]))
    return pairs[::-1]


def price(kernel, ours, since_of):
    if kernel.key != ours.key:
        return 3 * GAP
    return sum(FIELD_COST[name] for name in fields(kernel, ours, since_of(ours)))


def compare_packets(kernel, ours, line_times):
    def since_of(packet):
        return line_times.get(packet.after, 0)

    for left, right in align(together(kernel), together(ours), since_of):
        packet = right or left
        if left and right:
            off = fields(left, right, since_of(right))
            # A push is a matter of how a flight was cut, where the flight itself was cut otherwise.
            if "flags" in off and "len" in off and (left.flags ^ right.flags) == PSH:
                del off["flags"]
            for name, (a, b) in off.items():
                yield Difference(packet.after, False, f"{name}: {a} | {b}", show(left), show(right))
        else:
            side = "only the kernel" if left else "only tapio"
            yield Difference(packet.after, False, f"{side}: {packet.text()}", show(left), show(right))


def show(packet):
    return f"{packet.at:.3f} > {packet.text()}" if packet else "-"


def compare_calls(kernel, ours):
    """Both are lists of calls as played: dictionaries with line, name, outcome, at, ended."""
    theirs = {call["line"]: call for call in kernel}
    for call in ours:
        other = theirs.get(call["line"])
        if not other:
            yield Difference(call["line"], True, f"only tapio: {call['name']}", "-", call["outcome"])
            continue
        line, name = call["line"], call["name"]
        sides = [f"{side['ended']:.3f} {side['name']}() = {side['outcome']}" for side in (other, call)]
        if other["outcome"] != call["outcome"]:
            yield Difference(line, True, f"{name}: {other['outcome']} | {call['outcome']}", *sides)
        elif abs(other["ended"] - call["ended"]) > tolerance(call["ended"] - call["at"]):
            when = "later | earlier" if other["ended"] > call["ended"] else "earlier | later"
            yield Difference(line, True, f"{name}: returned: {when}", *sides)


def compare(run):
    """All differences of one run, in their order."""
    line_times = {event["line"]: event["at"] for event in run["inputs"]}
    found = list(compare_packets(run["kernel_packets"], run["our_packets"], line_times))
    found += compare_calls(run["kernel_calls"], run["our_calls"])
    return sorted(found, key=lambda difference: difference.order)

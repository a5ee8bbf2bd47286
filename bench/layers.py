#!/usr/bin/env python3
"""layers.py - what each layer costs, in instructions: of a segment, of a request, of a connection.

    scripts/bench layers [--json | --write]

Two stacks talk over the in-memory pipe under callgrind (bench/bulk_pipe.c, bench/request_pipe.c). Each instruction
belongs to the step of one side in which it was executed, which callgrind knows by the callers, and there to the
folder of its function. What is inlined from a header counts for who has inlined it. Of the C library's functions
those that copy and clear octets are told apart; what the pipe itself takes (it stands for the device) is in `dev`,
and left out of the sums.

The same bulk in segments of two sizes tells what of it is paid for each segment, and what for each octet.
"""
import argparse
import collections
import json
import re
import sys

import callgrind
import page
from callgrind import ROOT

PAGE = "docs/layers.md"
BUILD = ROOT / "build/profile/tests"
STEP = re.compile(r"(sender|receiver|client|server)_(app|out|in)$")
PIPE = "src/dev/pipe.c"
OF_ANY_DEVICE = ("src/base/frame.c", "src/base/pool.c") # what the pipe uses as a TAP does

COPYING = re.compile(r"_*mem(p?cpy|move)")
CLEARING = re.compile(r"_*memset")
PARTS = ("sock", "stack", "tcp", "ip", "eth", "base", "checksum", "copying", "clearing", "libc")
OUTSIDE = ("dev",) # of the sums

MTUS = (1500, 1200) # both with more text than half a frame, below which it is copied
HEADERS = 52 # IP, TCP and timestamps
MEGABYTES = 10
REQUESTS, OPENS = 2000, 500

STEPS = { # the columns of a table: of whom, and what they do
    "bulk": (("sender", "app", "write"), ("sender", "out", "segment out"), ("sender", "in", "ACKs in"),
             ("receiver", "in", "segment in"), ("receiver", "app", "read"), ("receiver", "out", "ACKs out")),
    "requests": (("client", "app", "ask, read"), ("client", "out", "request out"), ("server", "in", "request in"),
                 ("server", "app", "read, answer"), ("server", "out", "answer out"), ("client", "in", "answer in")),
    "opens": (("client", "app", "connect, close"), ("client", "out", "client out"), ("server", "in", "server in"),
              ("server", "app", "accept, close"), ("server", "out", "server out"), ("client", "in", "client in")),
}


def part_of(record, chain):
    """Which row of the table a record is in."""
    ours = next((r for r in chain if r.file.startswith("src/")), None)
    below_pipe = any(r.file == PIPE for r in chain)
    if below_pipe and record.file not in OF_ANY_DEVICE and ours.file not in OF_ANY_DEVICE:
        return "dev"
    if record.file == "src/base/checksum.c":
        return "checksum"
    if record.file.startswith("src/"):
        return record.file.split("/")[1]
    if record.file or not ours:
        return "bench"
    if COPYING.match(record.name):
        return "copying"
    return "clearing" if CLEARING.match(record.name) else "libc"


def layers_of(chain):
    """The folders that a chain passes: an instruction is within each of them."""
    return {r.file.split("/")[1] for r in chain if r.file.startswith("src/")}


class Load:
    """One run: instructions by (side, step) and part, of one unit."""

    def __init__(self, program, *words):
        text, records = callgrind.run(BUILD / program, *words)
        found = re.match(r"(\d+) \S+ (\d+) segments", text)
        self.count, self.packets = int(found.group(1)), int(found.group(2))
        self.own = collections.Counter()
        self.within = collections.Counter()
        self.functions = collections.Counter()
        for record in records:
            self.book(record)

    def book(self, record):
        chain = []
        for at in record.chain():
            step = STEP.match(at.name)
            if step:
                break
            chain.append(at)
        else:
            return # outside of all steps
        part = part_of(record, chain)
        self.own[step.groups(), part] += record.instructions
        self.functions[step.groups(), record.file, record.name] += record.instructions
        if part not in OUTSIDE:
            for folder in layers_of(chain):
                self.within[step.groups(), folder] += record.instructions

    def per(self, units):
        """The same of one of so many units."""
        for counter in (self.own, self.within, self.functions):
            for key in counter:
                counter[key] /= units
        self.packets /= units
        return self

    def total(self, step):
        return sum(self.own[step, part] for part in (*PARTS, "bench"))


def bulk(mtu):
    load = Load("bulk_pipe", MEGABYTES, mtu)
    return load.per(load.count / (mtu - HEADERS))


def measure():
    loads = {f"bulk {mtu}": bulk(mtu) for mtu in MTUS}
    for name, count in (("requests", REQUESTS), ("opens", OPENS)):
        load = Load("request_pipe", name, count)
        loads[name] = load.per(load.count)
    return loads


# --- tables -----------------------------------------------------------------------------------


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def figure(value):
    return f"{value:,.0f}" if value >= 0.5 else ""


def own_table(load, name):
    columns = STEPS[name]
    head = ["", *(f"{side}: {what}" for side, _, what in columns), "all"]
    rows = []
    for part in (*PARTS, "sum", *OUTSIDE):
        values = [load.total(c[:2]) if part == "sum" else load.own[c[:2], part] for c in columns]
        bold = "**" if part == "sum" else ""
        rows.append([f"{bold}{part}{bold}", *(f"{bold}{figure(v)}{bold}" if v else "" for v in [*values, sum(values)])])
    return table(head, rows)


def within_table(load, name):
    columns = STEPS[name]
    head = ["with what it calls", *(f"{side}: {what}" for side, _, what in columns)]
    rows = [[folder, *(figure(load.within[c[:2], folder]) for c in columns)]
            for folder in ("sock", "stack", "tcp", "ip", "eth", "base")]
    return table(head, rows)


def slope(loads, step, parts):
    """Of `parts` in a step: what each segment costs, and what each octet."""
    (one, other) = ((mtu - HEADERS, sum(loads[f"bulk {mtu}"].own[step, part] for part in parts)) for mtu in MTUS)
    octet = (one[1] - other[1]) / (one[0] - other[0])
    return one[1] - octet * one[0], octet


def slope_table(loads):
    head = ["", "each segment", "each octet", "of that copying", "checksum"]
    rows = []
    for side, step, what in STEPS["bulk"]:
        segment, octet = slope(loads, (side, step), (*PARTS, "bench"))
        rows.append([f"{side}: {what}", figure(segment), f"{octet:.3f}",
                     *(f"{slope(loads, (side, step), (part,))[1]:.3f}" for part in ("copying", "checksum"))])
    return table(head, rows)


def top_table(load, name, count=15):
    sums = collections.Counter()
    for (_, file, function), cost in load.functions.items():
        sums[file, function] += cost
    return table([f"the most expensive functions of {name}", "file", "instructions"],
                 [[f"`{function}`", file or "the C library", figure(cost)]
                  for (file, function), cost in sums.most_common(count)])


TITLES = (("bulk 1500", "bulk", "Bulk: instructions of a segment of 1,448 octets"),
          ("requests", "requests", "A request of 100 octets and an answer of 100: instructions of both"),
          ("opens", "opens", "A connection that is opened and closed: instructions"))


def text_of(loads):
    pieces = []
    for key, name, title in TITLES:
        load = loads[key]
        pieces.append(f"### {title}\n\n{load.packets:.2f} packets each.\n\n" + own_table(load, name))
        pieces.append(within_table(load, name))
    pieces.append("### What grows with the segment\n\n" + slope_table(loads))
    return "\n".join(pieces)


def print_json(loads):
    for name, load in loads.items():
        for ((side, step), part), cost in sorted(load.own.items()):
            print(json.dumps({"schema": 1, "load": name, "side": side, "step": step, "part": part,
                              "instructions": round(cost, 1)}))


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench layers", description="Instructions of each layer.")
    parser.add_argument("--json", action="store_true", help="an object for each load, step and part")
    parser.add_argument("--write", action="store_true", help=f"write the tables of {PAGE}")
    parser.add_argument("--top", action="store_true", help="the most expensive functions instead")
    given = parser.parse_args()
    loads = measure()
    if given.write:
        page.write(PAGE, "layers", "\n" + text_of(loads) + "\n")
    elif given.json:
        print_json(loads)
    elif given.top:
        print("\n".join(top_table(loads[key], name, 40) for key, name, _ in TITLES))
    else:
        print(text_of(loads))
    return 0


if __name__ == "__main__":
    sys.exit(main())

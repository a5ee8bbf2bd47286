#!/usr/bin/env python3
"""network.py - how well one flow fills a path, and how fairly several share it, in virtual time.

    scripts/bench network [--json | --write] [--check [--quick]] [--tapio PROGRAM] [--jobs N]

Each cell is one `tapio sim --flows ... --json`: a rate, a round trip, a fault and a congestion control. Its figure is
goodput as a share of what the link can carry, which is its rate less the headers of IP and TCP; an outage is left out
of that. The share is computed here from the goodput: the simulator takes the segment size at the end of a run, and
that may be smaller than it was (a retransmission in vain tries whether the path swallows large packets).

Everything counts from the first SYN on, slow start too. So short runs over long paths show how fast a flow gets
there, and long ones what it keeps.

--check runs only the cells of LIMITS and fails when one of them is missed; --quick leaves out 1 Gb/s.
Exit status: 0 all right, 1 a limit was missed or a run failed, 2 a mistake on the command line.
"""
import argparse
import concurrent.futures
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/bench-network.md"
MTU, PAYLOAD = 1500, 1448 # IP and TCP have 20 octets each, and timestamps 12
QUEUE_LEAST, QUEUE_MOST = 20, 65536 # packets; the most that --queue takes

RATES = {"1mbit": 1e6, "10mbit": 1e7, "100mbit": 1e8, "1gbit": 1e9}
ROUND_TRIPS = (1, 20, 100, 300) # ms
CONTROLS = ("newreno", "cubic")
FAULTS = { # the column of the table, and what goes with the data
    "clean": "",
    "loss 0.1%": "loss=0.1%",
    "loss 1%": "loss=1%",
    "loss 3%": "loss=3%",
    "reorder 5%": "reorder=5%",
    "bloat": "",
    "bursts": "loss=1%,burst=10,burstloss=50%",
    "outage": "outage=2s",
}
BLOAT = 10 # times the queue of the other cells
OUTAGE_S = 2
SHARERS = (2, 10)
SHARED_RATES, SHARED_ROUND_TRIPS = ("10mbit", "100mbit"), (20, 100)
SETTLE_S, SHARED_S = 30, 90 # fairness is counted from the one to the other
BUSY = 100000 # segments: what a shorter run says of speed is noise

# What must hold (--check): of CUBIC, over round trips up to 100 ms.
LIMIT_ROUND_TRIP = 100
LIMIT_CLEAN = 0.95 # of capacity
LIMIT_REORDER = 0.9 # of the clean cell
LIMIT_FAIRNESS = 0.95
LIMIT_SPEED = 200000 # segments per second and core, the median of the busy cells


@dataclass(frozen=True)
class Cell:
    control: str
    rate: str
    round_trip: int # ms
    fault: str
    flows: int = 1

    def limited(self):
        """Is there a limit for it? With one it runs long enough to be told from its slow start."""
        return self.control == "cubic" and (self.flows > 1 or (
            self.fault in ("clean", "reorder 5%") and self.round_trip <= LIMIT_ROUND_TRIP))

    def seconds(self):
        if self.flows > 1:
            return SHARED_S
        return 20 if self.rate == "1gbit" and not self.limited() else 60

    def queue(self):
        packets = max(QUEUE_LEAST, math.ceil(RATES[self.rate] / 8 * self.round_trip / 1000 / MTU))
        return min(packets * (BLOAT if self.fault == "bloat" else 1), QUEUE_MOST)

    def arguments(self):
        words = ["sim", "--seed", "1", "--flows", str(self.flows), "--rate", self.rate,
                 "--delay", f"{self.round_trip * 500}us", "--queue", str(self.queue()), "--time", f"{self.seconds()}s",
                 "--set", f"tcp.cc={self.control}"]
        if self.flows > 1:
            words += ["--skip", f"{SETTLE_S}s"]
        if FAULTS[self.fault]:
            once = f",every={math.ceil(self.seconds() * 2 / 3)}s" if self.fault == "outage" else ""
            words += ["--impair", "out:" + FAULTS[self.fault] + once]
        return words + ["--json"]

    def share(self, goodput):
        counted = self.seconds() - (OUTAGE_S if self.fault == "outage" else 0)
        return goodput * self.seconds() / counted / (RATES[self.rate] / 8 * PAYLOAD / MTU)


def run(tapio, cell):
    done = subprocess.run([tapio, *cell.arguments()], capture_output=True, text=True, check=False)
    try:
        told = json.loads(done.stdout)
    except json.JSONDecodeError:
        sys.exit(f"bench: {' '.join([tapio, *cell.arguments()])}: {done.stderr.strip() or done.stdout[:200]}")
    if not told["passed"]:
        sys.exit(f"bench: {' '.join([tapio, *cell.arguments()])}: {told['problem']}")
    return {"share": cell.share(told["goodput_octets_per_s"]), "fairness": told["fairness_jain"],
            "segments": told["segments"], "speed": told["segments_per_second"],
            "retransmits": sum(flow["retransmits"] for flow in told["flows"]),
            "timeouts": sum(flow["timeouts"] for flow in told["flows"])}


def run_all(tapio, cells, jobs):
    """The longest runs first, so that none of them is left alone at the end."""
    cells = sorted(cells, key=lambda cell: -RATES[cell.rate] * cell.seconds())
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        return dict(zip(cells, pool.map(lambda cell: run(tapio, cell), cells)))


def all_cells():
    single = [Cell(*key) for key in ((c, r, t, f) for c in CONTROLS for r in RATES for t in ROUND_TRIPS for f in FAULTS)]
    return single + [Cell(c, r, t, "clean", n) for c in CONTROLS for r in SHARED_RATES for t in SHARED_ROUND_TRIPS
                     for n in SHARERS]


def speed_of(figures):
    busy = [figure["speed"] for figure in figures.values() if figure["segments"] >= BUSY]
    return (statistics.median(busy), min(busy)) if busy else (0, 0)


def judge(figures):
    """What was missed, in a sentence each."""
    missed = []

    def hold(cell, what, figure, limit):
        if figure < limit:
            missed.append(f"{what} {figure:.3f} is below {limit}: tapio {' '.join(cell.arguments())}")

    for cell, figure in figures.items():
        if not cell.limited():
            continue
        if cell.flows > 1:
            hold(cell, "fairness", figure["fairness"], LIMIT_FAIRNESS)
        elif cell.fault == "clean":
            hold(cell, "the share of capacity", figure["share"], LIMIT_CLEAN)
        else:
            clean = figures[Cell(cell.control, cell.rate, cell.round_trip, "clean")]["share"]
            hold(cell, "with reordering the share of the clean cell", figure["share"] / clean, LIMIT_REORDER)
    median, _ = speed_of(figures)
    if median < LIMIT_SPEED:
        missed.append(f"{median:,.0f} segments per second and core are fewer than {LIMIT_SPEED:,}")
    return missed


# --- telling ------------------------------------------------------------------------------------------------------


def show_rate(rate):
    return rate.replace("mbit", " Mb/s").replace("gbit", " Gb/s")


def single_table(figures, control):
    yield f"| {control} | " + " | ".join(FAULTS) + " |"
    yield "|---|" + "---:|" * len(FAULTS)
    for rate in RATES:
        for round_trip in ROUND_TRIPS:
            row = [Cell(control, rate, round_trip, fault) for fault in FAULTS]
            shown = (f"{figures[cell]['share']:.3f}" if cell in figures else "-" for cell in row)
            if any(cell in figures for cell in row):
                yield f"| {show_rate(rate)}, {round_trip} ms | " + " | ".join(shown) + " |"


def shared_table(figures):
    yield "| sharing | " + " | ".join(f"{control}, {n} flows" for control in CONTROLS for n in SHARERS) + " |"
    yield "|---|" + "---:|" * (len(CONTROLS) * len(SHARERS))
    for rate in SHARED_RATES:
        for round_trip in SHARED_ROUND_TRIPS:
            row = [Cell(control, rate, round_trip, "clean", n) for control in CONTROLS for n in SHARERS]
            shown = (f"{figures[cell]['fairness']:.4f}" if cell in figures else "-" for cell in row)
            yield f"| {show_rate(rate)}, {round_trip} ms | " + " | ".join(shown) + " |"


def tables(figures):
    for control in CONTROLS:
        if any(cell.control == control for cell in figures):
            yield from single_table(figures, control)
            yield ""
    yield from shared_table(figures)
    median, least = speed_of(figures)
    yield ""
    yield f"{median:,.0f} segments per second and core in the median of the cells with {BUSY:,} or more, {least:,} at least."


def page(figures, missed):
    yield "# How well flows fill a network"
    yield ""
    yield "Written by `scripts/bench network --write`. Each cell is one run of `tapio sim --flows` in virtual time, and one"
    yield "seed gives the same figure on every machine; only the speed at the end is of the machine."
    yield ""
    yield "A figure is goodput as a share of capacity: of the link's rate times 1448/1500, for that is the part that is"
    yield "payload. It counts from the first SYN on, slow start included. Runs take 60 s; those over 1 Gb/s for which nothing"
    yield "is promised take 20 s, which is little for 100 ms and more: a flow that is still growing at the end shows less than"
    yield "it would keep, and cells of 20 s and of 60 s are not to be compared. The queue holds one product of rate and round trip, and at least 20 packets."
    yield ""
    yield "| column | what is with the data |"
    yield "|---|---|"
    yield "| loss | single packets, by chance |"
    yield "| reorder | 5% are overtaken by 1 to 8 later ones |"
    yield f"| bloat | a queue of {BLOAT} times that size, at most {QUEUE_MOST} packets |"
    yield "| bursts | 1% of loss in all but the strength: Gilbert-Elliott, runs of 10 in which every other packet is lost |"
    yield f"| outage | nothing passes for {OUTAGE_S} s, after the middle of the run; those seconds are no capacity |"
    yield ""
    yield "No way of a link holds more than 32 MiB under way. With 1 Gb/s that cuts the queue of the cells of 300 ms, and of"
    yield "those of 100 ms under \"bloat\"."
    yield ""
    yield "## One flow"
    yield ""
    for control in CONTROLS:
        yield from single_table(figures, control)
        yield ""
    yield "## Several"
    yield ""
    yield f"Jain's index of the flows' goodput from {SETTLE_S} s to {SHARED_S} s."
    yield ""
    yield from shared_table(figures)
    yield ""
    yield "## What must hold"
    yield ""
    yield f"`scripts/bench network --check` runs these cells again. Of CUBIC, over round trips up to {LIMIT_ROUND_TRIP} ms: a clean"
    yield f"link is filled to {LIMIT_CLEAN}; with 5% reordering a flow keeps {LIMIT_REORDER} of that; Jain's index of 2 and 10 flows is"
    yield f"{LIMIT_FAIRNESS} after {SETTLE_S} s; a core simulates {LIMIT_SPEED:,} segments a second."
    yield ""
    median, least = speed_of(figures)
    yield f"When this page was written: {median:,.0f} segments per second and core in the median of the cells with {BUSY:,} or"
    yield f"more, {least:,} in the slowest. " + ("Nothing was missed." if not missed else "Missed:")
    if missed:
        yield ""
        yield from (f"- {sentence}" for sentence in missed)


def print_json(figures):
    for cell in sorted(figures, key=lambda cell: (cell.flows, cell.control, RATES[cell.rate], cell.round_trip)):
        row = {"schema": 1, "bench": "network", "control": cell.control, "bit_per_s": int(RATES[cell.rate]),
               "round_trip_ms": cell.round_trip, "fault": cell.fault, "flows": cell.flows, "seconds": cell.seconds(),
               "queue_packets": cell.queue()}
        print(json.dumps(row | {"goodput_share": round(figures[cell]["share"], 6),
                                "fairness_jain": figures[cell]["fairness"],
                                "retransmits": figures[cell]["retransmits"], "timeouts": figures[cell]["timeouts"],
                                "segments": figures[cell]["segments"],
                                "segments_per_second": figures[cell]["speed"]}))


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench network", description="Goodput and fairness in virtual time.")
    parser.add_argument("--json", action="store_true", help="an object a cell")
    parser.add_argument("--write", action="store_true", help="write docs/bench-network.md")
    parser.add_argument("--check", action="store_true", help="only the cells with a limit; fail when one is missed")
    parser.add_argument("--quick", action="store_true", help="with --check: not those of 1 Gb/s")
    parser.add_argument("--tapio", default=str(ROOT / "build/tapio"), metavar="PROGRAM", help="build/tapio")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N", help="so many runs at once")
    given = parser.parse_args()
    if given.write and (given.check or given.json):
        parser.error("--write goes with neither --check nor --json: the page has every cell")
    if given.quick and not given.check:
        parser.error("--quick goes with --check")
    return given


def main():
    given = arguments()
    cells = all_cells()
    if given.check:
        cells = [cell for cell in cells if cell.limited()]
    if given.quick:
        cells = [cell for cell in cells if cell.rate != "1gbit"]
    figures = run_all(given.tapio, cells, given.jobs)
    missed = judge(figures)
    if given.write:
        PAGE.write_text("\n".join(page(figures, missed)) + "\n")
        print(f"bench: docs/bench-network.md is written: {len(figures)} cells", file=sys.stderr)
    elif given.json:
        print_json(figures)
    else:
        print("\n".join(tables(figures)))
    for sentence in missed:
        print(f"not ok {sentence}", file=sys.stderr)
    return 1 if missed and given.check else 0


if __name__ == "__main__":
    sys.exit(main())

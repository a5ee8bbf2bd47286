"""goals.py - what the figures of scripts/bench are to be, as ratios to something measured in the same run, and how
figures, goals and results are told.

A goal compares the median of one of our contestants with a bound, or with the best of some others. The device limit
is the best of whoever works over a TAP: the bare responder, or who beats it.
"""
import statistics
from dataclasses import dataclass

from contestants import CONTESTANTS, to_json
from workloads import WORKLOADS

OVER_TAP = [c for c in CONTESTANTS if c.network == "tap"]
WAITING = tuple(c.name for c in OVER_TAP if not c.busy)
PLAIN = tuple(c.name for c in OVER_TAP if not c.busy and not c.offload)
BUSY = tuple(c.name for c in OVER_TAP if c.busy)
LWIP, GVISOR = ("lwip", "lwip-plain"), ("gvisor", "gvisor-plain")
PEERS = (*LWIP, *GVISOR)


@dataclass(frozen=True)
class Goal:
    workload: str
    figure: str
    ours: str # the contestant
    bound: float # of the ratio, or of the figure itself when there is nobody to compare with
    against: tuple = () # the best of these
    words: str = "" # for them
    most: bool = False # the bound is the most that is allowed, and less is better; else the least

    def holds(self, value):
        return value <= self.bound if self.most else value >= self.bound


LIMIT = "the device limit"


def over(workload, ours, limit, kernel, peers, plain=False):
    """The goals of bulk; `peers`: bound and who."""
    yield Goal(workload, "octets_per_s", ours, limit, PLAIN if plain else WAITING, LIMIT)
    yield Goal(workload, "octets_per_s", ours, kernel, ("kernel-plain" if plain else "kernel",),
               "the kernel" + (" without offloads" if plain else ""))
    for bound, names, words in peers:
        yield Goal(workload, "octets_per_s", ours, bound, names, words)


def quick_to_answer(ours, limit, among, nginx):
    yield Goal("small-1", "p50_us", ours, limit, among, LIMIT, most=True)
    yield Goal("small-1", "p50_us", ours, nginx, ("nginx",), "nginx", most=True)
    yield Goal("small-1", "p50_us", ours, 1.0, PEERS, "the best userspace peer", most=True)


GOALS = (
    *over("in-1", "tapio", 0.85, 1.1, ((7, ("gvisor",), "gVisor with GSO"), (9, LWIP, "lwIP"))),
    *over("in-1", "sockets", 0.6, 0.8, ((7, ("gvisor",), "gVisor with GSO"), (9, LWIP, "lwIP"))),
    *over("out-1", "tapio", 0.85, 1.1, ((3, ("gvisor",), "gVisor with GSO"), (10, LWIP, "lwIP"))),
    *over("out-1", "sockets", 0.6, 0.8, ((3, ("gvisor",), "gVisor with GSO"), (10, LWIP, "lwIP"))),
    *over("in-1", "tapio-plain", 0.8, 1.3, ((1.8, LWIP, "lwIP"),), plain=True),
    *over("out-1", "tapio-plain", 0.9, 0.55, ((1.2, LWIP, "lwIP"),), plain=True),
    Goal("small-32", "cpu_us_per_answer", "tapio", 1.15, WAITING, LIMIT, most=True),
    Goal("small-32", "cpu_us_per_answer", "tapio", 0.83, ("kernel",), "a bare epoll loop", most=True),
    Goal("small-32", "cpu_us_per_answer", "tapio", 1.0, LWIP, "lwIP's raw API", most=True),
    Goal("large-32", "per_s", "tapio", 0.85, WAITING, LIMIT),
    Goal("large-32", "per_s", "tapio", 1.3, ("nginx",), "nginx"),
    Goal("large-32", "per_s", "tapio", 3.5, LWIP, "lwIP"),
    Goal("file-1", "octets_per_s", "tapio", 0.8, ("nginx",), "nginx"),
    Goal("connect", "per_s", "tapio", 0.85, WAITING, LIMIT),
    Goal("connect", "per_s", "tapio", 1.9, ("nginx",), "nginx"),
    Goal("connect", "per_s", "tapio", 0.85, ("lwip",), "lwIP with 300 control blocks"),
    Goal("connect", "per_s", "tapio", 7, ("gvisor",), "gVisor"),
    Goal("connect", "failed", "tapio", 0, words="failed connects", most=True),
    *quick_to_answer("tapio", 1.05, WAITING, 1.0),
    *quick_to_answer("tapio-busy", 1.15, BUSY, 0.42),
    Goal("idle-10k", "octets_each", "tapio", 512, words="octets each", most=True),
    Goal("idle-10k", "kept", "tapio", 0.98, words="of its throughput kept"),
    Goal("start", "resident_octets", "tapio", 4e6, words="octets at start", most=True),
    Goal("start", "start_ms", "tapio", 15, words="ms to the first answer", most=True),
)


class Results:
    """The figures of all runs, and why others have none."""

    def __init__(self):
        self.runs, self.failures = {}, {}

    def add(self, workload, contestant, figures):
        self.runs.setdefault((workload, contestant), []).append(figures)

    def fail(self, workload, contestant, why):
        self.failures.setdefault((workload, contestant), []).append(why)

    def values(self, workload, contestant, figure):
        return [run[figure] for run in self.runs.get((workload, contestant), []) if figure in run]

    def median(self, workload, contestant, figure):
        values = self.values(workload, contestant, figure)
        return statistics.median(values) if values else None

    def best(self, workload, names, figure, least):
        """(median, name) of the best of them, or (None, None)."""
        known = [(self.median(workload, name, figure), name) for name in names
                 if self.values(workload, name, figure)]
        if not known:
            return None, None
        return min(known) if least else max(known)


@dataclass(frozen=True)
class Verdict:
    goal: Goal
    ours: float | None
    theirs: float | None
    who: str | None
    value: float | None # the ratio, or our figure

    def met(self):
        return "-" if self.value is None else "yes" if self.goal.holds(self.value) else "no"


def judge(results):
    for goal in GOALS:
        ours = results.median(goal.workload, goal.ours, goal.figure)
        theirs, who = results.best(goal.workload, goal.against, goal.figure, goal.most)
        value = ours
        if goal.against:
            value = ours / theirs if ours is not None and theirs else None
        yield Verdict(goal, ours, theirs, who, value)


# --- telling ----------------------------------------------------------------------------------------------------------


def figure_of(figure, value):
    """A value with its unit, for people."""
    if value is None:
        return "-"
    shown = {
        "octets_per_s": lambda: f"{value * 8 / 1e9:.2f} Gb/s",
        "per_s": lambda: f"{value:,.0f}/s",
        "p50_us": lambda: f"{value:.1f} us",
        "cpu_us_per_answer": lambda: f"{value:.2f} us",
        "resident_octets": lambda: f"{value / 1e6:.1f} MB",
        "start_ms": lambda: f"{value:.1f} ms",
        "kept": lambda: f"{value:.3f}",
    }
    return shown.get(figure, lambda: f"{value:,.0f}")()


def goal_table(verdicts):
    words = {workload.name: workload.words for workload in WORKLOADS}
    said = {contestant.name: contestant.words for contestant in CONTESTANTS}
    yield "| workload | ours | figure | against | goal | result | met |"
    yield "|---|---|---:|---|---:|---:|---|"
    for v in verdicts:
        bound = "at most " if v.goal.most else ""
        if v.goal.against:
            theirs = f": {v.who}, {figure_of(v.goal.figure, v.theirs)}" if v.who else ": absent"
            goal, result = f"{bound}{v.goal.bound:g}", "-" if v.value is None else f"{v.value:.2f}"
        else:
            theirs, result = "", figure_of(v.goal.figure, v.value)
            goal = f"{bound}{figure_of(v.goal.figure, v.goal.bound)}"
        yield (f"| {words[v.goal.workload]} | {said[v.goal.ours]} | {figure_of(v.goal.figure, v.ours)} | "
               f"{v.goal.words}{theirs} | {goal} | {result} | {v.met()} |")


def calls_of(medians):
    """Those that matter, the most frequent first."""
    known = sorted(((count, name.removeprefix("calls_")) for name, count in medians.items()
                    if name.startswith("calls_") and count >= 0.01), reverse=True)
    return ", ".join(f"{name} {count:.2f}" for count, name in known)


COLUMNS = { # of the tables of figures: heading, and the cell of (workload, figures' medians)
    "bulk": ("Gb/s", "octets_per_s", lambda m: f"{m['octets_per_s'] * 8 / 1e9:.2f}"),
    "requests": ("requests/s; p50/p99 in us; server's CPU us each", "cpu_us_per_answer",
                 lambda m: f"{m['per_s']:,.0f}; {m['p50_us']:.0f}/{m['p99_us']:.0f}; {m['cpu_us_per_answer']:.2f}"),
    "calls": ("system calls a request; which", "calls", lambda m: f"{m['calls']:.2f}; {calls_of(m)}"),
    "connect": ("connections/s; p50/p99 in us; failed; slower than 0.9 s", "failed",
                lambda m: f"{m['per_s']:,.0f}; {m['p50_us']:.0f}/{m['p99_us']:.0f}; {m['failed']:.0f}; {m['slow']:.0f}"),
    "datagrams": ("taken/s of sent/s", "sent_per_s", lambda m: f"{m['per_s']:,.0f} of {m['sent_per_s']:,.0f}"),
    "idle": ("octets each; throughput kept", "octets_each", lambda m: f"{m['octets_each']:,.0f}; {m['kept']:.3f}"),
    "start": ("ms; resident MB", "start_ms", lambda m: f"{m['start_ms']:.1f}; {m['resident_octets'] / 1e6:.1f}"),
}
KINDS = {"in": "bulk", "out": "bulk", "both": "bulk", "file": "bulk", "small": "requests", "large": "requests"}


def kind_of(workload):
    stem = workload.name.split("-")[0]
    return KINDS.get(stem, stem)


def cell(results, workload, contestant, absent):
    if contestant.name in absent:
        return "absent"
    runs = results.runs.get((workload.name, contestant.name))
    if not runs:
        return "failed" if (workload.name, contestant.name) in results.failures else "-"
    medians = {figure: results.median(workload.name, contestant.name, figure) for figure in runs[0]}
    lost = len(results.failures.get((workload.name, contestant.name), []))
    return COLUMNS[kind_of(workload)][2](medians) + (f" ({lost} failed)" if lost else "")


def figure_tables(results, workloads, contestants, absent):
    for kind, (heading, _, _) in COLUMNS.items():
        columns = [workload for workload in workloads if kind_of(workload) == kind]
        rows = [c for c in contestants if any(workload.asks in c.does for workload in columns)]
        if not columns or not rows:
            continue
        yield f"| {heading} | " + " | ".join(workload.words for workload in columns) + " |"
        yield "|---|" + "---:|" * len(columns)
        for contestant in rows:
            cells = (cell(results, workload, contestant, absent) if workload.asks in contestant.does else "-"
                     for workload in columns)
            yield f"| {contestant.words} | " + " | ".join(cells) + " |"
        yield ""


def json_lines(results, verdicts, about, absent):
    yield to_json({"about": about, "absent": absent})
    for (workload, contestant), runs in results.runs.items():
        figures = {figure: [run[figure] for run in runs if figure in run] for figure in runs[0]}
        yield to_json({"workload": workload, "contestant": contestant,
                       "median": {figure: statistics.median(values) for figure, values in figures.items()},
                       "values": figures, "failed": results.failures.get((workload, contestant), [])})
    for (workload, contestant), why in results.failures.items():
        if (workload, contestant) not in results.runs:
            yield to_json({"workload": workload, "contestant": contestant, "median": None, "values": {}, "failed": why})
    for v in verdicts:
        yield to_json({"goal": v.goal.words, "workload": v.goal.workload, "contestant": v.goal.ours,
                       "figure": v.goal.figure, "bound": v.goal.bound, "at_most": v.goal.most, "against": v.who,
                       "value": v.value, "met": {"yes": True, "no": False, "-": None}[v.met()]})

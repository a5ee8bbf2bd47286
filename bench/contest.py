#!/usr/bin/env python3
"""contest.py - tapio beside the device limit, the kernel's TCP and userspace peers, in one run on two cores.

    scripts/bench [--json | --write] [--check] [--rounds N] [--seconds N] [--connect-seconds N] [--only WORKLOAD,...]
                  [--contestants NAME,...] [--quick] [--cores SERVER,CLIENT] [--list]

Contestants and their networks are in contestants.py, what is asked of them in workloads.py, and what the ratios are to
be in goals.py. A round asks every contestant for every workload in turn; each run has a server of its own, on one core,
and the client (bench/blast.c: kernel sockets on cubic) on the other. Figures are medians of the rounds; who goes first
changes from round to round.

--only takes the beginnings of names too: `--only in,out` is all bulk one way. Who is missing on this machine is shown
as absent, by name. --check fails when a goal is missed; what could not be compared is no miss.
--write puts the tables into docs/performance.md. It is run by scripts/bench, which builds, and makes the network
namespace; outside of that it only reads its command line.
Exit status: 0 all right, 1 a goal was missed with --check or nothing could be run, 2 a mistake on the command line.
"""
import argparse
import os
import pathlib
import signal
import sys
import tempfile
import time

import goals
from contestants import (CONTESTANTS, QUEUE, ROOT, Failed, Networks, described, make_site, why_absent)
from workloads import QUICK, WORKLOADS, Bench, tools_missing

PAGE = ROOT / "docs/performance.md"
BEGIN, END = "<!-- written by scripts/bench --write -->", "<!-- until here -->"


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


class Others:
    """How much of the cores went to processes that are not ours, and the load averages."""

    def __init__(self):
        self.load = os.getloadavg()
        self.busy, self.own, self.at = self.busy_s(), self.own_s(), time.monotonic()

    @staticmethod
    def busy_s():
        words = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
        user, nice, system, _, _, irq, softirq = map(int, words[:7])
        return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")

    @staticmethod
    def own_s():
        return sum(os.times()[:4])

    def share(self):
        took = (time.monotonic() - self.at) * (os.cpu_count() or 1)
        return max(0.0, (self.busy_s() - self.busy) - (self.own_s() - self.own)) / took


def run_all(given, workloads, contestants):
    """Round by round, each contestant in turn at each workload."""
    results = goals.Results()
    with tempfile.TemporaryDirectory(prefix="tapio-bench.") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        make_site(folder)
        networks = Networks(folder, contestants)
        bench = Bench(networks, given.cores, given.seconds, given.connect_seconds)
        try:
            for turn in range(given.rounds):
                for workload in workloads:
                    if workload.rounds and turn >= workload.rounds:
                        continue
                    say(f"round {turn + 1} of {given.rounds}: {workload.words}")
                    run_one(bench, workload, contestants, turn, results)
        finally:
            networks.close()
    return results


def run_one(bench, workload, contestants, turn, results):
    those = [contestant for contestant in contestants if workload.asks in contestant.does]
    first = turn % len(those) if those else 0
    for contestant in those[first:] + those[:first]:
        try:
            results.add(workload.name, contestant.name, workload.run(bench, contestant))
        except (Failed, OSError, ValueError) as why: # a server that dies takes its /proc with it
            results.fail(workload.name, contestant.name, str(why))
            say(f"{contestant.name}: {why}")


# --- telling ----------------------------------------------------------------------------------------------------------


def about_of(given, others, started):
    return described() | {
        "command": "scripts/bench " + " ".join(sys.argv[1:]), "rounds": given.rounds, "seconds": given.seconds,
        "connect_seconds": given.connect_seconds, "took_s": round(time.monotonic() - started),
        "load_before": [round(load, 2) for load in others.load],
        "load_after": [round(load, 2) for load in os.getloadavg()], "share_of_others": round(others.share(), 3)}


def summary(about, absent):
    yield (f"`{about['command'].strip()}` at {about['revision']}: medians of {about['rounds']} interleaved rounds of "
           f"{about['seconds']:g} s (connections for each request: one of {about['connect_seconds']:g} s); Linux "
           f"{about['kernel']}, {about['processor']}, {about['cores']} cores.")
    yield (f"Other processes took {about['share_of_others'] * 100:.0f} % of the cores meanwhile; load average "
           f"{about['load_before'][0]:.2f} before, {about['load_after'][0]:.2f} after. MTU 1500, TAPs queue "
           f"{QUEUE} frames; tcp_rmem {about['tcp_rmem']}, tcp_wmem {about['tcp_wmem']}.")
    for name, why in absent.items():
        yield f"Absent: {name}, as {why}."


def tables(results, verdicts, workloads, contestants, about, absent):
    for line in summary(about, absent):
        yield line
        yield ""
    if verdicts:
        yield from goals.goal_table(verdicts)
        yield ""
    yield from goals.figure_tables(results, workloads, contestants, absent)


def write_page(lines):
    text = PAGE.read_text()
    if BEGIN not in text or END not in text:
        sys.exit(f"bench: {PAGE} has lost the marks between which the tables go")
    head, rest = text.split(BEGIN, 1)
    PAGE.write_text(head + BEGIN + "\n\n" + "\n".join(lines).rstrip() + "\n\n" + END + rest.split(END, 1)[1])


# --- the command line -------------------------------------------------------------------------------------------------


def chosen(parser, option, given, known):
    """Those of the list that were named, whole or by their beginning."""
    if not given:
        return list(known)
    names = set()
    for word in given.split(","):
        those = {item.name for item in known if item.name == word} or \
            {item.name for item in known if item.name.startswith(word + "-")}
        if not those:
            parser.error(f"{option}: there is no {word}; known are {', '.join(item.name for item in known)}")
        names |= those
    return [item for item in known if item.name in names]


def positive(kind):
    def parse(text):
        value = kind(text)
        if not value > 0:
            raise ValueError
        return value
    parse.__name__ = "number above 0"
    return parse


def two_cores(text):
    server, client = (int(word) for word in text.split(","))
    return server, client


def arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description="tapio beside the device limit, the kernel's TCP and userspace peers.",
        epilog="Other measures: scripts/bench network [--wire] --help, scripts/bench events [--check].")
    parser.add_argument("--json", action="store_true", help="an object for each workload and contestant, and each goal")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/performance.md")
    parser.add_argument("--check", action="store_true", help="fail when a goal is missed")
    parser.add_argument("--rounds", type=positive(int), default=5, metavar="N", help="of everything, interleaved (5)")
    parser.add_argument("--seconds", type=positive(float), default=2.0, metavar="N", help="of a run (2)")
    parser.add_argument("--connect-seconds", type=positive(float), default=60.0, metavar="N",
                        help="of the one run with a connection for each request (60)")
    parser.add_argument("--only", metavar="WORKLOAD,...", help="only these workloads")
    parser.add_argument("--contestants", metavar="NAME,...", help="only these contestants")
    parser.add_argument("--quick", action="store_true", help=f"one round of 0.3 s of {' and '.join(QUICK)}")
    parser.add_argument("--cores", type=two_cores, metavar="SERVER,CLIENT", help="where they run (the first two)")
    parser.add_argument("--list", action="store_true", help="name workloads and contestants")
    given = parser.parse_args()
    if given.write and (given.json or given.quick or given.only or given.contestants):
        parser.error("--write goes with none of --json, --quick, --only, --contestants: the page has everything")
    if given.quick:
        given.rounds, given.seconds, given.only = 1, 0.3, given.only or ",".join(QUICK)
    workloads = chosen(parser, "--only", given.only, WORKLOADS)
    contestants = chosen(parser, "--contestants", given.contestants, CONTESTANTS)
    allowed = sorted(os.sched_getaffinity(0))
    given.cores = given.cores or (allowed[0], allowed[1 % len(allowed)])
    if not set(given.cores) <= set(allowed):
        parser.error(f"--cores: this process may run on {', '.join(map(str, allowed))}")
    return given, workloads, contestants


def list_all(workloads, contestants):
    print("workloads:")
    for workload in workloads:
        print(f"    {workload.name:16}{workload.words}")
    print("contestants:")
    for contestant in contestants:
        print(f"    {contestant.name:16}{contestant.words}")


def main():
    given, workloads, contestants = arguments()
    if given.list:
        list_all(workloads, contestants)
        return 0
    if "TAPIO_BENCH" not in os.environ:
        return 0
    if tools_missing():
        sys.exit(f"bench: missing: {' '.join(tools_missing())}; scripts/deps bench installs them")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if given.cores[0] == given.cores[1]:
        say("server and client share a core: read nothing into the figures")
    absent = {contestant.name: why for contestant in contestants if (why := why_absent(contestant))}
    for name, why in absent.items():
        say(f"{name} is absent: {why}")
    others, started = Others(), time.monotonic()
    present = [contestant for contestant in contestants if contestant.name not in absent]
    try:
        results = run_all(given, workloads, present)
    except Failed as why:
        sys.exit(f"bench: {why}")
    except KeyboardInterrupt:
        return 130
    about = about_of(given, others, started)
    verdicts = list(goals.judge(results))
    if not given.write: # the page has all goals, else only those that were asked for
        names = {workload.name for workload in workloads}, {contestant.name for contestant in contestants}
        verdicts = [v for v in verdicts if v.goal.workload in names[0] and v.goal.ours in names[1]]
    if given.json:
        print("\n".join(goals.json_lines(results, verdicts, about, absent)))
    else:
        lines = list(tables(results, verdicts, workloads, contestants, about, absent))
        if given.write:
            write_page(lines)
        print("\n".join(lines))
    missed = [v for v in verdicts if v.met() == "no"]
    return 1 if not results.runs or (given.check and missed) else 0


if __name__ == "__main__":
    sys.exit(main())

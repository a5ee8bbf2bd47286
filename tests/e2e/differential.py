#!/usr/bin/env python3
"""differential.py - one script, two stacks: the kernel's TCP and ours, and each difference between them.

    differential [--known FILE] [--jobs N] [--select] FILE.pkt|DIRECTORY ...

For each script `tapio drill --record --profile=linux` plays it to tapio in virtual time and tells what went in and
what came out; diff_kernel.py plays the same to the kernel over a TUN, in real time; diff_compare.py compares. A
script prints `same`, or its differences, the kernel's side first. A difference that a second and third run do not
show again was the machine's timing and is dropped, and so is a run in which this machine was late.

With --known each difference must be a row of that list (and each row must be found: one that is not has gone stale),
and each script is one test in the words of tests/e2e/lib.sh. --select takes of the scripts named those that pass with
Linux's values and take no longer than --longest.

It must be run in a network namespace of its own, where it may make others: tests/e2e/differential sees to that.
Exit status: 0 the same or known, 1 a difference, 2 a mistake on the command line.
"""
import argparse
import concurrent.futures
import fnmatch
import json
import multiprocessing
import os
import pathlib
import subprocess
import sys

import diff_compare
import diff_kernel

SOMETIMES = "sometimes: "
RUNS = 3 # of a script that shows something new
LATE_RUNS = 3 # that are thrown away because this machine was late


def arguments():
    parser = argparse.ArgumentParser(prog="differential", description="One script to the kernel and to tapio.")
    parser.add_argument("--known", metavar="FILE", help="the list of known differences; each script is a test")
    parser.add_argument("--jobs", type=int, default=8, metavar="N", help="so many at once (8)")
    parser.add_argument("--live", action="store_true", help="ours is `tapio serve` over a second TUN")
    parser.add_argument("--select", action="store_true", help="only scripts that can be compared quickly")
    parser.add_argument("--no-ipv6", action="store_true", help="leave out what needs IPv6 of the kernel")
    parser.add_argument("--longest", type=float, default=60, metavar="S", help="no script beyond S seconds (60)")
    parser.add_argument("--profile", default="linux", help="tapio's values to start from (linux)")
    parser.add_argument("scripts", nargs="+", metavar="FILE.pkt|DIRECTORY")
    return parser.parse_args()


def mistake(words):
    print("differential: " + words, file=sys.stderr)
    sys.exit(2)


def find_scripts(names):
    for name in names:
        path = pathlib.Path(name)
        if path.is_dir():
            yield from sorted(path.rglob("*.pkt"))
        elif path.exists():
            yield path
        else:
            mistake(f"{name}: no such file")


def record_of(script, profile):
    """What tapio was played, as a list of events; or why there is none."""
    done = subprocess.run([diff_kernel.TAPIO, "drill", "--profile=" + profile, "--record", "-", str(script)],
                          capture_output=True, text=True, check=False,
                          env={**os.environ, "TAPIO_PROOFS": "/dev/null"})
    record = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if not record or record[0]["event"] != "script":
        return None, (done.stderr.strip().splitlines() or ["nothing was played"])[0]
    if "reason" not in record[-1]:
        return None, f"tapio fell over in it: status {done.returncode}"
    return record, None


def has_other_floor(path):
    """Was it written for a timeout of a second at least? Linux adds such a floor to SRTT (tcp_rto_min_us)."""
    return "net.inet.tcp.rexmit_min" in path.read_text(encoding="utf-8")


def select(paths, options):
    """Those that pass with these values and take no longer than they may, by one run over all."""
    done = subprocess.run([diff_kernel.TAPIO, "drill", "--json", "--profile=" + options.profile, *map(str, paths)],
                          capture_output=True, text=True, check=False,
                          env={**os.environ, "TAPIO_PROOFS": "/dev/null"})
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    good = {row["script"] for row in rows if row["result"] == "pass" and row["virtual_ms"] <= options.longest * 1000}
    return [path for path in paths if str(path) in good and not has_other_floor(path)]


# --- the list of known differences ---


class Known:
    """Rows: script (a glob below tests/conformance, without .pkt), what (a glob), reason."""

    def __init__(self, path):
        self.rows, self.used = [], set()
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip() and not line.startswith("#"):
                    cells = line.rstrip("\n").split("\t")
                    if len(cells) != 3:
                        mistake(f"{path}:{number}: expected script, what and reason, with tabs")
                    self.rows.append((number, *cells))

    def explain(self, name, differences):
        """Gives each difference of a script its reason, and notes the rows that were of use."""
        followed = None
        for difference in differences:
            difference.reason = followed
            for number, script, pattern, reason in self.rows:
                follow = pattern.endswith(" ...")
                pattern = pattern.removeprefix(SOMETIMES).removesuffix(" ...")
                if matches(name, script) and matches(difference.what, pattern):
                    self.used.add(number)
                    difference.reason = reason
                    if follow:
                        followed = "what follows: " + reason
                    break

    def stale(self):
        return [row for row in self.rows if row[0] not in self.used and not row[2].startswith(SOMETIMES)]


def matches(text, pattern):
    """A glob in which only the star is special: brackets and question marks stand in packets."""
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]").replace("?", "[?]"))


def test_name(script):
    text = str(script)
    at = text.rfind("conformance/")
    return (text[at + len("conformance/"):] if at >= 0 else script.name).removesuffix(".pkt")


# --- one script ---


class Script:
    def __init__(self, path, options):
        self.path, self.name = path, test_name(path)
        self.record, self.trouble = record_of(path, options.profile)
        if self.record and self.record[-1]["at_ns"] / 1e9 > options.longest:
            self.record, self.trouble = None, f"it takes more than {options.longest:g} s"
        self.runs, self.late = [], 0
        self.differences = []

    def take(self, result, known):
        """One more run. What counts is what every run has shown; true when another is worth the while."""
        if result["unplayable"]:
            self.trouble = result["unplayable"]
            return False
        if result["is_late"] and self.late < LATE_RUNS:
            self.late += 1
            return True
        found = diff_compare.compare(result)
        if known:
            known.explain(self.name, found)
        self.differences = [d for d in found if all(any(d.same_as(o) for o in run) for run in self.runs)]
        self.runs.append(found)
        return any(not d.reason for d in self.differences) and len(self.runs) < RUNS


def play_all(scripts, options, known):
    """Plays them all, several at once; what has to be played again comes last, with fewer beside it."""
    waiting = [script for script in scripts if script.record]
    context = multiprocessing.get_context("fork")
    width = options.jobs
    while waiting:
        again = []
        with context.Pool(width, maxtasksperchild=1) as pool:
            results = [(script, pool.apply_async(diff_kernel.play, (script.record, options.live)))
                       for script in waiting]
            for script, result in results:
                if script.take(result.get(timeout=600), known):
                    again.append(script)
        if any(script.late for script in again):
            width = max(2, width // 2)
        waiting = again


def look_again(scripts, options, known):
    """A row that nothing has shown: was it the timing of this machine?"""
    for _ in range(RUNS):
        names = [row[1] for row in known.stale()]
        suspects = [script for script in scripts if any(matches(script.name, name) for name in names)]
        if suspects:
            play_all(suspects, argparse.Namespace(jobs=min(4, options.jobs), live=options.live), known)


def show(script, known):
    fresh = [d for d in script.differences if not d.reason]
    count = len(script.differences)
    where = script.name if known else script.path
    if script.trouble:
        print(f"not ok {where}: {script.trouble}" if known else f"{where}: not played: {script.trouble}")
        return False
    if script.record[-1]["reason"]:
        end = script.record[-1]
        print(f"{where}:{end['line']}: tapio's own run ends here: {end['reason']}")
    if known:
        said = f" ({count} known)" if count else ""
        print(f"ok {where}{said}" if not fresh else f"not ok {where}: {fresh[0].where}: {fresh[0].what}")
    else:
        print(f"{where}: " + ("same" if not count else "1 difference" if count == 1 else f"{count} differences"))
    for d in fresh if known else script.differences:
        print(f"    {d.where}: {d.what}")
        print(f"        kernel  {d.kernel}\n        tapio   {d.ours}")
    return not fresh


def main():
    options = arguments()
    paths = list(find_scripts(options.scripts))
    if options.no_ipv6:
        paths = [path for path in paths if "--ip_version" not in path.read_text(encoding="utf-8")]
    if options.select:
        count = len(paths)
        paths = select(paths, options)
        print(f"# left out: {count - len(paths)} of {count}, which fail with these values or take too long")
    known = Known(options.known) if options.known else None
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        scripts = list(pool.map(lambda path: Script(path, options), paths))
    play_all(scripts, options, known)
    if known:
        look_again(scripts, options, known)
    good = sum([show(script, known) for script in scripts])
    stale = known.stale() if known else []
    for number, name, what, _ in stale:
        print(f"not ok {options.known}:{number}: no script shows this any more: {name}: {what}")
    bad = len(scripts) - good + len(stale)
    if known:
        print(f"{good} passed, {bad} failed")
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()

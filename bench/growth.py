#!/usr/bin/env python3
"""growth.py - how the cost of each operation grows: bench/growth.c's table, and its place in docs/growth.md.

    scripts/bench growth [--json | --write] [--check] [--quick] [--row WORD]
"""
import argparse
import json
import subprocess
import sys

import page
from page import ROOT

PAGE = "docs/growth.md"
BUILD = ROOT / "build/profile/tests"
SIZES = [10**power for power in range(2, 7)]


def rows_of(program, words):
    """(of, what): its objects, by n; and whether all was measured."""
    done = subprocess.run([BUILD / program, "--json", *words], stdout=subprocess.PIPE, text=True, check=False)
    rows = {}
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            cell = json.loads(line)
            rows.setdefault((cell["of"], cell["what"]), []).append(cell)
    return rows, done.returncode


def column_of(n):
    """A bound that is no power of ten has the column of the next one."""
    return next(i for i, size in enumerate(SIZES) if n <= size)


def remark(cells):
    last = cells[-1]
    words = [f"n up to {last['n']:,}: {last['cap']}"] if last["cap"] else []
    if last["linear"]:
        words.append(f"grows as n: {last['linear']}")
    return "; ".join(words)


def table(rows, times):
    lines = ["| among n | by | 10^2 | 10^3 | 10^4 | 10^5 | 10^6 | grows by | ns | |",
             "|---|---|---:|---:|---:|---:|---:|---:|---:|---|"]
    for key, cells in rows.items():
        columns = [""] * len(SIZES)
        for cell in cells:
            columns[column_of(cell["n"])] = f"{cell['steps']:,.0f}"
        growth = cells[-1]["steps"] / cells[0]["steps"]
        ns = times[key]
        lines.append(f"| {key[0]}: {key[1]} | {cells[0]['by']} | {' | '.join(columns)} | {growth:,.2f} | "
                     f"{ns[0]['ns']:,.0f} to {ns[-1]['ns']:,.0f} | {remark(cells)} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench growth", description="What each operation costs among 10^2 to 10^6.")
    parser.add_argument("--json", action="store_true", help="an object for each operation and size")
    parser.add_argument("--write", action="store_true", help=f"write the table of {PAGE}")
    parser.add_argument("--check", action="store_true", help="fail when one grows faster than the logarithm")
    parser.add_argument("--quick", action="store_true", help="no more than 10^4")
    parser.add_argument("--row", metavar="WORD", help="only what has this word in it")
    given = parser.parse_args()
    if given.write and (given.json or given.quick or given.row):
        parser.error("--write is for the whole table")
    words = [f"--{name}" for name in ("check", "quick") if getattr(given, name)]
    words += ["--row", given.row] if given.row else []
    rows, code = rows_of("growth", words)
    times, code_of_time = rows_of("growth_time", [word for word in words if word != "--check"])
    if given.json:
        for key, cells in rows.items():
            for cell, time in zip(cells, times[key]):
                print(json.dumps({**cell, "ns": time["ns"]}))
    elif given.write:
        page.write(PAGE, "growth", "\n" + table(rows, times) + "\n")
    else:
        print(table(rows, times), end="")
    return code or code_of_time


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""flame.py - a flame graph: where the instructions, or the time, of a run went.

    scripts/bench flame bulk|requests|opens [--text | FILE.svg]   of two stacks over the pipe, under callgrind
    perf script | bench/flame.py --perf [--text | FILE.svg]       of anything that `perf record -g` has sampled

A box is a function, as wide as what was spent in it and in what it called; what it called stands upon it. Boxes are in
the order of their names, not of time. --text prints the same as "main;step;function COUNT", one stack a line.
"""
import argparse
import collections
import re
import sys
from xml.sax.saxutils import escape

import callgrind
from callgrind import ROOT

BUILD = ROOT / "build/profile/tests"
LOADS = {"bulk": ("bulk_pipe", 5), "requests": ("request_pipe", "requests", 2000), "opens": ("request_pipe", "opens", 500)}
WIDTH, HEIGHT, LETTER = 1200, 17, 6.6 # of the picture, a box, and a letter in it
LEAST = 0.4 # what is narrower is left out

# A folder has a colour, and what is nobody's of ours is grey.
COLOURS = {"sock": "#8dd3c7", "stack": "#ffffb3", "tcp": "#fdb462", "udp": "#fccde5", "ip": "#b3de69",
           "eth": "#bc80bd", "base": "#80b1d3", "dev": "#d9d9d9"}


def fold_callgrind(records):
    """Stack to instructions; a function of ours is "folder/name"."""
    stacks = collections.Counter()
    for record in records:
        names = [f"{r.file.split('/')[1]}/{r.name}" if r.file.startswith("src/") else r.name for r in record.chain()]
        if record.instructions:
            stacks[tuple(reversed(names))] += record.instructions
    return stacks


def fold_perf(lines):
    """Samples as `perf script` prints them: a line of its own, then the innermost function first, then none."""
    stacks, names = collections.Counter(), None
    for line in [*lines, "\n"]:
        frame = re.match(r"\s+[0-9a-f]+ (.*?)(?:\+0x[0-9a-f]+)? \(.*\)$", line.rstrip())
        if names is not None and frame:
            names.append(frame.group(1))
        elif not line.strip():
            if names:
                stacks[tuple(reversed(names))] += 1
            names = None
        elif not line[0].isspace():
            names = []
    return stacks


def tree_of(stacks):
    """name: [count, children], for all that begin alike."""
    root = [0, {}]
    for stack, count in stacks.items():
        root[0] += count
        at = root
        for name in stack:
            at = at[1].setdefault(name, [0, {}])
            at[0] += count
    return root


def depth_of(node):
    return 1 + max((depth_of(child) for child in node[1].values()), default=0)


def colour_of(name):
    return COLOURS.get(name.split("/")[0], "#eeeeee") if "/" in name else "#eeeeee"


def boxes(name, node, left, level, scale, total):
    """The SVG of a node and of all upon it; `level` counts from the bottom."""
    width = node[0] * scale
    if width < LEAST:
        return
    label = f"{name}: {node[0]:,} ({100 * node[0] / total:.1f} %)"
    yield (f'<g><title>{escape(label)}</title><rect x="{left:.1f}" y="{level * -HEIGHT}" width="{width:.1f}" '
           f'height="{HEIGHT - 1}" fill="{colour_of(name)}"/>')
    letters = int(width / LETTER) - 1
    if letters > 2:
        yield f'<text x="{left + 3:.1f}" y="{level * -HEIGHT + 12}">{escape(name[:letters])}</text>'
    yield "</g>"
    for child in sorted(node[1]):
        yield from boxes(child, node[1][child], left, level + 1, scale, total)
        left += node[1][child][0] * scale


def svg_of(stacks):
    root = tree_of(stacks)
    height = depth_of(root) * HEIGHT + 10
    yield (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 {HEIGHT + 5 - height} {WIDTH} {height}" '
           f'font-family="monospace" font-size="11">')
    yield from boxes("all", root, 0, 0, WIDTH / max(root[0], 1), max(root[0], 1))
    yield "</svg>"


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench flame", description="A flame graph.")
    parser.add_argument("load", nargs="?", choices=sorted(LOADS))
    parser.add_argument("svg", nargs="?", metavar="FILE.svg")
    parser.add_argument("--text", action="store_true", help="one stack a line, to standard output")
    parser.add_argument("--perf", metavar="FILE.svg", nargs="?", const="", help="read `perf script` from standard input")
    given = parser.parse_args()
    if (given.load is None) == (given.perf is None):
        parser.error("name a load, or --perf")
    path = given.perf if given.perf is not None else given.svg
    if not path and not given.text:
        parser.error("a file for the picture, or --text")
    if given.perf is not None:
        stacks = fold_perf(sys.stdin)
    else:
        program, *words = LOADS[given.load]
        stacks = fold_callgrind(callgrind.run(BUILD / program, *words)[1])
    if not stacks:
        sys.exit("flame: no stack was read")
    if given.text:
        print("\n".join(f"{';'.join(stack)} {count}" for stack, count in sorted(stacks.items())))
    else:
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(svg_of(stacks)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""compare.py KERNEL OURS KNOWN - what the two runs of the behaviour suite say, line by line.

KNOWN is behaviour.tsv. Each difference must be a row of it, and each row must be a difference: one that is found no
more fails as well. A row's fields may have stars (fnmatch). Exit status 1 when anything is wrong.
"""

import fnmatch
import sys


def read_run(path):
    """Its cases, in order: name -> lines. A run that did not reach its end is no run."""
    cases, lines = {}, None
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file.read().split("\n"):
            if line == "end":
                return cases
            if line.startswith("case "):
                if line[5:] in cases:
                    sys.exit(f"not ok {path}: two cases are named {line[5:]}")
                lines = cases[line[5:]] = []
            elif lines is not None:
                lines.append(line)
    sys.exit(f"not ok {path}: the run ended in {list(cases)[-1] if cases else 'its beginning'}")


def read_known(path):
    """[row number, case, line, kernel, ours], all text but the first."""
    rows = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.strip() and not line.startswith("#"):
                fields = line.rstrip("\n").split("\t")
                if len(fields) != 5 or not all(fields):
                    sys.exit(f"not ok {path}:{number}: a row has five fields: case, line, kernel, ours, why")
                rows.append((number, *fields[:4]))
    return rows


def differences(kernel, ours):
    """(line, kernel's, ours) of one case; "-" for a line that one has not."""
    for number in range(max(len(kernel), len(ours))):
        left = kernel[number] if number < len(kernel) else "-"
        right = ours[number] if number < len(ours) else "-"
        if left != right:
            yield str(number + 1), left, right


def main():
    kernel, ours, rows = read_run(sys.argv[1]), read_run(sys.argv[2]), read_known(sys.argv[3])
    used, bad, listed = set(), 0, 0
    for name in dict.fromkeys([*kernel, *ours]):
        wrong = False
        for line, left, right in differences(kernel.get(name, ["no such case"]), ours.get(name, ["no such case"])):
            shown = (name, line, left, right)
            found = [row for row in rows if all(map(fnmatch.fnmatchcase, shown, row[1:]))]
            used.update(row[0] for row in found)
            if found:
                listed += 1
            else:
                wrong = True
                print(f"difference\t{name}\t{line}\t{left}\t{right}")
        bad += wrong
    stale = [row for row in rows if row[0] not in used]
    for row in stale:
        print(f"not ok {sys.argv[3]}:{row[0]}: no case shows this any more")
    print(f"{len(kernel)} cases, {bad} differ, {listed} lines differ as listed, {len(stale)} rows are stale")
    return 1 if bad or stale or not kernel else 0


if __name__ == "__main__":
    sys.exit(main())

"""callgrind.py - runs a program under callgrind and reads what each function cost, by who called it.

An instruction that repeats itself counts as often as it does so, be it for one octet each time. The C library would
copy and clear what is large with one of those, and is told not to: else a cleared page looked like 4,096 instructions.

With --separate-callers a function is as many records as there are ways to come to it, so a record has one caller and
one chain up to main(). What is deeper than DEPTH would share a record; nothing of ours is.
"""
import os
import pathlib
import re
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
DEPTH = 40
NEVER = 1 << 40
ENVIRONMENT = {"LD_BIND_NOW": "1",
               "GLIBC_TUNABLES": f"glibc.cpu.x86_rep_movsb_threshold={NEVER}:glibc.cpu.x86_rep_stosb_threshold={NEVER}"}


class Record:
    """A function as it was reached in one way: its name, its file, and the instructions of its own."""

    def __init__(self, name):
        self.name = name.split("'")[0]
        self.file = ""
        self.instructions = 0
        self.caller = None
        self.called = 0 # instructions that the way through `caller` has cost

    def chain(self):
        """Itself and its callers, up to main()."""
        record, seen = self, set()
        while record and record not in seen:
            seen.add(record)
            yield record
            record = record.caller


class Names:
    """callgrind writes a name once, with a number, and the number alone afterwards."""

    def __init__(self):
        self.known = {}

    def read(self, text):
        found = re.match(r"\((\d+)\)(?: (.*))?$", text)
        if not found:
            return text
        if found.group(2) is not None:
            self.known[found.group(1)] = found.group(2)
        return self.known[found.group(1)]


def below_root(path):
    """"src/tcp/flight.c" for a file of ours, "" for others."""
    parts = pathlib.PurePath(path).parts
    for top in ("src", "bench"):
        if top in parts and (ROOT / pathlib.PurePath(*parts[parts.index(top):])).exists():
            return str(pathlib.PurePath(*parts[parts.index(top):]))
    return ""


def read(path):
    """The records of a callgrind.out file."""
    files, functions, records = Names(), Names(), {}
    here = callee = None
    file = callee_file = ""
    is_call = False

    def record_of(name):
        return records.setdefault(name, Record(name))

    for line in pathlib.Path(path).read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and key == "fl":
            file = files.read(value)
        elif equals and key in ("fi", "fe"):
            files.read(value)
        elif equals and key in ("cfi", "cfl"):
            callee_file = files.read(value)
        elif equals and key == "fn":
            here = record_of(functions.read(value))
            here.file = here.file or below_root(file)
        elif equals and key == "cfn":
            callee = record_of(functions.read(value))
            callee.file = callee.file or below_root(callee_file)
        elif equals and key == "calls":
            is_call = True
        elif here and re.match(r"[+\-*\d]", line):
            cost = int(line.split()[1])
            if not is_call:
                here.instructions += cost
            elif cost >= callee.called and callee is not here:
                callee.caller, callee.called = here, cost
            is_call = False
            callee_file = file
    return list(records.values())


def run(*words):
    """What the program printed, and its records."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "out"
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", f"--separate-callers={DEPTH}",
             "--separate-recs=1", *map(str, words)],
            capture_output=True, text=True, check=False, env={**os.environ, **ENVIRONMENT})
        if done.returncode:
            raise SystemExit(f"bench: {words[0]}: {done.stderr.strip().splitlines()[-1]}")
        return done.stdout, read(out)

#!/usr/bin/env python3
"""http_probe.py - whether a web server keeps the rules of HTTP/1.1: RFC 9110 and 9112, and what attackers try.

    http_probe.py --make-site DIR               makes the folder that the server is to serve; files beside it,
                                                in DIR's parent, are what nobody may see
    http_probe.py ADDR PORT SITE [RULE...]      tries the rules, or those whose names contain a RULE
    http_probe.py --rfc ADDR PORT SITE          without those that are our own: stricter than the RFCs, or beside them
    http_probe.py --list                        name TAB ids of what it proves

A line for each rule, `ok NAME` or `not ok NAME: what was seen`, and `N passed, N failed` at last; exit code 1
when one failed. It knows nothing of the server but its address and that it serves SITE: raw sockets, python3 and
no more. The rules are in probe/: a rule is a function that takes exception to what it sees. Each
response is read by the letter (probe/talk.py), so that whatever no response may be fails the rule that met it.
Rules that mostly wait run beside the others.
"""
import concurrent.futures
import os
import sys
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from probe import behaviour, codings, files, framing, messages, paths, site # noqa: E402, F401: they hold the rules
from probe.talk import RULES, Place, Wrong # noqa: E402


def verdict(rule, place):
    """What was seen that may not be, in one line, or None."""
    try:
        rule.function(place)
        return None
    except Wrong as wrong:
        text = str(wrong)
    except OSError as error:
        text = f"{type(error).__name__}: {error}"
    except Exception as error: # what no rule expects is a failure of that rule, not of the whole
        where = traceback.extract_tb(error.__traceback__)[-1]
        text = f"{type(error).__name__}: {error} ({os.path.basename(where.filename)}:{where.lineno})"
    return "".join(letter if letter.isprintable() else " " for letter in text)[:600]


def chosen(words, rfc):
    """The rules that are meant."""
    if words:
        return [rule for rule in RULES if any(word in rule.name for word in words)]
    return [rule for rule in RULES if not rule.asked and not (rfc and rule.own)]


def run(place, rules):
    """Tries them all, in their order."""
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=16) as pool:
        waiting = {rule.name: pool.submit(verdict, rule, place) for rule in rules if rule.slow}
        for rule in rules:
            seen = waiting[rule.name].result() if rule.slow else verdict(rule, place)
            failed += seen is not None
            print(f"ok {rule.name}" if seen is None else f"not ok {rule.name}: {seen}", flush=True)
    print(f"{len(rules) - failed} passed, {failed} failed")
    return 1 if failed else 0


def main(words):
    if words == ["--list"]:
        for rule in RULES:
            if not rule.asked:
                print("\t".join((rule.name,) + rule.proofs))
        return 0
    if len(words) == 2 and words[0] == "--make-site":
        site.make(words[1])
        return 0
    rfc = words[:1] == ["--rfc"]
    words = words[rfc:]
    if len(words) < 3 or words[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    rules = chosen(words[3:], rfc)
    if not rules:
        print(f"no rule has a name with {' or '.join(words[3:])}", file=sys.stderr)
        return 2
    return run(Place(words[0], words[1], words[2]), rules)


sys.exit(main(sys.argv[1:]))

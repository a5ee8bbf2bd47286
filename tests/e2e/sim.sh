#!/usr/bin/env bash
#
# sim.sh - `tapio sim`: runs in virtual time, which need no device, no root and no namespace.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin_here

sim() { # sim CODE ARGS...: $WORK/out and $WORK/err
    local wanted=$1 code=0
    shift
    "$TAPIO" sim "$@" >"$WORK/out" 2>"$WORK/err" </dev/null || code=$?
    expect "exit code of sim $*" "$wanted" "$code"
}

one_seed() {
    sim 0 --seed 7
    grep -q '^ok seed 7: 2 connections, [1-9][0-9]* octets verified' "$WORK/out"
    cp "$WORK/out" "$WORK/first"
    sim 0 --seed 7
    cmp "$WORK/first" "$WORK/out"
    sim 0
    grep -q '^ok seed [0-9]*: ' "$WORK/out"
}

many_seeds() {
    sim 0 --seed 1..5
    grep -q '^5 passed, 0 failed$' "$WORK/out"
    sim 0 --seed 1..3 --json
    expect "lines" 3 "$(wc -l <"$WORK/out")"
    python3 -c 'import json, sys
for line in sys.stdin:
    run = json.loads(line)
    assert run["schema"] == 1 and run["passed"] and run["verified_octets"] > 0, run' <"$WORK/out"
}

# The same seed makes the same capture, octet for octet.
captured() {
    # each fault of the wire, also the one that no checksum sees
    sim 0 --seed 3 --bytes 20000 --impair loss=2%,burst=4,burstloss=50%,ackloss=5%,forge=1%,outage=1s,every=20s,mtu=1400
    sim 0 --seed 3 --capture "$WORK/a.pcapng"
    sim 0 --seed 3 --capture "$WORK/b.pcapng"
    cmp "$WORK/a.pcapng" "$WORK/b.pcapng"
    (($(grep -c 'why=' --text "$WORK/a.pcapng") > 10))
}

# Charts: all of them are XML, no larger than they should be, and of as many marks as segments were
# sent again (of which none was a tail probe in this run: those have a mark of their own); and the same seed makes
# the same.
plotted() {
    sim 0 --seed 6 --offload off --conns 2 --bytes 1000000 --impair loss=2%,delay=10ms,rate=50mbit --plot "$WORK/a" \
        --capture "$WORK/plotted.pcapng"
    grep -q "^8 charts in $WORK/a\$" "$WORK/out"
    python3 - "$WORK/a" "$(sed -n 's/.*segments sent again //p' "$WORK/out")" <<'END'
import glob, os, sys
from xml.dom import minidom
marks = {"sequence": 0, "window": 0}
files = glob.glob(sys.argv[1] + "/*.svg")
assert len(files) == 8, files
for file in files:
    assert os.path.getsize(file) < 1000000, file
    root = minidom.parse(file).documentElement
    assert root.tagName == "svg" and root.getAttribute("viewBox") == "0 0 1280 720"
    assert "tapio sim --seed 6" in root.getElementsByTagName("desc")[0].firstChild.data
    for path in root.getElementsByTagName("path"):
        kind = path.getAttribute("class").split()
        if kind[0] == "mark" and kind[1] not in ("probe", "cut"):
            marks[file.rsplit("-", 1)[1][:-4]] += 1
assert marks["sequence"] == marks["window"] == int(sys.argv[2]) > 20, (marks, sys.argv[2])
END
    (($(grep -c 'why=' --text "$WORK/plotted.pcapng") > 100)) # both listen
    sim 0 --seed 6 --offload off --conns 2 --bytes 1000000 --impair loss=2%,delay=10ms,rate=50mbit --plot "$WORK/b"
    diff -r "$WORK/a" "$WORK/b"
}

# Nothing arrives: the run fails, says so, and says how to repeat it.
failing() {
    local again
    sim 1 --seed 5 --conns 1 --impair loss=100% --set tcp.syn_retries=2
    grep -q '^not ok seed 5: ' "$WORK/out"
    again=$(sed -n 's/^    again: tapio //p' "$WORK/out")
    expect "the command" "sim --seed 5 --conns 1 --impair 'loss=100%' --set 'tcp.syn_retries=2' --capture seed-5.pcapng" "$again"
    cp "$WORK/out" "$WORK/first"
    (
        cd "$WORK"
        eval "$TAPIO $again" >"$WORK/out" || true
        test -s seed-5.pcapng
    )
    cmp "$WORK/first" "$WORK/out"
}

# Two flows over one bottleneck: text for people, and figures that fit each other as JSON.
flows() {
    sim 0 --flows 2 --rate 10Mbit --delay 5ms --queue 50 --time 2s --seed 1
    grep -q '^all .*% of what the bottleneck can carry; fairness [01][.]' "$WORK/out"
    grep -q ' segments per second of processor time$' "$WORK/out"
    sim 0 --flows 2 --rate 10Mbit --delay 5ms --queue 50 --time 2s --skip 0.5 --impair out:loss=1% --seed 1..2 --json
    python3 -c 'import json, sys
runs = [json.loads(line) for line in sys.stdin]
assert len(runs) == 2, runs
for run in runs:
    assert run["schema"] == 1 and run["passed"] and len(run["flows"]) == 2, run
    # what waited behind a hole when the count began is read, and counted, later: hence above 1
    assert 0 < run["goodput_share"] <= 1.5 and 0.5 <= run["fairness_jain"] <= 1, run
    assert run["lost"] > 0 and run["queue_most_packets"] <= 50, run
    assert run["took_ns"] == 2 * 10**9 and run["counted_ns"] == 1.5 * 10**9, run
    assert abs(sum(flow["octets"] for flow in run["flows"]) / 1.5 - run["goodput_octets_per_s"]) < 2000, run' <"$WORK/out"
    sim 0 --flows 1 --bytes 100000 --seed 1 --capture "$WORK/flow.pcapng"
    (($(grep -c 'why=' --text "$WORK/flow.pcapng") > 10))
    # the first sender is drawn, and nobody else; that changes nothing
    sim 0 --flows 2 --rate 10mbit --queue 20 --time 1s --seed 1
    grep -v ' segments per second ' "$WORK/out" >"$WORK/first"
    sim 0 --flows 2 --rate 10mbit --queue 20 --time 1s --seed 1 --plot "$WORK/flows"
    grep -q "^2 charts in $WORK/flows\$" "$WORK/out"
    grep -Ev ' segments per second |^2 charts ' "$WORK/out" | diff "$WORK/first" -
    expect "charts" "sender-1-sequence.svg sender-1-window.svg" "$(cd "$WORK/flows" && echo *)"
    grep -q 'to the receiver: .*queue 20 packets' "$WORK/flows/sender-1-window.svg"
}

# Many stacks and a subset of the faults; the same each time, and a failure with its command.
swarm() {
    sim 0 --swarm --seed 11
    grep -q '^ok seed 11: [2-8] hosts, [1-4] routers, .*; faults: [a-z]' "$WORK/out"
    cp "$WORK/out" "$WORK/first"
    sim 0 --swarm --seed 11 --capture "$WORK/swarm.pcapng"
    cmp "$WORK/first" "$WORK/out"
    sim 0 --swarm --seed 1..10
    grep -q '^10 passed, 0 failed$' "$WORK/out"
    sim 0 --swarm --seed 1..3 --json
    python3 -c 'import json, sys
for line in sys.stdin:
    run = json.loads(line)
    assert run["schema"] == 1 and run["mode"] == "swarm" and run["passed"], run
    assert run["hosts"] >= 2 and run["verified_octets"] > 0 and isinstance(run["faults"], list), run' <"$WORK/out"
    # who may not keep one connection cannot open several
    sim 1 --swarm --seed 5 --conns 20 --set sock.sockets=3
    grep -q '^    again: tapio sim --swarm --seed 5 --conns 20 --set .sock.sockets=3. --capture seed-5.pcapng$' "$WORK/out"
}

# A swarm made long: the same each time, and repeated by a command that says so.
soak() {
    sim 0 --swarm --soak --seed 4 --bytes 200000
    grep -q '^ok seed 4: .* octets verified, .*; faults: [a-z]' "$WORK/out"
    cp "$WORK/out" "$WORK/first"
    sim 0 --swarm --soak --seed 4 --bytes 200000 --capture "$WORK/soak.pcapng"
    cmp "$WORK/first" "$WORK/out"
    sim 0 --swarm --soak --seed 2 --json
    python3 -c 'import json, sys
run = json.load(sys.stdin)
assert run["mode"] == "swarm" and run["soak"] and run["passed"], run
assert run["verified_octets"] > 10**7 and run["injected_faults"] > 10**4, run' <"$WORK/out"
    sim 1 --swarm --soak --seed 5 --bytes 200000 --conns 20 --set sock.sockets=1
    grep -q '^    again: tapio sim --swarm --soak --seed 5 --conns 20 --bytes 200000 --set .sock.sockets=1. --capture seed-5.pcapng$' "$WORK/out"
}

# Devices that offload: the same each time, as many octets as without, and a failure says which there were.
offload() {
    local how
    sim 0 --seed 1..10 --offload on --json
    cp "$WORK/out" "$WORK/first"
    sim 0 --seed 1..10 --offload on --json
    cmp "$WORK/first" "$WORK/out"
    python3 -c 'import json, sys
runs = [json.loads(line) for line in sys.stdin]
assert len(runs) == 10 and all(run["passed"] and run["offload"] for run in runs), runs
assert sum(run["joined"] for run in runs) > 100, runs' <"$WORK/out"
    sim 0 --seed 1..10 --offload off --json
    python3 -c 'import json, sys
for line in sys.stdin:
    run = json.loads(line)
    assert run["passed"] and not run["offload"] and run["joined"] == 0, run' <"$WORK/out"
    for how in on off; do
        sim 0 --swarm --seed 1..5 --offload "$how" --json
        python3 -c 'import json, sys
for line in sys.stdin:
    run = json.loads(line)
    assert run["passed"], run
    assert run["offload_hosts"] == (run["hosts"] if sys.argv[1] == "on" else 0), run
    assert sys.argv[1] == "on" or run["joined"] == run["cut"] == 0, run' "$how" <"$WORK/out"
    done
    sim 1 --swarm --seed 5 --conns 20 --offload on --set sock.sockets=3
    grep -q '^    again: tapio sim --swarm --seed 5 --conns 20 --offload on --set .sock.sockets=3. --capture' "$WORK/out"
    # a flow fills its bottleneck either way
    for how in off on; do
        sim 0 --flows 1 --rate 10mbit --queue 50 --time 2s --seed 1 --offload "$how" --json
        python3 -c 'import json, sys
run = json.load(sys.stdin)
assert run["passed"] and 0.9 < run["goodput_share"] <= 1.01, run' <"$WORK/out"
    done
}

# The worst of wires: slow, but every octet arrives.
worst() {
    sim 0 --seed 1..20 --bytes 100000 --impair reorder=50%,dup=50%,loss=30%,corrupt=5%
    sim 0 --seed 21..40 --bytes 100000 --impair ackloss=50%
    sim 0 --seed 41..60 --bytes 200000 --impair burstloss=20%,outage=10s,every=30s
}

mistakes() {
    local line
    for line in "--seed" "--seed x" "--seed 3..1" "--seed 1..2 --capture $WORK/c" "--seed 1..2 --plot $WORK/c" "--conns 0" "--bytes x" \
        "--impair loss=2" "--set tcp.nothing=1" "--set tcp.msl" "--profile none" "now" \
        "--flows 0" "--rate 1mbit" "--time 5" "--flows 1 --rate 5" "--flows 1 --queue 0" "--flows 1 --delay 5ms,loss=1%" \
        "--flows 1 --time 1 --skip 1" "--flows 1 --conns 2" "--flows 1 --time x" \
        "--swarm --flows 2" "--swarm --plot $WORK/c" "--swarm --impair loss=1%" "--swarm --mtu 1500" "--swarm --conns 65" "--offload" "--offload maybe" "--soak" "--soak --flows 1"; do
        # shellcheck disable=SC2086 # several words
        sim 2 $line
        expect "lines for sim $line" 1 "$(wc -l <"$WORK/err")"
    done
    sim 0 --set help
    sim 1 --seed 1 --capture /nothing/here
    sim 1 --seed 1 --plot /nothing/here
}

try "a seed is a run, the same each time" one_seed
try "a range of seeds ends with a count; JSON has a line for each" many_seeds
try "a run can be captured, with the reasons" captured
try "charts are XML, and have a mark for each segment that was sent again" plotted
try "a failure comes with the command that repeats it" failing
try "flows share a bottleneck, and the figures are told" flows
try "a swarm of stacks and faults" swarm
try "a swarm made long" soak
try "devices that take big frames and join what comes" offload
try "wires that lose, repeat, reorder and corrupt a third of all" worst C44
try "a mistake is told in one line" mistakes
finish

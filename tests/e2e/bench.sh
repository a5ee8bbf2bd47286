#!/usr/bin/env bash
#
# bench.sh - that scripts/bench runs, tells figures of everybody who is there, names who is not, and
# leaves nothing behind. The figures of so short a run mean nothing.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
[[ -z $(tun_refused) ]] || skip_all no-tun
[[ -z $(namespace_refused) ]] || skip_all no-namespace
begin_here

BENCH=$ROOT/scripts/bench
export TMPDIR=$WORK # where it keeps its files
HERE=tapio,tapio-plain,sockets,sockets-plain,limit,limit-plain,kernel,kernel-plain,nginx

wrong_words() {
    local words code
    while read -r words; do
        code=0
        # shellcheck disable=SC2086 # several words
        "$BENCH" $words >"$WORK/out" 2>"$WORK/err" || code=$?
        expect "status of $words" 2 "$code"
        expect "octets on stdout" 0 "$(wc -c <"$WORK/out")"
    done <<'WORDS'
--rounds 0
--seconds nine
--only nonsense
--contestants tapio,nobody
--write --json
--nonsense
WORDS
    "$BENCH" --list >"$WORK/out"
    grep -q '^    in-1 ' "$WORK/out"
    grep -q '^    kernel ' "$WORK/out"
}

quick() {
    "$BENCH" --quick --contestants "$HERE" >"$WORK/table" 2>"$WORK/err" || {
        tail -n 5 "$WORK/err"
        fail "it ended with $?"
    }
    cat "$WORK/table"
    grep -q '^| bulk receive, 1 connection | tapio serve, offload on | [0-9.]* Gb/s | the device limit: ' "$WORK/table"
    grep -Eq '^\| tapio serve, offload on \| [0-9.]+ \|$' "$WORK/table"
    grep -Eq '^\| nginx over veth \| [0-9,]+; [0-9]+/[0-9]+; [0-9.]+ \|$' "$WORK/table"
    expect "contestants that failed" "" "$(grep failed "$WORK/table" || true)"
}

# Each kind of line, and no figure of those who are not there.
tells_json() {
    "$BENCH" --only in-1,both-1,connect,start --contestants tapio,limit,kernel,nginx --rounds 1 --seconds 0.2 \
        --connect-seconds 0.2 --json >"$WORK/json" 2>"$WORK/err"
    python3 - "$WORK/json" <<'PYTHON'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
assert all(line["schema"] == 1 and line["bench"] == "contest" for line in lines), lines
runs = {(line["workload"], line["contestant"]): line for line in lines if "values" in line}
for workload, figure, contestants in (("in-1", "octets_per_s", ("tapio", "limit", "kernel")),
                                      ("both-1", "pull_octets_per_s", ("tapio", "limit", "kernel")),
                                      ("connect", "per_s", ("tapio", "limit", "kernel", "nginx")),
                                      ("start", "start_ms", ("tapio", "limit", "kernel", "nginx"))):
    for contestant in contestants:
        run = runs[workload, contestant]
        assert run["median"][figure] > 0 and not run["failed"], run
assert ("in-1", "nginx") not in runs
goals = [line for line in lines if "goal" in line]
assert {goal["contestant"] for goal in goals} == {"tapio"}, goals
assert any(goal["against"] == "nginx" and goal["met"] in (True, False) for goal in goals), goals
assert any(goal["against"] is None and goal["value"] is None and goal["met"] is None for goal in goals), goals
PYTHON
}

# Without its program a contestant is absent by name: in a copy of the house in which none is built.
names_who_is_absent() {
    mkdir -p "$WORK/house/build/bench" "$WORK/house/docs"
    cp -r "$ROOT/bench" "$WORK/house/"
    cp "$ROOT/build/bench/blast" "$ROOT/build/bench/kernel_server" "$WORK/house/build/bench/"
    (enter_namespace TAPIO_BENCH python3 "$WORK/house/bench/contest.py" --quick --only in-1) \
        >"$WORK/table" 2>"$WORK/err"
    cat "$WORK/table"
    grep -q '^Absent: lwip, as build/bench/lwip_server is missing; bench/peers/build makes it\.$' "$WORK/table"
    grep -q "^| lwIP's raw API, checksum offload | absent |$" "$WORK/table"
    grep -Eq "^\| the kernel's TCP over veth, bare epoll loop \| [0-9.]+ \|$" "$WORK/table"
}

no_process_of() {
    [[ -z $(ps -o pid= --sid "$1" 2>/dev/null) ]]
}

# ends_by SIGNAL GROUP: Ctrl-C goes to all processes at the terminal at once (GROUP is a minus), kill to
# one. There is a session for each run.
ends_by() {
    local pid
    env --default-signal=INT setsid "$BENCH" --only idle-10k --contestants tapio --seconds 30 >"$WORK/out" 2>"$WORK/err" &
    pid=$!
    started "$pid"
    wait_until 20 grep -q 'round 1' "$WORK/err"
    wait_until 5 compgen -G "$WORK/tapio-bench.*"
    sleep 0.5
    if no_process_of "$pid"; then
        fail "nothing ran"
    fi
    kill -"$1" -- "$2$pid"
    wait_until 10 gone "$pid"
    wait_until 5 no_process_of "$pid"
    expect "files left behind" "" "$(compgen -G "$WORK/tapio-bench.*" || true)"
}

interrupted() {
    ends_by INT -
}

terminated() {
    ends_by TERM ''
}

try "a mistake on the command line is told before anything is built" wrong_words
try "a quick run has a figure for each contestant that is there" quick
try "--json has the values of each workload, and goals that know when there is nothing to compare with" tells_json
try "who is missing is named, and has no figure" names_who_is_absent
try "Ctrl-C leaves no process and no file behind" interrupted
try "nor does SIGTERM to it alone" terminated
finish

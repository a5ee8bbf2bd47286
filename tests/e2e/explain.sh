#!/usr/bin/env bash
#
# explain.sh - `tapio explain` beside tshark: of ten thousand packets, ordinary and malformed, both must
# say the same in every field that both have; and the verb's manners.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin_here

COMPARE=$ROOT/tests/e2e/explain_compare.py
FOREIGN=$ROOT/../shared/pcaps # tcpdump's own captures, where somebody has put them

explain() { # explain CODE ARGS...: $WORK/out and $WORK/err
    local wanted=$1 code=0
    shift
    "$TAPIO" explain "$@" >"$WORK/out" 2>"$WORK/err" </dev/null || code=$?
    expect "exit code of explain $*" "$wanted" "$code"
}

# agrees [--streams] FILE...: with tshark; what was compared is added to $WORK/packets.
agrees() {
    local option=()
    [[ $1 != --streams ]] || { option=(--streams) && shift; }
    python3 "$COMPARE" "${option[@]}" "$TAPIO" tshark "$@" >"$WORK/compared" || {
        cat "$WORK/compared"
        return 1
    }
    cat "$WORK/compared"
    ((${#option[@]} > 0)) || sed -n 's/^packets=\([0-9]*\) .*/\1/p' "$WORK/compared" >>"$WORK/packets"
}

record() { # record NAME ARGS...: what a simulated stack saw
    local name=$1
    shift
    "$TAPIO" sim "$@" --capture "$WORK/$name.pcapng" >"$WORK/sim.out" 2>&1 ||
        grep -q '^ok ' "$WORK/sim.out"
}

simulated() {
    record plain --seed 1 --conns 4 --bytes 60000
    record bad --seed 6 --conns 4 --bytes 60000 --impair loss=2%,dup=2%,reorder=5%,corrupt=2%,delay=5ms,jitter=3ms
    record forged --seed 3 --conns 2 --bytes 40000 --impair forge=2%,burst=4,burstloss=50%,ackloss=5%
    record swarm --swarm --seed 2
    agrees "$WORK"/{plain,bad,forged,swarm}.pcapng
}

followed() {
    agrees --streams "$WORK/plain.pcapng" "$WORK/bad.pcapng" "$WORK/swarm.pcapng"
}

zoo() {
    mkdir "$WORK/zoo"
    python3 "$ROOT/tests/e2e/explain_zoo.py" "$WORK/zoo"
    agrees "$WORK"/zoo/*.pcap
}

foreign() {
    python3 "$COMPARE" --join "$WORK/foreign.pcap" "$FOREIGN"/*.pcap # tshark is slow to start
    agrees "$WORK/foreign.pcap" "$FOREIGN"/*.pcapng
    agrees --streams "$WORK/foreign.pcap"
}

# And at the same octets, where nothing is malformed.
in_place() {
    python3 "$COMPARE" --offsets "$TAPIO" tshark "$WORK"/zoo/*.pcap "$WORK/plain.pcapng" "$WORK/bad.pcapng" >"$WORK/figures" || {
        cat "$WORK/figures"
        false
    }
    cat "$WORK/figures"
    (($(sed -n 's/^packets=\([0-9]*\) .*/\1/p' "$WORK/figures") >= 2000))
}

# Copies of all packets so far, a few octets of their headers changed or their ends cut off.
damaged() {
    local file seed files=("$WORK/zoo/ethernet.pcap")
    for file in "$WORK"/*.pcapng; do
        tshark -r "$file" -F pcap -w "$file.pcap" 2>/dev/null
        files+=("$file.pcap")
    done
    [[ ! -d $FOREIGN ]] || files+=("$FOREIGN"/*.pcap)
    for seed in 1 2; do
        python3 "$COMPARE" --damage "$seed" 5000 "$WORK/damaged$seed.pcap" "${files[@]}"
    done
    agrees "$WORK"/damaged{1,2}.pcap
}

enough() {
    local all
    all=$(awk '{ n += $1 } END { print n }' "$WORK/packets")
    printf '%s packets\n' "$all"
    ((all >= 10000))
}

# The other two renderings of the same: printable lines, none above 80 columns but headlines.
readable() {
    local file
    for file in "$WORK"/zoo/*.pcap "$WORK/swarm.pcapng" "$WORK/damaged1.pcap"; do
        explain 0 "$file" -n 1..600
        expect "octets that are not printable in $file" 0 "$(tr -d '\n -~' <"$WORK/out" | wc -c)"
        expect "long lines in $file" 0 "$(grep -v '^#' "$WORK/out" | awk 'length > 80' | wc -l)"
        explain 0 --brief "$file" -n 1..600
    done
}

# Our own captures say why; and what the tracker says fits to that.
comments() {
    local name
    explain 0 --json "$WORK/bad.pcapng"
    for name in syn syn-ack text retransmission duplicate-ack fin; do
        grep -q "\"kind\":\"$name\"" "$WORK/out" || fail "no packet is called $name"
    done
    expect "packets without a comment" 0 "$(grep -vc '"comment":"' "$WORK/out" || true)"
    expect "SYNs of ours that are called otherwise" 0 \
        "$(grep 'why=syn |' "$WORK/out" | grep -vc '"kind":"syn"' || true)"
    python3 -c 'import json, subprocess, sys
ours = [json.loads(line)["comment"] for line in open(sys.argv[1])]
theirs = subprocess.run(["tshark", "-r", sys.argv[2], "-T", "fields", "-e", "frame.comment"],
                        stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines()
assert ours == theirs, [pair for pair in zip(ours, theirs) if pair[0] != pair[1]][:2]
' "$WORK/out" "$WORK/bad.pcapng"
}

chooses() {
    local all
    explain 0 "$WORK/plain.pcapng" -n 5
    expect "headlines" "#5" "$(grep -o '^#[0-9]*' "$WORK/out")"
    explain 0 --brief "$WORK/plain.pcapng" -n 3..7
    expect "headlines" 5 "$(grep -c '^#' "$WORK/out")"
    explain 0 --brief "$WORK/plain.pcapng" arp
    all=$(grep -c '^#' "$WORK/out")
    explain 0 --brief --filter arp "$WORK/plain.pcapng"
    expect "by --filter" "$all" "$(grep -c '^#' "$WORK/out")"
    expect "by tshark" "$all" "$(tshark -r "$WORK/plain.pcapng" -Y arp 2>/dev/null | wc -l)"
    explain 0 --json "$WORK/plain.pcapng" tcp and dst port 7
    ((all > 0 && $(wc -l <"$WORK/out") > 10))
}

plain_text() {
    local esc=$'\033'
    explain 0 "$WORK/plain.pcapng" -n 5
    expect "colours in a file" 0 "$(grep -c "$esc" "$WORK/out" || true)"
    # script(1) gives it a terminal
    script -qec "$TAPIO explain $WORK/plain.pcapng -n 5" /dev/null >"$WORK/out" </dev/null
    grep -q "$esc" "$WORK/out"
    NO_COLOR=1 script -qec "$TAPIO explain $WORK/plain.pcapng -n 5" /dev/null >"$WORK/out" </dev/null
    expect "colours with NO_COLOR" 0 "$(grep -c "$esc" "$WORK/out" || true)"
}

pipes() {
    "$TAPIO" explain --json - <"$WORK/plain.pcapng" >"$WORK/a"
    "$TAPIO" explain --json "$WORK/plain.pcapng" >"$WORK/b"
    cmp "$WORK/a" "$WORK/b"
    # shellcheck disable=SC2002 # a pipe is what is tested
    cat "$WORK/plain.pcapng" | "$TAPIO" explain --json - | cmp - "$WORK/b"
    { "$TAPIO" explain "$WORK/plain.pcapng" 2>"$WORK/err" || true; } | head -n 3 >"$WORK/out"
    expect "talk of a closed pipe" "" "$(cat "$WORK/err")"
    expect "lines" 3 "$(wc -l <"$WORK/out")"
}

# damaged_tail SIZE: what came before is told, then one line.
tail_of() {
    head -c "$1" "$2" >"$WORK/torn"
    explain 1 --brief "$WORK/torn"
    expect "lines on stderr" 1 "$(wc -l <"$WORK/err")"
    grep -q 'damaged behind packet [1-9]' "$WORK/err"
    (($(grep -c '^#' "$WORK/out") > 0))
}

torn() {
    tail_of 3001 "$WORK/plain.pcapng"
    tail_of 3001 "$WORK/zoo/ethernet.pcap"
}

refused() { # refused CODE PATTERN ARGS...
    local code=$1 pattern=$2
    shift 2
    explain "$code" "$@"
    expect "lines on stderr of explain $*" 1 "$(wc -l <"$WORK/err")"
    expect "octets on stdout" 0 "$(wc -c <"$WORK/out")"
    grep -q -e "$pattern" "$WORK/err" || fail "the line says: $(cat "$WORK/err")"
}

mistakes() {
    : >"$WORK/empty"
    printf 'this is no capture at all, whatever its name\n' >"$WORK/text.pcap"
    # Bluetooth: 201
    printf '\324\303\262\241\002\000\004\000\000\000\000\000\000\000\000\000\377\377\000\000\311\000\000\000' >"$WORK/strange.pcap"
    refused 2 'FILE'
    refused 1 'No such file' "$WORK/absent"
    refused 1 'Is a directory' "$WORK"
    refused 1 'explain .*empty: ' "$WORK/empty"
    refused 1 'explain .*text.pcap: ' "$WORK/text.pcap"
    refused 1 'link type 201' "$WORK/strange.pcap"
    refused 2 "the filter 'nonsense" "$WORK/plain.pcapng" nonsense words
    refused 2 'choose one' --json --brief "$WORK/plain.pcapng"
    refused 2 'a filter already' --filter tcp "$WORK/plain.pcapng" arp
    refused 2 'not a number of a packet' -n 0 "$WORK/plain.pcapng"
    refused 2 'not a number of a packet' -n 5..3 "$WORK/plain.pcapng"
    refused 2 'not a number of a packet' -n x "$WORK/plain.pcapng"
    refused 1 'there is no packet 99999' -n 99999 "$WORK/plain.pcapng"
}

try "captures of simulated stacks agree with tshark" simulated
try "connections, and numbers within them, agree with tshark" followed
try "a packet of every kind, by each link type, agrees with tshark" zoo
if [[ -d $FOREIGN ]]; then
    try "captures of tcpdump's tests agree with tshark" foreign
else
    skip foreign no-pcaps
fi
try "two thousand packets have their fields where tshark has them" in_place
try "damaged copies of all of them agree with tshark" damaged
try "ten thousand packets were compared" enough
try "pictures and lists are printable, and fit 80 columns" readable
try "comments of our captures are shown" comments
try "-n and filters choose" chooses
try "colours are for terminals, and not with NO_COLOR" plain_text
try "standard input, and pipes that close" pipes
try "a damaged tail costs one line" torn
try "a mistake is told in one line" mistakes
finish

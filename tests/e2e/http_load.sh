#!/usr/bin/env bash
#
# http_load.sh - attacks that cost the attacker little: heads, bodies and readers that are slow, a thousand at once,
# while somebody just wants a page.
#
# He gets it, each time and within 100 ms in 99 of 100 cases, while wrk asks as often as it can on eight connections
# and is never refused; the process stays below the memory that its ready line
# promises; and afterwards nothing of it all is left. The figures are of the program as it is installed: a sanitizer's
# own memory and time would count. TAPIO_FULL=1, which scripts/nightly sets, makes it five thousand, and longer.
TAPIO=${TAPIO_PLAIN:-$(dirname "${BASH_SOURCE[0]}")/../../build/tapio}
TAPIO=$(realpath "$TAPIO")
export TAPIO
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin "$@"

URL=http://$HOST
CONTROL=$WORK/control
CONNECTIONS=1000
SECONDS_EACH=12
RATE=250        # new connections a second
WORST_P99_MS=100
if [[ ${TAPIO_FULL:-0} != 0 ]]; then
    CONNECTIONS=5000
    SECONDS_EACH=60
    RATE=1000
fi

# How many descriptors the attacker may have, and ports: each connection takes one of each.
prepare() {
    ulimit -n "$(ulimit -Hn)"
    if (($(ulimit -n) < CONNECTIONS + 100)); then
        CONNECTIONS=$(($(ulimit -n) - 100))
        printf '# only %s connections: no more descriptors are allowed here (ulimit -Hn)\n' "$CONNECTIONS"
    fi
    echo '10000 65000' >/proc/sys/net/ipv4/ip_local_port_range
}

# The connections that the server has, by what its control socket tells.
connections() {
    local told
    told=$("$REAL" ss --json --control "$CONTROL") || return
    grep -c '"type":"connection"' <<<"$told" || true
}

memory_promised() {
    sed -n 's/^ready .* memory=\([0-9]*\)MB.*/\1/p' "$WORK/serve.out"
}

memory_used() { # its peak, in MB
    awk '$1 == "VmHWM:" { print int($2 / 1024) }' "/proc/$SERVER/status"
}

# count_most FILE: the most connections that were there at once, until it is killed.
count_most() {
    local most=0 now
    while :; do
        now=$(connections) || now=0
        ((now <= most)) || most=$now
        echo "$most" >"$1.new" && mv "$1.new" "$1"
        sleep 0.5
    done
}

none_left() {
    [[ $(connections) == 0 ]]
}

# attacked_by OPTIONS...: slowhttptest with these while a client asks; $MOST connections at once, at the most.
attacked_by() {
    local attacker counter others asked failed median p99 worst
    slowhttptest -c "$CONNECTIONS" -r "$RATE" -l "$SECONDS_EACH" -p 5 "$@" >"$WORK/attack" 2>&1 </dev/null &
    attacker=$!
    started "$attacker"
    count_most "$WORK/most" &
    counter=$!
    started "$counter"
    wrk --threads 1 --connections 8 --duration "${SECONDS_EACH}s" "$URL/small.txt" >"$WORK/wrk" 2>&1 &
    others=$!
    started "$others"
    python3 "$ROOT/tests/e2e/http_load.py" "$HOST" 80 "$SECONDS_EACH" >"$WORK/figures" 2>"$WORK/failures"
    wait "$others"
    wait "$attacker" || true
    kill "$counter"
    wait "$counter" || true
    MOST=$(cat "$WORK/most")
    read -r asked failed median p99 worst <"$WORK/figures"
    cat "$WORK/failures"
    printf '# %s: %s connections at once; wrk got %s pages a second; %s requests meanwhile, %s failed, p50 %s ms, p99 %s ms, the slowest %s ms; %s of %s MB\n' \
        "$1" "$MOST" "$(awk '$1 == "Requests/sec:" { print int($2) }' "$WORK/wrk")" "$asked" "$failed" "$median" "$p99" "$worst" \
        "$(memory_used)" "$(memory_promised)" | tee -a "$WORK/all-figures"
    if grep -E 'Socket errors|Non-2xx' "$WORK/wrk"; then
        fail "wrk was refused"
    fi
    ((asked > SECONDS_EACH * 10)) || fail "only $asked requests could be made"
    expect "requests that failed" 0 "$failed"
    awk -v p99="$p99" -v limit="$WORST_P99_MS" 'BEGIN { exit !(p99 < limit) }' || fail "p99 is $p99 ms, not below $WORST_P99_MS"
    (($(memory_used) < $(memory_promised))) || fail "$(memory_used) MB, and $(memory_promised) are promised"
    no_complaint
}

# They must really have been there: an attack of which nothing arrives proves nothing.
were_many() {
    ((MOST >= CONNECTIONS * 8 / 10)) || fail "only $MOST connections at once, of $CONNECTIONS"
}

slow_heads() {
    attacked_by -H -i 2 -t GET -x 24 -u "$URL/small.txt"
    were_many
}

slow_bodies() {
    attacked_by -B -i 2 -t POST -s 8192 -x 10 -u "$URL/small.txt"
}

slow_readers() {
    attacked_by -X -w 512 -y 1024 -n 5 -z 32 -k 3 -u "$URL/big"
    were_many
}

all_gone() {
    wait_until 90 none_left
    expect "the file" "a small file" "$(fetch "$URL/small.txt")"
}

for tool in slowhttptest wrk; do
    if ! have "$tool"; then
        for name in "slow heads" "slow bodies" "slow readers"; do
            skip "$name" "missing-$tool"
        done
        finish
    fi
done
REAL=$TAPIO
prepare
make_site
if serve_start --root "$WORK/site" --control "$CONTROL"; then
    try "slow heads: $CONNECTIONS of them, and a page within $WORST_P99_MS ms" slow_heads W09 RFC9112-9.5-a
    try "slow heads: none is left" all_gone W09
    try "slow bodies: $CONNECTIONS of them, and a page within $WORST_P99_MS ms" slow_bodies W11
    try "slow bodies: none is left" all_gone W11
    try "slow readers: $CONNECTIONS of them, and a page within $WORST_P99_MS ms" slow_readers W10 RFC9112-slow-a
    try "slow readers: none is left" all_gone W10
    cat "$WORK/all-figures"
    try "the server ends well" serve_stop
else
    try "the server starts" false
fi
finish

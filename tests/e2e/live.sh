#!/usr/bin/env bash
#
# live.sh - the live page of `tapio serve` over a TAP: what it sends, whom it refuses, what its readers cost, and with a
# browser that it shows and does what it should, to everybody. Screenshots stay in build/live/. With TAPIO_FULL=1 it
# measures what slow readers cost, and waits until vanished ones are noticed; with TAPIO_AXE=axe.min.js, of npm's
# axe-core, that looks at the page too.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin "$@"

URL=http://$HOST
LIVE=$ROOT/tests/e2e/live.py
SHOTS=$ROOT/build/live

# lossy: a server behind a bad wire that can be changed.
lossy() {
    serve_start --root "$WORK/site" --offload off --allow-control --impair "loss=2%,delay=10ms,rate=20mbit"
}

# Somebody fetches again and again, until the file "$WORK/enough" is there.
traffic() {
    rm -f "$WORK/enough"
    (
        while [[ ! -e $WORK/enough ]]; do
            curl --disable --silent --max-time 60 --noproxy '*' --output /dev/null "$URL/big" || true
            sleep 0.5
        done
    ) >/dev/null 2>&1 &
    started $!
}

status() { # status ARGS...: of an answer
    fetch --output /dev/null --write-out '%{http_code}' "$@"
}

value() { # value KEY JSON
    python3 -c 'import json, sys; print(json.loads(sys.argv[2])[sys.argv[1]])' "$1" "$2"
}

# --- what is sent ---------------------------------------------------------------------------

page_is_served() {
    lossy
    expect "the page" 200 "$(status "$URL/.tapio/")"
    expect "the page without its slash" 200 "$(status "$URL/.tapio")"
    local file all=0 size
    for file in '' live.css live.js words; do
        fetch "$URL/.tapio/$file" >"$WORK/plain"
        fetch --compressed "$URL/.tapio/$file" >"$WORK/unpacked"
        cmp "$WORK/plain" "$WORK/unpacked"
        size=$(fetch --header 'Accept-Encoding: gzip' "$URL/.tapio/$file" | wc -c)
        all=$((all + size))
    done
    printf '%s octets\n' "$all"
    ((all > 10000 && all <= 60000))
    fetch --head --header 'Accept-Encoding: gzip' "$URL/.tapio/live.js" >"$WORK/head"
    grep -qi '^content-encoding: gzip' "$WORK/head"
    grep -qi '^vary: accept-encoding' "$WORK/head"
    if fetch "$URL/.tapio/" "$URL/.tapio/live.css" "$URL/.tapio/live.js" | grep -oE '(https?:)?//[a-z0-9.]+\.[a-z]+' |
        grep -v 'www.w3.org'; then
        fail "it needs something from elsewhere"
    fi
    serve_stop
}

stream_tells() {
    local found id
    lossy
    traffic
    sleep 0.3
    found=$(python3 "$LIVE" events "$HOST" 80 4)
    printf '%s\n' "$found"
    : >"$WORK/enough"
    (($(value samples "$found") >= 30 && $(value samples "$found") <= 52))
    (($(value packets "$found") > 200 && $(value again "$found") > 0 && $(value states "$found") > 2))
    (($(value own "$found") >= 1 && $(value conns "$found") >= 1))
    expect "packets of observers" 0 "$(value of_observers "$found")"
    id=$(value last "$found")
    fetch "$URL/.tapio/packet?$id" >"$WORK/packet"
    python3 -c '
import json, sys
p = json.load(open(sys.argv[1]))
assert p["id"] == int(sys.argv[2]), p["id"]
assert [l["key"] for l in p["layers"]][:3] == ["eth", "ip", "tcp"], p["layers"]
assert 108 <= len(p["headers"]) <= 320, len(p["headers"])
assert "RFC" in p["because"]' "$WORK/packet" "$id"
    expect "a packet that never was" 404 "$(status "$URL/.tapio/packet?999999999")"
    expect "no number" 400 "$(status "$URL/.tapio/packet?x")"
    serve_stop
}

# --- who is refused -------------------------------------------------------------------------

knobs_are_guarded() {
    local good=(--header "Origin: $URL")
    lossy
    expect "a POST from this very page" 204 "$(status "${good[@]}" --data 'loss=7%,delay=30ms,rate=none' "$URL/.tapio/control")"
    curl --disable --silent --no-buffer --max-time 5 --noproxy '*' "$URL/.tapio/events" >"$WORK/events" || true
    grep -q '"wire":\[{"loss_ppm":70000,"delay_us":30000,"rate_bps":0,' "$WORK/events"
    expect "without Origin" 403 "$(status --data 'loss=1%' "$URL/.tapio/control")"
    expect "from elsewhere" 403 "$(status --header 'Origin: http://evil.example' --data 'loss=1%' "$URL/.tapio/control")"
    expect "from nowhere" 403 "$(status --header 'Origin: null' --data 'loss=1%' "$URL/.tapio/control")"
    expect "from another port" 403 "$(status --header "Origin: $URL:8080" --data 'loss=1%' "$URL/.tapio/control")"
    expect "by a name" 421 "$(status --header 'Host: evil.example' --header 'Origin: http://evil.example' \
        --data 'loss=1%' "$URL/.tapio/control")"
    expect "events by a name" 421 "$(status --header 'Host: evil.example' "$URL/.tapio/events")"
    expect "a packet by a name" 421 "$(status --header 'Host: evil.example' "$URL/.tapio/packet?1")"
    expect "by GET" 405 "$(status "${good[@]}" "$URL/.tapio/control")"
    expect "nonsense" 400 "$(status "${good[@]}" --data 'loss=lots' "$URL/.tapio/control")"
    expect "too much" 400 "$(status "${good[@]}" --data "$(head -c 300 /dev/zero | tr '\0' x)" "$URL/.tapio/control")"
    serve_stop
    serve_start --root "$WORK/site" --impair 'loss=1%'
    expect "where it is not allowed" 403 "$(status "${good[@]}" --data 'loss=1%' "$URL/.tapio/control")"
    expect "the page there" 200 "$(status "$URL/.tapio/")"
    serve_stop
    serve_start --root "$WORK/site" --no-live
    expect "without the page" 404 "$(status "$URL/.tapio/")"
    expect "metrics without the page" 200 "$(status "$URL/.tapio/metrics")"
    serve_stop
}

# --- what readers cost ----------------------------------------------------------------------

resident() { # octets of the server's memory
    awk '$1 == "VmRSS:" { print $2 * 1024 }' "/proc/$SERVER/status"
}

readers() { # readers VERB COUNT ...: in the background; its process is in $READERS
    : >"$WORK/readers"
    python3 "$LIVE" "$1" "$HOST" 80 "${@:2}" >"$WORK/readers" 2>&1 &
    READERS=$!
    started "$READERS"
    wait_until 20 grep -q ready "$WORK/readers"
}

has_place() { # for one reader more
    [[ $(curl --disable --silent --max-time 0.5 --noproxy '*' --output /dev/null --write-out '%{http_code}' \
        "$URL/.tapio/events" || true) == 200* ]]
}

connections() {
    fetch "$URL/.tapio/metrics" | awk '$1 == "tapio_http_connections" { print $2 }'
}

no_more_than() { # no_more_than COUNT: connections
    (($(connections) <= $1))
}

too_many_are_told() {
    lossy
    readers gone 32
    expect "one reader more" 503 "$(status --max-time 10 "$URL/.tapio/events")"
    kill -KILL "$READERS"
    wait_until 10 has_place
    expect "the file behind all that" "a small file" "$(fetch "$URL/small.txt")"
    serve_stop
}

# Readers whose machine goes away without a word: its address is nobody's any more.
vanished_are_noticed() {
    serve_start --root "$WORK/site" --offload off
    ip address add 10.9.0.77/24 dev tap0
    readers gone 5 10.9.0.77
    (($(connections) >= 6))
    ip address del 10.9.0.77/24 dev tap0
    wait_until 90 no_more_than 1
    serve_stop
}

transfer() { # octets a second
    fetch --output /dev/null --write-out '%{speed_download}' "$URL/huge"
}

# compare: 9 runs of each kind, each beside one of the other; are the medians less than a tenth apart?
compare() {
    local run with=() without=()
    for ((run = 0; run < 9; run++)); do
        without+=("$(transfer)")
        readers slow 20 60
        with+=("$(transfer)")
        MEMORY=$(resident)
        kill -KILL "$READERS"
        wait "$READERS" 2>/dev/null || true
    done
    python3 -c '
import statistics, sys
runs = [float(w) for w in sys.argv[1:]]
without, with_ = statistics.median(runs[:9]), statistics.median(runs[9:])
print(f"{without / 1e6:.0f} MB/s without readers, {with_ / 1e6:.0f} MB/s with 20 slow ones: {with_ / without:.3f}")
sys.exit(with_ <= 0.9 * without)' "${without[@]}" "${with[@]}"
}

# What 20 slow readers take of a transfer of 2 GB. Who else uses the machine meanwhile spoils a comparison, but not
# three of them.
slow_readers_cost_little() {
    serve_start --root "$WORK/site"
    transfer
    compare || compare || compare
    printf '%s octets of memory\n' "$MEMORY"
    ((MEMORY < $(grep -o 'memory=[0-9]*' "$WORK/serve.out" | cut -d= -f2) * 1000000))
    serve_stop
}

# --- a browser ------------------------------------------------------------------------------

browser() { # browser VERB
    mkdir -p "$WORK/browser"
    lossy
    traffic
    timeout 150 python3 "$LIVE" "$1" "$URL/.tapio/" "${2-$WORK/browser}"
    : >"$WORK/enough"
    serve_stop
}

page_lives() {
    browser page
}

page_is_for_everybody() {
    browser access
}

screenshots() {
    mkdir -p "$SHOTS"
    browser shots "$SHOTS"
    rm -rf "$SHOTS/profile" "$SHOTS/chromium.err" "$SHOTS/.config" "$SHOTS/.cache"
    ls "$SHOTS"
}

with_browser() { # with_browser NAME FUNCTION
    if command -v chromium >/dev/null; then
        try "$1" "$2"
    else
        skip "$1" missing-chromium
    fi
}

# --- the run --------------------------------------------------------------------------------

make_site 3000000
try "page: it is served, packed and plain, in 60 kB, and needs nobody else" page_is_served
try "events: samples, packets, decisions; observers are left out" stream_tells
try "control: only where allowed, from this very page, and by an address" knobs_are_guarded
try "readers: one too many is told so, and those that leave make room" too_many_are_told
if thorough; then
    with_browser "browser: charts move, states light, octets, sliders act, no complaint" page_lives
    with_browser "browser: names, Tab, focus and contrast, in both schemes" page_is_for_everybody
    with_browser "browser: screenshots at 1440 and 390 px, light and dark" screenshots
fi
if [[ ${TAPIO_FULL:-0} != 0 ]]; then # minutes
    truncate -s 2G "$WORK/site/huge"
    try "readers: those that vanish without a word are noticed" vanished_are_noticed
    try "readers: 20 slow ones take less than a tenth of a transfer" slow_readers_cost_little
fi
finish

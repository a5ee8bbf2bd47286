#!/usr/bin/env bash
#
# link.sh - what happens to `tapio serve` when its link, or its own time, is taken away.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin "$@"

URL=http://$HOST

# What the process has used of the processor so far, in clock ticks (100 a second).
processor_ticks() {
    awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$1/stat"
}

idle_is_idle() {
    serve_start --root "$WORK/site"
    sleep 8 # the kernel's own chatter on a new link (IPv6) ends
    local switches ticks reads
    switches=$(awk '/^voluntary/ { print $2 }' "/proc/$SERVER/status")
    reads=$(awk '/^syscr/ { print $2 }' "/proc/$SERVER/io")
    ticks=$(processor_ticks "$SERVER")
    sleep 5
    switches=$(($(awk '/^voluntary/ { print $2 }' "/proc/$SERVER/status") - switches))
    reads=$(($(awk '/^syscr/ { print $2 }' "/proc/$SERVER/io") - reads))
    ticks=$(($(processor_ticks "$SERVER") - ticks))
    printf 'in 5 s: %s waits, %s reads, %s ticks\n' "$switches" "$reads" "$ticks"
    ((switches <= 25 && reads <= 25 && ticks <= 2))
    serve_stop
}

# Starts a download in the background; its process is $client.
download() {
    rm -f "$WORK/got"
    fetch --limit-rate 20M -o "$WORK/got" "$URL/big" 2>"$WORK/client.err" &
    client=$!
    started "$client"
    wait_until 5 test -s "$WORK/got"
}

downloaded() {
    wait "$client"
    same_as_site big "$WORK/got"
}

link_down_and_up() {
    serve_start --root "$WORK/site"
    download
    ip link set tap0 down
    sleep 5
    # The kernel forgets what it may not keep for a dead link; the address stays.
    ip link set tap0 up
    downloaded
    serve_stop
}

link_deleted() {
    serve_start --root "$WORK/site"
    download
    ip link del tap0
    serve_ended 1 2 # so soon that it cannot have spun for long
    kill "$client"
    expect "lines that it says" 1 "$(wc -l <"$WORK/serve.err")"
}

# A process that is stopped and continued sees EINTR from its waits.
interrupted_often() {
    local storm
    serve_start --root "$WORK/site"
    download
    (while kill -STOP "$SERVER" && kill -CONT "$SERVER"; do sleep 0.001; done) 2>/dev/null &
    storm=$!
    started "$storm"
    downloaded
    kill "$storm"
    kill -CONT "$SERVER"
    serve_stop
}

handled_signal() {
    local storm mask
    serve_start --root "$WORK/site"
    # SIGUSR1 is bit 9: caught or ignored, never the death of the server.
    mask=$(awk '/^Sig(Cgt|Ign)/ { print $2 }' "/proc/$SERVER/status" | sort | tail -n 1)
    printf 'caught or ignored: %s\n' "$mask"
    download
    (while kill -USR1 "$SERVER"; do sleep 0.001; done) 2>/dev/null &
    storm=$!
    started "$storm"
    downloaded
    kill "$storm"
    serve_stop
}

stalled_reader() {
    serve_start --root "$WORK/site"
    download
    kill -STOP "$SERVER"
    sleep 2
    kill -CONT "$SERVER"
    downloaded
    serve_stop
}

make_site 60000000
try "an idle server costs next to nothing" idle_is_idle T01
try "the link goes down for 5 s in a transfer: equal at the end" link_down_and_up T06
try "the link is deleted: one line, exit code 1, no spinning" link_deleted T05
try "stopped and continued all the time: equal at the end" interrupted_often T02
try "a storm of SIGUSR1: equal at the end" handled_signal T02
try "stopped for 2 s under load: equal at the end" stalled_reader T15
finish

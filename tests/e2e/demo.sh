#!/usr/bin/env bash
#
# demo.sh - scripts/demo does what the README promises, and leaves nothing behind outside build/.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin "$@"

# Every process that the demo starts has this in its environment, and temporary files go here.
export TAPIO_TRACE="demo-$$" TMPDIR=$WORK/tmp
mkdir -p "$TMPDIR"

# Processes with our mark, by the shell alone: a program that looked would have the mark itself.
marked() {
    local file word count=0
    for file in /proc/[0-9]*/environ; do
        while IFS= read -r -d '' word; do
            [[ $word != "TAPIO_TRACE=$TAPIO_TRACE" ]] || count=$((count + 1))
        done 2>/dev/null <"$file" || true
    done 2>/dev/null
    printf 'processes of the demo: %s\n' "$count"
}

# What may not change: interfaces, namespaces with a name (one without lives as long as a process in
# it), processes, files outside build/ and work folders in it.
traces() {
    ip -o link | cut -d: -f2
    grep nsfs /proc/mounts || true
    marked
    find "$ROOT" -path "$ROOT/build" -prune -o -path "$ROOT/.git" -prune -o -type f -print | sort
    find "$TMPDIR" -type f
    find "$ROOT/build/demo" -name 'run.*' 2>/dev/null || true
}

demo_once() {
    traces >"$WORK/before"
    bash "$ROOT/scripts/demo" </dev/null >"$WORK/demo" 2>"$WORK/demo.err"
    traces >"$WORK/after"
    diff "$WORK/before" "$WORK/after"
}

demo_shows() {
    local word
    for word in '^ready http://10.9.0.2' '^HTTP/1.1 200 ' '^HTTP 200, 20000000 octets' '^equal' '--- handshake' \
        'syn-received: ' 'handshake-done: ' 'state=ESTABLISHED' '--- close' 'fin: '; do
        grep -Eq -e "$word" "$WORK/demo" || fail "the demo does not show: $word"
    done
}

demo_interrupted() {
    local demo
    traces >"$WORK/before"
    rm -f "$WORK/demo"
    mkfifo "$WORK/typed"
    exec 3<>"$WORK/typed" # a terminal at which nobody types
    bash "$ROOT/scripts/demo" --stay <"$WORK/typed" >"$WORK/demo" 2>&1 3>&- &
    demo=$!
    started "$demo"
    wait_until 30 grep -q '^Try: ' "$WORK/demo"
    kill -TERM "$demo"
    wait_until 10 gone "$demo"
    exec 3>&-
    traces >"$WORK/after"
    diff "$WORK/before" "$WORK/after"
}

demo_stays() {
    local words
    words=$(printf 'curl -s http://10.9.0.2/; ping -q -c 1 10.9.0.2\n' | bash "$ROOT/scripts/demo" --stay 2>&1)
    [[ $(grep -c '<h1>It works.</h1>' <<<"$words") == 2 ]] || fail "the server is not there in the shell: $words"
    grep -q ' 0% packet loss' <<<"$words"
}

demo_live() {
    local demo page
    traces >"$WORK/before"
    : >"$WORK/demo"
    bash "$ROOT/scripts/demo" --live </dev/null >"$WORK/demo" 2>&1 &
    demo=$!
    started "$demo"
    wait_until 60 grep -q 'leaves nothing behind' "$WORK/demo"
    page=$(grep -o 'http://127.0.0.1:[0-9]*/.tapio/' "$WORK/demo")
    fetch -o "$WORK/page" "$page"
    grep -q '<title>tapio live</title>' "$WORK/page"
    curl --disable --silent --no-buffer --max-time 8 --noproxy '*' "${page}events" >"$WORK/events" || true
    grep -q '"what":"retransmit"' "$WORK/events"
    expect "a change of the wire" 204 "$(fetch --output /dev/null --write-out '%{http_code}' \
        --header "Origin: ${page%/.tapio/}" --data 'loss=0%' "${page}control")"
    kill -TERM "$demo"
    wait_until 10 gone "$demo"
    wait_until 5 no_process
    traces >"$WORK/after"
    diff "$WORK/before" "$WORK/after"
}

no_process() { # more than before; nothing that has our mark itself may run meanwhile
    local now
    now=$(marked)
    [[ $now == "$(grep '^processes' "$WORK/before")" ]]
}

unset TAPIO_DEMO
try "the demo runs and leaves nothing behind" demo_once
try "it shows the page, the file, the handshake and the close" demo_shows
thorough && try "with --stay the shell stands beside the running server" demo_stays
thorough && try "ended in the middle, it leaves nothing behind" demo_interrupted
thorough && try "with --live a transfer repeats, and a browser outside of the namespace can watch it" demo_live
finish

#!/usr/bin/env bash
#
# demo.sh - scripts/demo does what the README promises, and leaves nothing behind outside build/.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin "$@"

# What may not change: interfaces here, namespaces and our processes anywhere, files outside build/.
traces() {
    ip -o link | sed 's/^[0-9]*: //' | cut -d: -f1
    find /proc/[0-9]*/ns/net -maxdepth 0 -printf '%l\n' 2>/dev/null | sort -u | wc -l
    find "$ROOT" -path "$ROOT/build" -prune -o -path "$ROOT/.git" -prune -o -type f -print | grep -v '\.pyc$' | sort
    find "${TMPDIR:-/tmp}" -maxdepth 1 -name '*tapio*' 2>/dev/null | sort
    find "$ROOT/build/demo" -name 'run.*' 2>/dev/null
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
        'why|syn-received: ' 'handshake-done: ' 'state=ESTABLISHED' '--- close' 'fin: '; do
        grep -Eq -e "$word" "$WORK/demo" || fail "the demo does not show: $word"
    done
}

demo_interrupted() {
    local demo
    traces >"$WORK/before"
    # A session of its own with SIGINT at its default, as a terminal would give it.
    setsid python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])' bash "$ROOT/scripts/demo" --stay < <(sleep 20) >"$WORK/demo" 2>&1 &
    demo=$!
    started "$demo"
    wait_until 20 grep -q '^equal' "$WORK/demo"
    kill -TERM "$demo"
    wait_until 10 gone "$demo"
    wait "$demo" || true
    traces >"$WORK/after"
    diff "$WORK/before" "$WORK/after"
}

unset TAPIO_DEMO
try "the demo runs and leaves nothing behind" demo_once
try "it shows the page, the file, the handshake and the close" demo_shows
thorough && try "ended in the middle, it leaves nothing behind" demo_interrupted
finish

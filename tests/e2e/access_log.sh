#!/usr/bin/env bash
#
# access_log.sh - the access log of `tapio serve`: what its lines say of real requests, that strangers
# cannot break one, and what becomes of it when its file is renamed, its reader sleeps or its disk is full.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin "$@"

URL=http://$HOST
LOG=$WORK/access.log
TIME='\[[0-3][0-9]/[A-Z][a-z]{2}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2} \+0000\]'

# logging ARGS...: a server of the site, without the log of the last one.
logging() {
    rm -f "$LOG"
    serve_start --root "$WORK/site" "$@"
}

# has_lines COUNT [FILE]: it has so many, within a second or so.
has_lines() {
    wait_until 2 lines_are "$1" "${2-$LOG}" ||
        fail "wanted $1 lines, there are $(wc -l <"${2-$LOG}"): $(cat "${2-$LOG}")"
}

lines_are() {
    [[ $(wc -l <"$2") == "$1" ]]
}

# line NUMBER PATTERN
line() {
    sed -n "$1p" "$LOG" | grep -Eq -e "$2" || fail "line $1 is: $(sed -n "$1p" "$LOG")"
}

raw() {
    python3 "$CLIENTS" raw "$HOST" 80 "$1" >/dev/null || true
}

combined() {
    logging --access-log "$LOG"
    fetch -o /dev/null -A 'agent/1 (x)' -e http://from/ "$URL/small.txt"
    has_lines 1
    line 1 "^10\.9\.0\.1 - - $TIME \"GET /small\.txt HTTP/1\.1\" 200 13 \"http://from/\" \"agent/1 \(x\)\"$"
    fetch -o /dev/null -A '' "$URL/none?x=1"
    has_lines 2
    line 2 "\"GET /none\?x=1 HTTP/1\.1\" 404 [0-9]+ \"-\" \"-\"$"
    fetch --head -o /dev/null "$URL/small.txt"
    has_lines 3
    line 3 "\"HEAD /small\.txt HTTP/1\.1\" 200 - "
    expect "mode of the log" 640 "$(stat -c %a "$LOG")"
    serve_stop
}

common() {
    logging --access-log "$LOG" --log-format common
    fetch -o /dev/null "$URL/small.txt"
    has_lines 1
    line 1 "^10\.9\.0\.1 - - $TIME \"GET /small\.txt HTTP/1\.1\" 200 13$"
    serve_stop
}

strangers() {
    logging --access-log "$LOG"
    raw 'GET /"x\\y HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
    has_lines 1
    raw 'GET /x HTTP/1.1\r\nHost: a\r\nUser-Agent: a"b\\c\td\xff\r\nConnection: close\r\n\r\n'
    has_lines 2
    line 2 '"a\\x22b\\x5Cc\\x09d\\xFF"$'
    raw '\x16\x03\x01\x02\x00\x01\r\n'
    has_lines 3
    line 3 '"-" 400 '
    raw 'GET /x HTTP/1.1\r\nHost: a\r\nA: b\nGET /forged HTTP/1.1\r\n\r\n'
    has_lines 4
    expect "octets that are not printable" 0 "$(tr -d '\n -~' <"$LOG" | wc -c)"
    serve_stop
    has_lines 4
}

json() {
    logging --access-log "$LOG" --log-format json
    fetch -o /dev/null -A 'agent "1"' "$URL/small.txt"
    serve_stop
    python3 "$ROOT/tests/e2e/access_log.py" "$LOG"
}

rotated() {
    logging --access-log "$LOG"
    fetch -o /dev/null "$URL/small.txt?1"
    mv "$LOG" "$LOG.1"
    fetch -o /dev/null "$URL/small.txt?2"
    kill -HUP "$SERVER"
    wait_until 2 test -e "$LOG"
    fetch -o /dev/null "$URL/small.txt?3"
    has_lines 1
    line 1 'small.txt\?3'
    has_lines 2 "$LOG.1"
    serve_stop
    expect "octets on stderr" 0 "$(wc -c <"$WORK/serve.err")"
}

standard_output() {
    logging --access-log -
    fetch -o /dev/null "$URL/small.txt"
    has_lines 2 "$WORK/serve.out"
    tail -n 1 "$WORK/serve.out" | grep -q 'GET /small.txt'
    serve_stop
    logging --access-log - --capture -
    fetch -o /dev/null "$URL/small.txt"
    wait_until 2 grep -q 'GET /small.txt' "$WORK/serve.err"
    serve_stop
}

sleeping_reader() {
    local lost
    mkfifo "$LOG.fifo"
    (exec 3<"$LOG.fifo" && exec sleep 60) &
    started $!
    logging --access-log "$LOG.fifo"
    fetch "$URL/small.txt?[1-5000]" >"$WORK/got"
    expect "responses" 5000 "$(wc -l <"$WORK/got")"
    serve_stop
    expect "lines on stderr" 1 "$(wc -l <"$WORK/serve.err")"
    lost=$(sed -n 's/.*: \([0-9]*\) lines were lost: it took them too slowly$/\1/p' "$WORK/serve.err")
    ((lost > 2000 && lost < 5000)) || fail "it says: $(cat "$WORK/serve.err")"
}

full_disk() {
    logging --access-log /dev/full
    fetch -o /dev/null "$URL/small.txt?[1-3000]"
    wait_until 2 grep -q 'No space left' "$WORK/serve.err"
    expect "lines on stderr" 1 "$(wc -l <"$WORK/serve.err")"
    serve_stop
    expect "lines on stderr" 2 "$(wc -l <"$WORK/serve.err")"
    tail -n 1 "$WORK/serve.err" | grep -q ' 3000 lines were lost: No space left'
}

make_site 100000
try "combined: a line says what was asked and answered" combined
try "common: the format of old" common
try "a stranger's octets cannot break a line" strangers W16
try "json: a request and its connection, with the figures of TCP" json
try "a file that was renamed is left at SIGHUP" rotated
try "- is standard output, or stderr beside a capture" standard_output
try "a reader that sleeps loses lines, counted, and delays nothing" sleeping_reader F06
try "a full disk is said once" full_disk F06
finish

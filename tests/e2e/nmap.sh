#!/usr/bin/env bash
#
# nmap.sh - what the two best known probing tools make of the stack: nmap's scans and its guess at the
# system, and hping3.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin "$@"

OPEN=80
CLOSED=81

scan() { # scan OPTIONS...: the ports, each as "80 open"
    nmap -n -Pn --host-timeout 60s "$@" -p "$OPEN,$CLOSED" "$HOST" >"$WORK/nmap"
    cat "$WORK/nmap"
    awk '$1 ~ /^[0-9]+\/tcp$/ { sub("/tcp", "", $1); print $1, $2 }' "$WORK/nmap" >"$WORK/ports"
}

says() { # says STATE_OF_OPEN STATE_OF_CLOSED
    expect "port $OPEN" "$OPEN $1" "$(grep "^$OPEN " "$WORK/ports")"
    expect "port $CLOSED" "$CLOSED $2" "$(grep "^$CLOSED " "$WORK/ports")"
}

syn_scan() {
    scan -sS
    says open closed
}

# A port that listens is silent to what is no beginning; one that does not resets it.
silent_scans() {
    local how
    for how in -sF -sN -sX; do
        scan "$how"
        says 'open|filtered' closed
    done
}

ack_scan() {
    scan -sA
    says unfiltered unfiltered
}

bad_checksums() {
    scan -sS --badsum
    says filtered filtered
}

hard_to_predict() {
    nmap -n -Pn -O -v --host-timeout 120s -p 78-83 "$HOST" >"$WORK/nmap"
    cat "$WORK/nmap"
    # nmap's grades end with "Good luck!", from a difficulty of 200 on
    grep -q 'TCP Sequence Prediction: Difficulty=[0-9]* (Good luck!)' "$WORK/nmap"
    grep -q 'IP ID Sequence Generation: All zeros' "$WORK/nmap" # atomic packets (RFC 6864, 4.1)
}

answers_to() { # answers_to ARGS...: how many of three
    hping3 -q -c 3 -i u100000 "$@" "$HOST" >"$WORK/hping" 2>&1 || true
    cat "$WORK/hping"
    awk '/packets received/ { print $4 }' "$WORK/hping" >"$WORK/answers"
}

hping() {
    answers_to -S -p "$OPEN"
    expect "answers to a SYN" 3 "$(cat "$WORK/answers")"
    answers_to -S -p "$CLOSED"
    expect "answers to a SYN on a closed port" 3 "$(cat "$WORK/answers")"
    answers_to -S -b -p "$OPEN"
    expect "answers to a SYN with a bad checksum" 0 "$(cat "$WORK/answers")"
    answers_to -F -P -U -p "$OPEN"
    expect "answers to FIN, PSH and URG" 0 "$(cat "$WORK/answers")"
    answers_to -p "$OPEN"
    expect "answers to no flags at all" 0 "$(cat "$WORK/answers")"
}

still_there() {
    expect "the file" "a small file" "$(fetch "http://$HOST/small.txt")"
}

make_site 100000
serve_start --root "$WORK/site"
try "a SYN scan tells open from closed" syn_scan
try "FIN, null and XMAS scans hear nothing of the open port" silent_scans C13
try "an ACK scan finds no filter" ack_scan
try "a bad checksum is not answered" bad_checksums C02
try "sequence numbers are of nmap's hardest grade" hard_to_predict RFC9293-SHLD-1
try "hping3 sees the same" hping
try "a page is served afterwards" still_there
try "the server ends well" serve_stop
finish

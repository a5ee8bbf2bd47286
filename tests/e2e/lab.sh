#!/usr/bin/env bash
#
# lab.sh - `tapio lab`: guided experiments in virtual time, which need no device, no root and no
# namespace. That each text is true is for tests/unit/test_lab.c too; here is what a user sees of it.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin_here

UTF8=C.UTF-8

lab() { # lab CODE ARGS...: $WORK/out and $WORK/err
    local wanted=$1 code=0
    shift
    TMPDIR=$WORK "$TAPIO" lab "$@" >"$WORK/out" 2>"$WORK/err" </dev/null || code=$?
    [[ $code == "$wanted" ]] || cat "$WORK/err"
    expect "exit code of lab $*" "$wanted" "$code"
}

# refused PATTERN: one line on stderr that has it, nothing on stdout.
refused() {
    expect "lines on stderr" 1 "$(wc -l <"$WORK/err")"
    expect "octets on stdout" 0 "$(wc -c <"$WORK/out")"
    grep -q -e "$1" "$WORK/err" || fail "the line says: $(cat "$WORK/err")"
}

names() {
    "$TAPIO" lab | cut -d ' ' -f 1
}

# No line of the list is wider than a terminal, and each says something.
fits() {
    python3 -c 'import sys, unicodedata
for line in sys.stdin.read().splitlines():
    wide = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)
    assert wide <= 80 and len(line.split()) >= 4, (wide, line)' <"$1"
}

listed() {
    lab 0
    expect "labs" "$(find "$ROOT/labs" -name '*.lab' | wc -l)" "$(wc -l <"$WORK/out")"
    fits "$WORK/out"
    lab 0 --lang ko
    fits "$WORK/out"
    grep -q '핸드셰이크' "$WORK/out" || grep -q '연결' "$WORK/out"
    lab 0 --json
    python3 -c 'import json, sys
for line in sys.stdin:
    lab = json.loads(line)
    assert lab["schema"] == 1 and lab["type"] == "lab" and lab["title"] and lab["about"], lab' <"$WORK/out"
}

all_hold() {
    lab 0 --all
    expect "the last line" "$(names | wc -l) passed, 0 failed" "$(tail -n 1 "$WORK/out")"
    lab 0 --all --lang ko
}

# Each lab by itself, in both languages: its parts are there, and the same run each time.
each_one() {
    local name
    for name in $(names); do
        lab 0 "$name" --lang en
        expect "octets on stderr of $name" 0 "$(wc -c <"$WORK/err")"
        grep -q '^    \$ ' "$WORK/out" || fail "$name has no command"
        grep -qx 'Two questions' "$WORK/out" || fail "$name asks nothing"
        grep -qx 'The answers' "$WORK/out" || fail "$name answers nothing"
        expect "questions and answers of $name" 4 "$(grep -c '^ [12]\. ' "$WORK/out")"
        grep -qx "Written for Wireshark: $WORK/tapio-lab-$name.pcapng" "$WORK/out"
        cp "$WORK/out" "$WORK/first"
        lab 0 "$name" --lang en
        cmp "$WORK/first" "$WORK/out"
        lab 0 "$name" --lang ko
        grep -qx '정답' "$WORK/out" || fail "$name has no answers in Korean"
    done
}

# What is to be typed by hand and needs no device is typed here.
by_hand() {
    local line
    grep -h '^\$ tapio ' "$ROOT"/labs/*.en.txt | sed "s/^[$] tapio//; s/#.*//; s:/tmp/:$WORK/hand-:g" >"$WORK/lines"
    expect "are there some" yes "$(grep -q sim "$WORK/lines" && echo yes)"
    while read -r line; do
        # shellcheck disable=SC2086 # several words
        timeout 100 "$TAPIO" $line >"$WORK/out" 2>"$WORK/err" </dev/null ||
            fail "tapio $line: $(cat "$WORK/out" "$WORK/err")"
    done <"$WORK/lines"
}

# tshark reads what was written, and finds nothing malformed; each packet says why it is there.
captured() {
    local name packets
    command -v tshark >/dev/null || fail "tshark is missing: scripts/deps test"
    for name in $(names); do
        lab 0 "$name" --capture "$WORK/capture.pcapng"
        tshark -r "$WORK/capture.pcapng" -T fields -e frame.number -e frame.comment \
            >"$WORK/packets" 2>"$WORK/err" || fail "$name: tshark cannot read it: $(cat "$WORK/err")"
        packets=$(wc -l <"$WORK/packets")
        ((packets >= 4)) || fail "$name: only $packets packets"
        expect "packets of $name with a reason" "$packets" "$(grep -c 'why=' "$WORK/packets")"
        tshark -r "$WORK/capture.pcapng" -o tcp.check_checksum:TRUE -o ip.check_checksum:TRUE \
            -Y '_ws.malformed || tcp.checksum.status == 0 || ip.checksum.status == 0' \
            >"$WORK/bad" 2>/dev/null
        [[ ! -s $WORK/bad ]] || fail "$name: $(head -n 1 "$WORK/bad")"
    done
}

as_json() {
    local name
    for name in $(names); do
        lab 0 "$name" --json
        python3 -c 'import json, sys
lines = [json.loads(line) for line in sys.stdin]
assert all(line["schema"] == 1 and line["verb"] == "lab" for line in lines)
types = [line["type"] for line in lines]
assert types[0] == "lab" and types[-1] == "end" and "segment" in types and "call" in types, types
held = [line for line in lines if line["type"] == "expectation"]
assert len(held) >= 5 and all(line["holds"] for line in held), held' <"$WORK/out" || fail "$name"
    done
}

# The language is that of the locale, unless it is said.
languages() {
    local variable
    for variable in LC_ALL LC_MESSAGES LANG; do
        (
            unset LC_ALL LC_MESSAGES LANG
            export "$variable=ko_KR.UTF-8"
            lab 0 handshake
            grep -q '핸드셰이크' "$WORK/out" || fail "$variable does not choose"
        )
    done
    LC_ALL=ko_KR.UTF-8 lab 0 handshake --lang en
    if grep -q '핸드셰이크' "$WORK/out"; then
        fail "--lang en does not choose"
    fi
}

# Without UTF-8 the arrows are ASCII; with it they are not, and no line is wider than the terminal.
terminals() {
    local name columns
    LC_ALL=C lab 0 handshake
    if LC_ALL=C grep -q '[^ -~]' "$WORK/out"; then
        fail "not ASCII: $(LC_ALL=C grep -m 1 '[^ -~]' "$WORK/out")"
    fi
    LC_ALL=$UTF8 lab 0 handshake
    grep -q '▶│' "$WORK/out"
    for columns in 20 60 72 80 300; do
        for name in $(names); do
            LC_ALL=$UTF8 COLUMNS=$columns lab 0 "$name" --lang ko
            python3 -c 'import sys, unicodedata
least = int(sys.argv[1])
for line in sys.stdin.read().splitlines():
    wide = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)
    assert wide <= max(60, min(least, 100)) or line.startswith("    $ ") or "/" in line, (wide, line)' \
                "$columns" <"$WORK/out" || fail "$name at $columns"
        done
    done
}

# A terminal has colours, unless NO_COLOR says no; and the answers wait for Enter there.
on_a_terminal() {
    python3 - "$TAPIO" "$WORK" <<'PYTHON'
import os, pty, select, sys, time
tool, work = sys.argv[1:]

def run(args, env, keys):
    """What the tool says on a terminal: until it rests for a second, then after the keys."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(env, TMPDIR=work, LC_ALL="C.UTF-8")
        os.execv(tool, [tool, "lab", *args])
    said = ["", ""]
    for part in (0, 1):
        while select.select([fd], [], [], 2 if part == 0 and keys else 10)[0]:
            try:
                data = os.read(fd, 65536)
            except OSError:
                data = b""
            if not data:
                break
            said[part] += data.decode(errors="replace")
        if part == 0 and keys:
            os.write(fd, keys)
    os.close(fd)
    _, status = os.waitpid(pid, 0)
    assert status == 0, status
    return said

before, after = run(["handshake"], {}, b"\n")
assert "\033[" in before and "Two questions" in before and "The answers" not in before, before
assert "The answers" in after, after
before, _ = run(["handshake", "--answers"], {"NO_COLOR": "1"}, b"")
assert "The answers" in before and "\033[" not in before, before
PYTHON
}

# Whoever stops reading ends it quietly.
pipes() {
    local code=0
    for lines in 0 1 5; do
        TMPDIR=$WORK "$TAPIO" lab handshake 2>"$WORK/err" | head -n "$lines" >/dev/null || true
        expect "octets on stderr" 0 "$(wc -c <"$WORK/err")"
    done
    TMPDIR=$WORK "$TAPIO" lab handshake >/dev/full 2>"$WORK/err" || code=$?
    expect "exit code with a full disk" 1 "$code"
    : >"$WORK/out"
    refused 'standard output'
}

mistakes() {
    lab 2 nothing
    refused "'tapio lab' lists them"
    lab 2 handshaek
    refused "did you mean 'handshake'"
    lab 2 ''
    refused 'no lab'
    lab 2 s
    refused 'several begin so'
    lab 0 hands
    grep -q 'handshake' "$WORK/out"
    lab 2 --lang fr
    refused 'en and ko'
    lab 2 --capture "$WORK/x"
    refused 'of which lab'
    lab 2 handshake --capture -
    refused 'name a file'
    lab 1 handshake --capture /nothing/here
    refused 'No such file'
    lab 2 --all --json
    refused 'lang alone'
}

# A name in a folder for everybody can be guessed: what is no plain file of ours is left alone.
traps() {
    local trap=$WORK/tapio-lab-handshake.pcapng
    rm -f "$trap"
    printf 'precious\n' >"$WORK/precious"
    ln -s "$WORK/precious" "$trap"
    lab 1 handshake
    refused '--capture FILE'
    rm "$trap"
    ln "$WORK/precious" "$trap"
    lab 1 handshake
    refused 'no file of yours'
    rm "$trap"
    expect "the file" precious "$(cat "$WORK/precious")"
    mkfifo "$trap"
    lab 1 handshake
    refused '--capture FILE'
    rm "$trap"
    lab 0 handshake
    expect "mode of the capture" 600 "$(stat -c %a "$trap")"
}

try "the list has a line for each lab, in both languages and as JSON" listed
try "each text is true of what happened" all_hold
try "each lab has its parts, in both languages, the same each time" each_one
try "tshark reads each capture, and nothing is malformed" captured
try "the commands to repeat it, those that need no device" by_hand
try "what happened as JSON" as_json
try "the locale chooses the language" languages
try "arrows and lines fit the terminal" terminals
try "colours and a rest before the answers, on a terminal alone" on_a_terminal
try "a closed pipe ends it quietly" pipes
try "a mistake is told in one line" mistakes
try "a capture writes over no file of others" traps
finish

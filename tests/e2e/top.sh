#!/usr/bin/env bash
#
# top.sh - `tapio top`, as somebody at a terminal uses it: in tmux, at 80x24 and 200x60; in a pipe; and
# when something is wrong.
#
# A slow download over a wire that loses packets goes on all the time. What is on the screen is asked of
# tmux; a key is pressed and the screen is looked at until it shows what the key is for.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The folders of control sockets are those of the machine: here they are ours alone.
if [[ -n ${TAPIO_E2E-} && -z ${TAPIO_E2E_MOUNTS-} ]]; then
    TAPIO_E2E_MOUNTS=1 exec unshare --mount --propagation private -- bash "$0" "$@"
fi
begin "$@"
mount -t tmpfs none /run
[[ ! -d /tmp/tapio-$EUID ]] || mount -t tmpfs none "/tmp/tapio-$EUID"

URL=http://$HOST
export XDG_RUNTIME_DIR=$WORK/r
mkdir -m 700 "$XDG_RUNTIME_DIR"

readonly UTF8=C.UTF-8
MUX=() # tmux, with a server of the test's own

run() {
    code=0
    timeout 20 "$TAPIO" "$@" >"$WORK/out" 2>"$WORK/err" </dev/null || code=$?
}

# refused CODE PATTERN: that status, and one line on stderr that says so.
refused() {
    expect "status" "$1" "$code"
    expect "lines on stderr" 1 "$(wc -l <"$WORK/err")"
    grep -q "$2" "$WORK/err" || fail "it says: $(cat "$WORK/err")"
}

# --- a terminal -------------------------------------------------------------------------------

# terminal COLSxROWS [VAR=VALUE...]: a shell in tmux, which shows its prompt.
terminal() {
    local size=$1
    shift
    MUX=(tmux -L "tapio-$BASHPID-$RANDOM" -f /dev/null)
    "${MUX[@]}" new-session -d -c "$WORK" -x "${size%x*}" -y "${size#*x}" \
        "env -u NO_COLOR XDG_RUNTIME_DIR=$XDG_RUNTIME_DIR LC_ALL=$UTF8 PS1='ready> ' $* bash --norc --noprofile"
    started "$("${MUX[@]}" display-message -p '#{pid}')"
    wait_until 5 on_screen '^ready>$'
}

no_terminal() {
    "${MUX[@]}" kill-server
}

screen() {
    "${MUX[@]}" capture-pane -p "$@"
}

# on_screen PATTERN: is there a row like that?
on_screen() {
    screen | grep -E -e "$1" >/dev/null
}

gone_from_screen() {
    ! on_screen "$1"
}

# shows PATTERN: it will be there soon, else the screen is in the report.
shows() {
    wait_until 10 on_screen "$1" || { screen && fail "no row like $1"; }
}

keys() {
    "${MUX[@]}" send-keys "$@"
}

top_starts() {
    keys "$TAPIO top --control control" Enter
    shows '^ tapio top  tap0 '
}

# A line with figures, or the row of the only connection that is alive.
field() { # field NAME: what stands behind the name in the row of the wire or the title
    screen | grep -oE "$1 [^ ]+" | sed -n 1p | cut -d ' ' -f 2
}

has_moved() {
    [[ $(field "$1") != "$2" ]]
}

is_back() {
    [[ $(field "$1") == "$2" ]]
}

lossy_transfer() {
    serve_start --root "$WORK/site" --control "$WORK/control" "$@"
    curl --disable --silent --max-time 100 --noproxy '*' --limit-rate 1M -o /dev/null "$URL/big" &
    LOADER=$!
    started "$LOADER"
    wait_until 5 says ESTAB ss
}

# The server need not wait for who downloads.
transfer_stop() {
    kill "$LOADER"
    wait "$LOADER" || true
    serve_stop
}

# says WORD VERB...: does the stack say so?
says() {
    local word=$1
    shift
    "$TAPIO" "$@" --control "$WORK/control" | grep "$word" >/dev/null
}
readonly LOSSY=(--allow-control --impair 'out:loss=1%,delay=5ms,rate=20mbit')

# --- tests ------------------------------------------------------------------------------------

follows_and_steps_back() {
    local live
    lossy_transfer "${LOSSY[@]}"
    terminal 80x24
    top_starts
    shows '^▶ +[0-9]+ ESTABLISHED +10\.9\.0\.1:[0-9]+ .* cwnd *$'
    shows '^▶out loss 1% delay 5ms 20Mbit/s .* in loss 0% delay 0ms no limit'
    shows '▶│ (ack-clocked|cwnd-grew|written|sack-retransmit|fast-retransmit)'
    live=$(field live)
    wait_until 5 has_moved live "$live" # it follows
    expect "rows" 24 "$(screen | wc -l)"
    keys Space
    shows 'FROZEN [0-9.]+ s, '
    live=$(field FROZEN)
    sleep 0.6
    expect "the moment that is shown" "$live" "$(field FROZEN)"
    keys ,
    wait_until 5 has_moved FROZEN "$live"
    keys .
    wait_until 5 is_back FROZEN "$live"
    keys '<' '<'
    shows 'FROZEN [0-9.]+ s, .* ago'
    keys Space
    shows ' live [0-9.]+ s'
    keys q
    shows '^ready>$'
    no_terminal
    transfer_stop
}

each_pane() {
    lossy_transfer "${LOSSY[@]}"
    terminal 80x24
    top_starts
    wait_until 10 says again why retransmit # something was lost
    keys 2
    shows ' \[ESTABLISHED\]'
    shows 'SYN-RECEIVED'
    keys 3 Up
    shows '^ IPv4 +14 45 '
    shows '▶ Source Port +[0-9]'
    keys Right Right
    shows '▶ Sequence Number +[0-9]'
    shows 'tcp.seq.* octets 38 to 41'
    keys 4
    shows '━ cwnd  ▒ in flight'
    shows '[0-9.]+  cwnd [0-9.k]+ ssthresh [0-9.k]+: '
    keys 5
    shows 'sent again [0-9]+ \+[0-9]+: '
    keys 6
    shows 'no packet was discarded since the stack began'
    keys '?'
    shows ' the next connection, or the one before'
    keys '?' 1 a
    shows 'all connections, and packets that belong to none'
    keys q
    shows '^ready>$'
    no_terminal
    transfer_stop
}

# What was sent again is found by looking for it, as docs/top.md says.
sent_twice() {
    local tries
    lossy_transfer --allow-control --impair 'out:loss=5%,delay=5ms,rate=20mbit'
    terminal 80x24
    top_starts
    sleep 2
    keys Space
    shows FROZEN
    for ((tries = 0; tries < 150; tries++)); do
        screen | grep -E '^▶.* again ' >/dev/null && break
        keys Up
        sleep 0.05
    done
    shows '^▶ .*seq [0-9]+ \+[0-9]+ again .*▶│ .*retransmit'
    shows '^ .*\(RFC (8985|5681|6298|6675)'
    keys q
    no_terminal
    transfer_stop
}

changes_the_wire() {
    lossy_transfer "${LOSSY[@]}"
    terminal 80x24
    top_starts
    shows '^▶out loss 1% '
    keys l
    shows '^▶out loss 2% '
    keys L L
    shows '^▶out loss (0.5|1)% '
    keys d
    shows '^▶out loss [^ ]+ delay 10ms 20Mbit/s'
    keys r
    shows ' delay 10ms 10Mbit/s'
    keys w
    shows '▶in loss 0% '
    keys l
    shows '▶in loss 0.1% '
    run top --control "$WORK/control" -c 1
    grep -q ' in_loss=0.1% .*out_delay_us=10000 out_rate_bps=10000000 ' "$WORK/out" # it is the stack that has changed
    keys q
    no_terminal
    transfer_stop
}

no_wire_to_change() {
    lossy_transfer
    terminal 80x24
    top_starts
    shows '^ wire: as it is; with --allow-control'
    keys l
    shows '^ this stack.s wire cannot be changed; start it with --allow-control'
    keys q
    no_terminal
    transfer_stop
}

large_screen_and_resizing() {
    local pane
    lossy_transfer "${LOSSY[@]}"
    terminal 200x60
    top_starts
    for pane in '1 ladder' '2 states' '3 octets' '4 cwnd' '5 decisions'; do
        shows "── $pane ──"
    done
    shows ' \[ESTABLISHED\]'
    keys 6
    shows '── 6 drops ──'
    "${MUX[@]}" resize-window -x 80 -y 24
    shows '─\[6 drops\]─'
    expect "rows" 24 "$(screen | wc -l)"
    "${MUX[@]}" resize-window -x 60 -y 10
    shows '^tapio top wants 80x24, this is 60x10$'
    "${MUX[@]}" resize-window -x 132 -y 44
    shows '── 1 ladder ──'
    keys q
    no_terminal
    transfer_stop
}

# No colours, and neither lines nor arrows.
poor_terminals() {
    lossy_transfer "${LOSSY[@]}"
    terminal 80x24
    top_starts
    shows ack-clocked
    screen -e | grep $'\033\[3[1-6]m' >/dev/null || fail "a terminal with colours shows none"
    keys q
    no_terminal
    terminal 80x24 NO_COLOR=1
    top_starts
    shows ack-clocked
    if screen -e | grep $'\033\[[34][0-7]'; then
        fail "there is colour in spite of NO_COLOR"
    fi
    keys q
    no_terminal
    terminal 80x24 TERM=vt100 LC_ALL=C
    top_starts
    shows '^> +[0-9]+ ESTABLISHED '
    shows '^-*-\[1 ladder\]- 2 states -'
    if screen | LC_ALL=C grep -n '[^ -~]'; then
        fail "that is not ASCII"
    fi
    if screen -e | grep $'\033\[[34][0-7]'; then
        fail "a vt100 has no colours"
    fi
    keys q
    no_terminal
    code=0
    TERM=dumb script -qec "$TAPIO top --control $WORK/control -c 1" /dev/null </dev/null >"$WORK/out" || code=$?
    expect "status on a dumb terminal" 0 "$code"
    grep -q 'top: this terminal cannot place text; it prints lines' "$WORK/out"
    grep -q '^t=0.* conn=[0-9]* state=ESTABLISHED' "$WORK/out"
    transfer_stop
}

# The terminal is as it was after q, Ctrl-C, SIGTERM, a hangup of the stack, a stop and an abort.
terminal_is_restored() {
    local how before pid
    lossy_transfer "${LOSSY[@]}"
    terminal 80x24
    keys "stty -a | cksum" Enter
    shows '^[0-9]+ [0-9]+$'
    before=$(screen | grep -E '^[0-9]+ [0-9]+$' | tail -n 1)
    for how in q C-c TERM ABRT; do
        keys "clear; $TAPIO top --control control; echo status=\$?; stty -a | cksum" Enter
        shows '^ tapio top  tap0 '
        expect "the alternate screen" 1 "$("${MUX[@]}" display-message -p '#{alternate_on}')"
        case $how in
        q | C-c) keys "$how" ;;
        *)
            pid=$(pgrep -x -P "$("${MUX[@]}" display-message -p '#{pane_pid}')" tapio)
            kill "-$how" "$pid"
            ;;
        esac
        shows '^status='
        shows "^$before\$"
        expect "status after $how" "$([[ $how == ABRT ]] && echo 134 || echo 0)" "$(screen | sed -n 's/^status=//p')"
        expect "the alternate screen" 0 "$("${MUX[@]}" display-message -p '#{alternate_on}')"
        expect "the cursor" 1 "$("${MUX[@]}" display-message -p '#{cursor_flag}')"
    done
    keys "clear; $TAPIO top --control control" Enter
    shows '^ tapio top  tap0 '
    keys C-z
    shows 'Stopped'
    expect "the alternate screen when stopped" 0 "$("${MUX[@]}" display-message -p '#{alternate_on}')"
    keys "fg" Enter
    shows '^ tapio top  tap0 '
    keys q
    shows '^ready>$'
    no_terminal
    transfer_stop
}

stack_is_killed_while_watched() {
    lossy_transfer "${LOSSY[@]}"
    terminal 80x24
    keys "$TAPIO top --control control; echo status=\$?" Enter
    shows '^ tapio top  tap0 '
    kill -KILL "$SERVER"
    wait_until 5 test -s "$WORK/serve.code" # the next one begins with none
    shows '^tapio: control: the stack is gone; it was killed'
    shows '^status=1$'
    expect "the alternate screen" 0 "$("${MUX[@]}" display-message -p '#{alternate_on}')"
    no_terminal
}

stack_ends_while_watched() {
    serve_start --control "$WORK/control"
    terminal 80x24
    keys "$TAPIO top --control control; echo status=\$?" Enter
    shows '^ tapio top  tap0 '
    serve_stop
    shows '^tapio: control: the stack has ended$'
    shows '^status=0$'
    no_terminal
}

stack_is_stopped_while_watched() {
    serve_start --control "$WORK/control"
    terminal 80x24
    top_starts
    kill -STOP "$SERVER"
    shows '^ the stack has said nothing for [0-9]+ s; is it stopped'
    keys '?' # and keys are heard
    shows '── keys ──'
    kill -CONT "$SERVER"
    wait_until 5 gone_from_screen 'has said nothing'
    keys q
    no_terminal
    serve_stop
}

who_closed_first() {
    serve_start --root "$WORK/site" --control "$WORK/control"
    terminal 80x24
    top_starts
    fetch -o /dev/null "$URL/small.txt" # curl closes first
    keys 2
    shows '\[CLOSED\]'
    shows 'CLOSE-WAIT'
    shows 'LAST-ACK'
    if on_screen '[0-9.]+ FIN-WAIT-1'; then
        fail "it says that we closed first"
    fi
    keys q
    no_terminal
    serve_stop
}

as_lines() {
    local began
    lossy_transfer "${LOSSY[@]}"
    began=$(date +%s%N)
    run top --control "$WORK/control" --count 3
    expect "status" 0 "$code"
    ((($(date +%s%N) - began) / 1000000 >= 1900)) || fail "three samples took less than two seconds"
    expect "lines of the stack" 3 "$(grep -c '^t=[0-9.]* stack connections=1 received=' "$WORK/out")"
    expect "lines of the connection" 3 "$(grep -c '^t=[0-9.]* conn=[0-9]* state=ESTABLISHED .* cwnd=[0-9]* .* limited_by=' "$WORK/out")"
    run top --control "$WORK/control" -c 5 -i 0.1
    expect "status" 0 "$code"
    expect "lines of the stack" 5 "$(grep -c ' stack ' "$WORK/out")"
    run top --control "$WORK/control" --json --count 3
    expect "status" 0 "$code"
    python3 -c '
import json, sys
lines = [json.loads(line) for line in sys.stdin]
assert all(one["schema"] == 1 and one["verb"] == "watch" for one in lines), lines
kinds = [one["type"] for one in lines]
assert kinds[0] == "hello" and kinds.count("sample") == 3 and kinds[-1] == "end", kinds
assert lines[-1]["lines"] == len(lines) - 1, lines[-1]' <"$WORK/out"
    code=0
    timeout 20 "$TAPIO" top --control "$WORK/control" -i 0.1 </dev/null 2>"$WORK/err" | head -n 2 >"$WORK/out" || code=${PIPESTATUS[0]}
    expect "octets on stderr when the reader goes" 0 "$(wc -c <"$WORK/err")"
    transfer_stop
}

nobody_runs() {
    run top
    refused 1 "no stack is running that could be asked; start one by 'tapio serve'"
}

several_run() {
    serve_start
    local first=$SERVER
    serve_run --dev tap:tap1 --addr 10.9.1.2/24 --host-addr 10.9.1.1/24
    wait_until 10 grep -q '^ready ' "$WORK/serve.out"
    run top
    expect "status" 2 "$code"
    expect "lines on stderr" 3 "$(wc -l <"$WORK/err")"
    grep -q '^tapio: 2 stacks are running; choose one by --control PATH$' "$WORK/err"
    serve_stop
    kill "$first"
    wait_until 10 gone "$first"
}

another_user() {
    serve_start --control "$WORK/control"
    chmod 711 "$WORK"
    code=0
    cp "$TOOL" "$WORK/copy"
    setpriv --reuid 65534 --regid 65534 --clear-groups "$WORK/copy" top --control "$WORK/control" \
        >"$WORK/out" 2>"$WORK/err" </dev/null || code=$?
    refused 77 "it is another user's; ask as that user, or root"
    serve_stop
}

# A watcher who does not read costs nobody anything: a stopped `top` beside a download.
stopped_watchers() {
    local watchers=()
    serve_start --root "$WORK/site" --control "$WORK/control"
    for _ in 1 2 3 4 5 6 7 8; do
        "$TAPIO" top --json --control "$WORK/control" >/dev/null 2>&1 </dev/null &
        watchers+=($!)
        started $!
    done
    sleep 0.5
    kill -STOP "${watchers[@]}"
    for _ in 1 2 3; do
        fetch -o "$WORK/got" "$URL/big"
        same_as_site big "$WORK/got"
    done
    run ss --control "$WORK/control"
    expect "status" 0 "$code"
    kill -CONT "${watchers[@]}"
    kill "${watchers[@]}"
    serve_stop
}

no_library_for_others() {
    serve_start --control "$WORK/control"
    if grep -E 'libncurses|libtinfo' "/proc/$SERVER/maps"; then
        fail "a library is loaded that top alone needs"
    fi
    serve_stop
}

make_site 60000000

try "no stack runs: exit 1, one line" nobody_runs
try "several run: exit 2, and they are listed" several_run
if ((EUID == 0)) && setpriv --reuid 65534 --regid 65534 --clear-groups true 2>/dev/null; then
    try "another user's: exit 77, one line" another_user
fi
try "80x24: it follows, freezes and steps back" follows_and_steps_back
try "80x24: each pane shows what it is for" each_pane
try "why a segment was sent twice" sent_twice
try "who closed first" who_closed_first
try "keys change loss, delay and rate, and the figures follow" changes_the_wire
try "a wire that cannot be changed: it says what would help" no_wire_to_change
try "200x60: all panes; resized, too small, and large again" large_screen_and_resizing
try "no colour, no UTF-8, vt100, dumb" poor_terminals
try "the terminal is as it was: q, Ctrl-C, Ctrl-Z, signals" terminal_is_restored
try "the stack is killed while we watch" stack_is_killed_while_watched F10
try "the stack ends while we watch" stack_ends_while_watched
try "the stack is stopped while we watch" stack_is_stopped_while_watched
try "in a pipe: lines; --count, --interval, --json" as_lines
try "watchers that are stopped hold nothing up" stopped_watchers F06
try "no other verb loads ncurses" no_library_for_others
finish

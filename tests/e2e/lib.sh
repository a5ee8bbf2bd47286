# shellcheck shell=bash
#
# lib.sh - what the end-to-end suites share: a network of their own, a server in it, and their report.
#
# A suite sources this, calls `begin`, then `try NAME FUNCTION [ID...]` for each test, and `finish`. It
# runs in a fresh network namespace (rootless in a user namespace) that vanishes with its last process.
# The kernel's side of the TAP, 10.9.0.1, is the client; the server under test is $TAPIO at 10.9.0.2.
# Lines: `ok NAME`, `not ok NAME: reason`, `skip NAME: condition`, and at last `N passed, N failed`.
# The ids behind a test (requirements, threats) go to $TAPIO_PROOFS once it has passed.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=scripts/lib.sh
source "$ROOT/scripts/lib.sh"

SUITE=$(basename "$0" .sh)
TAPIO=$(realpath -m "${TAPIO:-$ROOT/build/tapio}") # a suite may work elsewhere
TOOL=$TAPIO # the program itself; TAPIO may be what wraps it
if [[ $TAPIO == */plain_frames ]]; then
    TOOL=${TAPIO_TOOL:-$ROOT/build/tapio}
    export TAPIO_TOOL=$TOOL
fi
# shellcheck disable=SC2034 # for the suites
BUILT=$(dirname "$TOOL") # where the examples are, and tests/
export CLIENTS=$ROOT/tests/e2e/clients.py
export HOST=10.9.0.2
# Wireshark's filter for a wrong TCP checksum. A sum that comes out as 0 leaves the kernel as 0xffff, in
# TCP as in UDP: to who adds it up the same number, to tshark a warning. Ours is to be the 0 of RFC 1624.
# shellcheck disable=SC2034 # for the suites
WRONG_TCP_SUM="(tcp.checksum.status == 0 && !(tcp.checksum == 0xffff && (ip.src == 10.9.0.1 || ipv6.src == fd00:9::1)))"
WORK=
SERVER=       # process id of the server that serve_start() started
STARTED=()    # every process that is ours to end
GOOD=0
BAD=0
SKIPPED=0

export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin"
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY all_proxy

skip_all() {
    printf 'skip *: %s\n' "$1"
    printf '0 passed, 0 failed, 1 skipped\n'
    exit 0
}

# begin SCRIPT_ARGS...: a namespace, a work folder, and the promise to clean up.
begin() {
    if [[ -z ${TAPIO_E2E-} ]]; then
        [[ -z $(tun_refused) ]] || skip_all no-tun
        [[ -z $(namespace_refused) ]] || skip_all no-namespace
        [[ -x $TAPIO ]] || die "$TAPIO is missing: run scripts/build"
        enter_namespace TAPIO_E2E bash "$0" "$@"
    fi
    begin_here
    ip link set lo up
}

# begin_here: the same without a namespace, for what touches no interface.
begin_here() {
    [[ -x $TAPIO ]] || die "$TAPIO is missing: run scripts/build"
    set -uo pipefail
    mkdir -p "$ROOT/build/e2e"
    WORK=$(mktemp -d "$ROOT/build/e2e/$SUITE.XXXXXX")
    trap clean_up EXIT
    trap 'exit 130' INT TERM
}

clean_up() {
    local pid
    # Descendants that were started inside a test are in the list too: see `started`.
    if [[ -e $WORK/pids ]]; then
        while read -r pid; do
            STARTED+=("$pid")
        done <"$WORK/pids"
    fi
    for pid in "${STARTED[@]}"; do
        kill -KILL "$pid" 2>/dev/null
    done
    # The last of them may still be writing its exit code.
    rm -rf "$WORK" 2>/dev/null || { sleep 0.2 && rm -rf "$WORK"; }
}

# started PID: to be ended with us, whatever happens.
started() {
    printf '%s\n' "$1" >>"$WORK/pids"
}

# try NAME FUNCTION [ID...]: runs the function in a subshell that stops at its first failing command.
# What it printed is shown when it fails, and what it has started is ended, so as not to fail the next.
try() {
    local name=$1 function=$2 start code id pid before=0
    shift 2
    start=$(clock)
    [[ ! -e $WORK/pids ]] || before=$(wc -l <"$WORK/pids")
    (
        set -eE
        trap 'printf "line %s: %s\n" "$LINENO" "$BASH_COMMAND"' ERR
        "$function"
    ) >"$WORK/try" 2>&1
    code=$?
    if ((code == 0)); then
        GOOD=$((GOOD + 1))
        printf 'ok %s (%s s)\n' "$name" "$(since "$start")"
        for id in "$@"; do
            [[ -z ${TAPIO_PROOFS-} ]] ||
                printf '%s\te2e/%s\t%s\tpass\n' "$id" "$SUITE" "$name" >>"$TAPIO_PROOFS"
        done
    else
        BAD=$((BAD + 1))
        # The reason is the last thing said, but for our own helpers' "return 1".
        printf 'not ok %s: %s\n' "$name" "$(grep -v '^line [0-9]*: return 1$' "$WORK/try" | tail -n 1)"
        sed 's/^/    | /' "$WORK/try" | tail -n 15
        server_said | sed 's/^/    server | /'
        if [[ -e $WORK/pids ]]; then
            while read -r pid; do
                kill -KILL "$pid" 2>/dev/null
            done < <(tail -n "+$((before + 1))" "$WORK/pids")
            sleep 0.2 # who waits for them writes down how they ended
        fi
    fi
}

# The part of the server's talk that matters: a sanitizer's first words, or the last of its own.
server_said() {
    if ! grep -A 12 -m 1 -E 'ERROR: |runtime error:' "$WORK/serve.err" 2>/dev/null; then
        tail -n 5 "$WORK/serve.err" 2>/dev/null || true
    fi
}

skip() {
    SKIPPED=$((SKIPPED + 1))
    printf 'skip %s: %s\n' "$1" "$2"
}

finish() {
    local summary="$GOOD passed, $BAD failed"
    ((SKIPPED == 0)) || summary="$summary, $SKIPPED skipped"
    printf '%s\n' "$summary"
    exit $((BAD > 0))
}

# Is this the long run? The short one leaves out what takes seconds.
thorough() {
    [[ ${TAPIO_QUICK:-0} == 0 ]]
}

fail() {
    printf '%s\n' "$*"
    return 1
}

# expect WHAT WANTED GOT
expect() {
    [[ $2 == "$3" ]] || fail "$1: wanted '$2', got '$3'"
}

# wait_until SECONDS COMMAND...: asks again and again until it is so.
wait_until() {
    local limit=$1 tries
    shift
    for ((tries = 0; tries < limit * 20; tries++)); do
        if "$@" >/dev/null 2>&1; then
            return 0
        fi
        sleep 0.05
    done
    fail "not so within $limit s: $*"
}

# gone PID: has it ended (a zombie has)?
gone() {
    local state
    state=$(awk '$1 == "State:" { print $2 }' "/proc/$1/status" 2>/dev/null)
    [[ -z $state || $state == Z ]]
}

# serve_run ARGS...: starts `tapio serve`. Its process is $SERVER, its talk $WORK/serve.out and
# $WORK/serve.err, and its exit code will be in $WORK/serve.code, for whichever subshell asks.
serve_run() {
    rm -f "$WORK/serve.pid" "$WORK/serve.code"
    : >"$WORK/serve.out" # before it starts: the ready line of the last one must not count
    : >"$WORK/serve.err"
    {
        "$TAPIO" serve "$@" >"$WORK/serve.out" 2>"$WORK/serve.err" </dev/null &
        printf '%s\n' $! >"$WORK/serve.pid"
        code=0
        wait $! || code=$?
        printf '%s\n' "$code" >"$WORK/serve.code"
    } &
    disown
    wait_until 5 test -s "$WORK/serve.pid"
    SERVER=$(cat "$WORK/serve.pid")
    started "$SERVER"
}

# serve_start ARGS...: the same, and waits for its ready line.
serve_start() {
    serve_run "$@"
    local tries
    for ((tries = 0; tries < 200; tries++)); do
        if grep -q '^ready ' "$WORK/serve.out" "$WORK/serve.err"; then
            return 0
        fi
        gone "$SERVER" && break
        sleep 0.05
    done
    printf 'the server did not get ready:\n'
    tail -n 5 "$WORK/serve.err"
    return 1
}

# What a sanitizer or an assertion said of the server, if anything.
no_complaint() {
    if grep -E 'AddressSanitizer|LeakSanitizer|runtime error:|Assertion' "$WORK/serve.err"; then
        return 1
    fi
}

# serve_ended CODE SECONDS: it ends within that time, with that exit code, and nothing complained.
serve_ended() {
    wait_until "$2" test -s "$WORK/serve.code"
    expect "exit code of the server" "$1" "$(cat "$WORK/serve.code")"
    no_complaint
}

# serve_stop [SIGNAL]: ends it well.
serve_stop() {
    kill "-${1-TERM}" "$SERVER"
    serve_ended 0 10
}

# fetch ARGS...: curl, with nothing of the user's own configuration.
fetch() {
    curl --disable --silent --show-error --max-time 60 --noproxy '*' "$@"
}

# make_site: a folder of files to serve in $WORK/site.
make_site() {
    mkdir -p "$WORK/site/folder"
    printf '<!doctype html><title>tapio</title><h1>It came through our own stack.</h1>\n' \
        >"$WORK/site/index.html"
    printf 'a small file\n' >"$WORK/site/small.txt"
    : >"$WORK/site/empty"
    printf 'outside the site\n' >"$WORK/secret"
    head -c "${1-20000000}" /dev/urandom >"$WORK/site/big"
}

# same_as_site NAME FILE: are its octets those of the site's file?
same_as_site() {
    cmp "$WORK/site/$1" "$2"
}

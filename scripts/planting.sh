# shellcheck shell=bash
#
# planting.sh - builds the stack with a planted defect and asks the suites; for planted and mutations.
#
# Sourced after lib.sh. There is one build directory for all defects, build/planted, without
# sanitizers: from one defect to the next meson configures anew and a single file is compiled.

readonly PLANT_BUILD=build/planted
ulimit -c 0 # a defect that ends in an assertion is no news
unset TAPIO_PROOFS # and a test that passes beside one proves nothing

# Two at once would build into each other's defect.
alone() {
    mkdir -p build
    exec 9>"$PLANT_BUILD.lock"
    flock --nonblock 9 || die "another one is at work in $PLANT_BUILD"
}

# plant FOLDER N TARGET...: the targets, with the defect N of the folder in them; 0: with none.
plant() {
    local folder=$1 number=$2 log=build/planted.log
    shift 2
    local options=(-Dplant="$number" -Dplant_from="$folder")
    if [[ -e $PLANT_BUILD/build.ninja ]]; then
        meson setup --reconfigure "$PLANT_BUILD" "${options[@]}"
    else
        CC=gcc meson setup "$PLANT_BUILD" -Doptimization=1 -Ddebug=false "${options[@]}"
    fi >"$log" 2>&1 || {
        grep -E 'ERROR' "$log" >&2 || cat "$log" >&2
        die "the defect $number of $folder cannot be planted"
    }
    ninja --quiet -C "$PLANT_BUILD" -j "${TAPIO_JOBS:-$(nproc)}" "$@" >"$log" 2>&1 || {
        tail -n 40 "$log" >&2
        die "with the defect $number of $folder it does not build"
    }
}

# Each of these runs one suite, or a program of it, and prints the tests that fail, one a line; with
# nothing to print, all held. A suite that falls over or hangs before it can say which test it was in
# is caught, too, and its last words are the name.

last_words() { # last_words CODE LOG
    local words
    words=$(grep -hoE 'Assertion .* failed|[a-z_]+: [^:]*overrun.*' "$2" | head -n 1) || true
    case $1 in
    124 | 137) echo "(hangs)" ;;
    *) echo "(${words:-ends with code $1})" | tr '`' "'" ;;
    esac
}

drill_failures() { # drill_failures LOG
    local log=$1 code=0 names
    timeout --kill-after=5 20 "$PLANT_BUILD/tapio" drill --json tests/conformance >"$log" 2>&1 || code=$?
    names=$(sed -n 's|^{.*"script":"tests/conformance/\([^"]*\)","result":"fail".*|\1|p' "$log")
    if [[ -n $names ]]; then
        printf '%s\n' "$names"
    elif ((code)); then
        last_words "$code" "$log"
    fi
}

unit_failures() { # unit_failures PROGRAM LOG
    local program=$1 log=$2 code=0 names
    (
        ulimit -t 2 # of processor time for each test: one that hangs is found soon on any machine
        CK_FORK=yes CK_DEFAULT_TIMEOUT=30 exec timeout --kill-after=5 120 "$PLANT_BUILD/tests/$program"
    ) >"$log" 2>&1 || code=$?
    names=$(sed -nE 's/^[^:]+:[0-9]+:[FE]:[^:]*.*:([a-z][a-z0-9_]+):[0-9]+: .*/\1/p' "$log" | uniq)
    if [[ -n $names ]]; then
        printf '%s\n' "$names"
    elif ((code)); then
        last_words "$code" "$log"
    fi
}

sim_failures() { # sim_failures SEEDS LOG
    local seeds=$1 log=$2 code=0 names
    timeout --kill-after=5 60 "$PLANT_BUILD/tests/sim_two_stacks" 1 "$seeds" >"$log" 2>&1 || code=$?
    names=$(sed -nE 's/^not ok (seed [0-9]+).*/\1/p' "$log")
    if [[ -n $names ]]; then
        printf '%s\n' "$names"
    elif ((code)); then
        last_words "$code" "$log"
    fi
}

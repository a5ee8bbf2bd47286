# shellcheck shell=bash
#
# suites.sh - where the test programs are and how each kind is run; shared by test, check and nightly.
#
# Sourced after lib.sh. The programs are found by name: test_*, sim_* below build/asan, fuzz_* below
# build/fuzz.

programs_named() {
    [[ -d $1 ]] || return 0
    find "$1" -type f -name "$2" -perm -u+x ! -path '*.p/*' | sort
}

unit_programs() {
    programs_named "$TAPIO_ROOT/build/asan" 'test_*'
}

# Of the programs on stdin, those that a quick run has time for: not the exhaustive ones.
short_units() {
    grep -Ev '/test_(arp|dns_wire|drill_parse|impair|newreno|recvq|reorder|summary|tcp_icmp|tcp_syn_cache|tcp_syn_cookie|tcp_table|tcp_time_wait|tcp_wire)$'
}

# The conformance scripts that say nothing of a family, its addresses, or the sizes that follow from it.
family_scripts() {
    grep -rLE --include='*.pkt' -e '--(ip_version|mtu|remote_ip)|unreachable|source_quench|536|SO_DOMAIN|V6ONLY' \
        "$TAPIO_ROOT/tests/conformance" | sort
}

sim_programs() {
    programs_named "$TAPIO_ROOT/build/asan" 'sim_*'
}

fuzz_programs() {
    programs_named "$TAPIO_ROOT/build/fuzz" 'fuzz_*'
}

# fuzz_for PROGRAM SECONDS [RUNS]: the seeds of tests/fuzz/corpus/NAME first, then what libFuzzer
# finds. What it learns stays in build/corpus/NAME; an input that fails is left in build/.
fuzz_for() {
    local program=$1 seconds=$2 runs=${3--1} name learned seeds
    name=$(basename "$program")
    learned=$TAPIO_ROOT/build/corpus/${name#fuzz_}
    seeds=$TAPIO_ROOT/tests/fuzz/corpus/${name#fuzz_}
    mkdir -p "$learned"
    local corpora=("$learned")
    [[ -d $seeds ]] && corpora+=("$seeds")
    "$program" -max_total_time="$seconds" -runs="$runs" -timeout=10 -rss_limit_mb=2048 \
        -print_final_stats=1 -artifact_prefix="$TAPIO_ROOT/build/${name}-" "${corpora[@]}"
}

# shellcheck shell=bash
#
# lib.sh - what the scripts share: where we are, how we talk, how we end.
#
# Sourced, never run. Data goes to stdout and talk to stderr, as with the tool itself.

TAPIO_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export TAPIO_ROOT

# Exit code of "this machine or this user may not", as with the tool.
# shellcheck disable=SC2034 # for those who source this
readonly NOT_PERMITTED=77

say() {
    printf '%s\n' "$*" >&2
}

die() {
    say "${0##*/}: $*"
    exit 1
}

have() {
    command -v "$1" >/dev/null 2>&1
}

# Seconds since the epoch, with milliseconds, for "took 1.234 s".
clock() {
    local now=$EPOCHREALTIME
    printf '%s\n' "${now%???}"
}

# since START: the seconds since then, with one decimal.
since() {
    awk -v start="$1" -v now="$(clock)" 'BEGIN { printf "%.1f", now - start }'
}

# Runs the rest of a script in a network namespace of its own: as root with unshare -n, else in a
# user namespace, where we are root over that network and nothing more.
# enter_namespace MARK SCRIPT ARGS...: returns at once when the variable MARK says that we are inside.
enter_namespace() {
    local mark=$1
    shift
    if [[ -n ${!mark-} ]]; then
        return 0
    fi
    export "$mark=1"
    if ((EUID == 0)); then
        exec unshare --net -- "$@"
    fi
    exec unshare --user --map-root-user --net -- "$@"
}

# Why no namespace can be had here, or nothing when it can.
namespace_refused() {
    if ! have unshare; then
        echo "unshare is missing: install util-linux"
    elif ((EUID == 0)); then
        unshare --net -- true 2>/dev/null ||
            echo "this machine does not let root make a network namespace"
    else
        unshare --user --map-root-user --net -- true 2>/dev/null ||
            echo "this machine does not let an ordinary user make a namespace: run as root, or set the sysctl kernel.unprivileged_userns_clone to 1"
    fi
}

# Why passt cannot run here, or nothing when it can. It locks itself into namespaces.
passt_refused() {
    if ! have passt; then
        echo "passt is missing: as root, run  apt-get install passt"
    elif ! unshare --user --map-root-user -- true 2>/dev/null; then
        echo "passt needs user namespaces, and this machine has none for this user: set the sysctl kernel.unprivileged_userns_clone to 1"
    fi
}

# Why /dev/net/tun cannot be used, or nothing when it can.
tun_refused() {
    if [[ ! -e /dev/net/tun ]]; then
        echo "/dev/net/tun is missing: as root, run  modprobe tun"
    elif ! (exec 3<>/dev/net/tun) 2>/dev/null; then
        echo "/dev/net/tun may not be opened by this user: run as root, or as root run  chmod 666 /dev/net/tun"
    fi
}

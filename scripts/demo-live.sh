# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # the variables are scripts/demo's
#
# demo-live.sh - what `scripts/demo --live` does once the network is there: a server behind a bad wire, a
# transfer that repeats, and a text that says where to look. Sourced by scripts/demo, whose variables it uses.
#
# The downloads take turns in who closes first: curl does by itself, and by HTTP/1.0 the server does.

live_text() {
    cat <<TEXT

  Open    $page

  A transfer of 4 MB over a wire with 20 ms each way, 10 Mbit/s and 1 % loss repeats for as long as this runs. On the page:

  1. What is cwnd doing?            "Congestion window": it climbs, is cut where a red dot is, and climbs again. Point at a dot:
                                    it says why. Drag "Loss" to 0 and see what it becomes; then to 5 %.
  2. Why was this segment sent
     twice?                         "Sequence numbers": click a coloured dot. The ladder goes to that segment, and beside it stand
                                    the reason with its clause, and the octets. "Decisions", "sent again" lists them all.
  3. Who closed first?              "State machine", when a transfer has ended: left is us, right is the peer. The numbers on the
                                    edges are the order; "Closed first" says it in words. Every second transfer is the other way.

  docs/live.md walks through it. Ctrl-C ends all of it and leaves nothing behind.
TEXT
}

live_transfers() { # for ever, one after the other
    local turn=0 how child=
    trap '[[ -z $child ]] || kill "$child" 2>/dev/null; exit 0' TERM
    while true; do
        how=--http1.1
        ((turn++ % 2 == 0)) || how=--http1.0
        curl --disable --silent --max-time 120 --noproxy '*' "$how" --output /dev/null "$url/4mb.bin" &
        child=$!
        wait "$child" || true
        sleep 2 &
        child=$!
        wait "$child" || true
    done
}

live_demo() {
    local page tries port=${TAPIO_DEMO_PORT:-80}
    head -c 4000000 /dev/urandom >"$work/site/4mb.bin"
    heading "a server behind a bad wire"
    printf 'build/tapio serve --root SITE --allow-control --impair loss=1%%,delay=20ms,rate=10mbit %s\n' "${device[*]}"
    build/tapio serve --root "$work/site" --allow-control --impair loss=1%,delay=20ms,rate=10mbit "${device[@]}" \
        >"$work/serve.out" 2>"$work/serve.err" </dev/null &
    server=$!
    for ((tries = 0; tries < 200; tries++)); do
        grep -qs '^ready ' "$work/serve.out" && break
        if ! kill -0 "$server" 2>/dev/null; then
            cat "$work/serve.err" >&2
            die "the server did not start"
        fi
        sleep 0.05
    done
    grep '^ready ' "$work/serve.out" || die "the server did not get ready within 10 s"
    page=$url/.tapio/
    if ((tap)); then
        # The other half of the forward was started outside, before there was a namespace.
        scripts/forward "unix:$TAPIO_LIVE_SOCKET" "tcp:$HOST:80" >"$work/forward.out" &
        forward=$!
        for ((tries = 0; tries < 100; tries++)); do
            grep -qs '^port ' "$work/forward.out" && break
            sleep 0.05
        done
        page=http://127.0.0.1:$port/.tapio/
    fi
    live_text
    live_transfers &
    transfers=$!
    wait "$server"
}

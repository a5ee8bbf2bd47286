#!/usr/bin/env bash
#
# http.sh - the web server, from outside: each rule of http_probe.py, then the clients that people use.
#
# The rules come from the RFCs and from what attackers try, and know nothing of our code. nginx is asked too:
# a rule of the RFCs that it does not hold is perhaps none, so each of these is a row of http_nginx.tsv.
# TAPIO_FULL=1, which scripts/nightly sets, adds Chromium.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin "$@"

URL=http://$HOST
PROBE=$ROOT/tests/e2e/http_probe.py
SITE=$WORK/site
KNOWN=$ROOT/tests/e2e/http_nginx.tsv
REAL=$TAPIO

# Root may read what its owner forbids; the server is to be refused, as it would be elsewhere.
AS_OTHERS_ARE=(setpriv '--bounding-set=-dac_override,-dac_read_search')

wrap() {
    cat >"$WORK/wrapped" <<EOF2
#!/bin/sh
exec ${AS_OTHERS_ARE[*]} "$REAL" "\$@"
EOF2
    chmod +x "$WORK/wrapped"
    TAPIO=$WORK/wrapped
}

# --- the rules ------------------------------------------------------------------------------

# The verdict on $RULE, of which a run of the probe has written a line.
rule_holds() {
    grep -qxF "ok $RULE" "$WORK/probe" && return
    tail -n 3 "$WORK/probe.err"
    grep -F "not ok $RULE: " "$WORK/probe" | cut -c "$((${#RULE} + 10))-"
    return 1
}

each_rule() {
    local rule proofs
    python3 "$PROBE" "$HOST" 80 "$SITE" >"$WORK/probe" 2>"$WORK/probe.err" </dev/null
    while IFS=$'\t' read -r rule proofs; do
        RULE=$rule
        # shellcheck disable=SC2086 # each id is a word
        try "$rule" rule_holds $proofs
    done < <(python3 "$PROBE" --list)
}

# A rule that is only for a server which was told so.
no_listing() {
    RULE="kinds: where listings are off, a folder is 403 or 404, and its index and files are served"
    serve_start --root "$SITE" --no-listing
    python3 "$PROBE" "$HOST" 80 "$SITE" "$RULE" >"$WORK/probe" 2>"$WORK/probe.err" </dev/null || true
    rule_holds
    serve_stop
}

nginx_listens() {
    (exec 3<>/dev/tcp/127.0.0.1/8080) 2>/dev/null
}

start_nginx() {
    mkdir -p "$WORK/nginx"
    cat >"$WORK/nginx.conf" <<EOF2
daemon off;
master_process off;
pid $WORK/nginx/pid;
error_log $WORK/nginx/error;
events { worker_connections 4096; }
http {
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    access_log off;
    client_body_temp_path $WORK/nginx/body;
    proxy_temp_path $WORK/nginx/proxy;
    fastcgi_temp_path $WORK/nginx/fastcgi;
    uwsgi_temp_path $WORK/nginx/uwsgi;
    scgi_temp_path $WORK/nginx/scgi;
    client_header_timeout 10s;
    client_body_timeout 10s;
    keepalive_requests 100000;
    if_modified_since before;
    gzip_static on;
    autoindex on;
    charset utf-8;
    lingering_timeout 1s;
    disable_symlinks on;
    server { listen 127.0.0.1:8080; root $SITE; }
}
EOF2
    # No function here: what has the number is nginx itself, and ends with us.
    "${AS_OTHERS_ARE[@]}" nginx -c "$WORK/nginx.conf" -e "$WORK/nginx/error" >/dev/null 2>&1 &
    started $!
    disown
    wait_until 15 nginx_listens
}

# The rules of the RFCs are fair: what another server does not hold is known, with its reason.
as_nginx_does() {
    local rule rest unknown=0
    start_nginx
    python3 "$PROBE" --rfc 127.0.0.1 8080 "$SITE" >"$WORK/nginx.out" 2>&1 </dev/null || true
    tail -n 1 "$WORK/nginx.out" | grep -qx '[0-9]* passed, [0-9]* failed'
    while IFS=$'\t' read -r rule rest; do
        if grep -F "not ok $rule: " "$WORK/nginx.out" && ! cut -f 1 "$KNOWN" | grep -qxF "$rule"; then
            unknown=$((unknown + 1))
        fi
    done < <(python3 "$PROBE" --list)
    expect "rules that nginx does not hold and that are not known" 0 "$unknown"
}

# --- the clients ----------------------------------------------------------------------------

# with TOOL NAME FUNCTION [ID...]: a test that needs a program.
with() {
    if have "$1"; then
        try "${@:2}"
    else
        skip "$2" "missing-$1"
    fi
}

status_of() {
    fetch --output "$WORK/other" --write-out '%{http_code}' "$@"
}

curl_resumes() {
    head -c 1000000 "$SITE/big" >"$WORK/got"
    fetch --continue-at - --output "$WORK/got" --write-out '%{http_code}' "$URL/big" >"$WORK/code"
    expect "status" 206 "$(cat "$WORK/code")"
    same_as_site big "$WORK/got"
    head -c 1000000 "$SITE/big" | cmp - <(fetch --range 0-999999 "$URL/big")
}

curl_decodes() {
    local file
    for file in coded.js gzipped.css; do
        fetch --compressed --output "$WORK/got" --write-out '%{size_download}' "$URL/$file" >"$WORK/size"
        same_as_site "$file" "$WORK/got"
    done
    expect "octets of gzipped.css on the wire" "$(wc -c <"$SITE/gzipped.css.gz")" "$(cat "$WORK/size")"
}

curl_asks_again() {
    fetch --remote-time --etag-save "$WORK/etag" --output "$WORK/got" "$URL/small.txt"
    expect "status, by date" 304 "$(status_of --time-cond "$WORK/got" "$URL/small.txt")"
    expect "status, by tag" 304 "$(status_of --etag-compare "$WORK/etag" "$URL/small.txt")"
    expect "status, by an older date" 200 "$(status_of --time-cond '2001-09-08' "$URL/small.txt")"
}

curl_climbs() {
    local path
    for path in /../outside.txt /folder/../../outside.txt /%2e%2e/outside.txt /link-out /folder-out/outside.txt; do
        fetch --path-as-is --output "$WORK/got" "$URL$path"
        if grep -q 'outside of the site' "$WORK/got"; then
            fail "$path: left the root"
        fi
    done
}

# curl says Expect: 100-continue with more than a megabyte, and believes the final answer instead.
curl_uploads() {
    local status
    status=$(status_of --max-time 20 --upload-file "$SITE/big" "$URL/new")
    [[ $status == 405 || $status == 413 ]] || fail "status $status"
    [[ ! -e $SITE/new ]]
    status=$(status_of --max-time 20 --header 'Expect:' --data-binary "@$SITE/big" "$URL/small.txt")
    [[ $status == 405 || $status == 413 ]] || fail "status $status, without Expect"
}

curl_of_1_0() {
    fetch --http1.0 --output "$WORK/got" "$URL/megabyte"
    same_as_site megabyte "$WORK/got"
    fetch --http1.0 "$URL/folder/" | grep -q 'a.txt'
}

make_tree() {
    mkdir -p "$SITE/tree/one/two/three" "$SITE/tree/with space" "$SITE/tree/empty folder"
    local number
    for ((number = 0; number < 20; number++)); do
        head -c $((number * 997)) /dev/urandom >"$SITE/tree/one/$number"
    done
    printf 'deep\n' >"$SITE/tree/one/two/three/deep.txt"
    printf 'a space\n' >"$SITE/tree/with space/a file.txt"
    printf 'a mark\n' >"$SITE/tree/with space/50%+1&more;x=y.txt"
    : >"$SITE/tree/one/two/empty"
    find "$SITE/tree" -type f -exec touch -d 2020-02-29 {} +
}

mirror() {
    (cd "$WORK" && wget --no-config --no-proxy --timeout=20 --tries=1 --mirror --no-parent --no-host-directories --no-iri \
        --restrict-file-names=nocontrol --reject 'index.html*' --reject-regex '[?]' "$@" "$URL/tree/") >"$WORK/wget" 2>&1 || {
        grep . "$WORK/wget" | tail -n 5
        return 1
    }
}

wget_mirrors() {
    make_tree
    mirror
    mkdir -p "$WORK/tree/empty folder" # wget keeps no folder without a file
    diff -r "$SITE/tree" "$WORK/tree"
    # Again: by its dates all of it is there already.
    mirror --no-verbose
    expect "files fetched again" 0 "$(awk '/ -> / && !/index.html/' "$WORK/wget" | wc -l)"
    printf 'changed since\n' >"$SITE/tree/one/two/three/deep.txt"
    mirror
    diff -r "$SITE/tree" "$WORK/tree"
}

wget_resumes() {
    head -c 2000000 "$SITE/big" >"$WORK/big"
    (cd "$WORK" && wget --no-config --no-proxy --timeout=20 --tries=1 --continue "$URL/big") >"$WORK/wget" 2>&1
    grep -q '206 Partial Content' "$WORK/wget"
    same_as_site big "$WORK/big"
    # It is whole: nothing more is asked for, and 416 is no error.
    (cd "$WORK" && wget --no-config --no-proxy --timeout=20 --tries=1 --continue "$URL/big") >"$WORK/wget" 2>&1
    same_as_site big "$WORK/big"
}

apache_bench() {
    timeout 60 ab -q -k -n 2000 -c 20 "$URL/small.txt" >"$WORK/ab" 2>&1
    cat "$WORK/ab"
    grep -q '^Complete requests: *2000$' "$WORK/ab"
    grep -q '^Failed requests: *0$' "$WORK/ab"
    grep -q '^Keep-Alive requests: *2000$' "$WORK/ab"
    if grep -q '^Non-2xx' "$WORK/ab"; then
        return 1
    fi
    timeout 60 ab -q -n 500 -c 10 "$URL/small.txt" >"$WORK/ab" 2>&1
    grep -q '^Failed requests: *0$' "$WORK/ab"
}

wrk_finds_no_error() {
    timeout 60 wrk -t 2 -c 50 -d 3s "$URL/small.txt" >"$WORK/wrk" 2>&1
    cat "$WORK/wrk"
    grep -q 'requests in' "$WORK/wrk"
    if grep -qE 'Socket errors|Non-2xx' "$WORK/wrk"; then
        return 1
    fi
}

h2load_by_1_1() {
    timeout 60 h2load --h1 -n 2000 -c 20 -m 10 "$URL/small.txt" "$URL/numbers/5.txt" "$URL/empty" >"$WORK/h2load" 2>&1
    cat "$WORK/h2load"
    grep -q '2000 succeeded, 0 failed, 0 errored, 0 timeout' "$WORK/h2load"
    grep -q 'status codes: 2000 2xx, 0 3xx, 0 4xx, 0 5xx' "$WORK/h2load"
}

python_client() {
    python3 "$ROOT/tests/e2e/http_client.py" "$HOST" 80 "$SITE"
}

browse() { # browse TARGET: what a browser makes of it
    timeout 60 chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-proxy-server \
        --user-data-dir="$WORK/chromium" --virtual-time-budget=5000 --dump-dom "$URL$1" 2>"$WORK/chromium.err"
}

chromium_shows() {
    browse / >"$WORK/dom"
    cat "$WORK/dom"
    grep -q '<h1>The front page</h1>' "$WORK/dom"
    browse /folder/ >"$WORK/dom"
    cat "$WORK/dom"
    grep -q 'a.txt' "$WORK/dom"
    grep -q 'b.txt' "$WORK/dom"
    browse /hostile/ >"$WORK/dom"
    if grep -q '<script>alert' "$WORK/dom"; then
        return 1
    fi
}

still_there() {
    expect "the file" "a small file" "$(fetch "$URL/small.txt")"
    no_complaint
}

# --- the run --------------------------------------------------------------------------------

python3 "$PROBE" --make-site "$SITE"
wrap
if serve_start --root "$SITE"; then
    each_rule
    try "the server still serves behind all that" still_there
    with curl "curl: -C - goes on where it was, -r takes a part" curl_resumes RFC9110-14.2-a
    with curl "curl: --compressed gets what it decodes to the file" curl_decodes
    with curl "curl: -z and --etag-compare get nothing twice" curl_asks_again RFC9110-13.1.2-a RFC9110-13.1.3-a
    with curl "curl: --path-as-is does not leave the root" curl_climbs W06
    with curl "curl: an upload is refused, and it reads why" curl_uploads RFC9112-9.6-b W11
    with curl "curl: -0 gets files and listings" curl_of_1_0 RFC9112-6.1-d
    with wget "wget: -m copies a tree, and nothing a second time" wget_mirrors
    with wget "wget: -c completes a file" wget_resumes RFC9110-14.2-a RFC9110-15.5.17-a
    with ab "ab: 2000 requests with -k, 500 without, none fails" apache_bench RFC9112-9.3-a
    with wrk "wrk: 50 connections, no error" wrk_finds_no_error
    with h2load "h2load --h1: 2000 pipelined requests, none fails" h2load_by_1_1 RFC9112-9.3.2-a
    try "http.client: files, a listing, an error and chunks over one connection" python_client
    [[ ${TAPIO_FULL:-0} == 0 ]] || with chromium "chromium: shows the front page and a listing" chromium_shows
    try "the server ends well" serve_stop
    try "kinds: where listings are off, a folder is 403 or 404, and its index and files are served" no_listing
else
    try "the server starts" false
fi
with nginx "the rules are fair: what nginx does not hold is known" as_nginx_does
finish

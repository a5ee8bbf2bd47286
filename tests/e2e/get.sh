#!/usr/bin/env bash
#
# get.sh - `tapio get` as its users see it: pages of Python's server, of nginx and of our own, and one
# line for each thing that goes wrong.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin "$@"

PEER=10.9.0.1
PYTHON=http://$PEER:8000
MANNERS=http://$PEER:8001
NGINX=http://$PEER:8002

listens() {
    ss -ltnH "sport = :$1" | grep -q .
}

start_servers() {
    (cd "$WORK/site" && exec python3 -m http.server --bind 0.0.0.0 8000) >/dev/null 2>&1 &
    started $!
    python3 "$ROOT/tests/e2e/get_server.py" 8001 >/dev/null 2>&1 &
    started $!
    mkdir -p "$WORK/nginx"
    cat >"$WORK/nginx.conf" <<EOF
daemon off;
master_process off;
pid $WORK/nginx/pid;
error_log $WORK/nginx/error;
events {}
http {
    access_log off;
    default_type application/octet-stream;
    client_body_temp_path $WORK/nginx/body;
    proxy_temp_path $WORK/nginx/proxy;
    fastcgi_temp_path $WORK/nginx/fastcgi;
    uwsgi_temp_path $WORK/nginx/uwsgi;
    scgi_temp_path $WORK/nginx/scgi;
    server {
        listen 8002;
        root $WORK/site;
        location /old { return 301 /small.txt; }
    }
}
EOF
    nginx -c "$WORK/nginx.conf" -e "$WORK/nginx/error" >/dev/null 2>&1 &
    started $!
    disown -a
    wait_until 15 listens 8000
    wait_until 15 listens 8001
    wait_until 15 listens 8002
}

# get CODE ARGS...: its exit code; content is in $WORK/out, talk in $WORK/err.
get() {
    local wanted=$1 code=0
    shift
    timeout 60 "$TAPIO" get "$@" >"$WORK/out" 2>"$WORK/err" </dev/null || code=$?
    if grep -E 'AddressSanitizer|LeakSanitizer|runtime error:|Assertion' "$WORK/err"; then
        return 1
    fi
    expect "exit code of get $*: $(tail -n 1 "$WORK/err")" "$wanted" "$code"
}

# complains CODE PATTERN ARGS...: it fails with that code and one line.
complains() {
    local code=$1 pattern=$2
    shift 2
    get "$code" "$@"
    expect "lines of talk of $*" 1 "$(wc -l <"$WORK/err")"
    grep -q "^tapio: .*$pattern" "$WORK/err" || fail "no '$pattern' in: $(cat "$WORK/err")"
}

page() {
    get 0 "$1/small.txt"
    same_as_site small.txt "$WORK/out"
    expect "talk" "" "$(cat "$WORK/err")"
    get 0 -o "$WORK/got" "$1/empty"
    same_as_site empty "$WORK/got"
}

large_page() {
    get 0 -o "$WORK/got" "$1/big"
    same_as_site big "$WORK/got"
    get 0 "$1/big" # through a file on stdout
    same_as_site big "$WORK/out"
    timeout 60 "$TAPIO" get "$1/big" 2>"$WORK/err" | (sleep 1 && cat) >"$WORK/got" # and a pipe whose reader sleeps
    same_as_site big "$WORK/got"
}

redirect() {
    get 0 "$NGINX/old"
    same_as_site small.txt "$WORK/out"
    get 0 "$MANNERS/a/redirect"
    cp "$WORK/out" "$WORK/plain"
    get 0 "$MANNERS/plain"
    cmp "$WORK/out" "$WORK/plain"
}

part() {
    get 0 -r 2-6 "$NGINX/small.txt"
    expect "octets 2 to 6" "small" "$(cat "$WORK/out")"
    get 0 -r 8- "$NGINX/small.txt"
    expect "octets from 8" "file" "$(cat "$WORK/out")"
    complains 1 "sends the whole" -r 2-6 "$PYTHON/small.txt"
}

resume() {
    head -c 1234567 "$WORK/site/big" >"$WORK/got"
    get 0 -C - -o "$WORK/got" "$NGINX/big"
    same_as_site big "$WORK/got"
    get 0 -C - -o "$WORK/got" "$NGINX/big" # it is whole already
    same_as_site big "$WORK/got"
    rm "$WORK/got"
    get 0 -C - -o "$WORK/got" "$NGINX/big" # it is not there yet
    same_as_site big "$WORK/got"
}

chunks() {
    get 0 "$MANNERS/chunks"
    cp "$WORK/out" "$WORK/plain"
    get 0 "$MANNERS/plain"
    cmp "$WORK/out" "$WORK/plain"
}

keep_alive() {
    get 0 "$MANNERS/port" "$MANNERS/chunks" "$MANNERS/port"
    expect "ports that three requests came from" 1 "$(grep -cE '^[0-9]+$' <(sed -n '1p;$p' "$WORK/out" | sort -u))"
    get 0 "$NGINX/small.txt" "$NGINX/medium" "$NGINX/index.html"
    cat "$WORK/site/small.txt" "$WORK/site/medium" "$WORK/site/index.html" | cmp - "$WORK/out"
}

head_only() {
    get 0 -I "$NGINX/big"
    grep -q '^HTTP/1.1 200 OK.$' "$WORK/out"
    grep -qi "^content-length: $(stat -c %s "$WORK/site/big").$" "$WORK/out"
}

steps() {
    local step
    get 0 -v "$NGINX/small.txt"
    same_as_site small.txt "$WORK/out"
    for step in 'nothing to look up' 'arp .*who-has 10.9.0.1' '\* connecting to 10.9.0.1:8002' ' out .* \[S\] .*why=syn$' \
        ' in .* \[S\.\] ' '\* connected: 10.9.0.2:' '^> GET /small.txt HTTP/1.1' '^> Host: 10.9.0.1:8002$' \
        'why=written-pushed' '^< HTTP/1.1 200 OK$' '^< Server: nginx' '13 octets of content follow' 'why=text-pushed' \
        '\* closing the connection' 'why=fin$' '-> CLOSED\|-> TIME-WAIT'; do
        grep -q -e "$step" "$WORK/err" || fail "-v does not tell '$step'"
    done
    # Much content is told by its octets, not by its packets, unless asked twice.
    get 0 -v -o "$WORK/got" "$NGINX/big"
    (($(wc -l <"$WORK/err") < 100)) || fail "-v says too much"
    get 0 -v -v -o "$WORK/got" "$NGINX/big"
    (($(wc -l <"$WORK/err") > 1000)) || fail "-v -v says too little"
}

cut_short() {
    complains 1 '400 octets came, 600 octets are missing' -o "$WORK/got" "$MANNERS/short"
    expect "octets kept" 400 "$(stat -c %s "$WORK/got")"
    complains 1 '5 octets came, its end is missing' "$MANNERS/short-chunks"
    complains 1 'without an answer' "$MANNERS/nothing"
    complains 1 'cannot be trusted' "$MANNERS/noise"
    complains 1 'Content-Length is not one number' "$MANNERS/two-lengths"
    complains 1 'says nothing more; 4 octets came' --timeout 1 "$MANNERS/hang"
    complains 1 'more than 10 redirects' "$MANNERS/loop"
    complains 1 'https is not built in' "$MANNERS/https"
}

not_there() {
    printf 'as it was\n' >"$WORK/got"
    complains 1 'answered 404 Not Found' -o "$WORK/got" "$NGINX/nothing"
    expect "the file" "as it was" "$(cat "$WORK/got")"
    complains 1 'answered 404 Not Found' "$MANNERS/nowhere"
    expect "the page" "there is no such page" "$(cat "$WORK/out")"
    complains 1 'refused the connection: nobody listens' "http://$PEER:8003/"
    complains 1 'cannot be reached' http://10.9.0.77/
    complains 1 'set --gateway' http://192.0.2.1/
}

wrong_urls() {
    complains 2 'it is empty' ''
    complains 2 'https is not built in' https://10.9.0.1/
    complains 2 'only http:// is known' ftp://10.9.0.1/
    complains 2 'leave out all up to the @' http://me@10.9.0.1/
    complains 2 'holds a space' 'http://10.9.0.1/a b'
    complains 2 'control character' $'http://10.9.0.1/\r\nX: y'
    complains 2 'our own address' http://10.9.0.2/
    complains 2 'loopback ends in our own stack' http://127.0.0.1/
    complains 2 'get needs URL' # nothing at all
    complains 2 'takes one URL' -o "$WORK/got" "$PYTHON/" "$PYTHON/"
    complains 2 'not a range' -r 5-2 "$PYTHON/"
    complains 2 'needs -o FILE' -C - "$PYTHON/"
    complains 2 'wants standard output' --capture - "$PYTHON/"
    complains 1 'IPv6 over Ethernet is not built in' 'http://[fd00:9::1]/'
    complains 1 'name one by --dns' http://no-such-name.example/
}

# What the sink of content can say.
sinks() {
    complains 1 'No space left on device' -o /dev/full "$NGINX/big"
    complains 1 'No such file or directory' -o "$WORK/none/such" "$NGINX/big"
    complains 1 'Is a directory' -o "$WORK" "$NGINX/big"
    local codes
    timeout 60 "$TAPIO" get "$NGINX/big" 2>"$WORK/err" | head -c 5 >"$WORK/out" && codes=("${PIPESTATUS[@]}") || codes=("${PIPESTATUS[@]}")
    expect "exit code of get" 1 "${codes[0]}"
    grep -q 'reader of standard output went away' "$WORK/err"
}

interrupted() {
    local pid code=0
    rm -f "$WORK/got"
    "$TAPIO" get -o "$WORK/got" "$MANNERS/hang" >"$WORK/out" 2>"$WORK/err" </dev/null &
    pid=$!
    started "$pid"
    wait_until 10 test -s "$WORK/got"
    kill -TERM "$pid"
    wait "$pid" || code=$?
    expect "exit code" 1 "$code"
    grep -q 'interrupted; 4 octets came' "$WORK/err"
    # It has reset its connection: the server keeps none.
    expect "connections" 0 "$(ss -tnH state established 'sport = :8001' | wc -l)"
}

# Ours on both sides, with the kernel as the router between two TAPs.
own_server() {
    local far=(--dev tap:tap1 --addr 10.8.0.2/24 --host-addr 10.8.0.1/24 --gateway 10.8.0.1)
    echo 1 >/proc/sys/net/ipv4/ip_forward
    serve_start --root "$WORK/site" --gateway 10.9.0.1
    get 0 "${far[@]}" "http://$HOST/small.txt"
    same_as_site small.txt "$WORK/out"
    get 0 "${far[@]}" -o "$WORK/got" "http://$HOST/big"
    same_as_site big "$WORK/got"
    get 0 "${far[@]}" -o "$WORK/got" --impair 'loss=1%,seed=3' "http://$HOST/medium"
    same_as_site medium "$WORK/got"
    get 0 "${far[@]}" "http://$HOST/small.txt" "http://$HOST/folder/../index.html"
    cat "$WORK/site/small.txt" "$WORK/site/index.html" | cmp - "$WORK/out"
    complains 1 'answered 404' "${far[@]}" -o "$WORK/got" "http://$HOST/none"
    serve_stop TERM
}

page_of_python() { page "$PYTHON"; }
page_of_nginx() { page "$NGINX"; }
large_of_python() { large_page "$PYTHON"; }
large_of_nginx() { large_page "$NGINX"; }

make_site 20000000
head -c 300000 /dev/urandom >"$WORK/site/medium"
start_servers
try "a page, and an empty one, of Python's server" page_of_python
try "a page, and an empty one, of nginx" page_of_nginx
try "20 MB of Python's server, equal: to a file, and through a slow pipe" large_of_python
try "20 MB of nginx, equal: to a file, and through a slow pipe" large_of_nginx
try "redirects are followed" redirect
try "a part of a page" part
try "-C - goes on where the file ends" resume
try "chunks with extensions and trailers" chunks
try "several URLs over one connection" keep_alive
try "-I prints the head" head_only
try "-v tells each step with its packets" steps
try "a response that is not whole is an error that says so" cut_short
try "what is not there, and who is not" not_there
try "a URL or an option that cannot be" wrong_urls
try "a full disk, a missing folder, a reader that went away" sinks
try "SIGTERM in the middle" interrupted
try "our own server, through a router" own_server
finish

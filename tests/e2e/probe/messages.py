"""messages.py - rules of methods, Host, the request line, Expect and the connection (RFC 9110, 9 and 10; 9112)."""
import ssl
import time

from probe.talk import SMUGGLED, Wrong, brief, each_refused, expect, in_step, refused, request, rule

UNDATED = ("date", "age", "connection", "keep-alive")


# --- methods (RFC 9110, 9) ------------------------------------------------------------------

def same_heads(place, target):
    """HEAD, then GET, in one write: each header field of GET is in the answer to HEAD, and no content."""
    with place.talk() as talk:
        talk.send(request(target, method="HEAD") + request(target) + request("/smuggled.txt", "Connection: close"))
        head, get, last = talk.final("HEAD"), talk.final(), talk.final()
        talk.ended()
    expect(head.status == get.status, f"HEAD {target}: {head}, GET: {get}")
    expect(last.content == place.file("smuggled.txt"), f"behind HEAD and GET of {target}: {brief(last.content)}")
    for name, value in get.fields:
        if name.lower() not in UNDATED:
            expect(head.get(name) == get.get(name), f"{target}: {name}: {value!r} of GET is {head.get(name)!r} of HEAD")
    return get


@rule("methods: GET and HEAD serve the front page", "RFC9110-9.1-a")
def front_page(place):
    response = place.get("/")
    expect(response.status == 200 and response.content == place.file("index.html"), f"GET: {response}")
    expect(place.get("/", method="HEAD").status == 200, "HEAD: no 200")


@rule("methods: HEAD has the header fields of GET and no content", "RFC9110-9.3.2-a", "RFC9112-6.1-d")
def head_like_get(place):
    for target in ("/", "/small.txt", "/empty", "/big", "/coded.js", "/indexed/"):
        same_heads(place, target)


@rule("methods: HEAD of what is refused has no content either", "RFC9110-9.3.2-a")
def head_of_errors(place):
    same_heads(place, "/not-there")
    same_heads(place, "/folder") # a redirection


@rule("methods: content is as long as Content-Length tells", "RFC9110-8.6-a")
def exact_lengths(place):
    for name, length in (("empty", 0), ("one", 1), ("megabyte", 1 << 20)):
        response = place.get(f"/{name}")
        expect(response.length() == length, f"{name}: Content-Length {response.length()}")
        expect(response.content == place.file(name), f"{name}: other octets")


def allows(response, what):
    """An Allow that has GET and HEAD."""
    expect({"get", "head"} <= set(response.tokens("Allow")), f"{what}: {response}, Allow: {response.get('Allow')}")


@rule("methods: OPTIONS * is answered with what is allowed", "RFC9112-3.2.4-a", "W05", own=True)
def options_of_the_server(place):
    response = place.get("*", method="OPTIONS")
    expect(response.status in (200, 204), f"{response}")
    allows(response, "OPTIONS *")


@rule("methods: OPTIONS of a file is answered with what is allowed", "W05", own=True)
def options_of_a_file(place):
    response = place.get("/small.txt", method="OPTIONS")
    expect(response.status in (200, 204), f"{response}")
    expect(not response.content.startswith(b"a small file"), "the file itself")
    allows(response, "OPTIONS /small.txt")


@rule("methods: a known method that files do not have is 405 with Allow", "RFC9110-15.5.6-a")
def not_allowed(place):
    for method in ("DELETE", "PUT", "POST"):
        response = place.get("/", "Content-Length: 0", method=method)
        expect(response.status == 405, f"{method}: {response}")
        allows(response, method)


@rule("methods: nothing is changed by PUT, DELETE or POST", "RFC9110-15.5.6-a")
def nothing_changed(place):
    for method in ("DELETE", "PUT", "POST", "PATCH"):
        response = place.get("/numbers/3.txt", "Content-Length: 3", method=method, content=b"new")
        expect(400 <= response.status < 600, f"{method}: {response}")
    expect(place.get("/numbers/3.txt").content == place.file("numbers/3.txt"), "it is another now")


@rule("methods: an unknown one is 501, of whatever length; they are case-sensitive", "RFC9112-3-c", "W05", own=True)
def unknown_methods(place):
    for method in ("FOOBAR", "get", "GETS", "G", "X" * 1000):
        response = place.get("/", method=method)
        expect(response.status == 501, f"{brief(method.encode())}: {response}")


@rule("methods: an unknown one is refused and gets no page", "RFC9112-3-c")
def unknown_gets_nothing(place):
    for method in ("FOOBAR", "get", "X" * 1000):
        response = place.get("/", method=method)
        expect(response.status in (400, 405, 414, 501), f"{brief(method.encode())}: {response}")


@rule("methods: TRACE is refused and repeats nothing", "W05")
def trace(place):
    response = place.get("/small.txt", "Cookie: Zq7secret", method="TRACE")
    expect(response.status in (405, 501), f"{response}")
    expect(b"Zq7secret" not in response.content, "the request's own fields came back")


@rule("methods: CONNECT is refused in each form of target", "W05")
def connect(place):
    for target in ("example.org:80", "/small.txt", "127.0.0.1:22", "*", "example.org"):
        response = place.get(target, method="CONNECT")
        expect(response.status in (400, 405, 501), f"CONNECT {target}: {response}")


# --- Host (RFC 9112, 3.2) -------------------------------------------------------------------

@rule("host: none in HTTP/1.1 is 400", "RFC9112-3.2-a", "W05")
def no_host(place):
    refused(place, request(host=None))


@rule("host: two are 400, even if equal", "RFC9112-3.2-a", "W05")
def two_hosts(place):
    each_refused(place, [request("/small.txt", "Host: y"), request("/small.txt", "Host: x"),
                         request("/small.txt", "hOSt: x")])


@rule("host: an invalid one is 400", "RFC9112-3.2-a", "W05")
def invalid_hosts(place):
    each_refused(place, [request(host=host) for host in ("a b", "a/b", "a\\b", "a\x7fb")])


@rule("host: what the grammar of a host excludes is 400", "RFC9112-3.2-a", "W05", own=True)
def grammar_of_hosts(place):
    each_refused(place, [request(host=host) for host in ("user@x", "[::1", "x:y", "x:80:80", "<x>", '"x"', "x?y", "x#y",
                                                         "%zz", "x,y z")])


@rule("host: an empty one is answered", "RFC9112-3.2-a")
def empty_host(place):
    expect(place.get(host="").status in (200, 400), "neither served nor 400")


@rule("host: a port, an address and white space around it are fine", "RFC9112-3.2-a", "RFC9112-5.1-b")
def usual_hosts(place):
    for host in ("x:80", "x:", "10.9.0.2:8080", "[fd00:9::2]:80", "[::1]", "a.b-c.example", "\t x \t", "x%41"):
        expect(place.get(host=host).status == 200, f"Host: {host!r}: no 200")
    expect(place.get("/small.txt", "hOsT:x", host=None).status == 200, "hOsT:x: no 200")


@rule("host: HTTP/1.0 needs none", "RFC9112-3.2-a")
def host_of_1_0(place):
    expect(place.get(version="HTTP/1.0", host=None).status == 200, "no 200")


@rule("host: the absolute form of a target is taken, whatever Host says", "RFC9112-3.2.2-a")
def absolute_form(place):
    for target in ("http://example.org/small.txt", "HTTP://EXAMPLE.ORG/small.txt", "http://example.org:80/small.txt?q"):
        for host in ("x", "example.org"):
            response = place.get(target, host=host)
            expect(response.content == place.file("small.txt"), f"{target}, Host: {host}: {response}")
    response = place.get("http://example.org")
    expect(response.content == place.file("index.html"), f"http://example.org: {response}")


@rule("host: the absolute form overrides Host where the host is told again", "RFC9112-3.2.2-a")
def absolute_form_overrides(place):
    response = place.get("http://one.example/folder", host="two.example")
    location = response.get("Location") or ""
    expect(response.status in (301, 302, 307, 308), f"{response}")
    expect("two.example" not in location, f"Location: {location}")


@rule("host: the absolute form of a target does not excuse a missing Host", "RFC9112-3.2-a")
def absolute_form_without(place):
    refused(place, request("http://example.org/small.txt", host=None))


# --- the request line (RFC 9112, 2.2 to 3) --------------------------------------------------

def line(octets):
    """A request with this as its first line."""
    return octets + b"\r\nHost: x\r\n\r\n"


@rule("request line: what is not METHOD TARGET VERSION is 400", "RFC9112-3-a", "RFC9112-2.2-d")
def other_forms(place):
    each_refused(place, [line(octets) for octets in (b"GET", b"GET / x HTTP/1.1", b"/ HTTP/1.1",
                                                     b"GET HTTP/1.1",
                                                     b"GET / HTTP", b"G(ET / HTTP/1.1", b"G\xc9T / HTTP/1.1",
                                                     b"hello")])


@rule("request line: white space is one space between, and none around", "RFC9112-3-a", own=True)
def white_space(place):
    each_refused(place, [line(octets) for octets in (b"GET  /small.txt HTTP/1.1", b"GET /small.txt  HTTP/1.1",
                                                     b"GET\t/small.txt HTTP/1.1",
                                                     b"GET /small.txt\tHTTP/1.1", b"GET /small.txt HTTP/1.1 ",
                                                     b" GET /small.txt HTTP/1.1",
                                                     b"GET /small.txt\x0bHTTP/1.1", b"GET /small.txt\x0cHTTP/1.1")])


@rule("request line: a target of none of the four forms is 400", "RFC9112-3-a", "RFC9112-3.2.4-a")
def other_targets(place):
    each_refused(place, [request(target) for target in ("small.txt", "*", "x:y", "?q", "\\small.txt")])


@rule("request line: controls in a target are 400", "RFC9112-3-a", "W04")
def controls_in_targets(place):
    each_refused(place, [request(f"/small.txt{octet}") for octet in "\x00\x01\x08\x7f"])


@rule("request line: a version of another spelling is 400", "RFC9112-2.3-a", "W05")
def other_versions(place):
    each_refused(place, [line(b"GET / " + version) for version in (b"http/1.1", b"Http/1.1", b"HTTP/11", b"HTTP/1",
                                                                   b"HTTP/1.", b"HTTP/.1",
                                                                   b"HTTP/1,1", b"HTTP /1.1", b"HTTP/x.1", b"HTTPS/1.1",
                                                                   b"HTTP/-1.1")], (400, 505))


@rule("request line: a version is one digit, a dot and one digit", "RFC9112-2.3-a", own=True)
def digits_of_versions(place):
    each_refused(place, [line(b"GET / " + version) for version in (b"HTTP/1.10", b"HTTP/1.01", b"HTTP/01.1",
                                                                   b"HTTP/1.1.1", b"HTTP/1.1x")], (400, 505))


@rule("request line: HTTP/1.2 and 1.9 are served as 1.1", "RFC9112-2.3-a", "RFC9110-2.5-a", "W05")
def later_minors(place):
    for version in ("HTTP/1.2", "HTTP/1.9"):
        with place.talk() as talk:
            for _ in range(2):
                talk.send(request(version=version))
                expect(talk.final().status == 200, f"{version}: no 200")


@rule("request line: another major version is 505", "RFC9112-2.3-a", "W05")
def other_majors(place):
    each_refused(place, [line(b"GET / " + version) for version in (b"HTTP/2.5", b"HTTP/9.9", b"HTTP/2.0", b"HTTP/3.0")],
                 (505,))
    refused(place, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 505))


@rule("request line: HTTP/0.9 is refused", "RFC9112-3-a", "W05", own=True)
def version_0_9(place):
    for octets in (b"GET /small.txt\r\n", b"GET /small.txt\r\nHost: x\r\n\r\n", b"GET /small.txt HTTP/0.9\r\n\r\n"):
        with place.talk() as talk:
            talk.send(octets)
            talk.half_close()
            got = talk.rest()
            expect(b"a small file" not in got, f"{brief(octets)}: {brief(got)}")
            expect(not got or got.startswith(b"HTTP/1.1 400 ") or got.startswith(b"HTTP/1.1 505 "),
                   f"{brief(octets)}: {brief(got)}")


@rule("request line: a target of 20,000 octets is 414, and of 70,000", "RFC9112-3-b", "W01")
def long_targets(place):
    for size in (20000, 70000):
        with place.talk() as talk:
            talk.send(request("/" + "a" * size) + SMUGGLED)
            response = talk.final()
            expect(response.status == 414, f"{size}: {response}")
            talk.ended()


@rule("request line: one of 8000 octets is served", "RFC9112-3-b")
def target_of_8000(place):
    target = "/small.txt?" + "a" * (8000 - len("GET /small.txt? HTTP/1.1"))
    expect(place.get(target).status == 200, "with a query: no 200")
    response = place.get("/" + "a" * (8000 - len("GET / HTTP/1.1")))
    expect(response.status in (404, 403), f"one long name: {response}")
    response = place.get("/a" * 3990)
    expect(response.status in (404, 403), f"3990 names: {response}")


@rule("request line: an empty line before it is ignored", "RFC9112-2.2-a")
def leading_empty_line(place):
    expect(place.ask(b"\r\n" + request()).status == 200, "before the first: no 200")
    with place.talk() as talk:
        talk.send(request() + b"\r\n" + request("/one"))
        expect(talk.final().status == 200 and talk.final().content == b"1", "between two: not answered")


@rule("request line: empty lines without end are not read for ever", "W01", own=True)
def empty_lines(place):
    with place.talk() as talk:
        talk.send(b"\r\n" * 100000)
        response = talk.final()
        expect(response.status in (400, 408, 431), f"{response}")
        talk.ended()


@rule("request line: the first octets of TLS are answered with 400, or the end", "RFC9112-2.2-d")
def client_hello(place):
    outgoing = ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="x").do_handshake()
    except ssl.SSLWantReadError:
        pass
    noise = [outgoing.read(), b"\x00" * 100, bytes(range(128, 256)) * 4, b"SSH-2.0-OpenSSH_9.2\r\n",
             b"\xff\xfe\r\n\r\n"]
    for octets in noise:
        with place.talk() as talk:
            talk.send(octets)
            talk.half_close()
            got = talk.rest()
            expect(not got or got.startswith(b"HTTP/1.1 400 "), f"{brief(octets)}: {brief(got)}")
    expect(place.get().status == 200, "nothing is served any more")


# --- Expect (RFC 9110, 10.1.1) --------------------------------------------------------------

def first_word(place, *fields, version="HTTP/1.1", wait=3):
    """What is answered to a POST whose content does not come, and the open connection."""
    talk = place.talk(patience=wait)
    talk.send(request("/small.txt", *fields, method="POST", version=version))
    return talk, talk.answer(version=version)


@rule("expect: 100-continue is answered before the content comes, and the next request is safe", "RFC9110-10.1.1-a",
      "W11")
def expect_continue(place):
    for value in ("100-continue", "100-Continue"):
        talk, response = first_word(place, "Content-Length: 5", f"Expect: {value}")
        with talk:
            expect(response.status in (100, 405, 413, 417, 200), f"{response}")
            if response.status != 100 and response.closes():
                talk.ended()
                continue
            talk.send(b"hello" + request("/one", "Connection: close"))
            if response.status == 100:
                expect(talk.final().status >= 200, "no final answer behind 100")
            expect(talk.final().content == b"1", "the next request is not answered right")


@rule("expect: 100-continue with too much content gets its refusal at once, and no 100", "RFC9110-10.1.1-a",
      "RFC9110-15.5.14-a", "W11")
def expect_too_much(place):
    talk, response = first_word(place, "Content-Length: 10000000000", "Expect: 100-continue")
    with talk:
        expect(response.status in (405, 413, 417), f"{response}")
        talk.ended()


@rule("expect: with the content there already", "RFC9110-10.1.1-a")
def expect_and_content(place):
    in_step(place, request("/small.txt", "Content-Length: 5", "Expect: 100-continue", method="POST", content=b"hello"),
            (405, 413, 200))


@rule("expect: without content it changes nothing", "RFC9110-10.1.1-a")
def expect_nothing(place):
    response = place.get("/small.txt", "Expect: 100-continue")
    expect(response.status == 200, f"{response}")


@rule("expect: what is not known is 417", "RFC9110-15.5.18-a", "W11", own=True)
def expect_unknown(place):
    for value in ("foo", "100-continue, foo", "100-continued", "foo=bar"):
        response = place.get("/small.txt", f"Expect: {value}")
        expect(response.status == 417, f"{value}: {response}")


@rule("expect: a client of HTTP/1.0 never gets a 100", "RFC9110-10.1.1-a")
def expect_of_1_0(place):
    with place.talk(patience=1) as talk:
        talk.send(request("/small.txt", "Content-Length: 5", "Expect: 100-continue", method="POST", version="HTTP/1.0"))
        try:
            response = talk.answer(version="HTTP/1.0")
        except Wrong as wrong:
            expect("nothing for" in str(wrong), f"{wrong}")
            talk.send(b"hello")
            response = talk.answer(version="HTTP/1.0")
        expect(response.status >= 200, f"{response}")


# --- the connection (RFC 9112, 9) -----------------------------------------------------------

@rule("connection: one of HTTP/1.1 goes on", "RFC9112-9.3-a")
def goes_on(place):
    with place.talk() as talk:
        for number in range(10):
            talk.send(request(f"/numbers/{number}.txt"))
            response = talk.final()
            expect(response.content == place.file(f"numbers/{number}.txt"), f"request {number}: {response}")
            expect(not response.closes(), f"answer {number} closes")


@rule("connection: an error does not end it, when the request was well-formed", "RFC9112-9.3-a")
def goes_on_behind_errors(place):
    with place.talk() as talk:
        talk.send(request("/not-there") + request("/folder") + request("/one"))
        expect((talk.final().status, talk.final().status) in ((404, 301), (404, 308)), "not 404 and 301")
        expect(talk.final().content == b"1", "the third is not answered")


@rule("connection: close is honoured behind one answer, which says so", "RFC9112-9.6-a")
def close_honoured(place):
    for value in ("close", "CLOSE", "keep-alive, close", "foo ,, close"):
        with place.talk() as talk:
            talk.send(request("/small.txt", f"Connection: {value}") + SMUGGLED)
            response = talk.final()
            expect(response.status == 200, f"{value}: {response}")
            expect(response.closes(), f"{value}: Connection: {response.get('Connection')}")
            talk.ended()


@rule("connection: two lines of Connection are one list", "RFC9112-9.6-a")
def close_in_two_lines(place):
    with place.talk() as talk:
        talk.send(request("/small.txt", "Connection: foo", "Connection: close") + SMUGGLED)
        expect(talk.final().status == 200, "no 200")
        talk.ended()


@rule("connection: HTTP/1.0 ends behind one answer, of version 1.1 and not chunked", "RFC9112-9.3-a", "RFC9110-2.5-a",
      "RFC9112-6.1-d")
def version_1_0(place):
    for target in ("/small.txt", "/folder/", "/not-there"):
        with place.talk() as talk:
            talk.send(request(target, version="HTTP/1.0") + SMUGGLED)
            expect(talk.final(version="HTTP/1.0").status >= 200, "no answer")
            talk.ended()


@rule("connection: HTTP/1.0 with keep-alive goes on, and is told so", "RFC9112-9.3-a")
def keep_alive_of_1_0(place):
    with place.talk() as talk:
        for number in range(3):
            talk.send(request("/small.txt", "Connection: Keep-Alive", version="HTTP/1.0"))
            response = talk.final(version="HTTP/1.0")
            expect(response.content == place.file("small.txt"), f"request {number}: {response}")
            expect("keep-alive" in response.tokens("Connection"), f"Connection: {response.get('Connection')}")


@rule("connection: of HTTP/1.0 that asks for both, close wins", "RFC9112-9.6-a")
def close_wins(place):
    with place.talk() as talk:
        talk.send(request("/small.txt", "Connection: keep-alive, close", version="HTTP/1.0") + SMUGGLED)
        expect(talk.final(version="HTTP/1.0").status == 200, "no 200")
        talk.ended()


# --- pipelining (RFC 9112, 9.3.2) -----------------------------------------------------------

@rule("pipelining: 100 requests in one write are answered in order", "RFC9112-9.3.2-a", "W12")
def hundred(place):
    with place.talk() as talk:
        talk.send(b"".join(request(f"/numbers/{number}.txt") for number in range(100)))
        for number in range(100):
            response = talk.final()
            expect(response.content == place.file(f"numbers/{number}.txt"),
                   f"answer {number}: {response}, {brief(response.content)}")


@rule("pipelining: methods, errors and files mixed keep their order and their framing", "RFC9112-9.3.2-a",
      "RFC9110-9.3.2-a")
def mixed(place):
    kinds = (("/numbers/1.txt", "GET", 200), ("/numbers/2.txt", "HEAD", 200), ("/no", "GET", 404), ("/no", "HEAD", 404),
             ("/empty", "GET", 200),
             ("/folder", "HEAD", 301), ("/big", "HEAD", 200), ("/megabyte", "GET", 200))
    with place.talk() as talk:
        talk.send(b"".join(request(target, method=method) for target, method, _ in kinds * 4))
        for target, method, status in kinds * 4:
            response = talk.final(method)
            expect(response.status == status, f"{method} {target}: {response}")
            if status == 200 and method == "GET":
                expect(response.content == place.file(target[1:]), f"{method} {target}: other octets")


@rule("pipelining: octet by octet it is the same", "RFC9112-9.3.2-a")
def by_octets(place):
    with place.talk() as talk:
        for octet in b"".join(request(f"/numbers/{number}.txt") for number in range(20)):
            talk.send(bytes([octet]))
        for number in range(20):
            expect(talk.final().content == place.file(f"numbers/{number}.txt"), f"answer {number} is another")


@rule("pipelining: in every split of two it is the same", "RFC9112-9.3.2-a")
def every_split(place):
    octets = request("/one", "X: y") + request("/small.txt", "Connection: close")
    for split in range(1, len(octets)):
        with place.talk() as talk:
            talk.send(octets[:split])
            time.sleep(0.002)
            talk.send(octets[split:])
            expect((talk.final().content, talk.final().content) == (b"1", place.file("small.txt")),
                   f"split at {split}: other answers")
            talk.ended()

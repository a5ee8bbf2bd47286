"""framing.py - rules of where a request ends (RFC 9112, 5 to 7 and 11.2): what a request smuggler would try."""
import select

from probe.talk import SMUGGLED, Wrong, brief, each_refused, expect, in_step, refused, request, rule

HELLO = b"5\r\nhello\r\n0\r\n\r\n"
REFUSALS = (400, 405, 411, 413, 501) # which may come before the content is looked at
TAKEN = (200, 405, 411, 413) # of well-formed content


def post(*fields, content=b"", method="POST", version="HTTP/1.1"):
    """A request with content."""
    return request("/small.txt", *fields, method=method, version=version, content=content)


def field(octets):
    """A request with this, as octets, for a field line."""
    return b"GET /small.txt HTTP/1.1\r\nHost: x\r\n" + octets + b"\r\n\r\n"


# --- length and coding ----------------------------------------------------------------------

@rule("framing: Content-Length with Transfer-Encoding is 400 and the end", "RFC9112-6.1-a", "RFC9112-11.2-a", "W02")
def both(place):
    table = []
    for length in (0, 5, 6, 15, 100):
        table.append(post(f"Content-Length: {length}", "Transfer-Encoding: chunked", content=HELLO))
        table.append(post("Transfer-Encoding: chunked", f"Content-Length: {length}", content=HELLO))
    each_refused(place, table)


@rule("framing: two different lengths are 400 and the end", "RFC9112-6.3-b", "RFC9112-11.2-a", "W02")
def two_lengths(place):
    each_refused(place, [post("Content-Length: 5", "Content-Length: 6", content=b"hello!"),
                         post("Content-Length: 0", "Content-Length: 5", content=b"hello"),
                         post("Content-Length: 5", "content-length: 0", content=b"hello"),
                         post("Content-Length: 5", "Content-Length: x", content=b"hello")])


@rule("framing: equal lengths are one, or 400", "RFC9112-6.3-b", "W02")
def equal_lengths(place):
    in_step(place, post("Content-Length: 5", "Content-Length: 5", content=b"hello"), TAKEN + (400,))
    in_step(place, post("Content-Length: 5, 5", content=b"hello"), TAKEN + (400,))


@rule("framing: a length that is no decimal number is 400 and the end", "RFC9112-6.3-b", "RFC9112-11.2-a", "W02")
def strange_lengths(place):
    each_refused(place, [post(f"Content-Length: {value}", content=b"hello")
                         for value in ("+5", "-5", "-1", "0x5", "5,6", "5 5", "5;", "5.0", "1e1", "five", "'5'",
                                       "5\x0b", "\xb5",
                                       "99999999999999999999", "18446744073709551621", "9223372036854775808",
                                       "4294967301x")])


@rule("framing: an empty length is 400 and the end", "RFC9112-6.3-b", "W02", own=True)
def empty_length(place):
    each_refused(place, [post("Content-Length:", content=b"hello"), post("Content-Length: ,", content=b"hello"),
                         post("Content-Length: 5,", content=b"hello")])


@rule("framing: a length may begin with zeros and have white space around it", "RFC9112-6.3-b", "RFC9112-5.1-b")
def padded_lengths(place):
    for value in ("5", "005", "5 ", "\t5\t"):
        in_step(place, post(f"Content-Length:{value}", content=b"hello"), TAKEN)


@rule("framing: more content than is taken is refused unread, and the end", "RFC9110-15.5.14-a", "RFC9112-9.3-b")
def huge_length(place):
    for value in (10**10, (1 << 63) - 1, (1 << 62)):
        refused(place, post(f"Content-Length: {value}", content=b"hello"), (400, 405, 413))


@rule("framing: a coding whose last is not chunked is 400 and the end", "RFC9112-6.3-a", "RFC9112-6.1-b",
      "RFC9112-11.2-a", "W02")
def other_codings(place):
    each_refused(place, [post(f"Transfer-Encoding: {value}", content=HELLO)
                         for value in ("gzip", "xchunked", "identity", "chunked, gzip", "chunked, identity",
                                       "chunked, chunked", "chunked;q=1",
                                       "\"chunked\"", "chunked\x00", "\x0bchunked", "chunk", "x chunked", "cow",
                                       "gzip, chunked, gzip")], (400, 501))
    each_refused(place, [post("Transfer-Encoding: chunked", f"Transfer-Encoding: {value}", content=HELLO)
                         for value in ("identity", "chunked", "gzip")], (400, 501))


@rule("framing: a coding that is not known is 501 or 400, and the end", "RFC9112-6.1-b", "RFC9112-11.2-a")
def unknown_codings(place):
    each_refused(place, [post("Transfer-Encoding: gzip, chunked", content=HELLO),
                         post("Transfer-Encoding: gzip", "Transfer-Encoding: chunked", content=HELLO),
                         post("Transfer-Encoding: identity, chunked", content=HELLO)], (400, 501))


@rule("framing: an empty coding is refused, and the end", "RFC9112-6.3-a", "W02", own=True)
def empty_coding(place):
    each_refused(place, [post("Transfer-Encoding:", content=HELLO), post("Transfer-Encoding: ,", content=HELLO)],
                 (400, 501))


@rule("framing: Transfer-Encoding in HTTP/1.0 is the end", "RFC9112-6.1-c", "RFC9112-11.2-a", "W02")
def coding_in_1_0(place):
    refused(place, post("Transfer-Encoding: chunked", "Connection: keep-alive", content=HELLO, version="HTTP/1.0"),
            REFUSALS + (200,))
    refused(place, post("Transfer-Encoding: chunked", "Content-Length: 15", "Connection: keep-alive", content=HELLO,
                        version="HTTP/1.0"), REFUSALS)


@rule("framing: the name of a coding has no case, and white space around it", "RFC9112-6.3-a", "RFC9112-5.1-b")
def names_of_codings(place):
    for value in ("chunked", "CHUNKED", "\tChunked ", "chunked\t"):
        in_step(place, post(f"transfer-encoding:{value}", content=HELLO), TAKEN)


# --- field lines ----------------------------------------------------------------------------

@rule("framing: white space before the colon is 400 and the end", "RFC9112-5.1-a", "RFC9112-11.2-a", "W04")
def space_before_colon(place):
    each_refused(place, [post("Content-Length : 5", content=b"hello"), post("Content-Length\t: 5", content=b"hello"),
                         post("Transfer-Encoding : chunked", content=HELLO), field(b"Name : value")])


@rule("framing: a name that is no token is 400 and the end", "RFC9112-5.1-b", "W04", own=True)
def no_tokens(place):
    each_refused(place, [field(octets) for octets in (b": value", b"Na me: value", b"Na(me: value", b"Na\x00me: value",
                                                      b"Na\x7fme: value",
                                                      b"Na\xefme: value", b"Na\x01me: value", b"{Name}: value", b"Name",
                                                      b"Na/me: value",
                                                      b"Transfer-Encoding\x0b: chunked", b"\x00: value")])


@rule("framing: a folded line is 400 and the end", "RFC9112-5.2-a", "RFC9112-11.2-a", "W04")
def folded(place):
    each_refused(place, [field(b"Name: value\r\n folded"), field(b"Name: value\r\n\tfolded"), field(b"Name:\r\n value"),
                         post("Name: value\r\n Content-Length: 5", content=b"hello"),
                         post("Transfer-Encoding:\r\n chunked", content=HELLO)])


@rule("framing: a line of white space before the first field is 400 and the end", "RFC9112-2.2-c", "W04")
def leading_space(place):
    head = b"GET /small.txt HTTP/1.1\r\n"
    each_refused(place, [head + b" Host: x\r\n\r\n", head + b"\tX: y\r\nHost: x\r\n\r\n",
                         head + b" \r\nHost: x\r\n\r\n"])


@rule("framing: a line that a bare LF ends is 400 and the end", "RFC9112-2.2-a", "W04", own=True)
def bare_lf(place):
    each_refused(place, [b"GET /small.txt HTTP/1.1\nHost: x\n\n", b"GET /small.txt HTTP/1.1\nHost: x\r\n\r\n",
                         b"GET /small.txt HTTP/1.1\r\nHost: x\n\r\n", b"GET /small.txt HTTP/1.1\r\nHost: x\r\n\n",
                         b"\n" + request()])


@rule("framing: a bare CR is no line end; 400 and the end", "RFC9112-2.2-b", "RFC9112-11.2-a", "W04")
def bare_cr(place):
    each_refused(place, [field(b"Name: a\rb"), field(b"Name: a\rContent-Length: 5"), field(b"Na\rme: a"),
                         b"GET /small.txt\r HTTP/1.1\r\nHost: x\r\n\r\n",
                         b"GET /small.txt HTTP/1.1\rHost: x\r\n\r\n", b"GET /small.txt HTTP/1.1\r\rHost: x\r\n\r\n"])


@rule("framing: a NUL is nowhere in a head; 400 and the end", "RFC9112-5.1-b", "W04")
def nul(place):
    each_refused(place, [field(b"Name: a\x00b"), field(b"Name: \x00"), field(b"Na\x00me: a"),
                         b"G\x00T / HTTP/1.1\r\nHost: x\r\n\r\n",
                         b"GET / HTTP/1.1\x00\r\nHost: x\r\n\r\n"])


@rule("framing: values are opaque: obs-text, quotes and colons change nothing", "RFC9112-5.1-b")
def opaque_values(place):
    for value in (b"Name: \xe4\xf6\xff", b'Name: "a', b"Name: :::", b"Name:", b"Name:   ", b"Name: a\tb",
                  b"a!#$%&'*+-.^_`|~9: b"):
        expect(place.ask(field(value)).status == 200, f"{brief(value)}: no 200")


@rule("framing: 100,000 octets of header fields are 431 and the end", "RFC6585-5-a", "W01", own=True)
def much_of_fields(place):
    for fields in ([f"X-{number}: " + "a" * 1000 for number in range(99)], ["X: " + "a" * 100000]):
        with place.talk() as talk:
            talk.send(request("/small.txt", *fields) + SMUGGLED)
            response = talk.final()
            expect(response.status == 431, f"{response}")
            talk.ended()


@rule("framing: 100 fields are served, 101 are 431 and the end", "RFC6585-5-a", "W01", own=True)
def many_fields(place):
    response = place.get("/small.txt", *[f"X-{number}: y" for number in range(99)])
    expect(response.status == 200, f"100: {response}")
    refused(place, request("/small.txt", *[f"X-{number}: y" for number in range(100)]), (431,))


@rule("framing: a head of any size is served or refused, and nothing breaks", "W17")
def sizes_of_heads(place):
    frame = len(request("/small.txt", "X: "))
    for power in range(10, 18):
        for size in range((1 << power) - 2, (1 << power) + 3):
            with place.talk() as talk:
                talk.send(request("/small.txt", "X: " + "a" * (size - frame)))
                response = talk.final()
                expect(response.status in ((200,) if size <= 8000 else (200, 400, 431)), f"{size} octets: {response}")


# --- chunks (RFC 9112, 7.1) -----------------------------------------------------------------

def chunked(content, *fields, method="POST"):
    """A request with chunked content."""
    return post("Transfer-Encoding: chunked", *fields, content=content, method=method)


def broken(place, contents):
    """Chunked content that is none: of a POST, which is refused anyhow, and of a GET, which may be answered before."""
    each_refused(place, [chunked(content) for content in contents], REFUSALS)
    each_refused(place, [chunked(content, method="GET") for content in contents], REFUSALS + (200,))


@rule("framing: a chunk whose size is no hexadecimal number is the end", "RFC9112-7.1-a", "RFC9112-11.2-a", "W03")
def sizes_of_chunks(place):
    broken(place, [size + b"\r\nhello\r\n0\r\n\r\n" for size in (b"-1", b"-5", b"+5", b"0x5", b"g", b"", b"5g", b"\xb5",
                                                                 b"5,5", b"5_0", b".5")])


@rule("framing: the size of a chunk does not overflow", "RFC9112-7.1-a", "RFC9112-11.2-a", "W03")
def overflowing_chunks(place):
    sizes = (b"10000000000000005", b"f" * 16, b"f" * 17, b"8" + b"0" * 15, b"1" + b"0" * 32 + b"5", b"7fffffffffffffff",
             b"fffffffffffffff0", b"100000005")
    broken(place, [size + b"\r\nhello\r\n0\r\n\r\n" for size in sizes])


@rule("framing: a chunk without its line end is the end", "RFC9112-7.1-a", "RFC9112-11.2-a", "W03")
def ends_of_chunks(place):
    broken(place, [b"5\r\nhelloX0\r\n\r\n", b"5\r\nhello0\r\n\r\n", b"5\r\nhello\rX0\r\n\r\n",
                   b"5\r\nhello!\r\n0\r\n\r\n", b"5\rhello\r\n0\r\n\r\n", b"5\r\r\nhello\r\n0\r\n\r\n"])


@rule("framing: a bare LF ends no line of a chunk", "RFC9112-7.1-a", "W03", own=True)
def lf_in_chunks(place):
    broken(place, [b"5\nhello\r\n0\r\n\r\n", b"5\r\nhello\n0\r\n\r\n", b"5\r\nhello\r\n0\n\r\n",
                   b"5;a\nb\r\nhello\r\n0\r\n\r\n"])


def flood(place, begin, piece, limit=8 << 20):
    """Chunked content that begins so, and then one piece over and over until there is an answer or an end: they
    come, and soon."""
    for method in ("POST", "GET"):
        with place.talk() as talk:
            talk.send(chunked(begin, method=method))
            sent = 0
            answered = False
            while sent < limit:
                if select.select([talk.sock], [], [], 0)[0]:
                    if answered:
                        break # the end, or it is told below what else
                    response = talk.final()
                    answered = True
                    expect(response.status in REFUSALS + (200, 431), f"{method}: {response} behind {sent} octets")
                talk.send(piece)
                sent += len(piece)
            expect(answered, f"{method}: no answer behind {sent} octets")
            try:
                talk.ended()
            except Wrong as wrong:
                raise Wrong(f"{method}: {sent} octets are not too much: {wrong}") from None


@rule("framing: an extension of a chunk without end is the end", "RFC9112-7.1-a", "W03")
def endless_extension(place):
    flood(place, b"5;", b"a" * 10000)


@rule("framing: extensions of chunks have a limit in all", "RFC9112-7.1-a", "W03", own=True)
def many_extensions(place):
    flood(place, b"", (b"1;" + b"a" * 1000 + b"\r\nx\r\n") * 10)


@rule("framing: a trailer without end is the end", "RFC9112-7.1-a", "W03")
def endless_trailer(place):
    flood(place, b"0\r\n", b"X: " + b"a" * 10000)
    flood(place, b"0\r\n", b"X: y\r\n" * 2000)


@rule("framing: chunks without end are refused at the limit, and the end", "RFC9110-15.5.14-a", "W03")
def endless_chunks(place):
    flood(place, b"", b"100000\r\n" + b"a" * (1 << 20) + b"\r\n", 64 << 20)


@rule("framing: a size of chunk with zeros without end is the end", "RFC9112-7.1-a", "W03")
def endless_zeros(place):
    flood(place, b"", b"0" * 10000)


@rule("framing: trailers do not become header fields", "RFC9112-7.1.2-a")
def trailers(place):
    for method in ("POST", "GET"):
        in_step(place, chunked(b"5\r\nhello\r\n0\r\nHost: evil\r\nContent-Length: 99\r\nConnection: close\r\n"
                               b"Expect: foo\r\nRange: bytes=0-0\r\n\r\n", method=method), TAKEN)


@rule("framing: behind a chunked POST the next request is right", "RFC9112-7.1-a", "RFC9112-9.3-b")
def next_behind_chunks(place):
    for content in (HELLO, b"0\r\n\r\n", b"A;x=1\r\nhellohello\r\n0;y\r\n\r\n",
                    b"a\r\nhellohello\r\n000\r\nX: y\r\n\r\n",
                    b"0000005;a=\"b;c\"\r\nhello\r\n5\r\nhello\r\n0\r\n\r\n",
                    b"%x\r\n" % len(SMUGGLED) + SMUGGLED + b"\r\n0\r\n\r\n"):
        in_step(place, chunked(content), TAKEN)


@rule("framing: behind a POST with a length the next request is right", "RFC9112-9.3-b", "RFC9112-11.2-a")
def next_behind_post(place):
    in_step(place, post("Content-Length: 5", content=b"hello"), TAKEN)
    in_step(place, post(f"Content-Length: {len(SMUGGLED)}", content=SMUGGLED), TAKEN)
    in_step(place, post("Content-Length: 20000", content=SMUGGLED * 1000)[:20000 + len(post("Content-Length: 20000"))],
            TAKEN)


@rule("framing: behind a GET or HEAD with content the next request is right", "RFC9112-9.3-b", "RFC9112-11.2-a", "W11")
def next_behind_get(place):
    for method in ("GET", "HEAD", "OPTIONS", "DELETE", "FOOBAR"):
        statuses = TAKEN + {"OPTIONS": (204,), "HEAD": (400,), "FOOBAR": (400, 501)}.get(method, ())
        in_step(place, post("Content-Length: 5", content=b"hello", method=method), statuses, method)
        in_step(place, post(f"Content-Length: {len(SMUGGLED)}", content=SMUGGLED, method=method), statuses, method)
        in_step(place, chunked(HELLO, method=method), statuses, method)


@rule("framing: the same in pieces", "RFC9112-9.3-b", "RFC9112-7.1-a")
def in_pieces(place):
    for pieces in (3, 7, 20):
        in_step(place, chunked(b"A;x=1\r\nhellohello\r\n0\r\nX: y\r\n\r\n"), TAKEN, pieces=pieces)
        in_step(place, post(f"Content-Length: {len(SMUGGLED)}", content=SMUGGLED, method="GET"), TAKEN, pieces=pieces)


@rule("framing: a POST without a length has no content", "RFC9112-6.3-c", "RFC9110-15.5.12-a")
def no_length(place):
    in_step(place, post(), TAKEN)


@rule("framing: content that ends too early is no request", "RFC9112-6.3-d")
def too_early(place):
    for octets in (post("Content-Length: 10", content=b"hel"), chunked(b"5\r\nhel"), chunked(b"5\r\nhello\r\n0\r\n")):
        with place.talk() as talk:
            talk.send(octets)
            talk.half_close()
            got = talk.rest()
            expect(not got or got.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5")), f"{brief(octets)}: {brief(got)}")


@rule("framing: what looks like a second request is not one, in forty ways", "RFC9112-11.2-a", "W02")
def desync(place):
    """Each vector is answered once and the connection ends, or each reading is the only one that RFC 9112 has."""
    broken = ["Content-Length\x0b: 5", "Content-Length\xa0: 5", "\x00Content-Length: 5", "Content-Length: 5\x00",
              "Content-Length: 5\x0c",
              "Content-Length: 5\rX: y", "X: y\rContent-Length: 5", "Content-Length=5 : 5", "Content-Length: 5, 0",
              "Content-Length: 0, 5",
              "Content-Length: 0\r\nContent-Length: 5", "Content-Length: \x0b5", "Content-Length: 5e0",
              "Content-Length: 0b101",
              "Content-Length: 5 0", "Content-Length: ++5", "Content-Length: 5_0", "Content-Length: \u00bd",
              "Transfer-Encoding: chunked\r\nContent-Length: 5", "Transfer-Encoding: \x0bchunked",
              "Transfer-Encoding: chunked\x0b",
              "Transfer-Encoding: chunked\x00", "Transfer-Encoding\x00: chunked", "Transfer-Encoding: chu\x00nked",
              "Transfer-Encoding: xchunked",
              "Transfer-Encoding: chunkedx", "Transfer-Encoding: chunked;", "Transfer-Encoding: chunked; x=y",
              "Transfer-Encoding: [chunked]",
              "Transfer-Encoding: chunked, identity", "Transfer-Encoding: identity, chunked\r\nContent-Length: 5",
              "Transfer-Encoding : chunked",
              "X: y\r\n Transfer-Encoding: chunked", "Transfer-Encoding: x\r\n chunked", "Transfer-Encoding:\rchunked",
              "Transfer-Encoding: 'chunked'", "Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
              "Transfer-Encoding: x\r\nTransfer-Encoding: chunked",
              "\rTransfer-Encoding: chunked", "Transfer-Encoding: chunked chunked"]
    seen = []
    for text in broken:
        try:
            in_step(place, post(text, content=HELLO if "hunk" in text else b"hello"), REFUSALS)
        except Wrong as wrong:
            seen.append(f"{text!r}: {wrong}")
    expect(not seen, f"{len(seen)} of {len(broken)}: " + " | ".join(seen[:4]))

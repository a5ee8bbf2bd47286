"""codings.py - rules of coded siblings (RFC 9110, 8.4 and 12.5.3), and of files that change while they are sent."""
import os

from probe.talk import brief, expect, request, rule

# --- codings (RFC 9110, 8.4 and 12.5.3) -----------------------------------------------------

def coded(place, value, coding, target="coded.js"):
    """A file by its coded sibling (None: as it is)."""
    response = place.get(f"/{target}", *([] if value is None else [f"Accept-Encoding: {value}"]))
    name = {None: target, "gzip": f"{target}.gz", "br": f"{target}.br"}[coding]
    expect(response.status == 200, f"{value}: {response}")
    expect(response.get("Content-Encoding") == coding,
           f"Accept-Encoding: {value}: Content-Encoding: {response.get('Content-Encoding')}, not {coding}")
    expect(response.content == place.file(name), f"Accept-Encoding: {value}: not the octets of {name}")
    return response


@rule("codings: gzip by the sibling .gz, for who takes it", own=True)
def gzip_sibling(place):
    for value in ("gzip", "gzip, deflate", "deflate, gzip;q=1.0", "gzip;q=0.001", "GZIP", "gzip ; q=0.5",
                  "deflate,gzip"):
        coded(place, value, "gzip", "gzipped.css")


@rule("codings: who does not take gzip gets the file as it is", own=True)
def no_gzip(place):
    for value in (None, "", "identity", "gzip;q=0", "gzip;q=0.000", "deflate", "*;q=0, identity", "gzip;q=0, *",
                  "xgzip", "gzipx", "identity;q=1, gzip;q=0"):
        coded(place, value, None, "gzipped.css")


@rule("codings: br before gzip where both are taken", own=True)
def br_first(place):
    for value in ("br", "gzip, br", "br, gzip", "gzip;q=0.5, br;q=0.5", "gzip;q=0, br", "gzip;q=0, *"):
        coded(place, value, "br")
    for value in ("gzip", "gzip, br;q=0", "br;q=0.1, gzip;q=0.9"):
        coded(place, value, "gzip")
    coded(place, "br;q=0, gzip;q=0", None)


@rule("codings: Vary is told with each variant, 304 too", own=True)
def vary(place):
    for value in ("gzip", "br", "identity", ""):
        response = place.get("/coded.js", f"Accept-Encoding: {value}")
        expect("accept-encoding" in response.tokens("Vary"), f"Accept-Encoding: {value}: Vary: {response.get('Vary')}")
        response = place.get("/coded.js", f"Accept-Encoding: {value}", f"If-None-Match: {response.get('ETag')}")
        expect(response.status == 304, f"{value}: {response}")
        expect("accept-encoding" in response.tokens("Vary"),
               f"304, Accept-Encoding: {value}: Vary: {response.get('Vary')}")


@rule("codings: the type is that of the file, not of its coding", own=True)
def type_of_coded(place):
    types = {place.get("/coded.js", f"Accept-Encoding: {value}").get("Content-Type") for value in ("gzip", "br",
                                                                                                   "identity")}
    expect(len(types) == 1 and "javascript" in types.pop(), f"{types}")


@rule("codings: each variant has its own ETag", "RFC9110-8.8.3-a", own=True)
def tags_of_coded(place):
    tags = [place.get("/coded.js", f"Accept-Encoding: {value}").get("ETag") for value in ("gzip", "br", "identity")]
    expect(len(set(tags)) == 3 or all(tag.startswith("W/") for tag in tags), f"{tags}")


@rule("codings: a range is of the octets that are sent", "RFC9110-14.2-a", own=True)
def range_of_coded(place):
    response = place.get("/gzipped.css", "Accept-Encoding: gzip", "Range: bytes=0-9")
    name = "gzipped.css.gz" if response.get("Content-Encoding") == "gzip" else "gzipped.css"
    expect(response.status in (200, 206), f"{response}")
    if response.status == 206:
        expect(response.content == place.file(name)[:10], "other octets")
        expect(response.get("Content-Range") == f"bytes 0-9/{len(place.file(name))}",
               f"Content-Range: {response.get('Content-Range')}")


@rule("codings: a sibling that is no file is not one", own=True)
def no_sibling(place):
    coded(place, "gzip", None, "trap.txt")


@rule("codings: a file .gz asked for by its own name is sent as it is", own=True)
def gz_itself(place):
    response = place.get("/gzipped.css.gz", "Accept-Encoding: gzip")
    expect(response.content == place.file("gzipped.css.gz") and response.get("Content-Encoding") is None, "not so")


# --- files that change while they are sent (threat W14) ------------------------------------

SIZE = 48 << 20


def half_sent(place):
    """A file of which a reader has taken a little and no more, its octets, and that reader."""
    path = f"{place.root}/moving"
    octets = os.urandom(1 << 20) * (SIZE >> 20)
    with open(path, "wb") as file:
        file.write(octets)
    talk = place.talk(receive_buffer=1 << 16)
    talk.send(request("/moving", "Connection: close"))
    head = talk.until(b"\r\n\r\n", 10000)
    expect(b"Content-Length: %d" % SIZE in head, f"{brief(head)}")
    return path, octets, talk


@rule("changes: a file that is cut while it is sent ends the connection, and nothing is made up", "W14")
def cut(place):
    path, octets, talk = half_sent(place)
    with talk:
        os.truncate(path, 1 << 20)
        got = bytearray(talk.held)
        try:
            while more := talk.sock.recv(1 << 20):
                got += more
        except ConnectionResetError:
            pass
        os.unlink(path)
        expect(len(got) < SIZE, "all octets came, of a file that had them no more")
        expect(octets[:len(got)] == got, f"other octets than the file's among {len(got)}")


@rule("changes: a file that is unlinked or replaced while it is sent comes whole", "W14")
def unlinked(place):
    for replaced in (False, True):
        path, octets, talk = half_sent(place)
        with talk:
            os.unlink(path)
            if replaced:
                with open(path, "wb") as file:
                    file.write(b"new" * 1000)
            expect(talk.exactly(SIZE) == octets, "other octets")
            talk.ended()
        if replaced:
            expect(place.get("/moving").content == b"new" * 1000, "the new one is not seen")
            os.unlink(path)


@rule("changes: of a file that grows while it is sent comes what was promised", "W14")
def grown(place):
    path, octets, talk = half_sent(place)
    with talk:
        with open(path, "ab") as file:
            file.write(b"more" * 1000)
        expect(talk.exactly(SIZE) == octets, "other octets")
        talk.ended()
    os.unlink(path)


@rule("changes: a reader that resets in the middle harms nobody", "W13")
def reset_in_the_middle(place):
    for _ in range(20):
        with place.talk(receive_buffer=1 << 14) as talk:
            talk.send(request("/big"))
            talk.more() # and the rest stays unread: to close is to reset
    expect(place.get().status == 200, "nothing is served any more")

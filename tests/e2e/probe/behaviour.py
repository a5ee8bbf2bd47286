"""behaviour.py - rules of lingering, fairness and patience (RFC 9112, 9.5 and 9.6; threats W09 to W13)."""
import os
import threading
import time

from probe.talk import Wrong, brief, expect, request, rule

FLOOD = 10000 # requests in one go
FAST = 0.1 # seconds, for another client meanwhile
DEADLINE = 10 # seconds, for the head of a request


@rule("closing: who sends much that is not taken gets the whole answer, and no reset before", "RFC9112-9.6-b",
      "RFC9110-15.5.14-a", "W11")
def lingering(place):
    for wait in (0, 0.3):
        with place.talk() as talk:
            talk.send(request("/small.txt", "Content-Length: 50000000", method="POST"))
            for _ in range(32): # some of it is on its way when the answer comes, and behind it
                try:
                    talk.sock.send(b"a" * 65536)
                except (BrokenPipeError, ConnectionResetError):
                    raise Wrong("a reset while the content was sent") from None
                time.sleep(0.005)
            time.sleep(wait)
            response = talk.final()
            expect(response.status in (405, 413), f"{response}")
            expect(response.closes(), "it does not say that it closes")
            talk.ended()


@rule("closing: half of a connection closed is no reason not to answer", "W13")
def half_closed(place):
    with place.talk() as talk:
        talk.send(request("/big") + request("/one"))
        talk.half_close()
        expect(talk.final().content == place.file("big"), "the first: other octets")
        expect(talk.final().content == b"1", "the second: other octets")
        talk.ended()


@rule("closing: of a request that ends in the middle nothing is served", "RFC9110-15.5.9-a", "W13")
def half_a_request(place):
    octets = request("/small.txt")
    for size in (1, 10, len(octets) - 4, len(octets) - 2, len(octets) - 1):
        with place.talk() as talk:
            talk.send(octets[:size])
            talk.half_close()
            got = talk.rest()
            expect(b"a small file" not in got, f"{size} octets: {brief(got)}")
            expect(not got or got.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 408 ")), f"{size} octets: {brief(got)}")


def flood(place):
    """In a process of its own: all requests at once, and all answers; its exit code tells whether they were right."""
    code = 1
    try:
        wanted = place.file("small.txt"), place.file("one")
        octets = b"".join(request("/one" if number % 2 else "/small.txt") for number in range(FLOOD))
        with place.talk(patience=60, slack=60) as talk: # what is read late was answered long before
            writer = threading.Thread(target=talk.send, args=(octets,), daemon=True)
            writer.start()
            for number in range(FLOOD):
                expect(talk.final().content == wanted[number % 2], f"answer {number} is another")
        code = 0
    except Wrong as wrong:
        os.write(2, f"{wrong}\n".encode())
    finally:
        os._exit(code)


@rule("fairness: 10,000 requests in one go are answered, and another client waits for none", "W12")
def fair(place):
    child = os.fork()
    if child == 0:
        flood(place)
    times, code = [], None
    while code is None:
        start = time.monotonic()
        response = place.get()
        times.append(time.monotonic() - start)
        expect(response.status == 200, f"{response}")
        done, status = os.waitpid(child, os.WNOHANG)
        code = os.waitstatus_to_exitcode(status) if done else None
    expect(code == 0, "they were not all answered in order")
    times.sort()
    slow = times[-1 - len(times) // 20] # the machine may take its time for one in twenty
    expect(slow < FAST, f"{slow * 1000:.0f} ms, the slowest of {len(times)} {times[-1] * 1000:.0f} ms")


def ends_after(place, head, piece, pause, words=(b"HTTP/1.1 408 ",)):
    """The seconds until the server has had enough of a request that comes in pieces, and says so or nothing."""
    with place.talk(patience=pause) as talk:
        start = time.monotonic()
        talk.send(head)
        while time.monotonic() - start < 3 * DEADLINE:
            try:
                got = talk.sock.recv(1000)
            except TimeoutError:
                talk.send(piece)
                continue
            except ConnectionResetError:
                got = b""
            expect(not got or got.startswith(words), f"{brief(got)}")
            return time.monotonic() - start
        raise Wrong(f"still open after {3 * DEADLINE} s")


@rule("patience: a head that comes octet by octet ends at about 10 s, by 408 or without a word", "RFC9112-9.5-a",
      "RFC9110-15.5.9-a", "W09", slow=True)
def slow_head(place):
    took = ends_after(place, b"GET /small.txt HTTP/1.1\r\nHost: x\r\nX: ", b"a", 0.4)
    expect(DEADLINE - 2 < took < DEADLINE + 3, f"after {took:.1f} s")


@rule("patience: so does one that stops in its first line", "RFC9112-9.5-a", "RFC9110-15.5.9-a", "W09", slow=True)
def silent_head(place):
    took = ends_after(place, b"GET /sm", b"", 0.4)
    expect(DEADLINE - 2 < took < DEADLINE + 3, f"after {took:.1f} s")


@rule("patience: and one behind an answered request", "RFC9112-9.5-a", "W09", slow=True)
def slow_second_head(place):
    with place.talk() as talk:
        talk.send(request())
        expect(talk.final().status == 200, "no 200")
        talk.sock.settimeout(0.4)
        start = time.monotonic()
        talk.send(b"GET / HTTP/1.1\r\n")
        while True:
            try:
                got = talk.sock.recv(1000)
                break
            except TimeoutError:
                talk.send(b"X: y\r\n")
                expect(time.monotonic() - start < 3 * DEADLINE, f"still open after {3 * DEADLINE} s")
            except ConnectionResetError:
                got = b""
                break
        expect(not got or got.startswith(b"HTTP/1.1 408 "), f"{brief(got)}")
        expect(DEADLINE - 2 < time.monotonic() - start < DEADLINE + 3, f"after {time.monotonic() - start:.1f} s")


REFUSED = (b"HTTP/1.1 408 ", b"HTTP/1.1 405 ", b"HTTP/1.1 413 ", b"HTTP/1.1 411 ")


@rule("patience: content that does not come is not waited for much longer", "RFC9112-9.5-a", "RFC9110-15.5.9-a", "W11",
      slow=True)
def silent_content(place):
    ends_after(place, request("/small.txt", "Content-Length: 100", method="POST"), b"", 0.4, REFUSED)


@rule("patience: nor is content that comes octet by octet", "W11", own=True, slow=True)
def slow_content(place):
    ends_after(place, request("/small.txt", "Content-Length: 100", method="POST"), b"a", 0.4, REFUSED)
    ends_after(place, request("/small.txt", "Transfer-Encoding: chunked", method="POST"), b"1\r\na\r\n", 0.4, REFUSED)


@rule("patience: a connection without a request is closed in its time", "RFC9112-9.5-a", asked=True)
def idle(place):
    with place.talk() as talk:
        talk.send(request())
        expect(talk.final().status == 200, "no 200")
        talk.ended(80) # RFC 9112 has no figure; practice is from 5 to 75 s

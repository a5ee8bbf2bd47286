"""talk.py - one end of a conversation with a web server, octet by octet.

A library for clients forgives; a probe must not. So this reads responses by the letter of RFC 9112 and takes
exception to whatever no response may be: a status line or a field line out of its grammar, two lengths, a
length where there is no content, a missing or wrong Date. Each rule of the probe thereby holds all of these,
on every response that it sees. What was seen instead is said in the text of the exception, Wrong.
"""
import email.utils
import re
import socket
import time

PATIENCE = 10 # seconds, for any one answer; a machine may be busy
SLACK = 3 # seconds, between the clock and the Date of what has just come
CLOSING = 5 # seconds, for a connection to end behind its last answer

MUCH = 64 << 20 # octets of content; no rule asks for as many

STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) ([\t -~\x80-\xff]*)")
FIELD_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*"
                        rb"([!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?|)[ \t]*")
IMF_FIXDATE = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-3][0-9] (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) "
                         r"[0-9]{4} [0-2][0-9]:[0-5][0-9]:[0-6][0-9] GMT")
ONCE = ("content-length", "content-type", "content-range", "date", "etag", "last-modified", "location")


class Wrong(Exception):
    """A rule does not hold; the text is what was seen."""


def brief(octets, limit=70):
    """Octets as a reader of the report wants them."""
    text = repr(bytes(octets[:limit]))[2:-1]
    return text + (f"... ({len(octets)} octets)" if len(octets) > limit else "")


def expect(condition, seen):
    """Takes exception to what was seen unless the condition holds."""
    if not condition:
        raise Wrong(seen)


def imf(seconds):
    """A time in the one form that is sent (RFC 9110, 5.6.7)."""
    return email.utils.formatdate(seconds, usegmt=True)


def seconds_of(text):
    """The time that an IMF-fixdate tells; its weekday must be that of its date."""
    expect(IMF_FIXDATE.fullmatch(text), f"not an IMF-fixdate: {text}")
    seconds = email.utils.parsedate_to_datetime(text).timestamp()
    expect(imf(seconds) == text, f"no such day: {text}")
    return seconds


def request(target="/small.txt", *fields, method="GET", version="HTTP/1.1", host="x", content=b""):
    """A request as octets; of the target and the fields each character is an octet."""
    lines = [f"{method} {target} {version}"]
    if host is not None:
        lines.append(f"Host: {host}")
    lines += fields
    return "\r\n".join(lines + ["", ""]).encode("latin-1") + content


class Response:
    """A head, and its content once that is read."""

    def __init__(self, head, slack=SLACK):
        lines = head.split(b"\r\n")
        match = STATUS_LINE.fullmatch(lines[0])
        expect(match, f"not a status line: {brief(lines[0])}")
        self.status = int(match.group(1))
        self.content = b""
        self.fields = []
        for line in lines[1:]:
            match = FIELD_LINE.fullmatch(line)
            expect(match, f"not a field line: {brief(line)}")
            self.fields.append((match.group(1).decode(), match.group(2).decode("latin-1")))
        for name in ONCE:
            count = len([1 for field, _ in self.fields if field.lower() == name])
            expect(count < 2, f"{count} fields {name}")
        self.judge(slack)

    def __str__(self):
        return f"status {self.status}"

    def get(self, name):
        """The value of a field, its lines joined, or None."""
        values = [value for field, value in self.fields if field.lower() == name.lower()]
        return ", ".join(values) if values else None

    def tokens(self, name):
        """The members of a list of tokens, in lower case."""
        return [token.strip().lower() for token in (self.get(name) or "").split(",") if token.strip()]

    def length(self):
        """Content-Length as a number, or None."""
        text = self.get("Content-Length")
        expect(text is None or re.fullmatch("[0-9]+", text), f"Content-Length: {text}")
        return None if text is None else int(text)

    def judge(self, slack):
        """What holds of every response, whatever was asked."""
        coded, length = self.get("Transfer-Encoding"), self.length()
        expect(coded is None or length is None, "both Content-Length and Transfer-Encoding (RFC 9112, 6.2)")
        expect(coded in (None, "chunked"), f"Transfer-Encoding: {coded}")
        if self.status < 200 or self.status == 204:
            expect(coded is None and length is None, f"a length on {self.status} (RFC 9110, 8.6; RFC 9112, 6.1)")
        if 200 <= self.status < 500:
            date = self.get("Date")
            expect(date is not None, f"no Date on {self.status} (RFC 9110, 6.6.1)")
            expect(abs(seconds_of(date) - time.time()) < slack,
                   f"Date: {date} on {self.status}, now it is {imf(time.time())}")

    def closes(self):
        """Does it say that it is the last of its connection?"""
        return "close" in self.tokens("Connection")


class Talk:
    """A connection. Whatever is read must be asked for: ended() takes exception to octets that are left."""

    def __init__(self, place, patience=PATIENCE, slack=SLACK, receive_buffer=None):
        self.slack = slack
        self.sock = socket.socket()
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(patience)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.connect((place.address, place.port))
        self.held = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, octets):
        """All of it. Who hangs up meanwhile has perhaps answered before: that is for the reader to judge."""
        try:
            self.sock.sendall(octets)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def half_close(self):
        """Says that nothing more will come."""
        self.sock.shutdown(socket.SHUT_WR)

    def more(self):
        """Some octets, b"" at the end."""
        try:
            return self.sock.recv(1 << 18)
        except socket.timeout:
            raise Wrong(f"nothing for {self.sock.gettimeout():g} s, behind {brief(self.held) or 'nothing'}") from None
        except ConnectionResetError:
            raise Wrong(f"a reset, behind {brief(self.held) or 'nothing'}") from None

    def until(self, mark, limit):
        """The octets before a mark."""
        while mark not in self.held:
            expect(len(self.held) < limit, f"no {mark!r} in {len(self.held)} octets: {brief(self.held)}")
            part = self.more()
            expect(part, f"closed behind {brief(self.held) or 'nothing'}")
            self.held += part
        octets, self.held = self.held.split(mark, 1)
        return octets

    def exactly(self, count):
        """As many octets, or an exception that says how many there were."""
        parts, have = [self.held], len(self.held)
        while have < count:
            part = self.more()
            expect(part, f"closed behind {have} of {count} octets of content")
            parts.append(part)
            have += len(part)
        octets = b"".join(parts)
        self.held = octets[count:]
        return octets[:count]

    def chunks(self):
        """The content of a chunked response."""
        parts = []
        while True:
            line = self.until(b"\r\n", 1000)
            expect(re.fullmatch(b"[0-9A-Fa-f]+", line), f"not the size of a chunk: {brief(line)}")
            size = int(line, 16)
            if size == 0:
                break
            parts.append(self.exactly(size))
            expect(self.exactly(2) == b"\r\n", "a chunk without its line end")
        while self.until(b"\r\n", 10000):
            pass # a trailer field
        return b"".join(parts)

    def answer(self, method="GET", version="HTTP/1.1"):
        """The next response, an interim one too."""
        response = Response(self.until(b"\r\n\r\n", 100000), self.slack)
        chunked = response.get("Transfer-Encoding")
        expect(not chunked or version != "HTTP/1.0", "Transfer-Encoding to a client of HTTP/1.0 (RFC 9112, 6.1)")
        if method == "HEAD" or response.status < 200 or response.status in (204, 304):
            return response
        if chunked:
            response.content = self.chunks()
        elif response.length() is not None:
            expect(response.length() <= MUCH, f"{response}, and {response.length()} octets of content")
            response.content = self.exactly(response.length())
        else:
            response.content = self.rest()
        return response

    def final(self, method="GET", version="HTTP/1.1"):
        """The next response that is not interim."""
        response = self.answer(method, version)
        while response.status < 200:
            response = self.answer(method, version)
        return response

    def rest(self):
        """All that comes until the peer closes."""
        parts = [self.held]
        self.held = b""
        while True:
            part = self.more()
            if not part:
                return b"".join(parts)
            parts.append(part)

    def ended(self, seconds=CLOSING):
        """Nothing is left, and the peer closes. A reset is an end as well: all answers are read by now."""
        expect(not self.held, f"octets behind the last answer: {brief(self.held)}")
        self.sock.settimeout(seconds)
        try:
            part = self.sock.recv(1 << 16)
        except socket.timeout:
            raise Wrong(f"the connection is still open after {seconds} s") from None
        except ConnectionResetError:
            part = b""
        expect(not part, f"octets behind the last answer: {brief(part)}")


class Place:
    """Where the server is, and the folder that it serves."""

    def __init__(self, address, port, root):
        self.address = address
        self.port = int(port)
        self.root = root

    def talk(self, **options):
        """A new connection."""
        return Talk(self, **options)

    def ask(self, octets, method="GET", version="HTTP/1.1"):
        """The final answer to one request, on a connection of its own."""
        with self.talk() as talk:
            talk.send(octets)
            return talk.final(method, version)

    def get(self, target="/small.txt", *fields, **options):
        """The answer to a request with these fields."""
        return self.ask(request(target, *fields, **options), options.get("method", "GET"),
                        options.get("version", "HTTP/1.1"))

    def file(self, name):
        """What the server should send of a file."""
        with open(f"{self.root}/{name}", "rb") as file:
            return file.read()


class Rule:
    """A test: its name, its function, and the ids of what it proves."""

    def __init__(self, name, function, proofs, own, slow, asked):
        self.name = name
        self.function = function
        self.proofs = proofs
        self.own = own # our own promise: stricter than the RFCs, or beside them
        self.slow = slow # mostly waits, so it runs beside the others
        self.asked = asked # only when asked for by name


RULES = []


def rule(name, *proofs, own=False, slow=False, asked=False):
    """Marks a function as a rule."""

    def add(function):
        RULES.append(Rule(name, function, proofs, own, slow, asked))
        return function

    return add


SMUGGLED = request("/smuggled.txt")


def refused(place, octets, statuses=(400,), half_close=False):
    """One answer, of these statuses, and the end; what follows the octets is not taken for a request."""
    with place.talk() as talk:
        talk.send(octets + SMUGGLED)
        if half_close:
            talk.half_close()
        response = talk.final()
        expect(response.status in statuses, f"{brief(octets)}: {response}")
        try:
            talk.ended()
        except Wrong as wrong:
            raise Wrong(f"{brief(octets)}: {response}, then {wrong}") from None


def each_refused(place, table, statuses=(400,)):
    """The same for many, and all that are not refused are told."""
    seen = []
    for octets in table:
        try:
            refused(place, octets, statuses)
        except Wrong as wrong:
            text = str(wrong)
            seen.append(text if text.startswith(brief(octets)) else f"{brief(octets)}: {text}")
    expect(not seen, f"{len(seen)} of {len(table)}: " + " | ".join(seen[:4]))


def in_step(place, octets, statuses, method="GET", pieces=1):
    """A request with content, then another: the second is answered as if it had come alone, or the first
    answer was the last of its connection (RFC 9112, 9.3)."""
    octets += request("/small.txt", "Connection: close")
    with place.talk() as talk:
        size = len(octets) // pieces + 1
        for start in range(0, len(octets), size):
            talk.send(octets[start:start + size])
            if pieces > 1:
                time.sleep(0.01)
        first = talk.final(method)
        expect(first.status in statuses, f"the first: {first}")
        if first.closes():
            talk.ended()
            return first
        second = talk.final()
        expect(second.status == 200, f"the first: {first}, the second: {second}")
        expect(second.content == place.file("small.txt"), f"the second: {brief(second.content)}")
        talk.ended()
        return first

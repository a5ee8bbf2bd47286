#!/usr/bin/env python3
"""clients.py - clients for the end-to-end suites that no common program is: python3 and no more.

    clients.py pipeline HOST PORT COUNT     COUNT requests in one write; checks that answers keep order
    clients.py changes HOST PORT SITE       files that change between two requests of one connection
    clients.py echo HOST PORT OCTETS        sends random octets, reads them back at once, compares
    clients.py discard HOST PORT OCTETS     sends and closes; the peer must close too and say nothing
    clients.py chargen HOST PORT OCTETS     reads OCTETS of RFC 864's pattern, checks it, and closes
    clients.py udp HOST ECHO DISCARD CHARGEN
                                            datagrams to the three services, to a closed port, in a loop
    clients.py big_udp HOST ECHO            datagrams that leave and come back in fragments, to the largest
    clients.py half_datagrams HOST SECONDS  first fragments of which the rest never comes, and tiny ones;
                                            prints how many
    clients.py raw HOST PORT TEXT           sends TEXT (with \\r\\n escapes), prints the whole answer
    clients.py serve_echo COUNT             prints its port, and echoes COUNT connections one by one
    clients.py frames DEVICE SOURCE_MAC TARGET_MAC SOURCE TARGET PORT CLOSED_PORT
                                            the frames that nobody should send
"""
import hashlib
import os
import random
import re
import shutil
import socket
import struct
import sys
import threading
import time

TIMEOUT = 120


def connect(host, port):
    """A connection on cubic, whatever the machine prefers: bbr overruns a lossy path, and without SACK
    from the peer its retransmission timeout then doubles and doubles."""
    sock = socket.create_connection((host, int(port)), timeout=TIMEOUT)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"cubic")
    except OSError:
        pass # a module that is absent, or not allowed here
    return sock


def read_all(sock):
    parts = []
    while True:
        part = sock.recv(1 << 16)
        if not part:
            return b"".join(parts)
        parts.append(part)


def pipeline(host, port, count):
    """Odd requests are for a file that is there, even ones for one that is not."""
    count = int(count)
    text = ""
    for number in range(count):
        last = "Connection: close\r\n" if number == count - 1 else ""
        path = "/small.txt" if number % 2 else f"/missing-{number}"
        text += f"GET {path} HTTP/1.1\r\nHost: x\r\n{last}\r\n"
    with connect(host, port) as sock:
        writer = threading.Thread(target=sock.sendall, args=(text.encode(),), daemon=True)
        writer.start()
        answer = read_all(sock)
    codes = re.findall(rb"HTTP/1\.1 (\d+) ", answer)
    wanted = [b"200" if number % 2 else b"404" for number in range(count)]
    assert codes == wanted, f"{len(codes)} answers of {count}, or not in order"


class Asker:
    """One connection that is kept, and a request after the other."""

    def __init__(self, host, port):
        self.sock = connect(host, port)
        self.file = self.sock.makefile("rb")

    def send(self, path, count=1):
        self.sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * count)

    def answer(self):
        """The status and the content of the next response."""
        status = int(self.file.readline().split()[1])
        length = 0
        while (line := self.file.readline().strip()):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return status, self.file.read(length)

    def ask(self, path):
        self.send(path)
        return self.answer()


def changes(host, port, site):
    """Nobody gets what was replaced before he asked, while others keep the server busy with the same file."""
    place = f"{site}/changing"
    asker, done = Asker(host, port), threading.Event()

    def write(path, content):
        with open(path, "wb") as file:
            file.write(content)

    def load():
        other = Asker(host, port)
        while not done.is_set():
            other.send("/changing/page", 16)
            for _ in range(16):
                other.answer()

    def check(path, status, content):
        got = asker.ask("/changing/" + path)
        assert got == (status, content), f"{path}: {got} and not {content}"

    os.makedirs(place + "/one", exist_ok=True)
    os.makedirs(place + "/two", exist_ok=True)
    write(place + "/page", b"first")
    threads = [threading.Thread(target=load, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        check("page", 200, b"first")
    for number in range(300): # renamed over; written in place, as long as before
        write(place + "/new", b"renamed %d" % number)
        os.rename(place + "/new", place + "/page")
        check("page", 200, b"renamed %d" % number)
        with open(place + "/page", "r+b") as file:
            file.write(b"WRITTEN")
        check("page", 200, b"WRITTEN %d" % number)
    done.set()
    for thread in threads:
        thread.join()
    write(place + "/one/inner", b"one")
    write(place + "/two/inner", b"two")
    os.symlink("one/inner", place + "/link")
    os.symlink("one", place + "/folder")
    for _ in range(3): # twice, to be remembered, and once more
        check("link", 200, b"one")
        check("folder/inner", 200, b"one")
    for link, target in (("link", "two/inner"), ("folder", "two")):
        os.symlink(target, place + "/switched")
        os.rename(place + "/switched", f"{place}/{link}")
    time.sleep(1.1)
    check("link", 200, b"two")
    check("folder/inner", 200, b"two")
    os.unlink(place + "/page")
    assert asker.ask("/changing/page")[0] == 404, "what was removed is still there"
    shutil.rmtree(place)


def echo(host, port, octets):
    """Writes and reads at once, so that neither side's buffers have to hold it all."""
    octets = int(octets)
    sent, got = hashlib.sha256(), hashlib.sha256()
    with connect(host, port) as sock:
        # A small flight: without SACK a sender resends it from its first hole on after each timeout.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)

        def write():
            left = octets
            while left:
                chunk = os.urandom(min(left, 1 << 16))
                sent.update(chunk)
                sock.sendall(chunk)
                left -= len(chunk)
            sock.shutdown(socket.SHUT_WR)

        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        count = 0
        while True:
            part = sock.recv(1 << 16)
            if not part:
                break
            got.update(part)
            count += len(part)
        writer.join(TIMEOUT)
    assert count == octets, f"{count} octets came back of {octets}"
    assert sent.digest() == got.digest(), "what came back is not what was sent"


def discard(host, port, octets):
    left = int(octets)
    chunk = os.urandom(1 << 16)
    with connect(host, port) as sock:
        while left:
            left -= sock.send(chunk[:min(left, len(chunk))])
        sock.shutdown(socket.SHUT_WR)
        assert read_all(sock) == b"", "discard answered"


def chargen(host, port, octets):
    """RFC 864: 72 characters a line of the 95 printable ones, each line begins one further on."""
    octets = int(octets)
    printable = bytes(range(32, 127)) * 3
    pattern = b"".join(printable[line:line + 72] + b"\r\n" for line in range(95))
    with connect(host, port) as sock:
        got = b""
        while len(got) < octets:
            part = sock.recv(1 << 16)
            assert part, "chargen ended by itself"
            got += part
    first = got[:74]
    assert len(first) == 74 and first.endswith(b"\r\n"), "a line has 72 characters, CR and LF"
    at = pattern.find(first)
    assert at >= 0 and at % 74 == 0, "the first line is not one of the pattern"
    endless = pattern[at:] + pattern * (len(got) // len(pattern) + 1)
    assert got == endless[:len(got)], "the pattern breaks"


def raw(host, port, text):
    with connect(host, port) as sock:
        sock.settimeout(20)
        sock.sendall(text.encode().decode("unicode_escape").encode("latin-1"))
        sys.stdout.buffer.write(read_all(sock))


def serve_echo(count):
    with socket.create_server(("0.0.0.0", 0)) as server:
        print(server.getsockname()[1], flush=True)
        for _ in range(int(count)):
            sock, _ = server.accept()
            with sock:
                sock.settimeout(TIMEOUT)
                while part := sock.recv(1 << 16):
                    sock.sendall(part)


# --- frames ---------------------------------------------------------------------------------


def checksum(octets):
    if len(octets) % 2:
        octets += b"\0"
    total = sum(struct.unpack(f">{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(source, target, protocol, payload, **change):
    total = change.get("total", 20 + len(payload))
    header = struct.pack(">BBHHHBBH4s4s", change.get("first", 0x45), 0, total, 0, change.get("frag", 0x4000),
                         change.get("ttl", 64), protocol, 0, source, target)
    return header[:10] + struct.pack(">H", checksum(header)) + header[12:] + payload


def tcp(source, target, source_port, port, flags, seq=1, ack=0, text=b"", **change):
    header = struct.pack(">HHIIBBHHH", source_port, port, seq, ack, change.get("offset", 5) << 4, flags,
                         64240, 0, 0)
    pseudo = source + target + struct.pack(">BBH", 0, 6, len(header) + len(text))
    total = checksum(pseudo + header + text) ^ change.get("spoil", 0)
    return header[:16] + struct.pack(">H", total) + header[18:] + text


def frames(device, source_mac, target_mac, source, target, port, closed_port):
    """Sends each kind some times, shuffled and slowly enough for a queue of a thousand."""
    ours = bytes.fromhex(source_mac.replace(":", ""))
    theirs = bytes.fromhex(target_mac.replace(":", ""))
    src, dst = socket.inet_aton(source), socket.inet_aton(target)
    port, closed_port = int(port), int(closed_port)
    head = theirs + ours + b"\x08\x00"
    fin, syn, rst, psh, ack_bit, urg = 1, 2, 4, 8, 16, 32

    def segment(to_port, flags, **change):
        return head + ipv4(src, dst, 6, tcp(src, dst, random.randrange(1024, 65535), to_port, flags, **change))

    kinds = []
    for to_port in (port, closed_port):
        for flags in (0, fin, fin | psh | urg, syn | fin, syn | rst, 0x3F, 0xFF, rst, fin | ack_bit,
                      psh | ack_bit, ack_bit):
            kinds.append(segment(to_port, flags, seq=random.getrandbits(32), ack=random.getrandbits(32)))
        kinds.append(segment(to_port, syn, offset=4))
        kinds.append(segment(to_port, syn, offset=15))
        kinds.append(segment(to_port, syn, spoil=0x0100))
    # LAND: from its own address and port.
    kinds.append(head + ipv4(dst, dst, 6, tcp(dst, dst, port, port, syn)))
    # Ethernet: short (the TAP refuses fewer than 14), 802.3, VLAN tags, nested tags, foreign, to groups.
    plain = ipv4(src, dst, 6, tcp(src, dst, 4000, port, syn | fin))
    kinds += [theirs + ours + b"\x08\x00", theirs + ours + b"\x00\x2e" + bytes(46),
              theirs + ours + b"\x81\x00\x00\x05\x08\x00" + plain, theirs + ours + b"\x81\x00\x00\x05" * 8,
              theirs + ours + b"\x88\xa8\x00\x05\x81\x00\x00\x05\x08\x00" + plain,
              theirs + ours + b"\x12\x34" + bytes(50), b"\xff" * 6 + ours + b"\x08\x00" + plain,
              b"\x01\x00\x5e\x00\x00\x01" + ours + b"\x08\x00" + plain,
              theirs + b"\x01\x02\x03\x04\x05\x06\x08\x00" + plain, theirs + theirs + b"\x08\x00" + plain]
    # IPv4: every way in which the header may lie; fragments; odd addresses; other protocols.
    for change in ({"first": 0x65}, {"first": 0x44}, {"first": 0x4F}, {"total": 19}, {"total": 65535},
                   {"frag": 0x2000}, {"frag": 0x1FFF}, {"frag": 0x00B9}, {"ttl": 0}):
        kinds.append(head + ipv4(src, dst, 6, tcp(src, dst, 4001, closed_port, ack_bit), **change))
    for protocol in (0, 4, 41, 47, 255):
        kinds.append(head + ipv4(src, dst, protocol, plain))
    for liar in ("224.0.0.1", "255.255.255.255", "127.0.0.1", "0.0.0.0", "240.0.0.1", "10.9.0.255"):
        kinds.append(head + ipv4(socket.inet_aton(liar), dst, 6, tcp(src, dst, 4002, port, syn)))
    kinds.append(head + ipv4(src, dst, 17, struct.pack(">HHHH", 5, 5, 8, 0)))
    kinds.append(head + ipv4(src, dst, 1, b"\x08\x00\x00\x00"))
    # ARP: too short, odd sizes, senders that cannot be.
    arp = theirs + ours + b"\x08\x06"
    kinds += [arp + bytes(10), arp + struct.pack(">HHBBH", 1, 0x0800, 6, 16, 1) + bytes(40),
              arp + struct.pack(">HHBBH", 1, 0x0800, 6, 4, 9) + bytes(20),
              arp + struct.pack(">HHBBH", 1, 0x0800, 6, 4, 1) + b"\xff" * 6 + src + bytes(6) + dst]
    kinds.append(head + bytes(random.getrandbits(8) for _ in range(200)))
    everything = kinds * 20
    random.shuffle(everything)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind((device, 0))
        for number, frame in enumerate(everything):
            sock.send(frame)
            if number % 50 == 49:
                time.sleep(0.005)
        try: # longer than the server's MTU; refused here unless this side's MTU is larger
            for length in (1515, 1519, 4000, 8000):
                sock.send(head + bytes(length - 14))
        except OSError:
            print("this side refuses giants")
    print(f"{len(everything)} frames")


def udp(host, echo_port, discard_port, chargen_port):
    """Datagrams come back whole, each alone; who must be silent is; a closed port refuses."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(TIMEOUT)
        sock.connect((host, int(echo_port)))
        for length in (0, 1, 2, 17, 511, 512, 1471, 1472):
            data = os.urandom(length)
            sock.send(data)
            assert sock.recv(70000) == data, f"an echo of {length} octets"
        flight = [os.urandom(100) for _ in range(64)]
        for data in flight:
            sock.send(data)
        assert [sock.recv(70000) for _ in flight] == flight, "64 at once"
        sock.connect((host, int(chargen_port)))
        sock.send(b"x")
        assert len(sock.recv(70000)) <= 512, "chargen's length"
        sock.settimeout(0.3)
        sock.connect((host, int(discard_port)))
        sock.send(b"x")
        assert silence(sock), "discard answered"
        sock.connect((host, 5))
        sock.send(b"x")
        try:
            sock.recv(1)
            raise AssertionError("a closed port answered")
        except ConnectionRefusedError:
            pass
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock: # a service speaks to a service
        sock.settimeout(0.3)
        sock.bind(("", int(echo_port)))
        sock.connect((host, int(echo_port)))
        sock.send(b"loop")
        assert silence(sock), "an answer was answered"


def big_udp(host, echo_port):
    """Datagrams larger than the link carries come back octet for octet."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(TIMEOUT)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        sock.connect((host, int(echo_port)))
        for length in (1473, 1480, 2952, 2953, 4000, 9000, 32768, 65506, 65507):
            data = os.urandom(length)
            sock.send(data)
            assert sock.recv(70000) == data, f"an echo of {length} octets"


def half_datagrams(host, seconds):
    """From many addresses; whole packets by a raw socket (the kernel fills in the header's sum)."""
    sent, end = 0, time.monotonic() + float(seconds)
    dst = socket.inet_aton(host)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as sock:
        while time.monotonic() < end:
            src = bytes((10, 9, 0, 3 + sent % 200))
            size, offset = ((1472, 0), (8, 1 + sent // 200 % 100))[sent % 2]
            ident = sent // 200 % 65535 + 1 if size > 8 else 7
            header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + size, ident, 0x2000 | offset, 64,
                                 socket.IPPROTO_UDP, 0, src, dst)
            sock.sendto(header + bytes(size), (host, 0))
            sent += 1
    print(sent)


def silence(sock):
    try:
        sock.recv(70000)
    except socket.timeout:
        return True
    return False


if __name__ == "__main__":
    verbs = {verb.__name__: verb
             for verb in (pipeline, changes, echo, discard, chargen, raw, serve_echo, frames, udp, big_udp,
                          half_datagrams)}
    if len(sys.argv) < 2 or sys.argv[1] not in verbs:
        sys.exit(__doc__)
    try:
        verbs[sys.argv[1]](*sys.argv[2:])
    except AssertionError as wrong:
        sys.exit(f"{sys.argv[1]}: {wrong}")

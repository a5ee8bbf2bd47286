#!/usr/bin/env python3
"""why.py - clients of the kernel who get into the troubles that `tapio why` is asked about; `why.py VERB ARGS...`.

A verb that goes on until it is ended says "ready" first.
"""
import random
import socket
import struct
import sys
import time

SERVER = "10.9.0.2"


def connect(port):
    return socket.create_connection((SERVER, int(port)), timeout=10)


def reset(port):
    """Speaks, and aborts."""
    sock = connect(port)
    sock.sendall(b"hello")
    time.sleep(0.1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def stop_reading(port, seconds):
    """Takes nothing for so long, then goes on and closes."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    sock.connect((SERVER, int(port)))
    print("ready", flush=True)
    time.sleep(float(seconds))
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        sock.recv(65536)
    sock.close()
    print("read", flush=True)


def read_on(port):
    """Reads what comes, until it is ended."""
    sock = connect(port)
    sock.settimeout(None)
    sock.recv(65536)
    print("ready", flush=True)
    while sock.recv(65536):
        pass


def checksum(octets):
    if len(octets) % 2:
        octets += b"\0"
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ipv4(protocol, payload, wrong_sum=False):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0,
                       socket.inet_aton("10.9.0.1"), socket.inet_aton(SERVER))
    total = checksum(head) ^ (0x5555 if wrong_sum else 0)
    return head[:10] + struct.pack("!H", total) + head[12:] + payload


def tcp(source, to, flags, words=5, wrong_sum=False):
    head = struct.pack("!HHIIBBHHH", source, to, random.getrandbits(32), 0, words << 4, flags, 1000, 0, 0)
    pseudo = socket.inet_aton("10.9.0.1") + socket.inet_aton(SERVER) + struct.pack("!BBH", 0, 6, len(head))
    total = checksum(pseudo + head) ^ (0x5555 if wrong_sum else 0)
    return head[:16] + struct.pack("!H", total) + head[18:]


def throw(device, ours, theirs):
    """Bad packets, one of each kind: a TCP checksum, an IP checksum, an unknown protocol, a TCP header
    longer than its segment, a VLAN."""
    to, source = (bytes.fromhex(mac.replace(":", "")) for mac in (theirs, ours))
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sock.bind((device, 0))
    for kind, packet in ((0x0800, ipv4(6, tcp(1111, 80, 2, wrong_sum=True))),
                         (0x0800, ipv4(6, tcp(2222, 80, 2), wrong_sum=True)),
                         (0x0800, ipv4(253, b"what is this")),
                         (0x0800, ipv4(6, tcp(3333, 80, 2, words=15))),
                         (0x8100, b"\0\1\x08\0" + ipv4(6, tcp(4444, 80, 2)))):
        sock.send(to + source + struct.pack("!H", kind) + packet)


if __name__ == "__main__":
    verbs = {f.__name__.replace("_", "-"): f for f in (reset, stop_reading, read_on, throw)}
    verbs[sys.argv[1]](*sys.argv[2:])

#!/usr/bin/env python3
"""stream_peer - the other end of `--dev stream:PATH`, for the end-to-end suite.

    stream_peer.py relay PATH   joins two who connect; what one says the other hears, cut at random places
    stream_peer.py close PATH   takes one, hears a frame, and closes
    stream_peer.py http PATH    takes one and speaks something else

Writes "listening" once somebody may connect. Ends with its peers.
"""
import random
import selectors
import socket
import sys


def relay(listener):
    ends = [listener.accept()[0], listener.accept()[0]]
    other = {ends[0]: ends[1], ends[1]: ends[0]}
    cuts = random.Random(7)
    watch = selectors.DefaultSelector()
    for end in ends:
        watch.register(end, selectors.EVENT_READ)
    while True:
        for key, _ in watch.select():
            octets = key.fileobj.recv(cuts.choice((1, 2, 3, 5, 40, 700, 65536)))
            if not octets:
                return
            other[key.fileobj].sendall(octets)


def main():
    verb, path = sys.argv[1:]
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen()
    print("listening", flush=True)
    if verb == "relay":
        relay(listener)
    elif verb == "close":
        listener.accept()[0].recv(46)
    elif verb == "http":
        peer = listener.accept()[0]
        peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        peer.recv(1 << 20)
        peer.recv(1 << 20)


if __name__ == "__main__":
    try:
        main()
    except (BrokenPipeError, ConnectionResetError):
        pass

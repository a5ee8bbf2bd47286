#!/usr/bin/env python3
"""http_load.py - somebody who just wants a page, while others attack.

    http_load.py HOST PORT SECONDS      asks for /small.txt a hundred times a second, half of the time on a new
                                        connection; prints REQUESTS FAILED P50_MS P99_MS MAX_MS
"""
import http.client
import socket
import sys
import threading
import time

PATIENCE = 5 # seconds; what takes longer has failed
CONTENT = b"a small file\n"


class Client(threading.Thread):
    """Asks every 20 ms, or as soon as it can."""

    def __init__(self, host, port, seconds, keep):
        super().__init__()
        self.host, self.port, self.keep = host, port, keep
        self.end = time.monotonic() + seconds
        self.times, self.failed = [], []

    def ask(self, link):
        """One request; the link for the next."""
        if link is None:
            link = http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE)
        try:
            link.request("GET", "/small.txt", headers={} if self.keep else {"Connection": "close"})
            answer = link.getresponse()
            octets = answer.read()
            if answer.status != 200 or octets != CONTENT:
                self.failed.append(f"status {answer.status}, {len(octets)} octets")
        except (OSError, http.client.HTTPException) as error:
            self.failed.append(repr(error))
            link.close()
            return None
        if not self.keep:
            link.close()
            return None
        return link

    def run(self):
        link = None
        while time.monotonic() < self.end:
            start = time.monotonic()
            link = self.ask(link)
            took = time.monotonic() - start
            self.times.append(took)
            time.sleep(max(0.0, 0.02 - took))


def main(host, port, seconds):
    socket.setdefaulttimeout(PATIENCE)
    clients = [Client(host, int(port), float(seconds), keep) for keep in (False, True)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    times = sorted(took for client in clients for took in client.times)
    failed = [text for client in clients for text in client.failed]
    for text in failed[:5]:
        print(text, file=sys.stderr)
    figures = [times[len(times) // 2], times[len(times) * 99 // 100], times[-1]]
    print(len(times), len(failed), *[f"{figure * 1000:.1f}" for figure in figures])


main(*sys.argv[1:])

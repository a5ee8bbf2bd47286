#!/usr/bin/env python3
"""http_client.py - Python's own web client against the site that http_probe.py makes.

    http_client.py HOST PORT SITE       files, folders, an error, a head, a listing and chunks, over one connection
"""
import http.client
import json
import sys


def files(link, site):
    """All of it over the one connection that the first of them has opened."""
    kinds = (("/small.txt", 200), ("/megabyte", 200), ("/not-there", 404), ("/empty", 200), ("/indexed/", 200))
    sock = None
    for target, status in kinds * 3:
        link.request("GET", target)
        answer = link.getresponse()
        octets = answer.read()
        assert answer.status == status, f"{target}: {answer.status}"
        if status == 200 and target[-1] != "/":
            with open(site + target, "rb") as file:
                assert octets == file.read(), f"{target}: other octets"
        assert sock in (None, link.sock), f"{target}: another connection"
        sock = link.sock


def head(link):
    link.request("HEAD", "/megabyte")
    answer = link.getresponse()
    assert (answer.read(), answer.getheader("Content-Length")) == (b"", str(1 << 20)), "HEAD"


def listing(link):
    link.request("GET", "/folder/?json")
    answer = link.getresponse()
    assert json.loads(answer.read()), "an empty listing"


def chunks(link):
    """Content that nobody takes; behind it the same connection serves or, when it was closed, a new one."""
    link.request("POST", "/small.txt", iter([b"in ", b"chunks"]), {"Transfer-Encoding": "chunked"}, encode_chunked=True)
    answer = link.getresponse()
    answer.read()
    assert answer.status in (405, 411, 413), f"POST: {answer.status}"
    link.request("GET", "/small.txt")
    assert link.getresponse().read() == b"a small file\n", "behind POST"


def main(host, port, site):
    link = http.client.HTTPConnection(host, int(port), timeout=20)
    files(link, site)
    head(link)
    listing(link)
    chunks(link)


main(*sys.argv[1:])

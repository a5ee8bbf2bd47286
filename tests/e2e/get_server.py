#!/usr/bin/env python3
#
# get_server.py PORT - a web server with the manners of some others, for tests of a client: chunks with
# extensions and trailers, redirects, and responses that end too early, never, or in the wrong form.
import http.server
import sys
import time

CONTENT = b"".join(b"line %d of what came in chunks\n" % n for n in range(2000))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def plain(self, status, content, **fields):
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def raw(self, octets):
        self.wfile.write(octets)
        self.close_connection = True

    def chunks(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        at, size = 0, 1
        while at < len(CONTENT):
            part = CONTENT[at : at + size]
            self.wfile.write(b"%x;n=%d\r\n%s\r\n" % (len(part), size, part))
            at, size = at + len(part), size * 3 % 4099 + 1
        self.wfile.write(b"0\r\nX-Sum: none\r\n\r\n")

    def do_GET(self):
        if self.path == "/chunks":
            self.chunks()
        elif self.path == "/plain":
            self.plain(200, CONTENT)
        elif self.path == "/a/redirect":
            self.plain(302, b"not this", Location="../plain")
        elif self.path == "/loop":
            self.plain(302, b"", Location="/loop")
        elif self.path == "/https":
            self.plain(301, b"", Location="https://10.9.0.1/")
        elif self.path == "/port":  # the port that the client came from
            self.plain(200, b"%d\n" % self.client_address[1])
        elif self.path == "/short":
            self.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 400)
        elif self.path == "/short-chunks":
            self.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        elif self.path == "/nothing":
            self.raw(b"")
        elif self.path == "/noise":
            self.raw(b"220 mail.example ESMTP\r\n")
        elif self.path == "/two-lengths":
            self.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx")
        elif self.path == "/hang":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
            self.wfile.flush()
            time.sleep(20)
        else:
            self.plain(404, b"there is no such page\n")


http.server.ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), Handler).serve_forever()

"""exec_echo.py PORT - echoes TCP and UDP, at the kernel's side."""
import socketserver, sys, threading


class Stream(socketserver.BaseRequestHandler):
    def handle(self):
        while text := self.request.recv(65536):
            self.request.sendall(text)


class Datagram(socketserver.BaseRequestHandler):
    def handle(self):
        self.request[1].sendto(self.request[0], self.client_address)


socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer.daemon_threads = True
socketserver.ThreadingTCPServer.request_queue_size = 64
stream = socketserver.ThreadingTCPServer(("0.0.0.0", int(sys.argv[1])), Stream)
datagram = socketserver.ThreadingUDPServer(("0.0.0.0", int(sys.argv[1])), Datagram)
datagram.max_packet_size = 65535
threading.Thread(target=datagram.serve_forever, daemon=True).start()
stream.serve_forever()

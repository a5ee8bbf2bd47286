"""exec_calls.py WHAT [ARGUMENT...] - what a program may do with its sockets; run by exec.sh on our stack.

Each WHAT is a function below: it asserts what it finds, and says "fine" in the end.
"""
import array, errno, fcntl, os, select, selectors, signal, socket, subprocess, sys, tempfile, termios, threading, time

PEER = os.environ.get("PEER", "10.9.0.1")


def call(port):
    return socket.create_connection((PEER, port), timeout=10)


def echoes(s, text=b"hello"):
    s.sendall(text)
    got = b""
    while len(got) < len(text):
        piece = s.recv(65536)
        assert piece, "the stream has ended"
        got += piece
    assert got == text, got[:50]


def mixed(port):
    """A pipe of the kernel's and a socket of ours in one poll(), select() and epoll set, each way round."""
    for kind in (selectors.PollSelector, selectors.SelectSelector, selectors.EpollSelector):
        r, w = os.pipe()
        with kind() as selector, call(int(port)) as s:
            selector.register(r, selectors.EVENT_READ, "pipe")
            selector.register(s, selectors.EVENT_READ, "socket")
            assert selector.select(0) == [], kind
            assert selector.select(0.02) == [], kind
            s.sendall(b"x")
            assert [key.data for key, _ in selector.select(5)] == ["socket"], kind
            assert s.recv(10) == b"x"
            threading.Timer(0.05, os.write, (w, b"y")).start()
            assert [key.data for key, _ in selector.select(None)] == ["pipe"], kind
            s.sendall(b"z")
            time.sleep(0.2)
            both = set()  # epoll_wait() may tell of one kind only, but not for ever
            for _ in range(20):
                both |= {key.data for key, _ in selector.select(5)}
            assert both == {"pipe", "socket"}, kind
            os.close(r), os.close(w)


def late(port):
    """A thread that waits in an epoll set hears of the first socket that another puts into it."""
    poll, heard = select.epoll(), []
    r, w = os.pipe()
    poll.register(r, select.EPOLLIN)
    thread = threading.Thread(target=lambda: heard.extend(poll.poll()))
    thread.start()
    time.sleep(0.1)
    with call(int(port)) as s:
        poll.register(s.fileno(), select.EPOLLIN)
        s.sendall(b"x")
        thread.join(5)
        assert heard == [(s.fileno(), select.EPOLLIN)], heard


def numbers(port):
    """dup, dup2, dup3, F_DUPFD: a socket lives as long as one of its numbers, which are small and real."""
    s = call(int(port))
    s.settimeout(None)
    assert 3 <= s.fileno() < 64, s.fileno()
    two = s.dup()
    r, w = os.pipe()
    os.dup2(s.fileno(), r)
    three = socket.socket(fileno=r)
    four = socket.socket(fileno=fcntl.fcntl(s, fcntl.F_DUPFD_CLOEXEC, 40))
    assert four.fileno() >= 40
    s.close()
    for other in (two, three, four):
        echoes(other)
    for other in (two, three):
        other.close()
    echoes(four)
    four.close()
    os.close(w)
    poll = select.epoll()
    with call(int(port)) as s, socket.socket(fileno=os.dup(s.fileno())) as other:
        again = os.dup(poll.fileno())
        poll.register(s.fileno(), select.EPOLLIN)
        s.sendall(b"x")
        assert select.epoll.fromfd(again).poll(5)[0][0] == s.fileno()
        assert other.recv(5) == b"x"


def settings(port):
    """fcntl, ioctl, options and names."""
    with call(int(port)) as s:
        assert s.getpeername() == (PEER, int(port)), s.getpeername()
        assert s.getsockname()[0] != "0.0.0.0"
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        assert s.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        flags = fcntl.fcntl(s, fcntl.F_GETFL)
        assert flags & os.O_NONBLOCK  # by the timeout above
        fcntl.ioctl(s, termios.FIONBIO if hasattr(termios, "FIONBIO") else 0x5421, array.array("i", [0]))
        assert not fcntl.fcntl(s, fcntl.F_GETFL) & os.O_NONBLOCK
        s.sendall(b"12345")
        time.sleep(0.2)
        waiting = array.array("i", [0])
        fcntl.ioctl(s, termios.FIONREAD, waiting)
        assert waiting[0] == 5, waiting
        assert s.recvmsg(3)[0] == b"123"
        s.sendmsg([b"ab", b"cd"])
        a, b = bytearray(2), bytearray(10)
        time.sleep(0.2)
        assert s.recvmsg_into([a, b])[0] == 6 and bytes(a) == b"45" and bytes(b[:4]) == b"abcd"
        assert os.fstat(s.fileno()).st_mode & 0o170000 == 0o140000
        try:
            os.lseek(s.fileno(), 0, os.SEEK_CUR)
            assert False
        except OSError as e:
            assert e.errno == errno.ESPIPE


def files(port, path):
    """sendfile(), as a whole and from the middle, and a stream of stdio's."""
    text = open(path, "rb").read()[:300000]
    with call(int(port)) as s, open(path, "rb") as f:
        s.settimeout(None)
        got = bytearray()
        thread = threading.Thread(target=lambda: [got.extend(s.recv(65536)) for _ in iter(lambda: len(got) < len(text), False)])
        thread.start()
        sent = os.sendfile(s.fileno(), f.fileno(), 0, 100000)
        assert 0 < sent <= 100000
        while sent < len(text):
            sent += os.sendfile(s.fileno(), f.fileno(), sent, len(text) - sent)
        thread.join(20)
        assert got == text


def forked(port):
    """A child has none of it: EPERM, and its parent goes on."""
    s = call(int(port))
    pid = os.fork()
    if pid == 0:
        wrong = 0
        for i, act in enumerate((lambda: s.send(b"stolen"), lambda: s.recv(1), lambda: socket.socket(),
                                 lambda: call(int(port)), lambda: socket.getaddrinfo("a.name.example", 80),
                                 lambda: select.select([s], [], [], 1), lambda: os.dup(s.fileno()))):
            try:
                act()
                wrong |= 1 << i
            except OSError as e:
                if e.errno != errno.EPERM and not isinstance(e, socket.gaierror):
                    wrong |= 1 << i
        s.close()
        os._exit(wrong)
    assert os.waitpid(pid, 0)[1] == 0
    echoes(s)
    # What begins with exec() is none of that, and its closing of everything is not ours.
    assert subprocess.run(["true"], close_fds=True).returncode == 0
    echoes(s)
    os.closerange(100, 300)
    echoes(s)


def closes_all(port):
    """A program that closes all descriptors means its own, and not the bell of a thread."""
    s = call(int(port))
    assert select.select([s], [], [], 0.01) == ([], [], [])
    for fd in range(3, 200):
        if fd != s.fileno():
            try:
                os.close(fd)
            except OSError:
                pass
    echoes(s)
    others = [tempfile.TemporaryFile() for _ in range(100)]  # on all numbers that are free now
    threading.Timer(0.1, s.send, (b"x",)).start()
    assert select.select([s], [], [], 10) == ([s], [], [])
    assert [os.fstat(other.fileno()).st_size for other in others] == [0] * 100


def threads(port):
    """Many at once, each with its own."""
    wrong = []

    def work(n):
        try:
            for _ in range(5):
                with call(int(port)) as s:
                    echoes(s, bytes([n]) * 50000)
        except Exception as e:
            wrong.append(e)

    workers = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for w in workers:
        w.start()
    for w in workers:
        w.join(60)
    assert not wrong, wrong


def loopback():
    """127.0.0.1 is the kernel's, both ends, datagrams too; and no stack is in the way."""
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        server, client = socket.socket(type=kind), socket.socket(type=kind)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            server.listen()
            client.connect(server.getsockname())
            accepted, who = server.accept()
            assert who == client.getsockname()
            client.sendall(b"by the kernel")
            assert accepted.recv(100) == b"by the kernel"
        else:
            client.sendto(b"by the kernel", server.getsockname())
            assert server.recv(100) == b"by the kernel"
    a, b = socket.socketpair()
    a.send(b"x")
    assert b.recv(1) == b"x"


def datagrams(port):
    """UDP, connected and not, and several at once."""
    with socket.socket(type=socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        for text in (b"one", b"", b"x" * 4000):
            s.sendto(text, (PEER, int(port)))
            assert s.recvfrom(5000) == (text, (PEER, int(port)))
        s.connect((PEER, int(port)))
        s.send(b"again")
        assert s.recv(100) == b"again"


def names():
    """Names by our resolver, by all the calls that there are."""
    assert socket.getaddrinfo("web.example", 80, type=socket.SOCK_STREAM)[0][4][0] == PEER
    assert socket.gethostbyname("web.example") == PEER
    assert socket.gethostbyname_ex("web.example")[2] == [PEER]
    for name in ("none.example", "none"):
        try:
            socket.getaddrinfo(name, 80)
            assert False
        except socket.gaierror:
            pass
    assert socket.getaddrinfo("127.0.0.1", 80)[0][4][0] == "127.0.0.1"
    assert socket.getnameinfo((PEER, 80), 0)[0] == PEER


def interrupted(port):
    """A signal's handler ends a call, by an exception, which leaves it as longjmp() would."""
    class Alarm(Exception):
        pass

    def ring(*_):
        raise Alarm

    signal.signal(signal.SIGALRM, ring)
    s = call(int(port))
    s.settimeout(None)
    for _ in range(3):
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        try:
            s.recv(1)
            assert False
        except Alarm:
            pass
        echoes(s)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
    print("fine")

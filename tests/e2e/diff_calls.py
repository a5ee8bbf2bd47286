"""diff_calls.py - the socket calls of a script, made to the kernel: by ctypes, because a script passes wrong lengths
and null pointers on purpose, and Python's own sockets would not.

The script's descriptors are numbers of its own; Calls keeps which of the kernel's each stands for. A call returns
`outcome`, the text in which two stacks are compared: the result, the errno, and what the call has put out.
"""
import ctypes
import errno
import os
import socket
import struct

LIBC = ctypes.CDLL(None, use_errno=True)
for _name in ("read", "recv", "recvfrom", "readv", "recvmsg", "write", "send", "sendto", "writev", "sendmsg"):
    getattr(LIBC, _name).restype = ctypes.c_ssize_t

MAKES_DESCRIPTOR = ("socket", "accept", "epoll_create")
AF_UNSPEC = 0


class Unplayable(Exception):
    """The kernel cannot be asked this."""


class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]


class Msghdr(ctypes.Structure):
    _fields_ = [("name", ctypes.c_void_p), ("namelen", ctypes.c_uint32), ("iov", ctypes.POINTER(Iovec)),
                ("iovlen", ctypes.c_size_t), ("control", ctypes.c_void_p), ("controllen", ctypes.c_size_t),
                ("flags", ctypes.c_int)]


class Pollfd(ctypes.Structure):
    _fields_ = [("fd", ctypes.c_int), ("events", ctypes.c_short), ("revents", ctypes.c_short)]


class EpollEvent(ctypes.Structure):
    _pack_ = 1 # as x86-64 has it
    _fields_ = [("events", ctypes.c_uint32), ("data", ctypes.c_uint64)]


if os.uname().machine != "x86_64":
    EpollEvent = type("EpollEvent", (ctypes.Structure,),
                      {"_fields_": [("events", ctypes.c_uint32), ("data", ctypes.c_uint64)]})


def outcome(result, error, extra=""):
    """How a call ended, as text."""
    text = str(result)
    if result < 0 and error:
        text += " " + ("EAGAIN" if error == "EWOULDBLOCK" else error)
    return text + (" " + extra if extra and result >= 0 else "")


def members(value):
    return value if isinstance(value, dict) else {}


def data_of(event):
    for name in ("fd", "u32", "ptr", "u64"):
        if name in members(event):
            return event[name] & (0xFFFFFFFF if name in ("fd", "u32") else 0xFFFFFFFFFFFFFFFF)
    return 0


def wanted_extra(call):
    """What the call puts out where the script has been played by tapio and has passed: what the script says."""
    name, args = call["name"], call["args"]
    if name == "poll":
        return " ".join(f"{entry.get('revents', 0):#x}" for entry in args[0])
    if name == "epoll_wait" and call["result"] > 0 and isinstance(args[1], dict):
        return f"{args[1]['events']:#x} {data_of(args[1])}"
    if name == "ioctl" and len(args) > 2:
        return str(args[2])
    if name == "getsockopt" and isinstance(args[4], list):
        return f"{say_value(args[3])} of {args[4][0]}"
    return ""


def say_value(value):
    if isinstance(value, list) and value and value[0] is None:
        return "..."
    return "..." if value is None else str(value)


class Calls:
    def __init__(self, header):
        self.header = header
        self.fds, self.domain, self.bound = {}, {}, set()
        self.local = header["local"].split("/")[0]
        self.remote = header["remote"].split("/")[0]

    # --- arguments ---

    def fd(self, number):
        if number in self.fds:
            return self.fds[number]
        if number < 0:
            return number
        raise Unplayable(f"descriptor {number} is not open here")

    def sockaddr(self, domain, address, port):
        if domain == socket.AF_INET6:
            mapped = address if ":" in address else "::ffff:" + address
            octets = struct.pack("=H", domain) + struct.pack("!HI16sI", port, 0, socket.inet_pton(domain, mapped), 0)
        else:
            octets = struct.pack("=H", domain) + struct.pack("!H4s8x", port, socket.inet_aton(address))
        return ctypes.create_string_buffer(octets, len(octets)), len(octets)

    def buffer(self, value, length):
        return None if value == 0 else ctypes.create_string_buffer(max(length, 1))

    def pieces(self, entries):
        buffers = [ctypes.create_string_buffer(max(entry["1"], 1)) for entry in entries]
        array = (Iovec * max(len(entries), 1))()
        for i, entry in enumerate(entries):
            array[i] = Iovec(ctypes.cast(buffers[i], ctypes.c_void_p), entry["1"])
        return array, buffers

    # --- the calls: each makes one and returns (result, what it has put out) ---

    def do_socket(self, args):
        domain = args[0]
        if domain is None:
            domain = socket.AF_INET if self.header["family"] == "ipv4" else socket.AF_INET6
        fd = LIBC.socket(domain, args[1], args[2])
        self.domain[fd] = domain
        return fd, ""

    def do_bind(self, args):
        fd = self.fd(args[0])
        address, length = self.sockaddr(self.domain[fd], self.local, self.header["bind_port"])
        self.bound.add(fd)
        return LIBC.bind(fd, address, length), ""

    def do_listen(self, args):
        return LIBC.listen(self.fd(args[0]), args[1]), ""

    def do_accept(self, args):
        fd = self.fd(args[0])
        child = LIBC.accept(fd, None, None)
        self.domain[child] = self.domain[fd]
        return child, ""

    def do_connect(self, args, port=None):
        fd = self.fd(args[0])
        domain = self.domain[fd]
        if args[1] == AF_UNSPEC:
            address, length = ctypes.create_string_buffer(16), 16
        else:
            address, length = self.sockaddr(domain, self.remote, self.header["connect_port"])
            if port and fd not in self.bound: # the port that tapio has chosen: then packets need no other
                LIBC.bind(fd, *self.sockaddr(domain, self.local, port))
                self.bound.add(fd)
        return LIBC.connect(fd, address, length), ""

    def do_close(self, args):
        fd = self.fds.pop(args[0], None)
        if fd is None:
            raise Unplayable(f"descriptor {args[0]} is not open here")
        return LIBC.close(fd), ""

    def do_shutdown(self, args):
        return LIBC.shutdown(self.fd(args[0]), args[1]), ""

    def do_fcntl(self, args):
        return LIBC.fcntl(self.fd(args[0]), args[1], ctypes.c_long(args[2] if len(args) > 2 else 0)), ""

    def do_ioctl(self, args):
        value = ctypes.c_int(args[2][0] if len(args) > 2 else 0)
        result = LIBC.ioctl(self.fd(args[0]), ctypes.c_ulong(args[1]), ctypes.byref(value))
        return result, str([value.value]) if len(args) > 2 else ""

    def move(self, function, args):
        """read, write, recv, send, recvfrom, sendto."""
        buffer = self.buffer(args[1], args[2])
        rest = [ctypes.c_int(args[3])] if len(args) > 3 else []
        rest += [None, 0 if "send" in function.__name__ else None] if len(args) > 4 else []
        return function(self.fd(args[0]), buffer, ctypes.c_size_t(args[2]), *rest), ""

    def vector(self, function, args):
        array, _buffers = self.pieces(args[1])
        return function(self.fd(args[0]), array, len(args[1])), ""

    def message(self, function, args):
        entries = args[1]["msg_iov"]
        array, _buffers = self.pieces(entries)
        message = Msghdr(None, 0, array, len(entries), None, 0, 0)
        return function(self.fd(args[0]), ctypes.byref(message), args[2]), ""

    def do_setsockopt(self, args):
        octets = self.value_octets(args[3])
        length = args[4]
        if length < 0 or length > 256:
            raise Unplayable("setsockopt: a length out of range")
        room = ctypes.create_string_buffer(octets, max(len(octets), length, 1))
        return LIBC.setsockopt(self.fd(args[0]), args[1], args[2], room, length), ""

    def value_octets(self, value):
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if isinstance(value, dict) and "octets" in value:
            return bytes.fromhex(value["octets"])
        if isinstance(value, dict) and "onoff" in value:
            return struct.pack("=ii", value["onoff"], value["linger"])
        if isinstance(value, int):
            return struct.pack("=I", value & 0xFFFFFFFF)
        raise Unplayable("setsockopt: a value of that kind")

    def do_getsockopt(self, args):
        room = ctypes.create_string_buffer(256)
        length = ctypes.c_uint32(args[4][0])
        result = LIBC.getsockopt(self.fd(args[0]), args[1], args[2], room, ctypes.byref(length))
        said = say_value(args[3])
        if said != "...":
            wanted = self.value_octets(args[3])
            came = room.raw[:min(length.value, len(wanted))]
            if came != wanted[:len(came)]:
                said = str([struct.unpack("=i", room.raw[:4])[0]])
        return result, f"{said} of {length.value}"

    def do_poll(self, args):
        array = (Pollfd * max(len(args[0]), 1))()
        for i, entry in enumerate(args[0]):
            array[i] = Pollfd(self.fd(entry["fd"]), entry.get("events", 0), 0)
        result = LIBC.poll(array, ctypes.c_ulong(args[1]), args[2])
        return result, " ".join(f"{array[i].revents:#x}" for i in range(len(args[0])))

    def do_epoll_create(self, args):
        return LIBC.epoll_create(args[0]), ""

    def do_epoll_ctl(self, args):
        event = EpollEvent(members(args[3]).get("events", 0), data_of(args[3]))
        return LIBC.epoll_ctl(self.fd(args[0]), args[1], self.fd(args[2]), ctypes.byref(event)), ""

    def do_epoll_wait(self, args):
        array = (EpollEvent * args[2])() if args[2] > 0 else None
        result = LIBC.epoll_wait(self.fd(args[0]), array, args[2], args[3])
        said = f"{array[0].events:#x} {array[0].data}" if result > 0 and isinstance(args[1], dict) else ""
        return result, said

    def make(self, call):
        """Makes the call, sleeping as long as it does; its outcome."""
        name, args = call["name"], call["args"]
        groups = {self.move: ("read", "write", "recv", "send", "recvfrom", "sendto"),
                  self.vector: ("readv", "writev"), self.message: ("recvmsg", "sendmsg")}
        ctypes.set_errno(0)
        for method, names in groups.items():
            if name in names:
                result, extra = method(getattr(LIBC, name), args)
                break
        else:
            method = getattr(self, "do_" + name, None)
            if not method:
                raise Unplayable(f"{name}(): no such call here")
            result, extra = method(args, call.get("port")) if name == "connect" else method(args)
        error = errno.errorcode.get(ctypes.get_errno(), "?") if result < 0 else None
        if name in MAKES_DESCRIPTOR and result >= 0:
            if call.get("wanted", -1) >= 0:
                self.fds[call["wanted"]] = result
            return "a descriptor"
        return outcome(result, error, extra)

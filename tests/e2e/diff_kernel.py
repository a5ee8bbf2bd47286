"""diff_kernel.py - plays to the kernel what tapio was played: a TUN in a network of its own, in real time.

`tapio drill --record` has told what went into tapio and when. The same goes into the kernel: packets through the
TUN with their numbers moved (diff_packets.py), calls by diff_calls.py, each in a thread, because the kernel's may
sleep where ours did not. What the kernel sends is read from the TUN with its time; the answer to a packet is there
when the write() that brought it has returned.

Time is the hard part. In drill nothing is late; here a timer goes off some milliseconds after it was due, and a
script that answers at "that very moment" would answer before the question. So before an event goes in, it waits (up
to PATIENCE) until the kernel has sent as many packets since the event before as tapio had, and if it has to, all that
follows is shifted by as much. A run in which this process itself was late for more than LATE is no evidence: the
result says so, and the caller plays it again.

The same packets can be played to `tapio serve` over a second TUN, in a network of its own: what ours does in virtual
time it must do on a real device, too.

Nothing leaves the namespace: it has no interface but `lo` and the TUN, whose other end is this process or the server.
"""
import ctypes
import fcntl
import os
import pathlib
import select
import socket
import struct
import subprocess
import threading
import time

from diff_calls import MAKES_DESCRIPTOR, Calls, Unplayable, outcome, wanted_extra
from diff_packets import ACK, FRAGMENT, ICMP, ICMP6, SYN, TCP, Ends, Packet, Seen, translate

TAPIO = os.environ.get("TAPIO", str(pathlib.Path(__file__).resolve().parents[2] / "build/tapio"))
CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
LATE = 0.012 # seconds that this process may be late for an event
PATIENCE = 0.020 # and that it waits for the kernel at least
RETURNS = 0.030 # a call that tapio returned from at once has so long
ENDING = 0.012 # what the kernel sends so long after the end still counts

S, MS, US = 1000000000, 1000000, 1000
# What a value of ours is called by the kernel, and in which unit (None: as it is).
SYSCTLS = (
    ("tcp.timestamps", "tcp_timestamps", 1), ("tcp.sack", "tcp_sack", 1), ("tcp.dsack", "tcp_dsack", 1),
    ("tcp.window_scaling", "tcp_window_scaling", 1), ("tcp.syn_retries", "tcp_syn_retries", 1),
    ("tcp.synack_retries", "tcp_synack_retries", 1), ("tcp.retries", "tcp_retries2", 1),
    ("tcp.fin_wait_2", "tcp_fin_timeout", S), ("tcp.keepalive_idle", "tcp_keepalive_time", S),
    ("tcp.keepalive_interval", "tcp_keepalive_intvl", S), ("tcp.keepalive_count", "tcp_keepalive_probes", 1),
    ("tcp.rto_min", "tcp_rto_min_us", US), ("tcp.rto_max", "tcp_rto_max_ms", MS),
    ("tcp.idle_restart", "tcp_slow_start_after_idle", 1), ("tcp.mss_floor", "tcp_min_snd_mss", 1),
    ("tcp.syncookies", "tcp_syncookies", 1), ("tcp.syn_cache", "tcp_max_syn_backlog", 1),
    ("tcp.challenge", "tcp_invalid_ratelimit", MS), ("ip.ttl", "ip_default_ttl", 1), ("tcp.ecn", "tcp_ecn", 1),
)
# What we do not have yet, and what would make a run depend on the one before.
FAIR = {
    "tcp_congestion_control": "reno", # cubic is not for a namespace of one's own to choose
    "tcp_recovery": "1",
    "tcp_no_metrics_save": "1", "tcp_autocorking": "0", "tcp_mtu_probing": "0", "tcp_moderate_rcvbuf": "0",
    "tcp_fastopen": "0", "tcp_rfc1337": "1", "icmp_ratelimit": "0",
    "tcp_thin_linear_timeouts": "0", "tcp_syn_linear_timeouts": "0",
}


def set_sysctl(name, value):
    """Sets it where the kernel has it: an older one has not all of them."""
    try:
        with open("/proc/sys/net/ipv4/" + name, "w", encoding="ascii") as file:
            file.write(str(value))
    except OSError:
        pass


def set_values(header):
    for key, name, unit in SYSCTLS:
        set_sysctl(name, header[key] // unit)
    set_sysctl("tcp_early_retrans", 3 if header["tcp.tlp"] else 0)
    set_sysctl("tcp_frto", 2 if header["tcp.frto"] else 0)
    for name, value in FAIR.items():
        set_sysctl(name, value)
    # What a buffer has room for at first: here a window of 65535 octets, and all that may be written.
    for key, name, first in (("tcp.rmem", "tcp_rmem", 262144), ("tcp.wmem", "tcp_wmem", header["tcp.wmem"])):
        most = header[key]
        set_sysctl(name, f"{min(4096, most)} {min(first, most)} {most}")


class Tun:
    """The kernel, reached through a TUN whose other end is this process."""

    makes_calls = True

    def __init__(self, header):
        set_values(header)
        self.fd = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        fcntl.ioctl(self.fd, TUNSETIFF, struct.pack("16sH22x", b"tun0", IFF_TUN | IFF_NO_PI))
        v6 = header["family"] == "ipv6"
        if v6:
            with open("/proc/sys/net/ipv6/conf/tun0/disable_ipv6", "w", encoding="ascii") as file:
                file.write("0")
        first_flight = f" initcwnd {header['tcp.initial_cwnd']}" if header["tcp.initial_cwnd"] else ""
        no_address = " addrgenmode none" if header["mtu"] >= 1280 else "" # below there is no IPv6 at all
        commands = ["link set lo up", f"link set tun0 mtu {header['mtu']}{no_address} up",
                    f"addr add {header['local']} dev tun0" + (" nodad" if v6 else ""),
                    f"route add {'::/0' if v6 else '0.0.0.0/0'} dev tun0{first_flight}"]
        done = subprocess.run(["ip", "-batch", "-"], input="\n".join(commands), capture_output=True, text=True,
                              check=False)
        if done.returncode:
            raise Unplayable("ip: " + done.stderr.strip().splitlines()[0])

    def fileno(self):
        return self.fd

    def read(self):
        """The next packet of the stack; BlockingIOError when there is none."""
        return os.read(self.fd, 70000)

    def write(self, octets):
        os.write(self.fd, octets)

    def close(self):
        os.close(self.fd)


class Served:
    """`tapio serve` behind a TUN, which the kernel only carries: packets come and go by a packet socket. The calls
    are the server's own, which takes what comes on the script's port (RFC 863)."""

    makes_calls = False

    def __init__(self, header):
        v6 = header["family"] == "ipv6"
        self.ethertype = 0x86DD if v6 else 0x0800
        address, length = header["local"].split("/")
        gateway = ("fd3d:fa7b:d17d::2" if v6 else "192.168.0.2") # of drill's usual addresses
        self.local = socket.inet_pton(socket.AF_INET6 if v6 else socket.AF_INET, address)
        self.server = subprocess.Popen(
            [TAPIO, "serve", "--dev", "tun:tun0", "--addr", header["local"], "--mtu", str(header["mtu"]), "--gateway",
             gateway, "--host-addr", f"{gateway}/{length}", "--profile", header["profile"], "--offload", "off",
             "--discard", str(header["bind_port"])], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if not self.server.stdout.readline().startswith("ready "):
            self.server.kill()
            raise Unplayable("tapio serve did not get ready")
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, 0)
        self.socket.bind(("tun0", 3)) # ETH_P_ALL

    def fileno(self):
        return self.socket.fileno()

    def read(self):
        while True:
            octets = self.socket.recv(70000)
            if Packet(octets).src == self.local: # the kernel says this and that by itself
                return octets

    def write(self, octets):
        self.socket.sendto(octets, ("tun0", self.ethertype))

    def close(self):
        self.socket.close()
        self.server.kill()
        self.server.wait()


class Run:
    """One script: played to what is behind the link, and what tapio did of the same in virtual time."""

    def __init__(self, record, make_link):
        self.make_link = make_link
        self.header = record[0]
        self.end = record[-1]
        self.inputs = sorted((e for e in record if e["event"] in ("in", "call", "command")), key=lambda e: e["line"])
        for event in self.inputs:
            event["at"] = event["at_ns"] / S
        self.note_outputs(record)
        self.name_ports(record)
        self.began = 0.0
        self.wake_read, self.wake_write = os.pipe() # a call has returned
        self.packets, self.made = [], []
        self.ours, self.kernel = Ends(), Ends()
        self.late, self.unplayable = 0.0, None
        self.line = 0 # of the last event that went in

    # --- tapio's side, from the record ---

    def note_outputs(self, record):
        """`sent_before`: how many packets tapio sent between the event before and this one."""
        order = {id(event): [] for event in self.inputs}
        self.outputs, count, position = [], 0, 0
        for event in record:
            if event["event"] == "out":
                self.outputs.append(event)
                event["at"] = event["at_ns"] / S
                count += 1
            elif id(event) in order:
                event["sent"] = count
        for event in self.inputs: # one that slept was recorded when it woke
            if event["event"] == "call" and event["ended_ns"] > event["at_ns"]:
                event["sent"] = sum(out["at_ns"] < event["at_ns"] for out in self.outputs)
        for event in self.inputs:
            event["sent_before"] = max(0, event["sent"] - position)
            position = event["sent"]
        self.end["sent_before"] = max(0, count - position)

    def name_ports(self, record):
        """The port from which each connect() called."""
        syns = [(out["at_ns"], Packet(bytes.fromhex(out["packet"]))) for out in self.outputs]
        syns = [(at, p) for at, p in syns if p.protocol == TCP and p.flags & (SYN | ACK) == SYN]
        for event in self.inputs:
            if event["event"] == "call" and event["name"] == "connect":
                event["port"] = next((p.src_port for at, p in syns if at >= event["at_ns"]), None)
                syns = [(at, p) for at, p in syns if p.src_port != event["port"]]

    def our_side(self):
        """tapio's packets and calls in the form in which they are compared."""
        packets, calls, ends, line = [], [], Ends(), 0
        things = sorted([(e["sent"], 0, e["line"], e) for e in self.inputs]
                        + [(i, 1, 0, out) for i, out in enumerate(self.outputs)], key=lambda t: t[:3])
        for _, _, _, event in things:
            if event["event"] == "out":
                packet = Packet(bytes.fromhex(event["packet"]))
                if packet.protocol == TCP:
                    ends.sent(packet)
                packets.append(Seen(packet, ends, event["at"], line))
                continue
            line = event["line"]
            if event["event"] == "in":
                packet = Packet(bytes.fromhex(event["packet"]))
                if packet.protocol == TCP:
                    ends.came(packet)
            if event["event"] == "call":
                calls.append(self.our_call(event))
        return packets, calls

    @staticmethod
    def our_call(event):
        made = event["name"] in MAKES_DESCRIPTOR and event["result"] >= 0
        text = "a descriptor" if made else outcome(event["result"], event.get("errno"), wanted_extra(event))
        return {"line": event["line"], "name": event["name"], "at": event["at"], "ended": event["ended_ns"] / S,
                "outcome": text}

    # --- the kernel's side ---

    def now(self):
        return time.monotonic() - self.began

    def drain(self):
        """Takes every packet that the kernel has sent so far."""
        while True:
            try:
                octets = self.link.read()
            except BlockingIOError:
                return
            packet = Packet(octets)
            if packet.protocol not in (TCP, ICMP, ICMP6, FRAGMENT) or (packet.protocol == ICMP6 and octets[40] > 127):
                continue # router solicitations and the like: the interface's own
            if packet.protocol == TCP:
                self.kernel.sent(packet)
            self.packets.append(Seen(packet, self.kernel, self.now(), self.line))

    def listen_until(self, moment, done=lambda: False):
        """Takes packets until that moment, or until `done` says so."""
        while True:
            self.drain()
            left = moment - self.now()
            if done() or left <= 0:
                return
            ready, _, _ = select.select([self.link, self.wake_read], [], [], left)
            if self.wake_read in ready:
                os.read(self.wake_read, 64)

    def start_call(self, event):
        done = {"line": event["line"], "name": event["name"], "at": event["at"], "ended": None,
                "due": event["ended_ns"] / S, "outcome": "has not returned"}
        began = self.now()

        def make():
            try:
                said = self.calls.make(event)
            except Unplayable as why:
                said = f"not made: {why}"
            done["outcome"], done["ended"] = said, event["at"] + self.now() - began
            os.write(self.wake_write, b".")

        self.made.append(done)
        threading.Thread(target=make, daemon=True).start()
        sleeps = event["ended_ns"] > event["at_ns"]
        self.listen_until(self.now() + (0.001 if sleeps else RETURNS), lambda: done["ended"] is not None)

    def put_in(self, event):
        if event["event"] == "call":
            if self.link.makes_calls:
                self.start_call(event)
        elif event["event"] == "command":
            self.unplayable = "a shell line in the middle" # its sysctls are seldom the kernel's own
        else:
            packet = Packet(bytes.fromhex(event["packet"]))
            if packet.protocol == TCP:
                self.ours.came(packet)
                self.kernel.came(packet)
            octets = translate(packet, self.ours, self.kernel)
            try:
                self.link.write(octets)
            except OSError as why:
                self.unplayable = f"the TUN refuses a packet: {why.strerror}"

    def hear_ours(self, count):
        """tapio's packets up to the `count`th have been sent by now: their numbers are known."""
        while self.heard < count:
            packet = Packet(bytes.fromhex(self.outputs[self.heard]["packet"]))
            if packet.protocol == TCP:
                self.ours.sent(packet)
            self.heard += 1

    def before(self, event, at, last_at):
        """Lets time pass until the event; waits for what the kernel owes, and shifts the clock by as much."""
        self.listen_until(at)
        wanted = self.sent + event["sent_before"]
        owed = [call for call in self.made if call["ended"] is None and call["due"] <= at]

        def paid():
            return len(self.packets) >= wanted and all(call["ended"] is not None for call in owed)

        if not paid():
            self.listen_until(at + PATIENCE + 0.1 * min(max(0, at - last_at), 1), paid)
            self.began += max(0, self.now() - at)
        else:
            self.late = max(self.late, self.now() - at)

    def play(self):
        """Plays all of it, and leaves what came in `packets` and `made`."""
        self.link = self.make_link(self.header)
        self.calls = Calls(self.header)
        self.heard = self.sent = 0
        last_at = 0.0
        self.began = time.monotonic() + 0.002
        for event in self.inputs:
            self.before(event, event["at"], last_at)
            self.line, self.sent = event["line"], len(self.packets)
            self.hear_ours(event["sent"])
            self.put_in(event)
            last_at = event["at"]
        end = self.end["at_ns"] / S
        self.before(self.end, end, last_at)
        self.listen_until(end + ENDING)
        self.link.close()
        for call in self.made:
            if call["ended"] is None or call["ended"] > end + ENDING + RETURNS:
                call["outcome"], call["ended"] = "has not returned", end


def play(record, live=False):
    """Plays one record in networks of its own: this process has it to itself. The result is plain data. `live`: ours
    is not the record, but the same packets to `tapio serve` over another TUN."""
    try:
        run = in_new_network(Run(record, Tun))
        our_packets, our_calls = run.our_side()
        late, unplayable = run.late, run.unplayable
        if live:
            ours = in_new_network(Run(record, Served))
            our_packets, our_calls = ours.packets, []
            late, unplayable = max(late, ours.late), unplayable or ours.unplayable
    except Unplayable as why:
        return {"unplayable": str(why)}
    return {"unplayable": unplayable, "is_late": late > LATE, "kernel_packets": run.packets,
            "our_packets": our_packets, "kernel_calls": [dict(call) for call in run.made], "our_calls": our_calls,
            "inputs": [{"line": e["line"], "at": e["at"]} for e in run.inputs]}


def in_new_network(run):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET):
        raise Unplayable("no network namespace: " + os.strerror(ctypes.get_errno()))
    run.play()
    return run

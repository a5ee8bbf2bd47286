"""contestants.py - who takes part in scripts/bench, on what network, and how each is started and ended.

Each TAP contestant has an interface of its own, made before it starts and kept: same MTU, same queue. The kernel's
servers sit behind a veth pair in a namespace of their own, once with offloads and once without. A server is started for
each single run, on a core of its own, so that nobody is slowed by what is idle or has grown before.
"""
import json
import os
import pathlib
import signal
import subprocess
import time
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILT = ROOT / "build/bench"
MTU = 1500
QUEUE = 8192 # frames that wait in a TAP: what tapio sets on one of its own, here everybody's
SOURCES = 10 # more addresses of the client, for 65,536 ports do not make 100,000 connections
PATIENCE = 10 # s until a server must be ready
SITE = {"100": 100, "10k": 10240, "100m": 100_000_000, "index.html": 100} # octets

SYSCTLS = { # of the networks of both sides
    "net/ipv6/conf/default/disable_ipv6": "1", # nothing but what is measured
    "net/ipv6/conf/all/disable_ipv6": "1",
    "net/ipv4/tcp_no_metrics_save": "1", # no run inherits from the last one
    "net/ipv4/tcp_congestion_control": "cubic",
    "net/ipv4/ip_local_port_range": "1024 65535",
    "net/core/somaxconn": "8192",
    "net/ipv4/tcp_max_syn_backlog": "8192",
    "net/ipv4/tcp_max_tw_buckets": "262144",
}

# Tuned for this: one worker; files and their descriptors stay open; nothing is written or limited. tcp_nopush made
# 10 KB two and a half times dearer, sendfile 100 B a third, while it saves a tenth of 10 KB; a large file goes fastest
# with both and chunks without limit: so each as it is best.
NGINX = """
daemon off;
master_process off;
pid {work}/nginx.pid;
worker_rlimit_nofile 16384;
events {{ worker_connections 8192; use epoll; multi_accept on; }}
http {{
    access_log off;
    tcp_nopush off;
    tcp_nodelay on;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    open_file_cache max=100 inactive=1h;
    open_file_cache_valid 1h;
    etag off;
    client_body_temp_path {work}/body;
    proxy_temp_path {work}/proxy;
    fastcgi_temp_path {work}/fastcgi;
    uwsgi_temp_path {work}/uwsgi;
    scgi_temp_path {work}/scgi;
    server {{
        listen 80 backlog=8192;
        root {site};
        sendfile off;
        location = /10k {{ sendfile on; }}
        location = /100m {{ sendfile on; sendfile_max_chunk 0; tcp_nopush on; }}
    }}
}}
"""

BULK, HTTP, ONE, CONNECT = "bulk", "http", "one", "connect"
CALLS, FILES, DATAGRAMS, IDLE, START = "calls", "files", "datagrams", "idle", "start"
ASKED = (HTTP, ONE, CALLS)


class Failed(Exception):
    """A run that came to nothing, in a sentence."""


@dataclass(frozen=True)
class Contestant:
    name: str
    words: str # for people
    program: str # what must be there
    arguments: str
    does: frozenset
    network: str = "tap" # or "veth", "veth-plain"
    offload: bool = True
    busy: bool = False # asks again and again in place of waiting
    says_ready: bool = True
    option: str = "" # what its --help must name


def peer(name, words, program, offload, does):
    """Ours of bench/ too: all of them are started in one way."""
    switch = "on" if offload else "off"
    return Contestant(name, words, f"build/bench/{program}", f"--dev {{tap}} --addr {{addr}} --offload {switch}",
                      frozenset(does), offload=offload)


def tapio(name, words, offload, does, more="", **others):
    switch = "on" if offload else "off"
    return Contestant(name, words, "build/tapio",
                      f"serve --root {{site}} --dev tap:{{tap}} --addr {{addr}} --offload {switch} --echo 7 --discard 9 "
                      f"--chargen 19 {more}", frozenset(does), offload=offload, **others)


def kernel(name, words, program, does, network="veth", arguments="", **others):
    return Contestant(name, words, program, arguments, frozenset(does), network=network,
                      offload=network == "veth", **others)


CONTESTANTS = (
    tapio("tapio", "tapio serve, offload on", True, {BULK, *ASKED, CONNECT, FILES, DATAGRAMS, IDLE, START}),
    tapio("tapio-plain", "tapio serve, offload off", False, {BULK, *ASKED, FILES, DATAGRAMS}),
    tapio("tapio-busy", "tapio serve, busy polling", True, {ONE}, "--busy-poll 1000", busy=True, option="--busy-poll"),
    peer("sockets", "a program on tapio's sockets, offload on", "sockets_server", True, {BULK, *ASKED, DATAGRAMS}),
    peer("sockets-plain", "the same, offload off", "sockets_server", False, {BULK}),
    peer("limit", "device limit, frames of 64 KB", "device_limit", True, {BULK, *ASKED, CONNECT, DATAGRAMS, START}),
    peer("limit-plain", "device limit, plain frames", "device_limit", False, {BULK, *ASKED, DATAGRAMS}),
    Contestant("limit-busy", "device limit, busy", "build/bench/device_limit", "--dev {tap} --addr {addr} --busy",
               frozenset({ONE}), offload=False, busy=True),
    kernel("kernel", "the kernel's TCP over veth, bare epoll loop", "build/bench/kernel_server",
           {BULK, *ASKED, CONNECT, DATAGRAMS, START}),
    kernel("kernel-plain", "the same, veth without offloads", "build/bench/kernel_server", {BULK}, "veth-plain"),
    kernel("nginx", "nginx over veth", "nginx", {*ASKED, CONNECT, FILES, START},
           arguments="-p {work} -c {work}/nginx.conf -e {work}/nginx.log", says_ready=False),
    peer("lwip", "lwIP's raw API, checksum offload", "lwip_server", True, {BULK, *ASKED, CONNECT, DATAGRAMS, START}),
    peer("lwip-plain", "lwIP's raw API, plain frames", "lwip_server", False, {BULK, *ASKED, DATAGRAMS}),
    peer("lwip-many", "lwIP with control blocks without number", "lwip_server_many", True, {CONNECT, IDLE}),
    peer("gvisor", "gVisor's netstack, GSO", "gvisor_server", True,
         {BULK, *ASKED, CONNECT, DATAGRAMS, IDLE, START}),
    peer("gvisor-plain", "gVisor's netstack, plain frames", "gvisor_server", False, {BULK, *ASKED}),
)
PEERS = ("lwip", "gvisor") # how their names begin


def find(program):
    """The path of a program, or None."""
    if "/" in program:
        path = ROOT / program
        return str(path) if os.access(path, os.X_OK) else None
    for folder in os.environ.get("PATH", "").split(":"):
        if os.access(pathlib.Path(folder) / program, os.X_OK):
            return str(pathlib.Path(folder) / program)
    return None


def why_absent(contestant):
    """A reason why it cannot take part, or nothing."""
    path = find(contestant.program)
    if not path:
        maker = "; bench/peers/build makes it" if contestant.name.startswith(PEERS) else ""
        return f"{contestant.program} is missing{maker}"
    if contestant.option:
        asked = subprocess.run([path, contestant.arguments.split()[0], "--help"], capture_output=True, text=True,
                               check=False)
        if contestant.option not in asked.stdout:
            return f"{contestant.program} has no {contestant.option} yet"
    return ""


def command(*words, **options):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, **options)
    if done.returncode:
        raise Failed(f"{' '.join(map(str, words))}: {done.stderr.strip() or f'exit status {done.returncode}'}")
    return done.stdout


def await_line(path, process):
    limit = time.monotonic() + PATIENCE
    while time.monotonic() < limit:
        if any(line.startswith("ready") for line in path.read_text(errors="replace").splitlines()):
            return
        if process.poll() is not None:
            break
        time.sleep(0.005)
    raise Failed(f"not ready: {(path.parent / 'server.err').read_text(errors='replace').strip()[-300:]}")


# --- networks ---------------------------------------------------------------------------------------------------------


class Networks:
    """The interfaces of all contestants, in the namespace that we are in."""

    def __init__(self, folder, contestants):
        self.folder = folder
        self.keepers = {} # network -> the process whose namespace it is
        self.number = {contestant.name: n for n, contestant in enumerate(contestants, 1)}
        self.tune()
        command("ip", "link", "set", "lo", "up")
        try:
            for contestant in contestants:
                if contestant.network == "tap":
                    self.make_tap(self.number[contestant.name])
            for n, network in enumerate(("veth", "veth-plain"), 201):
                self.number[network] = n
                if any(contestant.network == network for contestant in contestants):
                    self.make_veth(network, n)
        except Failed:
            self.close()
            raise

    @staticmethod
    def tune(inside=()):
        for name, value in SYSCTLS.items():
            subprocess.run([*inside, "sh", "-c", f"echo '{value}' >/proc/sys/{name}"], check=False, capture_output=True)

    @staticmethod
    def make_tap(n):
        command("ip", "tuntap", "add", f"tap{n}", "mode", "tap")
        command("ip", "link", "set", f"tap{n}", "mtu", MTU, "txqueuelen", QUEUE, "up")
        command("ip", "addr", "add", f"10.9.{n}.1/24", "dev", f"tap{n}")
        for source in range(SOURCES):
            command("ip", "addr", "add", f"10.9.{n}.{101 + source}/24", "dev", f"tap{n}")

    def make_veth(self, network, n):
        keeper = subprocess.Popen(["unshare", "--net", "--", "sleep", "infinity"], stdin=subprocess.DEVNULL)
        self.keepers[network] = keeper
        own, its = os.readlink("/proc/self/ns/net"), f"/proc/{keeper.pid}/ns/net"
        limit = time.monotonic() + PATIENCE
        while os.readlink(its) == own:
            if time.monotonic() > limit:
                raise Failed(f"no network namespace after {PATIENCE} s")
            time.sleep(0.005)
        inside = self.inside(network)
        self.tune(inside)
        command("ip", "link", "add", f"veth{n}", "mtu", MTU, "type", "veth", "peer", "name", "server")
        command("ip", "link", "set", "server", "netns", keeper.pid)
        command(*inside, "ip", "link", "set", "server", "mtu", MTU)
        if network == "veth-plain":
            off = [word for feature in ("tso", "gso", "gro", "rx", "tx") for word in (feature, "off")]
            command("ethtool", "-K", f"veth{n}", *off)
            command(*inside, "ethtool", "-K", "server", *off)
        command("ip", "addr", "add", f"10.9.{n}.1/24", "dev", f"veth{n}")
        command("ip", "link", "set", f"veth{n}", "up")
        command(*inside, "ip", "addr", "add", f"10.9.{n}.2/24", "dev", "server")
        command(*inside, "ip", "link", "set", "lo", "up")
        command(*inside, "ip", "link", "set", "server", "up")

    def inside(self, network):
        """The words that run a command where this network's server is."""
        keeper = self.keepers.get(network)
        return ("nsenter", f"--net=/proc/{keeper.pid}/ns/net", "--") if keeper else ()

    def prefix(self, contestant):
        key = contestant.name if contestant.network == "tap" else contestant.network
        return f"10.9.{self.number[key]}"

    def frames_taken(self, contestant):
        """Frames that the server has read off its TAP, or datagrams that the kernel's program has taken."""
        if contestant.network == "tap":
            for line in pathlib.Path("/proc/net/dev").read_text().splitlines():
                name, _, counts = line.partition(":")
                if name.strip() == f"tap{self.number[contestant.name]}":
                    return int(counts.split()[9])
        lines = pathlib.Path(f"/proc/{self.keepers[contestant.network].pid}/net/snmp").read_text().splitlines()
        names, values = (line.split() for line in lines if line.startswith("Udp:"))
        return int(values[names.index("InDatagrams")])

    def close(self):
        for keeper in self.keepers.values():
            keeper.kill()
            keeper.wait()


# --- a server ---------------------------------------------------------------------------------------------------------


def make_site(folder):
    """What all serve, and nginx's configuration."""
    site = folder / "site"
    site.mkdir()
    for name, octets in SITE.items():
        (site / name).write_bytes(b"x" * octets)
    site.chmod(0o755)
    (folder / "nginx.conf").write_text(NGINX.format(work=folder, site=site))


class Server:
    """One contestant at work."""

    def __init__(self, networks, contestant, core):
        self.networks, self.contestant = networks, contestant
        self.host = networks.prefix(contestant) + ".2"
        folder = networks.folder
        with (folder / "server.out").open("w") as out, (folder / "server.err").open("w") as err:
            self.process = subprocess.Popen(["taskset", "-c", str(core), *self.words(networks, contestant)],
                                            stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                            env={**os.environ, "XDG_RUNTIME_DIR": str(folder)})
        try:
            if contestant.says_ready:
                await_line(folder / "server.out", self.process)
            else:
                self.await_port()
        except BaseException:
            self.stop()
            raise

    @staticmethod
    def words(networks, contestant):
        n = networks.number.get(contestant.name)
        arguments = contestant.arguments.format(tap=f"tap{n}", addr=f"{networks.prefix(contestant)}.2/24",
                                                site=networks.folder / "site", work=networks.folder)
        return [*networks.inside(contestant.network), find(contestant.program), *arguments.split()]

    def await_port(self):
        limit = time.monotonic() + PATIENCE
        listening = ":0050 00000000:0000 0A" # port 80 in /proc/net/tcp
        while time.monotonic() < limit:
            if listening in pathlib.Path(f"/proc/{self.process.pid}/net/tcp").read_text():
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.005)
        raise Failed(f"not ready: {(self.networks.folder / 'nginx.log').read_text(errors='replace').strip()[-300:]}")

    def processor_ns(self):
        """Time on a processor of all its threads."""
        total = 0
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
        return total

    def resident(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise Failed("the server has ended")

    def check(self):
        if self.process.poll() is not None:
            said = (self.networks.folder / "server.err").read_text(errors="replace").strip()[-200:]
            raise Failed(f"the server has ended with {self.process.returncode}: {said}")

    def stop(self):
        """At once: what it would say to its clients nobody waits for."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def described():
    """What a figure depends on, for the page."""
    def read(path):
        return " ".join(pathlib.Path(path).read_text().split())

    model = next((line.partition(":")[2].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), "unknown")
    return {"processor": model, "cores": os.cpu_count(), "kernel": os.uname().release,
            "tcp_rmem": read("/proc/sys/net/ipv4/tcp_rmem"), "tcp_wmem": read("/proc/sys/net/ipv4/tcp_wmem"),
            "revision": revision()}


def revision():
    said = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12"], capture_output=True,
                          text=True, check=False)
    return said.stdout.strip() or "unknown"


def to_json(fields):
    return json.dumps({"schema": 1, "bench": "contest"} | fields)

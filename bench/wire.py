#!/usr/bin/env python3
"""wire.py - one flow over a bad wire, beside the kernel's own TCP on the same one, in real time.

    scripts/bench network --wire [--json | --write] [--check] [--runs N] [--seconds N] [--tapio PROGRAM] [--jobs N]

`tapio wire` is the path: a rate with a queue of one product, a delay, and loss with the data, drawn from a seed.
The n-th frame that goes there meets the same fate for every sender, as nothing else crosses the wire: addresses are
learned in the same frames, IPv6 is off. Three pairs of ends take turns on it:

    kernel to kernel    both ends are the machine's TCP, the sender on cubic
    us to kernel        tapio serve sends
    kernel to us        tapio get receives

Each pair of ends sits on a network of its own (one of a few that work side by side: such paths are slow and leave
the processors idle). All of them have a bridge at either end of the wire:

    kernel  10.8.0.1 --- veth --+                    +-- veth --- 10.8.0.2 kernel
                                bridge == wire == bridge
    serve   10.8.0.3 --- TAP ---+                    +-- TAP --- 10.8.0.4 get

Every file is compared. Who sends is timed by the receiver where the kernel receives, from its request on, and by the
sender until all is acknowledged where we do: in each case the same clock for the two that are compared.

Exit status: 0 all right, 1 a limit was missed or a run failed, 2 a mistake on the command line.
"""
import argparse
import concurrent.futures
import filecmp
import json
import math
import os
import pathlib
import queue
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/bench-wire.md"
SENDER = ROOT / "tests/e2e/recovery_server.py"
MTU, MSS, HEADER = 1500, 1448, 14
QUEUE_LEAST = 20 # packets
QUEUE_OF_TAP = 4000 # packets: our window is no larger than what it holds
LEAST, MOST = 200000, 20000000 # octets
LOSSES_LEAST = 80 # of a run, so that chance does not decide its rate
RATES = {"10mbit": 1e7, "100mbit": 1e8}
PATHS = (("10mbit", 20), ("100mbit", 1), ("100mbit", 20), ("100mbit", 100)) # ms
LOSSES = (0, 1, 3) # percent
PAIRS = ("kernel to kernel", "us to kernel", "kernel to us")
CLEAN_RUNS = 3 # nothing is drawn there
AT_ONCE = 100e6 # bit/s that the machine is to carry together, so that it is not what limits

# What must hold (--check): we send with loss as fast as the kernel does.
LIMIT = 0.95

KERNEL_SENDER, KERNEL_RECEIVER, OUR_SENDER, OUR_RECEIVER = (f"10.8.0.{n}" for n in (1, 2, 3, 4))
PREFIX = 24
PATIENCE = 300 # s


@dataclass(frozen=True)
class Cell:
    rate: str
    round_trip: int # ms
    loss: int # percent

    def expected(self):
        """Bits a second, roughly: what a cwnd of 1.3 over the root of the loss carries (RFC 5348 in short)."""
        most = 0.95 * RATES[self.rate]
        if not self.loss:
            return most
        return min(most, 1.3 / math.sqrt(self.loss / 100) * MSS * 8 / (self.round_trip / 1000))

    def octets(self, seconds):
        least = max(LEAST, int(LOSSES_LEAST * 100 / self.loss) * MSS if self.loss else 0)
        return min(max(least, int(self.expected() * seconds / 8)), MOST)

    def queue(self):
        return max(QUEUE_LEAST, math.ceil(RATES[self.rate] / 8 * self.round_trip / 1000 / MTU))

    def spec(self):
        loss = f",loss={self.loss}%" if self.loss else ""
        delay = f"delay={self.round_trip * 500}us"
        return f"in:{delay},rate={self.rate},queue={self.queue()}p{loss};out:{delay}"

    def name(self):
        return f"{self.rate.replace('mbit', ' Mb/s')}, {self.round_trip} ms, {self.loss}% loss"


class Failed(Exception):
    """A run that came to nothing, in a sentence."""


def command(*words, **options):
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=PATIENCE, **options)
    if done.returncode:
        raise Failed(f"{' '.join(map(str, words))}: {done.stderr.strip() or f'exit status {done.returncode}'}")
    return done.stdout


def await_line(path, start):
    limit = time.monotonic() + 10
    while time.monotonic() < limit:
        for line in path.read_text().splitlines():
            if line.startswith(start):
                return
        time.sleep(0.01)
    raise Failed(f"no '{start}' after 10 s: {path.read_text().strip()}")


class Network:
    """Three namespaces: the kernel's two hosts, and the bridges and our stack's devices between them."""

    def __init__(self, folder, tapio):
        self.folder, self.tapio = folder, tapio
        self.started = []
        self.middle, self.near, self.far = (self.namespace() for _ in range(3))
        for where in (self.middle, self.near, self.far):
            self.shell(where, "echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6; ip link set lo up")
        self.bridge("near", self.near, KERNEL_SENDER)
        self.bridge("far", self.far, KERNEL_RECEIVER)
        # The sender has the receiver's address from its question, and never asks itself.
        mac = json.loads(self.shell(self.far, "ip -json link show outside"))[0]["address"]
        self.shell(self.near, f"ip neigh replace {KERNEL_RECEIVER} lladdr {mac} dev outside nud permanent")

    def namespace(self):
        keeper = subprocess.Popen(["unshare", "--net", "--", "sleep", "infinity"], stdin=subprocess.DEVNULL)
        self.started.append(keeper)
        own, its = os.readlink("/proc/self/ns/net"), f"/proc/{keeper.pid}/ns/net"
        limit = time.monotonic() + 5
        while os.readlink(its) == own:
            if time.monotonic() > limit:
                raise Failed("no network namespace after 5 s")
            time.sleep(0.005)
        return its

    @staticmethod
    def inside(where, *words):
        return ("nsenter", f"--net={where}", "--", *map(str, words))

    def shell(self, where, script):
        return command(*self.inside(where, "sh", "-ec", script))

    def bridge(self, end, host, address):
        """A TAP of ours and a host of the kernel's; the wire is joined for each run. One packet is one segment."""
        self.shell(self.middle, f"""
            ip link add br-{end} type bridge stp_state 0 forward_delay 0 mcast_snooping 0
            ip tuntap add {end}-us mode tap
            ip link add {end}-k type veth peer name outside
            ip link set outside netns {pathlib.PurePath(host).parts[2]}
            for port in {end}-us {end}-k; do ip link set $port master br-{end} up; done
            ip link set {end}-us txqueuelen {QUEUE_OF_TAP}
            ethtool -K {end}-k tso off gso off gro off rx off tx off >/dev/null
            ip link set br-{end} up""")
        self.shell(host, f"""
            ip addr add {address}/{PREFIX} dev outside
            ethtool -K outside tso off gso off gro off rx off tx off >/dev/null
            echo 1 >/proc/sys/net/ipv4/tcp_no_metrics_save
            echo 3600000 >/proc/sys/net/ipv4/neigh/outside/base_reachable_time_ms
            ip link set outside up""")

    def start(self, where, *words, ready):
        """A process whose first words are in a file; its end is stop()'s."""
        out = self.folder / pathlib.Path(words[0]).name
        with out.open("w") as file:
            process = subprocess.Popen(self.inside(where, *words), stdin=subprocess.DEVNULL, stdout=file,
                                       stderr=subprocess.STDOUT)
        self.started.append(process)
        try:
            await_line(out, ready)
        except Failed:
            self.stop(process)
            raise
        return process, out

    def stop(self, process):
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self.started.remove(process)

    def close(self):
        for process in reversed(self.started):
            process.kill()
            process.wait()

    def run(self, cell, pair, seed, site, octets):
        """Seconds that `octets` took: as the receiver saw them, and as the kernel's sender did."""
        wire, _ = self.start(self.middle, self.tapio, "wire", "tap:near-w", "tap:far-w", "--impair", cell.spec(),
                             "--seed", seed, ready="ready")
        sender = None
        try:
            self.shell(self.middle, "ip link set near-w master br-near up; ip link set far-w master br-far up")
            self.shell(self.far, "ip neigh flush dev outside")
            if pair == "us to kernel":
                sender, _ = self.start(self.middle, self.tapio, "serve", "--root", site, "--dev", "tap:near-us",
                                       "--addr", f"{OUR_SENDER}/{PREFIX}", "--offload", "off", ready="ready")
                return self.fetch(OUR_SENDER, site / str(octets)), None
            sender, said = self.start(self.near, sys.executable, SENDER, KERNEL_SENDER, 80, site / str(octets),
                                      ready="ready")
            if pair == "kernel to us":
                self.get(site / str(octets))
                return None, self.told(said)
            seen = self.fetch(KERNEL_SENDER, site / str(octets))
            return seen, self.told(said)
        finally:
            if sender:
                self.stop(sender)
            self.stop(wire)

    def whole(self, file):
        got = self.folder / "got"
        if not filecmp.cmp(file, got, shallow=False):
            raise Failed("the file that came is another")
        got.unlink()

    def fetch(self, host, file):
        times = command(*self.inside(self.far, "curl", "--disable", "--silent", "--show-error", "--max-time", PATIENCE,
                                     "--noproxy", "*", "-o", self.folder / "got",
                                     "-w", "%{time_pretransfer} %{time_total}", f"http://{host}/{file.name}")).split()
        self.whole(file)
        return float(times[1]) - float(times[0])

    def get(self, file):
        command(*self.inside(self.middle, self.tapio, "get", "--dev", "tap:far-us", "--addr",
                             f"{OUR_RECEIVER}/{PREFIX}", "--offload", "off", "--timeout", PATIENCE,
                             "-o", self.folder / "got", f"http://{KERNEL_SENDER}/{file.name}"))
        self.whole(file)

    @staticmethod
    def told(said):
        """The sender's own figure, once the last octet is acknowledged."""
        limit = time.monotonic() + 60
        while time.monotonic() < limit:
            lines = said.read_text().splitlines()
            if len(lines) > 1:
                return float(lines[1])
            time.sleep(0.01)
        raise Failed("the sender was never done")


def run_all(given, cells, folder):
    """Cell by cell, so that what is compared ran at the same time; the figures are bits a second."""
    networks = queue.Queue()
    made = []
    site = folder / "site"
    site.mkdir()
    figures = {cell: {key: [] for key in ("kernel sends", "we send", "kernel receives", "we receive")} for cell in cells}

    def one(cell, octets, pair, seed):
        network = networks.get()
        try:
            return network.run(cell, pair, seed, site, octets)
        finally:
            networks.put(network)

    try:
        for number in range(given.jobs):
            own = folder / f"network{number}"
            own.mkdir()
            made.append(Network(own, given.tapio))
            networks.put(made[-1])
        for cell in cells:
            octets = cell.octets(given.seconds)
            (site / str(octets)).write_bytes(os.urandom(octets))
            at_once = max(1, min(given.jobs, int(AT_ONCE / cell.expected())))
            seeds = range(1, 1 + (given.runs if cell.loss else min(given.runs, CLEAN_RUNS)))
            turns = [(pair, seed) for seed in seeds for pair in PAIRS]
            with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
                results = list(pool.map(lambda turn: one(cell, octets, *turn), turns))
            for (pair, _), (seen, told) in zip(turns, results):
                for key, seconds in ((("kernel sends", seen), ("kernel receives", told)) if pair == PAIRS[0] else
                                     (("we send", seen),) if pair == PAIRS[1] else (("we receive", told),)):
                    figures[cell][key].append(octets * 8 / seconds)
            print(f"bench: {cell.name()}: {octets} octets, {len(seeds)} runs of each: {short(figures[cell])}",
                  file=sys.stderr, flush=True)
            (site / str(octets)).unlink()
    finally:
        for network in made:
            network.close()
    return figures


def ratio(figure, ours, kernels):
    return statistics.median(figure[ours]) / statistics.median(figure[kernels])


def short(figure):
    return (f"we send {ratio(figure, 'we send', 'kernel sends'):.2f}, "
            f"we receive {ratio(figure, 'we receive', 'kernel receives'):.2f}")


def judge(figures):
    return [f"{cell.name()}: we send {ratio(figure, 'we send', 'kernel sends'):.3f} of the kernel's rate, below {LIMIT}"
            for cell, figure in figures.items()
            if cell.loss and ratio(figure, "we send", "kernel sends") < LIMIT]


# --- telling ------------------------------------------------------------------------------------------------------


def table(figures):
    yield "| path | kernel to kernel, Mb/s | us to kernel, Mb/s | to the kernel's | kernel to us, Mb/s | to the kernel's |"
    yield "|---|---:|---:|---:|---:|---:|"
    for cell, figure in figures.items():
        median = {key: statistics.median(values) / 1e6 for key, values in figure.items()}
        yield (f"| {cell.name()} | {median['kernel sends']:.2f} | {median['we send']:.2f} | "
               f"{ratio(figure, 'we send', 'kernel sends'):.2f} | {median['we receive']:.2f} | "
               f"{ratio(figure, 'we receive', 'kernel receives'):.2f} |")


def page(given, figures, missed):
    yield "# One bad wire, beside the kernel"
    yield ""
    yield "Written by `scripts/bench network --wire --write`. One flow crosses `tapio wire` in real time: kernel to kernel, us to"
    yield "kernel and kernel to us, on the same path, with the same losses by number of the frame. What a flow reaches in virtual"
    yield "time is in [bench-network.md](bench-network.md)."
    yield ""
    yield f"Medians of {given.runs} runs ({CLEAN_RUNS} without loss) of {given.seconds:g} s each, but at least {LOSSES_LEAST} losses and at most {MOST // 1000000} MB. The"
    yield f"queue holds one product of rate and round trip, and at least {QUEUE_LEAST} packets; loss is with the data. Nobody has"
    yield "offloads; the kernel's sender is on cubic. Our TAPs have a transmit queue that holds the product, for the window that we"
    yield "offer is no larger than half of it. Read the ratios: machines differ."
    yield ""
    yield from table(figures)
    yield ""
    yield (f"What must hold (`--check`): with loss we send at {LIMIT} of the kernel's rate or more. " +
           ("Nothing was missed." if not missed else "Missed:"))
    if missed:
        yield ""
        yield from (f"- {sentence}" for sentence in missed)


def print_json(figures):
    for cell, figure in figures.items():
        for key, values in figure.items():
            print(json.dumps({"schema": 1, "bench": "wire", "bit_per_s": int(RATES[cell.rate]),
                              "round_trip_ms": cell.round_trip, "loss_percent": cell.loss, "who": key,
                              "goodput_bit_per_s": [round(value) for value in values]}))


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench network --wire",
                                     description="One flow over a bad wire, beside the kernel.")
    parser.add_argument("--json", action="store_true", help="an object for each path and pair of ends")
    parser.add_argument("--write", action="store_true", help="write docs/bench-wire.md")
    parser.add_argument("--check", action="store_true", help="only the paths with a limit; fail when one is missed")
    parser.add_argument("--runs", type=int, default=15, metavar="N", help="seeds of each path (15)")
    parser.add_argument("--seconds", type=float, default=20, metavar="N", help="what a run should take (20)")
    parser.add_argument("--tapio", default=str(ROOT / "build/tapio"), metavar="PROGRAM", help="build/tapio")
    parser.add_argument("--jobs", type=int, default=4 * (os.cpu_count() or 1), metavar="N",
                        help="so many runs at once, at most (four a processor)")
    given = parser.parse_args()
    if given.write and (given.check or given.json):
        parser.error("--write goes with neither --check nor --json: the page has every path")
    if given.runs < 1 or given.seconds <= 0 or given.jobs < 1:
        parser.error("--runs, --seconds and --jobs want a number above 0")
    given.tapio = os.path.realpath(given.tapio)
    return given


def main():
    given = arguments()
    cells = [Cell(rate, round_trip, loss) for rate, round_trip in PATHS for loss in LOSSES
             if loss or not given.check]
    with tempfile.TemporaryDirectory(prefix="tapio-bench.") as folder:
        try:
            figures = run_all(given, cells, pathlib.Path(folder))
        except (Failed, subprocess.TimeoutExpired) as error:
            sys.exit(f"bench: {error}")
    missed = judge(figures)
    if given.write:
        PAGE.write_text("\n".join(page(given, figures, missed)) + "\n")
        print(f"bench: docs/bench-wire.md is written: {len(figures)} paths", file=sys.stderr)
    elif given.json:
        print_json(figures)
    else:
        print("\n".join(table(figures)))
    for sentence in missed:
        print(f"not ok {sentence}", file=sys.stderr)
    return 1 if missed and given.check else 0


if __name__ == "__main__":
    sys.exit(main())

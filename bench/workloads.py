"""workloads.py - what scripts/bench asks of each contestant, and the figures of one run.

A run is one server, started for it, and one client for some seconds after a warm-up (bench/blast.c). It answers with a
dict of figures; Failed says why there are none.
"""
import json
import pathlib
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import Callable

from contestants import (BUILT, BULK, CALLS, CONNECT, DATAGRAMS, FILES, HTTP, IDLE, ONE, SOURCES, START, Failed, Server,
                         find)

BLAST = BUILT / "blast"
STARTS = 10 # of a round of "start"
HELD_BY_ONE = 10000 # idle connections of one client process
HOLD_PATIENCE = 20 # s, for these
SETTLE = 0.3 # s, until what was asked for is at rest


class Bench:
    """What a run needs: networks, cores, and how long."""

    def __init__(self, networks, cores, seconds, connect_seconds):
        self.networks = networks
        self.server_core, self.client_core = cores
        self.seconds, self.connect_seconds = seconds, connect_seconds

    def serve(self, contestant):
        return Server(self.networks, contestant, self.server_core)

    def blast(self, *words, patience=30):
        """A run of the client: its figures."""
        words = ["taskset", "-c", str(self.client_core), str(BLAST), *map(str, words)]
        try:
            done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=patience)
        except subprocess.TimeoutExpired as late:
            raise Failed(f"{' '.join(words[3:])}: nothing after {patience} s") from late
        if done.returncode:
            raise Failed(f"{' '.join(words[3:])}: {done.stderr.strip() or f'exit status {done.returncode}'}")
        return json.loads(done.stdout)


@dataclass(frozen=True)
class Workload:
    name: str
    words: str
    asks: str # which contestants: those that do this
    run: Callable # (bench, contestant) -> figures
    rounds: int = 0 # at most; 0: as many as there are


def with_server(ask):
    """Makes a run of a function that asks a server that is ready."""
    def run(bench, contestant):
        server = bench.serve(contestant)
        try:
            before = server.processor_ns()
            figures = ask(bench, server)
            server.check()
            figures["server_cpu_s"] = (server.processor_ns() - before) / 1e9
            if figures.get("answers"):
                figures["cpu_us_per_answer"] = figures["server_cpu_s"] * 1e6 / figures["answers"]
            return figures
        finally:
            server.stop()
    return run


def some(figures, key, what):
    """Nothing at all is no figure."""
    if not figures[key]:
        raise Failed(f"no {what} at all")
    return figures


def bulk(verb, conns):
    def ask(bench, server):
        told = bench.blast(verb, server.host, bench.seconds, conns, patience=bench.seconds + 20)
        figures = {"octets_per_s": told["push_octets_per_s"] + told["pull_octets_per_s"]}
        if verb == "both":
            for key in ("push_octets_per_s", "pull_octets_per_s"):
                figures[key] = some(told, key, "octets one way")[key]
        return some(figures, "octets_per_s", "octets")
    return with_server(ask)


def requests(path, conns):
    def ask(bench, server):
        told = bench.blast("requests", server.host, bench.seconds, conns, path, patience=bench.seconds + 20)
        return some(told, "per_s", "answers")
    return with_server(ask)


def system_calls(conns):
    """How many a request takes; strace slows the server, so how fast it was is no figure."""
    def ask(bench, server):
        counts = bench.networks.folder / "calls"
        with (bench.networks.folder / "strace.err").open("w") as err:
            tracer = subprocess.Popen(["strace", "-f", "-c", "-U", "name,calls", "-o", counts, "-p",
                                       str(server.process.pid)], stdin=subprocess.DEVNULL, stderr=err)
        try:
            await_attached(bench.networks.folder / "strace.err", tracer)
            told = some(bench.blast("requests", server.host, bench.seconds, conns, "/100",
                                    patience=bench.seconds + 30), "answers", "answers")
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.wait()
        rows = [line.split() for line in counts.read_text().splitlines()]
        calls = {row[0]: int(row[1]) / told["answers"] for row in rows if len(row) == 2 and row[1].isdigit()}
        return {"calls": calls.pop("total")} | {f"calls_{name}": count for name, count in calls.items()}
    return with_server(ask)


def await_attached(path, tracer):
    limit = time.monotonic() + HOLD_PATIENCE
    while "attached" not in path.read_text():
        if tracer.poll() is not None or time.monotonic() > limit:
            raise Failed(f"strace: {path.read_text().strip()[-200:]}")
        time.sleep(0.01)


def downloads(path, conns):
    def ask(bench, server):
        told = bench.blast("downloads", server.host, bench.seconds, conns, path, patience=bench.seconds + 20)
        return some(told, "octets_per_s", "octets")
    return with_server(ask)


def connects(conns):
    def ask(bench, server):
        told = bench.blast("connects", server.host, bench.connect_seconds, conns, "/100",
                           patience=bench.connect_seconds + 30)
        return some(told, "per_s", "answers")
    return with_server(ask)


def datagrams(bench, server):
    before = bench.networks.frames_taken(server.contestant)
    told = bench.blast("datagrams", server.host, bench.seconds, patience=bench.seconds + 20)
    taken = bench.networks.frames_taken(server.contestant) - before
    figures = {"per_s": taken / told["seconds"], "sent_per_s": told["sent"] / told["seconds"]}
    return some(figures, "per_s", "datagrams")


def start(bench, contestant):
    ready = "ready" if contestant.says_ready else "silent"
    command = Server.words(bench.networks, contestant)
    runs = [bench.blast("start", bench.networks.prefix(contestant) + ".2", bench.server_core, ready, *command)
            for _ in range(STARTS)]
    middle = sorted(run["start_ms"] for run in runs)[len(runs) // 2]
    return {"start_ms": middle, "resident_octets": sorted(run["resident_octets"] for run in runs)[len(runs) // 2]}


class Holders:
    """Processes that hold idle connections to a server's echo."""

    def __init__(self, bench, server, count):
        self.processes = []
        prefix = server.host.rpartition(".")[0]
        try:
            for n, first in enumerate(range(0, count, HELD_BY_ONE)):
                words = [BLAST, "hold", server.host, 7, min(HELD_BY_ONE, count - first), f"{prefix}.{101 + n % SOURCES}"]
                self.processes.append(subprocess.Popen(
                    ["taskset", "-c", str(bench.client_core), *map(str, words)], stdin=subprocess.PIPE,
                    stdout=(bench.networks.folder / f"held{n}").open("w"), stderr=subprocess.DEVNULL))
                self.await_held(bench.networks.folder / f"held{n}", self.processes[-1])
        except BaseException:
            self.release()
            raise

    @staticmethod
    def await_held(said: pathlib.Path, process):
        limit = time.monotonic() + HOLD_PATIENCE
        while not said.read_text():
            if process.poll() is not None:
                raise Failed("a connection cannot be opened")
            if time.monotonic() > limit:
                raise Failed(f"{HELD_BY_ONE:,} connections are not open after {HOLD_PATIENCE} s")
            time.sleep(0.01)

    def release(self):
        for process in self.processes:
            process.kill()
            process.wait()
            process.stdin.close()


def idle(count):
    def push(bench, server):
        told = bench.blast("push", server.host, bench.seconds, 1, patience=bench.seconds + 20)
        return some(told, "push_octets_per_s", "octets")["push_octets_per_s"]

    def run(bench, contestant):
        server = bench.serve(contestant)
        try:
            alone = push(bench, server)
        finally:
            server.stop()
        server, holders = bench.serve(contestant), None
        try:
            before = server.resident()
            holders = Holders(bench, server, count)
            time.sleep(SETTLE)
            each = (server.resident() - before) / count
            beside = push(bench, server)
            server.check()
        finally:
            if holders:
                holders.release()
            server.stop()
        return {"octets_each": each, "kept": beside / alone, "octets_per_s": beside}
    return run


BULKS = [Workload(f"{name}-{conns}", f"{words}, {conns} connection{'s' if conns > 1 else ''}", BULK, bulk(verb, conns))
         for conns in (1, 8)
         for name, verb, words in (("in", "push", "bulk receive"), ("out", "pull", "bulk send"),
                                   ("both", "both", "both ways at once"))]
REQUESTS = [Workload(f"{name}-{conns}", f"{words}, {conns} keep-alive connection{'s' if conns > 1 else ''}",
                     ONE if conns == 1 and path == "/100" else HTTP, requests(path, conns))
            for name, path, words in (("small", "/100", "100 B"), ("large", "/10k", "10 KB"))
            for conns in (1, 32, 256)]
WORKLOADS = (
    *BULKS, *REQUESTS,
    Workload("connect", "a connection for each request of 100 B, 32 at once", CONNECT, connects(32), rounds=1),
    Workload("file-1", "a file of 100 MB by HTTP, 1 connection", FILES, downloads("/100m", 1)),
    Workload("file-8", "the same, 8 connections", FILES, downloads("/100m", 8)),
    *(Workload(f"calls-{conns}", f"100 B, {conns} connection{'s' if conns > 1 else ''}", CALLS, system_calls(conns),
               rounds=1) for conns in (1, 32)),
    Workload("datagrams", "UDP, 64 B", DATAGRAMS, with_server(datagrams)),
    Workload("idle-10k", "10,000 idle connections", IDLE, idle(10000)),
    Workload("idle-100k", "100,000 idle connections", IDLE, idle(100000), rounds=1),
    Workload("start", f"start to first answer, {STARTS} starts a round", START, start),
)
QUICK = ("in-1", "small-32")


def tools_missing():
    """What the harness itself lacks."""
    missing = [tool for tool in ("ip", "taskset", "nsenter", "unshare", "ethtool") if not find(tool)]
    return missing if BLAST.exists() else [*missing, str(BLAST)]

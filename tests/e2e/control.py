#!/usr/bin/env python3
"""control.py - clients of the control socket, good and bad; `control.py VERB ARGS...`.

Each verb ends with 0, or says in one line what was not as it should be.
"""
import glob
import json
import os
import socket
import sys
import time


def the_socket():
    """The only socket in DIR."""
    found = glob.glob(os.environ["XDG_RUNTIME_DIR"] + "/tapio/*.sock")
    assert len(found) == 1, f"sockets: {found}"
    return found[0]


def dial(path=None):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(10)
    sock.connect(path or the_socket())
    return sock


def read_lines(sock):
    """The lines of one reply; the last is of type end or error."""
    data = b""
    while True:
        while b"\n" in data:
            line, data = data.split(b"\n", 1)
            one = json.loads(line, object_pairs_hook=no_duplicates)
            assert one["schema"] == 1, one
            yield one
            if one["type"] in ("end", "error"):
                return
        piece = sock.recv(65536)
        assert piece, "it hung up before the end"
        data += piece


def no_duplicates(pairs):
    keys = [key for key, _ in pairs]
    assert len(keys) == len(set(keys)), f"a key twice: {keys}"
    return dict(pairs)


def ask(request, sock=None, path=None):
    sock = sock or dial(path)
    sock.sendall(json.dumps(request).encode() + b"\n")
    return list(read_lines(sock))


def snapshot(**more):
    lines = ask({"schema": 1, "verb": "ss", **more})
    assert lines[0]["type"] == "stack" and lines[-1]["type"] == "end", lines
    assert lines[-1]["lines"] == len(lines) - 1 and lines[-1]["lost"] == 0, lines[-1]
    return [one for one in lines[1:-1] if one["type"] == "connection"]


def transfer():
    """A download is running: its figures are sane, and move as it does."""
    before, = snapshot(state="ESTABLISHED")
    after, deadline = before, time.time() + 10
    while after["acked_octets"] == before["acked_octets"]:  # curl reads in bursts
        assert time.time() < deadline, f"nothing was acknowledged: {after}"
        time.sleep(0.1)
        after, = snapshot(conn=before["conn"])
    for one in before, after:
        assert one["cwnd_octets"] >= one["mss_octets"] >= 536, one
        assert 0 < one["rtt_us"] < 5_000_000 and one["rttvar_us"] < 5_000_000, one
        assert one["rto_us"] >= one["rtt_us"], one
        assert one["inflight_octets"] <= one["unacked_octets"] <= one["send_q_octets"] + 1, one
        assert one["limited_by"] in ("cwnd", "peer-window", "silly-window", "application",
                                     "send-buffer", "link", "pacing"), one
        assert one["congestion_control"] == "cubic" and one["protocol"] == "tcp", one
        assert one["local_port"] == 80 and one["local_addr"] == "10.9.0.2", one
        assert {"ts", "sack", "wscale"} <= set(one["flags"]), one
        for timer in one["timers"]:
            assert 0 <= timer["in_us"] < 200_000_000, one
    assert after["acked_octets"] > before["acked_octets"], after
    assert after["sent_octets"] >= after["acked_octets"], after
    assert after["segments_out"] >= before["segments_out"], after
    assert after["segments_in"] > before["segments_in"], after
    assert not any(key.startswith("rtt_ms") for key in after)


def stalled():
    """A reader that has stopped: its window is what limits the connection, and a timer probes it."""
    sock = socket.create_connection(("10.9.0.2", 19))
    deadline = time.time() + 10
    while True:
        one, = snapshot(state="ESTABLISHED")
        if one["limited_by"] in ("peer-window", "silly-window") and \
                any(timer["timer"] == "persist" for timer in one["timers"]):
            break
        assert time.time() < deadline, one
        time.sleep(0.1)
    assert one["snd_wnd_octets"] < one["mss_octets"], one
    sock.close()


def cause():
    """Something was lost lately: why cwnd changed is told."""
    deadline = time.time() + 20
    while time.time() < deadline:
        for one in snapshot(state="ESTABLISHED"):
            change = one.get("cwnd_change")
            if change and one["retransmitted_segments"] > 0:
                assert change["cause"] and change["ago_ms"] >= 0, change
                assert change["cwnd_octets"] > 0, one
                print(change)
                return
        time.sleep(0.05)
    raise AssertionError("cwnd never changed")


def rude():
    """Garbage, half a line, a line that is too long: each is told or hung up on, and no more."""
    for octets in (b"GET / HTTP/1.0\r\n\r\n", b"\0" * 100 + b"\n", b"[" * 4000 + b"\n",
                   b"x" * 100000, b'{"schema":1}\n', b'{"schema":1,"verb":"halt"}\n',
                   os.urandom(3000).replace(b"\n", b"") + b"\n"):
        sock = dial()
        try:
            sock.sendall(octets)
            last = list(read_lines(sock))[-1]
            assert last["type"] == "error", last
        except (ConnectionResetError, BrokenPipeError):
            pass  # it hung up while there was more to say
        sock.close()
    half = dial()
    half.sendall(b'{"schema":1,"verb":')
    assert snapshot() is not None  # others do not wait for the rest
    half.shutdown(socket.SHUT_WR)
    assert half.recv(100) == b"", "half a line was answered"
    both = dial()
    both.sendall(b'{"schema":1,"verb":"ss"}\n{"schema":1,"verb":"ss"}\n')
    both.shutdown(socket.SHUT_WR)
    data = b""
    while piece := both.recv(65536):
        data += piece
    assert data.count(b'"type":"end"') == 2, data


def hundred():
    """A hundred who say nothing: who asks is answered all the same."""
    crowd = [dial() for _ in range(100)]
    snapshot()
    assert len(crowd) == 100


def never_read():
    """Until we are ended: three who ask without end and read nothing, three captures that nobody
    reads."""
    deaf = [dial() for _ in range(6)]
    for sock in deaf[:3]:
        sock.sendall(b'{"schema":1,"verb":"capture"}\n')
    for sock in deaf[3:]:
        sock.setblocking(False)
        try:
            while True:
                sock.send(b'{"schema":1,"verb":"ss"}\n' * 100)
        except BlockingIOError:
            pass
    print("deaf", flush=True)
    time.sleep(600)


def json_lines():
    """What `tapio ss --json` prints, from stdin."""
    lines = [json.loads(line, object_pairs_hook=no_duplicates) for line in sys.stdin]
    assert lines[0]["type"] == "stack" and lines[-1]["type"] == "end", lines
    assert all(one["schema"] == 1 and one["verb"] == "ss" for one in lines)
    assert any(one["type"] == "listener" for one in lines), lines


def whole_blocks(path):
    """A capture of whole blocks: how many packets, and how many were lost before some of them."""
    data = open(path, "rb").read()
    at = packets = lost = statistics = 0
    while at < len(data):
        kind, length = (int.from_bytes(data[at + i:at + i + 4], "little") for i in (0, 4))
        assert length >= 12 and at + length <= len(data), f"half a block at {at}"
        assert int.from_bytes(data[at + length - 4:at + length], "little") == length
        if kind == 6:
            packets += 1
            option = at + 28 + (int.from_bytes(data[at + 20:at + 24], "little") + 3) // 4 * 4
            while code := int.from_bytes(data[option:option + 2], "little"):
                size = int.from_bytes(data[option + 2:option + 4], "little")
                if code == 4:
                    lost += int.from_bytes(data[option + 4:option + 12], "little")
                option += 4 + (size + 3) // 4 * 4
        statistics += kind == 5
        at += length
    print(packets, lost, statistics)


if __name__ == "__main__":
    verbs = {f.__name__.replace("_", "-"): f for f in
             (transfer, stalled, cause, rude, hundred, never_read, json_lines, whole_blocks)}
    try:
        verbs[sys.argv[1]](*sys.argv[2:])
    except (AssertionError, OSError, ValueError) as wrong:
        sys.exit(f"{sys.argv[1]}: {wrong!r}")

#!/usr/bin/env python3
"""programs.py - what `tapio exec` costs: a client and a server of the distribution's, beside what they are held against.

    scripts/bench programs [--check] [--rounds N] [--octets N]

curl on our stack fetches from nginx at the kernel's side of the TAP, in turn with `tapio get`, which is our own
client without a shim: goal 0.6 of its rate, both into a file and to /dev/null, where no disk is in the way. redis-server on our stack is asked by redis-benchmark from the
kernel's side, in turn with one on the kernel's TCP over veth: goal 0.5 of its requests. Each figure is the
median of the rounds. Run by scripts/bench inside a network namespace of its own.
"""
import argparse, os, re, signal, statistics, subprocess, sys, tempfile, time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TAPIO = os.environ.get("TAPIO_PLAIN", os.path.join(ROOT, "build", "tapio"))
REDIS = ["redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", "--save", "", "--appendonly", "no"]
CURLS = ("curl into a file", "curl to /dev/null")
GOALS = {CURLS[0]: 0.6, CURLS[1]: 0.6, "redis SET": 0.5, "redis GET": 0.5}

NGINX = """
daemon off; master_process off; user root; pid {0}/pid; error_log {0}/error; events {{}}
http {{ access_log off; sendfile on; default_type application/octet-stream;
  client_body_temp_path {0}/b; proxy_temp_path {0}/p; fastcgi_temp_path {0}/f; uwsgi_temp_path {0}/u; scgi_temp_path {0}/s;
  server {{ listen 8002; root {0}/site; }} }}
"""


def run(*command, **more):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, **more).stdout


def start(log, *command):
    return subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)


def end(process):
    process.send_signal(signal.SIGTERM)
    process.wait(20)


def wait_for(host, port):
    for _ in range(200):
        if subprocess.run(["nc", "-z", "-w", "1", host, str(port)], stderr=subprocess.DEVNULL).returncode == 0:
            return
        time.sleep(0.05)
    sys.exit(f"bench: nobody answers at {host} port {port}")


def fetches(folder, octets):
    """Octets a second of a fetch, start and end of the program included, of each of the two."""
    url = "http://10.9.0.1:8002/big"
    got = os.path.join(folder, "got")
    for what, into in zip(CURLS, (got, "/dev/null")):
        for name, command in (("get", [TAPIO, "get"]), ("curl", [TAPIO, "exec", "--", "curl", "-q", "-sS", "-w", "%{size_download}"])):
            before = time.monotonic()
            said = run(*command, "-o", into, url)
            yield f"{name}: {what}", octets / (time.monotonic() - before)
            assert name == "get" or int(said) == octets
            assert into != got or os.path.getsize(got) == octets


def asks(host, name):
    text = run("redis-benchmark", "-h", host, "-n", "100000", "-c", "50", "-q", "-t", "set,get").replace("\r", "\n")
    for kind, rate in re.findall(r"(SET|GET): ([0-9.]+) requests per second", text):
        yield f"{name} {kind}", float(rate)


def redis_rounds(log):
    """Requests a second of both servers; the kernel's is in a namespace behind a veth."""
    far = subprocess.Popen(["unshare", "--net", "--", "sleep", "600"])
    time.sleep(0.2)
    inside = ["nsenter", "--target", str(far.pid), "--net", "--"]
    try:
        run("ip", "link", "add", "near", "type", "veth", "peer", "name", "far", "netns", str(far.pid))
        for words in ("ip addr add 10.8.0.1/24 dev near", "ip link set near up"):
            run(*words.split())
        for words in ("ip addr add 10.8.0.2/24 dev far", "ip link set far up"):
            run(*inside, *words.split())
        for name, host, before in (("kernel", "10.8.0.2", inside), ("tapio", "10.9.0.2", [TAPIO, "exec", "--"])):
            server = start(log, *before, *REDIS, "--port", "6379")
            wait_for(host, 6379)
            yield from asks(host, name)
            end(server)
    finally:
        run("ip", "link", "del", "near")
        end(far) if far.poll() is None else None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--octets", type=int, default=500_000_000)
    options = parser.parse_args()
    figures = {}
    with tempfile.TemporaryDirectory() as folder, open(os.path.join(folder, "log"), "w") as log:
        run("ip", "link", "set", "lo", "up")
        os.mkdir(os.path.join(folder, "site"))
        os.chmod(folder, 0o755)
        with open(os.path.join(folder, "site", "big"), "wb") as big:
            big.write(os.urandom(1 << 20) * (options.octets >> 20) + b"x" * (options.octets & (1 << 20) - 1))
        with open(os.path.join(folder, "conf"), "w") as conf:
            conf.write(NGINX.format(folder))
        nginx = start(log, "nginx", "-c", os.path.join(folder, "conf"), "-e", os.path.join(folder, "error"))
        wait_for("127.0.0.1", 8002)
        for _ in range(options.rounds):
            for name, figure in (*fetches(folder, options.octets), *redis_rounds(log)):
                figures.setdefault(name, []).append(figure)
        end(nginx)
    median = {name: statistics.median(values) for name, values in figures.items()}
    print("| what | on our stack | beside it | ratio | goal |\n|---|---|---|---|---|")
    met = True
    rows = [(what, median[f"curl: {what}"] * 8 / 1e9, "Gb/s", median[f"get: {what}"] * 8 / 1e9, "`tapio get`") for what in CURLS]
    rows += [(f"redis {k}", median[f"tapio {k}"], "requests/s", median[f"kernel {k}"], "the kernel over veth") for k in ("SET", "GET")]
    for what, ours, unit, theirs, whose in rows:
        met = met and ours / theirs >= GOALS[what]
        figure = "{:.2f}" if unit == "Gb/s" else "{:,.0f}"
        print(f"| {what} | {figure.format(ours)} {unit} | {whose}: {figure.format(theirs)} {unit} | {ours / theirs:.2f} | {GOALS[what]} |")
    sys.exit(options.check and not met)


if __name__ == "__main__":
    main()

"""access_log.py LOG - the lines of one request and its connection, as access_log.sh made them."""
import json
import re
import sys


def check(ok, what):
    if not ok:
        sys.exit(f"not as it should be: {what}")


with open(sys.argv[1], encoding="ascii") as file:
    lines = [json.loads(line) for line in file]
check([line["type"] for line in lines] == ["request", "connection"], lines)
one, end = lines
check((one["method"], one["target"], one["version"]) == ("GET", "/small.txt", "HTTP/1.1"), one)
check((one["status"], one["octets"], one["whole"], one["nth"]) == (200, 13, True, 1), one)
check(one["client"].startswith("10.9.0.1:") and one["server"] == "10.9.0.2:80", one)
check((one["user_agent"], one["referer"], one["host"]) == ('agent "1"', None, "10.9.0.2"), one)
check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", one["time"]), one)
check(one["conn"] > 0 and one["srtt_us"] > 0 and one["cwnd_octets"] > 1000, one)
check((one["ssthresh_octets"], one["retransmits"]) == (None, 0), one)
check(one["mss_octets"] == 1448, one)  # 1460 without the room that timestamps take
check(end["conn"] == one["conn"] and end["client"] == one["client"], end)
check((end["requests"], end["octets"]) == (1, 13) and end["why"], end)
check(end["acked_octets"] > 13 and end["received_octets"] > 50, end)
check(end["duration_us"] >= one["duration_us"] >= 0, end)

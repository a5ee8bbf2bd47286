#!/usr/bin/env python3
"""explain_compare - does `tapio explain --json` say of each packet what tshark says?

    explain_compare.py TAPIO TSHARK FILE...       compares every field that both know
    explain_compare.py --streams TAPIO TSHARK FILE...   connections and relative numbers, too
    explain_compare.py --offsets TAPIO TSHARK FILE...   where each field lies (tshark's -T pdml)
    explain_compare.py --join OUT FILE...               writes the packets of several pcap files into one
    explain_compare.py --damage SEED COUNT OUT FILE...  writes damaged copies of the packets of pcap files

The keys of our fields are the names of Wireshark's, so a packet is, for each key, a list of values in
the order of the octets, and the two lists must be equal. Where a packet is malformed, or not all there,
theirs may be the beginning of ours. Where Wireshark follows its own mind, a function below names it:
known_differences(), other_way(), keys_to_compare(). Prints what differs, then one line of figures.
"""
import concurrent.futures
import ipaddress
import json
import random
import struct
import subprocess
import sys
import xml.etree.ElementTree

# Of Wireshark's fields those that we have, too. What stands alone is compared by its number.
KEYS = """
eth.dst eth.src eth.type eth.len eth.invalid_lentype vlan.priority vlan.dei vlan.id vlan.etype vlan.len
ieee8021ad.priority ieee8021ad.dei ieee8021ad.id
sll.pkttype sll.hatype sll.halen sll.etype sll.ifindex
arp.hw.type arp.proto.type arp.hw.size arp.proto.size arp.opcode
arp.src.hw_mac arp.src.proto_ipv4 arp.dst.hw_mac arp.dst.proto_ipv4
ip.version ip.hdr_len ip.dsfield.dscp ip.dsfield.ecn ip.len ip.id ip.flags.rb ip.flags.df ip.flags.mf
ip.frag_offset ip.ttl ip.proto ip.checksum ip.src ip.dst ip.opt.type ip.opt.len ip.opt.ptr ip.opt.ra
ipv6.version ipv6.tclass.dscp ipv6.tclass.ecn ipv6.flow ipv6.plen ipv6.nxt ipv6.hlim ipv6.src ipv6.dst
ipv6.hopopts.nxt ipv6.hopopts.len ipv6.dstopts.nxt ipv6.dstopts.len ipv6.opt.type ipv6.opt.length
ipv6.routing.nxt ipv6.routing.len ipv6.routing.type ipv6.routing.segleft ipv6.routing.src.addr ipv6.routing.mipv6.home_address
ipv6.routing.srh.addr ipv6.fraghdr.nxt ipv6.fraghdr.reserved_octet ipv6.fraghdr.offset ipv6.fraghdr.reserved_bits
ipv6.fraghdr.more ipv6.fraghdr.ident ah.next_header ah.length
icmp.type icmp.code icmp.checksum icmp.ident icmp.seq icmp.mtu icmp.redir_gw icmp.pointer
icmp.ext.echo.seq icmp.originate_timestamp icmp.receive_timestamp icmp.transmit_timestamp icmp.address_mask
icmpv6.type icmpv6.code icmpv6.checksum icmpv6.echo.identifier icmpv6.echo.sequence_number icmpv6.mtu
icmpv6.pointer icmpv6.nd.ra.cur_hop_limit icmpv6.nd.ra.flag.m icmpv6.nd.ra.flag.o icmpv6.nd.ra.flag.h
icmpv6.nd.ra.flag.prf icmpv6.nd.ra.flag.p icmpv6.nd.ra.router_lifetime icmpv6.nd.ra.reachable_time
icmpv6.nd.ra.retrans_timer icmpv6.nd.ns.target_address icmpv6.nd.na.flag.r icmpv6.nd.na.flag.s
icmpv6.nd.na.flag.o icmpv6.nd.na.target_address icmpv6.nd.rd.target_address
icmpv6.rd.na.destination_address icmpv6.mld.maximum_response_delay icmpv6.mld.maximum_response_code icmpv6.ext.echo.seq icmpv6.mld.multicast_address
icmpv6.opt.type icmpv6.opt.length icmpv6.opt.linkaddr icmpv6.opt.prefix.length icmpv6.opt.prefix.flag.l
icmpv6.opt.prefix.flag.a icmpv6.opt.prefix.flag.r icmpv6.opt.prefix.valid_lifetime
icmpv6.opt.prefix.preferred_lifetime icmpv6.opt.prefix icmpv6.opt.mtu
udp.srcport udp.dstport udp.length udp.checksum
tcp.srcport tcp.dstport tcp.seq_raw tcp.ack_raw tcp.hdr_len tcp.flags.res tcp.flags.ae tcp.flags.cwr
tcp.flags.ece tcp.flags.urg tcp.flags.ack tcp.flags.push tcp.flags.reset tcp.flags.syn tcp.flags.fin
tcp.window_size_value tcp.checksum tcp.urgent_pointer tcp.option_kind tcp.option_len
tcp.options.mss_val tcp.options.wscale.shift tcp.options.sack_le tcp.options.sack_re
tcp.options.timestamp.tsval tcp.options.timestamp.tsecr tcp.options.user_to_granularity
tcp.options.user_to_val tcp.options.md5.digest tcp.options.mptcp.subtype tcp.options.experimental.exid
tcp.options.tfo.cookie
dns.id dns.flags.response dns.flags.opcode dns.flags.authoritative dns.flags.truncated
dns.flags.recdesired dns.flags.recavail dns.flags.z dns.flags.authenticated dns.flags.checkdisable
dns.flags.rcode dns.count.queries dns.count.answers dns.count.auth_rr dns.count.add_rr
dhcp.type dhcp.hw.type dhcp.hw.len dhcp.hops dhcp.id dhcp.secs dhcp.flags dhcp.ip.client dhcp.ip.your
dhcp.ip.server dhcp.ip.relay
""".split()
STATUS = {"ip.checksum.status": "ip.checksum", "tcp.checksum.status": "tcp.checksum",
          "udp.checksum.status": "udp.checksum", "icmp.checksum.status": "icmp.checksum",
          "icmpv6.checksum.status": "icmpv6.checksum"}
IP_OPTIONS = {0, 1, 7, 11, 12, 25, 68, 82, 130, 131, 133, 134, 136, 137, 148}  # that Wireshark knows
EXTRA = ["tcp.flags.ace", "frame.len", "frame.cap_len", "tcp.stream", "tcp.seq", "tcp.ack", "tcp.len", "_ws.malformed", "_ws.expert.message",
         "frame.protocols"]
# Ours says what the wire says; Wireshark's field is that times this.
TIMES = {"ip.hdr_len": 4, "tcp.hdr_len": 4}
SUM_OF_OURS = {"wrong": 0, "partial": 0, "right": 1, "unknown": 2, None: 3}

PREFERENCES = ["ip.check_checksum:TRUE", "tcp.check_checksum:TRUE", "udp.check_checksum:TRUE",
               "ip.defragment:FALSE", "ipv6.defragment:FALSE", "tcp.desegment_tcp_streams:FALSE",
               "ip.tso_support:FALSE"]
# What we do not read: whatever is in there is no field of ours.
SOURCE_ROUTES = {131, 137}
NOT_READ = ["gre", "vxlan", "udpencap", "snmp", "ospf", "igmp", "pim", "esp", "mpls", "llc", "etherip", "udplite", "swipe"]


class Differs(Exception):
    """What to print."""


def tshark_command(tshark, path, relative):
    command = [tshark, "-n", "-r", path]
    for preference in PREFERENCES + [f"tcp.relative_sequence_numbers:{str(relative).upper()}"]:
        command += ["-o", preference]
    for protocol in NOT_READ:
        command += ["--disable-protocol", protocol]
    return command


def run_tshark(tshark, path, keys, relative):
    command = tshark_command(tshark, path, relative)
    command += ["-T", "fields", "-E", "separator=/t", "-E", "occurrence=a", "-E", "aggregator=|"]
    for key in keys:
        command += ["-e", key]
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, text=True)
    rows = [line.split("\t") for line in run.stdout.split("\n")[:-1]]
    return [{key: value.split("|") if value else [] for key, value in zip(keys, row)} for row in rows]


def run_tapio(tapio, path):
    run = subprocess.run([tapio, "explain", "--json", path], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, check=False, text=True)
    if run.returncode != 0:
        raise Differs(f"tapio ends with {run.returncode}: {run.stderr.strip()[:300]}")
    packets = [json.loads(line) for line in run.stdout.splitlines()]
    for number, packet in enumerate(packets, 1):
        if packet["schema"] != 1 or packet["number"] != number:
            raise Differs(f"packet {number}: schema or number is wrong")
    return packets


def known_differences(values, theirs):
    """Where Wireshark shows the same octets in another way, or not at all."""
    if theirs["tcp.flags.ace"]:  # accurate ECN, once it is agreed on: three flags are one counter
        flags = [values.get(f"tcp.flags.{name}", [0]) for name in ("ae", "cwr", "ece")]
        ace = flags[0][0] << 2 | flags[1][0] << 1 | flags[2][0]
        if ace != normal(theirs["tcp.flags.ace"][0]):
            raise Differs(f"tcp.flags.ace: ours {ace}, theirs {theirs['tcp.flags.ace']}")
        for name in ("ae", "cwr", "ece"):
            values[f"tcp.flags.{name}"] = []
    if "tcp.flags.res" in values:  # three bits that it shows as one
        values["tcp.flags.res"] = [int(value > 0) for value in values["tcp.flags.res"]]
    if values.get("eth.len") == [0]:  # a type of 0 is none, so it is a length to us
        values["eth.type"], values["eth.len"] = [0], []
    if theirs["dhcp.secs"] and "dhcp.secs" in values:  # it guesses which clients mix their octets up
        swapped = (values["dhcp.secs"][0] & 255) << 8 | values["dhcp.secs"][0] >> 8
        if swapped == int(theirs["dhcp.secs"][0]):
            values["dhcp.secs"] = [swapped]
    if values.get("dns.flags.response") == [0]:  # of a question some flags mean nothing
        for name in ("authoritative", "recavail", "rcode", "z", "authenticated", "checkdisable"):
            if not theirs[f"dns.flags.{name}"]:
                values[f"dns.flags.{name}"] = []
    # DNS over TCP is text to us, and it remembers ports of other packets that spoke DNS.
    ports = values.get("udp.srcport", []) + values.get("udp.dstport", [])
    if 53 not in ports and 5353 not in ports:
        for key in KEYS:
            if key.startswith("dns."):
                theirs[key] = []
    types = values.get("ip.opt.type", [])
    if 131 in types or 137 in types:  # of a source route it shows the end as the destination
        values["ip.dst"] = theirs["ip.dst"] = []
    if len(types) != len(theirs["ip.opt.type"]):  # unknown options have no fields there
        lens = iter(values.get("ip.opt.len", []))
        pairs = [(kind, None if kind < 2 else next(lens, None)) for kind in types]
        pairs = [pair for pair in pairs if pair[0] in IP_OPTIONS]
        values["ip.opt.type"] = [kind for kind, _ in pairs]
        values["ip.opt.len"] = [length for _, length in pairs if length is not None]
    kinds = theirs["tcp.option_kind"]
    while kinds[-2:] == ["0", "0"]:  # padding behind the end of the list
        kinds.pop()
    theirs["dhcp.hw.type"] = theirs["dhcp.hw.type"][:1]  # an option has the same name


def run_both(tapio, tshark, path, keys, relative):
    try:
        return run_tapio(tapio, path), run_tshark(tshark, path, keys, relative)
    except Differs as why:
        return why


def normal(text):
    """A value of tshark's as something that can be compared."""
    if text in ("True", "False"):
        return int(text == "True")
    try:
        return int(text, 0)
    except ValueError:
        pass
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text.replace(":", "").lower()


def ours(packet):
    """key -> list of values, and key -> list of verdicts on checksums."""
    values, sums = {}, {}
    for layer in packet["layers"]:
        for field in layer["fields"]:
            key = field["key"]
            if "number" in field:
                value = int(field["number"]) * TIMES.get(key, 1)
            else:
                try:
                    value = str(ipaddress.ip_address(field["value"]))
                except ValueError:
                    value = field["raw"].lower()
            values.setdefault(key, []).append(value)
            if key == "ipv6.version":  # Wireshark has it under both names
                values.setdefault("ip.version", []).append(value)
            if key.endswith(".checksum"):
                sums.setdefault(key, []).append(SUM_OF_OURS[field.get("checksum")])
    return values, sums


def is_prefix(shorter, longer):
    return len(shorter) <= len(longer) and longer[: len(shorter)] == shorter


def other_way(theirs):
    """Has Wireshark gone on where we do not: with a protocol of the other IP, or a frame within IP?"""
    ip = None
    for name in theirs["frame.protocols"][0].split(":"):
        if name in ("ip", "ipv6"):
            ip = name
        elif (ip == "ip" and (name.startswith("ipv6.") or name == "icmpv6")) or (
                ip == "ipv6" and name == "icmp") or (ip and name == "eth"):
            return True
    return False


OPTIONED = {133, 134, 135, 136, 137, 141, 142}  # messages of ICMPv6 in which we look for options


def keys_to_compare(packet, values, theirs):
    """All of them, but where Wireshark follows its own mind."""
    keys = KEYS
    flaws = [field["value"] for layer in packet["layers"] for field in layer["fields"]
             if field["key"] == "malformed"]
    if any("the version is not" in text for text in flaws):  # it believes the version, we the type
        keys = [key for key in keys if key.startswith(("eth.", "vlan.", "ieee8021ad."))]
    if flaws or theirs["_ws.malformed"] or any("nvalid" in text for text in theirs["_ws.expert.message"]):
        # It reads some options by the length that they should have, and beyond their header.
        keys = [key for key in keys if not key.startswith("ipv6.opt.")]
    if "a prefix option has 32 octets" in " ".join(flaws):  # it reads 32, we what is said
        keys = [key for key in keys if not key.startswith("icmpv6.opt.")]
    if packet["captured_octets"] < packet["octets"] or "says more than" in " ".join(flaws):
        # It tells the two versions apart by what was captured.
        keys = [key for key in keys if not key.startswith("icmpv6.mld.")]
    if not OPTIONED.intersection(values.get("icmpv6.type", [])):
        keys = [key for key in keys if not key.startswith("icmpv6.opt.")]
    if any("route ends" in text for text in flaws):  # it takes half an address for the end of the route
        keys = [key for key in keys if not key.endswith(".checksum")]
    protocols = theirs["frame.protocols"][0].split(":")
    if "dhcp" not in protocols:  # the other port won
        keys = [key for key in keys if not key.startswith("dhcp.")]
    if "dns.flags.opcode" in theirs and theirs["dns.flags.opcode"] == ["5"]:  # other names for counts
        keys = [key for key in keys if not key.startswith("dns.count.")]
    return keys


def compare(packet, theirs, figures):
    values, sums = ours(packet)
    known_differences(values, theirs)
    cut = packet["captured_octets"] < packet["octets"] or "cut" in values
    broken = cut or packet["flaws"] > 0 or theirs["_ws.malformed"]
    if packet["octets"] != int(theirs["frame.len"][0]):
        raise Differs(f"length: ours {packet['octets']}, theirs {theirs['frame.len'][0]}")
    quoted = any(layer.get("quoted") for layer in packet["layers"])
    broken = broken or quoted
    lenient = other_way(theirs)
    keys = keys_to_compare(packet, values, theirs)
    for key in keys:
        mine, its = values.get(key, []), [normal(v) for v in theirs[key]]
        figures["fields"] += min(len(mine), len(its))
        if mine == its or (broken and is_prefix(its, mine)) or (lenient and is_prefix(mine, its)):
            continue
        raise Differs(f"{key}: ours {mine}, theirs {its}")
    for status, key in STATUS.items():
        mine, its = sums.get(key, []), [normal(v) for v in theirs[status]]
        figures["checksums"] += min(len(mine), len(its))
        if key not in keys:
            continue
        if broken:  # it did not look
            its = [m if i == 2 else i for m, i in zip(mine, its)] + its[len(mine) :]
        if quoted:  # we did not
            its = [m if m == 2 else i for m, i in zip(mine, its)] + its[len(mine) :]
        if mine == its or (broken and is_prefix(its, mine)) or (lenient and is_prefix(mine, its)):
            continue
        raise Differs(f"{status}: ours {mine}, theirs {its}")


def compare_stream(packet, theirs, figures, known):
    """Whose segment, and where in its connection. Wireshark counts what we cannot follow as well, so
    connections have other numbers; each must always have the same other one (`known`)."""
    connection = packet["connection"]
    if len(theirs["tcp.stream"]) != 1 or "id" not in connection or "seq" not in connection:
        return
    stream = theirs["tcp.stream"][0]
    if known.setdefault(("ours", connection["id"]), stream) != stream or known.setdefault(
            ("theirs", stream), connection["id"]) != connection["id"]:
        raise Differs(f"tcp.stream: ours {connection['id']}, theirs {stream}")
    pairs = [("tcp.len", connection["text_octets"]), ("tcp.seq", connection["seq"])]
    if "ack" in connection:
        pairs.append(("tcp.ack", connection["ack"]))
    for key, mine in pairs:
        its = int(theirs[key][0])
        figures["fields"] += 1
        if mine != its:
            raise Differs(f"{key}: ours {mine}, theirs {its}")


def main_compare(arguments, streams):
    tapio, tshark, *paths = arguments
    figures = {"packets": 0, "flawed": 0, "fields": 0, "checksums": 0, "differ": 0}
    keys = KEYS + list(STATUS) + EXTRA
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda path: run_both(tapio, tshark, path, keys, streams), paths))
    for path, result in zip(paths, both):
        try:
            if isinstance(result, Differs):
                raise result
            mine, its = result
            if len(mine) != len(its):
                raise Differs(f"ours has {len(mine)} packets, theirs {len(its)}")
        except Differs as why:
            print(f"{path}: {why}")
            figures["differ"] += 1
            continue
        known = {}
        for packet, theirs in zip(mine, its):
            figures["packets"] += 1
            figures["flawed"] += packet["flaws"] > 0
            try:
                if streams:
                    compare_stream(packet, theirs, figures, known)
                else:
                    compare(packet, theirs, figures)
            except Differs as why:
                figures["differ"] += 1
                if figures["differ"] <= 40:
                    print(f"{path} packet {packet['number']} ({theirs['frame.protocols'][0]}): {why}")
    print(" ".join(f"{key}={value}" for key, value in figures.items()))
    return figures["differ"] > 0


# --- where it lies ------------------------------------------------------------------------------


def run_pdml(tshark, path):
    """Of each packet: for each key the octets at which Wireshark has it, (first, count), as a list."""
    command = tshark_command(tshark, path, False) + ["-T", "pdml"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as run:
        for _, element in xml.etree.ElementTree.iterparse(run.stdout):
            if element.tag != "packet":
                continue
            places = {}
            for field in element.iter("field"):
                if field.get("name") in KEYS and int(field.get("size")) > 0:
                    place = int(field.get("pos")), int(field.get("size"))
                    places.setdefault(field.get("name"), []).append(place)
            malformed = any(proto.get("name") == "_ws.malformed" for proto in element.iter("proto"))
            yield places, malformed
            element.clear()


def lies_within(field, place):
    """Wireshark has a part of an octet or two at the place of all of them."""
    first, count = place
    begin, end = field["bit"], field["bit"] + field["bits"]
    exact = (begin, end) == (first * 8, (first + count) * 8)
    return exact or (count <= 4 and first * 8 <= begin and end <= (first + count) * 8)


def main_offsets(arguments):
    tapio, tshark, *paths = arguments
    figures = {"packets": 0, "fields": 0, "differ": 0}
    for path in paths:
        for packet, (places, malformed) in zip(run_tapio(tapio, path), run_pdml(tshark, path)):
            if packet["flaws"] or malformed or any(layer.get("quoted") for layer in packet["layers"]):
                continue
            figures["packets"] += 1
            fields = [field for layer in packet["layers"] for field in layer["fields"]]
            if any(field["key"] == "ip.opt.type" and field.get("number") in SOURCE_ROUTES for field in fields):
                places.pop("ip.dst", None)  # it shows the last address of the route
            for key, theirs in places.items():
                mine = [field for field in fields if field["key"] == key]
                if len(mine) != len(theirs):
                    continue  # what is there is compare()'s
                figures["fields"] += len(mine)
                if all(map(lies_within, mine, theirs)):
                    continue
                figures["differ"] += 1
                if figures["differ"] <= 40:
                    print(f"{path} packet {packet['number']}: {key} is at {theirs}, ours "
                          f"{[(field['bit'] / 8, field['bits'] / 8) for field in mine]}")
    print(" ".join(f"{key}={value}" for key, value in figures.items()))
    return figures["differ"] > 0


# --- damage -----------------------------------------------------------------------------------


def read_pcap(path):
    """The packets of a pcap file with their lengths on the wire, and its link type."""
    with open(path, "rb") as file:
        octets = file.read()
    order = "<" if octets[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    link = struct.unpack_from(order + "I", octets, 20)[0] & 0xffff
    at, packets = 24, []
    while at + 16 <= len(octets):
        kept, whole = struct.unpack_from(order + "II", octets, at + 8)
        packets.append((octets[at + 16 : at + 16 + kept], whole))
        at += 16 + kept
    return link, packets


def write_pcap(path, packets):
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1))
        for number, (octets, whole) in enumerate(packets):
            file.write(struct.pack("<IIII", number // 1000, number % 1000 * 1000, len(octets), whole))
            file.write(octets)


def main_join(arguments):
    out, *paths = arguments
    packets = []
    for path in paths:
        link, more = read_pcap(path)
        if link == 1:
            packets += more
    write_pcap(out, packets)
    return 0


def damage(prng, packet):
    """The packet with a few octets of its headers changed, or its end cut off, or both; and its length."""
    octets = bytearray(packet)
    kind = prng.randrange(8)
    if kind != 0:
        for _ in range(prng.choice((1, 1, 2, 4))):
            reach = min(len(octets), prng.choice((20, 40, 60, 80)))
            where = prng.randrange(min(12, reach - 1), reach) if reach > 1 else 0
            if octets:
                octets[where] = prng.choice((0, 1, 255, octets[where] ^ 1 << prng.randrange(8),
                                             prng.randrange(256)))
    whole = len(octets)
    if kind in (0, 1):
        del octets[prng.randrange(len(octets) + 1) :]
    if kind == 0 or prng.randrange(2):
        whole = len(octets)  # nobody says that there was more
    return bytes(octets), whole


def main_damage(arguments):
    seed, count, out, *paths = arguments
    prng = random.Random(int(seed))
    pool = []
    for path in paths:
        link, packets = read_pcap(path)
        if link == 1:
            pool += [octets for octets, _ in prng.sample(packets, min(len(packets), 500))]
    write_pcap(out, [damage(prng, prng.choice(pool)) for _ in range(int(count))])
    return 0


def main():
    arguments = sys.argv[1:]
    if arguments[:1] == ["--damage"]:
        return main_damage(arguments[1:])
    if arguments[:1] == ["--join"]:
        return main_join(arguments[1:])
    if arguments[:1] == ["--offsets"]:
        return main_offsets(arguments[1:])
    streams = arguments[:1] == ["--streams"]
    return main_compare(arguments[streams:], streams)


if __name__ == "__main__":
    sys.exit(main())

--[[
tapio.lua - the comments of a capture of ours as Wireshark fields: for filters, columns and graphs.

A stack writes one comment a packet (see/capture.h):

    conn=1 state=ESTABLISHED cwnd=14480 ssthresh=inf inflight=0 srtt_us=412 rto_ms=1000
    why=text-in-order | Text at RCV.NXT, delivered (RFC 9293, 3.10.7.4, seventh).

This reads them and makes

    tapio.conn tapio.state tapio.cwnd tapio.ssthresh tapio.inflight tapio.srtt_us tapio.rto_ms
    tapio.why tapio.drop tapio.text tapio.clause tapio.packet tapio.retransmit

of them, one item in the tree with the sentence, and an expert item for what was discarded (a warning)
and for what was sent again (a note). `ssthresh=inf` is no field: !tapio.ssthresh says "no loss yet".
Comments that are not ours are left alone. Nothing of the packet itself is read.

Install it, for Wireshark and tshark 3.6 or newer, which load it by themselves from then on:

    mkdir -p ~/.local/lib/wireshark/plugins
    cp tapio.lua ~/.local/lib/wireshark/plugins

or name it for one run: `wireshark -X lua_script:tapio.lua FILE`, the same with tshark.

    filter      tapio.why == "fast-retransmit"        tapio.cwnd < 5000 && tapio.conn == 1
                tapio.drop                            tapio.retransmit && tapio.clause contains "8985"
    columns     right click on a field, "Apply as Column"; or for one run
                -o 'gui.column.format:"No.","%m","Info","%i","cwnd","%Cus:tapio.cwnd","why","%Cus:tapio.why"'
    graph       Statistics, I/O Graphs: Y axis MAX(Y Field), Y field tapio.cwnd; in the terminal
                tshark -q -r FILE -z 'io,stat,0.1,MAX(tapio.cwnd)tapio.cwnd,MAX(tapio.inflight)tapio.inflight'
]]

-- Named by -X while it is installed, it would be run twice.
if rawget(_G, "tapio_fields") then
    return
end
rawset(_G, "tapio_fields", true)

local tapio = Proto("tapio", "tapio: what the stack did, and why")

local fields = {
    packet = ProtoField.uint64("tapio.packet", "Packet", base.DEC, nil, nil,
        "The stack's number of this packet, equal in captures, logs and `tapio why`"),
    conn = ProtoField.uint32("tapio.conn", "Connection", base.DEC, nil, nil,
        "The stack's number of the connection; 0: none"),
    state = ProtoField.string("tapio.state", "State", base.ASCII,
        "The connection's state after this packet (RFC 9293, 3.3.2)"),
    cwnd = ProtoField.uint32("tapio.cwnd", "Congestion window", base.DEC, nil, nil, "octets"),
    ssthresh = ProtoField.uint32("tapio.ssthresh", "Slow start threshold", base.DEC, nil, nil,
        "octets; absent before the first loss"),
    inflight = ProtoField.uint32("tapio.inflight", "In flight", base.DEC, nil, nil,
        "octets sent, not acknowledged and not taken for lost"),
    srtt_us = ProtoField.uint32("tapio.srtt_us", "Smoothed round trip", base.DEC, nil, nil,
        "microseconds; 0 before the first sample"),
    rto_ms = ProtoField.uint32("tapio.rto_ms", "Retransmission timeout", base.DEC, nil, nil, "milliseconds"),
    why = ProtoField.string("tapio.why", "Why", base.ASCII, "Why it was sent, or what it did"),
    drop = ProtoField.string("tapio.drop", "Dropped as", base.ASCII, "The counter of what it was discarded for"),
    text = ProtoField.string("tapio.text", "Sentence", base.UNICODE),
    clause = ProtoField.string("tapio.clause", "Clause", base.UNICODE, "Where it is written down"),
    retransmit = ProtoField.bool("tapio.retransmit", "Sent again", base.NONE, nil, 0x0,
        "There when the stack sent this before, other than as a probe; why names the trigger"),
}

-- In the order of the tree.
local order = { "conn", "state", "cwnd", "ssthresh", "inflight", "srtt_us", "rto_ms", "why", "drop" }
local numbers = { conn = true, cwnd = true, ssthresh = true, inflight = true, srtt_us = true, rto_ms = true }

local dropped = ProtoExpert.new("tapio.expert.dropped", "The stack discarded this packet",
    expert.group.PROTOCOL, expert.severity.WARN)
local resent = ProtoExpert.new("tapio.expert.resent", "The stack sent this again",
    expert.group.SEQUENCE, expert.severity.NOTE)

tapio.fields = fields
tapio.experts = { dropped, resent }

local comments = Field.new("frame.comment")
local numbered = Field.new("frame.packet_id")

-- A whole number that a field of 32 bits holds, or nil.
local function whole(text)
    local value = #text <= 10 and text:match("^%d+$") and tonumber(text)
    return value and value <= 4294967295 and value or nil
end

-- The pairs of a comment and its sentence; nil when it is not one of ours: then something before the bar
-- is no pair, or there is no bar or no reason.
local function read(comment)
    local head, sentence = comment:match("^(.-) | (.*)$")
    local pairs_of = {}
    if not head then
        return nil
    end
    for word in head:gmatch("%S+") do
        local key, value = word:match("^([%l_]+)=(%S+)$")
        if not key then
            return nil
        end
        pairs_of[key] = value
    end
    if not pairs_of.why then
        return nil
    end
    return pairs_of, sentence
end

-- All triggers have it in their names. Probes (tail-loss-probe, window-probe, and a rescue-retransmit) bring
-- something new where there is something: what they are does not say that it is sent again.
local function is_resent(why)
    return why ~= "rescue-retransmit" and why:find("retransmit", 1, true) ~= nil
end

local function show(pairs_of, sentence, tree)
    local item = tree:add(tapio, sentence)
    item:set_text("tapio: " .. sentence)
    local number = numbered()
    if number then
        item:add(fields.packet, number.value):set_generated()
    end
    for _, key in ipairs(order) do
        local value = pairs_of[key]
        if value and numbers[key] then
            value = whole(value)
        end
        if value then
            item:add(fields[key], value):set_generated()
        end
    end
    item:add(fields.text, sentence):set_generated()
    local clause = sentence:match("%((RFC [^()]*)%)%.?$")
    if clause then
        item:add(fields.clause, clause):set_generated()
    end
    if is_resent(pairs_of.why) then
        item:add(fields.retransmit, true):set_generated()
        item:add_proto_expert_info(resent, "Sent again, " .. pairs_of.why)
    end
    if pairs_of.drop then
        item:add_proto_expert_info(dropped, "Discarded as " .. pairs_of.drop)
    end
end

function tapio.dissector(_, _, tree)
    for _, comment in ipairs({ comments() }) do
        local pairs_of, sentence = read(tostring(comment.value))
        if pairs_of then
            show(pairs_of, sentence, tree)
        end
    end
end

register_postdissector(tapio)

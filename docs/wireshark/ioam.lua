-- SPDX-License-Identifier: Apache-2.0 OR MIT
-- IOAM options in IPv6 (RFC 9197, RFC 9326, RFC 9486), one tree for each, after Wireshark's own.
--
-- Wireshark finds the IPv6 headers, whatever carries them; from each of them on, this script reads the
-- octets itself. README.md, beside this file, says what for and lists all fields.
--
-- Nothing here may fail on any packet: octets are only ever taken with `take`, which looks first.

local ioam = Proto("ioam", "In Situ OAM in IPv6")

local OPTION_NUMBERS = { [0x11] = "data do not change en route", [0x31] = "data may change en route" }
local DEX, E2E, POT, PREALLOCATED, INCREMENTAL = 4, 3, 2, 0, 1
local OPTION_TYPES = {
    [PREALLOCATED] = "Pre-allocated Trace", [INCREMENTAL] = "Incremental Trace", [POT] = "Proof of Transit",
    [E2E] = "Edge-to-Edge", [DEX] = "Direct Export",
    [64] = "Pre-allocated Trace, integrity-protected", [65] = "Incremental Trace, integrity-protected",
    [66] = "Proof of Transit, integrity-protected", [67] = "Edge-to-Edge, integrity-protected",
}
local HOP_BY_HOP, ROUTING, IPV6, FRAGMENT, AUTHENTICATION, DESTINATION = 0, 43, 41, 44, 51, 60
local CARRIERS = { [HOP_BY_HOP] = "Hop-by-Hop Options", [DESTINATION] = "Destination Options" }

-- --- fields ---

local fields = {}

local function field(make, name, ...)
    fields[name] = make("ioam." .. name, ...)
end

--- The bits of a Trace-Type, as fields under `prefix`.
local function trace_type_bits(prefix)
    local titles = {
        [0] = "Hop_Lim and node_id", "ingress_if_id and egress_if_id", "timestamp seconds",
        "timestamp fraction", "transit delay", "namespace-specific data", "queue depth",
        "checksum complement", "Hop_Lim and node_id, wide", "ingress_if_id and egress_if_id, wide",
        "namespace-specific data, wide", "buffer occupancy",
    }
    for bit = 0, 11 do
        field(ProtoField.bool, prefix .. ".bit" .. bit, "Bit " .. bit .. ", " .. titles[bit], 24, nil, 2 ^ (23 - bit))
    end
    field(ProtoField.uint24, prefix .. ".undef", "Bits 12-21, undefined", base.HEX, nil, 0x000FFC)
    field(ProtoField.bool, prefix .. ".bit22", "Bit 22, opaque state snapshot", 24, nil, 0x000002)
    field(ProtoField.bool, prefix .. ".rsv", "Bit 23, reserved", 24, nil, 0x000001)
end

field(ProtoField.uint8, "carrier", "Extension header", base.DEC, CARRIERS)
field(ProtoField.uint8, "option", "IPv6 option number", base.HEX, OPTION_NUMBERS)
field(ProtoField.uint8, "length", "Opt Data Len", base.DEC)
field(ProtoField.uint8, "rsv", "Reserved", base.HEX)
field(ProtoField.uint8, "opt_type", "IOAM Option-Type", base.DEC, OPTION_TYPES)
field(ProtoField.bytes, "data", "Data not decoded")

field(ProtoField.uint16, "trace.ns", "Namespace-ID", base.DEC)
field(ProtoField.uint16, "trace.nodelen", "NodeLen (words)", base.DEC, nil, 0xF800)
field(ProtoField.bool, "trace.flag.o", "Overflow", 16, nil, 0x0400)
field(ProtoField.bool, "trace.flag.l", "Loopback", 16, nil, 0x0200)
field(ProtoField.bool, "trace.flag.a", "Active", 16, nil, 0x0100)
field(ProtoField.bool, "trace.flag.rsv", "Unassigned flag", 16, nil, 0x0080)
field(ProtoField.uint16, "trace.remlen", "RemainingLen (words)", base.DEC, nil, 0x007F)
field(ProtoField.uint24, "trace.trace_type", "IOAM Trace-Type", base.HEX)
trace_type_bits("trace.trace_type")
field(ProtoField.uint8, "trace.rsv", "Reserved", base.HEX)

field(ProtoField.uint16, "pot.ns", "Namespace-ID", base.DEC)
field(ProtoField.uint8, "pot.type", "IOAM POT-Type", base.DEC)
field(ProtoField.uint8, "pot.flags", "IOAM POT flags", base.HEX)
field(ProtoField.uint64, "pot.pkt_id", "PktID", base.HEX)
field(ProtoField.uint64, "pot.cumulative", "Cumulative", base.HEX)

field(ProtoField.uint16, "e2e.ns", "Namespace-ID", base.DEC)
field(ProtoField.uint16, "e2e.type", "IOAM E2E-Type", base.HEX)
field(ProtoField.bool, "e2e.type.seq64", "64-bit sequence number", 16, nil, 0x8000)
field(ProtoField.bool, "e2e.type.seq32", "32-bit sequence number", 16, nil, 0x4000)
field(ProtoField.bool, "e2e.type.seconds", "Timestamp seconds", 16, nil, 0x2000)
field(ProtoField.bool, "e2e.type.fraction", "Timestamp fraction", 16, nil, 0x1000)
field(ProtoField.uint16, "e2e.type.undef", "Undefined bits", base.HEX, nil, 0x0FFF)
field(ProtoField.uint64, "e2e.seq64", "64-bit sequence number", base.DEC)
field(ProtoField.uint32, "e2e.seq32", "32-bit sequence number", base.DEC)
field(ProtoField.uint32, "e2e.seconds", "Timestamp seconds", base.DEC)
field(ProtoField.uint32, "e2e.fraction", "Timestamp fraction", base.DEC)

field(ProtoField.uint16, "dex.ns", "Namespace-ID", base.DEC)
field(ProtoField.uint8, "dex.flags", "Flags", base.HEX)
field(ProtoField.uint8, "dex.extflags", "Extension-Flags", base.HEX)
field(ProtoField.bool, "dex.extflag.flag.flowid", "Flow ID", 8, nil, 0x80)
field(ProtoField.bool, "dex.extflag.flag.seqnum", "Sequence Number", 8, nil, 0x40)
field(ProtoField.uint8, "dex.extflag.flag.undef", "Unknown flags", base.HEX, nil, 0x3F)
field(ProtoField.uint24, "dex.trace_type", "IOAM Trace-Type", base.HEX)
trace_type_bits("dex.trace_type")
field(ProtoField.uint8, "dex.rsv", "Reserved", base.HEX)
field(ProtoField.uint32, "dex.flow_id", "Flow ID", base.HEX)
field(ProtoField.uint32, "dex.sequence", "Sequence Number", base.DEC)
field(ProtoField.uint32, "dex.unknown", "Field of an unknown extension flag", base.HEX)

ioam.fields = fields

-- --- remarks ---

local remarks = {}

local function remark(name, group, severity, text)
    remarks[name] = ProtoExpert.new("ioam." .. name, text, group, severity)
end

local MALFORMED, PROTOCOL, UNDECODED = expert.group.MALFORMED, expert.group.PROTOCOL, expert.group.UNDECODED
local ERROR, WARN, NOTE = expert.severity.ERROR, expert.severity.WARN, expert.severity.NOTE
remark("cut", MALFORMED, ERROR, "The option ends beyond its extension header or the captured octets")
remark("invalid_length", MALFORMED, ERROR, "The option ends before its fields")
remark("trailing", PROTOCOL, WARN, "Octets follow the last field")
remark("invalid_alignment", PROTOCOL, WARN, "The option is not at a multiple of 4 octets in its header")
remark("number_31", PROTOCOL, NOTE, "Option number 0x31, where RFC 9486 has 0x11")
remark("number_11", PROTOCOL, WARN, "Option number 0x11, where RFC 9486 has 0x31: the data change en route")
remark("unknown_type", UNDECODED, NOTE, "Unknown IOAM Option-Type")
remark("trace.incremental", PROTOCOL, WARN, "IPv6 has no incremental trace")
remark("pot.unknown_type", UNDECODED, WARN, "Unknown POT-Type")
remark("e2e.invalid_type", MALFORMED, ERROR, "Both sequence numbers asked for: the layout is not defined")
remark("e2e.undefined_bits", UNDECODED, NOTE, "Undefined bits of the E2E-Type: whether they have data is unknown")
remark("dex.invalid_length", MALFORMED, ERROR, "The option is shorter than its Extension-Flags ask for")
remark("dex.unknown_flags", UNDECODED, NOTE, "Unknown extension flags: each has a field of 4 octets")

ioam.experts = remarks

-- --- reading ---

--- The next `octets` of `data`, a part of a packet; nil, and `data.short` from then on, past its end.
local function take(data, octets)
    if data.short or data.at + octets > data.stop then
        data.short = true
        return nil
    end
    local range = data.source:range(data.at, octets)
    data.at = data.at + octets
    return range
end

--- Shows the next `octets` as one field; its item and its range, or nil twice.
local function show(data, tree, name, octets)
    local range = take(data, octets)
    if range then
        return tree:add(fields[name], range), range
    end
end

--- As `show`, but 0xFFFFFFFF is "unknown": RFC 9197 4.6.
local function show_timestamp(data, tree, name)
    local item, range = show(data, tree, name, 4)
    if item and range:uint() == 0xFFFFFFFF then
        item:append_text(" (unknown)")
    end
end

--- The parts of `range`, each a field of its own under `item`.
local function parts(item, range, names)
    for _, name in ipairs(names) do
        item:add(fields[name], range)
    end
end

--- A Trace-Type and its bits.
local function show_trace_type(data, tree, name)
    local item, range = show(data, tree, name, 3)
    if not item then
        return
    end
    for bit = 0, 11 do
        item:add(fields[name .. ".bit" .. bit], range)
    end
    parts(item, range, { name .. ".undef", name .. ".bit22", name .. ".rsv" })
end

--- What is left of the option, as octets.
local function rest(data, tree)
    if data.at < data.stop then
        tree:add(fields["data"], data.source:range(data.at, data.stop - data.at))
        data.at = data.stop
    end
end

--- Remarks on an option number that is not the one RFC 9486 has for this type.
local function expect_number(tree, option, expected)
    if option.number ~= expected then
        tree:add_proto_expert_info(remarks[expected == 0x11 and "number_31" or "number_11"])
    end
end

-- --- the options, each a function of its octets after the IOAM Option-Type, and the tree ---

--- RFC 9197 4.4.1. The node data are Wireshark's to show, where the option number lets it know them.
local function trace(data, tree, option)
    show(data, tree, "trace.ns", 2)
    local range = take(data, 2)
    if range then
        parts(tree, range, { "trace.nodelen", "trace.flag.o", "trace.flag.l", "trace.flag.a" })
        parts(tree, range, { "trace.flag.rsv", "trace.remlen" })
    end
    show_trace_type(data, tree, "trace.trace_type")
    show(data, tree, "trace.rsv", 1)
    if option.type == INCREMENTAL then
        tree:add_proto_expert_info(remarks["trace.incremental"])
    end
    expect_number(tree, option, 0x31)
    if option.number == 0x11 then
        rest(data, tree)
    end
    data.at = data.stop
end

--- RFC 9197 4.5.
local function proof_of_transit(data, tree, option)
    show(data, tree, "pot.ns", 2)
    local item, range = show(data, tree, "pot.type", 1)
    show(data, tree, "pot.flags", 1)
    expect_number(tree, option, 0x31)
    if item and range:uint() ~= 0 then
        item:add_proto_expert_info(remarks["pot.unknown_type"])
        rest(data, tree)
        return
    end
    show(data, tree, "pot.pkt_id", 8)
    show(data, tree, "pot.cumulative", 8)
end

--- RFC 9197 4.6. Bits are taken with `bitfield`, for the operators differ between versions of Lua.
local function edge_to_edge(data, tree, option)
    show(data, tree, "e2e.ns", 2)
    local item, range = show(data, tree, "e2e.type", 2)
    expect_number(tree, option, 0x11)
    if not item then
        return
    end
    parts(item, range, { "e2e.type.seq64", "e2e.type.seq32", "e2e.type.seconds", "e2e.type.fraction" })
    parts(item, range, { "e2e.type.undef" })
    if range:bitfield(0, 2) == 3 then
        item:add_proto_expert_info(remarks["e2e.invalid_type"])
        rest(data, tree)
        return
    end
    if range:bitfield(0, 1) == 1 then
        show(data, tree, "e2e.seq64", 8)
    end
    if range:bitfield(1, 1) == 1 then
        show(data, tree, "e2e.seq32", 4)
    end
    if range:bitfield(2, 1) == 1 then
        show_timestamp(data, tree, "e2e.seconds")
    end
    if range:bitfield(3, 1) == 1 then
        show_timestamp(data, tree, "e2e.fraction")
    end
    if range:bitfield(4, 12) ~= 0 then
        item:add_proto_expert_info(remarks["e2e.undefined_bits"])
        rest(data, tree)
    end
end

--- The fields that Extension-Flags stand for: one for each, known or not, from the first bit on.
local function extension_fields(data, tree, flags)
    local known = { [0] = "dex.flow_id", "dex.sequence" }
    for bit = 0, 7 do
        if flags:bitfield(bit, 1) == 1 then
            local item = show(data, tree, known[bit] or "dex.unknown", 4)
            if item and not known[bit] then
                item:append_text(" (bit " .. bit .. ")")
            end
        end
    end
end

--- RFC 9326 3.2.
local function direct_export(data, tree, option)
    show(data, tree, "dex.ns", 2)
    show(data, tree, "dex.flags", 1)
    local item, flags = show(data, tree, "dex.extflags", 1)
    expect_number(tree, option, 0x11)
    if not item then
        return
    end
    parts(item, flags, { "dex.extflag.flag.flowid", "dex.extflag.flag.seqnum", "dex.extflag.flag.undef" })
    if flags:bitfield(2, 6) ~= 0 then
        item:add_proto_expert_info(remarks["dex.unknown_flags"])
    end
    show_trace_type(data, tree, "dex.trace_type")
    show(data, tree, "dex.rsv", 1)
    if not data.short then
        extension_fields(data, tree, flags)
        if data.short and not data.cut then
            item:add_proto_expert_info(remarks["dex.invalid_length"])
            data.said = true
        end
    end
end

local decoders = { [PREALLOCATED] = trace, [INCREMENTAL] = trace, [POT] = proof_of_transit }
decoders[E2E], decoders[DEX] = edge_to_edge, direct_export

-- --- from the packet to its options ---

--- What is wrong with the octets of an option once it was decoded.
local function judge(data, tree)
    if data.cut then
        tree:add_proto_expert_info(remarks["cut"])
    elseif data.short and not data.said then
        tree:add_proto_expert_info(remarks["invalid_length"])
    elseif data.at < data.stop and not data.short then
        tree:add_proto_expert_info(remarks["trailing"])
    end
    rest(data, tree)
end

--- One option, whole or as far as it is there: `data` from its number on, `header` what it stands in.
local function show_option(data, header, root)
    local whole = data.source:range(data.at, data.stop - data.at)
    local tree = root:add(ioam, whole, "IOAM")
    tree:add(fields["carrier"], whole, header.carrier):set_generated()
    local option = { number = whole:range(0, 1):uint() }
    if (data.at - header.start) % 4 ~= 0 then
        tree:add_proto_expert_info(remarks["invalid_alignment"])
    end
    show(data, tree, "option", 1)
    show(data, tree, "length", 1)
    show(data, tree, "rsv", 1)
    local item, range = show(data, tree, "opt_type", 1)
    if item then
        option.type = range:uint()
        tree:append_text(" " .. (OPTION_TYPES[option.type] or "Option-Type " .. option.type))
        if decoders[option.type] then
            decoders[option.type](data, tree, option)
        else
            item:add_proto_expert_info(remarks["unknown_type"])
            rest(data, tree)
        end
    end
    tree:append_text(", " .. CARRIERS[header.carrier])
    judge(data, tree)
end

--- The options of a Hop-by-Hop or Destination Options header, of which `stop` is the end or the cut.
local function show_options(source, header, root)
    local at = header.start + 2
    while at < header.stop do
        local number = source:range(at, 1):uint()
        local length = 1
        if number ~= 0 then
            length = at + 1 < header.stop and 2 + source:range(at + 1, 1):uint() or 2
        end
        if OPTION_NUMBERS[number] then
            local stop = math.min(at + length, header.stop)
            show_option({ source = source, at = at, stop = stop, cut = stop < at + length }, header, root)
        end
        at = at + length
    end
end

--- Octets of the extension header at `at`; nil where no options can follow.
local function extension_length(source, kind, at)
    local length = source:range(at + 1, 1):uint()
    if kind == FRAGMENT then
        -- Only a first fragment goes on with headers.
        return source:range(at + 2, 2):bitfield(0, 13) == 0 and 8 or nil
    elseif kind == AUTHENTICATION then
        return (length + 2) * 4
    elseif CARRIERS[kind] or kind == ROUTING then
        return (length + 1) * 8
    end
end

--- The extension headers of the IPv6 header at `start`.
local function show_headers(source, start, root)
    local captured = source:len()
    if start + 40 > captured then
        return
    end
    local payload = source:range(start + 4, 2):uint()
    -- Length 0: a jumbogram, or a packet captured before the network card divided it.
    local stop = payload == 0 and captured or math.min(start + 40 + payload, captured)
    local kind, at = source:range(start + 6, 1):uint(), start + 40
    while kind ~= IPV6 and at + 4 <= stop do
        local length = extension_length(source, kind, at)
        if not length then
            return
        end
        if CARRIERS[kind] then
            show_options(source, { start = at, stop = math.min(at + length, stop), carrier = kind }, root)
        end
        kind, at = source:range(at, 1):uint(), at + length
    end
end

local headers = Field.new("ipv6")

function ioam.dissector(_, _, root)
    for _, header in ipairs({ headers() }) do
        if header.source then
            show_headers(header.source, header.offset, root)
        end
    end
end

register_postdissector(ioam)

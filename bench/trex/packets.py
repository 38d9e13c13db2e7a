# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The test packets: IPv6 with UDP, plain or with IOAM options (RFC 9197, RFC 9326, RFC 9486), octet by octet.

Needs scapy and nothing of TRex, so that the packets can be looked at and tested where no TRex is.
Sizes are those of frames with their frame check sequence, as RFC 2544 and TRex count them.
"""

import ipaddress
import struct

from scapy.all import Ether, IPv6, Raw

KINDS = ("plain", "trace", "dex", "e2e")
ETHERNET, IPV6_HEADER, UDP_HEADER, FCS = 14, 40, 8, 4
HOP_BY_HOP, UDP, IPV6_IN_IPV6, DESTINATION = 0, 17, 41, 60
MUTABLE, IMMUTABLE = 0x31, 0x11
PRE_ALLOCATED_TRACE, EDGE_TO_EDGE, DIRECT_EXPORT = 0, 3, 4
# Puts the first option at a multiple of four (RFC 9486, 3): a PadN of two octets behind the header's own two.
LEAD = bytes([1, 0])

# Where the packets come from and go to, and the ends of the tunnel.
HOST, PEER = "2001:db8:1::1", "2001:db8:2::2"
TUNNEL_HEAD, TUNNEL_END = "2001:db8:ff::a", "2001:db8:ff::d"
# Flow number 0. The destination port leaves room below it, since it falls as the source port rises.
SOURCE_PORT, DESTINATION_PORT = 1024, 60000
MOST_BY_PORTS = 32768
# One up in the left 16 bits and one down in the right: the checksum of what has both stays as it is.
STEP = 0xFFFF
# The time in what an upstream node wrote. A fixed one, so that packets are the same every day.
SECONDS, FRACTION = 1_723_560_226, 123_456


# --- options ---

def node_words(trace_type):
    """Words one node adds for a trace type, without a snapshot (RFC 9197, 4.4.1)."""
    return bin(trace_type & 0xFF1FFC).count("1") + 2 * bin(trace_type & 0x00E000).count("1")


def option(number, kind, data):
    """An IOAM option in IPv6: number, length, reserved, type (RFC 9486, 3)."""
    if 2 + len(data) > 255:
        raise ValueError(f"an IPv6 option holds 255 octets, this one would be of {2 + len(data)}")
    return bytes([number, 2 + len(data), 0, kind]) + data


def trace_option(namespace, trace_type, nodes, earlier):
    """A pre-allocated trace with room for so many nodes, of which `earlier` have written (RFC 9197, 4.4.1)."""
    if not 0 < trace_type < 1 << 24 or trace_type & 0x000FFF:
        raise ValueError(f"trace type {trace_type:#08x}: bits 0 to 11 are defined, and at least one is needed")
    if not 0 <= earlier <= nodes:
        raise ValueError(f"{earlier} nodes cannot have written where there is room for {nodes}")
    words = node_words(trace_type)
    free = words * (nodes - earlier)
    if words * nodes > 61:
        raise ValueError(f"{nodes} nodes of {words} words do not fit one option, which holds 61 words")
    header = struct.pack("!HHI", namespace, words << 11 | free, trace_type << 8)
    written = b"".join(node_data(trace_type, hop) for hop in reversed(range(earlier)))
    return option(MUTABLE, PRE_ALLOCATED_TRACE, header + bytes(4 * free) + written)


def node_data(trace_type, hop):
    """What the node `hop` hops behind the encapsulating one wrote: fields in bit order (RFC 9197, 4.4.2)."""
    node, limit = 0x0A0001 + hop, 64 - hop
    missing = 0xFFFFFFFF
    fields = [
        struct.pack("!I", limit << 24 | node), struct.pack("!HH", 0x0A11, 0x0A22),
        struct.pack("!I", SECONDS), struct.pack("!I", FRACTION + hop),
        struct.pack("!I", 1000), struct.pack("!I", 0), struct.pack("!I", 0), struct.pack("!I", missing),
        struct.pack("!Q", limit << 56 | node), struct.pack("!II", 0x0A11, 0x0A22), struct.pack("!Q", 0),
        struct.pack("!I", missing),
    ]
    return b"".join(field for bit, field in enumerate(fields) if trace_type >> (23 - bit) & 1)


def dex_option(namespace, trace_type, flow):
    """Direct export with a Flow ID and a Sequence Number of 0 (RFC 9326, 3.2)."""
    return option(IMMUTABLE, DIRECT_EXPORT, struct.pack("!HBBIII", namespace, 0, 0xC0, trace_type << 8, flow, 0))


def e2e_option(namespace):
    """Edge-to-edge with a 64-bit sequence number of 0 and both parts of the time (RFC 9197, 4.6)."""
    return option(IMMUTABLE, EDGE_TO_EDGE, struct.pack("!HHQII", namespace, 0xB000, 0, SECONDS, FRACTION))


def options_header(next_header, one):
    """A Hop-by-Hop or Destination Options header with one option, padded to a multiple of eight."""
    octets = bytes([next_header, 0]) + LEAD + one
    gap = -len(octets) % 8
    octets += bytes(gap) if gap < 2 else bytes([1, gap - 2]) + bytes(gap - 2)
    return octets[:1] + bytes([len(octets) // 8 - 1]) + octets[2:]


# --- packets ---

def checksum(octets):
    """The Internet checksum."""
    total = sum(struct.unpack(f"!{len(octets + bytes(len(octets) % 2)) // 2}H", octets + bytes(len(octets) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packed(address):
    return ipaddress.IPv6Address(address).packed


def udp(payload, source=HOST, destination=PEER):
    """A UDP datagram of flow 0 with its checksum."""
    length = UDP_HEADER + len(payload)
    pseudo = packed(source) + packed(destination) + struct.pack("!II", length, UDP)
    header = struct.pack("!HHH", SOURCE_PORT, DESTINATION_PORT, length)
    total = checksum(pseudo + header + bytes(2) + payload) or 0xFFFF
    return header + struct.pack("!H", total) + payload


class Frame:
    """One kind of frame: its octets without frame check sequence, and where the fields are that vary."""

    def __init__(self, kind="plain", size=None, tunnel=False, namespace=123, trace_type=0xF00000, nodes=4,
                 earlier=1, macs=("02:00:00:00:00:a1", "02:00:00:00:00:b1")):
        if kind not in KINDS:
            raise ValueError(f"there is no kind of packets {kind!r}; there are {', '.join(KINDS)}")
        self.kind, self.tunnel, self.macs = kind, tunnel and kind != "plain", macs
        one = {"plain": lambda: None,
               "trace": lambda: trace_option(namespace, trace_type, nodes, earlier),
               "dex": lambda: dex_option(namespace, trace_type, 0x0D),
               "e2e": lambda: e2e_option(namespace)}[kind]()
        self.next_header = {"plain": UDP, "e2e": DESTINATION}.get(kind, HOP_BY_HOP)
        self.extension = options_header(IPV6_IN_IPV6 if self.tunnel else UDP, one) if one else b""
        self.l4 = ETHERNET + IPV6_HEADER + len(self.extension) + IPV6_HEADER * self.tunnel
        self.least = self.l4 + UDP_HEADER + FCS
        self.size = max(64, self.least) if size is None else size
        if self.size < self.least:
            raise ValueError(f"a {kind} packet of this form takes {self.least} octets, so {size} are too few")
        self.payload = b"ioam" * (self.size // 4 + 1)

    @property
    def inner_source(self):
        """Where the source address of the user's packet is."""
        return self.l4 - IPV6_HEADER + 8 if self.tunnel else ETHERNET + 8

    @property
    def sequence(self):
        """Offset and size of the sequence number, where there is one."""
        first = ETHERNET + IPV6_HEADER + 2 + len(LEAD) + 4
        return {"dex": (first + 12, 4), "e2e": (first + 4, 8)}.get(self.kind)

    def packet(self):
        """The frame as scapy's; flow 0, sequence number 0."""
        datagram = udp(self.payload[:self.size - self.least])
        inner = datagram if not self.tunnel else bytes(
            IPv6(src=HOST, dst=PEER, nh=UDP, hlim=64, fl=0x12345, plen=len(datagram))) + datagram
        ends = (TUNNEL_HEAD, TUNNEL_END) if self.tunnel else (HOST, PEER)
        body = self.extension + inner
        header = IPv6(src=ends[0], dst=ends[1], nh=self.next_header, hlim=64, fl=0x12345, plen=len(body))
        return Ether(src=self.macs[0], dst=self.macs[1], type=0x86DD) / header / Raw(body)


# --- flows ---

def flow_fields(flows, frame):
    """What varies so that there are `flows` flows and every UDP checksum stays right.

    A list of (name, offset, first value, values): a 32-bit field that grows by STEP with every packet and starts
    over after so many values, which raises its left half and lowers its right half by one each time. The first
    field is both UDP ports; above MOST_BY_PORTS the end of the source address varies too, with an odd number of
    values, so that both together take all pairs. `flows_of` tells how many that makes.
    """
    if flows < 1:
        raise ValueError("there is at least one flow")
    by_ports = min(flows, MOST_BY_PORTS)
    fields = []
    if by_ports > 1:
        fields.append(("ports", frame.l4, SOURCE_PORT << 16 | DESTINATION_PORT, by_ports))
    if flows > MOST_BY_PORTS:
        by_source = -(-flows // MOST_BY_PORTS) | 1
        if by_source > MOST_BY_PORTS:
            raise ValueError(f"{flows} flows are more than {MOST_BY_PORTS * (MOST_BY_PORTS - 1)}")
        # Both halves together are one more than 0 in the arithmetic of checksums, as those of HOST.
        fields.append(("source", frame.inner_source + 12, 0x0002_FFFE, by_source))
    return fields


def flows_of(flows):
    """How many flows one gets who asks for so many: more than MOST_BY_PORTS are rounded up."""
    return flows if flows <= MOST_BY_PORTS else MOST_BY_PORTS * (-(-flows // MOST_BY_PORTS) | 1)


def variant(octets, fields, number):
    """The octets of the packet with this number, as TRex writes it."""
    changed = bytearray(octets)
    for _, offset, first, values in fields:
        struct.pack_into("!I", changed, offset, first + STEP * (number % values))
    return bytes(changed)

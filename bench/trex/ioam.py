# SPDX-License-Identifier: Apache-2.0 OR MIT
"""TRex stateless profile: IPv6 with or without IOAM, of any share between both.

In the console:  start -f bench/trex/ioam.py -m 10mpps -p 0 -t --kind trace --size 146 --flows 1000 --share 100
What the tunables mean:  start … -t --help, or bench/trex/README.md
"""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from trex.stl.api import (STLPktBuilder, STLProfile, STLScVmRaw, STLStream, STLTXCont, STLVmFlowVar,  # noqa: E402
                          STLVmWrFlowVar)
import packets  # noqa: E402

# Packets a second of all streams together at a multiplier of 1.
BASE_PPS = 1_000_000


def tunables_parser():
    """The tunables, which bench/trex/measure.py takes as well."""
    parser = argparse.ArgumentParser(description=__doc__, add_help=True,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    number = lambda text: int(text, 0)
    parser.add_argument("--kind", choices=packets.KINDS, default="plain", help="what the packets carry")
    parser.add_argument("--size", type=number, help="octets of a frame with its check sequence (the least possible)")
    parser.add_argument("--flows", type=number, default=1, help="flows, each of its own ports (1)")
    parser.add_argument("--share", type=float, default=100.0, help="per cent of packets that carry IOAM (100)")
    parser.add_argument("--tunnel", action="store_true", help="in an outer IPv6 header, as a decapsulating node wants")
    parser.add_argument("--namespace", type=number, default=123, help="Namespace-ID (123)")
    parser.add_argument("--trace-type", type=number, default=0xF00000, help="IOAM-Trace-Type (0xf00000)")
    parser.add_argument("--nodes", type=number, default=4, help="nodes there is room for in a trace (4)")
    parser.add_argument("--earlier", type=number, default=1, help="of these, how many have written already (1)")
    parser.add_argument("--source-mac", default="02:00:00:00:00:a1", help="the generator's port")
    parser.add_argument("--destination-mac", default="02:00:00:00:00:b1", help="the port of the device under test")
    return parser


def frames(asked):
    """The frames of a profile, each with its share of all packets in per cent."""
    form = dict(tunnel=asked.tunnel, namespace=asked.namespace, trace_type=asked.trace_type, nodes=asked.nodes,
                earlier=asked.earlier, macs=(asked.source_mac, asked.destination_mac))
    if not 0 <= asked.share <= 100:
        raise ValueError(f"a share of {asked.share} % is none: 0 to 100")
    share = asked.share if asked.kind != "plain" else 0.0
    carrying = packets.Frame(asked.kind, asked.size, **form)
    plain = packets.Frame("plain", carrying.size, macs=form["macs"])
    return [(frame, part) for frame, part in ((carrying, share), (plain, 100.0 - share)) if part > 0]


def program(frame, flows):
    """What TRex changes from packet to packet: the flow, and sequence numbers."""
    commands = []
    for name, offset, first, values in packets.flow_fields(flows, frame):
        # TRex wants whole cycles: (maximum - minimum + 1) has to be a multiple of the step.
        last = first + values * packets.STEP - 1
        commands += [STLVmFlowVar(name=name, min_value=first, max_value=last, size=4, step=packets.STEP, op="inc"),
                     STLVmWrFlowVar(fv_name=name, pkt_offset=offset)]
    if frame.sequence:
        offset, size = frame.sequence
        commands += [STLVmFlowVar(name="sequence", min_value=0, max_value=(1 << 8 * size) - 1, size=size, step=1,
                                  op="inc"),
                     STLVmWrFlowVar(fv_name="sequence", pkt_offset=offset)]
    return STLScVmRaw(commands) if commands else None


def streams(asked):
    """One stream for each kind of frame."""
    return [STLStream(name=frame.kind, packet=STLPktBuilder(pkt=frame.packet(), vm=program(frame, asked.flows)),
                      mode=STLTXCont(pps=BASE_PPS * part / 100.0))
            for frame, part in frames(asked)]


class Ioam:
    """What TRex loads."""

    def get_streams(self, direction=0, tunables=(), **_):
        asked = tunables_parser().parse_args(list(tunables))
        return STLProfile(streams(asked)).get_streams()


def register():
    """TRex' entry."""
    return Ioam()

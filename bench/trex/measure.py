#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Measures a device with TRex: throughput by RFC 9971 and RFC 2544, or received against injected packets.

Runs on the generator, beside TRex' server (t-rex-64 -i), from TRex' own python folder or with it in PYTHONPATH:

  measure.py search --case transit --kind trace --size 146 --goals rfc2544,ndr,pdr --append results.jsonl
  measure.py sweep  --case transit --kind trace --size 146 --points 20 --append results.jsonl

The tunables of the packets are those of ioam.py. Results are JSON lines, on standard output and in the file; progress
goes to standard error. Loads are frames a second sent into one port; what comes out of the other one is counted.
"""

import argparse
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

try:
    import ioam  # noqa: E402
except ModuleNotFoundError as missing:
    if missing.name not in ("trex", "scapy"):
        raise
    sys.exit(f"measure.py: there is no {missing.name} for this Python: put .../automation/trex_control_plane/interactive and\n"
             "the scapy beside it in external_libs, both of TRex, into PYTHONPATH")
import search  # noqa: E402

GOALS = {"rfc2544": search.rfc2544, "ndr": search.ndr, "pdr": search.pdr}
# Octets of preamble, start of frame and gap between frames.
GAP = 20
# A generator that sends less than this share of what it was asked for has no say about the device.
GENERATED = 0.995


def line_rate(size, gigabits):
    """Frames a second on the wire, of a size that has its check sequence."""
    return gigabits * 1e9 / 8 / (size + GAP)


class Measurer:
    """One trial after another, on a pair of ports (RFC 2544, 23)."""

    def __init__(self, client, ports, streams, settle):
        self.client, (self.tx, self.rx), self.settle = client, ports, settle
        client.connect()
        client.reset(ports=[self.tx, self.rx])
        client.add_streams(streams, ports=[self.tx])
        self.last = {}

    def __call__(self, load, duration):
        """The loss ratio at a load."""
        client = self.client
        client.clear_stats()
        client.start(ports=[self.tx], mult=f"{load:.0f}pps", duration=duration, force=True)
        # Two seconds for what is still on its way, as RFC 2544, 23 d) has it.
        client.wait_on_traffic(ports=[self.tx], rx_delay_ms=2000)
        stats = client.get_stats()
        sent, received = stats[self.tx]["opackets"], stats[self.rx]["ipackets"]
        time.sleep(self.settle)
        if sent < GENERATED * load * duration:
            raise RuntimeError(f"TRex sent {sent} of {load * duration:.0f} packets: give it more cores (-c), or lower "
                               "--max")
        self.last = {"sent": sent, "received": received, "offered_pps": sent / duration,
                     "received_pps": received / duration}
        return max(0.0, 1 - received / sent)


class Output:
    """Lines of JSON, and a word to whoever watches."""

    def __init__(self, asked, size):
        self.common = {"source": "trex", "case": asked.case, "kind": asked.kind, "frame_octets": size,
                       "flows": asked.flows, "ioam_share_percent": asked.share if asked.kind != "plain" else 0.0,
                       "trace_type": f"{asked.trace_type:#08x}", "tunnel": asked.tunnel, "device": asked.device,
                       "settle_seconds": asked.settle, "unix_seconds": int(time.time())}
        self.append, self.watched, self.count = asked.append, sys.stderr.isatty(), 0

    def line(self, what):
        text = json.dumps(self.common | what, sort_keys=True)
        print(text, flush=True)
        if self.append:
            with open(self.append, "a", encoding="utf-8") as file:
                file.write(text + "\n")

    def progress(self, text):
        self.count += 1
        if self.watched:
            print(f"trial {self.count}: {text}", file=sys.stderr, flush=True)


def run_search(measurer, asked, goals, output):
    """Throughput for each goal."""
    def tell(trial, goal):
        name = goal.name if goal else "first"
        output.progress(f"{trial.load / 1e6:9.4f} Mpps for {trial.duration:4.0f} s, loss {100 * trial.loss_ratio:.4f} %"
                        f" ({name})")

    work = search.Search(measurer, asked.least, asked.most, tell)
    for result in work.run(goals):
        goal = result.goal
        output.line({"bench": "mlrsearch", "goal": goal.name, "goal_loss_ratio": goal.loss_ratio,
                     "goal_final_duration": goal.final_duration, "goal_duration_sum": goal.duration_sum,
                     "goal_exceed_ratio": goal.exceed_ratio, "goal_width": goal.width, "unit": "packets a second",
                     "relevant_lower_bound": result.lower, "relevant_upper_bound": result.upper,
                     "conditional_throughput": result.throughput, "regular": result.is_regular,
                     "trials": len(work.trials)})


def run_sweep(measurer, asked, output):
    """Received against injected, from a part of the largest load up to all of it."""
    for place in range(1, asked.points + 1):
        load = asked.most * place / asked.points
        loss = measurer(load, asked.duration)
        output.progress(f"{load / 1e6:9.4f} Mpps for {asked.duration:.0f} s, loss {100 * loss:.4f} %")
        output.line({"bench": "injected", "offered_pps": measurer.last["offered_pps"],
                     "received_pps": measurer.last["received_pps"], "loss_ratio": loss, "seconds": asked.duration})


def parser():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                    parents=[ioam.tunables_parser()], add_help=False, conflict_handler="resolve")
    words.add_argument("--help", "-h", action="help")
    words.add_argument("what", choices=("search", "sweep"))
    words.add_argument("--case", required=True, help="what the device does: baseline, encap, transit, decap, …")
    words.add_argument("--device", default="ioam", help="what is measured: ioam, linux, … (ioam)")
    words.add_argument("--server", default="127.0.0.1", help="TRex' server (127.0.0.1)")
    words.add_argument("--ports", type=int, nargs=2, default=(0, 1), metavar=("TX", "RX"), help="(0 1)")
    words.add_argument("--gigabits", type=float, default=40, help="speed of the link, the largest load unless --max (40)")
    words.add_argument("--max", dest="most", type=float, help="largest load, packets a second")
    words.add_argument("--min", dest="least", type=float, default=10_000, help="least load (10000)")
    words.add_argument("--goals", default="rfc2544,ndr,pdr", help=f"of {', '.join(GOALS)}")
    words.add_argument("--width", type=float, default=0.005, help="precision: upper to lower bound (0.005)")
    words.add_argument("--points", type=int, default=20, help="loads of a sweep (20)")
    words.add_argument("--duration", type=float, default=30, help="seconds of each load of a sweep (30)")
    words.add_argument("--settle", type=float, default=5, help="seconds between trials (5, as RFC 2544, 23 e)")
    words.add_argument("--append", metavar="FILE", help="where the lines go besides standard output")
    return words


def goals_of(asked):
    names = asked.goals.split(",")
    unknown = [name for name in names if name not in GOALS]
    if unknown:
        raise ValueError(f"there is no goal {unknown[0]!r}; there are {', '.join(GOALS)}")
    return [GOALS[name](width=asked.width) for name in names]


def main(words, client=None):
    asked = parser().parse_args(words)
    try:
        goals, size = goals_of(asked), ioam.frames(asked)[0][0].size
        asked.most = asked.most or line_rate(size, asked.gigabits)
        if client is None:
            from trex.stl.api import STLClient
            client = STLClient(server=asked.server)
        output = Output(asked, size)
        measurer = Measurer(client, asked.ports, ioam.streams(asked), asked.settle)
        try:
            run_search(measurer, asked, goals, output) if asked.what == "search" else run_sweep(measurer, asked, output)
        finally:
            client.disconnect()
    except (ValueError, RuntimeError) as error:
        print(f"measure.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Predicts packets a second on a core and a network card from ticks measured without one.

Three limits, of which the least is the prediction:

  core   frequency / (clocks of the node + clocks of the driver)
  line   bits a second / (8 * (octets of the frame + 20 of preamble and gap))
  card   packets a second that it is known to move, and what its PCIe link carries

What is measured comes from bench/results; everything else is an argument. docs/performance-model.md has the reasons.
"""

import argparse
import json
import sys
from dataclasses import dataclass

import results

# Octets of Ethernet on the wire besides the frame with its check sequence, and the latter.
GAP, FCS = 20, 4


@dataclass(frozen=True)
class Card:
    """A port of a network card: bits and packets a second, and octets a second of its PCIe link, one direction."""
    name: str
    bits: float
    packets: float
    pcie_octets: float


CARDS = {
    # FD.io CSIT offers both directions together no more than 2 x 18.75 million. PCIe 3.0 x8: 8 GT/s of 128/130.
    "xl710": Card("XL710, one port of 40 GbE", 40e9, 37.5e6, 8e9 * 128 / 130),
    "none": Card("no limit but the core's", float("inf"), float("inf"), float("inf")),
}
# PCIe 3.0, a packet and direction: data in pieces of up to 256 octets with 24 around each, and a descriptor of 32
# octets, four to a piece.
PIECE, AROUND, DESCRIPTOR, DESCRIPTORS_A_PIECE = 256, 24, 32, 4
# Clocks a packet that the driver takes for receiving and sending: an assumption, so three of them.
DRIVER = (50.0, 70.0, 100.0)


def line_rate(card, octets):
    """Packets a second on the wire, of frames with their check sequence."""
    return card.bits / 8 / (octets + GAP)


def pcie_rate(card, octets):
    """Packets a second over PCIe in one direction."""
    data = octets - FCS
    return card.pcie_octets / (data + -(-data // PIECE) * AROUND + DESCRIPTOR + AROUND / DESCRIPTORS_A_PIECE)


def core_rate(hertz, node_clocks, driver_clocks):
    """Packets a second of one core that does nothing else."""
    return hertz / (node_clocks + driver_clocks)


def limits(card, hertz, node_clocks, driver_clocks, octets):
    """Packets a second by what limits them."""
    return {"core": core_rate(hertz, node_clocks, driver_clocks), "line": line_rate(card, octets),
            "card": card.packets, "pcie": pcie_rate(card, octets)}


def node_ticks(lines):
    """Of each case of the newest run of bench/node.rs its ticks a packet without the ports', and its larger frame.

    The ports' are those of `rx-tx`, which receives and sends and does nothing between.
    """
    run = {line["case"]: line for line in results.node_run(lines)[0]}
    ports = results.median(run.get("rx-tx", {}), "own_ticks_a_packet") or 0.0
    found = []
    for case, line in run.items():
        ticks = results.median(line, "own_ticks_a_packet")
        if case != "rx-tx" and not case.startswith("testpmd") and ticks is not None and "octets_in" in line:
            octets = max(line["octets_in"], line["octets_out"]) + FCS
            found.append({"case": case, "ticks": ticks - ports, "octets": octets,
                          "tsc_ghz": line["provenance"]["tsc_ghz"]})
    return found


def predict(cases, card, hertz, measured_ghz=None, sizes=(), drivers=DRIVER, ratio=1.0):
    """One row for each case, size and driver."""
    rows = []
    for case in cases:
        # A tick is a clock only where the core ran as fast as its time-stamp counter.
        clocks = case["ticks"] * (measured_ghz or case["tsc_ghz"]) / case["tsc_ghz"] * ratio
        for octets in sizes or [case["octets"]]:
            for driver in drivers:
                rates = limits(card, hertz, clocks, driver, octets)
                least = min(rates, key=rates.get)
                rows.append({"bench": "model", "case": case["case"], "frame_octets": octets,
                             "node_clocks": round(clocks, 1), "driver_clocks": driver, "core_ghz": hertz / 1e9,
                             "limited_by": least, "predicted_mpps": round(rates[least] / 1e6, 2),
                             **{f"{name}_mpps": None if rate == float("inf") else round(rate / 1e6, 2)
                                for name, rate in rates.items()}})
    return rows


def table(rows, drivers):
    """The rows of one case and size as one line, for people."""
    head = f"{'case':<18} {'octets':>6} {'clocks':>7} {'line':>7}  " + "".join(
        f"{f'driver {driver:.0f}':>18}" for driver in drivers)
    lines = [head]
    for start in range(0, len(rows), len(drivers)):
        row = rows[start]
        line = "" if row["line_mpps"] is None else f"{row['line_mpps']:.2f}"
        some = "".join(f"{one['predicted_mpps']:>11.2f} {one['limited_by']:<6}" for one in rows[start:start + len(drivers)])
        lines.append(f"{row['case']:<18} {row['frame_octets']:>6} {row['node_clocks']:>7.1f} {line:>7}  {some}".rstrip())
    return "\n".join(lines)


def parser():
    words = argparse.ArgumentParser(prog="scripts/model", description="Predicts million packets a second of one core "
                                    "from the newest run of bench/node.rs; docs/performance-model.md explains it.")
    words.add_argument("--ghz", type=float, default=2.4, help="the core's frequency (2.4)")
    words.add_argument("--card", choices=CARDS, default="xl710", help="the network card (xl710)")
    words.add_argument("--driver", type=float, action="append", help="clocks a packet of its driver (50, 70 and 100)")
    words.add_argument("--sizes", help="octets of frames with check sequence, by commas (each case's own)")
    words.add_argument("--measured-ghz", type=float, help="how fast the measuring core ran (as its counter)")
    words.add_argument("--ratio", type=float, default=1.0, help="clocks there for one where it was measured (1)")
    words.add_argument("--json", action="store_true", help="one JSON object per prediction instead of the table")
    words.add_argument("files", nargs="*", help="lines of results, instead of bench/results")
    return words


def main(words):
    asked = parser().parse_args(words)
    try:
        cases = node_ticks(results.load(asked.files or None))
        sizes = [int(size) for size in asked.sizes.split(",")] if asked.sizes else ()
    except (results.Unreadable, ValueError) as problem:
        print(f"model: {problem}", file=sys.stderr)
        return 1
    if not cases:
        print("model: no results of bench/node.rs: make bench measures them", file=sys.stderr)
        return 1
    card, drivers = CARDS[asked.card], tuple(asked.driver or DRIVER)
    rows = predict(cases, card, asked.ghz * 1e9, asked.measured_ghz, sizes, drivers, asked.ratio)
    if asked.json:
        for row in rows:
            print(json.dumps(row | {"card": asked.card, "unit": "million packets a second"}))
        return 0
    print(f"One core of {asked.ghz:g} GHz, {card.name}. Million packets a second, and what limits them,")
    print("by clocks a packet of the driver. Predicted, not measured.\n")
    print(table(rows, drivers))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

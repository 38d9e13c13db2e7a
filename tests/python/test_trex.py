# SPDX-License-Identifier: Apache-2.0 OR MIT
"""bench/trex: packets against the standards' octets, the profile as TRex would load it, and a dry run of the driver."""

import contextlib
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "bench" / "trex"), str(HERE / "fake")]

try:
    import scapy  # noqa: F401
except ModuleNotFoundError:
    raise unittest.SkipTest("there is no scapy for this Python; scripts/setup test installs it") from None

import ioam  # noqa: E402
import measure  # noqa: E402
import packets  # noqa: E402
from trex.stl.api import STLClient  # noqa: E402


def checksum_holds(octets, frame):
    """Whether the UDP checksum of a frame is right."""
    source = frame.inner_source
    datagram = octets[frame.l4:]
    pseudo = octets[source:source + 32] + len(datagram).to_bytes(4, "big") + bytes([0, 0, 0, 17])
    return packets.checksum(pseudo + datagram) == 0


class Octets(unittest.TestCase):
    def extension(self, kind, **form):
        return packets.Frame(kind, **form).extension.hex()

    # RFC 9197, 4.4.1; RFC 9326, 3.2; RFC 9197, 4.6; RFC 9486, 3: written down by hand.
    def test_a_trace(self):
        self.assertEqual(self.extension("trace", trace_type=0xC00000, nodes=3),
                         "1104" "0100" "3122" "0000" "007b1004" "c0000000" + 16 * "00" + "400a00010a110a22")

    def test_direct_export(self):
        self.assertEqual(self.extension("dex", namespace=7, trace_type=0x800000),
                         "1102" "0100" "1112" "0004" "000700c0" "80000000" "0000000d" "00000000")

    def test_edge_to_edge_stands_in_destination_options(self):
        frame = packets.Frame("e2e")
        self.assertEqual(frame.next_header, 60)
        self.assertEqual(frame.extension.hex(), "1103" "0100" "1116" "0003" "007bb000" + 16 * "0" + "66bb7122" "0001e240"
                         "01020000")

    def test_words_of_a_node(self):
        for kind, words in ((0x800000, 1), (0xF00000, 4), (0x00E000, 6), (0xFFF000, 15)):
            self.assertEqual(packets.node_words(kind), words)
            self.assertEqual(len(packets.node_data(kind, 0)), 4 * words)

    def test_sizes_are_of_frames_with_their_check_sequence(self):
        for kind in packets.KINDS:
            for size in (None, 256, 1518):
                frame = packets.Frame(kind, size, tunnel=kind == "trace")
                self.assertEqual(len(bytes(frame.packet())) + 4, size or max(64, frame.least))

    def test_the_smallest_useful_frames(self):
        least = {kind: packets.Frame(kind, trace_type=0x800000, nodes=4).least for kind in packets.KINDS}
        self.assertEqual(least, {"plain": 66, "trace": 66 + 32, "dex": 66 + 24, "e2e": 66 + 32})

    def test_what_does_not_fit_is_refused(self):
        for form in (dict(kind="trace", nodes=61, trace_type=0xF00000), dict(kind="trace", trace_type=0),
                     dict(kind="trace", earlier=5), dict(kind="dex", size=64), dict(kind="carrier pigeon")):
            with self.assertRaises(ValueError):
                packets.Frame(**form)


class Flows(unittest.TestCase):
    def test_there_are_as_many_as_asked_for_and_their_checksums_are_right(self):
        for kind, tunnel in (("plain", False), ("trace", False), ("trace", True), ("dex", False)):
            for flows in (1, 2, 33_000):
                frame = packets.Frame(kind, 160 if not tunnel else 240, tunnel=tunnel)
                octets, fields = bytes(frame.packet()), packets.flow_fields(flows, frame)
                count = packets.flows_of(flows)
                seen = set()
                for number in range(count):
                    packet = packets.variant(octets, fields, number)
                    source = frame.inner_source
                    seen.add(packet[source:source + 16] + packet[frame.l4:frame.l4 + 4])
                    if number % 997 == 0:
                        self.assertTrue(checksum_holds(packet, frame), (kind, flows, number))
                self.assertEqual(len(seen), count)
                self.assertLess(count - flows, packets.MOST_BY_PORTS * 2)


class Profile(unittest.TestCase):
    def streams(self, *tunables):
        return ioam.register().get_streams(direction=0, tunables=list(tunables))

    def test_plain_traffic_is_one_stream(self):
        (stream,) = self.streams("--size", "128")
        self.assertEqual((stream.name, stream.mode.pps, len(stream.packet.pkt)), ("plain", 1_000_000, 124))

    def test_the_share_is_split_between_two_streams_of_one_size(self):
        carrying, plain = self.streams("--kind", "dex", "--share", "25")
        self.assertEqual([carrying.mode.pps, plain.mode.pps], [250_000, 750_000])
        self.assertEqual(len(carrying.packet.pkt), len(plain.packet.pkt))

    def test_what_trex_sends_is_what_the_packets_say(self):
        (stream,) = self.streams("--kind", "trace", "--flows", "70000")
        frame = packets.Frame("trace")
        fields = packets.flow_fields(70000, frame)
        for number, sent in enumerate(stream.packet.sent(500)):
            self.assertEqual(sent, packets.variant(bytes(frame.packet()), fields, number))

    def test_sequence_numbers_count(self):
        for kind, at, size in (("dex", 74, 4), ("e2e", 66, 8)):
            (stream,) = self.streams("--kind", kind)
            numbers = [int.from_bytes(sent[at:at + size], "big") for sent in stream.packet.sent(3)]
            self.assertEqual(numbers, [0, 1, 2])


class Driver(unittest.TestCase):
    def run_driver(self, *words, **device):
        out, err = io.StringIO(), io.StringIO()
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            file = Path(folder) / "results.jsonl"
            client = STLClient(**device)
            code = measure.main([*words, "--settle", "0", "--append", str(file)], client)
            kept = file.read_text() if file.exists() else ""
        lines = [json.loads(line) for line in out.getvalue().splitlines()]
        self.assertEqual(kept, out.getvalue())
        return code, lines, err.getvalue(), client

    def test_a_search_finds_what_the_device_forwards(self):
        code, lines, said, client = self.run_driver("search", "--case", "transit", "--kind", "trace", "--size", "146",
                                                    capacity=9_000_000)
        self.assertEqual((code, said), (0, ""))
        self.assertEqual([line["goal"] for line in lines], ["RFC2544", "NDR", "PDR"])
        for line in lines:
            self.assertTrue(line["regular"])
            self.assertAlmostEqual(line["conditional_throughput"], 9_000_000, delta=9_000_000 * 0.006)
        self.assertEqual(client.calls[-1], "disconnect")

    def test_a_sweep_is_received_against_injected(self):
        code, lines, _, _ = self.run_driver("sweep", "--case", "transit", "--kind", "trace", "--max", "20e6",
                                            "--points", "4")
        self.assertEqual(code, 0)
        self.assertEqual([(line["offered_pps"], line["received_pps"]) for line in lines],
                         [(5e6, 5e6), (1e7, 1e7), (1.5e7, 1e7), (2e7, 1e7)])
        self.assertEqual({line["bench"] for line in lines}, {"injected"})

    def test_a_generator_that_is_too_slow_is_no_result(self):
        code, lines, said, client = self.run_driver("search", "--case", "x", fastest=5e6)
        self.assertEqual((code, lines), (1, []))
        self.assertIn("give it more cores", said)
        self.assertEqual(client.calls[-1], "disconnect")

    def test_the_commands_of_the_documents_are_good(self):
        root, found = HERE.parents[1], 0
        for name in ("docs/testbed.md", "bench/trex/README.md", "bench/trex/measure.py", "bench/trex/ioam.py"):
            for line in (root / name).read_text(encoding="utf-8").splitlines():
                words = line.strip().replace("measure.py", "measure").split(" -t ")[-1].split()
                if words[:1] in (["measure"], ["bench/trex/measure"]) and words[1:2] in (["search"], ["sweep"]):
                    asked = measure.parser().parse_args(words[1:])
                    measure.goals_of(asked)
                elif words[:1] == ["--kind"]:
                    asked = ioam.tunables_parser().parse_args(words)
                else:
                    continue
                found += 1
                self.assertTrue(ioam.streams(asked), line)
        self.assertGreater(found, 10)

    def test_line_rate(self):
        # 40 GbE: 106 octets 39.7, 128 octets 33.8, 1518 octets 3.25 million a second.
        for size, mpps in ((64, 59.52), (106, 39.68), (128, 33.78), (1518, 3.25)):
            self.assertAlmostEqual(measure.line_rate(size, 40) / 1e6, mpps, places=2)


if __name__ == "__main__":
    unittest.main()

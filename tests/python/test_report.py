# SPDX-License-Identifier: Apache-2.0 OR MIT
"""bench/report: which lines count, the model against values computed by hand, and what is written between markers."""

import json
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench" / "report"))

import model  # noqa: E402
import page  # noqa: E402
import results  # noqa: E402


def line(case, own, when=10, git="abc", memory="hugepages", ports="net_ring", **more):
    spread = lambda value: {"median": value, "lower_quartile": value - 1, "upper_quartile": value + 1, "least": value - 2}
    return {"bench": "node", "case": case, "octets_in": 80, "octets_out": 200, "own_ticks_a_packet": spread(own),
            "own_ticks_over_testpmd": spread(own - 15), "provenance": {
                "git": git, "memory": memory, "ports": ports, "unix_seconds": when, "tsc_ghz": 2.0, "processor": "a CPU", "kernel": "6",
                "dpdk": "22.11", "rustc": "1.95", "target_cpu": "generic", "load_before": 0, "load_after": 0}, **more}


class Lines(unittest.TestCase):
    def test_the_newest_run_counts_and_hugepages_before_all(self):
        lines = [line("pass", 1, when=10), line("pass", 2, when=9000, git="new"), line("transit", 3, when=9001, git="new"),
                 line("pass", 4, when=99999, git="newest", memory="no-huge")]
        run = results.latest_run(lines, "node")
        self.assertEqual([(one["case"], results.median(one, "own_ticks_a_packet")) for one in run],
                         [("pass", 2), ("transit", 3)])

    def test_a_file_that_is_none_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            bad = Path(folder) / "bad.jsonl"
            bad.write_text('{"bench": "node"}\nnonsense\n')
            with self.assertRaisesRegex(results.Unreadable, r"bad\.jsonl:2"):
                results.load([bad])
            with self.assertRaisesRegex(results.Unreadable, "No such file"):
                results.load([Path(folder) / "none"])

    def test_a_sweep_of_loads_is_a_point_each(self):
        lines = [{"bench": "injected", "case": "transit", "percent_of_most": load} for load in (10, 20, 20)]
        self.assertEqual(len(results.latest_run(lines, "injected")), 2)

    def test_sweeps_are_found_by_either_spelling(self):
        for spelt in ({"sweep": "flows", "value": 1000}, {"sweep": "flows", "flows": 1000}):
            self.assertEqual(results.sweep_of({"bench": "scale"} | spelt), ("flows", 1000))
        self.assertIsNone(results.sweep_of({"bench": "node"}))


class Model(unittest.TestCase):
    CARD = model.CARDS["xl710"]

    def test_line_rate(self):
        # 40e9 / 8 / (64 + 20), and of 1518 + 20.
        self.assertAlmostEqual(model.line_rate(self.CARD, 64) / 1e6, 59.5238, places=4)
        self.assertAlmostEqual(model.line_rate(self.CARD, 1518) / 1e6, 3.2510, places=4)

    def test_pcie(self):
        # 8 GT/s x 8 lanes x 128/130 / 8 = 7.8769e9 octets a second. 64 octets: 60 + 24 + 32 + 6 = 122.
        # 1518: 1514 + 6 x 24 + 38 = 1696.
        self.assertAlmostEqual(model.pcie_rate(self.CARD, 64) / 1e6, 64.565, places=3)
        self.assertAlmostEqual(model.pcie_rate(self.CARD, 1518) / 1e6, 4.6444, places=4)

    def test_core(self):
        # 2.4e9 / (25 + 50 + 25).
        self.assertEqual(model.core_rate(2.4e9, 50, 50), 24e6)

    def test_the_least_limit_is_the_prediction(self):
        case = {"case": "transit", "ticks": 50.0, "octets": 106, "tsc_ghz": 2.0}
        limited = lambda **more: {(row["limited_by"], row["predicted_mpps"])
                                  for row in model.predict([case], self.CARD, drivers=(50,), **more)}
        self.assertEqual(limited(hertz=2.4e9), {("core", 24.0)})
        self.assertEqual(limited(hertz=24e9), {("card", 37.5)})
        self.assertEqual(limited(hertz=24e9, sizes=[146]), {("line", 30.12)})
        # The measuring core ran at twice the speed of its counter: 50 ticks were 100 clocks.
        self.assertEqual(limited(hertz=2.4e9, measured_ghz=4.0), {("core", 16.0)})
        self.assertEqual(limited(hertz=2.4e9, ratio=1.5), {("core", 19.2)})

    def test_the_ports_of_the_measurement_are_taken_off(self):
        cases = model.node_ticks([line("rx-tx", 7), line("testpmd-macswap", 15), line("transit", 57)])
        self.assertEqual(cases, [{"case": "transit", "ticks": 50.0, "octets": 204, "tsc_ghz": 2.0}])


class Pages(unittest.TestCase):
    LINES = [line("rx-tx", 7), line("transit", 60), line("decap", 70), line("transit", 90, out_of_cache=True),
             line("transit", 75, ports="net_null"),
             {"bench": "kernel", "case": "veth", "ratio_to_kernel": {"median": 5, "lower_quartile": 4, "upper_quartile": 6}},
             {"bench": "memory", "what": "flows", "octets": 64000, "count": 1000, "per": "flow", "octets_each": 64.0},
             *({"bench": "latency", "case": "transit", "percent_of_most": load, "received_pps": 4e6, "node_nanoseconds": {
                 "p50": 1000, "p90": 2000, "p99": 3000, "p99.9": 4000, "max": 5000}} for load in (50, 90))]

    def test_only_what_is_between_markers_changes(self):
        text = "before\n<!-- begin aims -->\nold\n<!-- end aims -->\nafter\n"
        after = page.rewrite(text, self.LINES)
        self.assertTrue(after.startswith("before\n<!-- begin aims -->\n") and after.endswith("<!-- end aims -->\nafter\n"))
        self.assertIn("| `transit` | 25 | 45.0 [44.0 46.0] | 43.0 | missed by 20 |", after)
        self.assertIn("| `decap` | 60 | 55.0 [54.0 56.0] | 53.0 | met |", after)
        self.assertIn("| `dex-transit` | 50 | not measured |", after)
        self.assertNotIn("old", after)
        self.assertEqual(page.rewrite(after, self.LINES), after)

    def test_a_block_nobody_knows_is_an_error(self):
        with self.assertRaisesRegex(results.Unreadable, "no block nonsense"):
            page.rewrite("<!-- begin nonsense -->\n<!-- end nonsense -->", [])

    def test_every_block_can_do_without_results(self):
        for name, block in page.BLOCKS.items():
            self.assertTrue(block([]), name)

    def test_other_benchmarks_are_listed_whatever_they_are(self):
        self.assertIn("| kernel | `veth` | ratio to kernel | 5.00 [4.00 6.00] |", page.others(self.LINES))

    def test_ports_and_caches_are_told_apart(self):
        first = lambda text: [row.split(" | ")[0].strip("| ") + " " + row.split(" | ")[3] for row in text.splitlines()[2:]]
        self.assertEqual(first(page.node(self.LINES)), ["`rx-tx` 7.0 [6.0 8.0]", "`transit` 60.0 [59.0 61.0]",
                                                        "`decap` 70.0 [69.0 71.0]",
                                                        "`transit`, out of cache 90.0 [89.0 91.0]"])
        self.assertEqual(first(page.null(self.LINES)), ["`transit` 75.0 [74.0 76.0]"])
        self.assertIn("| flows | 64,000 | 1,000 | 64.0 a flow |", page.memory(self.LINES))

    def test_delays_are_listed_by_load(self):
        rows = page.latency(self.LINES).splitlines()[2:]
        self.assertEqual([row.split(" | ")[1] for row in rows], ["50 %", "90 %"])
        self.assertEqual(rows[0], "| `transit` | 50 % | 4.00 | node | 1.00 | 2.00 | 3.00 | 4.00 | 5.00 |")

    def test_every_marker_of_the_documents_is_a_block(self):
        for name in page.PAGES:
            text = (ROOT / name).read_text(encoding="utf-8")
            begun = [line[len("<!-- begin "):-4] for line in text.splitlines() if line.startswith("<!-- begin ")]
            self.assertTrue(begun, name)
            self.assertEqual([found[2] for found in page.BLOCK.finditer(text)], begun, name)
            self.assertLessEqual(set(begun), set(page.BLOCKS), name)


@unittest.skipUnless(__import__("importlib").util.find_spec("matplotlib"), "matplotlib is there for plots alone")
class Pictures(unittest.TestCase):
    def test_the_same_lines_give_the_same_octets_in_both_themes(self):
        import plots
        lines = Pages.LINES + [
            {"bench": "injected", "case": "transit", "offered_pps": 2e6, "received_pps": 1e6, "source": "trex"},
            {"bench": "scale", "sweep": "flows", "value": 1, "case": "encap", "ticks_a_packet": 30}]
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
            for folder in (one, other):
                self.assertEqual(plots.draw(lines, Path(folder)), (list(plots.PICTURES), []))
            for name in plots.PICTURES:
                text = (Path(one) / name).read_text(encoding="utf-8")
                self.assertEqual(text, (Path(other) / name).read_text(encoding="utf-8"))
                self.assertIn("prefers-color-scheme: dark", text)
                self.assertNotIn("#01020", text)
                self.assertNotIn("<dc:date>", text)


if __name__ == "__main__":
    unittest.main()

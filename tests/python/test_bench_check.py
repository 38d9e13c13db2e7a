# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The comparison of `scripts/bench-check`: what fails, what is told, and what a baseline looks like."""

import importlib.machinery
import importlib.util
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def script(name):
    """A script of scripts/ as a module, without running it."""
    loader = importlib.machinery.SourceFileLoader(name.replace("-", "_"), str(ROOT / "scripts" / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


check = script("bench-check")


class Comparison(unittest.TestCase):
    def verdicts(self, before, now):
        return {row["case"]: row["verdict"] for row in check.compare(before, now)}

    def test_three_per_cent_either_way_is_the_same(self):
        self.assertEqual(self.verdicts({"a": 100, "b": 100}, {"a": 103, "b": 97}), {"a": "same", "b": "same"})

    def test_more_is_growth_and_less_a_fall(self):
        self.assertEqual(self.verdicts({"a": 100, "b": 100}, {"a": 103.2, "b": 96.8}), {"a": "grew", "b": "fell"})

    def test_growth_fails_and_a_fall_does_not(self):
        rows = check.compare({"a": 100, "b": 100}, {"a": 110, "b": 90})
        self.assertEqual(check.failures(rows), ["a needs 10.0 % more instructions a packet (100.0 before, 110.0 now; "
                                                "3 % is the limit)"])

    def test_a_case_on_one_side_only_fails_by_its_name(self):
        rows = check.compare({"old": 1}, {"new": 1})
        self.assertEqual(check.failures(rows), ["new is not in the baseline (bench/instructions.tsv)",
                                                "old is no longer measured (bench/instructions.tsv)"])

    def test_a_change_too_small_to_show_has_no_sign(self):
        row = check.compare({"a": 547.4}, {"a": 547.38})[0]
        self.assertEqual(check.shown(row).split(), ["a", "547.4", "547.4", "+0.0"])

    def test_another_compiler_is_named_and_the_same_one_is_not(self):
        advice = "\n".join(check.advice([], {"rustc": "1.94", "libc": "2.36"}, {"rustc": "1.95", "libc": "2.36"}))
        self.assertIn("another rustc: 1.94; this is 1.95", advice)
        self.assertNotIn("libc", advice)


    def test_a_growth_asks_for_thought_and_a_new_case_for_a_command(self):
        grown, new = check.compare({"a": 1}, {"a": 2}), check.compare({}, {"a": 2})
        self.assertIn("take it back", check.advice(grown, {}, {})[0])
        self.assertEqual(check.advice(new, {}, {}), ["To bring the file up to date: scripts/bench-check --write"])


class Baseline(unittest.TestCase):
    def test_what_is_written_is_read_back(self):
        tools, cases = {"rustc": "rustc 1.95.0 (x)", "libc": "glibc 2.36"}, {"pass": 547.4, "transit": 1772.4}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "instructions.tsv"
            path.write_text(check.baseline_text(tools, cases))
            self.assertEqual(check.read_baseline(path), (tools, cases))

    def test_the_committed_one_has_cases_and_its_compiler(self):
        made_with, cases = check.read_baseline()
        self.assertIn("rustc", made_with)
        self.assertTrue(cases and all(each > 0 for each in cases.values()))

    def test_lines_of_the_benchmark_are_cases(self):
        self.assertEqual(check.packets("pass: 512 packets\nencap-inline: 1024 packets\nnoise\n"),
                         {"pass": 512, "encap-inline": 1024})


if __name__ == "__main__":
    unittest.main()

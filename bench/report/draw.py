# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The command behind scripts/plots."""

import argparse
import sys
from pathlib import Path

import results


def main(words):
    parser = argparse.ArgumentParser(prog="scripts/plots", description="Draws results as SVG.")
    parser.add_argument("--into", type=Path, default=results.ROOT / "docs" / "performance", help="folder")
    parser.add_argument("files", nargs="*", type=Path, help="lines of results, instead of bench/results")
    asked = parser.parse_args(words)
    try:
        import plots
    except ModuleNotFoundError as missing:
        print(f"plots: there is no {missing.name} for /usr/bin/python3: scripts/setup plots installs it", file=sys.stderr)
        return 1
    try:
        drawn, empty = plots.draw(results.load(asked.files or None), asked.into)
    except results.Unreadable as problem:
        print(f"plots: {problem}", file=sys.stderr)
        return 1
    for name in drawn:
        print(f"{asked.into / name}")
    for name in empty:
        print(f"plots: no results for {name}: make bench measures them", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Reads lines of results: bench/results/*.jsonl, and what bench/trex/measure.py writes."""

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "bench" / "results"

# Ticks a packet over testpmd that each case may take, burst of 32.
AIMS = {"pass": 8, "transit": 25, "encap": 40, "encap-inline": 40, "decap": 60, "decap-only": 30,
        "dex-transit": 50, "dex-encap-1k": 45, "dex-encap-1m": 90}

# Packets a second that Linux forwards on one core of a Xeon E5-2630 v3 with an XL710, MTU-sized packets, all of them
# with IOAM: as published by M. Goffart et al. with their kernel patch for direct export, read off the data of
# https://github.com/Advanced-Observability/ioam-direct-exporting (evaluation/). They are not ours.
KERNEL = {"baseline": 1.07e6, "encapsulation": 0.49e6, "transit": 0.49e6, "decapsulation": 0.41e6}
KERNEL_SOURCE = "Linux 6.12, one core, XL710, MTU packets, published by ULiège: another machine"


class Unreadable(Exception):
    """A file that is no list of results, with the line that says so."""


def load(files=None):
    """All lines of the files, or of bench/results; each a dictionary, in the order they were written."""
    lines = []
    for file in sorted(RESULTS.glob("*.jsonl")) if files is None else map(Path, files):
        try:
            text = file.read_text(encoding="utf-8")
        except OSError as error:
            raise Unreadable(f"{file}: {error.strerror}") from None
        for number, row in enumerate(text.splitlines(), 1):
            try:
                line = json.loads(row) if row.strip() else None
            except json.JSONDecodeError as error:
                raise Unreadable(f"{file}:{number}: {error.msg}") from None
            if line is not None and not isinstance(line, dict):
                raise Unreadable(f"{file}:{number}: not an object")
            if line:
                lines.append(line)
    return lines


def when(line):
    """Unix seconds of the run a line is of."""
    return line.get("provenance", {}).get("unix_seconds") or line.get("unix_seconds") or 0


def newest(lines):
    """Of lines of one benchmark those of its newest run: on hugepages where there was one, since others flatter."""
    huge = [line for line in lines if line.get("provenance", {}).get("memory") == "hugepages"]
    mine = huge or lines
    last = max((when(line) for line in mine), default=0)
    commit = lambda line: line.get("provenance", {}).get("git")
    commits = {commit(line) for line in mine if when(line) == last}
    # Lines of one run are of one commit, and less than an hour apart.
    return [line for line in mine if commit(line) in commits and last - when(line) < 3600]


def latest_run(lines, bench):
    """The lines of the newest run of a benchmark; of a point that was measured twice the later one."""
    point = lambda line: tuple(line.get(key) for key in ("case", "percent_of_most", "out_of_cache", "what", "per"))
    run = newest([line for line in lines if line.get("bench") == bench])
    return list({point(line): line for line in run}.values())


def node_run(lines, ports="net_ring"):
    """The newest run of bench/node.rs between such ports: the lines in cache, and those out of it."""
    mine = [line for line in lines if line.get("provenance", {}).get("ports", "net_ring") == ports]
    run = latest_run(mine, "node")
    return [line for line in run if not line.get("out_of_cache")], [line for line in run if line.get("out_of_cache")]


def median(line, *keys):
    """The median of the first of these figures that the line has."""
    for key in keys:
        value = line.get(key)
        if isinstance(value, dict) and "median" in value:
            return value["median"]
        if isinstance(value, (int, float)):
            return value
    return None


# What a sweep is called, and its axis.
SWEEPS = {
    "transit-frame": ("Frames that arrive with a trace", "octets of the frame"),
    "encap-frame": ("Frames that get a trace", "octets of the frame"),
    "node-words": ("Data of a node", "words a transit node writes"),
    "room": ("Room in a trace", "words of room in a trace that is added"),
    "flows": ("Flows with a sequence each", "flows"),
    "share": ("Share of IOAM", "per cent of packets"),
    "sampling": ("Sampling", "packets of which one gets a trace"),
    "workers": ("Workers", "workers"),
}


def sweep_of(line):
    """Name and value of a sweep's line, whichever way it says so; nothing where it is none."""
    if line.get("bench") != "scale":
        return None
    name = line.get("sweep") or line.get("axis") or line.get("what")
    value = line.get("value", line.get(name) if name else None)
    return (name, value) if name and isinstance(value, (int, float)) else None


def latest_run_of_sweeps(lines):
    """The newest line of each point of each sweep, with `sweep` and `value` in it."""
    found = {}
    for line in sorted(lines, key=when):
        point = sweep_of(line)
        if point:
            found[(point[0], line.get("case"), point[1])] = line | {"sweep": point[0], "value": point[1]}
    return list(found.values())

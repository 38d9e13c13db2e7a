# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Writes what was measured into the documents: tables between `<!-- begin NAME -->` and `<!-- end NAME -->`.

Text outside those lines is written by people and stays. Every figure inside comes from bench/results,
bench/instructions.tsv or the model over them, so that one command brings a whole report up to date.
"""

import argparse
import datetime
import re
import sys

import model
import results

PAGES = ("docs/performance.md", "docs/performance-model.md")
BLOCK = re.compile(r"(<!-- begin ([a-z-]+) -->\n).*?(<!-- end \2 -->)", re.S)
NOTHING = "Nothing of this has been measured yet.\n"
# What has a table of its own; all else is listed by the block `others`.
OWN_TABLES = {"node", "pipeline", "scale", "injected", "latency", "memory"}


def markdown(head, rows):
    """A table; nothing where there are no rows."""
    if not rows:
        return NOTHING
    line = lambda cells: "| " + " | ".join(cells) + " |"
    return "\n".join([line(head), "|" + "---|" * len(head), *map(line, rows)]) + "\n"


def spread(value, digits=1):
    """A median with its quartiles."""
    if not isinstance(value, dict):
        return "" if value is None else f"{value:.{digits}f}"
    return f"{value['median']:.{digits}f} [{value['lower_quartile']:.{digits}f} {value['upper_quartile']:.{digits}f}]"


# --- blocks ---

def machine(lines):
    """Where and when, in a sentence."""
    run = results.node_run(lines)[0]
    if not run:
        return NOTHING
    line = max(run, key=results.when)
    of = line["provenance"]
    day = datetime.datetime.fromtimestamp(results.when(line), datetime.timezone.utc).strftime("%Y-%m-%d")
    return (f"{of['processor']}, TSC {of['tsc_ghz']} GHz, {of['memory']}, {of.get('ports', 'net_ring')} ports, Linux "
            f"{of['kernel']}, DPDK {of['dpdk']}, {of['rustc']}, for {of['target_cpu']}; commit `{of['git']}`, {day}; "
            f"load {of['load_before']}, then {of['load_after']}; {line.get('rounds', '?')} rounds in turn with testpmd.\n")


def node(lines, ports="net_ring"):
    """Every case of bench/node.rs between such ports."""
    near, far = results.node_run(lines, ports)
    rows = []
    for line, where in [(line, "") for line in near] + [(line, ", out of cache") for line in far]:
        rows.append([f"`{line['case']}`{where}", f"{line['octets_in']} → {line['octets_out']}",
                     spread(line.get("tsc_ticks_a_packet")), spread(line.get("own_ticks_a_packet")),
                     spread(line.get("own_ticks_over_testpmd")), spread(line.get("ratio_to_testpmd"), 2),
                     spread(line.get("mpps_a_cpu_second"))])
    return markdown(["case", "octets", "TSC", "own time", "over testpmd", "ratio", "Mpps a CPU second"], rows)


def null(lines):
    """The same between null ports, which hand out packets and take them."""
    return node(lines, "net_null")


def aims(lines):
    """What was aimed at, and what came of it."""
    run = {line["case"]: line for line in results.node_run(lines)[0]}
    rows = []
    for case, aim in results.AIMS.items():
        over = run.get(case, {}).get("own_ticks_over_testpmd")
        if not over:
            rows.append([f"`{case}`", str(aim), "not measured", "", ""])
            continue
        met = "met" if over["median"] <= aim else f"missed by {over['median'] - aim:.0f}"
        rows.append([f"`{case}`", str(aim), spread(over), spread(over.get("least")), met])
    return markdown(["case", "aim, over testpmd", "median [quartiles]", "least", ""], rows)


def pipeline(lines):
    """Every case of bench/pipeline.rs, in cache and out of it."""
    rows = []
    for line in results.latest_run(lines, "pipeline"):
        rows.append([f"`{line['case']}`", spread(line.get("ticks_a_packet")),
                     spread(line.get("out_of_cache_ticks_a_packet")), spread(line.get("out_of_cache_ratio"), 2),
                     str(line.get("allocations", ""))])
    return markdown(["case", "ticks a packet", "out of cache", "ratio", "allocations"], rows)


def scale(lines):
    """Ticks a packet by sweep and case, first and last and the most of it."""
    found = {}
    for line in results.latest_run_of_sweeps(lines):
        ticks = results.median(line, "own_ticks_a_packet", "ticks_a_packet", "tsc_ticks_a_packet")
        if ticks is not None:
            found.setdefault((line["sweep"], line["case"]), []).append((line["value"], ticks))
    rows = []
    for (sweep, case), points in found.items():
        name = results.SWEEPS.get(sweep, (sweep, ""))[0]
        points = [f"{value:,.0f}: {ticks:.0f}" for value, ticks in sorted(points)]
        rows.append([name, f"`{case}`", ", ".join(points)])
    return markdown(["sweep", "case", "value: ticks a packet"], rows)


def latency(lines):
    """Delays by load, in microseconds."""
    columns = ("p50", "p90", "p99", "p99.9", "max")
    rows = []
    for line in results.latest_run(lines, "latency"):
        for key, delays in line.items():
            if isinstance(delays, dict) and "p99" in delays:
                what = key.removesuffix("_nanoseconds").replace("_", " ")
                rows.append([f"`{line['case']}`", f"{line['percent_of_most']} %", f"{line['received_pps'] / 1e6:.2f}", what,
                             *(f"{delays[column] / 1e3:.2f}" for column in columns)])
    return markdown(["case", "load, of the most", "Mpps", "delay, µs", *columns], rows)


def memory(lines):
    """Octets by what takes them."""
    rows = [[line["what"], f"{line['octets']:,}", f"{line['count']:,}", f"{line['octets_each']:,.1f} a {line['per']}"]
            for line in results.latest_run(lines, "memory")]
    return markdown(["what", "octets", "for", "each"], rows)


def others(lines):
    """The figures of every other benchmark, whatever it calls them."""
    rows = []
    benches = dict.fromkeys(line.get("bench") for line in lines if line.get("bench"))
    for bench in benches:
        for line in () if bench in OWN_TABLES else results.latest_run(lines, bench):
            for key, value in line.items():
                if isinstance(value, dict) and "median" in value or isinstance(value, float) and key.endswith("_second"):
                    rows.append([bench, f"`{line.get('case', '')}`", key.replace("_", " "), spread(value, 2)])
    return markdown(["benchmark", "case", "figure", "median [quartiles]"], rows)


def pictures(_):
    """Those that scripts/plots has drawn."""
    titles = {"injected.svg": "Packets received against injected", "added-ticks.svg": "Ticks added to testpmd's",
              "sweeps.svg": "Ticks a packet, by what grows"}
    folder = results.ROOT / "docs" / "performance"
    drawn = [f"![{title}](performance/{name})" for name, title in titles.items() if (folder / name).exists()]
    return "\n\n".join(drawn) + "\n" if drawn else "Nothing has been drawn yet.\n"


def instructions(_):
    """The baseline of `make bench-check`."""
    file = results.ROOT / "bench" / "instructions.tsv"
    made_with, rows = "", []
    for line in file.read_text(encoding="utf-8").splitlines():
        fields = line.split("\t")
        if line.startswith("# rustc"):
            made_with = fields[1]
        elif not line.startswith(("#", "case\t")):
            rows.append([f"`{fields[0]}`", fields[1]])
    return markdown(["case", f"instructions a packet ({made_with})"], rows)


def predicted(lines):
    """The model's table for the machine of the kernel's figures."""
    cases = model.node_ticks(lines)
    if not cases:
        return NOTHING
    rows = model.predict(cases, model.CARDS["xl710"], 2.4e9)
    return "```\n" + model.table(rows, model.DRIVER) + "\n```\n"


BLOCKS = {"machine": machine, "aims": aims, "node": node, "null": null, "pipeline": pipeline, "scale": scale, "latency": latency, "memory": memory, "others": others,
          "pictures": pictures, "instructions": instructions, "predicted": predicted}


def rewrite(text, lines):
    """The text with every block made anew."""
    def block(found):
        if found[2] not in BLOCKS:
            raise results.Unreadable(f"there is no block {found[2]}; there are {', '.join(BLOCKS)}")
        return f"{found[1]}\n{BLOCKS[found[2]](lines)}\n{found[3]}"
    return BLOCK.sub(block, text)


def main(words):
    parser = argparse.ArgumentParser(prog="scripts/report", description="Writes results into docs/performance.md.")
    parser.add_argument("--check", action="store_true", help="change nothing; fail where a page is not up to date")
    asked = parser.parse_args(words)
    stale = []
    try:
        lines = results.load()
        for name in PAGES:
            path = results.ROOT / name
            before = path.read_text(encoding="utf-8")
            after = rewrite(before, lines)
            if after != before:
                stale.append(name)
                if not asked.check:
                    path.write_text(after, encoding="utf-8")
    except (results.Unreadable, OSError, KeyError) as problem:
        print(f"report: {problem!r}" if isinstance(problem, KeyError) else f"report: {problem}", file=sys.stderr)
        return 1
    if asked.check and stale:
        print(f"report: {', '.join(stale)} differ from bench/results: scripts/report writes them", file=sys.stderr)
        return 1
    print("\n".join(f"{name} written" for name in stale) or "nothing to write: all is up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

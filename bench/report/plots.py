# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Draws results as SVG: received against injected packets, ticks added to testpmd's, and sweeps.

The same lines give the same octets: no date, fixed identifiers. Text stays text, in colours that follow the reader's
choice of light or dark.
"""

import math
import re

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter  # noqa: E402

import results  # noqa: E402

# Stand-ins that become CSS variables when a picture is written; nothing else has these colours.
INK, FAINT, PAPER = "#010203", "#010204", "#010205"
THEME = """<style>
svg { --ink: #1f2328; --faint: #d0d7de; --paper: #ffffff }
@media (prefers-color-scheme: dark) { svg { --ink: #e6edf3; --faint: #3d444d; --paper: #0d1117 } }
</style>"""
# Told apart by people who see colours differently, and on both papers.
COLOURS = ["#2f81c7", "#d8762a", "#2b9d78", "#b767c8", "#c74d56", "#8a7d2e", "#5f8fa8", "#9a6b4b"]
MARKS = ["o", "s", "^", "D", "v", "P", "X", "*"]

PANELS = {
    "baseline": ("baseline", "pass", "plain"),
    "encapsulation": ("encap", "encap-inline", "encapsulation", "dex-encap", "dex-encap-1k", "dex-encap-1m"),
    "transit": ("transit", "dex-transit"),
    "decapsulation": ("decap", "decap-only", "decapsulation", "dex-decap"),
}

STYLE = {
    "svg.hashsalt": "ioam", "svg.fonttype": "none", "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "sans-serif"], "font.size": 10,
    "text.color": INK, "axes.edgecolor": INK, "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK,
    "axes.facecolor": "none", "figure.facecolor": PAPER, "savefig.facecolor": PAPER, "grid.color": FAINT,
    "grid.linewidth": 0.8, "axes.grid": True, "axes.axisbelow": True, "axes.spines.top": False,
    "axes.spines.right": False, "legend.frameon": False, "legend.fontsize": 9, "axes.titlesize": 11,
    "axes.titleweight": "bold", "axes.titlelocation": "left", "lines.linewidth": 1.8, "lines.markersize": 5,
}


def write(figure, path):
    """Saves a picture, with its colours for light and for dark paper."""
    figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    text = path.read_text(encoding="utf-8")
    for stand_in, name in ((INK, "--ink"), (FAINT, "--faint"), (PAPER, "--paper")):
        text = text.replace(stand_in, f"var({name})")
    # Without a size in points the picture takes the width of the page.
    text = re.sub(r'(<svg [^>]*?) width="[^"]*"', r"\1", re.sub(r'(<svg [^>]*?) height="[^"]*"', r"\1", text, 1), 1)
    text = re.sub(r"(<svg [^>]*>)", lambda head: head[1] + "\n" + THEME, text, count=1, flags=re.S)
    path.write_text("\n".join(line.rstrip() for line in text.splitlines()) + "\n", encoding="utf-8")


def mpps(value, _=None):
    return f"{value:g}"


def short(value, _=None):
    """1, 100, 10k, 1M."""
    return next((f"{value / size:g}{unit}" for size, unit in ((1e6, "M"), (1e3, "k")) if value >= size), f"{value:g}")


# --- packets received against injected ---

def injected(lines):
    """By panel, by what was measured: points of injected and received packets a second, in millions."""
    panels = {name: {} for name in PANELS}
    for line in lines:
        if line.get("bench") == "injected" and line.get("offered_pps"):
            for name, cases in PANELS.items():
                if line.get("case") in cases:
                    panels[name].setdefault(series_name(line), []).append(line)
    return {name: {label: {line["offered_pps"] / 1e6: line["received_pps"] / 1e6 for line in results.newest(mine)}
                   for label, mine in series.items()} for name, series in panels.items()}


def series_name(line):
    """What a line of the plot is called: whose it is, and the case where the panel's name does not say it."""
    who = line.get("device") or line.get("who") or "ioam"
    what = line["case"] if line["case"] not in PANELS else ""
    where = " (TRex)" if line.get("source") == "trex" else ""
    size = f", {line['frame_octets']} B" if line.get("frame_octets") else ""
    return f"{who} {what}".strip() + size + where


def draw_injected(lines, path):
    panels = injected(lines)
    if not any(panels.values()):
        return False
    points = [value for series in panels.values() for one in series.values() for pair in one.items() for value in pair]
    low = min([0.2, *(value for value in points if value > 0)])
    high = 10 ** math.ceil(math.log10(max(points) * 1.05))
    figure, axes = plt.subplots(2, 2, figsize=(9.6, 8), sharex=True, sharey=True, layout="constrained")
    for axis, (name, series) in zip(axes.flat, panels.items()):
        axis.plot([low, high], [low, high], color=INK, linewidth=0.9, linestyle=":")
        for place, (label, line) in enumerate(sorted(series.items())):
            offered = sorted(line)
            axis.plot(offered, [line[x] for x in offered], color=COLOURS[place % 8], marker=MARKS[place % 8], label=label)
        rate = results.KERNEL[name] / 1e6
        axis.axhline(rate, color=INK, linewidth=1.3, linestyle="--")
        axis.text(high / 1.1, rate * 1.06, f"Linux {rate:.2f}", ha="right", va="bottom", fontsize=9)
        axis.set(title=name.capitalize(), xscale="log", yscale="log", xlim=(low, high), ylim=(low, high))
        if not series:
            axis.text(0.5, 0.6, "not measured yet", transform=axis.transAxes, ha="center", fontsize=10)
        for scale in (axis.xaxis, axis.yaxis):
            scale.set_major_locator(LogLocator(subs=(1, 2, 5)))
            scale.set_major_formatter(FuncFormatter(mpps))
            scale.set_minor_formatter(NullFormatter())
        if series:
            axis.legend(loc="upper left")
    figure.supxlabel("injected, million packets a second", fontsize=10)
    figure.supylabel("received, million packets a second", fontsize=10)
    figure.text(0.01, -0.03, f"Dashed: {results.KERNEL_SOURCE}. Dotted: nothing lost.", fontsize=8)
    save_with_note(figure, path)
    return True


def save_with_note(figure, path):
    """Saves with what stands below the axes."""
    with plt.rc_context({"savefig.bbox": "tight", "savefig.pad_inches": 0.12}):
        write(figure, path)


# --- ticks added to testpmd's ---

def added(lines):
    """Rows of the newest run: case, median, quartiles and aim, in the order of the report."""
    rows = []
    for line in results.node_run(lines)[0]:
        over = line.get("own_ticks_over_testpmd")
        if over and line["case"] in results.AIMS:
            rows.append((line["case"], over["median"], over["lower_quartile"], over["upper_quartile"],
                         results.AIMS[line["case"]]))
    order = list(results.AIMS)
    return sorted(rows, key=lambda row: order.index(row[0]))


def draw_added(lines, path):
    rows = added(lines)
    if not rows:
        return False
    figure, axis = plt.subplots(figsize=(9.6, 1.3 + 0.46 * len(rows)), layout="constrained")
    for place, (_, middle, lower, upper, aim) in enumerate(rows):
        met = middle <= aim
        axis.barh(place, max(middle, 0), height=0.56, color=COLOURS[2] if met else COLOURS[1])
        axis.plot([lower, upper], [place, place], color=INK, linewidth=1.2)
        axis.plot([aim, aim], [place - 0.38, place + 0.38], color=INK, linewidth=3)
        axis.annotate(f"{middle:.0f}, aim {aim}", (max(upper, aim), place), xytext=(6, 0), textcoords="offset points", va="center",
                      fontsize=9)
    axis.set_yticks(range(len(rows)), [row[0] for row in rows])
    axis.invert_yaxis()
    axis.grid(axis="y", visible=False)
    axis.set_xlim(left=min(0, min(row[2] for row in rows)), right=1.18 * max(max(row[3], row[4]) for row in rows))
    axis.set_xlabel("ticks of the time-stamp counter a packet, over testpmd's (thin: quartiles; upright: the aim)")
    write(figure, path)
    return True


# --- sweeps ---

def sweeps(lines):
    """By sweep, by case: points of value and ticks a packet."""
    found = {}
    for line in results.latest_run_of_sweeps(lines):
        ticks = results.median(line, "own_ticks_a_packet", "ticks_a_packet", "tsc_ticks_a_packet")
        if ticks is not None:
            found.setdefault(line["sweep"], {}).setdefault(line["case"], {})[line["value"]] = ticks
    return found


def draw_sweeps(lines, path):
    found = sweeps(lines)
    if not found:
        return False
    columns = min(3, len(found))
    rows = -(-len(found) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(3.9 * columns, 3.2 * rows), squeeze=False, layout="constrained")
    cases = sorted({case for sweep in found.values() for case in sweep})
    for axis, (name, sweep) in zip(axes.flat, found.items()):
        for case, points in sweep.items():
            place = cases.index(case)
            values = sorted(points)
            axis.plot(values, [points[x] for x in values], color=COLOURS[place % 8], marker=MARKS[place % 8], label=case)
        values = sorted({x for points in sweep.values() for x in points})
        if values[0] > 0 and values[-1] / values[0] >= 100:
            axis.set_xscale("log")
            axis.xaxis.set_major_formatter(FuncFormatter(short))
            axis.xaxis.set_minor_formatter(NullFormatter())
        else:
            axis.xaxis.set_major_locator(MaxNLocator(6, integer=all(float(x).is_integer() for x in values)))
        title, label = results.SWEEPS.get(name, (name, name))
        axis.set(title=title, xlabel=label)
        axis.set_ylim(bottom=0, top=axis.get_ylim()[1] * 1.1)
    for axis in axes.flat[len(found):]:
        axis.set_axis_off()
    for axis in axes[:, 0]:
        axis.set_ylabel("ticks a packet")
    handles = {}
    for axis in axes.flat:
        handles.update({label: handle for handle, label in zip(*axis.get_legend_handles_labels())})
    figure.legend(handles.values(), handles.keys(), loc="upper center", bbox_to_anchor=(0.5, 0),
                  ncol=min(5, len(handles)))
    save_with_note(figure, path)
    return True


PICTURES = {"injected.svg": draw_injected, "added-ticks.svg": draw_added, "sweeps.svg": draw_sweeps}


def draw(lines, folder):
    """Draws what there are results for; the names of the pictures, and of those that there is nothing for."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn, empty = [], []
    with plt.rc_context(STYLE):
        for name, picture in PICTURES.items():
            (drawn if picture(lines, folder / name) else empty).append(name)
    return drawn, empty

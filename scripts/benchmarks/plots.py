"""Pictures of the measurements."""

from collections.abc import Sequence
from math import isnan
from pathlib import Path

import matplotlib as mpl

from scripts.benchmarks.peers import PEERS
from scripts.benchmarks.records import Measurement
from scripts.benchmarks.scaling import STEPS, Size
from scripts.benchmarks.tables import cases_of, number

__all__ = ["draw"]

mpl.use("Agg")


def draw(measurements: Sequence[Measurement], folder: Path) -> list[Path]:
    """Draw what there is, and give the files."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    if any(m.quantity == "ESS per second" for m in measurements):
        drawn.append(_comparison(measurements, folder / "comparison.png"))
    if any(m.section == "scaling" for m in measurements):
        drawn.append(_scaling(measurements, folder / "scaling.png"))
    return drawn


def _comparison(measurements: Sequence[Measurement], path: Path) -> Path:
    import matplotlib.pyplot as plt

    rates = {(m.case, m.subject): m for m in measurements if m.quantity == "ESS per second"}
    notes = {(m.case, m.subject): m.note for m in measurements if m.quantity == "status"}
    cases = [case for case in cases_of(measurements, "comparison") if any(case == one for one, _ in rates)]
    peers = [p for p, info in PEERS.items() if not info.point and any((c, p) in rates for c in cases)]
    columns = min(4, len(cases))
    lines = -(-len(cases) // columns)
    figure, axes = plt.subplots(
        lines,
        columns,
        figsize=(3.1 * columns + 1.6, 0.26 * len(peers) * lines + 0.8 * lines),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    least = min(min(m.values) for m in rates.values()) / 2
    greatest = max(max(m.values) for m in rates.values()) * 8  # room for the numbers
    for ax, case in zip(axes.flat, cases, strict=False):
        for place, peer in enumerate(reversed(peers)):
            m = rates.get((case, peer))
            if m is None or isnan(m.median):
                said = notes.get((case, peer), "not measured").partition(":")[0].partition(",")[0]
                ax.text(least * 1.2, place, said, va="center", fontsize=7, color="0.4")
                continue
            color = "C0" if peer == "stanhier" else "0.3"
            ax.plot([min(m.values), max(m.values)], [place, place], color=color, linewidth=2, alpha=0.5)
            ax.plot(m.median, place, "o", color=color, markersize=5)
            ax.annotate(
                number(m.median), (m.median, place), (5, 0), textcoords="offset points", va="center", fontsize=7
            )
        ax.grid(visible=True, axis="x", color="0.92")
        ax.set(
            title=case, xscale="log", yticks=range(len(peers)), yticklabels=[PEERS[p].title for p in reversed(peers)]
        )
        ax.set_xlim(least, greatest)
    for ax in axes.flat[len(cases) :]:
        ax.set_visible(False)
    figure.supxlabel("smallest bulk ESS per second of a warm call")
    return _save(figure, path)


def _scaling(measurements: Sequence[Measurement], path: Path) -> Path:
    import matplotlib.pyplot as plt

    found = [m for m in measurements if m.section == "scaling" and m.values]
    sized = {m.case: Size.parse(m.case) for m in found}
    panels = list(dict.fromkeys((size.varies, size.model) for size in sized.values()))
    figure, axes = plt.subplots(
        2,
        len(panels),
        figsize=(3.1 * len(panels) + 1, 6),
        sharey="row",
        sharex="col",
        squeeze=False,
        layout="constrained",
    )
    for column, (varies, model) in enumerate(panels):
        for line, quantity in enumerate(("time", "extra memory")):
            ax = axes[line, column]
            for color, step in enumerate(STEPS):
                points = sorted(
                    (sized[m.case].along, max(m.median, 1e-5 if line == 0 else 0.1))
                    for m in found
                    if (m.subject, m.quantity) == (step, quantity)
                    and (sized[m.case].varies, sized[m.case].model) == (varies, model)
                )
                if points:
                    ax.plot(*zip(*points, strict=True), "o-", color=f"C{color}", markersize=3, label=step)
            ax.set(xscale="log", yscale="log")
            ax.grid(visible=True, color="0.9")
        size = next(s for s in sized.values() if (s.varies, s.model) == (varies, model))
        fixed = {"rows": size.rows, "groups": size.groups, "predictors": size.predictors}
        along = varies.split()[0]
        said = ", ".join(f"{count:,} {name}" for name, count in fixed.items() if name != along and count)
        axes[0, column].set_title(f"{model}\n{said}", fontsize=9)
        axes[1, column].set_xlabel(along)
    axes[0, 0].set_ylabel("seconds")
    axes[1, 0].set_ylabel("memory above the input, MB")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(STEPS))
    return _save(figure, path)


def _save(figure: "mpl.figure.Figure", path: Path) -> Path:
    figure.savefig(path, dpi=110)
    return path

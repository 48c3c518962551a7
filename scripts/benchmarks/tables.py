"""Measurements as Markdown tables."""

from collections.abc import Iterable, Sequence
from math import isnan

from scripts.benchmarks.cases import CASES
from scripts.benchmarks.guard import GUARDED
from scripts.benchmarks.many import WAYS
from scripts.benchmarks.parquet import STEPS as PARQUET_STEPS
from scripts.benchmarks.peers import PEERS
from scripts.benchmarks.records import Measurement
from scripts.benchmarks.scaling import STEPS, Size

__all__ = [
    "cases_of",
    "comparison_table",
    "guard_table",
    "many_table",
    "markdown",
    "memory_said",
    "number",
    "parquet_table",
    "scaling_tables",
    "spread",
    "steps_table",
    "summary_table",
]

STAN = ("stan_centred", "stan_noncentred")
LARGE = 10_000
RELIABLE_R_HAT, RELIABLE_ESS = 1.01, 400
"""Vehtari et al. (2021), doi:10.1214/20-BA1221: beyond these, Monte Carlo errors cannot be estimated well."""


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out a table: the first column to the left, the others to the right."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(value: float) -> str:
    """Write a number with three digits that count, thousands apart."""
    if isnan(value):
        return ""
    if abs(value) >= 100:
        digits = max(len(f"{abs(value):.0f}") - 3, 0)
        return f"{round(value, -digits):,.0f}"
    return f"{value:.3g}"


def spread(m: Measurement | None) -> str:
    """The median, and from where to where the repeats went."""
    if m is None or not m.values:
        return ""
    if len(m.values) == 1:
        return number(m.median)
    return f"{number(m.median)} ({number(min(m.values))} to {number(max(m.values))})"


def cases_of(measurements: Iterable[Measurement], section: str) -> list[str]:
    found = dict.fromkeys(m.case for m in measurements if m.section == section)
    order = {name: place for place, name in enumerate(CASES)}
    return sorted(found, key=lambda case: order.get(case, 0))


def _rate(by: dict[tuple[str, str], Measurement], peer: str) -> float:
    m = by.get((peer, "ESS per second"))
    return float("nan") if m is None else m.median


def _of(measurements: Iterable[Measurement], section: str, case: str) -> dict[tuple[str, str], Measurement]:
    return {(m.subject, m.quantity): m for m in measurements if (m.section, m.case) == (section, case)}


def _sd_ratios(m: Measurement | None) -> str:
    return f"; sds {min(m.values):.2f} to {max(m.values):.2f} times" if m is not None and m.values else ""


def comparison_table(measurements: Sequence[Measurement], case: str) -> str:
    """All peers on one data set."""
    by = _of(measurements, "comparison", case)
    own = _rate(by, "stanhier")
    rows = []
    for peer, info in PEERS.items():
        status = by.get((peer, "status"))
        if status is None:
            continue
        agreement = by.get((peer, "agreement"))
        verdict = "the reference" if peer == "stanhier" and status.note == "ok" else ""
        if agreement is not None and info.point:
            verdict = f"within {agreement.median:.2f} posterior sd"
        elif agreement is not None:
            said, _, where = agreement.note.partition("; worst of ")
            sds = _sd_ratios(by.get((peer, "sd ratio")))
            verdict = f"{said} (largest {agreement.median:.1f} Monte Carlo errors{sds})"
            if said != "agrees":
                verdict = f"**differs**: {where.partition(': ')[2]}, {agreement.median:.1f} Monte Carlo errors"
                if by[peer, "R-hat"].median > RELIABLE_R_HAT or by[peer, "ESS"].values[-1] < RELIABLE_ESS:
                    verdict += "; its chains have not mixed, so these are not known well"
        rate = _rate(by, peer)
        r_hat = by.get((peer, "R-hat"))
        divergences = by.get((peer, "divergences"))
        rows.append(
            [
                info.title,
                spread(by.get((peer, "warm"))) or status.note,
                spread(by.get((peer, "first"))),
                spread(by.get((peer, "new process"))),
                spread(by.get((peer, "ESS"))),
                number(rate),
                "" if isnan(rate) or peer == "stanhier" else f"{number(own / rate)}",
                f"{r_hat.median:.3f}" if r_hat else "",
                number(divergences.median) if divergences else "",
                verdict,
            ]
        )
    header = ["", "warm call, s", "first call, s", "new process, s", "smallest ESS", "ESS/s", "stanhier is faster by"]
    return markdown([*header, "R-hat", "divergences", "posterior"], rows)


def memory_said(measurements: Iterable[Measurement], case: str) -> str:
    """Say how much memory stanhier needed at most on one data set, if that was measured."""
    by = _of(measurements, "comparison", case)
    found = [by.get(("stanhier", f"memory in first call, {what}")) for what in ("own", "largest", "together")]
    own, largest, together = (number(m.median) if m is not None else "" for m in found)
    if not (own and largest and together):
        return ""
    return (
        f"\nPeak memory of stanhier in the first call: {own} MB with the data and Python itself; a chain's process up "
        f"to {largest} MB, all of them together {together} MB.\n"
    )


def summary_table(measurements: Sequence[Measurement]) -> str:
    """One row per data set: stanhier, the better textbook program, and the best peer."""
    rows = []
    for case in cases_of(measurements, "comparison"):
        by = _of(measurements, "comparison", case)
        own = _rate(by, "stanhier")
        if isnan(own):
            rows.append([case, by["stanhier", "status"].note, "", "", "", "", ""])
            continue
        warm = by["stanhier", "warm"]
        stan = max((r for r in (_rate(by, p) for p in STAN) if not isnan(r)), default=float("nan"))
        others = {p: r for p in PEERS if p not in ("stanhier", *STAN) and not isnan(r := _rate(by, p))}
        best = max(others, key=lambda p: others[p], default="")
        rows.append(
            [
                case,
                number(warm.median),
                number(own),
                number(stan),
                number(own / stan),
                f"{PEERS[best].title}: {number(others[best])}" if best else "",
                number(own / others[best]) if best else "",
            ]
        )
    header = ["data", "stanhier, s", "ESS/s", "better textbook Stan, ESS/s", "ratio", "best other, ESS/s", "ratio"]
    return markdown(header, rows)


def scaling_tables(measurements: Sequence[Measurement]) -> str:
    """Time and memory of each step, by size."""
    sized = [(Size.parse(case), _of(measurements, "scaling", case)) for case in cases_of(measurements, "scaling")]
    parts = []
    for varies, model in dict.fromkeys((size.varies, size.model) for size, _ in sized):
        fitting = [(size, by) for size, by in sized if (size.varies, size.model) == (varies, model)]
        first = fitting[0][0]
        fixed = {"rows": first.rows, "groups": first.groups, "predictors": first.predictors}
        along = varies.split()[0]
        said = ", ".join(f"{count:,} {name}" for name, count in fixed.items() if name != along and count)
        rows = []
        for size, by in fitting:
            cells = []
            for step in STEPS:
                seconds, extra = by.get((step, "time")), by.get((step, "extra memory"))
                trouble = by.get((step, "trouble"))
                cell = number(seconds.median) if seconds and seconds.values else ""
                if extra is not None and extra.median >= 1:
                    cell += f" / {number(extra.median)}"
                cells.append(trouble.note if trouble else cell or (seconds.note if seconds else ""))
            rows.append([f"{size.along:,}", *cells])
        title = f"{model.capitalize()}, {said}: seconds / MB above the input"
        parts += [title, markdown([along, *STEPS], rows), _growth(fitting)]
    return "\n\n".join(parts)


def _growth(fitting: Sequence[tuple[Size, dict[tuple[str, str], Measurement]]]) -> str:
    """Say how much sampling and building grow along one axis."""
    said = []
    sampled = [(s.along, by["sample", "time"].median) for s, by in fitting if ("sample", "time") in by]
    varies = fitting[0][0].varies
    large = [seconds for along, seconds in sampled if along >= LARGE or not varies.startswith("rows")]
    if len(large) > 1 and varies != "predictors":
        since = f" from {LARGE:,} on" if len(large) < len(sampled) else ""
        said.append(f"Sampling: slowest over fastest{since} {max(large) / min(large):.2f}.")
    built = [(s, by) for s, by in fitting if ("build", "time") in by and by["build", "time"].values]
    if built and varies.startswith("rows"):
        size, by = max(built, key=lambda pair: pair[0].rows)
        per_second = size.rows / by["build", "time"].median
        per_core = size.rows / by["build", "processor time"].median
        said.append(
            f"Building at {size.rows:,} rows: {number(per_second)} rows per second, {number(per_core)} per second of "
            "processor time."
        )
    peaks = {s.along: by["process", "peak memory"].median for s, by in fitting if ("process", "peak memory") in by}
    if peaks:
        along = max(peaks)
        said.append(f"Peak of the whole process at {along:,} {varies.split()[0]}: {number(peaks[along])} MB.")
    return " ".join(said)


def guard_table(measurements: Sequence[Measurement]) -> str:
    """Warm calls of an earlier revision beside those of today."""
    rows = []
    for case in GUARDED:
        by = _of(measurements, "guard", case)
        trouble = next((m.note for (_, quantity), m in by.items() if quantity == "trouble"), "")
        before, now = by.get(("before", "warm")), by.get(("now", "warm"))
        if before and now and before.values and now.values:
            ratio = number(now.median / before.median)
            rows.append([case, before.note, spread(before), spread(now), ratio])
        elif trouble:
            rows.append([case, trouble, "", "", ""])
    return markdown(["data", "revision", "before, s", "now, s", "now over before"], rows)


def steps_table(measurements: Sequence[Measurement], section: str) -> str:
    """Steps of work one by one: time, memory or size of each."""
    rows = [
        [m.case, m.subject, f"{spread(m)} {m.unit}" if m.values else m.note]
        for m in measurements
        if m.section == section
    ]
    return markdown(["", "", "median (range)"], rows)


def many_table(measurements: Sequence[Measurement], case: str) -> str:
    """Ways to fit many models: how fast, and what a fit costs beside Stan."""
    by = _of(measurements, "many", case)
    alone = by["alone", "cost"].median if ("alone", "cost") in by else float("nan")
    rows = []
    for name, way in WAYS.items():
        status = by.get((name, "status"))
        if status is not None:
            rows.append([way.title, status.note, "", "", ""])
        elif (name, "rate") in by:
            rate, cost = by[name, "rate"], by[name, "cost"].median
            rows.append([way.title, rate.note, number(rate.median), number(cost), number(cost - alone)])
    header = ["", "measured", "fits per second", "processor seconds per fit", "beside Stan's own"]
    return markdown(header, rows)


def parquet_table(measurements: Sequence[Measurement], case: str) -> str:
    """Readers and models on Parquet files: time beside that of the reader, and memory."""
    by = _of(measurements, "parquet", case)
    n_rows = int(case.split()[0].replace(",", ""))
    reader = by["pyarrow", "time"].median if ("pyarrow", "time") in by else float("nan")
    rows = []
    for step, title in PARQUET_STEPS.items():
        time = by.get((step, "time"))
        if time is None:
            rows += [[title, m.note, *[""] * 4] for (s, q), m in by.items() if s in (step, "all") and q == "trouble"]
            continue
        rows.append(
            [
                title,
                spread(time),
                number(n_rows / time.median / 1e6),
                number(time.median / reader),
                spread(by.get((step, "memory"))),
                spread(by.get((step, "sampling"))),
            ]
        )
    return markdown(["", "s", "million rows/s", "ratio", "peak memory, MB", "sampling, s"], rows)

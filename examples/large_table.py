"""A large table: 2 million deliveries in Parquet files, of which only a small part is ever in memory.

The rows are simulated, so that what comes out can be compared with what went in: minutes from 600 depots, which
differ in the time that they take at the door and in their speed. With real ones, give the folder of your own files.
"""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import _common
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import stanhier as sh

FILES, ROWS, DEPOTS = 8, 250_000, 600
FORMULA = "minutes ~ km + rain + (1 + km | depot)"
TRUTH = {"alpha": 6.0, "km": 1.8, "rain": 2.5, "sd at the door": 1.5, "sd of km": 0.3, "sigma": 5.0}


def simulate(folder: Path) -> pd.DataFrame:
    """Write the files one by one, and give the truth about each depot: its own intercept and slope."""
    rng = np.random.default_rng(3)
    doors = TRUTH["alpha"] + rng.normal(0, TRUTH["sd at the door"], DEPOTS)
    speeds = TRUTH["km"] + rng.normal(0, TRUTH["sd of km"], DEPOTS)
    sizes = rng.pareto(1.5, DEPOTS) + 0.02  # a few depots have most deliveries
    names = np.array([f"D{i:04d}" for i in range(DEPOTS)])
    counts = np.zeros(DEPOTS, dtype=int)
    for part in range(FILES):
        depot = rng.choice(DEPOTS, ROWS, p=sizes / sizes.sum())
        km, rain = rng.gamma(4, 1.5, ROWS), rng.random(ROWS) < 0.2
        minutes = doors[depot] + speeds[depot] * km + TRUTH["rain"] * rain + rng.normal(0, TRUTH["sigma"], ROWS)
        columns = {"depot": names[depot], "km": km, "rain": rain.astype(int), "minutes": minutes}
        pd.DataFrame(columns).to_parquet(folder / f"part{part:02d}.parquet", index=False)
        counts += np.bincount(depot, minlength=DEPOTS)
    return pd.DataFrame({"deliveries": counts, "door": doors, "km": speeds}, index=names)


def main(seed: int = 1, folder: Path = _common.OUTPUT) -> sh.Fit:
    """Stream the files into a model, compare what comes out with what went in, and check it on some of the rows."""
    with TemporaryDirectory() as made:
        return stream(Path(made), seed, folder)


def stream(rows: Path, seed: int, folder: Path) -> sh.Fit:
    """Do all of it in this folder of files."""
    truth = simulate(rows)
    size = sum(path.stat().st_size for path in rows.iterdir()) / 1e6
    print(f"{FILES} files, {FILES * ROWS:,} rows, {size:.0f} MB. Deliveries by depot:\n")
    print(truth["deliveries"].describe().loc[["min", "25%", "50%", "75%", "max"]].astype(int).to_string(), "\n")

    print("1 Define. A pattern of files is the data; they are read once, block by block, and need not fit in memory:\n")
    start = time.perf_counter()
    model = sh.Model(FORMULA, f"{rows}/*.parquet")
    print(model, "\n")
    made = time.perf_counter() - start

    print(
        "2 Sample. What is left of the rows is some numbers a depot, so this does not depend on how many there were.\n"
    )
    start = time.perf_counter()
    fit = model.sample(seed=seed)
    print(fit)
    print(f"Seconds here: {made:.1f} to read, {time.perf_counter() - start:.1f} to sample.\n")

    print("3 Examine. The rows were made with the numbers in the last column:\n")
    table = fit.summary(var_names=["alpha", "beta", "sd_depot", "sigma"])
    table.insert(2, "truth", list(TRUTH.values()))
    print(table.iloc[:, :5], "\n")
    print(fit.diagnose(), "\n")
    depots = fit.group_summary("depot", kind="deviation", prob=0.9).xs("km", level="effect").loc[truth.index]
    true = truth["km"] - TRUTH["km"]
    held = ((depots["lower"] <= true) & (true <= depots["upper"])).mean()
    print(f"Of {DEPOTS} depots, {held:.1%} have their true slope in its 90 % interval.\n")

    print(
        "4 Build the hierarchy. Whether slopes must vary, and whether the model fits, are questions to single rows,\n"
        "which are not in memory. Ask a few thousand of them:\n"
    )
    some = pd.read_parquet(rows / "part00.parquet").sample(3_000, random_state=1)
    small = {
        "slopes vary": sh.Model(FORMULA, some).sample(seed=seed),
        "equal slopes": sh.Model("minutes ~ km + rain + (1 | depot)", some).sample(seed=seed),
    }
    print(sh.compare(small)[["elpd", "se", "elpd_diff", "dse"]], "\n")
    print(small["slopes vary"].check(), "\n")

    print(
        "5 Predict deliveries of 8 km in rain: of the largest depot, of the smallest one, of one that opens tomorrow:\n"
    )
    sizes = truth["deliveries"]
    new = pd.DataFrame({"depot": [sizes.idxmax(), sizes.idxmin(), "D9999"], "km": 8.0, "rain": 1})
    print(new.join(fit.predict(new, kind="mean", new_groups="sample", prob=0.9).round(1)), "\n")
    print("And all rows of a file, block by block into another file:\n")
    orders = pd.read_parquet(rows / "part01.parquet").head(20_000).drop(columns="minutes")
    orders.to_parquet(rows / "orders.parquet")
    written = fit.predict(rows / "orders.parquet", to=rows / "predictions.parquet", prob=0.9)
    print(orders.join(pd.read_parquet(written).round(1)).head(3), "\n")

    _common.save(picture_of(depots, true, sizes), folder / "large_table_depots.png")
    _common.save(fit.plot_posterior(var_names=["beta", "sd_depot", "sigma"]), folder / "large_table_posterior.png")
    _common.save(small["slopes vary"].plot_ppc(kind="density"), folder / "large_table_ppc.png")
    return fit


def picture_of(depots: pd.DataFrame, true: pd.Series, sizes: pd.Series) -> plt.Figure:
    """Draw slopes as they are estimated against the true ones, and how sure they are against deliveries."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    points = left.scatter(true, depots["mean"], c=np.log10(sizes), s=8)
    left.axline((0, 0), slope=1, color="0.4", linewidth=0.8, label="right")
    left.axline((0, 0), slope=0, color="0.4", linewidth=0.8, linestyle="--", label="nothing but the average depot")
    left.set(xlabel="true difference from the average depot (minutes per km)", ylabel="posterior mean")
    left.legend(loc="upper left", fontsize="small")
    figure.colorbar(points, ax=left, label="deliveries (logarithm to base 10)")
    right.scatter(sizes, depots["sd"], s=8)
    right.axhline(
        TRUTH["sd of km"], color="0.4", linestyle="--", label="how depots differ: all that is known without rows"
    )
    right.set(
        xscale="log", yscale="log", ylim=(0.005, 0.5), xlabel="deliveries", ylabel="posterior sd of the difference"
    )
    right.legend(loc="lower left", fontsize="small")
    return figure


if __name__ == "__main__":
    _common.run(main, __doc__)

"""Flights from New York: all of a year, in twelve Parquet files, and the wind in them.

Minutes in the air of the 327,346 flights of 2013 that left the three airports of New York City and arrived (Bureau of
Transportation Statistics; examples/flights/README.md has the source). Distance explains most of it. What else does: the
season, the place, the airline?
"""

from pathlib import Path

import _common
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import stanhier as sh

FILES = Path(__file__).resolve().parent / "flights"
FORMULA = "minutes ~ I(miles / 1000) + origin + (1 | dest) + (1 | carrier) + (1 + I(miles / 1000) | month)"
SIMPLE = FORMULA.replace("(1 + I(miles / 1000) | month)", "(1 | month)")
TO_LOS_ANGELES = 2475


def main(seed: int = 1, folder: Path = _common.OUTPUT) -> sh.Fit:
    """Stream the files into a model of three crossed factors, read the wind off it, and check it on some rows."""
    files = sorted(FILES.glob("*.parquet"))
    size = sum(file.stat().st_size for file in files) / 1e6
    print(f"{len(files)} files, {size:.1f} MB. The first rows of January:\n")
    print(pd.read_parquet(files[0]).head(3), "\n")

    print(
        "1 Define. A pattern of files is the data. Places, airlines and months are crossed: each has an effect\n"
        "of its own, and the minutes that a thousand miles take may differ between months.\n"
    )
    model = sh.Model(FORMULA, f"{FILES}/*.parquet")
    print(model, "\n")

    print("2 Sample.\n")
    fit = model.sample(seed=seed)
    print(fit.diagnose(), "\n")

    print("3 Examine. A thousand miles, and by how many minutes places, airlines and months differ:\n")
    names = ["alpha", "beta", "sd_dest", "sd_carrier", "sd_month", "cor_month", "sigma"]
    print(fit.summary(var_names=names).iloc[:, :4], "\n")
    wind = by_month(fit)
    print(f"What a month adds to a flight of {TO_LOS_ANGELES:,} miles, beside the mean of the twelve (minutes):\n")
    print(wind.round(1).to_string(), "\n")
    print(
        f"From {wind['median'].idxmin()} to {wind['median'].idxmax()} it is "
        f"{wind['median'].max() - wind['median'].min():.0f} minutes: most flights go to the west,\n"
        "against the jet stream, which is strongest in winter.\n\n"
        "Places to which flights are shortest and longest, for their distance:\n"
    )
    places = fit.group_summary("dest", kind="deviation").sort_values("mean")
    print(places.iloc[[0, 1, 2, -3, -2, -1]], "\n")
    print("Honolulu and Puerto Rico (BQN, SJU) are in the tropics, where that wind is weak.\n")

    print("4 Build the hierarchy. Whether it fits is a question to single rows, which are not in memory. Ask some:\n")
    some = pd.concat(pd.read_parquet(file).sample(300, random_state=1) for file in files)
    small = sh.Model(FORMULA, some).sample(seed=seed)
    simple = sh.Model(SIMPLE, some).sample(seed=seed)
    compared = sh.compare({"the wind depends on the distance": small, "months alone": simple})
    print(compared[["elpd", "se", "elpd_diff", "dse"]], "\n")
    print(small.check(), "\n")
    print(
        "It does not: longer flights vary more, and some take far longer than a normal distribution has room for.\n"
        "The averages above are little troubled by that. Intervals of single flights would be too wide for short\n"
        "ones and too narrow for long ones; a model of log(minutes) is the next thing to try.\n"
    )

    print("5 Predict. From JFK to Los Angeles, in January and July, with two airlines and with one that is new:\n")
    new = pd.DataFrame({"month": [1, 7] * 3, "carrier": np.repeat(["DL", "VX", "new"], 2)})
    new = new.assign(origin="JFK", dest="LAX", miles=TO_LOS_ANGELES)
    print(new[["month", "carrier"]].join(fit.predict(new, new_groups="sample").round(1)), "\n")

    _common.save(picture_of(wind), folder / "flights_months.png")
    _common.save(fit.plot_forest("carrier", kind="deviation"), folder / "flights_carriers.png")
    _common.save(fit.plot_posterior(var_names=["sd_dest", "sd_carrier", "sd_month"]), folder / "flights_scales.png")
    _common.save(small.plot_ppc(kind="density"), folder / "flights_ppc.png")
    return fit


def by_month(fit: sh.Fit) -> pd.DataFrame:
    """Give the minutes that months add to a long flight, draw by draw beside the mean of all months."""
    effects = fit.posterior["effect_month"]
    along = effects.dims[-1]
    added = effects.isel({along: 0}) + effects.isel({along: 1}) * TO_LOS_ANGELES / 1000
    added = added - added.mean("month")
    found = added.quantile([0.05, 0.5, 0.95], ("chain", "draw")).to_numpy()
    names = [pd.Timestamp(2013, month, 1).month_name() for month in effects["month"].to_numpy()]
    table = dict(zip(("lower", "median", "upper"), found, strict=True))
    return pd.DataFrame(table, index=pd.Index(names, name="month"))


def picture_of(wind: pd.DataFrame) -> plt.Figure:
    """Draw what each month adds, with its interval."""
    figure, axes = plt.subplots(figsize=(7.5, 3.6), layout="constrained")
    bars = np.abs(wind[["lower", "upper"]].to_numpy().T - wind["median"].to_numpy())
    axes.errorbar(wind.index.str[:3], wind["median"], bars, fmt=".", markersize=3, capsize=5, color="tab:blue")
    axes.axhline(0, color="0.4", linewidth=0.8)
    axes.set(ylabel=f"minutes added to {TO_LOS_ANGELES:,} miles\n(median and 90 % interval)")
    return figure


if __name__ == "__main__":
    _common.run(main, __doc__)

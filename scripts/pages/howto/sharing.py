"""
Save and share
==============

A fit is one file; a report is another.
"""

import tempfile
from pathlib import Path

import stanhier as sh

folder = Path(tempfile.mkdtemp())
data = sh.datasets.sleepstudy()
fit = sh.Model("reaction ~ days + (1 + days | subject)", data).sample(seed=1)

# %%
# A file
# ------

fit.save(folder / "sleepstudy.nc")
again = sh.load(folder / "sleepstudy.nc")
print(again)
print(f"{(folder / 'sleepstudy.nc').stat().st_size / 1e6:.1f} MB")

# %%
# The file has the draws, the data, the priors and the seed, so that everything works as before: predictions,
# comparisons, pictures. It is netCDF, which any tool for netCDF opens. Loading executes nothing that is in the file,
# so one from a stranger is safe; damage is found by a checksum.
#
# The file holds your data. Whoever must not see those must not have it.
#
# A report
# --------

fit.report(
    folder / "sleepstudy.html",
    title="Reaction times in the sleep study",
    author="A. Reader",
    note="Slopes vary by subject; the first run of this week.",
)
print(f"{(folder / 'sleepstudy.html').stat().st_size / 1e6:.1f} MB")

# %%
# One HTML file with the date, the model as an equation, priors, estimates, what ``diagnose``, ``check`` and ``loo``
# say, and pictures. It holds no script and asks for nothing from the network: attach it to a message, or print it on A4
# with the tables of groups that are folded on the screen.
#
# Numbers for other programs
# --------------------------
# Tables are pandas data frames, and hold all digits even where fewer are shown. ``to_dataframe`` has the draws, a row
# each.

fit.summary(var_names=["alpha", "beta", "sigma"]).to_csv(folder / "estimates.csv")
fit.group_summary("subject").to_csv(folder / "subjects.csv")
fit.to_dataframe(["alpha", "beta", "sigma"]).head(3)

# %%
# A picture has a ``.figure``: ``fit.plot_forest().figure.savefig("subjects.pdf")``.

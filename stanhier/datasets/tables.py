"""The tables, each read from its file by a function that says what is in it."""

from pathlib import Path

import pandas as pd

__all__ = ["bcg", "cbpp", "clinics", "eight_schools", "jsp", "names", "orthodont", "penicillin", "sleepstudy"]

_FOLDER = Path(__file__).parent


def names() -> list[str]:
    """Give the names of the tables, sorted: each is a function here.

    Returns
    -------
    list of str
    """
    return sorted(path.stem for path in _FOLDER.glob("*.csv"))


def bcg() -> pd.DataFrame:
    """Tuberculosis in 13 trials of the BCG vaccine: a meta-analysis.

    Returns
    -------
    pandas.DataFrame
        13 rows, a trial each, of trials of 262 to 176,782 people. `trial`, its authors and year; `year` of its report;
        `latitude`, degrees from the equator; `cases_vaccinated` of `vaccinated` people, and `cases_control` of
        `control` people, who fell ill.

    References
    ----------
    Colditz, G. A., Brewer, T. F., Berkey, C. S., et al. (1994). Efficacy of BCG vaccine in the prevention of
    tuberculosis: meta-analysis of the published literature. JAMA 271(9), 698-702.
    """
    return _read("bcg")


def cbpp() -> pd.DataFrame:
    """Contagious bovine pleuropneumonia in 15 herds of zebu cattle: so many of so many animals, by period.

    Returns
    -------
    pandas.DataFrame
        56 rows, a herd in a period each. `herd`, 1 to 15; `period`, 1 to 4, of three months or so; `size`, animals at
        risk when it began; `incidence`, how many of them were found newly infected.

    References
    ----------
    Lesnoff, M., Laval, G., Bonnet, P., et al. (2004). Within-herd spread of contagious bovine pleuropneumonia in
    Ethiopian highlands. Preventive Veterinary Medicine 64, 27-40.
    """
    return _read("cbpp")


def clinics() -> pd.DataFrame:
    """Cures of an infection in a trial of a drug in 8 clinics, some of them with few patients.

    Returns
    -------
    pandas.DataFrame
        16 rows, a treatment in a clinic each. `clinic`, 1 to 8; `treatment`, "control" or "drug", each in a cream;
        `successes`, how many of so many `patients` were cured.

    References
    ----------
    Beitler, P. J. & Landis, J. R. (1985). A mixed-effects model for categorical data. Biometrics 41(4), 991-1000,
    doi:10.2307/2530970.
    """
    return _read("clinics")


def eight_schools() -> pd.DataFrame:
    """Effects of coaching in 8 schools, with known standard errors.

    Returns
    -------
    pandas.DataFrame
        8 rows, a school each. `school`, "A" to "H"; `effect`, points in a test that coaching added; `se`, its standard
        error, in points.

    References
    ----------
    Rubin, D. B. (1981). Estimation in parallel randomized experiments. Journal of Educational Statistics 6(4), 377-401,
    doi:10.3102/10769986006004377, table 1.
    """
    return _read("eight_schools")


def jsp() -> pd.DataFrame:
    """Junior School Project: tests of pupils in 90 classes of 48 primary schools of inner London.

    Returns
    -------
    pandas.DataFrame
        953 rows, a pupil each, in the last of three years. `school`, 1 to 50; `class`, numbered within the school;
        `pupil`; `gender`, "boy" or "girl"; `social`, the class of the father's occupation: 1 to 6 are I, II, III
        non-manual, III manual, IV and V, 7 is long-term unemployed, 8 not employed now, 9 absent; `raven`, points in a
        test of ability on entry; `english` and `math`, points, of 100 and of 40, in tests of that year.

    References
    ----------
    Mortimore, P., Sammons, P., Stoll, L., Lewis, D. & Ecob, R. (1988). School Matters: The Junior Years. Open Books.
    """
    return _read("jsp")


def orthodont() -> pd.DataFrame:
    """How a distance in the skull grows, in 27 children from the age of 8 to that of 14 years.

    Returns
    -------
    pandas.DataFrame
        108 rows, a child at an age each. `distance`, mm from the pituitary gland to the pterygomaxillary fissure, on an
        x-ray; `age`, 8, 10, 12 or 14 years; `child`, "M01" to "M16" and "F01" to "F11"; `sex`, "female" or "male".

    References
    ----------
    Potthoff, R. F. & Roy, S. N. (1964). A generalized multivariate analysis of variance model useful especially for
    growth curve problems. Biometrika 51(3/4), 313-326, doi:10.2307/2334137.
    """
    return _read("orthodont")


def penicillin() -> pd.DataFrame:
    """Six samples of penicillin, each tested on all of 24 plates: two crossed factors.

    Returns
    -------
    pandas.DataFrame
        144 rows, a test each. `diameter`, mm, of the zone in which no bacteria grew; `plate`, "a" to "x"; `sample`, "A"
        to "F".

    References
    ----------
    Davies, O. L. & Goldsmith, P. L. (1972). Statistical Methods in Research and Production, 4th edition. Oliver & Boyd,
    section 6.6.
    """
    return _read("penicillin")


def sleepstudy() -> pd.DataFrame:
    """Reaction times of 18 people over ten days of three hours of sleep a night.

    Returns
    -------
    pandas.DataFrame
        180 rows, a person on a day each. `reaction`, ms, the mean of a test; `days` of short sleep, 0 to 9; `subject`,
        308 to 372.

    References
    ----------
    Belenky, G., Wesensten, N. J., Thorne, D. R., et al. (2003). Patterns of performance degradation and restoration
    during sleep restriction and subsequent recovery. Journal of Sleep Research 12(1), 1-12.
    """
    return _read("sleepstudy")


def _read(name: str) -> pd.DataFrame:
    return pd.read_csv(_FOLDER / f"{name}.csv", comment="#")

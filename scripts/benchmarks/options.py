"""The command line of `scripts/benchmark`; needs Python alone, so that `--help` works before anything is set up."""

import argparse
import sys

__all__ = [
    "FAMILY_CASES",
    "FAMILY_PEERS",
    "GROUPS",
    "PAGE_ONLY",
    "QUICK_CASES",
    "QUICK_PEERS",
    "SECTIONS",
    "SLOPE_CASES",
    "SLOPE_PEERS",
    "parser",
    "words_of",
]

SECTIONS = ("scaling", "slope_scaling", "guard", "footprint", "parts", "after", "many", "parquet", "calibration")
SLOPE_CASES = ("sleepstudy_slopes", "radon_mn_slopes", "three_effects", "penicillin", "pastes", "insteval")
SLOPE_PEERS = "stanhier,stan,nutpie,bambi"
"""Peers on data with slopes and several factors, where the others take long, or have no such model."""
FAMILY_CASES = (
    "bernoulli",
    "poisson",
    "bernoulli_counted",
    "bernoulli_counted_10k",
    "student_t",
    "verbagg_shape",
    "grouseticks_shape",
    "bernoulli_1m",
)
FAMILY_PEERS = "stanhier,stan"
"""Peers on other families of responses, where nothing else is asked for."""
GROUPS = {"slopes": (*SLOPE_CASES, "slope_scaling", "guard"), "families": FAMILY_CASES}
PAGE_ONLY = "page"
QUICK_CASES = ("linear", "eight_schools", "sleepstudy", "radon_mn")
QUICK_PEERS = "stanhier,stan"


def parser() -> argparse.ArgumentParser:
    """Make the parser."""
    made = argparse.ArgumentParser(
        prog="scripts/benchmark",
        description="Measure stanhier beside its peers on several data sets, how its cost grows, what surrounds a fit, "
        "how fast many models are fitted, what rows in files cost, and whether posteriors are right. Tables go to the "
        "screen and to scripts/benchmarks/output/, with plots.",
        epilog="Data sets: linear, grouped, sleepstudy, eight_schools, radon_mn, radon_all, sim_100k, sim_1m; with "
        f"slopes or several factors: {', '.join(SLOPE_CASES)}; of other families of responses: "
        f"{', '.join(FAMILY_CASES)} (unless --peers says more, stanhier and Stan by hand). Peers: "
        "stanhier, stan (centred and non-centred), stanli (both), pymc, nutpie, numpyro, bambi, mixedlm.",
    )
    made.add_argument("--quick", action="store_true", help="about two minutes: small data, stanhier and Stan by hand")
    made.add_argument(
        "--only",
        metavar="NAMES",
        help="data sets, `scaling`, `slope_scaling`, `guard`, `footprint`, `parts`, `after`, `many`, `parquet`, "
        "`calibration`, `slopes` for all of slopes and several factors, `families` for all of other responses than "
        "Gaussian ones, or `page` alone, to write kept results anew; separated by commas",
    )
    made.add_argument("--peers", metavar="NAMES", help="peers, separated by commas; stanhier is always there")
    made.add_argument(
        "--limit",
        type=float,
        help="seconds that one call may take (default: 120; with InstEval and bernoulli_counted 60)",
    )
    made.add_argument(
        "--before", metavar="REVISION", help="an earlier revision, whose calls `guard` times beside those of today"
    )
    made.add_argument("--budget", type=float, default=15.0, help="seconds for repeats in one process (default: 15)")
    made.add_argument("--repeats", type=int, default=7, help="warm calls at most (default: 7)")
    made.add_argument("--models", type=int, default=1000, help="number of models in `many` (default: 1000)")
    made.add_argument(
        "--rows", type=int, default=100_000_000, help="number of rows in `parquet` (default: 100 million, 5 GB of disk)"
    )
    made.add_argument("--simulations", type=int, default=300, help="of each variant in the calibration (default: 300)")
    made.add_argument(
        "--warmup", type=int, default=1000, help="iterations of warm-up in the calibration (default: 1000)"
    )
    made.add_argument("--keep", action="store_true", help="put the results into the page scripts/benchmarks/README.md")
    made.add_argument("--needs-peers", action="store_true", help=argparse.SUPPRESS)
    return made


def words_of(only: str) -> list[str]:
    """Take the names after `--only` apart, groups in the place of their names."""
    return [name for word in only.split(",") for name in GROUPS.get(word, (word,))]


if __name__ == "__main__":
    options = parser().parse_args()
    if options.needs_peers:
        words = (QUICK_PEERS if options.quick and options.peers is None else options.peers or "all").split(",")
        alone = {*SECTIONS, PAGE_ONLY} - {"many"}
        if options.peers is None:
            alone |= {*FAMILY_CASES}
        compares = options.only is None or any(word not in alone for word in words_of(options.only))
        own = all(word.startswith(("stanhier", "stan_")) or word == "stan" for word in words)
        sys.exit(0 if compares and not own else 1)

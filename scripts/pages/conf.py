"""Sphinx's settings; scripts/docs calls it."""

import os
import warnings
from typing import Any

import stanhier

os.environ["COLUMNS"] = "100"  # as wide as tables are printed on pages
warnings.formatwarning = lambda message, category, *_, **__: (
    f"{category.__name__}: {message}\n"
)  # no paths on pages

project = "stanhier"
author = "stanhier developers"
version = release = stanhier.__version__
extensions = [
    "sphinx.ext.autodoc",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
    "scripts.pages.mathml",
]
root_doc = "index"
templates_path: list[str] = []
exclude_patterns = ["code", "parts", "static"]
default_role = "code"
nitpick_ignore_regex = [
    (r"py:.*", r".*")
]  # types in docstrings are words for people, as numpydoc has them

html_theme = "furo"
html_title = f"stanhier {release}"
html_static_path = ["static"]
html_css_files = ["pages.css"]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_theme_options = {"navigation_with_keys": True}

autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3

sphinx_gallery_conf = {
    "examples_dirs": ["code/tutorial", "code/howto", "code/inside"],
    "gallery_dirs": ["tutorial", "howto", "inside"],
    "filename_pattern": r"\.py$",
    "within_subsection_order": "scripts.pages.order.AsListed",
    "ignore_repr_types": r"matplotlib|arviz|Panels|Axes|numpy\.ndarray",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "write_computation_times": False,
    "show_signature": False,
    "min_reported_time": 10**9,
    "image_srcset": [],
}


def _separate_references(*event: Any) -> None:
    """Make a paragraph of each reference: docstrings have them line by line."""
    lines = event[-1]
    if "References" in lines:
        start = lines.index("References") + 2
        lines[start:] = [
            part
            for line in lines[start:]
            for part in ([line, ""] if line.endswith((".", ")")) else [line])
        ]


def setup(app: Any) -> None:
    """Have this done before numpydoc reads the docstrings."""
    app.connect("autodoc-process-docstring", _separate_references, priority=400)

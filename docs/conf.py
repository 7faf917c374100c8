"""Sphinx configuration."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from sphinx.ext.autodoc.typehints import record_typehints

import provenn

project = "provenn"
author = "The provenn developers"
copyright = f"2026, {author}"
version = release = provenn.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "cheat_sheet",
]
exclude_patterns = ["_build", "_ext", "_templates"]
templates_path = ["_templates"]

myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3

autosummary_generate = True
autosummary_imported_members = True
autosummary_ignore_module_all = False
autosummary_context = {"constants": {"provenn.testing.CHECKS": "provenn.testing.checks.CHECKS"}}
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

html_theme = "pydata_sphinx_theme"
html_title = "provenn"
html_static_path = ["_static"]
html_css_files = ["provenn.css"]
html_sidebars = {"*": [], "generated/cheat-sheet": []}
html_theme_options = {
    "navbar_align": "left",
    "header_links_before_dropdown": 9,
    "secondary_sidebar_items": ["page-toc"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}


def constructor_types(app, what, name, obj, options, signature, returns):
    """Take a class's argument types from its constructor, not from attributes of the same name."""
    if what == "class":
        record_typehints(app, what, name, obj.__init__, options, "", "")
        app.env.current_document.autodoc_annotations.get(name, {}).pop("return", None)


def setup(app):
    """Register what is above."""
    app.connect("autodoc-process-signature", constructor_types, priority=900)

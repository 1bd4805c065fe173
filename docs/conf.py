"""How Sphinx builds the documentation: ``make docs``."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_sphinx"))

import specprod_copy

project = "specprod-copy"
author = "The specprod-copy developers"
copyright = author
version = release = specprod_copy.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx_click",
    "sphinx_copybutton",
    "numpydoc",
    "help_texts",
    "columns",
    "generated",
    "demo_server",
]
exclude_patterns = ["_build", "_sphinx", "jupyter_execute", "**.ipynb_checkpoints"]


# SQL with Jinja in it is neither.
suppress_warnings = ["misc.highlighting_failure", "myst-nb.lexer"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4
# Nothing is shown that was not computed while the pages were built.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
highlight_language = "none"
copybutton_exclude = ".linenos, .gp, .go"

autodoc_member_order = "bysource"
autodoc_typehints = "none"
numpydoc_show_class_members = False

html_theme = "pydata_sphinx_theme"
html_title = "specprod-copy"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_theme_options = {
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "show_nav_level": 1,
    "footer_start": ["copyright"],
    "footer_end": [],
}

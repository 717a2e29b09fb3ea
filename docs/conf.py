"""How Sphinx builds these pages: ``make docs``, or ``sphinx-build -W --keep-going -b html docs build/docs``."""

import sys
from pathlib import Path

from colonnade.version import __version__

sys.path.insert(0, str(Path(__file__).parent / "extensions"))

project = "colonnade"
author = copyright = "The colonnade developers"
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "command_reference",
    "mathml",
    "root_pages",
    "signatures",
]
exclude_patterns = ["extensions"]
smartquotes = False  # options begin with two hyphens
highlight_language = "none"  # blocks that name no language are command lines, files and output
nitpicky = True
nitpick_ignore_regex = [
    ("py:(class|obj)", ".*")
]  # annotations name classes of other packages, and some that are not public

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 90
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

copybutton_prompt_text = r"\$ |> |>>> |\.\.\. "  # where a block has prompts, what follows them is copied, and no output
copybutton_prompt_is_regexp = True
copybutton_exclude = ".linenos"

html_theme = "pydata_sphinx_theme"
html_title = "colonnade"
html_static_path = ["static"]
html_css_files = ["colonnade.css"]
html_copy_source = False
html_show_sourcelink = False
html_math_renderer = "mathml"
html_sidebars = {name: [] for name in ("index", "tutorial", "data-model")}  # they have no pages below them
html_theme_options = {
    "navigation_with_keys": False,
    "navbar_align": "left",
    "show_toc_level": 2,
    "header_links_before_dropdown": 8,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}

"""The page allows its own scripts and no others, and says all that it was given."""

import base64
import hashlib
import re
from html import unescape

from colonnade.report.assembly import SCRIPTS, Page
from colonnade.report.markup import Markup, element

PLACEHOLDERS = ("title", "name", "samples_named", "about", "summary", "facts", "samples", *(
    f"no_{table}" for table in ("dist", "idist", "stats", "windows", "depth")
))  # fmt: skip


def page_of(library: str = "let library;", **texts: Markup) -> str:
    page = Page({**dict.fromkeys(PLACEHOLDERS, Markup()), **texts}, '{"a":1}')
    return "".join(page.pieces([("x", "AAAA")], library))


def test_only_the_scripts_of_the_page_may_run_and_nothing_may_be_loaded() -> None:
    html = page_of()
    (policy,) = map(unescape, re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', html))
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert len(scripts) == 2
    assert policy.count("sha256-") == 2
    assert all(f"sha256-{digest}" in policy for digest in hashes)
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]


def test_texts_are_set_once_and_their_dollars_are_left_alone() -> None:
    assert "<p>$name ${about}</p>" in page_of(summary=element("p", "$name ${about}"))


def test_data_and_settings_are_in_the_page() -> None:
    html = page_of()
    assert '<script type="text/plain" id="frame-x">AAAA</script>' in html
    assert '<script type="application/json" id="settings">{"a":1}</script>' in html


def test_every_script_is_in_the_page_once() -> None:
    assert len({*SCRIPTS}) == len(SCRIPTS)
    html = page_of()
    assert html.count("async function unpack(name)") == 1

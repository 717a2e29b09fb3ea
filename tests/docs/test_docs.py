"""The documentation is true: its commands parse, the tutorial gives what it shows, examples run, links lead somewhere."""

import argparse
import doctest
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from pages import (
    DOCS,
    PAGES,
    READ_ON_CODE_HOSTS,
    ROOT,
    Step,
    anchors,
    blocks,
    command_lines,
    links,
    name_of,
    prose,
    steps,
)

import colonnade as cn
from colonnade.cli import parser

TUTORIAL = DOCS / "tutorial.md"
STEPS = steps(TUTORIAL)
RUN = [DOCS / "index.md", TUTORIAL, DOCS / "data-model.md", *sorted((DOCS / "howto").glob("*.md"))]
LOG = re.compile(r"colonnade \w+: ")


def commands() -> dict[str, argparse.ArgumentParser]:
    (verbs,) = (action for action in parser()._actions if isinstance(action, argparse._SubParsersAction))
    return verbs.choices


@pytest.fixture(scope="module")
def tutorial(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[Step, subprocess.CompletedProcess[str]]]:
    """The folder in which the commands of the tutorial were run in order, and how each of them ended."""
    for needed in ("awk", "bash", "column"):
        if not shutil.which(needed):
            pytest.skip(f"{needed} is not installed")
    folder = tmp_path_factory.mktemp("tutorial")
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    settings = {"cwd": folder, "env": {**os.environ, "PATH": programs}, "capture_output": True, "text": True}
    return folder, {step: subprocess.run(["bash", "-ec", step.command], **settings) for step in STEPS}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the web pages, built as ``make docs`` does."""
    for needed in ("myst_parser", "pydata_sphinx_theme", "sphinx", "sphinx_copybutton"):
        if not find_spec(needed):
            pytest.skip(f"{needed} is not installed")
    folder = tmp_path_factory.mktemp("html")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", str(DOCS), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.stderr == ""
    assert done.returncode == 0
    return folder


@pytest.mark.parametrize("page", READ_ON_CODE_HOSTS, ids=name_of)
def test_every_command_line_of_a_page_is_understood(page: Path) -> None:
    for arguments in command_lines(page):
        if not {"--help", "--version"} & {*arguments}:
            assert parser().parse_args(arguments).run


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.command[:40])
def test_a_command_of_the_tutorial_gives_what_the_page_shows(tutorial, step: Step) -> None:
    done = tutorial[1][step]
    assert done.returncode == 0, done.stderr
    log = [line for line in step.shown if LOG.match(line)]
    said = iter(done.stderr.splitlines())  # others may stand between: how far it is, and that kernels are compiled
    assert [line for line in log if line not in said] == []
    shown = [line for line in step.shown if line not in log]
    if "..." not in shown:
        assert done.stdout.splitlines() == shown


def test_the_tutorial_shows_results() -> None:
    assert sum(len(step.shown) for step in STEPS) >= 40


@pytest.mark.parametrize("page", RUN, ids=name_of)
def test_the_python_of_a_page_runs_on_the_files_of_the_tutorial(tutorial, page: Path, monkeypatch) -> None:
    monkeypatch.chdir(tutorial[0])
    names: dict[str, object] = {"__name__": "__main__"}
    for block in blocks(page):
        if block.language == "python" and not block.skipped:
            if ">>>" in block.text:
                run_examples(block.text, names, page)
            else:
                exec(compile(block.text, name_of(page), "exec"), names)


def run_examples(text: str, names: dict[str, object], page: Path) -> None:
    test = doctest.DocTestParser().get_doctest(text, names, name_of(page), str(page), 0)
    test.globs = names
    said: list[str] = []
    doctest.DocTestRunner(verbose=False).run(test, out=said.append, clear_globs=False)
    assert "".join(said) == ""


@pytest.mark.parametrize("page", READ_ON_CODE_HOSTS, ids=name_of)
def test_links_of_a_page_lead_to_files_and_headings(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_has_one_title(page: Path) -> None:
    assert len(re.findall(r"^# .*$", prose(page), re.MULTILINE)) == 1


def test_every_public_name_is_in_the_api_reference() -> None:
    described = set[str]()
    for page in (DOCS / "api").glob("*.md"):
        module, text = "", page.read_text(encoding="utf-8")
        for directive, name in re.findall(r"^\.\. (\w+):: (\S+)$", text, re.MULTILINE):
            module = name if directive == "currentmodule" else module
            described |= {name} if directive.startswith("auto") and module == "colonnade" else set()
    assert described == {*cn.__all__}


def test_the_pages_are_built_without_a_warning(built: Path) -> None:
    assert {"index.html", "search.html", "searchindex.js"} <= {path.name for path in built.iterdir()}


def test_every_command_and_option_is_in_the_command_reference(built: Path) -> None:
    page = (built / "commands.html").read_text(encoding="utf-8")
    _, *parts = re.split(r'<section id="colonnade-(\w+)">', page)
    described = dict(zip(parts[::2], parts[1::2], strict=True))
    assert described.keys() == commands().keys()
    for name, command in commands().items():
        options = {*re.findall(r'class="sig-name descname"><span class="pre">(-[^<]+)</span>', described[name])}
        shown = [action for action in command._actions if action.help != argparse.SUPPRESS]
        assert options == {option for action in shown for option in action.option_strings}


def test_pages_fetch_nothing_from_elsewhere(built: Path) -> None:
    for page in built.rglob("*.html"):
        assert list(fetched(page.read_text(encoding="utf-8"))) == []


def fetched(page: str) -> Iterator[str]:
    """What a browser loads by itself from another host."""
    for tag in re.findall(r"<(?:script|link|img|iframe)\b[^>]*>", page):
        yield from re.findall(r'(?:src|href)="((?:https?:)?//[^"]+)"', tag)

"""Wheel and sdist have what they must have, and no more; and whoever builds them gets the same bytes."""

import zipfile
from collections.abc import Iterator
from importlib.metadata import PathDistribution
from pathlib import Path, PurePath

import pytest
from builds import ROOT, build

from colonnade.cli import parser
from colonnade.cli.completion import SCRIPTS
from colonnade.version import __version__

KINDS = {".py", ".typed", ".html", ".css", ".js"}  # of files of the package
SDIST = {
    *(".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "PKG-INFO", "README.md"),
    *(
        "benchmarks",
        "constraints.txt",
        "docs",
        "examples",
        "hatch_build.py",
        "pyproject.toml",
        "src",
        "tests",
        "validation",
    ),
}


def files(folder: Path) -> Iterator[PurePath]:
    """Files below a folder, but those that Python and tools leave there."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(folder)


@pytest.fixture(scope="module")
def distribution(unpacked) -> PathDistribution:
    (folder,) = unpacked.glob("*.dist-info")
    return PathDistribution(folder)


def test_the_wheel_has_the_package_and_what_belongs_beside_it(unpacked) -> None:
    folders = {"colonnade", f"colonnade-{__version__}.data", f"colonnade-{__version__}.dist-info"}
    assert {path.name for path in unpacked.iterdir()} == folders
    assert [*files(unpacked / "colonnade")] == [*files(ROOT / "src" / "colonnade")]
    assert {path.suffix or path.name for path in files(unpacked / "colonnade")} <= {*KINDS, "py.typed"}
    assert (unpacked / "colonnade" / "py.typed").is_file()


def test_the_wheel_has_a_page_of_the_manual_for_each_command_and_completions(share) -> None:
    (commands,) = (action.choices for action in parser()._actions if action.dest == "verb")
    manuals = {f"share/man/man1/{'-'.join(name)}.1" for name in (["colonnade"], *(["colonnade", c] for c in commands))}
    assert {f"share/{path}" for path in files(share)} == manuals | {*SCRIPTS.values()}


def test_the_wheel_says_what_it_is(distribution) -> None:
    metadata = distribution.metadata
    assert (metadata["Name"], metadata["Version"], metadata["Requires-Python"]) == ("colonnade", __version__, ">=3.11")
    assert (metadata["License-Expression"], metadata["Description-Content-Type"]) == ("MIT", "text/markdown")
    assert metadata.get_payload() == (ROOT / "README.md").read_text(encoding="utf-8")
    assert {*metadata.get_all("Provides-Extra")} == {"cluster", "report"}
    assert [(entry.name, entry.value) for entry in distribution.entry_points] == [("colonnade", "colonnade.cli:main")]
    assert distribution.read_text("licenses/LICENSE") == (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_the_wheel_depends_on_what_makes_it_no_more(distribution) -> None:
    needed = {requirement.partition(">")[0] for requirement in distribution.requires or []}
    assert not needed & {"argparse-manpage", "hatchling", "shtab"}


def test_the_sdist_has_the_sources_and_nothing_that_was_made_from_them(sources) -> None:
    assert {path.name for path in sources.iterdir()} == SDIST
    made = {"__pycache__", ".ipynb_checkpoints", "_build", ".pytest_cache", ".hypothesis"}
    assert not [path for path in sources.rglob("*") if path.name in made or path.suffix in {".pyc", ".nbi", ".nbc"}]
    assert [*files(sources / "src")] == [*files(ROOT / "src")]


def test_the_sdist_makes_the_same_wheel_wherever_that_happens(wheel, sources, tmp_path) -> None:
    elsewhere = {
        "COLUMNS": "40",
        "DASK_SCHEDULER_ADDRESS": "tcp://host:8786",
        "TZ": "Asia/Tokyo",
        "PYTHONHASHSEED": "7",
    }
    assert build("wheel", sources, tmp_path, **elsewhere).read_bytes() == wheel.read_bytes()


def test_the_sdist_is_the_same_each_time(sdist, sources, tmp_path) -> None:
    assert build("sdist", sources, tmp_path).read_bytes() == sdist.read_bytes()


def test_no_file_says_where_it_was_made(wheel) -> None:
    with zipfile.ZipFile(wheel) as archive:
        texts = {name: archive.read(name) for name in archive.namelist()}
    assert [name for name, text in texts.items() if str(ROOT).encode() in text] == []

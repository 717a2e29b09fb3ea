"""Kernels: what was compiled once is used again, unless it cannot be."""

import os
import subprocess
import sys
from pathlib import Path

import numba
import pytest

from colonnade.jit import announce_compilation, announced_together

pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")

MODULE = """
from typing import NamedTuple
from colonnade.jit import kernel

class {name}(NamedTuple):
    value: int

@kernel
def double(given):
    return 2 * given.value

print(double({name}(3)), sum(double.stats.cache_hits.values()))
"""


def write(folder: Path, name: str) -> None:
    """Write a module with a kernel that takes a tuple of this type."""
    (folder / "module_under_test.py").write_text(MODULE.format(name=name))


def run(folder: Path, **environment: str) -> list[str]:
    """Run the module; returns the result of its kernel, and how many compiled versions it has found."""
    places = environment or {"NUMBA_CACHE_DIR": str(folder / "cache")}
    inherited = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    done = subprocess.run(
        [sys.executable, "-B", "-c", "import module_under_test"],
        env={**inherited, "PYTHONPATH": str(folder), **places},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_a_kernel_is_compiled_once(tmp_path) -> None:
    write(tmp_path, "Number")
    assert [run(tmp_path), run(tmp_path)] == [["6", "0"], ["6", "1"]]


def test_a_kernel_is_compiled_anew_where_a_type_of_an_older_version_is_gone(tmp_path) -> None:
    write(tmp_path, "Number")
    run(tmp_path)
    write(tmp_path, "Figure")
    assert run(tmp_path) == ["6", "0"]


def test_a_kernel_is_compiled_each_time_where_nothing_can_be_written(tmp_path) -> None:
    write(tmp_path, "Number")
    (tmp_path / "__pycache__").touch()  # not a folder; permissions would not keep root out
    assert [run(tmp_path, HOME=os.devnull), run(tmp_path, HOME=os.devnull)] == [["6", "0"], ["6", "0"]]


def test_kernels_that_cannot_be_kept_are_announced_with_the_way_out(monkeypatch, caplog) -> None:
    monkeypatch.setattr("colonnade.jit.kernel", numba.njit)
    announce_compilation("counts_kernels", seconds=7)
    (message,) = [record.getMessage() for record in caplog.records]
    assert message.startswith("compiling kernels, about 7 s; this happens on every run")
    assert "NUMBA_CACHE_DIR" in message


def test_kernels_are_announced_only_until_they_are_kept(monkeypatch, caplog, tmp_path) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    announce_compilation("counts_kernels")
    assert [record.levelname for record in caplog.records] == ["INFO"]
    (tmp_path / "tally_0").mkdir()
    (tmp_path / "tally_0" / "counts_kernels.count-1.py311.nbi").touch()
    announce_compilation("counts_kernels")
    assert len(caplog.records) == 1


def test_kernels_of_several_calls_are_announced_once_if_any_is_not_kept(monkeypatch, caplog, tmp_path) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    (tmp_path / "tally_0").mkdir()
    (tmp_path / "tally_0" / "counts_kernels.count-1.py311.nbi").touch()
    with announced_together("counts_kernels", "search_kernels", seconds=90):
        announce_compilation("search_kernels")
    (message,) = [record.getMessage() for record in caplog.records]
    assert message.startswith("compiling kernels, about 90 s")
    announce_compilation("search_kernels")
    assert len(caplog.records) == 2

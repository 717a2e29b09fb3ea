"""Kernels: what was compiled once is used again, unless it cannot be."""

import os
import subprocess
import sys
from pathlib import Path

import numba
import pytest

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


def run(folder: Path) -> list[str]:
    """Run the module; returns the result of its kernel, and how many compiled versions it has found."""
    done = subprocess.run(
        [sys.executable, "-B", "-c", "import module_under_test"],
        env={**os.environ, "PYTHONPATH": str(folder), "NUMBA_CACHE_DIR": str(folder / "cache")},
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

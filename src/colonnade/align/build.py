"""A bwa index made by pybwa, in a process of its own: it can be stopped, and what it says becomes log lines."""

import logging
import re
import subprocess
import sys
from collections.abc import Callable
from io import BufferedReader
from pathlib import Path
from typing import Final, cast

from colonnade.errors import OutputError

_log = logging.getLogger(__name__)

#: Called with (bases sorted, bases to sort).
Progress = Callable[[int, int], None]

#: What pybwa calls the files: short, as bwa has 1024 bytes for prefixes and does not count.
PREFIX: Final = "index"

_PROGRAM: Final = """\
import signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
from pybwa import BwaIndex, BwaIndexBuildMethod
BwaIndex.index(sys.argv[1], prefix=sys.argv[2], method=BwaIndexBuildMethod[sys.argv[3]])
"""

# The bytes are the same by any method. pybwa 2.3 gives bwa the number of a method by its own count, which is one ahead of
# bwa's: AUTO is rb2, which suits all lengths; RB2 is bwtsw, which is twice as fast and needs some bases.
_SHORT_METHOD: Final = "AUTO"
_LONG_METHOD: Final = "RB2"
_LONG: Final = 1_000_000

_STAGES: Final = {  # what bwa_idx_build (bwtindex.c) says, and what it means
    b"Pack FASTA": "packing the bases",
    b"Construct BWT": "sorting the suffixes of both strands, which takes longest",
    b"Construct SA": "sampling the suffix array",
}
_SORTED: Final = re.compile(rb"(\d+) characters processed")


def run_bwa(fasta: str, folder: Path, *, bases: int, progress: Progress | None = None) -> None:
    """Make the five files of an index, named ``PREFIX``, in a folder.

    Parameters
    ----------
    fasta
        Of so many ``bases``.
    progress
        Told how far sorting is, now and then.

    Raises
    ------
    OutputError
        bwa has failed.
    """
    method = _LONG_METHOD if bases >= _LONG else _SHORT_METHOD
    command = [sys.executable, "-P", "-c", _PROGRAM, str(Path(fasta).absolute()), PREFIX, method]
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            said = _follow(cast(BufferedReader, process.stderr), 2 * bases, progress)
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        last = said.decode(errors="replace").strip().rpartition("\n")[2]
        raise OutputError("bwa cannot index it", path=fasta, found=last or f"exit code {process.returncode}")
    (folder / f"{PREFIX}.dict").unlink()


def _follow(stream: BufferedReader, total: int, progress: Progress | None) -> bytes:
    """Tell what a running bwa does; returns all that it said."""
    said = b""
    to_come = dict(_STAGES)
    while part := stream.read1():
        said += part
        for sign in [sign for sign in to_come if sign in said]:
            _log.info("%s", to_come.pop(sign))
        if progress and (sorted_ := _SORTED.findall(said)):
            progress(int(sorted_[-1]), total)
    return said

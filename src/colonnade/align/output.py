"""Where records go: a BAM file that appears when it is complete, in the order in which they come or sorted, or stdout."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import BinaryIO, Final, cast

from colonnade.errors import OutputError
from colonnade.formats.bgzf_writer import BgzfWriter
from colonnade.formats.output import OutputSet
from colonnade.run.progress import StageReport, no_stage_report

STDOUT: Final = "-"
_STDOUT_NAME: Final = "stdout"

_SORT_MEMORY: Final = 1 << 30  # bytes of records that wait to be sorted, over all threads
_LEAST_SORT_MEMORY: Final = 1 << 20  # of a thread; samtools refuses less

#: A Python program that runs a command of samtools; what goes wrong it says in words.
_SAMTOOLS: Final = """
import sys, pysam
try:
    getattr(pysam.samtools, sys.argv[1])(*sys.argv[2:], catch_stdout=False)
except pysam.SamtoolsError as error:
    sys.exit(error.value.rpartition("stderr=")[2])
"""


def bam_output(
    out: str, *, index_suffix: str | None, threads: int, force: bool, progress: StageReport = no_stage_report
) -> AbstractContextManager[BgzfWriter]:
    """The stream of a BAM file, from its header on; the file is there, complete, when the ``with`` block has ended well.

    Parameters
    ----------
    out
        The file, or ``-`` for stdout.
    index_suffix
        Sort the records by coordinate, those that sort equal as they come, and index a file under its name with this suffix:
        ``.bai`` or ``.csi``. None: all as they come.
    threads
        Threads that compress and sort; the bytes do not depend on it.
    force
        Whether files that exist may be replaced.
    progress
        Told when records are sorted, and when they are indexed.

    Raises
    ------
    OutputError
        A file cannot be written or sorted.
    UsageError
        A file exists and ``force`` is not set.
    BrokenPipeError
        Whoever read stdout is gone.
    """
    if out == STDOUT and sys.stdout is None:  # its number would be another file's
        raise OutputError("cannot be written", path=_STDOUT_NAME, found="it is closed")
    if index_suffix is None:
        return _stdout(threads) if out == STDOUT else _file(out, threads, force)
    if out == STDOUT:
        return _sorter(out, STDOUT, threads, progress)
    return _sorted_file(out, index_suffix, threads, force, progress)


@contextmanager
def _stdout(threads: int) -> Iterator[BgzfWriter]:
    try:
        with BgzfWriter(_Pipe(sys.stdout.buffer), threads=threads) as stream:  # type: ignore[arg-type]
            yield stream
        sys.stdout.buffer.flush()
    except _ReaderGoneError:
        raise BrokenPipeError from None


@contextmanager
def _file(out: str, threads: int, force: bool) -> Iterator[BgzfWriter]:
    with OutputSet([out], force=force) as files, BgzfWriter(files.sink(out), threads=threads) as stream:
        yield stream


@contextmanager
def _sorted_file(out: str, index_suffix: str, threads: int, force: bool, progress: StageReport) -> Iterator[BgzfWriter]:
    index = f"{out}{index_suffix}"
    with OutputSet([out, index], force=force) as files:
        target = str(files.part(out).absolute())
        with _sorter(out, target, threads, progress) as stream:
            yield stream
        progress("indexing", 0, None)
        kind = "-b" if index_suffix == ".bai" else "-c"
        with _samtools(out, "index", kind, "-o", str(files.part(index).absolute()), target):
            pass
        progress("indexing", 1, 1)


@contextmanager
def _sorter(out: str, target: str, threads: int, progress: StageReport) -> Iterator[BgzfWriter]:
    """A stream whose records samtools takes while they come, and writes to the target, sorted, when there are no more."""
    memory = max(_LEAST_SORT_MEMORY, _SORT_MEMORY // threads)
    options = ["--no-PG", "-@", str(threads), "-m", str(memory), "-T", "records", "-o", target]
    with _samtools(out, "sort", *options, STDOUT) as pipe, BgzfWriter(pipe, level=0) as stream:  # type: ignore[arg-type]
        yield stream
        progress("sorting", 0, None)


@contextmanager
def _samtools(out: str, *arguments: str) -> Iterator["_Pipe"]:
    """A command of samtools, in a process of its own, as only such a one can be interrupted; yields its stdin.

    It works in a folder beside the output, which is removed in any case.
    """
    beside = None if out == STDOUT else Path(out).absolute().parent
    with TemporaryDirectory(prefix=".colonnade-", dir=beside) as folder, TemporaryFile() as messages:
        with subprocess.Popen(
            [sys.executable, "-P", "-c", _SAMTOOLS, *arguments],
            stdin=subprocess.PIPE,
            stderr=messages,  # not in the folder, whose disk may be full
            bufsize=0,
            cwd=folder,
            env={**os.environ, "TMPDIR": folder},
        ) as process:
            try:
                yield _Pipe(cast("BinaryIO", process.stdin))
                process.communicate()
                if process.returncode == 0:
                    return
            except _ReaderGoneError:  # it has failed, and says below why
                process.communicate()
            except BaseException:
                process.kill()
                process.wait()
                raise
        messages.seek(0)
        said = messages.read().decode(errors="replace").strip().rpartition("\n")[2]
        found = said or f"exit code {process.returncode}"
        raise OutputError("cannot be sorted", path=_STDOUT_NAME if out == STDOUT else out, found=found)


class _ReaderGoneError(Exception):
    """Nobody reads what is written; not an OSError, as those are about a file."""


class _Pipe:
    """A binary stream that somebody reads, or not any more."""

    name = _STDOUT_NAME  # in messages

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, data: bytes) -> int:
        """Write all of it."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._stream.write(rest) :]
        except BrokenPipeError:
            raise _ReaderGoneError from None
        return len(data)

"""SAM and CRAM as a stream of BAM, which htslib makes in a process of its own."""

import contextlib
import os
import pickle
import subprocess
import sys
from typing import Final

from colonnade.errors import ColonnadeError, FormatError
from colonnade.formats.decode import decode_to_bam
from colonnade.formats.stream import StrPath

_DECODE: Final = "import sys; from colonnade.formats.decoded import decode_to_stdout; decode_to_stdout(*sys.argv[1:])"
_STDOUT: Final = "-"  # as htslib names it


class DecodedSource:
    """The bytes of the BAM file that a SAM or CRAM file is, as ``decode_to_bam`` makes it, while it is being made.

    It takes another process, as pysam keeps the interpreter's lock when it closes a file: a thread that writes to a pipe would
    then wait for ever for the one that reads.

    Parameters
    ----------
    path, reference
        The file, and the FASTA that a CRAM was made with.
    name
        What messages call it, if not by its path.

    Raises
    ------
    FormatError, InputError
        By ``read``: what ``decode_to_bam`` raises.
    """

    size: int | None = None

    def __init__(self, path: StrPath, *, reference: StrPath | None = None, name: str | None = None) -> None:
        self.path = name or os.fspath(path)
        self._decoded = os.fspath(path)
        arguments = [self._decoded, *([] if reference is None else [os.fspath(reference)])]
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _DECODE, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def read(self, size: int) -> bytes:
        """The next bytes: fewer than ``size`` only at the end."""
        assert self._process.stdout is not None
        part = self._process.stdout.read(size)
        if len(part) < size and self._process.wait():
            raise self._error()
        return part

    def close(self) -> None:
        """End the decoding, finished or not; safe to call twice."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    def _error(self) -> Exception:
        assert self._process.stderr is not None
        said = self._process.stderr.read()
        try:
            error = pickle.loads(said)
        except Exception:  # it did not get as far as that
            reason = said.decode(errors="replace").rstrip("\n").rpartition("\n")[2]
            return FormatError("cannot be decoded", path=self.path, found=reason or "no reason given")
        if isinstance(error, ColonnadeError) and error.path == self._decoded:
            error.path = self.path
        return error  # type: ignore[no-any-return]


def decode_to_stdout(path: str, reference: str | None = None) -> None:
    """Write a SAM or CRAM file to standard output as BAM, and an error to standard error, for ``DecodedSource`` to read."""
    try:
        decode_to_bam(path, _STDOUT, reference=reference)
    except Exception as error:
        with contextlib.suppress(BrokenPipeError):
            sys.stderr.buffer.write(pickle.dumps(error))
        sys.exit(1)

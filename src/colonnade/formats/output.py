"""Files that appear under their final names only when all of them are complete."""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from colonnade.errors import OutputError, UsageError


def refuse_existing(paths: Iterable[str | Path], *, force: bool) -> None:
    """Raise unless all names are free, or are files that ``force`` allows to be replaced."""
    for path in map(Path, paths):
        if path.is_dir():
            raise OutputError("output is a folder", path=path)
        if path.exists() and not force:
            raise UsageError("output exists", path=path, advice="choose another name, or replace it with --force")


def refuse_inputs(outputs: Iterable[str | Path], inputs: Iterable[str | Path]) -> None:
    """Raise if an output would replace an input, whatever it is called."""
    read = [Path(path) for path in inputs if Path(path).exists()]
    for path in map(Path, outputs):
        if path.exists() and any(path.samefile(other) for other in read):
            raise UsageError("output is one of the inputs", path=path, advice="choose another name")


class OutputSet:
    """Several files written side by side; a ``with`` block that ends well renames them all, any other removes them.

    Parameters
    ----------
    paths
        The final names. Their folder must exist.
    force
        Whether files that exist may be replaced.

    Raises
    ------
    UsageError
        A file exists and ``force`` is not set.
    OutputError
        A file cannot be created.
    """

    def __init__(self, paths: Iterable[str | Path], *, force: bool = False) -> None:
        self._files: dict[Path, tuple[Path, BinaryIO]] = {}
        targets = [Path(path) for path in paths]
        refuse_existing(targets, force=force)
        try:
            for target in targets:
                temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
                self._files[target] = temporary, open(temporary, "wb")  # noqa: SIM115
        except OSError as error:
            self._discard()
            raise OutputError(
                "cannot be written",
                path=target,
                found=error.strerror,
                advice="does the folder exist, and may you write there?",
            ) from None

    def __enter__(self) -> "OutputSet":
        return self

    def write(self, path: str | Path, lines: Iterable[str]) -> None:
        """Append lines, as UTF-8, to one of the files."""
        self._append(path, (line.encode() for line in lines))

    def write_bytes(self, path: str | Path, data: bytes | memoryview) -> None:
        """Append bytes to one of the files."""
        self._append(path, (data,))

    def _append(self, path: str | Path, pieces: Iterable[bytes | memoryview]) -> None:
        try:
            self._files[Path(path)][1].writelines(pieces)
        except OSError as error:
            raise OutputError("cannot be written", path=path, found=error.strerror) from None

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if kind is not None:
            self._discard()
            return
        try:
            for target, (_temporary, file) in self._files.items():  # noqa: B007, it names the file in the error
                file.flush()
                os.fsync(file.fileno())
                file.close()
            for target, (temporary, _file) in self._files.items():
                os.replace(temporary, target)
        except OSError as error:
            self._discard()
            raise OutputError("cannot be written", path=target, found=error.strerror) from None

    def _discard(self) -> None:
        for temporary, file in self._files.values():
            with contextlib.suppress(OSError):
                file.close()
            temporary.unlink(missing_ok=True)

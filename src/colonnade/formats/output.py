"""Files that appear under their final names only when all of them are complete."""

import contextlib
import glob
import io
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final

from colonnade.errors import OutputError, UsageError
from colonnade.formats.locks import lock_now

ADVICE_ON_FOLDERS: Final = "does the folder exist, and may you write there?"
_INDEXES: Final = (".bai", ".csi", ".crai", ".fai", ".gzi")


def refuse_existing(paths: Iterable[str | Path], *, force: bool) -> None:
    """Raise unless all names are free, or are plain files that ``force`` allows to be replaced.

    A link is refused like a device: renaming would put a file in its place and leave alone what it points to.
    """
    for path in map(Path, paths):
        if path.is_dir():
            raise OutputError("output is a folder", path=path, advice="remove it, or choose another name")
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise OutputError(
                "output is not a plain file",
                path=path,
                found="a link" if path.is_symlink() else "a device, pipe or socket",
                advice="choose another name",
            )
        if path.exists() and not force:
            raise UsageError("output exists", path=path, advice="choose another name, or replace it with --force")


def refuse_inputs(outputs: Iterable[str | Path], inputs: Iterable[str | Path]) -> None:
    """Raise if an output would replace an input or an index of one, whatever it is called."""
    named = [Path(path) for path in inputs]
    indexes = [Path(f"{path}{suffix}") for path in named for suffix in _INDEXES]
    indexes += [path.with_suffix(suffix) for path in named if path.suffix for suffix in _INDEXES]
    read = [path for path in [*named, *indexes] if path.exists()]
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
        A file exists, at the start or when it is time to rename, and ``force`` is not set.
    OutputError
        A file cannot be created, written or renamed. Only an error of the renaming itself, which follows when all files
        are complete and all names have been checked again, can leave some of them renamed; it says which.
    """

    def __init__(self, paths: Iterable[str | Path], *, force: bool = False) -> None:
        self._force = force
        self._files: dict[Path, BinaryIO] = {}
        targets = [Path(path) for path in paths]
        refuse_existing(targets, force=force)
        try:
            for target in targets:
                _remove_abandoned(target)
                self._files[target] = io.BufferedWriter(_Part(target))
        except BaseException:
            self._discard()
            raise

    def __enter__(self) -> "OutputSet":
        return self

    def sink(self, path: str | Path) -> BinaryIO:
        """One of the files, to be written as a binary stream; its errors name the file. Not to be closed."""
        return self._files[Path(path)]

    def part(self, path: str | Path) -> Path:
        """The name that a file has until the block ends, for a library that reads or writes it by name.

        What was written to the file so far can be read there.
        """
        self._files[Path(path)].flush()
        return _part_name(Path(path))

    def write(self, path: str | Path, lines: Iterable[str]) -> None:
        """Append lines, as UTF-8, to one of the files."""
        self.sink(path).writelines(line.encode() for line in lines)

    def write_bytes(self, path: str | Path, data: bytes | memoryview) -> None:
        """Append bytes to one of the files."""
        self.sink(path).write(data)

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        try:
            if kind is None:
                self._complete()
                refuse_existing(self._files, force=self._force)
                self._rename()
        finally:
            self._discard()

    def _complete(self) -> None:
        for target, file in self._files.items():
            file.flush()
            try:
                os.fsync(file.fileno())
                file.close()
            except OSError as error:
                raise cannot_be_written(target, error) from None

    def _rename(self) -> None:
        renamed: list[str] = []
        for target in self._files:
            try:
                os.replace(_part_name(target), target)
            except OSError as error:
                advice = f"complete and renamed already: {', '.join(renamed)}" if renamed else None
                raise OutputError("cannot be renamed to", path=target, found=error.strerror, advice=advice) from None
            renamed.append(str(target))

    def _discard(self) -> None:
        """Close and remove what has not been renamed."""
        for target, file in self._files.items():
            with contextlib.suppress(OSError, OutputError):  # what is buffered for a full disk fails once more
                file.close()
            with contextlib.suppress(OSError):
                _part_name(target).unlink(missing_ok=True)


class _Part(io.FileIO):
    """A new file beside its final name, whose errors name the latter; it is locked as long as it is written."""

    def __init__(self, target: Path) -> None:
        self._target = target
        try:
            super().__init__(_part_name(target), "w")
        except OSError as error:
            raise cannot_be_written(target, error, ADVICE_ON_FOLDERS) from None
        with contextlib.suppress(OSError):  # there are file systems without locks
            lock_now(self)

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            raise cannot_be_written(self._target, error) from None


def _part_name(target: Path) -> Path:
    return target.with_name(f".{target.name}.{os.getpid()}.part")


def _remove_abandoned(target: Path) -> None:
    """Remove what processes that were killed have left of a file."""
    for path in target.parent.glob(f".{glob.escape(target.name)}.*.part"):
        with contextlib.suppress(OSError), path.open("r+b") as part:  # somebody is at work on one that is locked
            if lock_now(part):
                path.unlink()


def cannot_be_written(path: str | Path, error: OSError, advice: str | None = None) -> OutputError:
    """What ends a run whose file the system does not make, or does not take bytes for."""
    return OutputError("cannot be written", path=path, found=error.strerror or str(error), advice=advice)

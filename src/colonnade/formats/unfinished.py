"""Work that was interrupted: kept in a file beside the output, and gone on with where the question is the same."""

import json
import logging
import os
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from colonnade.errors import OutputError, UsageError, shortened
from colonnade.formats.frames import Frames
from colonnade.formats.output import refuse_existing

_log = logging.getLogger(__name__)

SUFFIX: Final = ".unfinished"

_FACTS: Final = "facts"  # of a question: what stands in it is known by its own name


class Unfinished:
    """The file of what a run has done so far. A context manager: if the block ends well the file goes, else it may stay.

    Parameters
    ----------
    output
        What is made; ``SUFFIX`` is added to its name.
    resume
        Whether to go on behind what is there.
    force
        Whether what is there may be dropped.
    keep
        Whether it stays if the run ends early, with something in it.

    Attributes
    ----------
    path
        The file.

    Raises
    ------
    UsageError
        There is one, and neither ``resume`` nor ``force``; or another process is at work on it.
    FormatError
        There is something else of that name.
    """

    def __init__(self, output: str | PathLike[str], *, resume: bool, force: bool, keep: bool) -> None:
        self.path = Path(f"{os.fspath(output)}{SUFFIX}")
        self._keep = keep
        self._how = "" if resume else " with --resume"
        self._frames: Frames | None = None
        refuse_existing([self.path], force=True)  # what is no plain file
        if self.path.exists() and not resume:
            if not force:
                raise UsageError(
                    "an unfinished run of this output",
                    path=self.path,
                    advice="go on with --resume, or start over with --force",
                )
            Frames.reopen(self.path).close()  # raises where it is something else, or in use
            self.path.unlink()

    def __enter__(self) -> "Unfinished":
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if self._frames is None:
            return
        if kind is None or not (self._keep and len(self._frames)):
            self.path.unlink(missing_ok=True)
        else:
            _log.warning("what is done is kept in %s; the same command%s goes on", self.path, self._how)
        self._frames.close()

    def open(self, question: Mapping[str, Any], *, besides: Mapping[str, Any] | None = None) -> Frames:
        """Go on with the file, or begin it; its facts are question and more.

        Parameters
        ----------
        question
            All that decides the results, as JSON can hold it.
        besides
            What is told of the work as it is begun, and may differ where it is gone on with.

        Raises
        ------
        UsageError
            There is one of another question.
        FormatError
            It is damaged.
        """
        besides = besides or {}
        if not self.path.exists():
            self._frames = Frames.create(self.path, {**question, **besides})
            return self._frames
        frames = Frames.reopen(self.path)
        before = {name: fact for name, fact in frames.facts.items() if name not in besides}
        differs = difference(before, json.loads(json.dumps(question)))
        if differs is not None:
            frames.close()
            place, found, expected = differs
            raise UsageError(
                "an unfinished run of another question",
                path=self.path,
                place=place,
                found=found,
                expected=expected,
                advice="ask the same with the same files, or start over with --force",
            )
        self._frames = frames
        return frames

    def finish(self, target: Path, *, force: bool) -> None:
        """Complete the file, and give it its final name."""
        if self._frames is not None:
            self._frames.complete()
        refuse_existing([target], force=force)
        try:
            os.replace(self.path, target)
        except OSError as error:
            raise OutputError("cannot be renamed to", path=target, found=error.strerror) from None


def difference(found: Any, expected: Any, place: str = "") -> tuple[str, str, str] | None:
    """Where two questions differ first, and what stands there in each; None where they do not."""
    if found == expected:
        return None
    inner: Iterable[tuple[Any, Any, Any]] = ()
    if isinstance(found, dict) and isinstance(expected, dict):
        inner = ((name, found.get(name), expected.get(name)) for name in dict.fromkeys([*expected, *found]))
    elif isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        inner = ((number, *both) for number, both in enumerate(zip(found, expected, strict=True), start=1))
    for name, one, two in inner:
        differs = difference(one, two, f"{place} {name}".strip() if place or name != _FACTS else "")
        if differs is not None:
            return differs
    return place, _shown(found), _shown(expected)


def _shown(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or "none"
    return shortened(json.dumps(value))

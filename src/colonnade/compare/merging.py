"""Parts of one question joined: the same tables and files as of one run."""

from collections.abc import Generator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from colonnade.compare.cover import Cover
from colonnade.compare.kept import JOB, kept_results
from colonnade.compare.packing import ResultReader
from colonnade.compare.ranges import RangeResult
from colonnade.compare.subject import Subject
from colonnade.errors import FormatError, InputError, UsageError
from colonnade.formats.frames import Frames
from colonnade.formats.unfinished import SUFFIX, difference
from colonnade.regions import Region
from colonnade.version import __version__


class Parts:
    """Files of all parts of a question, checked against each other; each is open only while it is read, as there may be many.

    Parameters
    ----------
    paths
        The files, in any order.

    Attributes
    ----------
    subject, tables
        What all parts are about, and which tables they were made for.

    Raises
    ------
    InputError
        They are not of one question, or of another version; one is there twice, or missing.
    FormatError
        A file is no part, not complete, or damaged.
    """

    def __init__(self, paths: Sequence[str | PathLike[str]]) -> None:
        if not paths:
            raise UsageError("no parts", expected="the files of all parts")
        self._files = _in_order([_looked_at(Path(path)) for path in paths])
        self.tables: list[str] = self._files[0].facts["tables"]
        self.subject = _read_subject(self._files[0])

    @property
    def regions(self) -> list[Region]:
        """What all parts cover."""
        return [region for file in self._files for region in _regions(file)]

    def results(self) -> Generator[RangeResult, None, None]:
        """The results of all ranges, in order."""
        reader = ResultReader(self.subject)
        for before in self._files:
            with Frames.read(before.path) as file:
                if file.facts != before.facts:
                    raise InputError("changed while parts were merged", path=file.path, advice="merge them again")
                cover = Cover(_regions(file))
                yield from kept_results(file, reader, cover)
            if cover.left:
                raise FormatError("a part without some of its ranges", path=file.path, expected=str(cover.left[0]))


def _looked_at(path: Path) -> Frames:
    """A part, complete and closed again."""
    if path.suffix == SUFFIX:
        raise InputError("a part that is not finished", path=path, advice="go on with it: its command with --resume")
    with Frames.read(path) as file:
        if file.facts.get("job") != JOB or not file.facts.get("part"):
            raise FormatError("not a part of a comparison", path=path, advice="name the files of compare --part")
        version = file.facts["facts"]["version"]
        if version != __version__:
            raise InputError(
                "made by another version of colonnade",
                path=path,
                found=version,
                expected=__version__,
                advice="make all parts and merge them with the same",
            )
        return file


def _in_order(files: Sequence[Frames]) -> list[Frames]:
    """All parts of one question by their numbers."""
    first, by_number = files[0], dict[int, Frames]()
    for file in files:
        differs = difference(_question(file), _question(first))
        if differs is not None:
            place, found, expected = differs
            raise InputError(
                f"a part of another question than {first.path}",
                path=file.path,
                place=place,
                found=found,
                expected=expected,
            )
        number = file.facts["part"]["number"]
        if number in by_number:
            raise InputError(
                f"part {number} is there twice", path=file.path, found=f"it in {by_number[number].path}, too"
            )
        by_number[number] = file
    of = first.facts["part"]["of"]
    missing = [number for number in range(1, of + 1) if number not in by_number]
    if missing:
        raise InputError("parts are missing", found=f"{len(files)} of {of}", expected=f"also {_listed(missing)}")
    return [by_number[number] for number in sorted(by_number)]


def _question(file: Frames) -> dict[str, Any]:
    """What all parts have in common."""
    own = ("number", "regions")
    part = {name: fact for name, fact in file.facts["part"].items() if name not in own}
    return {**file.facts, "part": part}


def _regions(file: Frames) -> list[Region]:
    return [Region(*region) for region in file.facts["part"]["regions"]]


def _read_subject(file: Frames) -> Subject:
    try:
        return Subject.read(file.facts)
    except (KeyError, TypeError, ValueError, UsageError) as error:
        raise FormatError("its head cannot be read", path=file.path, found=str(error), advice="make it again") from None


def _listed(numbers: Sequence[int]) -> str:
    """The first few of them."""
    return ", ".join(map(str, numbers[:10])) + (f" and {len(numbers) - 10} more" if len(numbers) > 10 else "")

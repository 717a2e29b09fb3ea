"""Steps of a run, and the records of what they were made of, by which it is known whether they are up to date."""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from colonnade.errors import ColonnadeError, FormatError, InputError
from colonnade.formats.frames import Frames
from colonnade.formats.output import ADVICE_ON_FOLDERS, OutputSet, cannot_be_written, refuse_existing
from colonnade.formats.unfinished import difference
from colonnade.workflow.contents import Contents
from colonnade.workflow.options import Means

FOLDER: Final = "steps"
NEW: Final = "new"
UNFINISHED_BEFORE: Final = "not finished before"

_SUFFIX: Final = ".json"
_KEYS: Final = {"step", "facts", "inputs", "outputs"}  # of a record
_KEYS_OF_INPUT: Final = {"what", "path", "sha256"}


class Input(NamedTuple):
    """A file that decides what a step makes.

    Attributes
    ----------
    what
        Its part in the step, such as ``reads of wk30``.
    path
        Its name, which decides nothing.
    """

    what: str
    path: str


@dataclass(frozen=True)
class Step:
    """Something to be made.

    Parameters
    ----------
    kind, subject
        What is done, and of what: ``align wk30``; both are parts of a file's name.
    facts
        All that decides the result besides the contents of files, as JSON can hold it.
    inputs
        The files that decide it.
    outputs
        What is made.
    carry_out
        Makes it, by whatever means.
    others
        What may be made besides, such as the one or the other kind of index.
    unfinished
        Where it keeps what is done, to go on with it.
    reread
        Opens what was made, if later steps need more of it than that it is there; raises ColonnadeError where they cannot read it.
    """

    kind: str
    subject: str
    facts: Mapping[str, Any]
    inputs: tuple[Input, ...]
    outputs: tuple[Path, ...]
    carry_out: Callable[[Means], None]
    others: tuple[Path, ...] = ()
    unfinished: Path | None = None
    reread: Callable[[], object] | None = None

    @property
    def name(self) -> str:
        """What it is called."""
        return f"{self.kind} {self.subject}".rstrip()


class Records:
    """The records of the steps of a folder, one file each.

    Parameters
    ----------
    folder
        Where outputs and records are.
    contents
        What is in files.
    """

    def __init__(self, folder: Path, contents: Contents) -> None:
        self._folder = folder
        self._contents = contents

    def reason(self, step: Step, remade: set[str]) -> str | None:
        """Why a step is to be carried out, in a few words; None where what it has made is up to date.

        Parameters
        ----------
        step
            The step.
        remade
            Names of files that are made anew before it.
        """
        record = self._read(step)
        if record is None:
            return NEW
        if record.get("outputs") is None:
            return UNFINISHED_BEFORE
        for given in step.inputs:
            if given.path in remade:
                return f"{Path(given.path).name} is made anew"
        reasons = (self._other_facts(step, record), self._other_input(step, record), self._other_output(step, record))
        return next(filter(None, reasons), None) or _unreadable(step)

    def begin(self, step: Step, *, force: bool) -> None:
        """Take note that a step is being done; what was left unfinished stays only if it was of the same.

        Raises
        ------
        UsageError
            There are files that no run of this folder has made.
        OutputError
            Where files are to be is something else, or it cannot be written.
        """
        before, now = self._read(step), self._record(step)
        refuse_existing([*step.outputs, *step.others], force=force or before is not None)
        for path in (*step.outputs, *step.others):
            _make_folder(path.parent)
            _remove_abandoned(path)
        for path in step.others:
            path.unlink(missing_ok=True)
        if step.unfinished is not None and not (before == now and not force and _is_sound(step.unfinished)):
            step.unfinished.unlink(missing_ok=True)
        self._write(step, now)

    def finish(self, step: Step) -> None:
        """Take note that a step has been done.

        Raises
        ------
        InputError
            A file has changed in the meantime.
        """
        begun, now = self._read(step), self._record(step)
        for before, after in zip((begun or now)["inputs"], now["inputs"], strict=True):
            if before["sha256"] != after["sha256"]:
                raise InputError(
                    "changed while it was read",
                    path=after["path"],
                    found=f"other bytes than when {step.name} began",
                    advice="leave it as it is, and run it again",
                )
        made = [path for path in (*step.outputs, *step.others) if path.exists()]
        now["outputs"] = {self._name(path): self._contents.of(path) for path in made}
        self._write(step, now)

    def all(self) -> dict[str, dict[str, Any]]:
        """All records that are there, by the names of their steps."""
        found = (_read_record(path) for path in sorted((self._folder / FOLDER).glob(f"*{_SUFFIX}")))
        return {record["step"]: record for record in found if record}

    def _other_facts(self, step: Step, record: Mapping[str, Any]) -> str | None:
        differs = difference(record.get("facts"), _as_json(step.facts))
        return None if differs is None else "{} was {}, is {}".format(*differs)

    def _other_input(self, step: Step, record: Mapping[str, Any]) -> str | None:
        before = [(given["what"], given["sha256"]) for given in record["inputs"]]
        for given in step.inputs:
            if (given.what, self._contents.of(given.path)) not in before:
                is_known = given.what in dict(before)
                return f"{given.what} {'changed' if is_known else 'added'}: {Path(given.path).name}"
        now = [(given.what, self._contents.of(given.path)) for given in step.inputs]
        left_out = next((what for what, _ in before if what not in dict(now)), None)
        if left_out is not None:
            return f"{left_out} left out"
        return None if now == before else "order or number of files changed"

    def _other_output(self, step: Step, record: Mapping[str, Any]) -> str | None:
        made = record["outputs"]
        for name in (*made, *map(self._name, step.outputs)):
            path = self._folder / name
            if not path.is_file():
                return f"{name} is missing"
            if name not in made:
                return f"{name} is new"
            if self._contents.of(path) != made[name]:
                return f"{name} is not as it was made"
        return None

    def _name(self, output: Path) -> str:
        return str(output.relative_to(self._folder))

    def _record(self, step: Step) -> dict[str, Any]:
        """What is to be done: all but the outputs."""
        inputs = [{**given._asdict(), "sha256": self._contents.of(given.path)} for given in step.inputs]
        return {"step": step.name, "facts": _as_json(step.facts), "inputs": inputs, "outputs": None}

    def _path(self, step: Step) -> Path:
        return self._folder / FOLDER / _file_name(step.name)

    def _read(self, step: Step) -> dict[str, Any] | None:
        path = self._path(step)
        return _read_record(path) if path.exists() else None

    def _write(self, step: Step, record: Mapping[str, Any]) -> None:
        path = self._path(step)
        _make_folder(path.parent)
        with OutputSet([path], force=True) as files:
            files.write(path, [json.dumps(record, indent=2) + "\n"])


def _read_record(path: Path) -> dict[str, Any]:
    """A record; an empty one, as of a step that was interrupted, where it is damaged."""
    with contextlib.suppress(ValueError, RecursionError, AttributeError, TypeError, OSError):
        record: dict[str, Any] = json.loads(path.read_bytes())
        if record.keys() == _KEYS and _file_name(record["step"]) == path.name and _is_whole(record):
            return record
    return {}


def _is_whole(record: Mapping[str, Any]) -> bool:
    """Whether files are told as they should be."""
    given = [set(map(type, one.values())) == {str} and one.keys() == _KEYS_OF_INPUT for one in record["inputs"]]
    return all(given) and isinstance(record["outputs"], dict | None)


def _file_name(step: str) -> str:
    return f"{step.replace(' ', '.')}{_SUFFIX}"


def _unreadable(step: Step) -> str | None:
    """Why what a step has made is of no use, though nobody has touched it: programs of one version may have written otherwise."""
    try:
        if step.reread is not None:
            step.reread()
    except ColonnadeError as error:
        return f"its result cannot be read: {error.found or error.message}"
    return None


def _as_json(facts: Mapping[str, Any]) -> Any:
    return json.loads(json.dumps(facts))


def _is_sound(unfinished: Path) -> bool:
    """Whether work that was begun can be gone on with; it cannot if the process was killed while it wrote the head."""
    try:
        Frames.reopen(unfinished).close()
    except (FormatError, FileNotFoundError):
        return False
    return True


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise cannot_be_written(folder, error, ADVICE_ON_FOLDERS) from None


def _remove_abandoned(path: Path) -> None:
    """Remove what steps that were killed have left beside their output."""
    for name in _abandoned(path):
        with contextlib.suppress(OSError):
            shutil.rmtree(name) if name.is_dir() else name.unlink()


def _abandoned(path: Path) -> Iterator[Path]:
    for name in os.listdir(path.parent):
        if name.startswith((".colonnade-", f".{path.stem}.")):
            yield path.parent / name

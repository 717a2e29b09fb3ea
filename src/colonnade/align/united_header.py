"""The header lines of several inputs as those of one output."""

from collections.abc import Iterator, Mapping
from itertools import chain, count

from colonnade.errors import InputError

#: Fields that name a program, by the kind of line (SAM specification, section 1.3).
_OF_PROGRAMS = {"@PG": ("ID", "PP"), "@RG": ("PG",)}


class UnitedHeader:
    """Header lines of one input after the other. A line that an earlier input has comes once.

    Attributes
    ----------
    text
        All of them so far.
    """

    def __init__(self) -> None:
        self.text = ""
        self._seen: set[str] = set()
        self._programs: set[str] = set()
        self._groups: dict[str, tuple[str, str]] = {}

    def add(self, text: str, path: str) -> dict[str, str]:
        """Add the lines of an input; returns the IDs of its programs that have changed, and what they are now.

        That is so if an earlier input has a program of the same ID but another line, or another one before it: it gets the first
        of ``ID.1``, ``ID.2``, ... that is free, which the lines that name it follow.

        Raises
        ------
        InputError
            An earlier input has a read group of the same ID but another line.
        """
        given = [line for line in text.split("\n") if line]
        names = self._new_names({_value(line, "ID"): line for line in reversed(given) if line.startswith("@PG\t")})
        lines = [_renamed(line, names) for line in given]
        groups = {_value(line, "ID"): (line, path) for line in lines if line.startswith("@RG\t")}
        for name, (line, _) in groups.items():
            self._check_group(name, line, path)
        self.text += "".join(f"{line}\n" for line in lines if line not in self._seen)
        self._seen.update(lines)
        self._programs.update(names.values())
        self._groups = {**groups, **self._groups}
        return {name: new for name, new in names.items() if name != new}

    def _check_group(self, name: str, line: str, path: str) -> None:
        known, where = self._groups.get(name, (line, path))
        if line != known:
            raise InputError(
                f"read group {name} is not that of another input",
                path=path,
                found=ascii(line),
                expected=f"{known!a}, as in {where}",
                advice="give each input a read group of its own, in the column read_group of --inputs",
            )

    def _new_names(self, programs: Mapping[str, str]) -> dict[str, str]:
        """The ID that each program gets, by that which it has."""
        names: dict[str, str] = {}
        for name in _ancestors_first(programs):
            for new in chain([name], (f"{name}.{number}" for number in count(1))):
                is_known = _renamed(programs[name], {**names, name: new}) in self._seen
                is_free = new not in self._programs and (new == name or new not in programs)
                if is_known or is_free:
                    names[name] = new
                    break
        return names


def _ancestors_first(programs: Mapping[str, str]) -> Iterator[str]:
    """All programs, each behind the one before it in its chain (PP)."""
    done = set()
    for name in programs:
        descendants = []
        while name in programs and name not in done:
            done.add(name)
            descendants.append(name)
            name = _value(programs[name], "PP")
        yield from reversed(descendants)


def _value(line: str, field: str) -> str:
    """What a field of a line says; nothing if there is none."""
    return next((text[3:] for text in line.split("\t")[1:] if text.startswith(f"{field}:")), "")


def _renamed(line: str, names: Mapping[str, str]) -> str:
    """A line with new IDs of programs."""
    kind, *fields = line.split("\t")
    for number, field in enumerate(fields):
        key, _, value = field.partition(":")
        if key in _OF_PROGRAMS.get(kind, ()):
            fields[number] = f"{key}:{names.get(value, value)}"
    return "\t".join([kind, *fields])

"""Which samples there are, and which of them are compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from os import PathLike, fspath
from pathlib import Path
from typing import Final, Literal

from colonnade.errors import FormatError, UsageError

#: The reference as a sample: so many reads of the reference base at each position.
REF: Final = "REF"
REF_DEPTH: Final = 1_000_000

Paths = str | PathLike[str] | Sequence[str | PathLike[str]]


@dataclass(frozen=True)
class Sample:
    """A named sample and its BAM files (lanes, runs) of it."""

    name: str
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """Two samples by name; the second may be ``REF``."""

    sample_1: str
    sample_2: str


def make_samples(paths_by_name: Mapping[str, Paths]) -> tuple[Sample, ...]:
    """Check sample names and give each its files."""
    samples = []
    for name, paths in paths_by_name.items():
        files = (fspath(paths),) if isinstance(paths, str | PathLike) else tuple(fspath(path) for path in paths)
        if not name or name == REF or any(c.isspace() or not c.isprintable() for c in name):
            raise UsageError(f"{name!r} cannot name a sample", expected=f"printable, without spaces, not {REF}")
        if len(set(files)) != len(files):
            raise UsageError(f"sample {name} has the same file twice")
        samples.append(Sample(name, files))
    if not samples:
        raise UsageError("no samples", expected="at least two, or one against REF")
    return tuple(samples)


def read_samples_file(path: str | Path) -> dict[str, list[str]]:
    """Read a tab-separated file with the header ``sample  path``; several lines per sample are several files."""
    samples: dict[str, list[str]] = {}
    for sample, file in _read_two_columns(path, ("sample", "path")):
        samples.setdefault(sample, []).append(file)
    return samples


def read_pairs_file(path: str | Path) -> list[Comparison]:
    """Read a tab-separated file with the header ``sample_1  sample_2``."""
    return [Comparison(first, second) for first, second in _read_two_columns(path, ("sample_1", "sample_2"))]


def choose_comparisons(
    samples: Sequence[Sample],
    *,
    scheme: Literal["all-pairs", "consecutive"] = "all-pairs",
    against: str | None = None,
    pairs: Sequence[Comparison] | None = None,
) -> tuple[Comparison, ...]:
    """All pairs, neighbours in the order given, every sample against one (or ``REF``), or a list."""
    names = [sample.name for sample in samples]
    if pairs is not None:
        chosen = list(pairs)
    elif against is not None:
        chosen = [Comparison(name, against) for name in names if name != against]
    elif scheme == "consecutive":
        chosen = [Comparison(*two) for two in pairwise(names)]
    else:
        chosen = [Comparison(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    for comparison in chosen:
        for name in (comparison.sample_1, comparison.sample_2):
            if name not in names and not (name == REF and name == comparison.sample_2):
                raise UsageError(
                    f"no sample is named {name!r}", expected="one of " + ", ".join(names) + f", or {REF} as second"
                )
        if comparison.sample_1 == comparison.sample_2:
            raise UsageError(f"sample {comparison.sample_1} is compared with itself")
    if not chosen:
        raise UsageError(
            "nothing to compare", found=f"samples {', '.join(names)}", expected="two samples, or --against REF"
        )
    if len(set(chosen)) != len(chosen):
        raise UsageError("a comparison is listed twice")
    return tuple(chosen)


def _read_two_columns(path: str | Path, header: tuple[str, str]) -> list[tuple[str, str]]:
    rows = []
    with open(path, encoding="utf-8-sig", errors="surrogateescape") as lines:
        for number, line in enumerate(lines, start=1):
            fields = line.rstrip("\r\n").split("\t")
            if number == 1 and tuple(fields) != header:
                raise FormatError(
                    "wrong header",
                    path=path,
                    place="line 1",
                    found=repr(line.strip()[:60]),
                    expected="\\t".join(header),
                )
            if number == 1 or not line.strip():
                continue
            if len(fields) != 2 or not all(fields):
                raise FormatError(
                    "wrong number of fields", path=path, place=f"line {number}", found=str(len(fields)), expected="2"
                )
            if "\0" in line:
                raise FormatError("not a text file", path=path, place=f"line {number}", found="a NUL byte")
            rows.append((fields[0], fields[1]))
    return rows

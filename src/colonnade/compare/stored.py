"""The result of a comparison in files, read back: as written by ``compare_to_files``, ``merge_parts`` and the command."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from glob import escape
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from colonnade.compare.display import result_html
from colonnade.compare.extent import Extent
from colonnade.compare.options import CompareOptions
from colonnade.compare.samples import Comparison
from colonnade.compare.schemas import TABLES, table_schemas
from colonnade.errors import ColonnadeError, FormatError, InputError, UsageError
from colonnade.formats.table import TableSchema
from colonnade.formats.table_files import FACTS_KEY, KINDS, ROWS_KEY, Kind
from colonnade.formats.table_reader import read_batches
from colonnade.formats.unfinished import SUFFIX

_FACTS_ENDING: Final = ".run.json"
_MOST_SHOWN: Final = 16 << 20  # bytes of a table that is looked through to show a result
_ABOUT: Final = {"contig": ["contig"], "sample": ["sample"], "comparison": ["sample_1", "sample_2"]}  # columns


@dataclass(frozen=True, repr=False)
class StoredResult:
    """The files of a comparison; tables are read when asked for. Made by ``read_result``.

    Parameters
    ----------
    prefix
        Start of the files' names.
    facts
        Version, options, samples and checksums: what ``run.json`` holds besides the numbers of rows.
    kinds
        The kind of file by the name of each table that is there.
    rows
        How many rows each table was written with.

    Attributes
    ----------
    tables
        Names of these, in the order of ``TABLES``.
    samples
        Names of the samples, in the order in which they were given.
    comparisons
        Which of them were compared.
    """

    prefix: Path
    facts: Mapping[str, Any]
    kinds: Mapping[str, Kind]
    rows: Mapping[str, int]

    def __repr__(self) -> str:
        return f"StoredResult({self.prefix}: {', '.join(self.samples)}; {', '.join(self.tables) or 'no tables'})"

    def _repr_html_(self) -> str:
        changes = {name: self.batches(name) for name in ("dist", "idist") if self._is_small(name)}
        stats = self.read("stats") if "stats" in self.tables else None
        return result_html(f"StoredResult {self.prefix}", self.facts, stats, changes)

    def _is_small(self, name: str) -> bool:
        """Whether a table is there, and is read while somebody waits to see it."""
        return name in self.tables and self.path(name).stat().st_size <= _MOST_SHOWN

    @property
    def tables(self) -> tuple[str, ...]:
        return tuple(name for name in TABLES if name in self.kinds)

    @cached_property
    def samples(self) -> tuple[str, ...]:
        return tuple(sample["name"] for sample in self.facts["samples"])

    @cached_property
    def comparisons(self) -> tuple[Comparison, ...]:
        return tuple(Comparison(*pair) for pair in self.facts["comparisons"])

    @cached_property
    def extent(self) -> Extent | None:
        """How much of each window was looked at; None where a BED file told that, which cannot be read any more."""
        try:
            return Extent(self.facts)
        except (OSError, ColonnadeError):
            return None

    def path(self, name: str) -> Path:
        """The file of a table.

        Raises
        ------
        UsageError
            There is no table of that name.
        InputError
            It was not written.
        """
        if name not in TABLES:
            raise UsageError("unknown table", found=repr(name), expected=", ".join(TABLES))
        if name not in self.kinds:
            raise InputError(
                f"table {name} is not there",
                path=self.prefix,
                found=", ".join(self.tables) or "no tables",
                advice=f"compare again with {name} among --write",
            )
        return Path(f"{self.prefix}.{name}.{self.kinds[name]}")

    def batches(self, name: str) -> Iterator[pa.RecordBatch]:
        """The rows of a table in order, in batches that take a few tens of megabytes at most, whatever the file's size.

        Raises
        ------
        UsageError, InputError
            As of ``path``; or the table is of another run.
        FormatError
            It is damaged or cut short, or has other columns.
        """
        path, n_rows = self.path(name), 0
        for batch in read_batches(path, self._schemas[name], self.kinds[name], self.facts):
            self._check_names(batch, path)
            n_rows += len(batch)
            yield batch
        if n_rows != self.rows[name]:
            raise FormatError(
                "rows are missing, or too many",
                path=path,
                found=str(n_rows),
                expected=str(self.rows[name]),
                advice="compare again",
            )

    def read(self, name: str) -> pa.Table:
        """A whole table, of the same columns and types as in ``CompareResult``; raises as ``batches``.

        Numbers from text have as many digits as are written there.
        """
        table = pa.Table.from_batches(self.batches(name), self._schemas[name].arrow)
        return table.replace_schema_metadata({FACTS_KEY: json.dumps(self.facts)})

    @cached_property
    def _schemas(self) -> dict[str, TableSchema]:
        return table_schemas(self.facts["options"]["quantiles"])

    @cached_property
    def _known(self) -> dict[str, set[tuple[str, ...]]]:
        """What rows may be about."""
        return {
            "contig": {(name,) for name in self.facts["reference"]["md5"]},
            "sample": {(name,) for name in self.samples},
            "comparison": {(pair.sample_1, pair.sample_2) for pair in self.comparisons},
        }

    def _check_names(self, batch: pa.RecordBatch, path: Path) -> None:
        """Raise where a table tells of what its run knows nothing of: it belongs to another."""
        for what, columns in _ABOUT.items():
            if set(columns) <= set(batch.schema.names):
                named = pa.Table.from_batches([batch.select(columns)]).group_by(columns, use_threads=False)
                for row in named.aggregate([]).to_pylist():
                    if tuple(row.values()) not in self._known[what]:
                        raise InputError(
                            f"of another run: {self.prefix}{_FACTS_ENDING} has no such {what}",
                            path=path,
                            found=" and ".join(map(repr, row.values())),
                            advice="remove it, or compare again",
                        )


def read_result(prefix: str | PathLike[str]) -> StoredResult:
    """Open the result of a comparison by the start of its files' names, as given to ``compare -o``.

    Raises
    ------
    InputError
        It is not there, or not finished; or there are tables of two kinds, which cannot be of one run.
    FormatError
        ``run.json`` is damaged.

    Examples
    --------
    >>> import colonnade as cn
    >>> result = cn.read_result("result")  # doctest: +SKIP
    >>> result.tables  # doctest: +SKIP
    ('dist', 'comp', 'idist', 'stats', 'evidence', 'windows', 'depth')
    >>> result.read("dist").to_pandas()  # doctest: +SKIP
    """
    start = Path(fspath(prefix))
    found = [(name, kind) for name in TABLES for kind in KINDS if Path(f"{start}.{name}.{kind}").is_file()]
    path = Path(f"{start}{_FACTS_ENDING}")
    if not path.is_file():
        raise _absent(start, [f"{start}.{name}.{kind}" for name, kind in found])
    by_kind = {kind: f"{start}.{name}.{kind}" for name, kind in reversed(found)}
    if len(by_kind) > 1:
        raise InputError(
            "tables of two kinds, which cannot be of one run",
            path=start,
            found=" and ".join(sorted(by_kind.values())),
            advice="remove those of an older run",
        )
    facts = _read_facts(path)
    rows = facts.pop(ROWS_KEY)
    strange = [name for name, _ in found if name not in rows]
    if strange:
        raise InputError(
            f"of another run: {path} has no such table",
            path=f"{start}.{strange[0]}.{found[0][1]}",
            advice="remove it, or compare again",
        )
    return StoredResult(start, facts, dict(found), rows)


def _absent(start: Path, tables: list[str]) -> InputError:
    """What to say where there are no facts, which every finished run has."""
    if Path(f"{start}{SUFFIX}").is_file():
        return InputError(
            "a comparison that is not finished",
            path=f"{start}{SUFFIX}",
            advice="go on with it: its command with --resume",
        )
    parts = sorted(start.parent.glob(f"{escape(start.name)}.part*of*"))
    if parts:
        return InputError("a part of a comparison", path=parts[0], advice="merge all of them first: colonnade merge")
    endings = [_FACTS_ENDING, *(f".{name}.{kind}" for name in TABLES for kind in KINDS)]
    of_file = next((str(start).removesuffix(ending) for ending in endings if str(start).endswith(ending)), None)
    if of_file is not None and start.is_file():
        return InputError("one file of a result", path=start, advice=f"name the start of all its files: {of_file}")
    if start.is_file():
        return InputError(
            "not the prefix of a result but a file",
            path=start,
            expected=f"what compare -o was given, so that there is {start}{_FACTS_ENDING}",
            advice="of parts that are not merged yet, merge all: colonnade merge",
        )
    return InputError(
        "no result of a comparison",
        path=start,
        found=f"{', '.join(tables[:2])} without it" if tables else "no file of it",
        expected=f"{start}{_FACTS_ENDING}",
        advice="give the prefix that compare -o was given",
    )


def _read_facts(path: Path) -> dict[str, Any]:
    try:
        facts = json.loads(path.read_bytes())
        _check_facts(facts)
        _check_options(facts)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise FormatError(
            "not the facts of a comparison",
            path=path,
            found=f"{type(error).__name__}: {error}",
            advice="compare again",
        ) from None
    return dict(facts)


def _check_facts(facts: Mapping[str, Any]) -> None:
    """Use what every reader of the facts uses; raises KeyError, TypeError or ValueError where it is not there."""
    table_schemas(facts["options"]["quantiles"])
    texts = [facts["version"], facts["reference"]["path"], *dict(facts["reference"]["md5"])]
    texts += [text for sample in facts["samples"] for text in (sample["name"], *sample["paths"])]
    for first, second in facts["comparisons"]:
        texts += [first, second]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("a number or list where a name belongs")
    if any("\0" in text for text in texts):
        raise ValueError("a name with a null byte")


def _check_options(facts: Mapping[str, Any]) -> None:
    """The same for what was chosen: all of it is there, and numbers are numbers."""
    known = CompareOptions()
    options = {name: value for name, value in asdict(known).items() if name != "read_filter"}
    for section, values in (("options", options), ("read_filter", known.read_filter.as_dict())):
        for name, value in values.items():
            found = facts[section][name]
            if isinstance(value, int | float) and not isinstance(found, int | float):
                raise TypeError(f"{name} is not a number")
    if not {"regions", "bed"} <= facts.keys():
        raise KeyError("regions or bed")
    if not all(isinstance(number, int) for number in dict(facts[ROWS_KEY]).values()):
        raise TypeError("numbers of rows are no numbers")

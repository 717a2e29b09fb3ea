"""All that a page holds of a result: tables taken in once, its texts, its settings, and its data."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import pairwise, starmap
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Final

from colonnade.compare.samples import Comparison
from colonnade.compare.schemas import table_schemas
from colonnade.compare.stored import StoredResult
from colonnade.errors import FormatError, InputError
from colonnade.formats.fasta import BASES, REFERENCE_LETTERS, Fasta
from colonnade.formats.table import TableSchema
from colonnade.report.along import Axis, Depths, make_axis, mean_distances, read_depths
from colonnade.report.assembly import Page
from colonnade.report.colours import BY_BASE, MOST_LINES, POINTS
from colonnade.report.composition import LOCI_PER_CHUNK, Changes, Compositions, find_changes, read_compositions
from colonnade.report.effects import with_effects, with_indel_effects
from colonnade.report.embedding import pack_bytes, pack_json
from colonnade.report.evidence import CLASSES, evidence_chunks, is_exact
from colonnade.report.genes import Genes
from colonnade.report.markup import Markup, element, joined
from colonnade.report.rows import STATES, UNIT, Rows, read_rows
from colonnade.report.summary import MIN_STRAND_P, Told, decimals
from colonnade.report.words import facts_in_words, samples_in_words
from colonnade.run.progress import Report

#: Files up to this size are in a page as they are, to be saved from it.
MOST_BYTES: Final = 1 << 20

_MOST_NAMED: Final = 6  # samples in the title

_SECTIONS: Final = ("dist", "idist", "stats", "windows", "depth")  # tables that one of the page's sections is made from


class Content:
    """What a page holds.

    Parameters
    ----------
    result
        What it is about.
    gff, reference
        Genes, and the FASTA for their codons; default: the one that ``run.json`` names.
    progress
        Called with the number of rows read so far.
    """

    def __init__(
        self,
        result: StoredResult,
        *,
        gff: str | PathLike[str] | None,
        reference: str | PathLike[str] | None,
        progress: Report,
    ) -> None:
        self._result = result
        self._read = _Counter(progress)
        self._contigs = list(result.facts["reference"]["md5"])
        self.rows = self._rows("dist")
        self.indels = self._rows("idist")
        self.compositions: Compositions | None = None
        self.changes: Changes | None = None
        if self.rows is not None and "comp" in result.tables:
            self.compositions = read_compositions(result, self.rows.loci, progress=self._read)
            self.changes = find_changes(self.rows, self.compositions, result)
        self._doubts: list[str] = []
        if gff is not None:
            self._find_genes(gff, result.facts["reference"]["path"] if reference is None else reference)

    def page(self, specifications: Mapping[str, Any]) -> Page:
        """The page without its data."""
        settings = {
            **self._settings(),
            "specifications": specifications,
            "colours": {"bases": BY_BASE, "points": POINTS},
        }
        return Page(self._texts(), pack_json(settings))

    def frames(self) -> Iterator[tuple[str, str]]:
        """Names and packed contents of the page's data; evidence is read as it is packed."""
        if self.rows is not None:
            yield "dist", self.rows.pack(**({} if self.changes is None else self.changes.columns()))
        if self.indels is not None:
            yield "idist", self.indels.pack()
        if self.depths is not None:
            yield "depth", self.depths.pack()
        if self.compositions is not None:
            for number, chunk in enumerate(self.compositions.chunks()):
                yield f"comp-{number}", chunk
        if self._has_evidence and self.rows is not None:
            for number, chunk in enumerate(evidence_chunks(self._result, self.rows.loci, progress=self._read)):
                yield f"evidence-{number}", chunk
        for table in self._result.tables:
            if self._is_small(table):
                yield f"file-{table}", pack_bytes(self._result.path(table).read_bytes())

    @cached_property
    def axis(self) -> Axis:
        """Where things are along the genome."""
        return make_axis(self._result, *(rows for rows in (self.rows, self.indels) if rows is not None))

    @cached_property
    def depths(self) -> Depths | None:
        """Depth along the genome."""
        return read_depths(self._result, self.axis) if "depth" in self._result.tables else None

    @cached_property
    def _stats(self) -> list[dict[str, Any]] | None:
        """Rows of stats, in the order of the comparisons."""
        if "stats" not in self._result.tables:
            return None
        rows = {Comparison(row["sample_1"], row["sample_2"]): row for row in self._result.read("stats").to_pylist()}
        missing = [pair for pair in self._result.comparisons if pair not in rows]
        if missing:
            raise FormatError(
                "a comparison has no row",
                path=self._result.path("stats"),
                expected=f"{missing[0].sample_1} and {missing[0].sample_2}",
                advice="compare again",
            )
        return [rows[pair] for pair in self._result.comparisons]

    @property
    def _has_evidence(self) -> bool:
        return self.rows is not None and "evidence" in self._result.tables

    def _rows(self, table: str) -> Rows | None:
        return read_rows(self._result, table, progress=self._read) if table in self._result.tables else None

    def _find_genes(self, gff: str | PathLike[str], reference: str | PathLike[str]) -> None:
        fasta = _open_reference(reference)
        try:
            genes = Genes.read(gff, fasta)
            self._doubts = [f"{Path(fspath(gff)).name}: {doubt}" for doubt in genes.doubts]
            if self.rows is not None and self.changes is not None:
                self.rows = with_effects(self.rows, self.changes, genes, self._contigs)
            if self.indels is not None:
                self.indels = with_indel_effects(self.indels, genes, self._contigs)
        finally:
            fasta.close()

    @property
    def _schemas(self) -> dict[str, TableSchema]:
        """Of the tables whose rows the page holds."""
        schemas = table_schemas(self._result.facts["options"]["quantiles"])
        return {name: schemas[name] for name in ("dist", "idist")}

    def _interval_columns(self) -> list[str] | None:
        quantiles = self._result.facts["options"]["quantiles"]
        return [f"distance_q{quantiles[place]:g}" for place in (0, -1)] if len(quantiles) > 1 else None

    def _settings(self) -> dict[str, Any]:
        options, axis = self._result.facts["options"], self.axis
        means = mean_distances(self._result) if "windows" in self._result.tables else {}
        return {
            "name": self._result.prefix.name,
            "samples": self._result.samples,
            "comparisons": [[pair.sample_1, pair.sample_2] for pair in self._result.comparisons],
            "tables": self._result.tables,
            "states": STATES,
            "letters": REFERENCE_LETTERS,
            "bases": BASES,
            "unit": UNIT,
            "decimals": decimals(options),
            "columns": {
                name: [[column.name, column.type] for column in table.columns] for name, table in self._schemas.items()
            },
            "intervalColumns": self._interval_columns(),
            "interval": interval_in_words(options["quantiles"]),
            "minDistance": options["min_distance"],
            "minStrandP": MIN_STRAND_P,
            "axis": {"contigs": axis.contigs, "first": axis.first.tolist(), "last": axis.last.tolist()},
            "isSuccession": self._result.comparisons == tuple(starmap(Comparison, pairwise(self._result.samples))),
            "window": options["window"],
            "depthStep": None if self.depths is None else self.depths.step,
            "depthWindows": None if self.depths is None else self.depths.windows,
            "mostLines": MOST_LINES,
            "means": [means.get(pair) for pair in self._result.comparisons],
            "stats": self._stats,
            "rows": {
                name: rows.total for name, rows in (("dist", self.rows), ("idist", self.indels)) if rows is not None
            },
            "lociPerChunk": LOCI_PER_CHUNK,
            "hasCompositions": self.compositions is not None,
            "hasEvidence": self._has_evidence,
            "classes": None if self.rows is None or is_exact(self.rows.loci, self._result) else CLASSES,
            "files": [self._file(table) for table in self._result.tables],
        }

    def _texts(self) -> dict[str, Markup]:
        result = self._result
        told = Told(result, self._stats, self.rows, self.changes, self.indels)
        depths = None if self.depths is None else self.depths.covered
        name = result.prefix.name
        return {
            "title": joined(f"{name}: {_samples(result)}"),
            "name": joined(name),
            "samples_named": joined(_samples(result)),
            "about": joined(_about(result)),
            "summary": joined(told.paragraphs(), *(element("p", doubt, class_="doubt") for doubt in self._doubts)),
            "facts": facts_in_words(result),
            "samples": samples_in_words(result, depths),
            **{f"no_{table}": _absence(result, table) for table in _SECTIONS},
        }

    def _is_small(self, table: str) -> bool:
        return self._result.path(table).stat().st_size <= MOST_BYTES

    def _file(self, table: str) -> dict[str, Any]:
        path = self._result.path(table)
        return {"table": table, "name": path.name, "bytes": path.stat().st_size, "held": self._is_small(table)}


class _Counter:
    """Adds rows up for who wants to know how many have been read."""

    def __init__(self, progress: Report) -> None:
        self._progress = progress
        self._done = 0

    def __call__(self, rows: int) -> None:
        self._done += rows
        self._progress(self._done, None)


def _open_reference(path: str | PathLike[str]) -> Fasta:
    try:
        return Fasta(fspath(path))
    except FileNotFoundError:
        raise InputError(
            "the reference is not there", path=path, advice="say with --reference where it is now: genes need it"
        ) from None


def interval_in_words(quantiles: list[float]) -> str:
    """What an interval is, in a caption."""
    if len(quantiles) < 2:
        return "no interval, as the run has fewer than two quantiles"
    low, high = quantiles[0], quantiles[-1]
    return f"the {100 * (high - low):g} % credible interval (quantiles {low:g} and {high:g})"


def _samples(result: StoredResult) -> str:
    """The samples by name, or their number where they are many."""
    names = result.samples
    return ", ".join(names) if len(names) <= _MOST_NAMED else f"{len(names):,} samples"


def _about(result: StoredResult) -> str:
    n_samples, n_comparisons = len(result.samples), len(result.comparisons)
    contigs = list(result.facts["reference"]["md5"])
    where = contigs[0] if len(contigs) == 1 else f"{len(contigs):,} contigs"
    return (
        f"{n_samples} sample{'' if n_samples == 1 else 's'}, {n_comparisons} comparison{'' if n_comparisons == 1 else 's'}, "
        f"{where}; colonnade {result.facts['version']}"
    )


def _absence(result: StoredResult, table: str) -> Markup:
    """A line where a table is missing, which its section then says; empty where it is there."""
    if table in result.tables:
        return Markup()
    return element(
        "p",
        f"The table {table} was not written, so this is left out; colonnade compare --write with {table} in its list adds it.",
        class_="absent",
    )

"""Result files of a comparison that nobody made: any size, valid by their schemas, the same on every run."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pysam

from colonnade.compare.options import CompareOptions
from colonnade.compare.schemas import TABLES, table_schemas
from colonnade.formats.table import TableSchema
from colonnade.formats.table_files import Kind, open_table
from colonnade.version import __version__

#: Names that a sample or contig may have, and that break pages, scripts and tables which forget about it.
HOSTILE_SAMPLES = ("</script><script>alert(1)</script>", "NA", "null", "a&amp;'b\"", "${x}", "αβ\U0001f9ec", "1e5")
HOSTILE_CONTIGS = {"HLA-A*01:01:01:01": 3500, "</style>&lt;b": 2000, "NaN": 1000, "gi|1,2;3=4": 1500}

_CHUNK = 1 << 12  # loci written at a time
_LEAST_QUALITY = 20
_BASES = np.array(list("ACGT"))


@dataclass(frozen=True)
class Made:
    """What is made up.

    Parameters
    ----------
    n_loci
        Loci in dist, spread over the contigs by their lengths, and no more than these hold.
    n_changed
        How many of them change between the first and the last sample; all of them if None, and then only rows of changes
        are written, as by ``--loci changed``. Else every locus has a row in every comparison, as by ``--loci tested``.
    n_indels
        Loci in idist.
    samples, contigs
        Names, and lengths of the contigs. All pairs of samples are compared.
    n_evidence
        Rows of evidence of a locus and sample, a multiple of 4.
    window
        Positions of a window.
    quantiles, tables, kind, seed
        What decides columns, files and numbers.
    """

    n_loci: int = 1000
    n_changed: int | None = None
    n_indels: int = 10
    samples: tuple[str, ...] = ("early", "late")
    contigs: Mapping[str, int] = field(default_factory=lambda: {"virus": 100_000})
    n_evidence: int = 40
    window: int = 1000
    quantiles: tuple[float, ...] = CompareOptions.quantiles
    tables: tuple[str, ...] = TABLES
    kind: Kind = "tsv"
    seed: int = 1

    @property
    def comparisons(self) -> tuple[tuple[str, str], ...]:
        """All pairs."""
        return tuple(combinations(self.samples, 2))

    @property
    def options(self) -> CompareOptions:
        """As if they had been chosen."""
        loci = "changed" if self.n_changed is None else "tested"
        return CompareOptions(quantiles=self.quantiles, loci=loci, window=self.window)


@dataclass(frozen=True)
class Loci:
    """Some loci of one contig: 0-based positions, codes of the reference, and counts of base, quality and strand.

    ``counts`` is int64 (loci, samples, 2, qualities, 2): of the lower and the higher base of each locus, whose codes are
    ``alleles``, int64 (loci, 2).
    """

    contig: str
    positions: npt.NDArray[np.int64]
    reference: npt.NDArray[np.int64]
    alleles: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]

    @property
    def shares(self) -> npt.NDArray[np.float64]:
        """(loci, samples, 4)."""
        by_base = np.zeros((*self.counts.shape[:2], 4))
        sums = self.counts.sum(axis=(3, 4))
        rows = np.arange(len(self.positions))
        for allele in range(2):
            by_base[rows, :, self.alleles[:, allele]] += sums[:, :, allele]
        return by_base / by_base.sum(axis=2, keepdims=True)

    @property
    def depths(self) -> npt.NDArray[np.int64]:
        """(loci, samples)."""
        return self.counts.sum(axis=(2, 3, 4))


def write_made_result(prefix: Path, made: Made | None = None) -> Path:
    """Write the files; returns the prefix. The reference is beside them, with its index, as ``prefix.fa``."""
    made = made or Made()
    schemas = table_schemas(made.quantiles)
    sequences = {contig: _sequence(made, number) for number, contig in enumerate(made.contigs)}
    reference = Path(f"{prefix}.fa")
    with reference.open("wb") as fasta:
        for contig, codes in sequences.items():
            fasta.write(b">" + contig.encode() + b"\n" + _letters(codes).astype("S1").tobytes() + b"\n")
    pysam.faidx(str(reference))
    facts, rows = _facts(made, reference), dict.fromkeys(made.tables, 0)
    changed: dict[str, list[npt.NDArray[np.int64]]] = {contig: [] for contig in made.contigs}
    paths = {name: Path(f"{prefix}.{name}.{made.kind}") for name in made.tables}
    sinks = {name: path.open("wb") for name, path in paths.items()}
    files = {name: open_table(sink, schemas[name], made.kind) for name, sink in sinks.items()}

    def write(name: str, columns: list[Any]) -> None:
        if name in files:
            table = _table(schemas[name], columns)
            files[name].write(table)
            rows[name] += len(table)

    for loci in _made_loci(made, sequences):
        columns, states = _dist(made, loci)
        write("dist", columns)
        write("comp", _comp(made, loci))
        write("evidence", _evidence(made, loci))
        changed[loci.contig].append(np.where(states, loci.positions[:, None], -1))
    _write_the_rest(made, sequences, changed, write)
    for name, file in files.items():
        file.finish(facts)
        sinks[name].close()
    Path(f"{prefix}.run.json").write_text(json.dumps({**facts, "rows": rows}, indent=2) + "\n")
    return prefix


def _facts(made: Made, reference: Path) -> dict[str, Any]:
    options = asdict(made.options)
    del options["read_filter"]
    facts = {
        "version": __version__,
        "options": options,
        "read_filter": made.options.read_filter.as_dict(),
        "regions": [],
        "bed": None,
        "samples": [{"name": name, "paths": [f"sample_{k}.bam"]} for k, name in enumerate(made.samples, start=1)],
        "comparisons": made.comparisons,
        "reference": {"path": str(reference), "md5": {contig: f"{k:032x}" for k, contig in enumerate(made.contigs)}},
        "records": {name: {"kept": 1000, "unmapped": 10, "min_mapq": 5} for name in made.samples},
    }
    facts = json.loads(json.dumps(facts))
    assert isinstance(facts, dict)
    return facts


def _sequence(made: Made, number: int) -> npt.NDArray[np.int64]:
    """Codes of a contig's bases."""
    rng = np.random.default_rng([made.seed, 1, number])
    return rng.integers(0, 4, list(made.contigs.values())[number])


def _letters(codes: npt.NDArray[np.int64]) -> npt.NDArray[np.str_]:
    return np.take(_BASES, codes)


def _made_loci(made: Made, sequences: Mapping[str, npt.NDArray[np.int64]]) -> Iterator[Loci]:
    """All loci in order, a chunk of one contig at a time."""
    n_before, before = 0, 0
    total = sum(made.contigs.values())
    n_changed = made.n_loci if made.n_changed is None else made.n_changed
    for number, (contig, length) in enumerate(made.contigs.items()):
        rng = np.random.default_rng([made.seed, 2, number])
        before += length
        n = made.n_loci * before // total - n_before
        positions = np.sort(rng.choice(length, n, replace=False))
        # Changes are spread evenly over all loci.
        ordinals = np.arange(n_before, n_before + n)
        moves = (ordinals + 1) * n_changed // made.n_loci > ordinals * n_changed // made.n_loci
        n_before += n
        for start in range(0, n, _CHUNK):
            some = slice(start, start + _CHUNK)
            yield _loci(made, contig, positions[some], moves[some], sequences[contig], rng)


def _loci(
    made: Made,
    contig: str,
    positions: npt.NDArray[np.int64],
    moves: npt.NDArray[np.bool_],
    sequence: npt.NDArray[np.int64],
    rng: np.random.Generator,
) -> Loci:
    n, n_samples = len(positions), len(made.samples)
    reference = sequence[positions]
    other = (reference + rng.integers(1, 4, n)) % 4
    shares = rng.uniform(0.1, 0.3, (n, 1)) + rng.uniform(-0.02, 0.02, (n, n_samples))
    shares[:, -1] = np.where(moves, rng.uniform(0.7, 0.95, n), shares[:, -1])
    if n_samples > 2:
        shares[:, 1:-1] = rng.uniform(0.05, 0.95, (n, n_samples - 2))
    n_qualities = made.n_evidence // 4
    counts = np.empty((n, n_samples, 2, n_qualities, 2), np.int64)
    alleles = np.sort(np.stack([reference, other], axis=1), axis=1)
    of_other = np.where((alleles[:, 1] == other)[:, None], 1 - shares, shares)  # share of the lower base
    depth = rng.integers(20, 60, (n, n_samples))[:, :, None, None]
    for allele, share in enumerate((of_other, 1 - of_other)):
        counts[:, :, allele] = 1 + depth * share[:, :, None, None] * rng.uniform(
            0.8, 1.2, counts.shape[:2] + counts.shape[3:]
        )
    return Loci(contig, positions, reference, alleles, counts)


def _dist(made: Made, loci: Loci) -> tuple[list[Any], npt.NDArray[np.bool_]]:
    """Columns of dist, and where a comparison has changed: (loci, comparisons)."""
    pairs = list(combinations(range(len(made.samples)), 2))
    first, second = np.array(pairs).T
    distance = np.sqrt(((loci.shares[:, first] - loci.shares[:, second]) ** 2).sum(axis=2) / 2)
    states = np.where(distance > 0.25, 0, np.where(distance > 0.15, 1, 2))  # about the default smallest distance
    rows = np.flatnonzero((states == 0) | (made.n_changed is not None))
    locus, pair = rows // len(pairs), rows % len(pairs)
    state, mean = states.ravel()[rows], distance.ravel()[rows]
    p_changed = np.array([0.9995, 0.5, 0.0001])[state]
    columns = [
        _repeated(loci.contig, len(rows)),
        loci.positions[locus] + 1,
        _letters(loci.reference[locus]),
        np.array(made.samples, object)[first[pair]],
        np.array(made.samples, object)[second[pair]],
        loci.depths[locus, first[pair]],
        loci.depths[locus, second[pair]],
        np.array(["changed", "ambiguous", "unchanged"])[state],
        p_changed,
        pa.array((loci.positions[locus] % 97 + 1) / 97, mask=loci.positions[locus] % 11 == 0),
        pa.array(1 - p_changed, mask=state != 0),
        mean,
        *_quantiles(made, mean),
    ]
    return columns, states == 0


def _quantiles(made: Made, mean: npt.NDArray[np.float64]) -> list[npt.NDArray[np.float64]]:
    return [np.clip(mean + 0.1 * (q - 0.5), 0, 1) for q in made.quantiles]


def _comp(made: Made, loci: Loci) -> list[Any]:
    n, n_samples = len(loci.positions), len(made.samples)
    locus = np.repeat(np.arange(n), 4 * n_samples)
    sample = np.tile(np.repeat(np.arange(n_samples), 4), n)
    shares = loci.shares
    rank = np.argsort(np.argsort(-shares, axis=2, kind="stable"), axis=2) + 1
    return [
        _repeated(loci.contig, len(locus)),
        loci.positions[locus] + 1,
        _letters(loci.reference[locus]),
        np.array(made.samples, object)[sample],
        loci.depths[locus, sample],
        loci.positions[locus] % 5,
        loci.positions[locus] % 3,
        np.tile(_BASES, n * n_samples),
        rank.ravel(),
        shares.ravel(),
        *_quantiles(made, shares.ravel()),
    ]


def _evidence(made: Made, loci: Loci) -> list[Any]:
    locus, sample, allele, quality, strand = (index.ravel() for index in np.indices(loci.counts.shape))
    return [
        _repeated(loci.contig, len(locus)),
        loci.positions[locus] + 1,
        np.array(made.samples, object)[sample],
        _letters(loci.alleles[locus, allele]),
        quality + _LEAST_QUALITY,
        np.array(["+", "-"])[strand],
        loci.counts.ravel(),
    ]


def _write_the_rest(
    made: Made,
    sequences: Mapping[str, npt.NDArray[np.int64]],
    changed: Mapping[str, list[npt.NDArray[np.int64]]],
    write: Any,
) -> None:
    """Write idist, stats, windows and depth; ``changed`` has positions by contig: (loci, comparisons), or -1."""
    n_pairs = len(made.comparisons)
    totals = np.zeros(n_pairs, np.int64)
    for contig, length in made.contigs.items():
        found = np.concatenate([np.empty((0, n_pairs), np.int64), *changed[contig]])
        edges = np.append(np.arange(0, length, made.window), length)
        per_window = np.stack([np.histogram(column, edges)[0] for column in found.T], axis=1)
        totals += per_window.sum(axis=0)
        _write_windows(made, contig, edges, per_window, write)
    n_indels = _write_indels(made, sequences, write)
    n = np.full(n_pairs, sum(made.contigs.values()))
    nothing = np.zeros(n_pairs, np.int64)
    first, second = zip(*made.comparisons, strict=True)
    rows = [
        list(first),
        list(second),
        n,
        nothing,
        nothing,
        nothing,
        totals,
        nothing,
        n - totals,
        totals,
        nothing + n_indels,
    ]
    write("stats", rows)


def _write_windows(
    made: Made, contig: str, edges: npt.NDArray[np.int64], changed: npt.NDArray[np.int64], write: Any
) -> None:
    for name, labels in (("windows", made.comparisons), ("depth", made.samples)):
        window = np.repeat(np.arange(len(edges) - 1), len(labels))
        start, size = edges[window], np.diff(edges)[window]
        names = np.empty(len(labels), object)
        names[:] = labels
        labelled = np.tile(names, len(edges) - 1)
        place = [_repeated(contig, len(window)), start + 1, start + size]
        if name == "windows":
            samples = [[label[k] for label in labelled] for k in range(2)]
            write(name, [*place, *samples, size, 0.01 + changed.ravel() / size, changed.ravel()])
        else:
            wave = 500 + 400 * np.sin(start / made.window + np.tile(np.arange(len(labels)), len(edges) - 1))
            write(name, [*place, labelled, size, wave, wave / 50])


def _write_indels(made: Made, sequences: Mapping[str, npt.NDArray[np.int64]], write: Any) -> int:
    """Write idist: changed in every comparison; returns the number of loci."""
    total, before, done = sum(made.contigs.values()), 0, 0
    for contig, length in made.contigs.items():
        before += length
        n = made.n_indels * before // total - done
        done += n
        positions = np.repeat(np.linspace(1, length - 20, n).astype(np.int64), len(made.comparisons))
        first, second = zip(*made.comparisons * n, strict=True) if n else ((), ())
        mean = 0.3 + positions % 50 / 100
        columns = [
            _repeated(contig, len(positions)),
            positions + 1,
            _letters(sequences[contig][positions]),
            list(first),
            list(second),
            _repeated("changed", len(positions)),
            np.full(len(positions), 0.999),
            np.full(len(positions), 0.001),
            np.where(positions % 2 == 0, "@,-TT", "@,+ACG,-TTA"),
            np.where(positions % 2 == 0, "90,10", "80,10,10"),
            np.where(positions % 2 == 0, "10,90", "10,80,10"),
            mean,
            *_quantiles(made, mean),
        ]
        write("idist", columns)
    return done


def _repeated(text: str, n: int) -> list[str]:
    return [text] * n


def _table(schema: TableSchema, columns: list[Any]) -> pa.Table:
    fields = zip(columns, schema.arrow, strict=True)
    return pa.table(
        [values if isinstance(values, pa.Array) else pa.array(values, field.type) for values, field in fields],
        schema=schema.arrow,
    )

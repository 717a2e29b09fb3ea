"""Records of a VCF file, from the tables of a comparison: one per locus of dist, one per position of idist."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from colonnade.compare.schemas import table_schemas
from colonnade.formats.fasta import BASES
from colonnade.formats.table import DECIMALS, P_VALUE_DIGITS

#: A base other than the reference's is an allele if a sample has it with this mean share, and in a read.
LEAST_SHARE: Final = 0.01

NO_EVENT: Final = "@"  # in idist
STRANDS: Final = "+-"  # in evidence
MISSING: Final = "."

# VCF specification, section 1.2, and the bar between the samples of a comparison.
_RESERVED: Final = str.maketrans({letter: f"%{ord(letter):02X}" for letter in ":;=%,|\r\n\t"})
_NOT_A_BASE: Final = re.compile("[^ACGT]")  # VCF has no letters for sets of bases

#: Position, 1-based; 0 for bases and 1 for indels; and the line.
Record = tuple[int, int, str]


@dataclass(frozen=True)
class Layout:
    """What all records of a file have in common.

    Parameters
    ----------
    samples
        The samples, in the order of the file's columns.
    quantiles
        Those of the tables, rising; the first and the last bound the intervals.
    """

    samples: tuple[str, ...]
    quantiles: tuple[float, ...]

    @cached_property
    def facts(self) -> dict[str, str]:
        """INFO key to column of dist and idist."""
        return {
            "DIST": "distance_mean",
            **self._bounds("DISTLO", "DISTHI", "distance_q"),
            "PCHANGED": "p_changed",
            "STRANDP": "strand_p",
            "FALSESHARE": "false_share",
        }

    @cached_property
    def shares(self) -> dict[str, str]:
        """FORMAT key to column of comp."""
        return {"CM": "mean", **self._bounds("CL", "CU", "q")}

    @cached_property
    def meanings(self) -> dict[str, str]:
        """Column to meaning, of both."""
        schemas = table_schemas(self.quantiles)
        return {column.name: column.meaning for name in ("dist", "comp") for column in schemas[name].columns}

    def _bounds(self, lowest: str, highest: str, prefix: str) -> dict[str, str]:
        if not self.quantiles:
            return {}
        return {lowest: f"{prefix}{self.quantiles[0]:g}", highest: f"{prefix}{self.quantiles[-1]:g}"}


def base_records(
    contig: str, dist: pa.Table, comp: pa.Table, evidence: pa.Table, *, layout: Layout
) -> Iterator[Record]:
    """A record for each locus of dist, all of one contig; comp and evidence have every sample at these loci."""
    positions, first = np.unique(_numbers(dist, "position"), return_index=True)
    references = dist["reference"].take(first).to_pylist()
    information = _information(dist, layout)
    loci = _Compositions.gather(positions, comp, evidence, layout)
    fields = ":".join(("DP", "AD", "ADF", "ADR", *layout.shares))
    codes = [BASES.find(reference) for reference in references]
    alternatives = loci.alternatives(np.array(codes, np.int64)).tolist()
    for at, (position, reference) in enumerate(zip(positions.tolist(), references, strict=True)):
        alleles = [codes[at], *(base for base, is_allele in enumerate(alternatives[at]) if is_allele)]
        place = (contig, position, reference, [BASES[base] for base in alleles[1:]])
        yield position, 0, _line(place, information, fields, loci.sample_fields(at, alleles))


def indel_records(contig: str, idist: pa.Table, *, layout: Layout) -> Iterator[Record]:
    """A record for each position of idist, all of one contig; its rows there may be about different events."""
    information = _information(idist, layout)
    junctions: dict[int, list[dict[str, Any]]] = {}
    for row in idist.to_pylist():
        junctions.setdefault(row["position"], []).append(row)
    for position, rows in junctions.items():
        counts = _counts_by_sample(rows)
        events = sorted({event for of_sample in counts.values() for event in of_sample} - {NO_EVENT})
        reference, alternatives = _alleles(rows[0]["reference"], events)
        samples = [_indel_field(counts.get(sample), [NO_EVENT, *events]) for sample in layout.samples]
        place = (contig, position, reference, alternatives)
        yield position, 1, _line(place, information, "DP:AD", samples)


def _line(
    place: tuple[str, int, str, list[str]], information: Mapping[int, str], fields: str, samples: list[str]
) -> str:
    """A record without ID, QUAL and FILTER; its place is contig, position, REF and ALT."""
    contig, position, reference, alternatives = place
    head = (contig, str(position), MISSING, reference, ",".join(alternatives), MISSING, MISSING)
    return "\t".join((*head, information.get(position, MISSING), fields, *samples)) + "\n"


@dataclass(frozen=True)
class _Compositions:
    """Depths, counts and shares at some loci.

    Parameters
    ----------
    depths
        int64 (loci, samples).
    counts
        int64 (loci, samples, strands, bases).
    shares
        float64 (columns, loci, samples, bases); NaN where a sample has no data.
    """

    depths: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    shares: npt.NDArray[np.float64]

    @classmethod
    def gather(
        cls, positions: npt.NDArray[np.int64], comp: pa.Table, evidence: pa.Table, layout: Layout
    ) -> "_Compositions":
        """Put the rows of comp and evidence where they belong, whatever their order."""
        size = len(positions), len(layout.samples)
        depths = np.zeros(size, np.int64)
        counts = np.zeros((*size, len(STRANDS), len(BASES)), np.int64)
        shares = np.full((len(layout.shares), *size, len(BASES)), np.nan)
        where = _where(comp, positions, layout)
        depths[where] = _numbers(comp, "depth")
        for share, name in zip(shares, layout.shares.values(), strict=True):
            share[(*where, _code(comp, "base", BASES))] = _numbers(comp, name)
        strand, base = _code(evidence, "strand", STRANDS), _code(evidence, "base", BASES)
        np.add.at(counts, (*_where(evidence, positions, layout), strand, base), _numbers(evidence, "count"))
        return cls(depths, counts, shares)

    def alternatives(self, references: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Which bases are alleles beside the reference's, by locus and base; at least one at each locus.

        Those of ``LEAST_SHARE``, and always the one whose mean share differs most between the samples (or is largest, if
        only one sample has data). ``references`` are codes, negative where ambiguous.
        """
        means = self.shares[0]
        common: npt.NDArray[np.bool_] = ((means >= LEAST_SHARE) & (self.counts.sum(axis=2) > 0)).any(axis=1)
        largest = np.nan_to_num(means, nan=-1.0).max(axis=1)
        several = np.count_nonzero(self.depths, axis=1, keepdims=True) > 1
        score = largest - np.where(several, np.nan_to_num(means, nan=2.0).min(axis=1), 0.0)
        known = np.flatnonzero(references >= 0)
        score[known, references[known]] = -1.0
        common[np.arange(len(common)), score.argmax(axis=1)] = True
        common[known, references[known]] = False
        return common

    def sample_fields(self, at: int, alleles: Sequence[int]) -> list[str]:
        """The FORMAT values of each sample, for alleles by code; a negative one is not known and has none."""
        strands = self.counts[at]
        rows = zip(
            self.depths[at].tolist(),
            strands.sum(axis=1).tolist(),
            strands[:, 0].tolist(),
            strands[:, 1].tolist(),
            self.shares[:, at].swapaxes(0, 1).tolist(),
            strict=True,
        )
        return [
            ":".join(
                [
                    str(depth),
                    *(_values([str(n) for n in count], alleles) for count in counts),
                    *(_values([f"{share:.{DECIMALS}f}" for share in column], alleles) for column in shares),
                ]
            )
            if depth
            else MISSING
            for depth, *counts, shares in rows
        ]


def _values(texts: Sequence[str], alleles: Sequence[int]) -> str:
    return ",".join(texts[base] if base >= 0 else MISSING for base in alleles)


def _where(
    table: pa.Table, positions: npt.NDArray[np.int64], layout: Layout
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Locus and sample of each row."""
    return np.searchsorted(positions, _numbers(table, "position")), _code(table, "sample", layout.samples)


def _numbers(table: pa.Table, column: str) -> npt.NDArray[Any]:
    return table[column].to_numpy()  # type: ignore[no-any-return]


def _code(table: pa.Table, column: str, texts: Sequence[str]) -> npt.NDArray[np.int64]:
    """Which of some texts each value of a column is."""
    codes = pc.index_in(table[column], value_set=pa.array(list(texts)))
    return codes.to_numpy().astype(np.int64)  # type: ignore[no-any-return]


def _information(table: pa.Table, layout: Layout) -> dict[int, str]:
    """INFO by position: the comparisons that changed there, each key with one value for each; keys of nulls are left out."""
    changed: dict[int, list[dict[str, Any]]] = {}
    for row in table.filter(pc.equal(table["state"], "changed")).to_pylist():
        changed.setdefault(row["position"], []).append(row)
    return {position: _info(rows, layout.facts) for position, rows in changed.items()}


def _info(rows: Sequence[Mapping[str, Any]], facts: Mapping[str, str]) -> str:
    names = [f"{encode(row['sample_1'])}|{encode(row['sample_2'])}" for row in rows]
    parts = [f"CMP={','.join(names)}"]
    for key, column in facts.items():
        values = [row.get(column) for row in rows]
        if any(value is not None for value in values):
            parts.append(f"{key}={','.join(_number(value, column) for value in values)}")
    return ";".join(parts)


def _number(value: float | None, column: str) -> str:
    if value is None:
        return MISSING
    return f"{value:.{P_VALUE_DIGITS}g}" if column == "strand_p" else f"{value:.{DECIMALS}f}"


def encode(name: str) -> str:
    """A sample's name as it stands in INFO, with percent signs for what has a meaning there."""
    return name.translate(_RESERVED)


def _counts_by_sample(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """How often each sample has each event; events that a comparison leaves out, neither of its samples has."""
    counts: dict[str, dict[str, int]] = {}
    for row in rows:
        events = [_plain(event) for event in row["events"].split(",")]
        for side in ("1", "2"):
            of_row = dict.fromkeys(events, 0)
            for event, count in zip(events, row[f"counts_{side}"].split(","), strict=True):
                of_row[event] += int(count)
            counts.setdefault(row[f"sample_{side}"], {}).update(of_row)
    return counts


def _plain(event: str) -> str:
    """An event with N for letters that are not bases; those that become the same are counted together."""
    return event[0] + _NOT_A_BASE.sub("N", event[1:])


def _alleles(anchor: str, events: Sequence[str]) -> tuple[str, list[str]]:
    """REF, which reaches over the longest deletion, and the sequence that each event makes of it.

    All deletions begin behind the anchor, so each is the beginning of the longest.
    """
    deleted = max((event[1:] for event in events if event[0] == "-"), key=len, default="")
    alternatives = [
        anchor + (event[1:] + deleted if event[0] == "+" else deleted[len(event) - 1 :]) for event in events
    ]
    return anchor + deleted, alternatives


def _indel_field(counts: Mapping[str, int] | None, events: Sequence[str]) -> str:
    if counts is None:
        return MISSING
    return f"{sum(counts.values())}:{','.join(str(counts.get(event, 0)) for event in events)}"

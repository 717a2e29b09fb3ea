"""What a page says first: in sentences, what changed between which samples, and how far to trust it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from colonnade.compare.samples import REF, Comparison
from colonnade.compare.stored import StoredResult
from colonnade.formats.fasta import BASES
from colonnade.formats.table import DECIMALS
from colonnade.report.composition import NO_BASE, Changes
from colonnade.report.embedding import MISSING_2, MISSING_4
from colonnade.report.markup import Markup, element, joined
from colonnade.report.rows import UNIT, Rows

#: Changes whose reads on the two strands differ with a smaller p-value are pointed out (docs/decisions/strand.md: 0.001
#: or less).
MIN_STRAND_P: Final = 0.001

MOST_TOLD: Final = 6  # comparisons that have a paragraph of their own
MOST_NAMED: Final = 3  # loci in a paragraph
_ROUNDING: Final = 1e-9  # the logarithm of 0.001 is not a whole number in every library
_NOT_COMPARED: Final = {
    "no_data": "without reads of one of the two",
    "no_reference": "without a reference base",
    "below_min_depth": "below the least depth",
}


@dataclass(frozen=True)
class Told:
    """All that the summary is made from.

    Parameters
    ----------
    result
        What is told of.
    stats
        Rows of the table stats; None where it was not written.
    rows, changes
        The table dist; None where it was not written.
    indels
        The table idist; None where it was not written.
    """

    result: StoredResult
    stats: Sequence[Mapping[str, Any]] | None
    rows: Rows | None
    changes: Changes | None
    indels: Rows | None

    def paragraphs(self) -> Markup:
        """The summary."""
        counts = {number: self._count(number) for number in range(len(self.result.comparisons))}
        told = sorted(sorted(counts, key=lambda number: -(counts[number] or 0))[:MOST_TOLD])
        parts = [element("p", *self._sentences(number)) for number in told]
        rest = len(counts) - len(told)
        if rest:
            parts.append(element("p", f"{_n(rest, 'further comparison')} with fewer changes: see the counts below."))
        return joined(*parts, *self._trust())

    def _count(self, number: int) -> int | None:
        """Changed loci of a comparison; None where nothing says it."""
        if self.stats is not None:
            return int(self.stats[number]["changed"])
        return None if self.rows is None else len(_changed(self.rows, number))

    def _sentences(self, number: int) -> list[str]:
        comparison = self.result.comparisons[number]
        options = self.result.facts["options"]
        sure = f"by more than {options['min_distance']:g}, {100 * options['confidence']:g} % sure"
        count = self._count(number)
        said: list[str] = ["Between ", *_between(comparison), ", "]
        if count is None:
            return [*said, "changes were not written (neither dist nor stats)."]
        said += [element("strong", _changed_in_words(count, self._compared(number))), f" ({sure})"]
        said.append(". " if self.stats is None else f"; {_undecided(self.stats[number])}. ")
        return [*said, *self._largest(number), *self._strands(number), *self._indels(number)]

    def _compared(self, number: int) -> int | None:
        if self.stats is None:
            return None
        row = self.stats[number]
        return int(row["loci"] - sum(row[name] for name in _NOT_COMPARED))

    def _largest(self, number: int) -> list[str]:
        if self.rows is None:
            return []
        chosen = _largest(self.rows, number)
        if not len(chosen):
            return []
        return ["The largest: ", *_listed([self.locus(int(row)) for row in chosen]), ". "]

    def locus(self, row: int) -> Markup:
        """A link to a row of dist: position, bases, and the share of the gained one before and after."""
        assert self.rows is not None
        columns = self.rows.columns
        text = self.place(self.rows, row)
        changes = self.changes
        if changes is None or changes.gained[row] == NO_BASE:
            text += f", distance {self._share(columns['distance_mean'][row])}"
        else:
            text += f" {BASES[changes.lost[row]]}→{BASES[changes.gained[row]]} "
            text += f"{self._share(changes.before[row])}→{self._share(changes.after[row])}"
            if changes.lower[row] != MISSING_2:
                text += f" ({self._share(changes.lower[row])}–{self._share(changes.upper[row])})"
        effect = columns.get("effect")
        if effect is not None and effect[row] != MISSING_4:
            text += f", {self.rows.texts['effect'][effect[row]]}"
        return element("a", text, href="#locus", data_row=row)

    def indel(self, row: int) -> Markup:
        """A link to a row of idist: position, the indel whose share changes most, and that share in either sample."""
        assert self.indels is not None
        event, *both = foremost_event(self.indels, row)
        comparison = self.result.comparisons[self.indels.columns["comparison"][row]]
        from_to = both[::-1] if comparison.sample_2 == REF else both
        shares = "→".join(self._share(round(UNIT * share)) for share in from_to)
        return element("a", f"{self.place(self.indels, row)} {event} {shares}", href="#indels", data_indel=row)

    def _share(self, units: int) -> str:
        return f"{units / UNIT:.{decimals(self.result.facts['options'])}f}"

    def place(self, rows: Rows, row: int) -> str:
        """Contig and position, or the position alone where there is one contig."""
        position = f"{int(rows.columns['position'][row]):,}"
        contigs = list(self.result.facts["reference"]["md5"])
        return position if len(contigs) == 1 else f"{contigs[rows.columns['contig'][row]]}:{position}"

    def _strands(self, number: int) -> list[str]:
        if self.rows is None:
            return []
        doubted = _changed(self.rows, number)
        doubted = doubted[strand_p(self.rows)[doubted] < MIN_STRAND_P]
        if not len(doubted):
            return []
        shown = [
            element("a", self.place(self.rows, int(row)), href="#locus", data_row=int(row))
            for row in doubted[:MOST_NAMED]
        ]
        more = "" if len(doubted) <= MOST_NAMED else ", …"
        these = "one of them" if len(doubted) == 1 else f"{len(doubted):,} of them"
        return [
            f"Forward and reverse reads disagree about {these} (p < {MIN_STRAND_P:g}): ",
            *_listed(shown),
            f"{more}; look at the reads before you believe it. ",
        ]

    def _indels(self, number: int) -> list[str]:
        count = None if self.stats is None else int(self.stats[number]["indel_changed"])
        if self.indels is not None and count is None:
            count = len(_changed(self.indels, number))
        if count is None:
            return []
        if not count:
            return ["No indel changed."]
        said = [element("strong", f"{_n(count, 'indel')} changed")]
        if self.indels is None or not len(_changed(self.indels, number)):
            return [*said, "."]
        links = [self.indel(int(row)) for row in _largest(self.indels, number)]
        return [*said, "; the largest: ", *_listed(links), "."]

    def _trust(self) -> list[Markup]:
        """What holds for all comparisons: the expected share of false entries, and what the page leaves out."""
        said = []
        if self.rows is not None:
            shares = self.rows.columns["false_share"][self.rows.has_changed]
            shares = shares[shares != MISSING_2]
            if len(shares):
                share = int(shares.max())
                at_most = f"at most {100 * share / UNIT:.2g} %" if share else f"fewer than {100 / UNIT:g} %"
                said.append(
                    f"By chance alone, {at_most} of the base changes listed are expected to be false: artefacts, such as"
                    " misaligned reads or errors of one strand, and indels are not counted. "
                )
            if self.rows.total > len(self.rows):
                said.append(
                    f"This page holds {len(self.rows):,} of {self.rows.total:,} rows of dist, those with the largest distances; "
                    "the others are in the file. "
                )
        return [element("p", *said, class_="trust")] if said else []


def decimals(options: Mapping[str, Any]) -> int:
    """How many decimals shares have in a page: two, or more where smaller distances count as changes."""
    return min(DECIMALS, max(2, 1 + math.floor(-math.log10(options["min_distance"]) + _ROUNDING)))


def strand_p(rows: Rows) -> npt.NDArray[np.float64]:
    """The p-value of each row of dist as a number; NaN where there is none."""
    values = np.array([*map(float, rows.texts.get("strand_p", ())), np.nan])
    codes = rows.columns["strand_p"]
    return np.asarray(values[np.where(codes == MISSING_4, len(values) - 1, codes)])


def foremost_event(rows: Rows, row: int) -> tuple[str, float, float]:
    """The indel whose share changes most in a row of idist, and its share in either sample: ``-CA``, 0.1, 0.8."""
    columns, texts = rows.columns, rows.texts
    events = texts["events"][columns["events"][row]].split(",")
    shares = []
    for name in ("counts_1", "counts_2"):
        counts = np.array(list(map(int, texts[name][columns[name][row]].split(","))), float)
        shares.append(counts / max(counts.sum(), 1))
    place = 1 + int(np.abs(shares[1] - shares[0])[1:].argmax()) if len(events) > 1 else 0
    return events[place], float(shares[0][place]), float(shares[1][place])


def _changed(rows: Rows, number: int) -> npt.NDArray[np.int64]:
    return np.flatnonzero(rows.has_changed & (rows.columns["comparison"] == number))


def _largest(rows: Rows, number: int) -> npt.NDArray[np.int64]:
    chosen = _changed(rows, number)
    order = np.argsort(-rows.columns["distance_mean"][chosen].astype(np.int64), kind="stable")
    return np.asarray(chosen[order[:MOST_NAMED]])


def _between(comparison: Comparison) -> list[str]:
    second = "the reference" if comparison.sample_2 == REF else element("b", comparison.sample_2)
    return [element("b", comparison.sample_1), " and ", second]


def _changed_in_words(count: int, compared: int | None) -> str:
    if compared is None:
        return f"{count:,} {'locus' if count == 1 else 'loci'} changed" if count else "no locus changed"
    return f"{f'{count:,}' if count else 'none'} of {compared:,} {'locus' if compared == 1 else 'loci'} changed"


def _undecided(row: Mapping[str, Any]) -> str:
    said = f"{row['unchanged']:,} did not change, {row['ambiguous']:,} cannot be decided"
    missing = [f"{row[name]:,} {why}" for name, why in _NOT_COMPARED.items() if row[name]]
    return said + "".join(f", {text}" for text in missing)


def _listed(parts: Sequence[str]) -> list[str]:
    return [piece for part in parts for piece in (part, ", ")][:-1]


def _n(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"

"""What changes mean for genes, as columns of text for the rows of a page."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from colonnade.formats.fasta import BASES
from colonnade.report.composition import NO_BASE, Changes
from colonnade.report.embedding import MISSING_4
from colonnade.report.genes import Codon, Genes
from colonnade.report.rows import Rows
from colonnade.report.summary import foremost_event


@dataclass(frozen=True)
class _Said:
    """What is said of a row: a text, and the genes that it is about."""

    text: str
    genes: tuple[str, ...]


def with_effects(rows: Rows, changes: Changes, genes: Genes, contigs: Sequence[str]) -> Rows:
    """The rows of dist with what it means that a base takes another's place, neither of which needs to be the reference's.

    Each row is told by itself, the rest of its codon as in the reference; where other loci of the codon have changed in
    the same comparison, also with all of them.
    """
    places = {row: _place(rows, row, contigs) for row in np.flatnonzero(changes.gained != NO_BASE).tolist()}
    together: dict[tuple[int, Codon], list[int]] = defaultdict(list)
    for row in np.flatnonzero(rows.has_changed).tolist():
        for codon in genes.codons(*places[row]) if row in places else ():
            together[int(rows.columns["comparison"][row]), codon].append(row)

    def change(codon: Codon, members: Iterable[int]) -> str:
        before, after = (
            genes.codon_letters(codon, {places[row][1]: BASES[base[row]] for row in members})
            for base in (changes.lost, changes.gained)
        )
        return codon.change(before, after)

    def told(row: int, codon: Codon) -> str:
        text = f"{codon.coding.gene} {change(codon, [row])}"
        members = together.get((int(rows.columns["comparison"][row]), codon), [])
        others = [f"{places[other][1] + 1:,}" for other in members if other != row]
        return f"{text}; with {' and '.join(others)}: {change(codon, members)}" if others and row in members else text

    def said(row: int) -> _Said:
        codons = genes.codons(*places[row]) if row in places else ()
        texts = dict.fromkeys(told(row, codon) for codon in codons)  # transcripts that share a change are one line
        return _Said("; ".join(texts), tuple(codon.coding.gene for codon in codons))

    return _with(rows, said)


def with_indel_effects(rows: Rows, genes: Genes, contigs: Sequence[str]) -> Rows:
    """The rows of idist with the effect of the indel whose share changes most."""

    def said(row: int) -> _Said:
        effects = genes.effects(*_place(rows, row, contigs), foremost_event(rows, row)[0])
        return _Said("; ".join(effect.text for effect in effects), tuple(effect.gene for effect in effects))

    return _with(rows, said)


def _place(rows: Rows, row: int, contigs: Sequence[str]) -> tuple[str, int]:
    return contigs[rows.columns["contig"][row]], int(rows.columns["position"][row]) - 1


def _with(rows: Rows, said_of: Callable[[int], _Said]) -> Rows:
    """The rows with two more columns: what is said, and the genes, one a line."""
    columns = {name: np.full(len(rows), MISSING_4, np.uint32) for name in ("effect", "genes")}
    texts: dict[str, dict[str, int]] = {name: {} for name in columns}
    for row in range(len(rows)):
        said = said_of(row)
        if said.text:
            for name, text in (("effect", said.text), ("genes", "\n".join(dict.fromkeys(said.genes)))):
                columns[name][row] = texts[name].setdefault(text, len(texts[name]))
    more = {name: list(codes) for name, codes in texts.items()}
    return replace(rows, columns={**rows.columns, **columns}, texts={**rows.texts, **more})

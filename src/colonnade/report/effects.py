"""What changes mean for genes, as columns of text for the rows of a page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from colonnade.formats.fasta import BASES
from colonnade.report.composition import NO_BASE, Changes
from colonnade.report.embedding import MISSING_4
from colonnade.report.genes import Effect, Genes
from colonnade.report.rows import Rows
from colonnade.report.summary import foremost_event


@dataclass(frozen=True)
class _Said:
    """What is said of a row: a text, and the genes that it is about."""

    text: str
    genes: tuple[str, ...]


def with_effects(rows: Rows, changes: Changes, genes: Genes, contigs: Sequence[str]) -> Rows:
    """The rows of dist with what it means that a base takes another's place, neither of which needs to be the reference's."""

    def said(row: int) -> _Said:
        if changes.gained[row] == NO_BASE:
            return _Said("", ())
        place = _place(rows, row, contigs)
        before, after = (genes.effects(*place, BASES[base[row]]) for base in (changes.lost, changes.gained))
        return _substitution(before, after)

    return _with(rows, said)


def with_indel_effects(rows: Rows, genes: Genes, contigs: Sequence[str]) -> Rows:
    """The rows of idist with the effect of the indel whose share changes most."""

    def said(row: int) -> _Said:
        effects = genes.effects(*_place(rows, row, contigs), foremost_event(rows, row)[0])
        return _Said("; ".join(effect.text for effect in effects), tuple(effect.gene for effect in effects))

    return _with(rows, said)


def _substitution(before: Sequence[Effect], after: Sequence[Effect]) -> _Said:
    """What happens to each protein, given what both bases do to it; the base of the reference does nothing."""
    amino_acids: dict[tuple[str, int], list[str]] = {}
    for side, effects in enumerate((before, after)):
        for effect in effects:
            place = amino_acids.setdefault((effect.gene, effect.codon_number), [effect.amino_acid_reference] * 2)
            place[side] = effect.amino_acid_allele
    texts = [
        f"{gene} {old}{number}{new}{' (synonymous)' if old == new else ''}"
        for (gene, number), (old, new) in amino_acids.items()
    ]
    return _Said("; ".join(texts), tuple(gene for gene, _ in amino_acids))


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

"""Variants: how a haplotype differs from the reference, at one place."""

import re
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from colonnade.errors import UsageError
from colonnade.formats.fasta import BASES, REFERENCE_LETTERS

#: uint8: 0-3 for A, C, G, T; 4 in a reference for anything else.
Codes: TypeAlias = npt.NDArray[np.uint8]

_LETTERS = np.frombuffer(REFERENCE_LETTERS.encode(), np.uint8)
_EVENT = re.compile("[ACGT]|[+-][ACGT]+")
_TEXT = re.compile(r"(.+):([0-9]{1,18}):(?:([ACGT])>([ACGT])|([+-][ACGT]+))")


def to_text(codes: Codes) -> str:
    """Letters of codes.

    Examples
    --------
    >>> to_text(np.array([0, 3, 4], np.uint8))
    'ATN'
    """
    return _LETTERS[codes].tobytes().decode()


def to_codes(letters: str) -> Codes:
    """Codes of the letters A, C, G and T."""
    return np.array([BASES.index(letter) for letter in letters], np.uint8)


@dataclass(frozen=True, order=True)
class Variant:
    """One difference from the reference.

    Parameters
    ----------
    contig
        Where.
    position
        0-based; of an indel that of the base before it.
    event
        The other base (``G``), an insertion (``+AC``) or a deletion (``-TT``), as in the tables of a comparison.

    Raises
    ------
    UsageError
        There is no such event.
    """

    contig: str
    position: int
    event: str

    def __post_init__(self) -> None:
        if not _EVENT.fullmatch(self.event):
            raise UsageError("not an event", found=repr(self.event), expected="a base, +ACG or -TT")

    @property
    def is_indel(self) -> bool:
        """Whether it is an insertion or a deletion."""
        return self.event[0] in "+-"

    @property
    def shift(self) -> int:
        """By how many bases the haplotype grows: 0 for another base, negative for a deletion."""
        return {"+": 1, "-": -1}.get(self.event[0], 0) * (len(self.event) - 1)

    @property
    def end(self) -> int:
        """The position after the last base that it takes: of an insertion, after the base before it."""
        return self.position + 1 + max(-self.shift, 0)

    @property
    def new_bases(self) -> Codes:
        """uint8: codes of the bases that it brings."""
        return to_codes("" if self.event[0] == "-" else self.event.lstrip("+"))

    def __str__(self) -> str:
        return f"{self.contig}:{self.position + 1}:{self.event}"


def parse_variant(text: str) -> tuple[Variant, str | None]:
    """Read ``chr1:1042:A>G``, ``chr1:2000:+ACG`` or ``chr1:3000:-TT`` (1-based), and the reference base where one is given.

    Examples
    --------
    >>> parse_variant("chr1:1042:A>G")
    (Variant(contig='chr1', position=1041, event='G'), 'A')

    Raises
    ------
    UsageError
        It is none of these.
    """
    parts = _TEXT.fullmatch(text)
    if not parts or int(parts[2]) == 0:
        raise UsageError("not a variant", found=repr(text), expected="chr1:1042:A>G, chr1:2000:+ACG or chr1:3000:-TT")
    contig, position, reference, other, indel = parts.groups()
    return Variant(contig, int(position) - 1, other or indel), reference


def full_text(variant: Variant, codes: Codes) -> str:
    """The text of a variant as ``parse_variant`` reads it; ``codes`` are those of its contig."""
    if variant.is_indel:
        return str(variant)
    base = to_text(codes[variant.position : variant.end])
    return f"{variant.contig}:{variant.position + 1}:{base}>{variant.event}"


def check_variant(variant: Variant, codes: Codes, reference_base: str | None = None) -> None:
    """Raise unless a variant is one of this contig: inside, against these bases, and leftmost if it is an indel.

    Raises
    ------
    UsageError
        It is not.
    """
    if variant.position < 0 or variant.end + variant.is_indel > len(codes):
        expected = f"positions within 1-{len(codes)}" + (", with a base after the indel" if variant.is_indel else "")
        raise UsageError(f"variant {variant} is outside its contig", expected=expected)
    there = to_text(codes[variant.position : variant.end])
    claimed = variant.event[1:] if variant.event[0] == "-" else reference_base
    found = there[1:] if variant.event[0] == "-" else there
    if claimed is not None and claimed != found:
        raise UsageError(
            f"variant {variant} does not fit the reference", found=f"{claimed} in the variant", expected=found
        )
    if variant.event == there or "N" in there:
        raise UsageError(f"variant {variant} is none", found=f"{there} in the reference", expected="another base")
    if variant.is_indel and (left := leftmost(variant, codes)) != variant:
        raise UsageError(f"variant {variant} is not at its leftmost place", expected=str(left))


def leftmost(variant: Variant, codes: Codes) -> Variant:
    """The same indel as far to the left as it goes, as ``compare`` counts it; at the start of the contig it stays."""
    position, sign, letters = variant.position, variant.event[0], variant.event[1:]
    while position > 0 and REFERENCE_LETTERS[codes[position]] == letters[-1]:
        letters = letters[-1] + letters[:-1]
        position -= 1
    return Variant(variant.contig, position, sign + letters)

"""What the reads of a simulation show, found the slow and plain way."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pysam

from colonnade.simulate import Haplotype, Simulated, Variant
from colonnade.simulate.variants import Codes, to_text

Simulate = Callable[..., Simulated]

PERFECT = ((93, 1.0),)  # one base in two thousand million is wrong


def codes_of(text: str) -> Codes:
    """Codes of letters, N among them."""
    return np.array(["ACGTN".index(letter) for letter in text], np.uint8)


def records_of(path: Path) -> Iterator[pysam.AlignedSegment]:
    """All records of a BAM file, in its order."""
    with pysam.AlignmentFile(str(path), check_sq=False) as file:
        yield from file.fetch(until_eof=True)


def spelled(haplotype: Haplotype, contig: str, codes: Codes) -> tuple[str, dict[int, int]]:
    """A haplotype's sequence, and where in it each position of the reference is that it has."""
    text = to_text(codes)
    variants = {variant.position: variant for variant in haplotype.variants if variant.contig == contig}
    letters: list[str] = []
    offsets = {}
    position = 0
    while position < len(text):
        variant = variants.get(position)
        offsets[position] = len(letters)
        letters += variant.event if variant is not None and variant.shift == 0 else text[position]
        if variant is not None and variant.shift > 0:
            letters += variant.event[1:]
        position += 1 if variant is None else variant.end - position
    return "".join(letters), offsets


def variants_shown(record: pysam.AlignedSegment, reference: str) -> set[Variant]:
    """The variants in the aligned part of a read."""
    found = set()
    bases, contig = record.query_sequence, record.reference_name
    query, position = 0, record.reference_start
    for operation, length in record.cigartuples:
        if operation == pysam.CMATCH:
            pairs = zip(bases[query : query + length], reference[position : position + length], strict=True)
            found |= {Variant(contig, position + i, base) for i, (base, other) in enumerate(pairs) if base != other}
        elif operation == pysam.CINS:
            found.add(Variant(contig, position - 1, "+" + bases[query : query + length]))
        elif operation == pysam.CDEL:
            found.add(Variant(contig, position - 1, "-" + reference[position : position + length]))
        query += 0 if operation == pysam.CDEL else length
        position += length if operation in (pysam.CMATCH, pysam.CDEL) else 0
    return found


def is_likely(count: int, n: int, share: float) -> bool:
    """Whether a binomial count is within five standard deviations, and half a count, of what is expected."""
    return abs(count - n * share) <= 5 * np.sqrt(n * share * (1 - share)) + 0.5

"""How templates are made and sequenced."""

from dataclasses import dataclass
from typing import Final

from colonnade.errors import UsageError

SHORTEST_TEMPLATE: Final = 30
MAX_QUALITY: Final = 93  # the highest that FASTQ and SAM text can hold
MAX_SEED: Final = (1 << 63) - 1
MOST_BASES: Final = 30_000  # of a read: with an indel at every other one, BAM can still hold its CIGAR

#: Bases of an amplicon's overlap with the next, and of a primer, where amplicons are tiles.
OVERLAP: Final = 100
PRIMER_LENGTH: Final = 24

#: Base qualities and the share of bases that has each.
QUALITIES: Final = ((37, 0.70), (30, 0.18), (22, 0.08), (12, 0.04))


@dataclass(frozen=True)
class Damage:
    """Deamination of old DNA, in a library of double strands: C reads as T near 5' ends, G as A near 3' ends.

    Parameters
    ----------
    rate
        Probability at the last base of a template.
    decay
        By what factor it falls with each base inwards.
    """

    rate: float = 0.3
    decay: float = 0.7

    def __post_init__(self) -> None:
        _check("damage rate", self.rate, 0 <= self.rate <= 1, "0 to 1")
        _check("damage decay", self.decay, 0 <= self.decay < 1, "0 or more and less than 1")


@dataclass(frozen=True, order=True)
class Amplicon:
    """A stretch that two primers amplify; 0-based, half-open.

    Parameters
    ----------
    contig, start, end
        From the first base of the left primer to the last one of the right primer.
    left_end
        Where the left primer ends.
    right_start
        Where the right primer starts.
    share
        Share of the depth that it gets: 1, or less where several sets of primers amplify the same stretch.
    """

    contig: str
    start: int
    end: int
    left_end: int
    right_start: int
    share: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.left_end < self.right_start < self.end:
            raise UsageError(
                f"the primers of an amplicon at {self.contig}:{self.start + 1}-{self.end} overlap or are empty",
                expected="a left primer, bases between, a right primer",
            )


@dataclass(frozen=True)
class Library:
    """How templates are made and sequenced.

    Parameters
    ----------
    depth
        Templates that show a position of the reference, on average: overlapping mates show it once. With amplicons,
        templates of each.
    read_length
        Bases of a read; a template that is shorter is read to its end.
    paired
        Whether templates are read from both ends, or from one.
    template_mean, template_sd
        Of the normal distribution from which lengths of templates are drawn, in bases; none is shorter than 30. Amplicons have
        lengths of their own.
    qualities
        Base qualities (Phred) and the share of bases that has each. A base is wrong as often as its quality says.
    damage
        Deamination, if the DNA is old.
    amplicons
        Templates are these stretches; anything else if there are none.
    duplicates
        Share of templates that are copies of another, 0 to less than 1: with the same damage, and errors of their own.
    mark_duplicates
        Whether copies are flagged as duplicates in BAM.

    Raises
    ------
    UsageError
        A number is out of range.
    """

    depth: float = 300.0
    read_length: int = 150
    paired: bool = True
    template_mean: float = 240.0
    template_sd: float = 40.0
    qualities: tuple[tuple[int, float], ...] = QUALITIES
    damage: Damage | None = None
    amplicons: tuple[Amplicon, ...] = ()
    duplicates: float = 0.0
    mark_duplicates: bool = False

    def __post_init__(self) -> None:
        _check("depth", self.depth, 0 < self.depth <= 1e7, "more than 0 and at most 10,000,000")
        _check("read length", self.read_length, SHORTEST_TEMPLATE <= self.read_length <= MOST_BASES, "30 to 30,000")
        _check("template length", self.template_mean, SHORTEST_TEMPLATE <= self.template_mean <= 1e6, "30 to 1,000,000")
        _check("deviation of lengths", self.template_sd, 0 <= self.template_sd <= 1e5, "0 to 100,000")
        _check("share of duplicates", self.duplicates, 0 <= self.duplicates <= 0.99, "0 to 0.99")
        for quality, share in self.qualities:
            _check("base quality", quality, 0 <= quality <= MAX_QUALITY, f"0 to {MAX_QUALITY}")
            _check("share of a quality", share, 0 <= share <= 1, "0 to 1")
        total = sum(share for _, share in self.qualities)
        _check("sum of the shares of qualities", total, abs(total - 1) < 1e-6, "1")

    @property
    def mates(self) -> int:
        """Reads of a template."""
        return 2 if self.paired else 1


def check_seed(seed: int) -> None:
    """Raise unless a number can be a seed."""
    _check("seed", seed, 0 <= seed <= MAX_SEED, f"0 to {MAX_SEED}")


def _check(name: str, value: float, holds: bool, expected: str) -> None:
    if not holds:
        raise UsageError(f"{name} is out of range", found=f"{value:g}", expected=expected)

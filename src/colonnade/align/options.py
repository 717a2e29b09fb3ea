"""What a user can choose of how reads are aligned: bwa's options, with its defaults."""

import math
import struct
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from colonnade.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_ERROR_RATE: Final = 0.02  # BWA_AVG_ERR (bwtaln.h)

# bwa_cal_maxdiff (bwtaln.c) keeps factorials in 32 bits. There that of 34 is 0, and its term makes the sum infinite; or, for reads
# so long that a double has 0 for the probability of no error, not a number, upon which it gives up.
_ENDLESS: Final = 34
_GIVEN_UP: Final = 2

_INT32: Final = 1 << 32
_FLOAT: Final = struct.Struct("<f")

NO_SEED: Final = 16500  # bases: longer than any read that this method is for

Orphans = Literal["error", "drop", "single"]
ORPHANS: Final = get_args(Orphans)


@dataclass(frozen=True, kw_only=True)
class AlignOptions:
    """How reads are searched and what is written of them; each is bwa's option of the letter named first.

    Parameters
    ----------
    differences
        ``-n``: an int is the number of differences that are allowed; a float is the share of reads that may be missed at an
        error rate of 0.02, from which the number follows for each length of read.
    gap_opens
        ``-o``: gaps at most.
    gap_extensions
        ``-e``: extensions of gaps at most; -1 counts them as differences, and allows 6.
    indel_end_skip
        ``-i``: no indel this close to the ends, in bases.
    deletion_hits
        ``-d``: a long deletion is extended only where it has fewer hits.
    seed_length
        ``-l``: bases of the seed, at the start of the read.
    seed_differences
        ``-k``: differences in the seed at most.
    queue_entries
        ``-m``: partial alignments waiting at most, before the search of a read is given up.
    mismatch_penalty, gap_open_penalty, gap_extension_penalty
        ``-M``, ``-O``, ``-E``.
    most_best_hits
        ``-R``: stop searching when there are more equally good hits.
    trim_quality
        ``-q``: bases are trimmed from the end of reads by this quality, down to 35 bases.
    log_gap_penalty
        ``-L``: long gaps may come as near to the ends as the logarithm of their length allows.
    all_hits
        ``-N``: search for all hits with the differences allowed; slow.
    listed_single_hits
        ``-D`` (samse's ``-n``): other places of a single read that are listed in XA at most; none where there are more.
    listed_hits
        ``-h`` (sampe's ``-n``): the same for a read of a pair.
    listed_discordant_hits
        ``-H`` (sampe's ``-N``): the same where both mates have a place, but not as a proper pair.
    pairing_hits
        ``-C`` (sampe's ``-o``): no pairing where a mate has more hits.
    max_insert_size
        ``-a``: of a proper pair, in bases, where insert sizes cannot be estimated.
    chimeric_share
        ``-c``: share of pairs that are not of one template, at least.
    no_rescue
        ``-s``: do not look for a mate without a place near the other one.
    no_insert_sizes
        ``-A``: do not estimate insert sizes; there is no rescue then.
    interleaved
        FASTQ: each two records are mates.
    orphans
        What becomes of a mate without its mate: ``error``, ``drop``, or ``single``, to go on as a single read.
    skip_aligned
        Leave reads that have a place already, or whose mate has one, as they are.
    skip_duplicates
        Do not align reads that are marked as duplicates, or whose mate is.
    only_aligned
        Write only reads that have a place, and pairs of which both mates have one.
    seed
        Of the choice among equally good hits.
    bwa_quirks
        Keep what bwa does but ought not: reads that bridge two contigs stay unmapped with a place; mates of a proper pair may be on
        two contigs, and lie a little off where their hits have other gaps than those chosen first; unmapped mates may have a
        mapping quality, and a CIGAR if they were trimmed, but their strand is not told; XA may list the place of the record itself.

    Raises
    ------
    UsageError
        A number is out of range.
    """

    differences: int | float = 0.04
    gap_opens: int = 1
    gap_extensions: int = -1
    indel_end_skip: int = 5
    deletion_hits: int = 10
    seed_length: int = 32
    seed_differences: int = 2
    queue_entries: int = 2_000_000
    mismatch_penalty: int = 3
    gap_open_penalty: int = 11
    gap_extension_penalty: int = 4
    most_best_hits: int = 30
    trim_quality: int = 0
    log_gap_penalty: bool = False
    all_hits: bool = False
    listed_single_hits: int = 3
    listed_hits: int = 3
    listed_discordant_hits: int = 10
    pairing_hits: int = 100_000
    max_insert_size: int = 500
    chimeric_share: float = 1e-5
    no_rescue: bool = False
    no_insert_sizes: bool = False
    interleaved: bool = False
    orphans: Orphans = "error"
    skip_aligned: bool = False
    skip_duplicates: bool = False
    only_aligned: bool = False
    seed: int = 1
    bwa_quirks: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.differences, float) and not 0 < self.differences < 1:
            raise UsageError(
                "the share of reads that may be missed is out of range",
                found=f"{self.differences:g}",
                expected="more than 0 and less than 1, or a whole number of differences",
            )
        if not 0 < self.chimeric_share < 1:
            raise UsageError(
                "chimeric share is out of range",
                found=f"{self.chimeric_share:g}",
                expected="more than 0 and less than 1",
            )
        if self.orphans not in ORPHANS:
            raise UsageError("orphans is not a choice", found=self.orphans, expected=" or ".join(ORPHANS))
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not (isinstance(value, float) or low <= value <= high):
                raise UsageError(
                    f"{name.replace('_', ' ')} is out of range", found=str(value), expected=f"{low} to {high}"
                )

    @classmethod
    def preset(cls, name: str, **changes: Any) -> "AlignOptions":
        """The options of a preset, one of ``PRESETS``, but for those that are given.

        >>> AlignOptions.preset("ancient", gap_opens=1).non_defaults()
        {'differences': 0.01, 'seed_length': 16500}
        """
        if name not in PRESETS:
            raise UsageError("no such preset", found=name, expected=" or ".join(PRESETS))
        return cls(**{**PRESETS[name], **changes})

    def non_defaults(self) -> dict[str, Any]:
        """Those options that differ from what they are when nothing is said."""
        default = type(self)()
        return {
            field.name: value
            for field in fields(self)
            if (value := getattr(self, field.name)) != getattr(default, field.name)
        }

    def differences_by_length(self, longest: int) -> "npt.NDArray[np.int64]":
        """How many differences a read may have, int64 (longest + 1,), by its length in bases."""
        import numpy as np  # here, as the command line wants to know the options at once

        if isinstance(self.differences, float):
            return np.array([most_differences(length, self.differences) for length in range(longest + 1)], np.int64)
        return np.full(longest + 1, self.differences, np.int64)


_RANGES: Final = {
    "differences": (0, 255),
    "gap_opens": (0, 63),
    "gap_extensions": (-1, 255),
    "indel_end_skip": (0, 65535),
    "deletion_hits": (0, 2**31 - 1),
    "seed_length": (1, 2**31 - 1),
    "seed_differences": (0, 255),
    "queue_entries": (1, 2**31 - 1),
    "mismatch_penalty": (0, 255),
    "gap_open_penalty": (0, 255),
    "gap_extension_penalty": (0, 255),
    "most_best_hits": (0, 2**31 - 1),
    "trim_quality": (0, 93),
    "listed_single_hits": (0, 2**31 - 1),
    "listed_hits": (0, 2**31 - 1),
    "listed_discordant_hits": (0, 2**31 - 1),
    "pairing_hits": (0, 4_000_000),
    "max_insert_size": (0, 2**31 - 1),
    "seed": (0, 2**63 - 1),
}

#: Options by the name of a preset: ``ancient`` searches without a seed, for short and damaged reads.
PRESETS: Final[dict[str, dict[str, int | float]]] = {
    "ancient": {"seed_length": NO_SEED, "differences": 0.01, "gap_opens": 2}
}


@lru_cache(maxsize=1 << 17)
def most_differences(length: int, missed: float) -> int:
    """How many differences a read may have, if this share of reads may have more (``bwa_cal_maxdiff``, bwtaln.c).

    The number of errors is Poisson. Factorials wrap around as the 32-bit integers of bwa do, which long reads show.

    >>> [most_differences(length, 0.04) for length in (17, 38, 64, 93, 124)]
    [2, 3, 4, 5, 6]
    """
    (missed,) = _FLOAT.unpack(_FLOAT.pack(missed))  # as bwa keeps it
    mean = length * _ERROR_RATE
    base = math.exp(-mean)
    total, power, factorial = base, 1.0, 1
    for count in range(1, _ENDLESS):
        power *= mean
        factorial = (factorial * count + _INT32 // 2) % _INT32 - _INT32 // 2
        total += base * power / factorial
        if 1.0 - total < missed:
            return count
    return _ENDLESS if base > 0 else _GIVEN_UP

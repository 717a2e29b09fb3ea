"""Which columns are written as text, and what each says: the options of ``samtools mpileup`` under readable names."""

from dataclasses import dataclass
from os import PathLike
from typing import Final, TypeAlias

from colonnade.errors import UsageError
from colonnade.records.filters import DEFAULT_EXCLUDE, NO_FLAGS, Flag

StrPath: TypeAlias = str | PathLike[str]

#: Record fields that ``extra`` may name, in the order of their columns; any other two letters are a tag.
FIELDS: Final = ("QNAME", "FLAG", "RNAME", "POS", "MAPQ", "RNEXT", "PNEXT", "RLEN")


@dataclass(frozen=True)
class TextOptions:
    """Options of ``colonnade pileup``; samtools' letter or name in brackets.

    Parameters
    ----------
    reference
        FASTA: reference bases are written, and matching ones as ``.`` and ``,`` (-f). CRAM needs it.
    region
        Text such as ``chr1:1,001-2,000``; None: everywhere (-r).
    positions
        BED file, or one with a contig and a 1-based position on each line: only there (-l).
    all_positions
        0: positions with alignments; 1: every position of contigs that have some (-a); 2: of all contigs (-aa).
    min_mapq
        Smallest mapping quality of a record (-q).
    min_baseq
        Smallest quality of a base, after mates are resolved (-Q). In a deletion or skip it is that of the base after it.
    max_depth
        When so many reads of a file are open, no more that start at the same position are let in; 0: no limit (-d).
    count_orphans
        Keep paired reads that are not flagged as a proper pair (-A).
    resolve_mates
        Whether only one of two overlapping mates keeps its quality (off: -x).
    any_flags, exclude_flags
        At least one of the first must be set, unless none is named; none of the second (--rf, --ff).
    exclude_read_groups
        IDs of read groups to leave out (-G).
    illumina13
        Qualities are in the Illumina 1.3+ encoding (-6).
    baq
        Lower the quality of bases whose alignment is doubtful; needs a reference. Off, as with -B.
    redo_baq
        Calculate that anew even where tags hold it (-E).
    mapq, query_positions, query_positions_5
        Further columns: mapping quality as a letter (-s), position in the read as aligned (-O), and from its 5' end
        (--output-BP-5).
    extra
        Further columns: names of ``FIELDS``, or tags (--output-extra; QNAME alone: --output-QNAME).
    separator, empty
        Between the tags of a column, and for a tag that a record lacks (--output-sep, --output-empty).
    insertions, deletions
        2: length and letters of indels, 1: their length, 0: nothing (--no-output-ins, --no-output-del, once or twice).
    ends
        Mark first and last bases of reads (off: --no-output-ends).
    reverse_deletions
        Write deleted bases of reverse reads as ``#`` instead of ``*`` (--reverse-del).
    """

    reference: StrPath | None = None
    region: str | None = None
    positions: StrPath | None = None
    all_positions: int = 0
    min_mapq: int = 0
    min_baseq: int = 13
    max_depth: int = 8000
    count_orphans: bool = False
    resolve_mates: bool = True
    any_flags: Flag = NO_FLAGS
    exclude_flags: Flag = DEFAULT_EXCLUDE
    exclude_read_groups: tuple[str, ...] = ()
    illumina13: bool = False
    baq: bool = False
    redo_baq: bool = False
    mapq: bool = False
    query_positions: bool = False
    query_positions_5: bool = False
    extra: tuple[str, ...] = ()
    separator: str = ","
    empty: str = "*"
    insertions: int = 2
    deletions: int = 2
    ends: bool = True
    reverse_deletions: bool = False

    def __post_init__(self) -> None:
        for name in self.extra:
            if name not in FIELDS and not (len(name) == 2 and name.isascii()):
                raise UsageError("unknown column", found=repr(name), expected=f"a tag, or one of {', '.join(FIELDS)}")
        if self.baq and {"BQ", "ZQ"} & set(self.extra):
            raise UsageError("BQ and ZQ tags cannot be shown together with BAQ, which would change them")
        for name, text in (("separator", self.separator), ("empty", self.empty)):
            if len(text) != 1 or not text.isascii():
                raise UsageError(f"{name} is not one letter", found=repr(text), expected="one ASCII character")
        if self.baq and self.reference is None:
            raise UsageError("BAQ needs a reference", expected="a FASTA file (-f)")

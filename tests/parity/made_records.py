"""Records that hypothesis makes: any CIGAR, flags, missing sequences and qualities, overlapping mates."""

from pathlib import Path

import numpy as np
import pysam
from hypothesis import strategies as st

LENGTH = 400
HEADER = pysam.AlignmentHeader.from_dict(
    {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "a", "LN": 50}, {"SN": "c", "LN": LENGTH}]}
)
CONSUMES_QUERY = {0, 1, 4, 7, 8}


@st.composite
def cigars(draw: st.DrawFn) -> list[tuple[int, int]]:
    """Any of the nine operations in any order; htslib reads before the CIGAR if its only operation is D or N."""
    lengths = st.integers(1, 6)
    usual = st.lists(st.tuples(st.sampled_from([0, 0, 0, 0, 1, 2, 3, 6]), lengths), min_size=1, max_size=9)
    odd = st.lists(st.tuples(st.integers(0, 8), lengths), min_size=1, max_size=7)
    cigar = draw(st.one_of(usual, usual, odd))
    return [(0, 3), *cigar] if len(cigar) == 1 and cigar[0][0] in (2, 3) else cigar


@st.composite
def segments(draw: st.DrawFn) -> list[pysam.AlignedSegment]:
    """Single reads, some without sequence or qualities, and pairs, overlapping or not, in coordinate order."""
    made = []
    for number in range(draw(st.integers(1, 10))):
        seed = draw(st.integers(0, 2**32 - 1))
        flag = draw(st.sampled_from([0, 16, 0x100, 0x200, 0x400, 0x800, 4]))
        start = draw(st.integers(0, 60))
        if draw(st.booleans()):
            made.append(
                segment(f"s{number}", flag, start, draw(cigars()), seed, draw(st.sampled_from(["all", "bare", "none"])))
            )
            continue
        mate = start + draw(st.integers(0, 25))
        proper = draw(st.sampled_from([0x2, 0x2, 0x2, 0]))
        first = segment(f"p{number}", 0x61 | proper, start, draw(cigars()), seed, "all")
        second = segment(f"p{number}", 0x91 | proper, mate, draw(cigars()), seed + 1, "all")
        first.next_reference_id = second.next_reference_id = 1
        first.next_reference_start, second.next_reference_start = mate, start
        first.template_length, second.template_length = mate - start + 20, start - mate - 20
        made += [first, second]
    return sorted(made, key=lambda record: record.reference_start)


def segment(
    name: str, flag: int, start: int, cigar: list[tuple[int, int]], seed: int, has: str
) -> pysam.AlignedSegment:
    rng = np.random.default_rng(seed)
    size = sum(length for operation, length in cigar if operation in CONSUMES_QUERY)
    made = pysam.AlignedSegment(HEADER)
    made.query_name, made.flag, made.reference_id, made.reference_start = name, flag, 1, start
    made.mapping_quality, made.cigartuples = int(rng.choice([0, 1, 20, 60])), cigar
    if has != "none" and size:
        made.query_sequence = "".join(rng.choice(list("AACCGGTTN="), size))
        if has == "all":
            made.query_qualities = pysam.qualitystring_to_array("".join(rng.choice(list("!#,5?IIJ"), size)))
    return made


def written(records: list[pysam.AlignedSegment], path: Path) -> Path:
    with pysam.AlignmentFile(str(path), "wb", header=HEADER) as file:
        for record in records:
            file.write(record)
    pysam.index(str(path))
    return path

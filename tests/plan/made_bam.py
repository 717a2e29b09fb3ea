"""BAM files of many kinds, made at once: high and low depth, empty contigs, records longer than a window."""

from pathlib import Path

import numpy as np
import pysam
from random_letters import random_letters

CONTIGS = {"a": 400_000, "empty": 70_000, "b": 16_384, "c": 16_385, "d": 3_000_000}
KINDS = {
    # contig: records, reference bases that each spans (a deletion in its middle makes up for the rest)
    "usual": {"a": (3000, 100), "b": (50, 100), "c": (50, 100), "d": (9000, 150)},
    "everything on one contig": {"d": (15_000, 200)},
    "long": {"a": (300, 40_000), "d": (2000, 90_000)},
    "low": {"a": (20, 100), "d": (60, 5000)},
    "deep": {"a": (40, 100), "b": (9000, 100), "d": (3000, 100)},
    "without records": {},
}
LAYOUTS = {"bai": ("-b",), "csi": ("-c",), "csi 12": ("-c", "-m", "12"), "csi 17": ("-c", "-m", "17")}


def made_bam(path: Path, kind: str, layout: str, *, seed: int = 1) -> Path:
    """Write a sorted BAM file and its index."""
    rng = np.random.default_rng(seed)
    lines = [{"SN": contig, "LN": length} for contig, length in CONTIGS.items()]
    with pysam.AlignmentFile(str(path), "wb", header={"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": lines}) as file:
        for number, contig in enumerate(CONTIGS):
            n, span = KINDS[kind].get(contig, (0, 0))
            bases = min(span, 200)
            for start in sorted(_starts(rng, n, CONTIGS[contig] - span)):
                record = pysam.AlignedSegment(file.header)
                record.query_name = f"r{rng.integers(1 << 30)}"
                record.reference_id, record.reference_start, record.mapping_quality = number, start, 60
                record.cigartuples = [(0, bases)] if bases == span else [(0, 50), (3, span - bases), (0, bases - 50)]
                record.query_sequence = random_letters(rng, bases)
                record.query_qualities = pysam.qualitystring_to_array(random_letters(rng, bases, b"#5?I"))
                file.write(record)
    pysam.samtools.index(*LAYOUTS[layout], str(path))
    return path


def _starts(rng: np.random.Generator, n: int, length: int) -> list[int]:
    """Half of them anywhere, half crowded in a tenth."""
    anywhere = rng.integers(0, max(1, length), n - n // 2)
    crowded = rng.integers(length // 3, length // 3 + max(1, length // 10), n // 2)
    return [*anywhere.tolist(), *crowded.tolist()]

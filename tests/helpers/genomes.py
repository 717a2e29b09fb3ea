"""A small genome of several contigs, large enough for several ranges, and reads of populations on it."""

from pathlib import Path

import numpy as np
import pysam

CONTIGS = {"one": 70_000, "short": 300, "two": 50_000}
READ = 200
DEPTH = 8
SITES = {"one": range(500, 70_000, 900), "short": range(100, 101), "two": range(40, 50_000, 900)}


def write_reads(path: Path, sequences: dict[str, str], rng: np.random.Generator, *, changed: bool) -> Path:
    """Write a sorted, indexed BAM of reads, of which most or few differ at the sites."""
    lines = ["@HD\tVN:1.6\tSO:unsorted", *(f"@SQ\tSN:{name}\tLN:{length}" for name, length in CONTIGS.items())]
    for contig, sequence in sequences.items():
        for number in range(len(sequence) * DEPTH // READ):
            start = int(rng.integers(0, len(sequence) - READ))
            bases = list(sequence[start : start + READ])
            for site in SITES[contig]:
                if start <= site < start + READ and rng.random() < (0.7 if changed else 0.05):
                    bases[site - start] = "ACGT"["CGTA".index(bases[site - start])]
            cigar, low = f"{READ}M", int(rng.integers(0, 60))
            if number % 50 == 0 and changed:
                del bases[100:102]
                cigar = f"100M2D{READ - 102}M"
            text, flag = "".join(bases), 16 * (number % 2)
            lines.append(
                f"{contig}{number}\t{flag}\t{contig}\t{start + 1}\t{low}\t{cigar}\t*\t0\t0\t{text}\t{'I' * len(text)}"
            )
    sam = path.with_suffix(".sam")
    sam.write_text("\n".join(lines) + "\n")
    pysam.samtools.sort("-o", str(path), str(sam), catch_stdout=False)
    pysam.samtools.index(str(path))
    return path


def files_of(folder: Path) -> dict[str, bytes]:
    """What is in a folder, by name."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}

"""A deep amplicon in little memory: peak memory and exact counts of a 2 kb contig at a depth of a million.

Makes the BAM (20 million reads, 4 GB of records), tallies and compares it with ``--memory 256M``, each in a process of its
own, and checks every count against the truth. Overlapping mates agree, so each template counts once per position.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Final

import numpy as np
import numpy.typing as npt
import pysam

from colonnade.formats.bgzf_writer import BgzfWriter

LENGTH: Final = 2000
READ: Final = 100
OFFSETS: Final = np.arange(20, 180)  # from a read's start to its mate's: half of the mates overlap
CONTIG: Final = "amplicon"
MEMORY: Final = 256 << 20
MOST_RSS: Final = 700  # MiB
BASES: Final = np.frombuffer(b"ACGT", np.uint8)

RECORD: Final = np.dtype(
    [
        ("size", "<i4"), ("contig", "<i4"), ("start", "<i4"), ("l_name", "u1"), ("mapq", "u1"), ("bin", "<u2"),
        ("n_cigar", "<u2"), ("flag", "<u2"), ("l_seq", "<i4"), ("next_contig", "<i4"), ("next_start", "<i4"),
        ("template_length", "<i4"), ("name", "S16"), ("cigar", "<u4"), ("sequence", "u1", (READ // 2,)),
        ("quality", "u1", (READ,)), ("tags", "S16"),
    ]
)  # fmt: skip

TALLY: Final = """
import json, sys
import colonnade
counts = colonnade.tally(sys.argv[1], "amplicon", memory=int(sys.argv[2]), threads=int(sys.argv[3]))
print(json.dumps(counts.bases.tolist()))
"""


def make(folder: Path, n_reads: int) -> tuple[Path, Path, npt.NDArray[np.int64]]:
    """Write reference and BAM; returns both and the true counts (positions, 4)."""
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 4, LENGTH)
    others = (codes + rng.integers(1, 4, LENGTH)) % 4
    has_other = rng.random(LENGTH) < 0.02
    starts = LENGTH - READ - int(OFFSETS[-1])
    copies = max(1, n_reads // (2 * starts * OFFSETS.size))
    haplotypes = np.where(has_other, others, codes), codes  # of one template in three, and of the rest
    truth = np.zeros((LENGTH, 4), np.int64)
    for start in range(starts):
        for offset in OFFSETS.tolist():
            covered = np.r_[start : start + READ, max(start + READ, start + offset) : start + offset + READ]
            n_minor = len(range((start + offset) % 3, copies, 3))
            truth[covered, haplotypes[0][covered]] += n_minor
            truth[covered, haplotypes[1][covered]] += copies - n_minor

    reference = folder / "reference.fa"
    reference.write_text(f">{CONTIG}\n{BASES[codes].tobytes().decode()}\n")
    path = folder / "amplicon.bam"
    text = f"@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:{CONTIG}\tLN:{LENGTH}\n".encode()
    name = CONTIG.encode() + b"\0"
    with BgzfWriter(path, level=1, threads=2) as file:
        numbers = [n.to_bytes(4, "little") for n in (len(text), 1, len(name), LENGTH)]
        file.write(b"BAM\1" + numbers[0] + text + numbers[1] + numbers[2] + name + numbers[3])
        for position in range(LENGTH - READ):
            for is_left in (True, False):
                origin = np.full(OFFSETS.size, position) if is_left else position - OFFSETS
                inside = (origin >= 0) & (origin < starts)
                records = _records(origin[inside], OFFSETS[inside], copies, haplotypes, is_left=is_left)
                file.write(records.tobytes())
    pysam.samtools.index(str(path))
    return reference, path, truth


def _records(
    origin: npt.NDArray[np.int64],
    offset: npt.NDArray[np.int64],
    copies: int,
    haplotypes: Sequence[npt.NDArray[np.int64]],
    *,
    is_left: bool,
) -> npt.NDArray[np.void]:
    """One mate of all templates of some origins and offsets; all of them start at the same position."""
    copy = np.tile(np.arange(copies), origin.size)
    origin, offset = np.repeat(origin, copies), np.repeat(offset, copies)
    records = np.zeros(copy.size, RECORD)
    if not copy.size:
        return records
    start = int(origin[0] + (0 if is_left else offset[0]))
    records["size"] = RECORD.itemsize - 4
    records["start"] = start
    records["l_name"] = 16
    records["mapq"] = 60
    records["bin"] = 4681
    records["n_cigar"] = 1
    records["flag"] = 0x63 if is_left else 0x93
    records["l_seq"] = READ
    records["next_start"] = origin + offset if is_left else origin
    records["template_length"] = (offset + READ) * (1 if is_left else -1)
    names = (origin * 1000 + offset) * 1_000_000 + copy
    digits = names[:, np.newaxis] // 10 ** np.arange(13, -1, -1) % 10 + ord("0")
    records["name"] = np.concatenate(
        [np.full((copy.size, 1), ord("t")), digits], axis=1, dtype=np.uint8, casting="unsafe"
    ).view("S15")[:, 0]
    records["cigar"] = READ << 4
    is_minor = (copy - origin - offset) % 3 == 0
    for minor, haplotype in zip((True, False), haplotypes, strict=True):
        nibbles = 1 << haplotype[start : start + READ]
        records["sequence"][is_minor == minor] = nibbles[::2] << 4 | nibbles[1::2]
    records["quality"] = 30
    records["tags"] = b"RGZlane_1.run_7"
    return records


def run(arguments: Sequence[str]) -> tuple[str, float, float]:
    """Output, wall seconds and peak MiB of the interpreter on these arguments."""
    begin = perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen([sys.executable, *arguments], stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"failed with status {process.returncode}: {' '.join(arguments[:4])}")
        output.seek(0)
        unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
        return output.read(), perf_counter() - begin, usage.ru_maxrss / unit


def main() -> None:
    """Make the amplicon, look at memory and counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reads", type=int, default=20_000_000)
    options = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        reference, bam, truth = make(folder, options.reads)
        depth = int(truth.sum(axis=1).max())
        print(f"{depth:,} templates deep, {bam.stat().st_size >> 20} MiB of BAM")
        for threads in (1, 2):
            text, wall, peak = run(["-c", TALLY, str(bam), str(MEMORY), str(threads)])
            equal = np.array_equal(np.array(json.loads(text)), truth)
            failed |= not equal or peak > MOST_RSS
            print(
                f"- tally, {threads} threads: counts {'equal' if equal else 'DIFFER'}, {wall:.0f} s, peak {peak:.0f} MiB"
            )
            prefix = str(folder / f"out{threads}")
            inputs = ["-m", "colonnade", "compare", f"one={bam}", "--against", "REF", "--reference", str(reference)]
            _, wall, peak = run([*inputs, "-o", prefix, "--memory", "256M", "--threads", str(threads), "--quiet"])
            rows = len(Path(f"{prefix}.dist.tsv").read_text().splitlines()) - 1
            failed |= peak > MOST_RSS
            print(f"- compare with REF, {threads} threads: {rows} loci, {wall:.0f} s, peak {peak:.0f} MiB")
    if failed:
        raise SystemExit(f"counts differ, or more than {MOST_RSS} MiB were used")


if __name__ == "__main__":
    main()

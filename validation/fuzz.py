"""Thousands of damaged BAM, BAI and CSI files: each must end in one clear error, or in the right counts.

The right counts are those of htslib's sequential pass over the same bytes. Damage is drawn by seed: flipped bits, missing and
zeroed parts, blocks swapped, lost and doubled; and, in blocks that are whole with a right checksum, absurd lengths and
flipped bits.
"""

import argparse
import faulthandler
import signal
import struct
import subprocess
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pysam

from colonnade.errors import ColonnadeError
from colonnade.formats.alignments import open_alignments
from colonnade.formats.bgzf import EOF_BLOCK
from colonnade.records.filters import Flag, ReadFilter
from colonnade.records.overlap import resolve_overlaps
from colonnade.records.source import read_batches
from colonnade.regions import Region
from colonnade.tally.counts import Tally, count_batches

LENGTH: Final = 60_000
CONTIGS: Final = {"c": LENGTH, "d": 500}
EVERYTHING: Final = ReadFilter(min_mapq=0, min_baseq=0, exclude_flags=Flag.UNMAP)
REGIONS: Final = (
    Region("c", 0, LENGTH),
    Region("c", 5_000, 5_100),
    Region("c", 16_384, 32_768),
    Region("c", 40_000, 60_000),
    Region("d", 0, 500),
)
MOST_SECONDS: Final = 30  # for one file; more is a hang
FULL: Final = 400  # mutants of each kind

Counts = list[npt.NDArray[np.int32]]
Mutate = Callable[[np.random.Generator, bytes], bytes]


def make_files(folder: Path, seed: int = 7) -> None:
    """Write ``packed.bam`` and ``stored.bam`` (blocks as they are), each with BAI and CSI."""
    rng = np.random.default_rng(seed)
    lines = ["@HD\tVN:1.6", *(f"@SQ\tSN:{name}\tLN:{length}" for name, length in CONTIGS.items())]
    for number in range(1500):
        contig, length = ("d", 500) if number % 10 == 0 else ("c", LENGTH)
        position = int(rng.integers(1, length - 120))
        sequence = "".join(rng.choice(list("ACGT"), 90))
        qualities = "".join(chr(33 + q) for q in rng.integers(2, 42, 90))
        cigar = str(rng.choice(["90M", "10S80M", "40M5I45M", "45M7D45M", "30M20000N60M" if contig == "c" else "90M"]))
        if position + 20_200 > length and "N" in cigar:
            cigar = "90M"
        tags = str(rng.choice(["", "\tRG:Z:a", "\tNM:i:3\tXB:B:s,1,2,3"]))
        record = f"\t{contig}\t{position}\t60\t{cigar}\t{{}}\t{sequence}\t{qualities}{tags}"
        if rng.random() < 0.5:
            lines.append(f"r{number}\t{int(rng.choice([0, 16]))}" + record.format("*\t0\t0"))
            continue
        mate = min(position + int(rng.integers(0, 150)), length - 100)
        lines.append(f"r{number}\t99" + record.format(f"=\t{mate}\t{mate + 90 - position}"))
        lines.append(
            f"r{number}\t147\t{contig}\t{mate}\t60\t90M\t=\t{position}\t{position - mate - 90}\t{sequence}\t{qualities}"
        )
    text = folder / "made.sam"
    text.write_text("\n".join(lines) + "\n")
    for name, level in (("packed.bam", "6"), ("stored.bam", "0")):
        path = folder / name
        pysam.samtools.sort("-l", level, "-o", str(path), str(text), catch_stdout=False)
        pysam.samtools.index("-b", str(path))
        pysam.samtools.index("-c", str(path))


# Ways to damage bytes.


def flip_bits(rng: np.random.Generator, raw: bytes) -> bytes:
    """Flip one bit, or a few."""
    changed = bytearray(raw)
    for place in rng.integers(0, len(raw) * 8, rng.choice([1, 1, 1, 2, 20])).tolist():
        changed[place // 8] ^= 1 << place % 8
    return bytes(changed)


def lose_parts(rng: np.random.Generator, raw: bytes) -> bytes:
    """Cut the end off, a part out, or zero a part."""
    first, last = sorted(rng.integers(0, len(raw), 2).tolist())
    return (raw[:first], raw[:first] + raw[last:], raw[:first] + bytes(last - first) + raw[last:])[rng.integers(3)]


def move_blocks(rng: np.random.Generator, raw: bytes) -> bytes:
    """Swap two blocks, lose one, or have one twice."""
    whole = split_blocks(raw)
    a, b = sorted(rng.choice(len(whole) - 1, 2, replace=False).tolist())
    swapped = [*whole[:a], whole[b], *whole[a + 1 : b], whole[a], *whole[b + 1 :]]
    return b"".join((swapped, whole[:a] + whole[a + 1 :], whole[: a + 1] + whole[a:])[rng.integers(3)])


def change_fields(rng: np.random.Generator, raw: bytes) -> bytes:
    """Write an absurd number into a field of a record, in blocks that stay whole."""
    whole = split_blocks(raw)
    block = int(rng.integers(1, len(whole) - 1))
    data = bytearray(inflate(whole[block]))
    starts, at = [], 0
    while at < len(data):
        starts.append(at)
        at += 4 + int.from_bytes(data[at : at + 4], "little")
    fields = ((0, 4), (4, 4), (8, 4), (12, 1), (16, 2), (18, 2), (20, 4), (24, 4), (28, 4), (36, 4))
    offset, size = fields[rng.integers(len(fields))]
    values = (0, 1, 2, 0x7F, 0xFF, 0x100, 0x7FFF, 0xFFFF, 1 << 20, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
    value = int(rng.choice(values)) & (1 << 8 * size) - 1
    at = int(rng.choice(starts)) + offset
    data[at : at + size] = value.to_bytes(size, "little")
    return b"".join([*whole[:block], store(bytes(data)), *whole[block + 1 :]])


def flip_inside_blocks(rng: np.random.Generator, raw: bytes) -> bytes:
    """Flip bits of the inflated bytes; checksums are right again."""
    whole = split_blocks(raw)
    block = int(rng.integers(0, len(whole) - 1))
    return b"".join([*whole[:block], store(flip_bits(rng, inflate(whole[block]))), *whole[block + 1 :]])


def change_index_numbers(rng: np.random.Generator, raw: bytes) -> bytes:
    """Write an absurd 32-bit number somewhere into an index (inside its blocks, if it is compressed)."""
    is_packed = raw.startswith(b"\x1f\x8b")
    data = bytearray(b"".join(map(inflate, split_blocks(raw))) if is_packed else raw)
    at = int(rng.integers(1, len(data) // 4)) * 4
    value = int(rng.choice([0, 1, 37449, 37450, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, int(rng.integers(1 << 16))]))
    data[at : at + 4] = value.to_bytes(4, "little")
    return store(bytes(data)) + EOF_BLOCK if is_packed else bytes(data)


def split_blocks(raw: bytes) -> list[bytes]:
    """The BGZF blocks of a file."""
    found, at = [], 0
    while at < len(raw):
        size = int.from_bytes(raw[at + 16 : at + 18], "little") + 1
        found.append(raw[at : at + size])
        at += size
    return found


def inflate(block: bytes) -> bytes:
    """What a block holds."""
    return zlib.decompress(block, wbits=31)


def store(data: bytes) -> bytes:
    """One BGZF block, or several, that hold the data as it is; as long as those that htslib stores."""
    parts = []
    for start in range(0, max(1, len(data)), 0xFF00):
        part = data[start : start + 0xFF00]
        packed = b"\x01" + struct.pack("<HH", len(part), len(part) ^ 0xFFFF) + part
        size = struct.pack("<H", len(packed) + 25)
        trailer = struct.pack("<II", zlib.crc32(part), len(part))
        parts.append(bytes.fromhex("1f8b08040000000000ff060042430200") + size + packed + trailer)
    return b"".join(parts)


@dataclass(frozen=True)
class Kind:
    """One kind of damage.

    Parameters
    ----------
    name
        What it is called.
    bam, suffix
        Which BAM, and which of its files is damaged: ``.bai``, ``.csi`` or the BAM itself, which is then read with its BAI.
    mutate
        The damage.
    """

    name: str
    bam: str
    suffix: str
    mutate: Mutate

    def outcome(self, folder: Path, seed: int) -> str:
        """``error``, ``right``, or what is wrong with how the file of this seed is read."""
        original = (folder / f"{self.bam}{self.suffix}").read_bytes()
        rng = np.random.default_rng((zlib.crc32(self.name.encode()), seed))
        mutant = self.mutate(rng, original)
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "mutant.bam"
            index = self.suffix or ".bai"
            path.write_bytes(mutant if not self.suffix else (folder / self.bam).read_bytes())
            Path(f"{path}{index}").write_bytes(mutant if self.suffix else (folder / f"{self.bam}{index}").read_bytes())
            try:
                found = our_counts(path)
            except (ColonnadeError, OSError) as error:
                lines = str(error).splitlines()
                return "error" if len(lines) == 1 else f"an error of {len(lines)} lines"
            if not resolved_alike(path):
                return "success that depends on the size of batches"
            expected = sequential_counts(path)
            if expected is None:
                return "success where htslib finds damage"
            return "right" if all(map(np.array_equal, found, expected)) else "success with other counts"


KINDS: Final = (
    Kind("bits of a BAM", "packed.bam", "", flip_bits),
    Kind("parts of a BAM", "packed.bam", "", lose_parts),
    Kind("blocks of a BAM", "packed.bam", "", move_blocks),
    Kind("fields of records", "stored.bam", "", change_fields),
    Kind("bits of records", "stored.bam", "", flip_inside_blocks),
    Kind("bits of a BAI", "packed.bam", ".bai", flip_bits),
    Kind("parts of a BAI", "packed.bam", ".bai", lose_parts),
    Kind("numbers of a BAI", "packed.bam", ".bai", change_index_numbers),
    Kind("bits of a CSI", "packed.bam", ".csi", flip_bits),
    Kind("parts of a CSI", "packed.bam", ".csi", lose_parts),
    Kind("bits in a CSI", "packed.bam", ".csi", flip_inside_blocks),
    Kind("numbers of a CSI", "packed.bam", ".csi", change_index_numbers),
)


def our_counts(path: Path) -> Counts:
    """Bases per position of all regions."""
    file = open_alignments(path)
    try:
        return [
            count_batches(read_batches([file], region, EVERYTHING, size=50_000), Tally.zeros(region), min_baseq=0).bases
            for region in REGIONS
        ]
    finally:
        file.close()


def resolved_alike(path: Path) -> bool:
    """Whether counts with mates resolved are the same in small batches as in one."""
    file = open_alignments(path)
    try:
        one, other = (
            count_batches(
                resolve_overlaps(read_batches([file], REGIONS[0], EVERYTHING, size=size)),
                Tally.zeros(REGIONS[0]),
                min_baseq=10,
            )
            for size in (1 << 20, 3000)
        )
    finally:
        file.close()
    return np.array_equal(one.strands, other.strands) and np.array_equal(one.low_quality, other.low_quality)


def sequential_counts(path: Path) -> Counts | None:
    """The same by htslib, from the first record to the last, without any index; None where it finds damage."""
    alone = path.with_name("alone.bam")
    alone.write_bytes(path.read_bytes())
    whole = {name: np.zeros((length + 1000, 4), np.int32) for name, length in CONTIGS.items()}
    verbosity = pysam.set_verbosity(0)
    try:
        with pysam.AlignmentFile(str(alone)) as file:
            for record in file.fetch(until_eof=True):
                if record.is_unmapped or record.query_sequence is None or record.reference_name not in whole:
                    continue
                for query, position in record.get_aligned_pairs(matches_only=True):
                    base = "ACGT".find(record.query_sequence[query])
                    if base >= 0 and position < len(whole[record.reference_name]):
                        whole[record.reference_name][position, base] += 1
    except (OSError, ValueError):
        return None
    finally:
        pysam.set_verbosity(verbosity)
    return [whole[region.contig][region.start : region.end] for region in REGIONS]


def run(folder: Path, kind: Kind, seeds: range, tell: Callable[[str], object] = print) -> Counter[str]:
    """How the mutants of these seeds ended; tells of each that ended badly."""
    outcomes: Counter[str] = Counter()
    for seed in seeds:
        outcome = kind.outcome(folder, seed)
        outcomes[outcome] += 1
        if outcome not in ("error", "right"):
            tell(f"{kind.name}, seed {seed}: {outcome}")
    return outcomes


def _hang(what: str, *_: object) -> None:
    raise TimeoutError(f"{what}: not done after {MOST_SECONDS} s")


def _run_child(folder: Path, name: str, n: int) -> None:
    """All mutants of one kind; a crash or a hang ends this process, and its output says where."""
    faulthandler.enable()
    kind = next(kind for kind in KINDS if kind.name == name)
    outcomes: Counter[str] = Counter()
    for seed in range(n):
        signal.signal(signal.SIGALRM, partial(_hang, f"{name}, seed {seed}"))
        signal.alarm(MOST_SECONDS)
        outcomes += run(folder, kind, range(seed, seed + 1), partial(print, file=sys.stderr))
    print(f"| {name} | {n} | {outcomes['error']} | {outcomes['right']} | {n - outcomes['error'] - outcomes['right']} |")


def children(folder: Path, n: int) -> Iterator[int]:
    """Exit codes of one process for each kind."""
    for kind in KINDS:
        command = [sys.executable, __file__, "--mutants", str(n), "--kind", kind.name, "--folder", str(folder)]
        yield subprocess.run(command, check=False).returncode


def main() -> None:
    """Damage files in every way and see what becomes of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mutants", type=int, default=FULL, help="of each kind")
    parser.add_argument("--kind", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.kind:
        _run_child(options.folder, options.kind, options.mutants)
        return
    with tempfile.TemporaryDirectory() as name:
        make_files(Path(name))
        print(
            "| what is damaged | files | one clear error | right counts | anything else |\n|---|---:|---:|---:|---:|",
            flush=True,
        )
        failed = [code for code in children(Path(name), options.mutants) if code]
    if failed:
        raise SystemExit(f"{len(failed)} kinds ended in a crash or a hang")


if __name__ == "__main__":
    main()

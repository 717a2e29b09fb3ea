"""Made-up genomes and reads for the alignment benchmark, the same for the same size: ``align_data.py FOLDER SIZE``.

A genome is random, with families of diverged copies and tandem repeats. Single reads are of 75 bases with errors as their
qualities say, and of 50 with deaminated ends, as from old bones. Some are of no genome at all. Pairs are of the same two kinds;
besides, one mate in twenty is so bad that a search finds nothing.
"""

import subprocess
import sys
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

MODERN, ANCIENT = "modern", "ancient"
READS: Final = {MODERN: (200_000, 75), ANCIENT: (100_000, 50)}
PAIRS: Final = {MODERN: (100_000, 75), ANCIENT: (50_000, 50)}
INSERT_SIZE: Final = (300, 50)  # of pairs: mean and standard deviation

_LETTERS: Final = np.frombuffer(b"ACGT", np.uint8)
_FOREIGN: Final = 0.02  # of reads
_FOREIGN_PAIRS: Final = 0.03
_ERRORS: Final = 0.01
_BAD_MATES, _BAD_ERRORS = 0.05, 0.15  # share of mates that are bad; of their bases that are wrong
_DAMAGE, _DECAY = 0.2, 0.6  # share of deaminated cytosines at the end of a fragment; factor for each base inwards
_LINE: Final = 100

Codes = npt.NDArray[np.uint8]


def make(folder: Path, size: int) -> None:
    """Write what is missing of a genome, its index by bwa, reads (``KIND.SIZE.fq``) and pairs (``KIND.SIZE.1.fq``, ``.2.fq``)."""
    fasta = folder / f"genome.{size}.fa"
    has_genome = fasta.with_name(f"{fasta.name}.sa").exists()
    missing = [kind for kind in PAIRS if not (folder / f"{kind}.{size}.2.fq").exists()]
    if has_genome and not missing:
        return
    random = np.random.default_rng(size)
    genome = _genome(size, random)
    if not has_genome:
        with fasta.open("wb") as file:
            file.write(b">chr1\n")
            for start in range(0, size, _LINE):
                file.write(_LETTERS[genome[start : start + _LINE]].tobytes() + b"\n")
        for kind in READS:
            _write_reads(folder / f"{kind}.{size}.fq", genome, kind, random)
        subprocess.run(["bwa", "index", str(fasta)], check=True, stderr=subprocess.DEVNULL)
    for kind in missing:
        _write_pairs(folder / f"{kind}.{size}", genome, kind, np.random.default_rng((size, len(kind))))


def _genome(size: int, random: np.random.Generator) -> Codes:
    genome = random.integers(0, 4, size, np.uint8)
    for _ in range(size // 20_000):
        length = int(random.integers(300, 3000))
        source, target = random.integers(0, size - length, 2)
        copy = genome[source : source + length].copy()
        changed = random.random(length) < 0.05 * random.random()
        copy[changed] = random.integers(0, 4, int(changed.sum()), np.uint8)
        genome[target : target + length] = copy
    for _ in range(size // 100_000):
        unit, copies = random.integers(2, 8), random.integers(10, 60)
        start = random.integers(0, size - unit * copies)
        genome[start : start + unit * copies] = np.tile(random.integers(0, 4, unit, np.uint8), copies)
    return genome


def _write_reads(path: Path, genome: Codes, kind: str, random: np.random.Generator) -> None:
    count, length = READS[kind]
    starts = random.integers(0, genome.size - length, count)
    bases = genome[starts[:, None] + np.arange(length)]
    foreign = random.random(count) < _FOREIGN
    bases[foreign] = random.integers(0, 4, (int(foreign.sum()), length), np.uint8)
    reverse = random.random(count) < 0.5
    bases[reverse] = 3 - bases[reverse, ::-1]
    if kind == ANCIENT:
        _damage(bases, random)
    _write_fastq(path, bases, _make_errors(bases, _ERRORS, random))


def _write_pairs(stem: Path, genome: Codes, kind: str, random: np.random.Generator) -> None:
    count, length = PAIRS[kind]
    sizes = np.maximum(random.normal(*INSERT_SIZE, count).astype(np.int64), length)
    starts = random.integers(0, genome.size - 2 * INSERT_SIZE[0], count)
    left = genome[starts[:, None] + np.arange(length)]
    right = 3 - genome[(starts + sizes)[:, None] - 1 - np.arange(length)]
    foreign = random.random(count) < _FOREIGN_PAIRS
    is_turned = random.random((count, 1)) < 0.5
    for number, bases in enumerate((np.where(is_turned, right, left), np.where(is_turned, left, right)), 1):
        bases[foreign] = random.integers(0, 4, (int(foreign.sum()), length), np.uint8)
        if kind == ANCIENT:
            _damage(bases, random)
        is_bad = random.random((count, 1)) < _BAD_MATES
        wrong = _make_errors(bases, np.where(is_bad, _BAD_ERRORS, _ERRORS), random)
        _write_fastq(Path(f"{stem}.{number}.fq"), bases, wrong)


def _damage(bases: Codes, random: np.random.Generator) -> None:
    """Deaminate cytosines near the starts of reads, and those of the other strand near their ends."""
    chance = _DAMAGE * _DECAY ** np.arange(bases.shape[1])
    drawn = random.random(bases.shape)
    bases[(bases == 1) & (drawn < chance)] = 3
    bases[(bases == 2) & (drawn < chance[::-1])] = 0


def _make_errors(
    bases: Codes, share: float | npt.NDArray[np.float64], random: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Make bases wrong; returns which."""
    wrong = random.random(bases.shape) < share
    bases[wrong] = (bases[wrong] + random.integers(1, 4, int(wrong.sum()), np.uint8)) & 3
    return wrong


def _write_fastq(path: Path, bases: Codes, wrong: npt.NDArray[np.bool_]) -> None:
    qualities = np.where(wrong, 12, 37).astype(np.uint8) + 33
    with path.open("wb") as file:
        for number in range(len(bases)):
            file.write(
                b"@read%d\n%b\n+\n%b\n" % (number, _LETTERS[bases[number]].tobytes(), qualities[number].tobytes())
            )


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]))

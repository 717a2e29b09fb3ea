"""Made-up genomes and reads for the alignment benchmark, the same for the same size: ``align_data.py FOLDER SIZE``.

A genome is random, with families of diverged copies and tandem repeats. Reads are single: of 75 bases with errors as their
qualities say, and of 50 with deaminated ends, as from old bones. Some are of no genome at all.
"""

import subprocess
import sys
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

MODERN, ANCIENT = "modern", "ancient"
READS: Final = {MODERN: (200_000, 75), ANCIENT: (100_000, 50)}

_LETTERS: Final = np.frombuffer(b"ACGT", np.uint8)
_FOREIGN: Final = 0.02  # of reads
_ERRORS: Final = 0.01
_DAMAGE, _DECAY = 0.2, 0.6  # share of deaminated cytosines at the end of a fragment; factor for each base inwards
_LINE: Final = 100

Codes = npt.NDArray[np.uint8]


def make(folder: Path, size: int) -> None:
    """Write ``genome.SIZE.fa``, its index by bwa, and ``modern.SIZE.fq`` and ``ancient.SIZE.fq``, unless they are there."""
    fasta = folder / f"genome.{size}.fa"
    if fasta.with_name(f"{fasta.name}.sa").exists():
        return
    random = np.random.default_rng(size)
    genome = _genome(size, random)
    with fasta.open("wb") as file:
        file.write(b">chr1\n")
        for start in range(0, size, _LINE):
            file.write(_LETTERS[genome[start : start + _LINE]].tobytes() + b"\n")
    for kind in READS:
        _write_reads(folder / f"{kind}.{size}.fq", genome, kind, random)
    subprocess.run(["bwa", "index", str(fasta)], check=True, stderr=subprocess.DEVNULL)


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
        chance = _DAMAGE * _DECAY ** np.arange(length)
        drawn = random.random(bases.shape)
        bases[(bases == 1) & (drawn < chance)] = 3
        bases[(bases == 2) & (drawn < chance[::-1])] = 0
    wrong = random.random(bases.shape) < _ERRORS
    bases[wrong] = (bases[wrong] + random.integers(1, 4, int(wrong.sum()), np.uint8)) & 3
    qualities = np.where(wrong, 12, 37).astype(np.uint8) + 33
    with path.open("wb") as file:
        for number in range(count):
            file.write(
                b"@read%d\n%b\n+\n%b\n" % (number, _LETTERS[bases[number]].tobytes(), qualities[number].tobytes())
            )


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]))

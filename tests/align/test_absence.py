"""Reads that are said to have no hit have none; and of foreign ones that is said, without a search."""

import random
from pathlib import Path

import bwa
import numpy as np
import pytest
import stages
from made_reads import reverse_complement
from stages import Read

from colonnade.align.absence_kernels import MOST_STATES, is_hopeless
from colonnade.align.fm_kernels import FmIndex
from colonnade.align.index import build_index, open_index
from colonnade.align.options import AlignOptions
from colonnade.align.search import search

MARGIN = 5
ANCIENT = {"seed_length": 16_500, "differences": 0.01, "gap_opens": 2}

Genome = tuple[Path, str]


@pytest.fixture(scope="module")
def genome(tmp_path_factory: pytest.TempPathFactory) -> Genome:
    """Bases, some of which are there twice, and a low-complexity stretch."""
    draw = random.Random(1)
    bases = "".join(draw.choices("ACGT", k=6000))
    bases = bases + bases[1000:1400] + "AC" * 60 + "".join(draw.choices("ACGT", k=500))
    fasta = tmp_path_factory.mktemp("absence") / "genome.fa"
    fasta.write_text(f">chr1\n{bases}\n")
    build_index(fasta)
    return fasta, bases


def changed(draw: random.Random, bases: str, count: int, *, gaps: int) -> str:
    """Bases with so many differences, ``gaps`` of them inserted or deleted ones, away from the ends and from each other."""
    letters = list(bases)
    places = draw.sample(range(MARGIN + 2, len(bases) - MARGIN - 2, 3), count)
    for number, place in enumerate(places):
        if number >= gaps:
            letters[place] = draw.choice([base for base in "ACGT" if base != letters[place]])
        else:
            letters[place] = letters[place] + draw.choice("ACGT") if draw.random() < 0.5 else ""
    return "".join(letters)


def hopeless(fm: FmIndex, bases: str, most: int, opens: int, bound: int = 99) -> bool:
    codes = np.array(["ACGTN".index(base) for base in reverse_complement(bases)], np.uint8)
    scratch = np.empty(len(codes), np.int64), np.empty((2, MOST_STATES, 3), np.int64)
    return bool(
        is_hopeless(fm, codes, np.int64(len(codes)), np.int64(bound), np.int64(most), np.int64(opens), MARGIN, *scratch)
    )


@pytest.mark.parametrize("length", [25, 40, 60])
def test_a_read_with_no_more_differences_than_allowed_is_never_given_up(length: int, genome: Genome) -> None:
    fasta, bases = genome
    fm = open_index(fasta).fm
    draw = random.Random(length)
    for _ in range(150):
        start = draw.randrange(len(bases) - length)
        gaps, count = draw.randint(0, 2), draw.randint(2, 4)
        read = changed(draw, bases[start : start + length], count, gaps=gaps)
        read = reverse_complement(read) if draw.random() < 0.5 else read
        assert not hopeless(fm, read, count, gaps)


def test_an_unknown_base_is_a_difference_like_others(genome: Genome) -> None:
    fasta, bases = genome
    fm = open_index(fasta).fm
    read = list(bases[100:150])
    read[10] = read[20] = read[40] = "N"
    assert not hopeless(fm, "".join(read), 3, 1)
    assert hopeless(fm, "".join(read), 2, 1)


@pytest.mark.parametrize(("length", "most", "share"), [(50, 4, 0.95), (30, 3, 0.9), (70, 6, 0.95)])
def test_most_foreign_reads_are_given_up(length: int, most: int, share: float, genome: Genome) -> None:
    fm = open_index(genome[0]).fm
    draw = random.Random(length)
    given_up = [hopeless(fm, "".join(draw.choices("ACGT", k=length)), most, 2) for _ in range(100)]
    assert np.mean(given_up) >= share


def test_nothing_is_tried_where_the_bound_leaves_no_chance(genome: Genome) -> None:
    assert not hopeless(open_index(genome[0]).fm, "ACGT" * 12, 4, 1, bound=1)


@bwa.needs_bwa
@pytest.mark.parametrize(
    ("letters", "options"),
    [
        ("-l 16500 -n 0.01 -o 2", ANCIENT),
        ("-l 1024 -n 4 -o 0", {"seed_length": 1024, "differences": 4, "gap_opens": 0}),
        ("-l 1024 -n 3 -o 2 -i 0", {"seed_length": 1024, "differences": 3, "gap_opens": 2, "indel_end_skip": 0}),
        ("-l 1024 -n 4 -e 2", {"seed_length": 1024, "differences": 4, "gap_extensions": 2}),
        ("-l 1024 -n 3 -N", {"seed_length": 1024, "differences": 3, "all_hits": True}),
        ("-l 1024 -n 4 -m 200", {"seed_length": 1024, "differences": 4, "queue_entries": 200}),
    ],
)  # fmt: skip
def test_hits_of_reads_with_many_differences_are_those_of_bwa(
    letters: str, options: dict[str, int | float], genome: Genome, tmp_path: Path
) -> None:
    fasta, bases = genome
    draw = random.Random(7)
    reads = []
    for number in range(600):
        length = draw.randint(20, 60)
        start = draw.randrange(len(bases) - length)
        count = draw.randint(2, min(7, (length - 14) // 3))
        read = changed(draw, bases[start : start + length], count, gaps=draw.randint(0, 3))
        if number % 10 == 0:
            read = "".join(draw.choices("ACGTN", (5, 5, 5, 5, 1), k=length))
        reads.append(Read(f"r{number}", read, "I" * len(read)))
    fastq = stages.to_fastq(reads, tmp_path / "reads.fq")
    expected = bwa.read_sai(bwa.aln(fasta, fastq, *letters.split()))
    batch = stages.pristine(reads, tmp_path)
    offsets, fields = search(batch, open_index(fasta).fm, AlignOptions(**options)).lists("hits")
    assert offsets.tolist() == expected.offsets.tolist()
    assert {name: values.tolist() for name, values in fields.items()} == {
        name: values.tolist() for name, values in expected.fields.items()
    }

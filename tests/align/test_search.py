"""Hits of the search, against those of ``bwa aln``: the same, in the same order."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import bwa
import numpy as np
import pysam
import pytest
from made_reads import hard_genome, hard_reads
from stages import Read, of_records, pristine, split

from colonnade.align.batch import Batch
from colonnade.align.index import Index, build_index, open_index
from colonnade.align.options import AlignOptions
from colonnade.align.search import search
from colonnade.errors import FormatError

ANCIENT = {"seed_length": 16500, "differences": 0.01, "gap_opens": 2}

#: bwa's options, and ours.
OPTIONS: dict[str, dict[str, Any]] = {
    "": {},
    "-l 16500 -n 0.01 -o 2": ANCIENT,
    "-n 0": {"differences": 0},
    "-n 1 -k 1": {"differences": 1, "seed_differences": 1},
    "-n 3 -k 0 -l 20": {"differences": 3, "seed_differences": 0, "seed_length": 20},
    "-n 4 -o 2 -e 4 -l 1024": {"differences": 4, "gap_opens": 2, "gap_extensions": 4, "seed_length": 1024},
    "-n 5 -o 3 -e 10 -L -i 1 -d 3": {
        "differences": 5, "gap_opens": 3, "gap_extensions": 10, "log_gap_penalty": True, "indel_end_skip": 1,
        "deletion_hits": 3,
    },
    "-i 0 -n 3 -o 2": {"indel_end_skip": 0, "differences": 3, "gap_opens": 2},
    "-N -n 2": {"all_hits": True, "differences": 2},
    "-m 50": {"queue_entries": 50},
    "-m 1000 -n 5": {"queue_entries": 1000, "differences": 5},
    "-M 1 -O 1 -E 1": {"mismatch_penalty": 1, "gap_open_penalty": 1, "gap_extension_penalty": 1},
    "-M 5 -O 3 -E 2 -e 2": {
        "mismatch_penalty": 5, "gap_open_penalty": 3, "gap_extension_penalty": 2, "gap_extensions": 2,
    },
    "-M 0 -O 0 -E 0 -n 2": {
        "mismatch_penalty": 0, "gap_open_penalty": 0, "gap_extension_penalty": 0, "differences": 2,
    },
    "-R 1": {"most_best_hits": 1},
    "-R 1000 -n 3": {"most_best_hits": 1000, "differences": 3},
    "-q 15": {"trim_quality": 15},
    "-q 30 -l 25 -k 1": {"trim_quality": 30, "seed_length": 25, "seed_differences": 1},
}  # fmt: skip


def assert_same_hits(fasta: Path, batch: Batch, reads: list[Read], letters: str, folder: Path) -> int:
    """Returns how many hits there are."""
    fastq = folder / "reads.fq"
    fastq.write_text("".join(f"@{read.name}\n{read.bases}\n+\n{read.qualities}\n" for read in reads))
    expected = bwa.read_sai(bwa.aln(fasta, fastq, *letters.split()))
    offsets, fields = search(batch, open_index(fasta).fm, AlignOptions(**OPTIONS[letters])).lists("hits")
    differs = np.flatnonzero(np.diff(offsets) != np.diff(expected.offsets))
    assert [reads[at] for at in differs[:3]] == []
    for name, values in fields.items():
        differs = np.flatnonzero(values != expected.fields[name])
        assert [(name, reads[np.searchsorted(offsets, at, side="right") - 1]) for at in differs[:3]] == []
    return int(offsets[-1])


@pytest.fixture(scope="module")
def hard(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Batch, list[Read]]:
    """A genome with repeats of all kinds, and reads of 1 to 250 bases, some with N."""
    folder = tmp_path_factory.mktemp("hard")
    contigs = hard_genome(1)
    fasta = folder / "hard.fa"
    fasta.write_text("".join(f">{name}\n{bases}\n" for name, bases in contigs.items()))
    build_index(fasta)
    reads = [read for read in hard_reads(contigs, 700, 2) if len(read.bases) <= 110 or len(read.name) == 5]
    reads += [Read(f"length{length}", contigs["chr1"][100 : 100 + length], "I" * length) for length in range(1, 251)]
    reads += [Read(f"n{count}", "N" * count + contigs["chr2"][5:60], "I" * (count + 55)) for count in range(6)]
    return fasta, pristine(reads, folder), reads


@bwa.needs_bwa
@pytest.mark.parametrize("letters", OPTIONS)
def test_hits_on_a_genome_with_repeats(letters: str, hard: tuple[Path, Batch, list[Read]], tmp_path: Path) -> None:
    assert assert_same_hits(*hard, letters, tmp_path) > 100


def of_bam(path: Path, most: int, longest: int = 250) -> list[Read]:
    with pysam.AlignmentFile(str(path), check_sq=False) as file:
        reads = [
            Read(f"r{number}", record.get_forward_sequence(), pysam.qualities_to_qualitystring(qualities))
            for number, record in enumerate(file)
            if (qualities := record.get_forward_qualities()) is not None and record.query_length <= longest
        ]
    return reads[:: max(1, len(reads) // most)]


REAL: dict[str, tuple[str, Callable[[Path], list[Read]]]] = {
    "ecoli": ("ecoli_k12_pe100/U00096.2.fasta", lambda data: of_bam(data / "ecoli_k12_pe100/ecoli_1K.unmapped.bam", 800)),
    "hiv": (
        "hiv_caprisa/clip_trimmed/CAP188_wk4_consensus.fasta",
        lambda data: of_bam(data / "hiv_caprisa/clip_trimmed/CAP188_wk30.unmapped.bam", 120),
    ),
    "westnile": ("westnile_454_multiRG/ref.fasta", lambda data: of_bam(data / "westnile_454_multiRG/in.bam", 120)),
    "taps": ("taps_mouse_lambda/lambda.fa", lambda data: of_bam(data / "taps_mouse_lambda/test.bam", 400)),
}  # fmt: skip


@pytest.fixture(scope="module", params=REAL)
def real(
    request: pytest.FixtureRequest, shared_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Batch, list[Read]]:
    name, load = REAL[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    fasta = folder / "ref.fa"
    fasta.write_bytes((shared_data / name).read_bytes())
    build_index(fasta)
    reads = load(shared_data)
    return fasta, pristine(reads, folder), reads


@bwa.needs_bwa
@pytest.mark.parametrize("letters", ["", "-l 16500 -n 0.01 -o 2", "-n 4 -o 2 -e 4 -l 1024", "-q 15"])
def test_hits_of_real_reads(letters: str, real: tuple[Path, Batch, list[Read]], tmp_path: Path) -> None:
    assert assert_same_hits(*real, letters, tmp_path) > 20


@bwa.needs_bwa
def test_a_queue_that_fills_memory_ends_as_in_bwa(tmp_path: Path) -> None:
    genome = "".join(np.random.default_rng(5).choice(list("ACGT"), 20_000)) + "A" * 300 + "AT" * 200
    fasta = tmp_path / "low.fa"
    fasta.write_text(f">low\n{genome}\n")
    build_index(fasta)
    reads = [Read(f"low{at}", "A" * 60 + "AT" * 20 + "G" * at + "A" * 40, "I" * (140 + at)) for at in range(5)]
    assert_same_hits(fasta, pristine(reads, tmp_path), reads, "-l 16500 -n 0.01 -o 2", tmp_path)


@bwa.needs_bwa
def test_hits_of_reads_as_long_as_they_may_be(tmp_path: Path) -> None:
    genome = "".join(np.random.default_rng(6).choice(list("ACGT"), 70_000))
    fasta = tmp_path / "long.fa"
    fasta.write_text(f">long\n{genome}\n")
    build_index(fasta)
    changed = genome.translate(str.maketrans("ACGT", "CGTA"))
    bases = "".join(changed[at] if at % 10_000 == 500 else genome[at] for at in range(70_000))
    lengths = [5_000, 30_000, 37_000, 40_000, 65_535]
    reads = [Read(f"r{length}", bases[300 : 300 + length], "I" * length) for length in lengths]
    assert assert_same_hits(fasta, pristine(reads, tmp_path), reads, "", tmp_path) == 3


@pytest.fixture(scope="module")
def small(hard: tuple[Path, Batch, list[Read]]) -> tuple[Index, list[bytes]]:
    return open_index(hard[0]), split(hard[1])[:200]


@pytest.mark.parametrize("size", [1, 7, 64, 65])
def test_hits_do_not_depend_on_the_batch(size: int, small: tuple[Index, list[bytes]]) -> None:
    index, records = small
    whole = search(of_records(records), index.fm, AlignOptions()).table.column("hits").to_pylist()
    parts = [
        search(of_records(records[at : at + size]), index.fm, AlignOptions()).table.column("hits").to_pylist()
        for at in range(0, len(records), size)
    ]
    assert [hits for part in parts for hits in part] == whole


def test_reads_of_no_bases_and_of_too_many_have_no_hits(small: tuple[Index, list[bytes]], tmp_path: Path) -> None:
    index, _ = small
    reads = [Read("empty", "*", "*"), Read("long", "ACGT" * 20_000, "*"), Read("one", "A", "I")]
    batch = search(pristine(reads, tmp_path), index.fm, AlignOptions())
    assert np.diff(batch.lists("hits")[0]).tolist() == [0, 0, 1]
    assert batch.column("length").tolist() == [0, 80_000, 1]


def test_no_reads_give_no_hits(small: tuple[Index, list[bytes]]) -> None:
    batch = search(of_records([]), small[0].fm, AlignOptions())
    assert len(batch) == 0
    assert batch.lists("hits")[0].tolist() == [0]


def test_a_batch_that_was_searched_is_refused(small: tuple[Index, list[bytes]]) -> None:
    index, records = small
    done = search(of_records(records[:3]), index.fm, AlignOptions())
    with pytest.raises(FormatError, match="found aligned; expected pristine"):
        search(done, index.fm, AlignOptions())

"""The files of a simulation: complete, consistent with each other, and the same however they are made."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pysam
import pytest
from shown import Simulate, codes_of, records_of

import colonnade as cn
from colonnade.errors import OutputError, UsageError
from colonnade.simulate import (
    Amplicon,
    Damage,
    Descent,
    Library,
    Population,
    Reference,
    engine,
    random_population,
    read_population,
    simulate,
    templates,
    tile,
)
from colonnade.simulate.reference import random_codes

ALL = ("bam", "fastq", "ubam")
COMPLEMENT = str.maketrans("ACGT", "TGCA")

REFERENCE = Reference.from_codes(
    {
        "one": random_codes(1500, np.random.default_rng(1)),
        "none": codes_of(""),
        "two": random_codes(800, np.random.default_rng(2)),
    }
)
POPULATION = random_population(REFERENCE, ("early", "late"), Descent(indel_rate=0.005, snv_rate=0.01), seed=1)
LIBRARIES = {
    "usual": Library(depth=40),
    "single": Library(depth=40, paired=False),
    "old": Library(depth=40, template_mean=60, template_sd=20, damage=Damage(), duplicates=0.2, mark_duplicates=True),
    "amplicons": Library(depth=40, amplicons=tile(REFERENCE.lengths, length=300, overlap=80, primer=20)),
}


@pytest.fixture(params=LIBRARIES)
def library(request: pytest.FixtureRequest) -> Library:
    return LIBRARIES[request.param]


def contents(made) -> dict[str, bytes]:
    """All files but the one that names others, under names without the prefix."""
    prefix = str(made.truth).removesuffix("truth.tsv")
    return {
        str(path).removeprefix(prefix): path.read_bytes() for path in Path(prefix).parent.glob(Path(prefix).name + "*")
    }


def test_bytes_depend_neither_on_threads_nor_on_the_run(simulated: Simulate, library: Library) -> None:
    first = contents(simulated(POPULATION, REFERENCE, library, reads=ALL))
    again = contents(simulated(POPULATION, REFERENCE, library, reads=ALL))
    threaded = contents(simulated(POPULATION, REFERENCE, library, reads=ALL, threads=2))
    assert first == again == threaded
    assert len(first) == 5 + 2 * (4 if not library.paired else 5)


def test_bytes_do_not_depend_on_how_the_work_is_cut(
    simulated: Simulate, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = contents(simulated(POPULATION, REFERENCE, library, reads=ALL))
    monkeypatch.setattr(templates, "_PER_WINDOW", 50)
    monkeypatch.setattr(engine, "READS_PER_TASK", 7)
    assert contents(simulated(POPULATION, REFERENCE, library, reads=ALL, threads=2)) == first


def test_other_seeds_and_samples_give_other_reads(simulated: Simulate) -> None:
    still = random_population(REFERENCE, ("early", "late"), Descent(turnover=0), seed=1)
    made = simulated(still, REFERENCE, LIBRARIES["usual"])
    other = simulated(still, REFERENCE, LIBRARIES["usual"], seed=2)
    sequences = [
        {(r.query_sequence, pysam.qualities_to_qualitystring(r.query_qualities)) for r in records_of(path)}
        for m in (made, other)
        for (path,) in m.reads.values()
    ]
    assert all(not a & b for i, a in enumerate(sequences) for b in sequences[i + 1 :])


def test_a_sample_has_the_same_reads_whatever_other_samples_there_are(simulated: Simulate) -> None:
    alone = Population(("late",))
    both = Population(("early", "late"))
    first, second = (simulated(p, REFERENCE, LIBRARIES["usual"]).reads["late"][0] for p in (alone, both))
    assert first.read_bytes() == second.read_bytes()


def test_bam_is_sorted_indexed_and_sound(simulated: Simulate, library: Library) -> None:
    made = simulated(POPULATION, REFERENCE, library)
    for sample, (path,) in made.reads.items():
        pysam.samtools.quickcheck(str(path))
        records = list(records_of(path))
        order = [(record.reference_id, record.reference_start) for record in records]
        assert order == sorted(order)
        assert {record.reference_name for record in records} == {"one", "two"}
        with pysam.AlignmentFile(str(path)) as file:
            assert file.header["HD"] == {"VN": "1.6", "SO": "coordinate"}
            assert file.header["RG"] == [{"ID": sample, "SM": sample}]
            assert dict(zip(file.references, file.lengths, strict=True)) == dict(REFERENCE.lengths)
            assert sum(1 for _ in file.fetch("two")) == sum(r.reference_name == "two" for r in records)
        everything = cn.ReadFilter(exclude_flags=cn.Flag.UNMAP)
        counted = [cn.tally(path, contig, read_filter=everything).records for contig in ("one", "two")]
        assert sum(count["kept"] for count in counted) == len(records)


def test_the_bin_of_each_record_is_the_one_htslib_finds(simulated: Simulate) -> None:
    (path,) = simulated(POPULATION, REFERENCE, LIBRARIES["usual"], seed=3).reads["early"]
    before = [(r.query_name, r.flag, r.bin) for r in records_of(path)]
    rewritten = path.with_suffix(".sam")
    pysam.samtools.view("-h", "-o", str(rewritten), str(path), catch_stdout=False)
    assert [(r.query_name, r.flag, r.bin) for r in records_of(rewritten)] == before


@pytest.mark.parametrize("name", ["usual", "old", "amplicons"])
def test_mates_agree_about_each_other(simulated: Simulate, name: str) -> None:
    made = simulated(POPULATION, REFERENCE, LIBRARIES[name])
    waiting: dict[str, pysam.AlignedSegment] = {}
    directions = set()
    for record in records_of(made.reads["late"][0]):
        assert record.is_paired
        assert record.is_proper_pair
        assert record.mapping_quality == 60
        assert record.get_tag("RG") == "late"
        mate = waiting.pop(record.query_name, None)
        if mate is None:
            waiting[record.query_name] = record
            continue
        left, right = (mate, record) if mate.is_forward else (record, mate)
        assert left.is_forward
        assert right.is_reverse
        assert left.mate_is_reverse
        assert right.mate_is_forward
        assert (left.next_reference_id, right.next_reference_id) == (right.reference_id, left.reference_id)
        assert (left.next_reference_start, right.next_reference_start) == (right.reference_start, left.reference_start)
        assert left.reference_start <= right.reference_start
        span = max(left.reference_end, right.reference_end) - left.reference_start
        assert (left.template_length, right.template_length) == (span, -span)
        assert (left.is_read1, right.is_read1) in {(True, False), (False, True)}
        assert left.get_tag("HP") == right.get_tag("HP")
        directions.add(left.is_read1)
    assert not waiting
    assert directions == {True, False}


def fastq_entries(path: Path) -> Iterator[tuple[str, str, str]]:
    with gzip.open(path, "rt") as file:
        lines = file.read().splitlines()
    assert len(lines) % 4 == 0
    for name, sequence, plus, qualities in zip(*(iter(lines),) * 4, strict=True):
        assert name[0] == "@"
        assert plus == "+"
        yield name[1:], sequence, qualities


def as_sequenced(record: pysam.AlignedSegment) -> tuple[str, str, str]:
    qualities = pysam.qualities_to_qualitystring(record.query_qualities)
    if record.is_forward:
        return record.query_name, record.query_sequence, qualities
    return record.query_name, record.query_sequence[::-1].translate(COMPLEMENT), qualities[::-1]


def test_fastq_and_unaligned_bam_hold_the_reads_of_the_bam(simulated: Simulate, library: Library) -> None:
    made = simulated(POPULATION, REFERENCE, library, reads=ALL)
    for aligned, *fastq, unaligned in made.reads.values():
        pysam.samtools.quickcheck("-u", str(unaligned))
        for mate, path in enumerate(fastq):
            mine = [as_sequenced(r) for r in records_of(aligned) if r.is_read2 == (mate == 1)]
            entries = list(fastq_entries(path))
            assert sorted(entries) == sorted(mine)
            raw = [r for r in records_of(unaligned) if r.is_read2 == (mate == 1)]
            assert [as_sequenced(record) for record in raw] == entries
            assert {record.flag for record in raw} == (
                {77, 141} & {77 if mate == 0 else 141} if library.paired else {4}
            )
            assert {(r.reference_id, r.reference_start, r.cigarstring) for r in raw} == {(-1, -1, None)}
        names = [record.query_name for record in records_of(unaligned)]
        if library.paired:
            assert names[::2] == names[1::2]


def test_tables_say_what_the_population_is(simulated: Simulate, tmp_path: Path) -> None:
    made = simulated(POPULATION, REFERENCE, LIBRARIES["old"], made_from={"made": "here"})
    assert read_population(made.haplotypes, Reference.from_fasta(made.reference)) == POPULATION
    header, *rows = made.truth.read_text().splitlines()
    assert header == "contig\tposition\tevent\tearly\tlate"
    assert len(rows) == len(POPULATION.truth())
    facts = json.loads(made.facts.read_text())
    assert facts["population"] == {"made": "here"}
    assert facts["seed"] == 1
    assert facts["library"]["damage"] == {"rate": 0.3, "decay": 0.7}


def test_a_given_reference_gives_the_same_reads_in_either_case_and_is_not_written(
    simulated: Simulate, tmp_path: Path
) -> None:
    made = simulated(POPULATION, REFERENCE, LIBRARIES["usual"])
    lower = tmp_path / "lower.fa"
    lower.write_text(
        "".join(
            line if line[0] == ">" else line.lower() for line in made.reference.read_text().splitlines(keepends=True)
        )
    )
    given = simulated(POPULATION, Reference.from_fasta(lower), LIBRARIES["usual"])
    assert given.reads["late"][0].read_bytes() == made.reads["late"][0].read_bytes()
    assert given.reference == lower
    assert not Path(str(given.truth).replace("truth.tsv", "reference.fa")).exists()


def test_the_written_reference_has_its_index(simulated: Simulate) -> None:
    made = simulated(POPULATION, REFERENCE, LIBRARIES["usual"])
    written = Path(f"{made.reference}.fai").read_bytes()
    Path(f"{made.reference}.fai").unlink()
    pysam.samtools.faidx(str(made.reference))
    assert Path(f"{made.reference}.fai").read_bytes() == written


def test_nothing_is_replaced_unasked_and_nothing_half_written_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulate(POPULATION, REFERENCE, tmp_path / "made", library=LIBRARIES["usual"])
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(UsageError, match="output exists"):
        simulate(POPULATION, REFERENCE, tmp_path / "made", library=LIBRARIES["old"])

    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(engine, "_index_bam", fail)
    with pytest.raises(RuntimeError):
        simulate(POPULATION, REFERENCE, tmp_path / "made", library=LIBRARIES["old"], force=True)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="does the folder exist"):
        simulate(POPULATION, REFERENCE, tmp_path / "none" / "made")


def test_progress_ends_with_everything_done(simulated: Simulate, library: Library) -> None:
    seen: list[tuple[int, int]] = []
    simulated(POPULATION, REFERENCE, library, progress=lambda *both: seen.append(both))
    assert seen[-1] == (2 * 2300, 2 * 2300)
    assert seen == sorted(seen)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reads": ()}, "no such reads; found none"),
        ({"reads": ("sam",)}, "no such reads; found sam"),
        ({"reads": ("bam", "bam")}, "the same reads are asked for twice; found bam,bam"),
        ({"threads": 0}, "threads is out of range; found 0; expected 1 or more"),
        ({"seed": -1}, "seed is out of range"),
        ({"library": Library(template_mean=1600)}, "templates are longer than every contig; found 1600 bases"),
        ({"library": Library(amplicons=(Amplicon("one", 0, 1501, 10, 1490),))}, "an amplicon ends outside its contig"),
        ({"library": Library(amplicons=(Amplicon("three", 0, 300, 10, 290),))}, "no such contig in the reference"),
    ],
)
def test_impossible_wishes_are_refused(tmp_path: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        simulate(POPULATION, REFERENCE, tmp_path / "made", **options)
    assert not list(tmp_path.iterdir())


def test_samples_whose_files_would_have_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the same file"):
        simulate(Population(("a", "a.unaligned")), REFERENCE, tmp_path / "made", reads=("bam", "ubam"))


def test_deep_amplicons_have_the_depth_asked_for_under_reads_only(simulated: Simulate) -> None:
    amplicon = Amplicon("two", 100, 400, 120, 380)
    made = simulated(POPULATION, REFERENCE, Library(depth=100_000, read_length=50, amplicons=(amplicon,)))
    counts = cn.tally(made.reads["early"][0], "two")
    assert abs(counts.depth[110] - 100_000) < 5 * np.sqrt(100_000)
    assert counts.depth[250] == 0


def test_kernels_as_plain_python_give_the_same_bytes(tmp_path: Path) -> None:
    options = [
        "--random-reference",
        "400",
        "--samples",
        "a",
        "--haplotypes",
        "3",
        "--snv-rate",
        "0.02",
        "--indel-rate",
        "0.02",
    ]
    options += ["--depth", "5", "--damage", "0.3", "--duplicates", "0.2", "--reads", "bam,fastq,ubam", "--threads", "1"]
    for name, plain in (("compiled", "0"), ("plain", "1")):
        (tmp_path / name).mkdir()
        command = [sys.executable, "-m", "colonnade", "simulate", *options, "--quiet", "-o", "made"]
        subprocess.run(command, cwd=tmp_path / name, env={**os.environ, "NUMBA_DISABLE_JIT": plain}, check=True)
    made = [{path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("compiled", "plain")]
    assert made[0] == made[1]
    assert len(made[0]) == 10

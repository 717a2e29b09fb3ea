"""Final records are those of bwa samse, made BAM by htslib."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import bwa
import numpy as np
import pysam
import pytest
import stages
from made_reads import hard_genome, hard_reads, reverse_complement
from stages import Read, Record

from colonnade.align import finish_kernels as kernels
from colonnade.align.batch import Batch, Phase
from colonnade.align.finish import finish
from colonnade.align.index import open_index
from colonnade.align.locate import locate
from colonnade.align.options import AlignOptions
from colonnade.align.search import search
from colonnade.errors import FormatError

pytestmark = bwa.needs_bwa

SETTINGS: list[tuple[tuple[str, ...], dict[str, Any]]] = [
    ((), {}),
    (("-l", "16500", "-n", "0.01", "-o", "2"), {"seed_length": 16500, "differences": 0.01, "gap_opens": 2}),
    (("-q", "15"), {"trim_quality": 15}),
    (
        ("-q", "25", "-n", "6", "-o", "2", "-e", "8", "-i", "0"),
        {"trim_quality": 25, "differences": 6, "gap_opens": 2, "gap_extensions": 8, "indel_end_skip": 0},
    ),
    (
        ("-n", "8", "-o", "3", "-e", "10", "-i", "1", "-d", "100"),
        {"differences": 8, "gap_opens": 3, "gap_extensions": 10, "indel_end_skip": 1, "deletion_hits": 100},
    ),
    (("-n", "0"), {"differences": 0}),
    (("-n", "2", "-N"), {"differences": 2, "all_hits": True}),
    (("-n", "4", "-R", "2"), {"differences": 4, "most_best_hits": 2}),
]
SETTING_IDS = [" ".join(setting[0]) or "default" for setting in SETTINGS]
LISTED = 40


class Case(NamedTuple):
    """The same reads by bwa and by us; with bwa's quirks and without."""

    pristine: list[bytes]
    bwa: list[Record]
    equal: list[Record]
    clean: list[Record]

    def unique(self) -> Iterator[tuple[Record, Record]]:
        """Records by bwa and by us where nothing was left to chance."""
        return ((a, b) for a, b in zip(self.bwa, self.equal, strict=True) if max(best_hits(a), best_hits(b)) <= 1)

    def repeated(self) -> Iterator[tuple[Record, Record]]:
        """Those where one of several equally good places was chosen; that is none if it crosses both strands."""
        return ((a, b) for a, b in zip(self.bwa, self.equal, strict=True) if min(best_hits(a), best_hits(b)) > 1)


def best_hits(record: Record) -> int:
    return int(record.segment.get_tag("X0")) if record.segment.has_tag("X0") else 0


def run_case(fasta: Path, reads: list[Read], folder: Path, letters: tuple[str, ...], options: dict[str, Any]) -> Case:
    header, by_bwa = stages.by_bwa(fasta, reads, folder, *letters, listed=LISTED)
    batch = stages.pristine(reads, folder)
    runs = [
        stages.by_us(fasta, batch, AlignOptions(**options, listed_single_hits=LISTED, bwa_quirks=quirks))
        for quirks in (True, False)
    ]
    records = [stages.as_records(header, run, folder / "records.bam") for run in (by_bwa, *runs)]
    return Case(stages.split(batch), *records)


def write_fasta(contigs: dict[str, str], path: Path) -> Path:
    path.write_text("".join(f">{name}\n{bases}\n" for name, bases in contigs.items()))
    pysam.faidx(str(path))
    return bwa.index(path)


@pytest.fixture(scope="module")
def fasta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_fasta(hard_genome(1), tmp_path_factory.mktemp("genome") / "genome.fa")


@pytest.fixture(scope="module")
def reads(fasta: Path) -> list[Read]:
    ambiguous = {
        "N": as_indexed(fasta)["chr1"][3300:10000]
    }  # reads that equal what bwa has in place of ambiguous bases
    return [*hard_reads(hard_genome(1), 1200, seed=2), *hard_reads(ambiguous, 200, seed=3)]


def as_indexed(fasta: Path) -> dict[str, str]:
    """Contigs with the random bases that the index has where they are ambiguous."""
    index = open_index(fasta)
    codes = index.packed[:, None] >> np.array([6, 4, 2, 0], np.uint8) & 3
    genome = np.frombuffer(b"ACGT", np.uint8)[codes.ravel()].tobytes().decode()
    ends = index.contigs.offsets + index.contigs.lengths
    return {
        name: genome[start:end]
        for name, start, end in zip(index.contigs.names, index.contigs.offsets, ends, strict=True)
    }


@pytest.fixture(scope="module", params=SETTINGS, ids=SETTING_IDS)
def case(
    request: pytest.FixtureRequest, fasta: Path, reads: list[Read], tmp_path_factory: pytest.TempPathFactory
) -> Case:
    return run_case(fasta, reads, tmp_path_factory.mktemp("case"), *request.param)


def test_records_of_single_best_hits_are_those_of_bwa_byte_for_byte(case: Case) -> None:
    pairs = list(case.unique())
    assert len(pairs) > 900
    assert sum(a.segment.is_mapped for a, _ in pairs) > 150
    assert sum(best_hits(a) == 1 and a.segment.is_unmapped for a, _ in pairs) > 80  # bridging two contigs
    ambiguous = [a.segment.get_tag("XT") for a, _ in pairs if a.segment.has_tag("XN")]
    assert {"N", "U"} == set(ambiguous)
    for by_bwa, by_us in pairs:
        assert by_us.data == by_bwa.data, by_bwa.segment.to_string()


def test_repeats_have_the_same_places_and_counts_as_bwa(case: Case) -> None:
    pairs = list(case.repeated())
    assert len(pairs) > 50
    for by_bwa, by_us in pairs:
        a, b = by_bwa.segment, by_us.segment
        assert b.mapping_quality == a.mapping_quality == 0
        assert [b.has_tag(tag) and b.get_tag(tag) for tag in ("X0", "X1", "XC")] == [
            a.has_tag(tag) and a.get_tag(tag) for tag in ("X0", "X1", "XC")
        ]
        # bwa lists one strand only where a read is its own reverse complement
        if a.get_forward_sequence() != reverse_complement(a.get_forward_sequence()):
            assert without_strand(a) == without_strand(b)


def without_strand(record: pysam.AlignedSegment) -> set[tuple[str, int]]:
    if not record.has_tag("XA"):
        return set()  # too many to be listed
    return {(contig, position) for contig, _, position in stages.place_set(record)}


def test_repeats_at_the_same_place_as_bwa_have_the_same_record(case: Case) -> None:
    same = [(a, b) for a, b in case.repeated() if place(a.segment) == place(b.segment)]
    assert len(same) > 3
    for by_bwa, by_us in same:
        assert by_us.data == by_bwa.data


def place(record: pysam.AlignedSegment) -> tuple[Any, ...]:
    return record.reference_id, record.reference_start, record.is_reverse


def test_reads_that_bridge_two_contigs_are_unaligned_with_nothing_left(case: Case) -> None:
    bridging = 0
    for pristine, equal, clean in zip(case.pristine, case.equal, case.clean, strict=True):
        if equal.segment.is_unmapped:
            trimmed = b"XCC" + bytes([equal.segment.get_tag("XC")]) if equal.segment.has_tag("XC") else b""
            assert clean.data[4:] == pristine[4:] + trimmed
            bridging += equal.segment.reference_id >= 0
    assert bridging > 80


def test_other_records_do_not_depend_on_quirks_but_for_places_that_are_none(case: Case) -> None:
    for equal, clean in zip(case.equal, case.clean, strict=True):
        if equal.segment.is_mapped:
            a, b = (dict(record.segment.get_tags()) for record in (equal, clean))
            listed, kept = (tags.pop("XA", "").split(";")[:-1] for tags in (a, b))
            assert a == b
            assert place(equal.segment) == place(clean.segment)
            assert [entry for entry in listed if entry in kept] == kept


def test_places_in_xa_lie_on_their_contig_and_are_not_the_read_s_own(case: Case, fasta: Path) -> None:
    lengths = {name: len(bases) for name, bases in hard_genome(1).items()}
    entries = 0
    for record in case.clean:
        own = (
            record.segment.reference_name,
            "-" if record.segment.is_reverse else "+",
            record.segment.reference_start + 1,
        )
        for entry in record.segment.get_tag("XA").split(";")[:-1] if record.segment.has_tag("XA") else ():
            contig, position, cigar, _ = entry.split(",")
            probe = pysam.AlignedSegment()
            probe.cigarstring = cigar
            trimmed = record.segment.has_tag("XC") and record.segment.query_length - record.segment.get_tag("XC")
            assert (contig, position[0], int(position[1:])) != own
            assert int(position[1:]) - 1 + probe.reference_length <= lengths[contig] + trimmed
            entries += 1
    assert entries > 50


def test_nm_and_md_agree_with_the_reference(case: Case) -> None:
    contigs = hard_genome(1)
    checked = 0
    for record in case.clean:
        segment = record.segment
        if segment.is_mapped:
            stretch = contigs[segment.reference_name][segment.reference_start : segment.reference_end]
            shown = segment.get_reference_sequence()
            assert all(a == b for a, b in zip(shown.upper(), stretch, strict=True) if b in "ACGT")
            inserted = sum(length for operation, length in segment.cigartuples if operation == pysam.CINS)
            deleted = sum(length for operation, length in segment.cigartuples if operation == pysam.CDEL)
            assert segment.get_tag("NM") == sum(base.islower() for base in shown) + inserted + deleted
            checked += 1
    assert checked > 200


@pytest.mark.parametrize(
    ("genome", "fastq", "letters", "options"),
    [
        ("ecoli_k12_pe100/U00096.2.fasta", "ecoli_k12_pe100/ecoli_1K_1.fq.gz", (), {}),
        (
            "hiv_caprisa/clip_trimmed/CAP188_wk4_consensus.fasta",
            "hiv_caprisa/clip_trimmed/CAP188_wk30_R2.fastq.gz",
            ("-n", "30", "-o", "2"),
            {"differences": 30, "gap_opens": 2},
        ),
        (
            "westnile_454_multiRG/ref.fasta",
            "westnile_454_multiRG/in.bam",
            ("-q", "15", "-o", "2"),
            {"trim_quality": 15, "gap_opens": 2},
        ),
        (
            "taps_mouse_lambda/lambda.fa",
            "taps_mouse_lambda/test.bam",
            ("-q", "15", "-n", "8"),
            {"trim_quality": 15, "differences": 8},
        ),
    ],
    ids=["ecoli", "hiv", "westnile", "taps"],
)
def test_real_reads_have_the_records_of_bwa(
    genome: str, fastq: str, letters: tuple[str, ...], options: dict[str, Any], shared_data: Path, tmp_path: Path
) -> None:
    fasta = tmp_path / "genome.fa"
    fasta.write_bytes((shared_data / genome).read_bytes())
    pysam.faidx(str(fasta))
    bwa.index(fasta)
    source = shared_data / fastq
    reads = list(from_bam(source) if source.suffix == ".bam" else from_fastq(source))
    reads = reads[:: -(-len(reads) // 3000)]
    case = run_case(fasta, reads, tmp_path, letters, options)
    unique, repeated = list(case.unique()), list(case.repeated())
    assert len(unique) + len(repeated) == len(reads)
    assert sum(a.segment.is_mapped for a, _ in unique + repeated) > 700
    assert all(a.data == b.data for a, b in unique)
    assert all(stages.place_set(a.segment) == stages.place_set(b.segment) for a, b in repeated)


def from_fastq(path: Path) -> Iterator[Read]:
    with pysam.FastxFile(str(path)) as file:
        for entry in file:
            yield Read(entry.name.removesuffix("/1").removesuffix("/2"), entry.sequence, entry.quality)


def from_bam(path: Path) -> Iterator[Read]:
    with pysam.AlignmentFile(str(path)) as file:
        for number, record in enumerate(file):
            if not record.is_secondary and not record.is_supplementary:
                qualities = "".join(chr(33 + quality) for quality in record.get_forward_qualities())
                yield Read(f"{record.query_name}.{number}", record.get_forward_sequence(), qualities)


TAGS = "RG:Z:one\tBC:Z:ACGT-AC\tzz:B:S,1,2,3\tqq:i:-5"


def test_what_a_record_came_with_stays(fasta: Path, tmp_path: Path) -> None:
    bases = hard_genome(1)["chr1"][100:171]
    mapped, lost = (
        Read("mapped", reverse_complement(bases), "I" * 71, TAGS),
        Read("lost", "AC" * 40 + "GT" * 30, "*", TAGS),
    )
    batch = stages.of_records(
        [with_flag(record, 4 | 512 | 1024) for record in stages.split(stages.pristine([mapped, lost], tmp_path))]
    )
    header, _ = stages.load(stages.to_bam(["@SQ\tSN:chr1\tLN:9000"], tmp_path / "empty.bam"))
    first, second = stages.as_records(header, stages.by_us(fasta, batch, AlignOptions()), tmp_path / "out.bam")
    assert (first.segment.flag, second.segment.flag) == (16 | 512 | 1024, 4 | 512 | 1024)
    assert first.segment.query_sequence == bases
    for record in (first, second):
        assert "\t".join(record.segment.to_string().split("\t")[11:]).startswith(TAGS)
    assert [tag for tag, _ in first.segment.get_tags()][4:] == ["XT", "NM", "X0", "X1", "XM", "XO", "XG", "MD"]
    assert second.segment.query_qualities is None
    assert len(second.segment.get_tags()) == 4


def with_flag(record: bytes, flag: int) -> bytes:
    return record[:18] + flag.to_bytes(2, "little") + record[20:]


@pytest.mark.parametrize(
    ("best_hits", "ambiguous", "is_rescued", "expected"),
    [
        (1, 0, False, "U"),
        (2, 0, False, "R"),
        (1, 10, False, "U"),
        (1, 11, False, "N"),
        (2, 11, False, "N"),
        (2, 0, True, "M"),
        (1, 11, True, "N"),
    ],
)
def test_places_on_more_than_ten_ambiguous_bases_are_marked_and_those_of_rescued_mates(
    best_hits: int, ambiguous: int, is_rescued: bool, expected: str
) -> None:
    assert chr(kernels.kind_of(best_hits, ambiguous, is_rescued)) == expected


@pytest.mark.parametrize("length", [61, 62])
def test_letters_other_than_bases_stay_on_either_strand(length: int, fasta: Path, tmp_path: Path) -> None:
    bases = hard_genome(1)["chr1"][200 : 200 + length]
    letters = f"{bases[:20]}R{bases[21:30]}M{bases[31:]}"
    turned = reverse_complement(bases)
    on_reverse = f"{turned[: length - 31]}K{turned[length - 30 : length - 21]}Y{turned[length - 20 :]}"
    batch = stages.pristine(
        [Read("forward", letters, "I" * length), Read("reverse", on_reverse, "I" * length)], tmp_path
    )
    header, _ = stages.load(stages.to_bam(["@SQ\tSN:chr1\tLN:9000"], tmp_path / "empty.bam"))
    for record in stages.as_records(header, stages.by_us(fasta, batch, AlignOptions()), tmp_path / "out.bam"):
        assert record.segment.query_sequence == letters
        assert record.segment.get_tag("NM") == 2


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_records_do_not_depend_on_batches(size: int, fasta: Path, reads: list[Read], tmp_path: Path) -> None:
    records = stages.split(stages.pristine(reads[:200], tmp_path))
    whole = stages.by_us(fasta, stages.of_records(records), AlignOptions())
    parts = [stages.of_records(records[start : start + size]) for start in range(0, len(records), size)]
    assert [record for part in parts for record in stages.by_us(fasta, part, AlignOptions())] == whole


def test_no_reads_give_no_records(fasta: Path) -> None:
    assert stages.by_us(fasta, stages.of_records([]), AlignOptions()) == []


def test_only_located_batches_are_finished(fasta: Path, reads: list[Read], tmp_path: Path) -> None:
    index = open_index(fasta)
    searched = search(stages.pristine(reads[:2], tmp_path), index.fm, AlignOptions())
    with pytest.raises(FormatError, match="wrong phase; found aligned; expected positioned"):
        finish(searched, index, AlignOptions())
    finished = finish(locate(searched, index, AlignOptions()), index, AlignOptions())
    assert isinstance(finished, Batch)
    assert finished.phase is Phase.FINISHED

"""Records of pairs are those of bwa sampe, made BAM by htslib."""

import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import bwa
import numpy as np
import pysam
import pytest
import stages
from made_pairs import Place, Template, made_pairs
from made_reads import hard_genome, reverse_complement
from stages import Pair, Read, Record

from colonnade.align.options import AlignOptions

pytestmark = bwa.needs_bwa

LENGTH = 76  # of made reads


class Setting(NamedTuple):
    """The same options for bwa and for us."""

    aln: tuple[str, ...] = ()
    sampe: tuple[str, ...] = ()
    options: dict[str, Any] = {}  # noqa: RUF012 - nobody writes to it

    def __str__(self) -> str:
        return " ".join((*self.aln, "/", *self.sampe))


SETTINGS = [
    Setting(),
    Setting(("-l", "16500", "-n", "0.01", "-o", "2"), (), {"seed_length": 16500, "differences": 0.01, "gap_opens": 2}),
    Setting(("-q", "15"), (), {"trim_quality": 15}),
    Setting(
        ("-R", "1"), ("-n", "20", "-N", "20"), {"most_best_hits": 1, "listed_hits": 20, "listed_discordant_hits": 20}
    ),
    Setting(
        ("-n", "2", "-N"),
        ("-n", "1", "-N", "40"),
        {"differences": 2, "all_hits": True, "listed_hits": 1, "listed_discordant_hits": 40},
    ),
    Setting((), ("-s", "-n", "0", "-N", "0"), {"no_rescue": True, "listed_hits": 0, "listed_discordant_hits": 0}),
    Setting((), ("-A", "-a", "300", "-n", "0"), {"no_insert_sizes": True, "max_insert_size": 300, "listed_hits": 0}),
    Setting((), ("-c", "1e-3", "-N", "0"), {"chimeric_share": 1e-3, "listed_discordant_hits": 0}),
    Setting(("-n", "6", "-o", "2"), ("-o", "5"), {"differences": 6, "gap_opens": 2, "pairing_hits": 5}),
]


class Case(NamedTuple):
    """The same pairs by bwa and by us; with bwa's quirks and without. Both mates of a pair are in turns."""

    bwa: list[Record]
    equal: list[Record]
    clean: list[Record]
    best_hits: list[int]

    def unique(self) -> Iterator[slice]:
        """Pairs of which nothing is left to chance."""
        return (pair for pair in self.pairs() if max(self.best_hits[pair]) <= 1)

    def repeated(self) -> Iterator[slice]:
        """Pairs of which a mate has several places that are equally good."""
        return (pair for pair in self.pairs() if max(self.best_hits[pair]) > 1)

    def pairs(self) -> Iterator[slice]:
        return (slice(start, start + 2) for start in range(0, len(self.bwa), 2))


def run_case(fasta: Path, pairs: Sequence[Pair], folder: Path, setting: Setting) -> Case:
    by_bwa = stages.pairs_by_bwa(fasta, pairs, folder, aln=setting.aln, sampe=setting.sampe)
    batch = stages.pristine_pairs(pairs, folder)
    runs = [stages.by_us(fasta, batch, AlignOptions(**setting.options, bwa_quirks=quirks)) for quirks in (True, False)]
    records = [stages.as_records(by_bwa.header, run, folder / "records.bam") for run in (by_bwa.records, *runs)]
    return Case(*records, by_bwa.best_hits)


def assert_equal(case: Case) -> None:
    """All bytes of pairs that leave nothing to chance are the same."""
    for pair in case.unique():
        for by_bwa, by_us in zip(case.bwa[pair], case.equal[pair], strict=True):
            assert by_us.data == by_bwa.data, f"{by_us.segment.to_string()}\nis not\n{by_bwa.segment.to_string()}"


def genome_of_families() -> dict[str, str]:
    """The hard genome, and contigs with stretches that hardly differ: a read may fit another one better than its own."""
    draw = random.Random(20)

    def new(length: int) -> list[str]:
        return draw.choices("ACGT", k=length)

    contigs = hard_genome(1)
    for name, copies in (("few", 4), ("many", 9)):
        original, parts = new(600), []
        for _ in range(copies):
            parts += new(350)
            parts += [draw.choice("ACGT") if draw.random() < 0.02 else base for base in original]
        contigs[name] = "".join(parts)
    left, right = new(TWIN), new(TWIN)
    twins = [[TURNED[base] if at % 60 == 30 else base for at, base in enumerate(part)] for part in (left, right)]
    del twins[0][200], twins[1][100]
    parts = [new(TWIN), left, right, new(TWIN), twins[0], new(5 * TWIN), twins[1], new(TWIN)]
    return contigs | {"twins": "".join(base for part in parts for base in part)}


TWIN = 300  # bases of stretches of "twins": alone, left, right, alone, nearly left, five alone, nearly right, alone
TURNED = dict(zip("ACGT", "CATG", strict=True))


def pairs_of_twins(genome: dict[str, str]) -> list[Pair]:
    """Pairs that are better where one mate, or both, are not at their best place."""
    twins, near_left, near_right = genome["twins"], 4 * TWIN, 10 * TWIN - 1
    pairs = []
    for at in range(TWIN - 2 * LENGTH + 30, TWIN - LENGTH, 3):
        ahead = at + LENGTH + 50 - TWIN  # where the mate begins in the next stretch
        starts = {"one": (at, near_left + ahead), "both": (near_left + at, near_right + ahead)}
        for kind, (first, last) in starts.items():
            forward, reverse = (twins[start : start + LENGTH] for start in (first, last))
            mates = (
                Read(f"{kind}{at}", forward, "I" * LENGTH),
                Read(f"{kind}{at}", reverse_complement(reverse), "I" * LENGTH),
            )
            pairs.append(mates if at % 2 else mates[::-1])
    return pairs


@pytest.fixture(scope="module")
def fasta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stages.write_fasta(genome_of_families(), tmp_path_factory.mktemp("genome") / "genome.fa")


@pytest.fixture(scope="module")
def pairs() -> list[Pair]:
    genome = genome_of_families()
    made = [untagged(template) for template in templates_of(genome, 1400, seed=2) if template.read_group == "short"]
    return made + pairs_of_twins(genome)


def templates_of(genome: dict[str, str], count: int, seed: int) -> list[Template]:
    """Pairs of two libraries; bwa sampe knows no merged reads among them."""
    return [template for template in made_pairs(genome, count, seed) if len(template.reads) == 2]


def tagged(template: Template) -> Pair:
    first, last = template.reads
    return first, last


def untagged(template: Template) -> Pair:
    first, last = template.reads
    return first._replace(tags=""), last._replace(tags="")


@pytest.fixture(scope="module", params=SETTINGS, ids=str)
def case(
    request: pytest.FixtureRequest, fasta: Path, pairs: list[Pair], tmp_path_factory: pytest.TempPathFactory
) -> Case:
    return run_case(fasta, pairs, tmp_path_factory.mktemp("case"), request.param)


def test_pairs_of_single_best_hits_have_the_records_of_bwa_byte_for_byte(case: Case) -> None:
    assert len(list(case.unique())) > 300
    assert_equal(case)


def test_the_pairs_are_of_all_kinds(fasta: Path, pairs: list[Pair], tmp_path: Path) -> None:
    case = run_case(fasta, pairs, tmp_path, SETTINGS[0])
    both = [[record.segment for record in case.bwa[pair]] for pair in case.unique()]
    mates = [mate for pair in both for mate in pair]
    assert sum(a.is_proper_pair for a, _ in both) > 100
    assert sum(a.is_unmapped and b.is_unmapped for a, b in both) > 10
    assert sum(a.is_unmapped != b.is_unmapped for a, b in both) > 10
    assert sum(not (a.is_proper_pair or a.is_unmapped or b.is_unmapped) for a, b in both) > 10
    assert sum(is_rescued(mate) for mate in mates) > 20
    assert sum(is_rescued(mate) and "S" in mate.cigarstring for mate in mates) > 5
    assert sum(is_bridging(mate) for mate in mates) > 10
    assert sum(is_moved(mate) for mate in mates) > 2
    assert sum(mate.has_tag("XA") for mate in mates) > 5
    assert sum(a.is_proper_pair and a.reference_id != b.reference_id for a, b in both) > 2


def is_rescued(record: pysam.AlignedSegment) -> bool:
    return bool(record.has_tag("XT") and record.get_tag("XT") == "M")


def is_bridging(record: pysam.AlignedSegment) -> bool:
    """Whether it lies on two contigs: unmapped, but with a CIGAR."""
    return record.is_unmapped and record.cigarstring is not None


def is_moved(record: pysam.AlignedSegment) -> bool:
    """Whether pairing took another place than the best one."""
    return bool(
        record.has_tag("X0") and record.get_tag("X0") == 1 and record.has_tag("SM") and record.get_tag("SM") == 0
    )


def test_without_quirks_records_differ_only_where_the_page_says_so(case: Case) -> None:
    compared = 0
    for pair in case.unique():
        equal = [record.segment for record in case.equal[pair]]
        if not has_quirk(equal):
            clean = [record.segment for record in case.clean[pair]]
            assert [without_quirks(record) for record in clean] == [without_quirks(record) for record in equal]
            compared += 1
    assert compared > 250


def has_quirk(pair: list[pysam.AlignedSegment]) -> bool:
    """Whether we keep something of a pair only because bwa has it so."""
    a, b = pair
    is_across = a.is_proper_pair and a.reference_id != b.reference_id
    has_leftovers = any(mate.is_unmapped and (mate.cigarstring or mate.mapping_quality) for mate in pair)
    has_old_span = any(is_moved(mate) and mate.get_tag("XO") for mate in pair)
    return is_across or has_leftovers or has_old_span


def without_quirks(record: pysam.AlignedSegment) -> tuple[Any, ...]:
    """A record without the strand of an unmapped mate, and without the places in XA that are none."""
    fields = record.to_dict()
    del fields["tags"]
    if record.mate_is_unmapped:
        fields["flag"] = str(record.flag & ~pysam.FMREVERSE)
    tags = dict(record.get_tags())
    return fields, tags.pop("XA", None) and None, tags


def test_proper_pairs_lie_on_one_contig_and_face_each_other(case: Case) -> None:
    proper = [pair for pair in case.pairs() if case.clean[pair][0].segment.is_proper_pair]
    assert len(proper) > 150
    for pair in proper:
        a, b = (record.segment for record in case.clean[pair])
        assert b.is_proper_pair
        assert a.reference_id == b.reference_id
        assert a.is_reverse != b.is_reverse
        assert a.is_mapped
        assert b.is_mapped


def test_other_pairs_are_as_often_proper_and_rescued_as_by_bwa(case: Case) -> None:
    by_bwa, by_us = (
        proper_and_rescued(record for pair in case.repeated() for record in records[pair])
        for records in (case.bwa, case.equal)
    )
    assert by_bwa[0] > 30
    assert by_us[0] >= by_bwa[0]
    assert by_us[1] >= by_bwa[1]


def proper_and_rescued(records: Iterable[Record]) -> tuple[int, int]:
    """How many mates are in proper pairs, and how many were found near the other one."""
    segments = [record.segment for record in records]
    return sum(segment.is_proper_pair for segment in segments), sum(map(is_rescued, segments))


def test_other_pairs_lie_where_the_search_found_them(fasta: Path, pairs: list[Pair], tmp_path: Path) -> None:
    case = run_case(fasta, pairs, tmp_path, SETTINGS[0])
    ends = []
    for end in (0, 1):
        single = [pair[end] for pair in pairs]
        ends.append(stages.as_records(*stages.by_bwa(fasta, single, tmp_path, listed=100_000), tmp_path / "single.bam"))
    found = [stages.place_set(record.segment) for both in zip(*ends, strict=True) for record in both]
    checked = 0
    for pair in case.repeated():
        for record, places in zip(case.equal[pair], found[pair], strict=True):
            if record.segment.is_mapped and not is_rescued(record.segment):
                assert stages.place_set(record.segment) <= places
                checked += 1
    assert checked > 50


DAMAGED = range(2, LENGTH, 9)  # where a mate differs, more often than the search allows


def test_mates_that_only_smith_waterman_can_place_are_rescued(fasta: Path, tmp_path: Path) -> None:
    genome = hard_genome(1)["chr1"]
    starts = range(20, 2600, 20)  # in a stretch that occurs once
    pairs = [pair_at(genome, start, damaged=start % 40 == 0, flip=start % 80 < 40) for start in starts]
    case = run_case(fasta, pairs, tmp_path, Setting())
    assert_equal(case)
    rescued = [start for start in starts if start % 40 == 0]
    for start, pair in zip(starts, case.pairs(), strict=True):
        mates = [record.segment for record in case.clean[pair]]
        assert all(mate.is_proper_pair for mate in mates)
        if start in rescued:
            (mate,) = filter(is_rescued, mates)
            assert mate.is_reverse
            assert unclipped_start(mate) == start + fragment_size(start) - LENGTH


@pytest.mark.parametrize("equal_in_copy", [0, 2], ids=["equal", "better"])
def test_a_copy_on_the_contig_behind_does_not_hide_a_mate(equal_in_copy: int, tmp_path: Path) -> None:
    """As assemblers leave them: a contig begins with the last bases of the one before."""
    draw = random.Random(4)
    one, rest = ("".join(draw.choices("ACGT", k=3000)) for _ in range(2))
    damaged = [*range(len(one) - LENGTH + 2, len(one), 9)]

    def changed(places: Sequence[int]) -> str:
        return "".join(TURNED[base] if at in places else base for at, base in enumerate(one))

    copy = changed(damaged[:equal_in_copy])[-90:]
    fasta = stages.write_fasta({"one": one, "two": copy + rest}, tmp_path / "genome.fa")
    pairs = [pair_at(one, start, damaged=False, flip=start % 80 < 40) for start in range(20, 2600, 20)]
    first, mate = one[-fragment_size(0) :][:LENGTH], reverse_complement(changed(damaged)[-LENGTH:])
    pairs.append((Read("last", first, "I" * LENGTH), Read("last", mate, "I" * LENGTH)))
    case = run_case(fasta, pairs, tmp_path, Setting())
    assert_equal(case)
    assert not is_rescued(case.equal[-1].segment) or case.equal[-1].segment.reference_name == "two"
    found = case.clean[-1].segment
    assert (is_rescued(found), found.is_proper_pair, found.reference_name) == (True, True, "one")
    assert unclipped_start(found) == len(one) - LENGTH


def pair_at(genome: str, start: int, *, damaged: bool, flip: bool) -> Pair:
    """A mate on either strand, the one on the reverse strand with many differences if damaged; either may be the first."""
    end = start + fragment_size(start)
    bases = list(genome[end - LENGTH : end])
    for at in DAMAGED if damaged else ():
        bases[at] = "A" if bases[at] != "A" else "C"
    forward = Read(f"pair{start}", genome[start : start + LENGTH], "I" * LENGTH)
    reverse = Read(f"pair{start}", reverse_complement("".join(bases)), "I" * LENGTH)
    return (reverse, forward) if flip else (forward, reverse)


def fragment_size(start: int) -> int:
    return 240 + 7 * start % 41


def unclipped_start(record: pysam.AlignedSegment) -> int:
    """Where the record would begin if none of its bases were clipped."""
    operation, length = record.cigartuples[0]
    return record.reference_start - (length if operation == pysam.CSOFT_CLIP else 0)


def test_each_read_group_has_the_records_of_bwa_run_on_it_alone(fasta: Path, tmp_path: Path) -> None:
    templates = templates_of(genome_of_families(), 1000, seed=3)
    batch = stages.pristine_pairs([tagged(template) for template in templates], tmp_path)
    by_us = stages.by_us(fasta, batch, AlignOptions(bwa_quirks=True))
    for group in ("short", "long"):
        chosen = [number for number, template in enumerate(templates) if template.read_group == group]
        pairs = [tagged(templates[number]) for number in chosen]
        by_bwa = stages.pairs_by_bwa(fasta, pairs, tmp_path, sampe=("-r", rf"@RG\tID:{group}"))
        ours = [record for number in chosen for record in by_us[2 * number : 2 * number + 2]]
        runs = (stages.as_records(by_bwa.header, run, tmp_path / "run.bam") for run in (by_bwa.records, ours))
        case = Case(*runs, [], by_bwa.best_hits)
        assert sum(case.bwa[pair][0].segment.is_proper_pair for pair in case.unique()) > 100
        assert_equal(case)


@pytest.mark.parametrize(
    ("genome", "reads", "every", "setting"),
    [
        (
            "ecoli_k12_pe100/U00096.2.fasta",
            "ecoli_k12_pe100/ecoli_1K_{}.fq.gz",
            1,
            Setting(("-n", "1"), (), {"differences": 1}),
        ),
        (
            "hiv_caprisa/clip_trimmed/CAP188_wk4_consensus.fasta",
            "hiv_caprisa/clip_trimmed/CAP217_wk4390_R{}.fastq.gz",
            16,
            Setting(("-n", "30", "-o", "2"), (), {"differences": 30, "gap_opens": 2}),
        ),
        (
            "hiv_caprisa/clip_trimmed/CAP188_wk4_consensus.fasta",
            "hiv_caprisa/clip_trimmed/CAP188_wk30_R{}.fastq.gz",
            4,
            Setting(
                ("-q", "20", "-n", "0.01", "-o", "2"), (), {"trim_quality": 20, "differences": 0.01, "gap_opens": 2}
            ),
        ),
        ("ebola_ubam/ebov-makona.fasta", "ebola_ubam/G5012.3.testreads.bam", 3, Setting()),
        (
            "ebola_ubam/G5012.3.fasta",
            "ebola_ubam/G5012.3.testreads.bam",
            3,
            Setting(("-q", "15"), (), {"trim_quality": 15}),
        ),
    ],
    ids=["ecoli", "hiv distant", "hiv", "ebola makona", "ebola own"],
)
def test_real_pairs_have_the_records_of_bwa(
    genome: str, reads: str, every: int, setting: Setting, shared_data: Path, tmp_path: Path
) -> None:
    fasta = tmp_path / "genome.fa"
    fasta.write_bytes((shared_data / genome).read_bytes())
    stages.index_fasta(fasta)
    pairs = list(from_bam(shared_data / reads) if reads.endswith("bam") else from_fastq(str(shared_data / reads)))
    pairs = pairs[::every]
    case = run_case(fasta, pairs, tmp_path, setting)
    assert sum(case.bwa[pair][0].segment.is_proper_pair for pair in case.unique()) > 150
    assert_equal(case)
    by_bwa = proper_and_rescued(case.bwa)
    for records in (case.equal, case.clean):
        assert all(ours >= theirs for ours, theirs in zip(proper_and_rescued(records), by_bwa, strict=True))


def from_fastq(pattern: str) -> Iterator[Pair]:
    with pysam.FastxFile(pattern.format(1)) as first, pysam.FastxFile(pattern.format(2)) as last:
        for a, b in zip(first, last, strict=True):
            yield (
                Read(a.name.removesuffix("/1"), a.sequence, a.quality),
                Read(b.name.removesuffix("/2"), b.sequence, b.quality),
            )


def from_bam(path: Path) -> Iterator[Pair]:
    with pysam.AlignmentFile(str(path), check_sq=False) as file:
        for a, b in zip(file, file, strict=True):
            yield Read(a.query_name, a.query_sequence, a.qual), Read(b.query_name, b.query_sequence, b.qual)


def test_simulated_pairs_are_placed_as_well_as_by_bwa(fasta: Path, tmp_path: Path) -> None:
    templates = [t for t in templates_of(genome_of_families(), 3000, seed=5) if t.read_group == "long"]
    pairs = [untagged(template) for template in templates]
    case = run_case(fasta, pairs, tmp_path, SETTINGS[0])
    places = [place for template in templates for place in template.places]
    by_bwa, by_us = (
        [is_right(record.segment, place) for record, place in zip(records, places, strict=True)]
        for records in (case.bwa, case.clean)
    )
    by_chance = sum(max(case.best_hits[pair]) > 1 for pair in case.pairs())
    assert sum(by_us) >= sum(by_bwa) - by_chance**0.5  # which of several equal places is right is chance for both
    wrong_by_bwa, wrong_by_us = (
        sum(not right and record.segment.mapping_quality >= 20 for right, record in zip(rights, records, strict=True))
        for rights, records in ((by_bwa, case.bwa), (by_us, case.clean))
    )
    assert wrong_by_us <= wrong_by_bwa
    assert sum(by_us) > 1000


class Score(NamedTuple):
    """Of mates with known origin: how many are placed there, and how many elsewhere with mapping quality 20 or more."""

    right: int
    wrong: int


def score(records: Iterable[Record], places: Iterable[Place | None]) -> Score:
    found = [(record.segment, is_right(record.segment, place)) for record, place in zip(records, places, strict=True)]
    is_sure_and_wrong = [not right and mate.is_mapped and mate.mapping_quality >= 20 for mate, right in found]
    return Score(sum(right for _, right in found), sum(is_sure_and_wrong))


def test_simulated_pairs_of_two_libraries_are_placed_as_well_as_by_bwa_run_on_each(fasta: Path, tmp_path: Path) -> None:
    """Where nothing is left to chance, without any tolerance; which of several equal places is right is chance for both."""
    genome = genome_of_families()
    templates = [template for template in templates_of(genome, 2000, seed=5) if is_possible(template, genome)]
    batch = stages.pristine_pairs([tagged(template) for template in templates], tmp_path)
    by_us = stages.by_us(fasta, batch, AlignOptions())
    for group in ("short", "long"):
        chosen = [number for number, template in enumerate(templates) if template.read_group == group]
        by_bwa = stages.pairs_by_bwa(fasta, [tagged(templates[number]) for number in chosen], tmp_path)
        ours = [record for number in chosen for record in by_us[2 * number : 2 * number + 2]]
        places = [place for number in chosen for place in templates[number].places]
        runs = [stages.as_records(by_bwa.header, run, tmp_path / "run.bam") for run in (by_bwa.records, ours)]
        case = Case(runs[0], [], runs[1], by_bwa.best_hits)
        assert len(list(case.unique())) > 500
        theirs, here = (Score(*np.sum([score(run[at], places[at]) for at in case.unique()], axis=0)) for run in runs)
        assert here.right >= theirs.right
        assert here.wrong <= theirs.wrong
        theirs, here = (score(run, places) for run in runs)
        by_chance = 2 * len(list(case.repeated()))
        assert here.right >= theirs.right - by_chance**0.5
        assert here.wrong <= theirs.wrong + theirs.wrong**0.5


def is_possible(template: Template, genome: dict[str, str]) -> bool:
    """Whether mates of one template lie within one contig, as only made ones do not."""
    places = [place for place in template.places if place is not None]
    is_one = template.kind == "chimeric" or len({place.contig for place in places}) <= 1
    return is_one and all(place.end <= len(genome[place.contig]) for place in places)


def is_right(record: pysam.AlignedSegment, place: Place | None) -> bool:
    """Whether it begins or ends within 5 bases of where it was taken from, on the same strand."""
    if place is None or record.is_unmapped:
        return False
    is_near = abs(unclipped_start(record) - place.start) <= 5 or abs(record.reference_end - place.end) <= 5
    return is_near and (record.reference_name, record.is_reverse) == (place.contig, place.is_reverse)

"""Each read gets one of its best places by chance that only its name decides, and the others are listed."""

from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stages
from raw_index import both_strands, suffix_rows, write_index
from stages import Read, pristine

from colonnade.align import locate_kernels as kernels
from colonnade.align.batch import HIT, Batch, Phase, list_column
from colonnade.align.index import Index, build_index, open_index
from colonnade.align.locate import locate
from colonnade.align.options import AlignOptions
from colonnade.align.search import search
from colonnade.errors import FormatError

LENGTH = 900
REPEAT = slice(100, 150)
COPIES = (300, 500, 700)
#: A read over this many bases on either side of the last base of the text's first half lies on no strand.
MIDDLE = 20


def make_genome() -> str:
    draw = np.random.default_rng(7)
    bases = draw.choice(list("ACGT"), LENGTH)
    for copy in COPIES:
        bases[copy : copy + 50] = bases[REPEAT]
    return "".join(bases)


GENOME = make_genome()
TEXT = both_strands(GENOME)
ROWS = np.array(suffix_rows(TEXT))


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    fasta = tmp_path_factory.mktemp("index") / "genome.fa"
    fasta.write_text(f">one\n{GENOME[:400]}\n>two\n{GENOME[400:]}\n")
    return build_index(fasta)


def with_hits(reads: Batch, hits: list[list[dict[str, int]]], length: int) -> Batch:
    """Reads as if they had been searched, with these hits."""
    offsets = np.cumsum([0, *map(len, hits)], dtype=np.int64)
    flat = [hit for of_read in hits for hit in of_read]
    fields = {
        field.name: np.array([hit.get(field.name, 0) for hit in flat], field.type.to_pandas_dtype()) for field in HIT
    }
    return reads.advanced(length=np.full(len(reads), length, np.int32), hits=list_column(offsets, HIT, fields))


def named(names: list[str], folder: Path, bases: str = GENOME[REPEAT]) -> Batch:
    return stages.pristine([Read(name, bases, "*") for name in names], folder)


def rows_of(bases: str) -> dict[str, int]:
    """The rows that begin with these bases."""
    found = [row for row, start in enumerate(ROWS) if TEXT[start:].startswith(bases)]
    assert found == list(range(found[0], found[-1] + 1))
    return {"row_start": found[0], "row_end": found[-1] + 1}


def places(batch: Batch) -> list[list[tuple[int, int]]]:
    offsets, fields = batch.lists("places")
    pairs = list(zip(fields["position"].tolist(), fields["reverse"].tolist(), strict=True))
    return [pairs[start:end] for start, end in pairwise(offsets)]


def own(batch: Batch) -> list[tuple[int, int]]:
    return list(zip(batch.column("position").tolist(), batch.column("reverse").tolist(), strict=True))


@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 1800])
def test_every_row_leads_to_its_position(count: int, index: Index) -> None:
    rows = np.random.default_rng(count).permutation(np.arange(1, len(TEXT) + 1))[:count]
    positions = np.empty(count, np.int64)
    kernels.follow_rows(index.fm, index.suffixes, rows, positions)
    assert positions.tolist() == ROWS[rows].tolist()


def test_the_row_of_the_whole_text_is_at_its_start(index: Index) -> None:
    positions = np.empty(1, np.int64)
    kernels.follow_rows(index.fm, index.suffixes, np.array([index.fm.primary]), positions)
    assert positions.tolist() == [0]


def test_a_repeat_has_one_of_its_places_and_lists_the_others(index: Index, tmp_path: Path) -> None:
    names = [f"read{number}" for number in range(60)]
    batch = locate(search(named(names, tmp_path), index.fm, AlignOptions()), index, AlignOptions())
    expected = {(start, 0) for start in (REPEAT.start, *COPIES)}
    assert set(own(batch)) == expected
    for chosen, others in zip(own(batch), places(batch), strict=True):
        assert {chosen, *others} == expected
        assert len(others) == 3
    assert set(batch.column("best_hits")) == {4}
    assert set(batch.column("mapping_quality")) == {0}


@pytest.mark.parametrize(("listed", "expected"), [(0, 0), (2, 0), (3, 3), (100, 3)])
def test_places_are_listed_only_if_all_can_be(listed: int, expected: int, index: Index, tmp_path: Path) -> None:
    options = AlignOptions(listed_single_hits=listed)
    batch = locate(search(named(["read"], tmp_path), index.fm, options), index, options)
    assert [len(others) for others in places(batch)] == [expected]
    assert own(batch)[0][0] in (REPEAT.start, *COPIES)


def test_all_best_rows_are_equally_likely(index: Index, tmp_path: Path) -> None:
    reads = named([f"name:{number}" for number in range(4000)], tmp_path)
    hits = [
        [
            {"row_start": 10, "row_end": 13},
            {"row_start": 70, "row_end": 75},
            {"row_start": 90, "row_end": 95, "score": 3},
        ]
    ]
    batch = locate(with_hits(reads, hits * 4000, 10), index, AlignOptions())
    counts = Counter(position for position, _ in own(batch))
    assert len(counts) == 8
    assert all(abs(count - 500) < 5 * np.sqrt(500 * 7 / 8) for count in counts.values())


@pytest.mark.parametrize("listed", [0, 3])
def test_the_choice_depends_on_name_and_seed_alone(listed: int, index: Index, tmp_path: Path) -> None:
    names = [f"read{number}" for number in range(40)]

    def chosen(names: list[str], seed: int) -> dict[str, tuple[int, int]]:
        options = AlignOptions(seed=seed, listed_single_hits=listed)
        return dict(
            zip(names, own(locate(search(named(names, tmp_path), index.fm, options), index, options)), strict=True)
        )

    whole = chosen(names, 1)
    assert chosen(names[::-1], 1) == whole
    assert {name: chosen([name], 1)[name] for name in names[:10]} == {name: whole[name] for name in names[:10]}
    assert chosen(names, 2) != whole
    assert chosen(names, 2**63 - 1) != whole


def test_worse_hits_are_never_chosen(index: Index, tmp_path: Path) -> None:
    reads = named([f"read{number}" for number in range(50)], tmp_path)
    best, worse = rows_of(GENOME[20:50]), rows_of(GENOME[REPEAT])
    batch = locate(with_hits(reads, [[best, {**worse, "score": 3, "mismatches": 1}]] * 50, 30), index, AlignOptions())
    assert set(own(batch)) == {(20, 1)}  # what was searched is the reverse complement
    assert set(batch.column("best_hits")) == {1}
    assert set(batch.column("other_hits")) == {4}


@pytest.mark.parametrize(
    ("best", "others", "mismatches", "limit", "expected"),
    [
        (2, 0, 0, 3, 0),
        (1, 0, 3, 3, 25),
        (1, 0, 2, 3, 37),
        (1, 1, 0, 3, 23),
        (1, 2, 0, 3, 20),
        (1, 9, 0, 3, 13),
        (1, 10**6, 0, 3, 0),
    ],
)
def test_mapping_quality_is_that_of_bwa(best: int, others: int, mismatches: int, limit: int, expected: int) -> None:
    assert kernels.mapping_quality(best, others, mismatches, limit) == expected


@pytest.mark.parametrize(
    ("start", "span", "expected"),
    [
        (0, 10, (0, 1)),
        (LENGTH - 10, 10, (LENGTH - 10, 1)),
        (LENGTH - 9, 10, (-1, 0)),
        (LENGTH - 1, 10, (-1, 0)),
        (LENGTH, 10, (LENGTH - 10, 0)),
        (2 * LENGTH - 10, 10, (0, 0)),
        (2 * LENGTH - 9, 10, (0, 0)),
        (-1, 0, (-1, 0)),
        (5, 0, (-1, 0)),
        (LENGTH, 0, (-1, 0)),
    ],
)
def test_the_second_half_of_the_text_is_the_forward_strand_backwards(
    start: int, span: int, expected: tuple[int, int]
) -> None:
    assert kernels.to_strand(start, span, LENGTH) == expected


def test_reads_across_both_strands_have_no_place(index: Index, tmp_path: Path) -> None:
    reads = named(["across", "beside"], tmp_path, TEXT[LENGTH - MIDDLE : LENGTH + MIDDLE])
    hits = [[rows_of(TEXT[LENGTH - MIDDLE : LENGTH + MIDDLE])], [rows_of(TEXT[LENGTH - 2 * MIDDLE : LENGTH])]]
    batch = locate(with_hits(reads, hits, 2 * MIDDLE), index, AlignOptions())
    assert own(batch) == [(-1, 0), (LENGTH - 2 * MIDDLE, 1)]
    assert batch.column("mapping_quality").tolist() == [0, 37]


def test_a_hit_that_covers_no_base_is_no_place(index: Index, tmp_path: Path) -> None:
    options = AlignOptions(indel_end_skip=0, differences=1, gap_open_penalty=0)
    batch = locate(search(named(["read"], tmp_path, "N"), index.fm, options), index, options)
    assert batch.column("best_hits").tolist() == [2 * LENGTH + 1]  # every row, that of the end of text among them
    assert own(batch) == [(-1, 0)]


def test_a_hit_that_covers_no_base_is_not_listed(index: Index, tmp_path: Path) -> None:
    options = AlignOptions(
        indel_end_skip=0, differences=1, gap_open_penalty=3, listed_single_hits=10_000, most_best_hits=LENGTH
    )
    batch = locate(search(named(["read"], tmp_path, "A"), index.fm, options), index, options)
    assert batch.column("other_hits")[0] > 2 * LENGTH
    assert set(batch.lists("places")[1]["shift"].tolist()) == {0, 1}


def test_gaps_move_reads_of_the_forward_strand(index: Index, tmp_path: Path) -> None:
    bases = TEXT[LENGTH + 100 : LENGTH + 150]
    shorter: dict[str, Any] = {**rows_of(bases), "gap_opens": 1, "gap_extensions": 1}
    reads = named(["deleted", "inserted"], tmp_path)
    batch = locate(
        with_hits(reads, [[{**shorter, "deletions": 2}], [{**shorter, "insertions": 2}]], 50), index, AlignOptions()
    )
    assert batch.column("shift").tolist() == [2, -2]
    assert own(batch) == [(LENGTH - 152, 0), (LENGTH - 148, 0)]


def test_a_place_at_the_same_position_is_not_listed(index: Index, tmp_path: Path) -> None:
    hit = rows_of(GENOME[20:50])
    batch = locate(
        with_hits(named(["read"], tmp_path), [[hit, {**hit, "score": 11, "gap_opens": 1}]], 30), index, AlignOptions()
    )
    assert places(batch) == [[]]


def test_reads_without_hits_have_no_place(index: Index, tmp_path: Path) -> None:
    batch = locate(with_hits(named(["a", "b"], tmp_path), [[], []], 50), index, AlignOptions())
    assert batch.phase is Phase.POSITIONED
    assert own(batch) == [(-1, 0), (-1, 0)]
    assert batch.column("best_hits").tolist() == [0, 0]


def test_only_searched_batches_are_located(index: Index, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="wrong phase; found pristine; expected aligned"):
        locate(named(["read"], tmp_path), index, AlignOptions())


def test_a_damaged_suffix_array_is_told(tmp_path: Path) -> None:
    prefix = write_index(tmp_path / "ref.fa", {"c": "ACGTTGCAACGGTTACCATG" * 9})
    index = open_index(prefix)  # which looks at some suffixes itself
    path = tmp_path / "ref.fa.sa"
    data = bytearray(path.read_bytes())
    for at in range(56, len(data), 8):
        data[at + 6] = 0x7F
    path.write_bytes(data)
    read = Read("r", "GTTGCAACGGTTACCATG", "I" * 18)
    batch = search(pristine([read], tmp_path), index.fm, AlignOptions())
    with pytest.raises(
        FormatError, match=r"ref\.fa\.sa: a position of the suffix array lies outside the genome; found"
    ):
        locate(batch, index, AlignOptions())

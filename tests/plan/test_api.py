"""Planning by file names: opens, checks, cuts."""

from pathlib import Path

import numpy as np
import pysam
import pytest
from made_bam import CONTIGS

import colonnade as cn
from colonnade.errors import InputError, UsageError
from colonnade.regions import Region

READ = "\t60\t50M\t*\t0\t0\t" + "ACGTA" * 10 + "\t*"


def test_plan_covers_all_contigs_in_order(bam) -> None:
    ranges = cn.plan([bam("usual").path, Path(bam("deep", "csi").path)], bytes=200_000)
    assert list(dict.fromkeys(planned.region.contig for planned in ranges)) == list(CONTIGS)
    assert sum(len(planned.region) for planned in ranges) == sum(CONTIGS.values())
    assert all(len(planned.bytes) == len(planned.chunks) == 2 for planned in ranges)
    assert isinstance(ranges[0], cn.Range)


def test_one_path_may_stand_alone(bam) -> None:
    path = bam("usual").path
    assert cn.plan(path, bytes=200_000) == cn.plan([path], bytes=200_000)
    assert cn.plan(Path(path), bytes=200_000) == cn.plan([path], bytes=200_000)


def test_plan_is_the_same_on_a_second_run(bam) -> None:
    paths = [bam("usual").path, bam("long", "csi 12").path]
    for workers in (1, 3):
        assert cn.plan(paths, bytes=70_000, workers=workers) == cn.plan(paths, bytes=70_000, workers=workers)


def test_regions_and_bed_are_merged_and_covered_once(bam, tmp_path: Path) -> None:
    bed = tmp_path / "some.bed"
    bed.write_text("a\t100\t200\nc\t0\t5\n")
    ranges = cn.plan(bam("usual").path, bytes=1 << 30, regions=["c:3-10", Region("a", 150, 300), "b"], bed=bed)
    expected = [Region("a", 100, 300), Region("b", 0, CONTIGS["b"]), Region("c", 0, 10)]
    assert [planned.region for planned in ranges] == expected


def test_empty_bed_gives_no_ranges(bam, tmp_path: Path) -> None:
    (tmp_path / "none.bed").write_text("")
    assert cn.plan(bam("usual").path, bytes=1 << 30, bed=tmp_path / "none.bed") == []


def test_contigs_come_in_the_order_of_the_first_file_then_of_the_others(make_bam) -> None:
    one = make_bam("one.bam", {"x": 1000, "y": 2000}, [f"r\t0\tx\t5{READ}"])
    other = make_bam("other.bam", {"z": 500, "y": 2000, "w": 300}, [f"r\t0\tw\t5{READ}"])
    ranges = cn.plan([one, other], bytes=1 << 20)
    assert [str(planned.region) for planned in ranges] == ["x:1-1000", "y:1-2000", "z:1-500", "w:1-300"]
    assert [[number > 0 for number in planned.bytes] for planned in ranges] == [
        [True, False], [False, False], [False, False], [False, True],
    ]  # fmt: skip


def test_contigs_of_different_lengths_are_refused(make_bam) -> None:
    one = make_bam("one.bam", {"x": 1000, "y": 2000}, [])
    other = make_bam("other.bam", {"x": 1000, "y": 2001}, [])
    with pytest.raises(InputError, match=f"^{other}: y: .*found 2001; expected 2000, as in {one}; "):
        cn.plan([one, other], bytes=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bytes": 0}, "bytes is out of range; found 0; expected 1 or more"),
        ({"bytes": 1, "workers": 0}, "workers is out of range"),
        ({"bytes": 1, "regions": ["nope"]}, "unknown contig"),
        ({"bytes": 1, "regions": [Region("a", 5, 5)]}, "empty or outside"),
    ],
)
def test_questions_that_make_no_sense_are_refused(bam, arguments: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        cn.plan(bam("usual").path, **arguments)


def test_no_file_is_refused() -> None:
    with pytest.raises(UsageError, match="no file"):
        cn.plan([], bytes=1)


def test_sam_is_planned_as_the_bam_that_it_becomes(make_bam, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    bam = make_bam("one.bam", {"x": 90_000}, [f"r\t0\tx\t{n}{READ}" for n in sorted(rng.integers(1, 80_000, 500))])
    sam = tmp_path / "one.sam"
    pysam.samtools.view("-h", "-o", str(sam), str(bam), catch_stdout=False)
    assert [r.region for r in cn.plan(sam, bytes=9000)] == [r.region for r in cn.plan(bam, bytes=9000)]

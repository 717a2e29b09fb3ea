"""Regions are covered once, in order; parts hold about as many bytes each and together everything."""

import pytest

from colonnade.compare.cover import Cover, cut
from colonnade.compare.question import Question
from colonnade.formats.alignments import open_all
from colonnade.regions import Region, merge_regions, regions_of_interest

LENGTHS = {"one": 70_000, "short": 300, "two": 50_000}


def test_ranges_are_taken_off_the_front_and_know_where_the_one_before_ended() -> None:
    cover = Cover([Region("c", 5, 10), Region("c", 20, 30), Region("d", 0, 5)], before=Region("c", 0, 4))
    assert cover.take(Region("c", 5, 8)) == 4
    assert cover.left == [Region("c", 8, 10), Region("c", 20, 30), Region("d", 0, 5)]
    assert [cover.take(region) for region in cover.left] == [8, 10, 0]
    assert cover.left == []


@pytest.mark.parametrize(("start", "end"), [(4, 8), (6, 8), (5, 11)])
def test_a_range_that_is_not_the_next_is_refused(start: int, end: int) -> None:
    cover = Cover([Region("c", 5, 10)])
    with pytest.raises(ValueError, match="c:6-10 is next"):
        cover.take(Region("c", start, end))
    cover.take(Region("c", 5, 10))
    with pytest.raises(ValueError, match="nothing is next"):
        cover.take(Region("c", 10, 11))


@pytest.mark.parametrize("parts", [1, 2, 3, 5, 40])
@pytest.mark.parametrize("texts", [(), ("one:100-40,000", "one:50,000-50,001", "two:1-20,000")])
def test_parts_together_are_all_regions_in_order(genome: Question, parts: int, texts: tuple[str, ...]) -> None:
    regions = regions_of_interest(texts, None, LENGTHS)
    with open_all(list(genome.samples.values())) as files:
        runs = cut(regions, files, parts)
    together = [region for run in runs for region in run]
    assert len(runs) == parts
    assert sum(map(len, together)) == sum(map(len, regions))
    assert together == sorted(together, key=lambda region: (list(LENGTHS).index(region.contig), region.start))
    assert merge_regions(together, LENGTHS) == regions


def test_parts_hold_about_as_much_each(genome: Question) -> None:
    with open_all(list(genome.samples.values())) as files:
        runs = cut(regions_of_interest((), None, LENGTHS), files, 2)
    sizes = [sum(map(len, run)) for run in runs]
    assert max(sizes) - min(sizes) < 2 * 16384


def test_nothing_is_cut_into_parts_of_nothing() -> None:
    assert cut([], [], 3) == [[], [], []]

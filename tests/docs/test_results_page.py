"""The page of real results holds what the program gives now; the examples do what they say."""

import re
import runpy
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
PAGE = Path(__file__).parents[2] / "docs" / "results.md"
REFERENCE = "ACGT" * 30


@pytest.fixture
def example(monkeypatch):
    """The names that an example defines."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return lambda name: runpy.run_path(str(EXAMPLES / f"{name}.py"))


def sampled(make_bam, name: str, count: int, changed: int) -> Path:
    """Reads over all of the reference, of which some have C instead of A at position 61, equally on both strands."""
    other = REFERENCE[:60] + "C" + REFERENCE[61:]
    lines = [
        f"r{i}\t{16 * (i // 2 % 2)}\tchr1\t1\t60\t120M\t*\t0\t0\t{other if i < changed else REFERENCE}\t{'I' * 120}"
        for i in range(count)
    ]
    return make_bam(f"{name}.bam", {"chr1": len(REFERENCE)}, lines)


@pytest.mark.parametrize("data_set", ["hiv", "sars", "colo829", "braf"])
def test_the_page_has_the_tables_that_the_program_gives(example, shared_data: Path, data_set: str) -> None:
    results = example("results")
    made = results[data_set](shared_data)
    page = PAGE.read_text(encoding="utf-8")
    assert results["replaced"](page, made) == page
    assert all(text.count("\n") > 2 for text in made.values())


def test_every_table_of_the_page_is_made_by_the_script(example, shared_data: Path) -> None:
    marks = re.findall(r"<!-- examples/results\.py: (\S+) -->", PAGE.read_text(encoding="utf-8"))
    assert sorted(marks) == sorted(example("results")["tables"](shared_data))


def test_a_table_is_replaced_and_nothing_else(example) -> None:
    results = example("results")
    page = "a\n<!-- examples/results.py: x -->\n\nold\n\n<!-- end -->\nb\n<!-- examples/results.py: y -->\n\n<!-- end -->\n"
    found = results["replaced"](page, {"x": "new\n"})
    assert found == page.replace("old", "new")
    assert results["replaced"](found, {"x": "new\n"}) == found


def test_a_plain_difference_is_that_of_the_observed_shares(example, make_bam) -> None:
    paths = {name: sampled(make_bam, name, count, changed) for name, count, changed in (("a", 40, 4), ("b", 20, 8))}
    largest = example("results")["largest_differences"](paths, "chr1")
    assert len(largest) == len(REFERENCE)
    assert np.flatnonzero(largest).tolist() == [60]
    assert largest[60] == pytest.approx(0.3)


def test_a_time_course_has_the_bases_of_a_locus_that_changes_at_all_time_points(example, make_bam, make_fasta) -> None:
    reference = make_fasta("ref.fa", {"chr1": REFERENCE})
    samples = {f"t{time}": sampled(make_bam, f"t{time}", 200, changed) for time, changed in ((0, 0), (1, 0), (2, 160))}
    header, *rows = example("time_course")["time_course"](str(reference), samples)
    assert header == ["contig", "position", "base", "t0", "t1", "t2"]
    assert [row[:3] for row in rows] == [["chr1", "61", "A"], ["chr1", "61", "C"]]
    shares = np.array([[float(cell.split()[0]) for cell in row[3:]] for row in rows])
    np.testing.assert_allclose(shares, [[1, 1, 0.2], [0, 0, 0.8]], atol=0.02)


def test_a_hotspot_has_the_reads_and_the_interval_of_one_base(example, make_bam, make_fasta) -> None:
    reference = make_fasta("ref.fa", {"chr1": REFERENCE})
    samples = {
        name: sampled(make_bam, name, count, changed) for name, count, changed in (("few", 4, 0), ("many", 400, 80))
    }
    header, few, many = example("hotspot")["hotspot"](reference, "chr1", 61, "C", samples)
    assert header == ["sample", "depth", "C", "share"]
    assert (few[:3], many[:3]) == (["few", "4", "0"], ["many", "400", "80"])
    intervals = [[float(end) for end in row[3].split("-")] for row in (few, many)]
    assert intervals[0][1] > 0.2 > intervals[0][0]
    assert 0.13 < intervals[1][0] < 0.2 < intervals[1][1] < 0.27


def test_a_hotspot_without_reads_can_have_any_share(example, make_bam, make_fasta) -> None:
    reference = make_fasta("ref.fa", {"chr1": REFERENCE + "A"})
    path = make_bam("a.bam", {"chr1": 121}, ["r\t0\tchr1\t1\t60\t4M\t*\t0\t0\tACGT\tIIII"])
    assert example("hotspot")["hotspot"](reference, "chr1", 121, "A", {"a": path})[1:] == [["a", "0", "0", "any"]]

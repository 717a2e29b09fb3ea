"""What a page says first is what the tables say, with what not to believe."""

import json
import re
from html import unescape
from pathlib import Path

import pytest
from made_results import Made, write_made_result

import colonnade as cn
from colonnade.report.content import Content
from colonnade.report.summary import decimals
from colonnade.run.progress import no_report

ONE = Made(n_loci=40, n_changed=8, n_indels=2, contigs={"virus": 1200}, n_evidence=4)


def summary_of(prefix: Path) -> str:
    """The summary's HTML."""
    return Content(cn.read_result(prefix), gff=None, reference=None, progress=no_report).page({}).texts["summary"]


def text_of(html: str) -> str:
    return unescape(re.sub("<[^>]+>", "", html))


def edit(prefix: Path, table: str, where: dict[str, str], **cells: str) -> None:
    """Change cells of the first row that has some others."""
    path = Path(f"{prefix}.{table}.tsv")
    header, *lines = (line.split("\t") for line in path.read_text().split("\n")[:-1])
    chosen = next(line for line in lines if all(line[header.index(name)] == value for name, value in where.items()))
    for name, value in cells.items():
        chosen[header.index(name)] = value
    path.write_text("".join("\t".join(line) + "\n" for line in (header, *lines)))


def remove(prefix: Path, *tables: str) -> None:
    for table in tables:
        Path(f"{prefix}.{table}.tsv").unlink()


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    return write_made_result(tmp_path / "r", ONE)


def test_changes_are_counted_as_in_stats(prefix: Path) -> None:
    edit(
        prefix,
        "stats",
        {},
        loci="1300",
        no_data="60",
        below_min_depth="40",
        changed="8",
        ambiguous="59",
        unchanged="1133",
    )
    said = text_of(summary_of(prefix))
    assert said.startswith(
        "Between early and late, 8 of 1,200 loci changed (by more than 0.2, 99 % sure); 1,133 did not change, "
        "59 cannot be decided, 60 without reads of one of the two, 40 below the least depth. The largest: "
    )


@pytest.mark.parametrize(("changed", "said"), [("0", "none of 1,200 loci changed"), ("1", "1 of 1,200 loci changed")])
def test_few_changes_are_said_in_words(prefix: Path, changed: str, said: str) -> None:
    edit(prefix, "stats", {}, changed=changed)
    assert said in text_of(summary_of(prefix))


def test_the_largest_changes_are_named_with_their_shares_and_interval_and_lead_to_their_rows(prefix: Path) -> None:
    result = cn.read_result(prefix)
    rows = result.read("dist").to_pylist()
    changed = [number for number, row in enumerate(rows) if row["state"] == "changed"]
    largest = sorted(changed, key=lambda number: -rows[number]["distance_mean"])[:3]
    links = re.findall(r'<a href="#locus" data-row="(\d+)">([^<]*)</a>', summary_of(prefix))
    assert [int(number) for number, _ in links] == largest
    comp = {(row["position"], row["sample"], row["base"]): row for row in result.read("comp").to_pylist()}
    for number, text in links:
        position = rows[int(number)]["position"]
        shares = {sample: {base: comp[position, sample, base] for base in "ACGT"} for sample in ("early", "late")}
        rise = {base: shares["late"][base]["mean"] - shares["early"][base]["mean"] for base in "ACGT"}
        lost, gained = min(rise, key=rise.__getitem__), max(rise, key=rise.__getitem__)
        before, after = shares["early"][gained], shares["late"][gained]
        interval = f"({after['q0.005']:.2f}–{after['q0.995']:.2f})"
        assert unescape(text) == f"{position:,} {lost}→{gained} {before['mean']:.2f}→{after['mean']:.2f} {interval}"


def test_changes_that_the_strands_disagree_about_are_pointed_out(prefix: Path) -> None:
    assert "disagree" not in summary_of(prefix)
    edit(prefix, "dist", {"state": "changed"}, strand_p="0.00099")
    edit(prefix, "dist", {"state": "unchanged"}, strand_p="1e-9")
    said = text_of(summary_of(prefix))
    assert "Forward and reverse reads disagree about one of them (p < 0.001): " in said
    assert "look at the reads before you believe it" in said


@pytest.mark.parametrize(
    ("counts_1", "counts_2", "shares"), [("90,10,0", "10,15,75", "0.00→0.75"), ("10,15,75", "60,30,10", "0.75→0.10")]
)
def test_indels_are_told_with_the_event_whose_share_changes_most(
    prefix: Path, counts_1: str, counts_2: str, shares: str
) -> None:
    edit(prefix, "idist", {}, events="@,+ACG,-TT", counts_1=counts_1, counts_2=counts_2, distance_mean="0.9999")
    edit(prefix, "stats", {}, indel_changed="2")
    position = cn.read_result(prefix).read("idist").to_pylist()[0]["position"]
    said = text_of(summary_of(prefix))
    assert f"2 indels changed; the largest: {position:,} -TT {shares}, " in said


def test_indels_lead_from_the_reference(prefix: Path) -> None:
    for path in prefix.parent.glob("r.*.tsv"):
        path.write_text(path.read_text().replace("early\tlate\t", "early\tREF\t"))
    facts = Path(f"{prefix}.run.json")
    facts.write_text(json.dumps({**json.loads(facts.read_text()), "comparisons": [["early", "REF"]]}))
    edit(prefix, "idist", {}, events="@,-TT", counts_1="25,75", counts_2="100,0", distance_mean="0.9999")
    assert " -TT 0.00→0.75, " in text_of(summary_of(prefix))


def test_the_expected_share_of_false_entries_is_told(prefix: Path) -> None:
    edit(prefix, "dist", {"state": "changed"}, false_share="0.0123")
    said = text_of(summary_of(prefix))
    assert "By chance alone, at most 1.2 % of the base changes listed are expected to be false: artefacts" in said
    assert "and indels are not counted" in said


def test_without_stats_the_rows_are_counted(prefix: Path) -> None:
    remove(prefix, "stats")
    assert "Between early and late, 8 loci changed (" in text_of(summary_of(prefix))


def test_without_comp_distances_are_told(prefix: Path) -> None:
    remove(prefix, "comp")
    assert re.search(r"The largest: [\d,]+, distance 0\.\d\d, ", text_of(summary_of(prefix)))


def test_without_rows_and_stats_nothing_is_claimed(prefix: Path) -> None:
    remove(prefix, "stats", "dist", "idist")
    assert text_of(summary_of(prefix)) == "Between early and late, changes were not written (neither dist nor stats)."


def test_of_many_comparisons_those_with_most_changes_are_told(tmp_path: Path) -> None:
    made = Made(n_loci=10, samples=tuple("abcde"), n_evidence=4)
    prefix = write_made_result(tmp_path / "r", made)
    counts = dict(zip(made.comparisons, (3, 9, 8, 7, 1, 2, 6, 5, 4, 0), strict=True))
    for (one, two), count in counts.items():
        edit(prefix, "stats", {"sample_1": one, "sample_2": two}, changed=str(count))
    said = text_of(summary_of(prefix))
    told = re.findall(r"Between (\w) and (\w), (\d) of", said)
    assert told == [(*pair, str(count)) for pair, count in counts.items() if count >= 4]
    assert "4 further comparisons with fewer changes" in said


@pytest.mark.parametrize(
    ("distance", "expected"), [(0.5, 2), (0.2, 2), (0.05, 2), (0.02, 2), (0.01, 3), (0.005, 3), (0.001, 4), (0.0001, 4)]
)
def test_small_distances_that_count_have_more_decimals(distance: float, expected: int) -> None:
    assert decimals({"min_distance": distance}) == expected

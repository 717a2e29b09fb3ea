"""The facts of a run are told, all that differ from reading everything."""

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest

import colonnade as cn
from colonnade.report.words import facts_in_words, samples_in_words


class Stored:
    """As much of a result as words need."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self.facts = facts


def told(prefix: Path, **changed: Any) -> dict[str, str]:
    """Terms and texts of a result some of whose options and filters are others."""
    facts = {**cn.read_result(prefix).facts}
    for part in ("options", "read_filter"):
        facts[part] = {name: changed.get(name, value) for name, value in facts[part].items()}
    facts.update({name: value for name, value in changed.items() if name in facts})
    html = facts_in_words(Stored(facts))  # type: ignore[arg-type]
    return {unescape(term): unescape(text) for term, text in re.findall("<dt>(.*?)</dt><dd>(.*?)</dd>", html)}


def test_what_counts_is_told(small: Path) -> None:
    said = told(small)
    assert said["Reads that count"] == "mapping quality of at least 10; not flagged UNMAP, SECONDARY, QCFAIL, DUP"
    assert said["Bases that count"] == "quality of at least 5, after overlapping mates have become one"
    assert said["Where"] == "everywhere"
    assert said["Changed"].startswith(
        "the distance of the two compositions exceeds 0.2 with a probability of at least 0.99"
    )
    assert said["Further conditions"] == "every locus compared is listed, not only those that changed"


@pytest.mark.parametrize(
    ("name", "value", "term", "text"),
    [
        ("require_flags", 3, "Reads that count", "flagged PAIRED, PROPER_PAIR"),
        ("any_flags", 64, "Reads that count", "flagged as one of READ1"),
        ("drop_orphans", True, "Reads that count", "pairs only where they are proper"),
        ("read_groups", ["a<b"], "Reads that count", "of read groups a<b"),
        ("exclude_read_groups", ["x"], "Reads that count", "not of read groups x"),
        ("trim5", 4, "Bases that count", "not the 4 at the 5' end of a read"),
        ("trim3", 1000, "Bases that count", "not the 1,000 at the 3' end of a read"),
        ("mask", ["a:1-2", "a:5-9"], "Bases that count", "not in the 2 intervals of the mask"),
        ("assume_quality", 30, "Bases that count", "quality 30 where a read has none"),
        ("min_depth", 20, "Further conditions", "at least 20 bases in both samples"),
        ("min_strand_p", 0.001, "Further conditions", "p at least 0.001"),
        ("max_false_share", 0.05, "Further conditions", "the list ends where 0.05 of it are expected to be false"),
        ("indels", "as-aligned", "Indels", "counted where they are aligned"),
        ("bed", "x.bed", "Regions from", "x.bed"),
        ("regions", [str(n) for n in range(11)], "Where", "0, 1, 2, 3, 4, 5, 6, 7 and 3 more"),
    ],
)
def test_each_option_that_changes_the_result_is_told(small: Path, name: str, value: Any, term: str, text: str) -> None:
    assert text not in told(small).get(term, "")
    assert text in told(small, **{name: value})[term]


def test_samples_are_told_with_files_records_and_depth(small: Path) -> None:
    result = cn.read_result(small)
    html = samples_in_words(result, {"wk4": (5678, 1234.5), "wk30": (2, 3.0), "wk52": (4, 5.0)})
    row = re.findall("<tr>(.*?)</tr>", html)[1]
    cells = re.findall("<t[hd][^>]*>(.*?)</t[hd]>", row)
    assert cells[:4] == ["wk4", "<div>sample_1.bam</div>", "1,000", "10 unmapped, 5 of low mapping quality"]
    assert cells[4:] == ["5,678", "1,234"]
    assert "mean depth" not in samples_in_words(result, None)

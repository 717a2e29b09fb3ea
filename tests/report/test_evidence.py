"""The reads of a page are those of evidence, each quality by itself or in classes."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from made_results import Made, write_made_result
from report_pages import unpacked

import colonnade as cn
from colonnade.formats.fasta import BASES
from colonnade.report import evidence
from colonnade.report.composition import LOCI_PER_CHUNK
from colonnade.report.rows import read_rows, split_key


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A result whose loci fill more than one piece of a page."""
    made = Made(n_loci=LOCI_PER_CHUNK + 88, samples=("a", "b"), n_evidence=16, contigs={"one": 5000, "two": 3000})
    return write_made_result(tmp_path_factory.mktemp("evidence") / "r", made)


def reads_of_page(prefix: Path) -> Counter[tuple[object, ...]]:
    result = cn.read_result(prefix)
    loci = read_rows(result, "dist").loci
    contigs = list(result.facts["reference"]["md5"])
    found: Counter[tuple[object, ...]] = Counter()
    for number, chunk in enumerate(evidence.evidence_chunks(result, loci)):
        columns = unpacked(chunk).columns
        for locus, sample, base, strand, quality, count in zip(*columns.values(), strict=True):
            contig, position = split_key(loci[number * LOCI_PER_CHUNK + locus])
            key = (contigs[contig], position, result.samples[sample], BASES[base], int(quality), "+-"[strand])
            assert key not in found
            found[key] += int(count)
    assert number == (len(loci) - 1) // LOCI_PER_CHUNK
    return found


def reads_of_table(prefix: Path) -> Counter[tuple[object, ...]]:
    names = ("contig", "position", "sample", "base", "quality", "strand")
    rows = cn.read_result(prefix).read("evidence").to_pylist()
    return Counter({tuple(row[name] for name in names): row["count"] for row in rows})


def test_every_count_is_that_of_the_table(prefix: Path) -> None:
    assert reads_of_page(prefix) == reads_of_table(prefix)


def test_counts_of_large_results_are_summed_by_classes_of_quality(
    prefix: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "MOST_EXACT", 100)
    expected: Counter[tuple[object, ...]] = Counter()
    for (*place, quality, strand), count in reads_of_table(prefix).items():
        low = max(low for low in evidence.CLASSES if low <= quality)
        expected[*place, low, strand] += count
    assert len(expected) < len(reads_of_table(prefix))
    assert reads_of_page(prefix) == expected


def test_loci_without_reads_have_empty_pieces(prefix: Path) -> None:
    result = cn.read_result(prefix)
    loci = np.arange(1 << 33, (1 << 33) + LOCI_PER_CHUNK + 1)
    chunks = list(evidence.evidence_chunks(result, loci))
    assert [len(unpacked(chunk).columns["count"]) for chunk in chunks] == [0, 0]


def test_how_exact_a_page_is_depends_on_loci_and_samples_only(prefix: Path) -> None:
    result = cn.read_result(prefix)
    assert evidence.is_exact(np.arange(evidence.MOST_EXACT // 2), result)
    assert not evidence.is_exact(np.arange(evidence.MOST_EXACT // 2 + 1), result)

"""A page is made from what there is, the same on every run, and nothing is replaced that should not be."""

import json
import re
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from made_results import Made, write_made_result
from report_pages import file_of, frame_of, frames_of, settings_of

import colonnade as cn
from colonnade.compare.schemas import TABLES
from colonnade.report import content
from colonnade.report.engine import write_report


def made(folder: Path, **settings) -> Path:
    return write_made_result(folder / "r", Made(**{"n_loci": 12, "n_evidence": 4, **settings}))


@pytest.mark.parametrize("kind", ["tsv", "tsv.gz", "parquet"])
def test_small_files_are_in_the_page_as_they_are(tmp_path: Path, kind) -> None:
    prefix = made(tmp_path, kind=kind)
    write_report(prefix, tmp_path / "r.html")
    for table in TABLES:
        assert file_of(tmp_path / "r.html", table) == Path(f"{prefix}.{table}.{kind}").read_bytes()


def test_large_files_are_not_and_the_page_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prefix = made(tmp_path)
    size = Path(f"{prefix}.comp.tsv").stat().st_size
    monkeypatch.setattr(content, "MOST_BYTES", size - 1)
    write_report(prefix, tmp_path / "r.html")
    files = {file["table"]: file for file in settings_of(tmp_path / "r.html")["files"]}
    assert files["comp"] == {"table": "comp", "name": "r.comp.tsv", "bytes": size, "held": False}
    assert files["stats"]["held"]
    assert "file-comp" not in frames_of(tmp_path / "r.html")


def test_the_same_files_make_the_same_bytes_wherever_the_page_is(tmp_path: Path) -> None:
    prefix = made(tmp_path, samples=("a", "b", "c"))
    (tmp_path / "elsewhere").mkdir()
    pages = [tmp_path / "one.html", tmp_path / "elsewhere" / "two.html"]
    for page in pages:
        write_report(prefix, page)
    one, two = (page.read_bytes() for page in pages)
    assert one == two
    assert str(tmp_path / "elsewhere").encode() not in one


@pytest.mark.parametrize("left_out", [[table] for table in TABLES] + [list(TABLES[:2]), list(TABLES)])
def test_a_table_that_is_not_there_is_missing_from_its_section_only(tmp_path: Path, left_out: list[str]) -> None:
    prefix = made(tmp_path)
    for table in left_out:
        Path(f"{prefix}.{table}.tsv").unlink()
    page = tmp_path / "r.html"
    write_report(prefix, page)
    html = page.read_text(encoding="utf-8").partition("<script")[0]
    for table in {*TABLES} - {"comp", "evidence"}:  # these two the script speaks of, where a locus is chosen
        assert (f"The table {table} was not written" in html) == (table in left_out)
    assert settings_of(page)["hasCompositions"] == (not {"comp", "dist"} & {*left_out})
    assert settings_of(page)["hasEvidence"] == (not {"evidence", "dist"} & {*left_out})


def test_a_result_without_rows_makes_a_page(tmp_path: Path) -> None:
    write_report(made(tmp_path, n_loci=0, n_indels=0), tmp_path / "r.html")
    assert frame_of(tmp_path / "r.html", "dist").columns["position"].tolist() == []


def test_rows_know_their_loci(small: Path, small_page: Path) -> None:
    columns = frame_of(small_page, "dist").columns
    places = list(zip(columns["contig"], columns["position"], strict=True))
    assert columns["locus"][0] == 0
    for (one, two), (before, after) in zip(pairwise(places), pairwise(columns["locus"].tolist()), strict=True):
        assert after - before == (one != two)


def test_genes_are_told(small: Path, small_page: Path) -> None:
    frame = frame_of(small_page, "dist")
    assert frame.texts["genes"] == ["pol</script>"]
    assert all(text.startswith("pol</script> ") for text in frame.texts["effect"])
    assert b"pol</script>" not in small_page.read_bytes()


def test_a_reference_that_has_gone_is_asked_for(tmp_path: Path, small: Path) -> None:
    prefix = made(tmp_path)
    Path(f"{prefix}.fa").unlink()
    with pytest.raises(
        cn.ColonnadeError, match=r"r\.fa: the reference is not there; say with --reference where it is now"
    ):
        write_report(prefix, tmp_path / "r.html", gff=f"{small}.gff3")


def test_what_speaks_against_the_genes_stands_in_the_summary(tmp_path: Path) -> None:
    prefix, page = made(tmp_path), tmp_path / "r.html"
    (tmp_path / "<of another>.gff").write_text("##gff-version 3\nelsewhere\t.\tCDS\t1\t9\t.\t+\t0\tID=a\n")
    write_report(prefix, page, gff=tmp_path / "<of another>.gff")
    told = re.search(r'<p class="doubt">(.*?)</p>', page.read_text())
    assert told[1] == "&lt;of another&gt;.gff: contigs that the reference has not are left out: elsewhere"


def test_a_page_is_not_replaced_without_force(tmp_path: Path) -> None:
    prefix, page = made(tmp_path), tmp_path / "r.html"
    page.write_text("mine")
    with pytest.raises(cn.ColonnadeError, match="output exists"):
        write_report(prefix, page)
    assert page.read_text() == "mine"
    write_report(prefix, page, force=True)
    assert page.read_text().startswith("<!doctype html>")


def test_a_page_does_not_replace_what_it_is_made_from(tmp_path: Path) -> None:
    prefix = made(tmp_path)
    for name in ("run.json", "dist.tsv", "fa", "fa.fai"):
        with pytest.raises(cn.ColonnadeError, match="output is one of the inputs"):
            write_report(prefix, f"{prefix}.{name}", force=True)


def test_paths_may_hold_bytes_that_are_no_letters(tmp_path: Path) -> None:
    prefix = made(tmp_path)
    facts = json.loads(Path(f"{prefix}.run.json").read_text())
    facts["samples"][0]["paths"], facts["reference"]["path"] = ["\udcff.bam"], "\udcfe.fa"
    Path(f"{prefix}.run.json").write_text(json.dumps(facts))
    write_report(prefix, tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "\\udcff.bam" in page
    assert "\\udcfe.fa" in page


def test_stats_without_a_comparison_are_damaged(tmp_path: Path) -> None:
    prefix = made(tmp_path, samples=("a", "b", "c"))
    stats = Path(f"{prefix}.stats.tsv")
    header, first, second, _ = stats.read_text().splitlines(keepends=True)
    stats.write_text(header + first + second + second)
    with pytest.raises(cn.ColonnadeError, match=r"r\.stats\.tsv: a comparison has no row; expected b and c"):
        write_report(prefix, tmp_path / "r.html")


def test_damage_leaves_no_page(tmp_path: Path) -> None:
    prefix = made(tmp_path)
    evidence = Path(f"{prefix}.evidence.tsv")
    evidence.write_text(evidence.read_text()[:-20] + "\n")
    with pytest.raises(cn.ColonnadeError, match="evidence"):
        write_report(prefix, tmp_path / "r.html")
    assert not list(tmp_path.glob("*.html*")) + list(tmp_path.glob(".*.part"))


@pytest.mark.parametrize("missing", ["altair", "vl_convert"])
def test_without_the_libraries_one_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    prefix = made(tmp_path)
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delitem(sys.modules, "colonnade.report.figures", raising=False)
    with pytest.raises(cn.ColonnadeError) as caught:
        write_report(prefix, tmp_path / "r.html")
    assert 'pip install "colonnade[report]"' in str(caught.value)
    assert "\n" not in str(caught.value)


def test_progress_tells_of_reading_drawing_and_writing(tmp_path: Path) -> None:
    prefix = made(tmp_path)
    seen: list[tuple[str, int, int | None]] = []
    write_report(prefix, tmp_path / "r.html", progress=lambda *told: seen.append(told))
    rows = cn.read_result(prefix).rows
    first = sum(rows[table] for table in ("dist", "idist", "comp"))
    drawing = seen.index(("drawing", 0, None))
    assert seen[drawing - 1] == ("reading tables", first, first)
    assert {stage for stage, _, _ in seen[:drawing]} == {"reading tables"}
    assert {total for _, _, total in seen[:drawing]} == {first}
    assert seen[drawing + 1] == ("writing", 0, None)
    assert seen[-1] == ("writing", rows["evidence"], rows["evidence"])


@pytest.mark.parametrize("tables", [("dist",), ("idist", "comp", "evidence")])
def test_progress_counts_no_rows_that_are_not_read(tmp_path: Path, tables: tuple[str, ...]) -> None:
    prefix = made(tmp_path, tables=tables)
    seen: list[tuple[str, int, int | None]] = []
    write_report(prefix, tmp_path / "r.html", progress=lambda *told: seen.append(told))
    rows = cn.read_result(prefix).rows[tables[0]]
    assert list(dict.fromkeys(seen)) == [
        *(("reading tables", done, rows) for done in (0, rows)),
        *((stage, 0, None) for stage in ("drawing", "writing")),
    ]

"""Pages of real data: nothing goes wrong in them, nothing is cut off, and their numbers are those of the tables."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opened_page import Opened

import colonnade as cn
from colonnade.cli import main
from colonnade.report.engine import write_report

#: Texts of pictures that are not wholly in their picture.
CLIPPED = """() => [...document.querySelectorAll('svg.marks')].flatMap((svg) => {
  const frame = svg.getBoundingClientRect();
  return [...svg.querySelectorAll('text')].filter((text) => text.getAttribute('opacity') !== '0').filter((text) => {
    const { left, right } = text.getBoundingClientRect();
    return left < frame.left - 1 || right > frame.right + 1;
  }).map((text) => text.textContent);
})"""

#: Boxes that hide some of what they hold behind a scroll to the side.
SCROLLING = """() => [...document.querySelectorAll('main *')]
  .filter((node) => ['auto', 'scroll'].includes(getComputedStyle(node).overflowX) && node.scrollWidth > node.clientWidth)
  .map((node) => `${node.closest('[id]').id}: ${node.scrollWidth} of ${node.clientWidth}`)"""

CELLS = "tables => tables.map(t => [...t.tBodies[0].rows].map(row => [...row.cells].map(cell => cell.textContent)))"


def compared(folder: Path, *arguments: str | Path) -> Path:
    prefix = folder / "result"
    assert main(["compare", *map(str, arguments), "-o", str(prefix), "-q"]) == 0
    return prefix


@pytest.fixture(scope="module")
def hiv(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prefix of two time points of one patient and another patient, all pairs; the page, with genes, is beside it."""
    folder = tmp_path_factory.mktemp("hiv")
    data, contig = shared_data / "hiv_caprisa", "CAP188_wk4_consensus"
    names = {"wk4": "CAP188_wk4", "wk30": "CAP188_wk30", "CAP217": "CAP217_wk4390"}
    samples = [f"{name}={data / file}.cons.bwamem.bam" for name, file in names.items()]
    prefix = compared(folder, *samples, "--reference", data / f"{contig}.fasta", "--min-distance", "0.05")
    gff = folder / "pol.gff3"
    gff.write_text(f"##gff-version 3\n{contig}\tx\tCDS\t3\t1301\t.\t+\t0\tID=pol;gene=pol\n")
    write_report(prefix, f"{prefix}.html", gff=gff)
    return prefix


@pytest.fixture(scope="module")
def braf(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prefix of a normal and a tumour sample, one amplicon of BRAF; the page is beside it."""
    data = shared_data / "amplicon_braf_tumour_normal"
    samples = [f"{name}={data}/ArgumentNA_{name}.bam" for name in ("Normal", "Tumor")]
    region = ["-r", "chr7:140,453,001-140,454,000", "--min-distance", "0.001"]
    prefix = compared(tmp_path_factory.mktemp("braf"), *samples, "--reference", data / "ref_Npadded.fa.gz", *region)
    write_report(prefix, f"{prefix}.html")
    return prefix


@pytest.fixture(params=["hiv", "braf"])
def prefix(request: pytest.FixtureRequest) -> Path:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Path)
    return found


Opening = Callable[..., Opened]


def opened_of(open_page: Opening, prefix: Path, **settings: Any) -> Opened:
    opened = open_page(Path(f"{prefix}.html"), **settings)
    opened.chosen()
    return opened


def pair(row: dict[str, Any]) -> str:
    return f"{row['sample_1']} → {row['sample_2']}"


def test_a_click_on_a_locus_shows_its_rows_of_the_tables(open_page: Opening, prefix: Path) -> None:
    result, opened = cn.read_result(prefix), opened_of(open_page, prefix)
    dist = result.read("dist").to_pylist()
    opened.page.locator("#rows thead button").filter(has_text="Distance").click()
    row = int(opened.page.locator("#rows tr.row").nth(1).get_attribute("data-row"))
    opened.page.locator(f"#rows tr[data-row='{row}']").click()
    place = f"{dist[row]['position']:,}"
    opened.settled("#locus h3", f"{place}, reference {dist[row]['reference']}")
    assert opened.chosen() == row
    decimals = {"hiv": 2, "braf": 4}[prefix.parent.name.rstrip("0123456789")]
    compared_here, composition, reads = opened.page.eval_on_selector_all("#locus table", CELLS)
    for line, said in zip(compared_here, (d for d in dist if d["position"] == dist[row]["position"]), strict=True):
        low, high = said["distance_q0.005"], said["distance_q0.995"]
        distance = f"{said['distance_mean']:.{decimals}f} ({low:.{decimals}f}–{high:.{decimals}f})"
        assert (line[0], line[2], line[3]) == (pair(said), distance, said["state"])
    comp = [cell for cell in result.read("comp").to_pylist() if cell["position"] == dist[row]["position"]]
    for line in composition:
        mine = {cell["base"]: cell for cell in comp if cell["sample"] == line[0]}
        shares = [" ".join(text.split()[:1]) for text in line[2:6]]
        assert shares == [f"{mine[base]['mean']:.{decimals}f}" for base in "ACGT"]
        assert line[1] == f"{mine['A']['depth']:,}"
    evidence = [read for read in result.read("evidence").to_pylist() if read["position"] == dist[row]["position"]]
    for sample, base, _, *strands, _ in reads:
        counts = [
            sum(
                read["count"]
                for read in evidence
                if (read["sample"], read["base"], read["strand"]) == (sample, base, s)
            )
            for s in "+-"
        ]
        assert strands == [f"{count:,}" for count in counts]


def test_states_of_loci_are_those_of_stats_and_filters_leave_the_rows_that_fit(
    open_page: Opening, prefix: Path
) -> None:
    result, opened = cn.read_result(prefix), opened_of(open_page, prefix)
    dist, stats = (result.read(name).to_pylist() for name in ("dist", "stats"))
    (lines,) = opened.page.eval_on_selector_all("#states-table table", CELLS)
    for line, row in zip(lines, stats, strict=True):
        counts = (row[name] for name in ("loci", "changed", "ambiguous", "unchanged", "no_data", "indel_changed"))
        assert line[:7] == [pair(row), *(f"{count:,}" for count in counts)]
    opened.settled("#shown", f"{len(dist):,} row")
    opened.page.locator("#filters [name=comparison]").select_option(label=pair(stats[-1]))
    of_pair = [row for row in dist if pair(row) == pair(stats[-1])]
    opened.settled("#shown", f"{len(of_pair):,} row")
    assert opened.page.locator("#distance .mark-symbol path").count() == len(of_pair)
    position = of_pair[len(of_pair) // 2]["position"]
    opened.page.fill("#filters [name=where]", f"{of_pair[0]['contig']}:{position:,}-{position + 50:,}")
    opened.settled("#shown", f"{sum(position <= row['position'] <= position + 50 for row in of_pair):,} row")


@pytest.mark.parametrize("width", [390, 1024, 1280, 1440, 1920])
def test_nothing_is_cut_off(open_page: Opening, prefix: Path, width: int) -> None:
    page = opened_of(open_page, prefix, width=width).page
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CLIPPED) == []
    if width >= 1280:
        assert page.evaluate(SCROLLING) == []
        cut = "cells => cells.filter(cell => cell.scrollWidth > cell.clientWidth).map(cell => cell.textContent)"
        assert page.eval_on_selector_all("main :is(td, th button)", cut) == []


def test_a_page_that_is_printed_from_a_dark_screen_is_dark_on_white(open_page: Opening, hiv: Path) -> None:
    page = opened_of(open_page, hiv, color_scheme="dark").page

    def colours(selector: str, name: str) -> list[float]:
        """The mean of red, green and blue."""
        found = page.eval_on_selector_all(selector, f"nodes => nodes.map(node => getComputedStyle(node)['{name}'])")
        return [sum(map(float, re.findall(r"[\d.]+", colour)[:3])) / 3 for colour in found]

    labels = "#distance .role-axis-label text, #depths :is(.role-axis-label, .role-legend-label) text"
    assert min(colours(labels, "fill")) > 120
    page.emulate_media(media="print")
    assert max(colours(labels, "fill")) < 100
    assert max(colours(".swatch, body, #locus td", "color")) < 100
    assert min(colours("body", "backgroundColor")) == 255
    exact = "nodes => nodes.every(node => getComputedStyle(node).printColorAdjust === 'exact')"
    assert page.eval_on_selector_all(".swatch", exact)


def test_loci_of_one_codon_are_told_alone_and_together(open_page: Opening, hiv: Path) -> None:
    opened = opened_of(open_page, hiv)
    effects = {"189": "pol Q63K; with 191: Q63N", "191": "pol Q63H; with 189: Q63N"}
    opened.page.fill("#filters [name=where]", "189-191")
    opened.settled("#shown", "4 rows")
    assert [(row[0], row[5]) for row in opened.rows()] == [(place, effects[place]) for place in sorted([*effects] * 2)]
    for row, place in ((0, "189"), (2, "191")):
        opened.page.locator("#rows tr.row").nth(row).click()
        opened.settled("#locus h3", f"{place}, ")
        assert opened.texts("#locus .effect") == [effects[place]]


def test_a_p_value_of_nought_is_told_as_what_it_is_below(open_page: Opening, hiv: Path) -> None:
    opened = opened_of(open_page, hiv)
    opened.page.fill("#filters [name=where]", "698-698")
    opened.settled("#shown", "3 rows")
    texts = [row["strand_p"] for row in cn.read_result(hiv).read("dist").to_pylist() if row["position"] == 698]
    shown = [row[6] for row in opened.rows()]
    assert shown == ["< 1e-260" if p == 0 else f"{p:.3g}" for p in texts]
    assert "< 1e-260" in shown
    assert b"\t0.0\t" in opened.saved("#rows-saved button:nth-child(1)")


def test_lines_do_not_lead_to_the_sample_of_another_patient(open_page: Opening, hiv: Path) -> None:
    intervals = opened_of(open_page, hiv).page.locator("#locus .composition .picture").nth(1)
    assert intervals.locator(".mark-symbol path").count() >= 3
    assert intervals.locator(".mark-line path").count() == 0


def test_depth_is_that_of_positions_with_reads_and_says_what_it_does_not_show(open_page: Opening, braf: Path) -> None:
    opened = opened_of(open_page, braf)
    caption = opened.page.inner_text("#depth-caption")
    assert "Windows of 1,000 positions" in caption
    assert "a smaller --window shows more" in caption
    assert "look for" not in caption
    for sample, row in zip(opened.page.eval_on_selector_all("#depth table", CELLS)[0], depth_of(braf), strict=True):
        assert sample[-2:] == [
            f"{row['positions_covered']:,}",
            f"{row['depth_mean'] * 1000 / row['positions_covered']:,.0f}",
        ]
    ticks = opened.page.locator("#depths .role-axis-label text").all_text_contents()
    assert "5k" in ticks
    share = opened.page.locator("#covered .mark-line path").first
    top = share.evaluate("path => path.getBBox().y")
    assert top == pytest.approx(60 * (1 - 0.126), abs=0.2)


def depth_of(prefix: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = cn.read_result(prefix).read("depth").to_pylist()
    return rows


def test_the_summary_claims_nothing_of_artefacts(open_page: Opening, prefix: Path) -> None:
    said = opened_of(open_page, prefix).page.inner_text("#summary .trust")
    assert re.match(r"By chance alone, (at most|fewer than) [\d.]+ % of the base changes listed are expected", said)
    assert "artefacts" in said

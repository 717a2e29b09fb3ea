"""The page in a real browser, without a network: what it shows is what the tables say, by mouse and by keyboard."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from made_results import Made, write_made_result
from opened_page import Opened

import colonnade as cn
from colonnade.report.engine import write_report


@pytest.fixture
def dist(small: Path) -> list[dict[str, Any]]:
    return cn.read_result(small).read("dist").to_pylist()


@pytest.fixture
def changed(dist: list[dict[str, Any]]) -> list[int]:
    return [number for number, row in enumerate(dist) if row["state"] == "changed"]


def composition_of(small: Path, position: int) -> list[list[str]]:
    """The panel's table of a locus, by comp."""
    table = cn.read_result(small).read("comp").to_pylist()
    lines = []
    for sample in cn.read_result(small).samples:
        rows = {row["base"]: row for row in table if (row["position"], row["sample"]) == (position, sample)}
        shares = [f"{rows[b]['mean']:.2f} ({rows[b]['q0.005']:.2f}–{rows[b]['q0.995']:.2f})" for b in "ACGT"]
        row = rows["A"]
        lines.append([sample, f"{row['depth']:,}", *shares, f"{row['depth_low_quality']:,}", f"{row['depth_indel']:,}"])
    return lines


def reads_of(small: Path, position: int) -> list[list[str]]:
    """The panel's table of reads at a locus, by evidence."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in cn.read_result(small).read("evidence").to_pylist():
        if row["position"] == position:
            groups.setdefault((row["sample"], row["base"]), []).append(row)
    lines = []
    for (sample, base), rows in groups.items():
        forward, reverse = (sum(row["count"] for row in rows if row["strand"] == strand) for strand in "+-")
        quality = sum(row["count"] * row["quality"] for row in rows) / (forward + reverse)
        lines.append([sample, base, f"{forward + reverse:,}", f"{forward:,}", f"{reverse:,}", f"{quality:.1f}"])
    return lines


def check_panel(opened: Opened, small: Path, row: dict[str, Any]) -> None:
    """Raise unless the panel shows what the tables say of a locus."""
    tables = opened.page.eval_on_selector_all(
        "#locus table",
        "tables => tables.map(t => [...t.tBodies[0].rows].map(r => [...r.cells].map(c => c.textContent)))",
    )
    assert opened.page.inner_text("#locus h3") == f"{row['position']:,}, reference {row['reference']}"
    assert tables[1] == composition_of(small, row["position"])
    assert tables[2] == reads_of(small, row["position"])
    check_pictures(opened, small, row, tables[1])


def check_pictures(opened: Opened, small: Path, row: dict[str, Any], composition: list[list[str]]) -> None:
    """Raise unless each bar says what a share is, and there is one for each quality of the reads of both samples."""
    bars = opened.page.locator("#locus .composition .picture").first.locator(".mark-rect path")
    labels = bars.evaluate_all("bars => bars.map(bar => bar.getAttribute('aria-label'))")
    assert labels == [f"{line[0]}, {b} {line[2 + k]}" for line in composition for k, b in enumerate("ACGT")]
    pair = (row["sample_1"], row["sample_2"])
    reads = cn.read_result(small).read("evidence").to_pylist()
    mine = [read for read in reads if read["position"] == row["position"] and read["sample"] in pair]
    assert opened.page.locator("#locus .reads .mark-rect path").count() == len(mine)


def test_reads_are_bars_from_zero_as_high_as_their_counts(open_page, small: Path, small_page: Path, dist) -> None:
    opened = open_page(small_page)
    row = dist[opened.chosen()]
    pictures = opened.page.eval_on_selector_all(
        "#locus .reads svg",
        """pictures => pictures.map((svg) => ({
             called: svg.getAttribute('aria-label'),
             bars: [...svg.querySelectorAll('.mark-rect path')].map((bar) => {
               const { y, height } = bar.getBBox();
               return [bar.getAttribute('aria-label'), y, height];
             }),
             ticks: [...svg.querySelectorAll('.role-axis-label')].at(-1).textContent,
           }))""",
    )
    reads = [read for read in cn.read_result(small).read("evidence").to_pylist() if read["position"] == row["position"]]
    assert len(pictures) == 4  # two samples, two bases
    for picture in pictures:
        sample, base = re.findall(r"Reads of (\S+) with (\S)", picture["called"])[0]
        mine = [read for read in reads if (read["sample"], read["base"]) == (sample, base)]
        bars = {label: (y, height) for label, y, height in picture["bars"]}
        assert len(bars) == len(mine)
        most = max(read["count"] for read in mine)
        assert picture["ticks"] == f"{most}0{most}"
        for read in mine:
            way = "forward" if read["strand"] == "+" else "reverse"
            y, height = bars[f"quality {read['quality']}, {way} {read['count']:,}"]
            assert height == pytest.approx(32 * read["count"] / most, abs=0.01)
            assert (y + height if way == "forward" else y) == pytest.approx(32, abs=0.01)


def joining_lines(opened: Opened) -> int:
    """Lines from sample to sample in the picture of intervals."""
    opened.chosen()
    return opened.page.locator("#locus .composition .picture").nth(1).locator(".mark-line path").count()


def test_lines_join_only_samples_of_which_each_is_compared_with_the_next(
    open_page, small_page: Path, tmp_path: Path
) -> None:
    assert joining_lines(open_page(small_page)) == 0
    write_report(write_made_result(tmp_path / "r", Made(n_loci=12, n_evidence=4)), tmp_path / "r.html")
    assert joining_lines(open_page(tmp_path / "r.html")) >= 2


def test_a_page_of_hostile_names_shows_them_as_they_are(open_page, hostile_page: Path) -> None:
    opened = open_page(hostile_page)
    assert opened.page.inner_text(".kind") == "colonnade report: <b>'\"&"
    assert "</script><script>alert(1)</script> → 1e5" in opened.texts("#distance h3")
    assert "</style>&lt;b" in opened.page.inner_text("#summary")
    assert opened.page.locator("script").count() == opened.page.locator("body > script").count()
    picture = opened.page.locator("#pairs svg").inner_html()
    assert "alert(1)" in picture
    assert "<script" not in picture
    opened.page.locator("#pairs svg .mark-rect path").nth(1).hover(force=True)
    opened.page.wait_for_selector("#vg-tooltip-element.visible")
    assert opened.page.locator("#vg-tooltip-element script").count() == 0


def test_samples_may_be_called_as_what_every_object_of_a_script_has(open_page, property_page: Path) -> None:
    opened = open_page(property_page)
    opened.chosen()
    for picture in ("#pairs", "#depths", "#locus .composition .picture"):
        labels = opened.page.locator(f"{picture} svg").first.locator("text").all_text_contents()
        assert {"__proto__", "constructor", "toString", "valueOf"} <= {*labels}
    assert opened.page.locator("#pairs svg .role-axis-label text[opacity='0']").count() == 0
    opened.page.wait_for_selector("#indel[data-drawn] svg")
    names = opened.page.locator("#indel svg .role-legend text").all_text_contents()
    assert names == opened.page.inner_text("#indel h3").partition(", ")[2].split(" and ")


def test_squares_of_pairs_stand_in_the_order_of_the_samples(open_page, small_page: Path) -> None:
    labels = open_page(small_page).page.locator("#pairs svg .role-axis-label text").all_text_contents()
    assert labels == 2 * ["wk4", "wk30", "wk52"]


def test_of_many_samples_and_comparisons_a_page_draws_some_and_says_so(open_page, tmp_path: Path) -> None:
    made = Made(n_loci=4, n_indels=1, samples=tuple(f"s{number}" for number in range(30)), n_evidence=4)
    write_report(write_made_result(tmp_path / "r", made), tmp_path / "r.html")
    opened = open_page(tmp_path / "r.html")
    opened.chosen()
    assert opened.page.evaluate("document.documentElement.scrollHeight") < 12_000
    assert "The 24 comparisons with the largest share of changed loci" in opened.page.inner_text("#states-caption")
    assert opened.page.locator("#states .role-axis-label text").count() < 40
    assert "The 21 shallowest samples are drawn, 9 others are not." in opened.page.inner_text("#depth-caption")
    assert opened.page.locator("#states-table tbody tr").count() == 435
    width = opened.page.evaluate("document.querySelector('#pairs svg').getBoundingClientRect().width")
    assert width == float(opened.page.get_attribute("#pairs svg", "width"))


def test_without_loci_there_is_no_list(open_page, tmp_path: Path) -> None:
    write_report(write_made_result(tmp_path / "r", Made(n_loci=0, n_indels=0, n_evidence=4)), tmp_path / "r.html")
    opened = open_page(tmp_path / "r.html", width=390)
    assert opened.page.inner_text("#loci") == "No locus changed."
    assert opened.page.locator("th[role], .listing").count() == 0
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("names", ["hostile_page", "property_page"])
def test_a_page_fits_any_width(open_page, names: str, request: pytest.FixtureRequest) -> None:
    opened = open_page(request.getfixturevalue(names), width=390)
    for width in (390, 1024, 1440):
        opened.page.set_viewport_size({"width": width, "height": 900})
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_row_of_the_list_shows_its_locus(
    open_page, small: Path, small_page: Path, dist, changed, scheme: str
) -> None:
    opened = open_page(small_page, color_scheme=scheme)
    opened.page.evaluate("document.querySelector('#rows .listing').scrollTop = 0")
    opened.page.wait_for_selector(f"#rows tr[data-row='{changed[4]}']")
    opened.page.locator(f"#rows tr[data-row='{changed[4]}']").click()
    opened.settled("#locus h3", f"{dist[changed[4]]['position']:,},")
    assert opened.chosen() == changed[4]
    check_panel(opened, small, dist[changed[4]])
    marked = [
        dist[int(row)]["position"]
        for row in opened.page.eval_on_selector_all("#rows tr.chosen", "rows => rows.map(r => r.dataset.row)")
    ]
    assert {*marked} == {dist[changed[4]]["position"]}


def test_a_point_of_the_picture_shows_its_locus(open_page, small: Path, small_page: Path, dist, changed) -> None:
    opened = open_page(small_page)
    pair = (dist[changed[7]]["sample_1"], dist[changed[7]]["sample_2"])
    band = opened.texts("#distance .band h3").index(" → ".join(pair))
    of_band = [row for row in changed if (dist[row]["sample_1"], dist[row]["sample_2"]) == pair]
    points = opened.page.locator("#distance .band").nth(band).locator(".mark-symbol path")
    assert points.count() == len(of_band)
    points.nth(of_band.index(changed[7])).click(force=True)
    opened.settled("#locus h3", f"{dist[changed[7]]['position']:,},")
    assert opened.chosen() == changed[7]
    check_panel(opened, small, dist[changed[7]])
    assert opened.page.locator(f"#rows tr.chosen[data-row='{changed[7]}']").is_visible()


def test_a_link_of_the_summary_shows_its_locus(open_page, small_page: Path, dist) -> None:
    opened = open_page(small_page)
    link = opened.page.locator("#summary a[data-row]").nth(2)
    link.click()
    row = int(link.get_attribute("data-row"))
    opened.settled("#locus h3", f"{dist[row]['position']:,},")
    assert opened.chosen() == row


def test_filters_leave_the_rows_that_fit(open_page, small_page: Path, dist, changed) -> None:
    opened = open_page(small_page)

    def shown(expected: list[int], **fields: str) -> None:
        opened.page.get_by_role("button", name="Show all").click()
        for name, value in fields.items():
            field = opened.page.locator(f"#filters [name={name}]")
            field.select_option(label=value) if name in ("comparison", "state", "gene") else field.fill(value)
        opened.settled("#shown", f"{len(expected):,} row")
        assert (
            sorted(opened.page.eval_on_selector_all("#rows tr.row", "rows => rows.map(r => Number(r.dataset.row))"))
            == expected[: len(opened.rows())]
        )

    everything = list(range(len(dist)))
    opened.settled("#shown", f"{len(changed):,} rows of {len(dist):,}")
    shown(everything)
    shown([n for n in everything if dist[n]["state"] == "ambiguous"], state="ambiguous")
    shown(
        [n for n in everything if (dist[n]["sample_1"], dist[n]["sample_2"]) == ("wk4", "wk52")],
        comparison="wk4 → wk52",
    )
    shown([n for n in everything if 2000 <= dist[n]["position"] <= 3000], where="virus:2,000-3,000")
    shown([n for n in everything if 2000 <= dist[n]["position"] <= 3000], where="2000-3000")
    shown([n for n in everything if round(dist[n]["distance_mean"], 4) >= 0.6], least="0.6")
    last = dist[-1]["position"]  # beyond any codon's number
    shown([n for n in everything if dist[n]["position"] == last], text=f"{last:,}")
    shown([n for n in everything if "wk30" in (dist[n]["sample_1"], dist[n]["sample_2"])], text="WK30")
    shown(everything, gene="pol</script>")
    shown([], text="no such thing")
    opened.page.fill("#filters [name=where]", "no such contig")
    opened.settled("#shown", "No contig or region of that name")
    assert opened.page.evaluate("document.querySelector('[name=where]').validity.valid") is False


def test_columns_sort_both_ways(open_page, small_page: Path, dist, changed) -> None:
    opened = open_page(small_page)

    def written(number: int, column: str) -> float:
        value = dist[number][column]
        return -1 if value is None else float(f"{value:.3g}") if column == "strand_p" else round(value, 4)

    columns = {"Distance": "distance_mean", "Strand p": "strand_p", "Depth 1": "depth_1", "P": "p_changed"}
    for title, column in columns.items():
        button = opened.page.locator("#rows thead button").filter(has_text=re.compile(rf"^{title}( [↑↓])?$"))
        rising = sorted(written(number, column) for number in changed)
        expected = {"ascending": rising, "descending": rising[::-1]}
        for _ in range(2):
            button.click()
            order = opened.page.eval_on_selector_all("#rows tr.row", "rows => rows.map(r => Number(r.dataset.row))")
            direction = button.locator("xpath=..").get_attribute("aria-sort")
            values = [written(number, column) for number in order]
            assert values == expected.pop(direction)[: len(values)]


def test_everything_is_reached_and_used_by_keyboard_alone(open_page, small_page: Path, dist, changed) -> None:
    opened = open_page(small_page)
    page = opened.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("['#rows .listing', '#distance'].every(name => document.querySelector(name).tabIndex === 0)")
    reached = set()
    n_controls = page.evaluate(
        """() => {
             const controls = [...document.querySelectorAll('a[href], button:not(:disabled), input, select, [tabindex="0"]')];
             controls.forEach((control, number) => { control.dataset.number = number; });
             return controls.length;
           }"""
    )
    for _ in range(n_controls + 5):
        number = page.evaluate("document.activeElement.dataset.number")
        if number is not None:
            reached.add(int(number))
        page.keyboard.press("Tab")
    assert reached == {*range(n_controls)}
    page.evaluate("document.querySelector('#rows .listing').focus()")
    page.keyboard.press("Home")
    for key in ("ArrowDown", "ArrowDown", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    opened.settled("#locus h3", f"{dist[changed[1]]['position']:,},")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    opened.settled("#locus h3", f"{dist[changed[-1]]['position']:,},")
    assert opened.chosen() == changed[-1]
    page.evaluate("document.querySelector('#distance').focus()")
    page.keyboard.press("ArrowLeft")
    loci = sorted({dist[number]["position"] for number in changed})
    opened.settled("#locus h3", f"{loci[-2]:,},")
    page.keyboard.press("ArrowRight")
    opened.settled("#locus h3", f"{loci[-1]:,},")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_controls_have_names_and_headings_are_in_order(open_page, small_page: Path) -> None:
    opened = open_page(small_page)
    levels = opened.page.eval_on_selector_all("h1, h2, h3, h4", "all => all.map(h => Number(h.tagName[1]))")
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    nameless = opened.page.evaluate(
        """() => [...document.querySelectorAll('button, input, select, [tabindex], svg[role]')].filter((control) =>
             !(control.textContent.trim() || control.getAttribute('aria-label') || control.labels?.length)).length"""
    )
    assert nameless == 0
    assert opened.page.locator("figcaption:visible").count() >= 7


def test_saved_files_have_the_bytes_of_the_tables(open_page, small: Path, small_page: Path) -> None:
    opened = open_page(small_page)
    names = opened.texts("#downloads code")
    assert len(names) == 7
    for number, name in enumerate(names):
        assert opened.saved(f"#downloads tbody tr:nth-child({number + 1}) button") == small.with_name(name).read_bytes()
        assert opened.name == name


def test_saved_rows_are_lines_of_the_table(open_page, small: Path, small_page: Path, changed) -> None:
    opened = open_page(small_page)
    table = Path(f"{small}.dist.tsv").read_bytes()
    assert opened.saved("#rows-saved button:nth-child(2)") == table
    lines = table.splitlines(keepends=True)
    assert opened.saved("#rows-saved button:nth-child(1)") == b"".join(
        [lines[0], *(lines[number + 1] for number in changed)]
    )
    assert opened.name == "small.dist.shown.tsv"
    assert opened.saved("#indel-rows-saved button:nth-child(2)") == Path(f"{small}.idist.tsv").read_bytes()


def test_genes_are_shown_with_their_locus(open_page, small_page: Path) -> None:
    opened = open_page(small_page)
    row = opened.chosen()
    listed = opened.page.locator(f"#rows tr[data-row='{row}'] td").nth(5).inner_text()
    assert listed.startswith("pol</script> ")
    assert listed in opened.texts("#locus .effect")


def test_an_indel_is_shown_with_all_its_events(open_page, small: Path, small_page: Path) -> None:
    opened = open_page(small_page)
    rows = cn.read_result(small).read("idist").to_pylist()
    opened.page.locator("#indel-rows tr[data-row='3']").click()
    opened.page.wait_for_selector("#indel[data-drawn='3'] svg")
    expected = []
    counts = [[int(n) for n in rows[3][name].split(",")] for name in ("counts_1", "counts_2")]
    for place, event in enumerate(rows[3]["events"].split(",")):
        shares = [[f"{numbers[place]:,}", f"{numbers[place] / sum(numbers):.2f}"] for numbers in counts]
        expected.append(["none" if event == "@" else event, *shares[0], *shares[1]])
    found = opened.page.eval_on_selector(
        "#indel table", "t => [...t.tBodies[0].rows].map(r => [...r.cells].map(c => c.textContent))"
    )
    assert found == expected
    assert opened.page.locator("#indel svg .mark-rect path").count() == 2 * len(expected)


def test_counts_of_states_and_mean_distances_are_those_of_the_tables(open_page, small: Path, small_page: Path) -> None:
    opened = open_page(small_page)
    found = opened.page.eval_on_selector(
        "#states-table table", "t => [...t.tBodies[0].rows].map(r => [...r.cells].map(c => c.textContent))"
    )
    result = cn.read_result(small)
    for line, row in zip(found, result.read("stats").to_pylist(), strict=True):
        mine = [
            w
            for w in result.read("windows").to_pylist()
            if (w["sample_1"], w["sample_2"]) == (row["sample_1"], row["sample_2"])
        ]
        mean = sum(w["distance_mean"] * w["loci_tested"] for w in mine) / sum(w["loci_tested"] for w in mine)
        missing = row["no_data"] + row["no_reference"] + row["below_min_depth"]
        numbers = [row["loci"], row["changed"], row["ambiguous"], row["unchanged"], missing, row["indel_changed"]]
        assert line == [f"{row['sample_1']} → {row['sample_2']}", *(f"{n:,}" for n in numbers), f"{mean:.4f}"]
    opened.page.locator("#pairs svg .mark-text text").filter(has_text=found[1][-1]).first.click(force=True)
    opened.page.wait_for_function(
        "document.querySelector('[name=comparison]').selectedOptions[0].textContent === 'wk4 → wk52'"
    )


def test_a_page_without_tables_says_so_and_shows_the_others(open_page, tmp_path: Path) -> None:
    made = Made(n_loci=12, n_evidence=4, tables=("comp", "stats"))
    page = tmp_path / "r.html"
    write_report(write_made_result(tmp_path / "r", made), page)
    opened = open_page(page)
    assert len(opened.texts(".absent")) == 4
    assert opened.page.locator("#states svg").count() == 1
    assert not opened.page.locator("#loci").is_visible()


def test_without_comp_and_evidence_a_locus_says_so(open_page, tmp_path: Path) -> None:
    page = tmp_path / "r.html"
    write_report(write_made_result(tmp_path / "r", Made(n_loci=12, tables=("dist",), n_evidence=4)), page)
    opened = open_page(page)
    opened.chosen()
    assert [re.findall("table (comp|evidence) was", text) for text in opened.texts("#locus .absent")] == [
        ["comp"],
        ["evidence"],
    ]
    assert "Change" not in opened.texts("#rows thead button")


def test_against_the_reference_changes_lead_from_it(open_page, tmp_path: Path) -> None:
    prefix = write_made_result(tmp_path / "r", Made(n_loci=12, n_indels=2, samples=("a", "b"), n_evidence=4))
    for path in tmp_path.glob("r.*"):
        if path.suffix == ".json":
            path.write_text(re.sub(r'\[\s*"a",\s*"b"\s*\]', '["a", "REF"]', path.read_text()))
        elif path.suffix == ".tsv":
            path.write_text(path.read_text().replace("\ta\tb\t", "\ta\tREF\t").replace("a\tb\t", "a\tREF\t"))
    write_report(prefix, tmp_path / "r.html")
    opened = open_page(tmp_path / "r.html")
    row = cn.read_result(prefix).read("dist").to_pylist()[opened.chosen()]
    (line,) = opened.page.eval_on_selector_all(
        "#locus table:first-of-type", "t => [...t[0].tBodies[0].rows].map(r => r.cells[1].textContent)"
    )
    assert line.startswith(f"{row['reference']} → ")
    assert " 0.00 → " in line
    assert opened.texts("#distance h3") == ["REF → a"]


def test_a_printed_page_has_its_lists_up_to_a_limit_and_no_controls(open_page, tmp_path: Path) -> None:
    page = tmp_path / "r.html"
    write_report(write_made_result(tmp_path / "r", Made(n_loci=450, n_evidence=4)), page)
    opened = open_page(page)
    opened.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    opened.page.emulate_media(media="print")
    assert len(opened.rows()) == 200
    assert opened.page.inner_text("#rows-printed").startswith("The first 200 of 450 rows")
    assert not opened.page.locator("#filters").is_visible()
    opened.page.emulate_media(media="screen")
    opened.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert len(opened.rows()) < 100
    pdf = opened.page.pdf(format="A4")
    assert pdf.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) > 4


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prefix of a result with 10^5 changed loci on two contigs, and its page beside it."""
    contigs = {"chr1": 3_000_000, "chr2": 1_000_000}
    prefix = write_made_result(
        tmp_path_factory.mktemp("large") / "large", Made(n_loci=100_000, contigs=contigs, n_evidence=4, kind="parquet")
    )
    write_report(prefix, f"{prefix}.html")
    return prefix


def test_a_hundred_thousand_loci_are_listed_sorted_filtered_and_drawn(open_page, large: Path) -> None:
    table = cn.read_result(large).read("dist").select(["contig", "position", "distance_mean"])
    opened = open_page(Path(f"{large}.html"))
    opened.settled("#shown", "100,000 rows of 100,000")
    assert len(opened.rows()) < 100
    assert opened.page.locator("#distance svg .mark-rect path").count() < 600
    opened.page.locator("#rows thead button").filter(has_text="Distance").click()
    best = max(round(value, 4) for value in table["distance_mean"].to_pylist())
    assert opened.rows()[0][3].startswith(f"{best:.2f} (")
    opened.page.fill("#filters [name=where]", "chr2")
    on_chr2 = pa.compute.sum(pa.compute.equal(table["contig"], "chr2")).as_py()
    opened.settled("#shown", f"{on_chr2:,} rows")
    opened.page.locator("#distance svg .mark-rect path").nth(100).click(force=True)
    opened.page.wait_for_function("document.querySelector('[name=where]').value.startsWith('chr2:')")
    start, end = (int(n.replace(",", "")) for n in opened.page.input_value("[name=where]").partition(":")[2].split("-"))
    inside = [row for row in table.to_pylist() if row["contig"] == "chr2" and start <= row["position"] <= end]
    opened.settled("#shown", f"{len(inside):,} row")
    opened.page.wait_for_function(
        "n => document.querySelectorAll('#distance .mark-symbol path').length === n", arg=len(inside)
    )
    assert "counted in classes: 0–19, 20–29, 30–39, 40 or more" in opened.page.inner_text("#locus")

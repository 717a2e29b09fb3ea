"""What notebooks show of results, columns and plans: short, escaped, and without anything from elsewhere."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pyarrow as pa
import pytest

import colonnade as cn
from colonnade.compare import stored
from colonnade.compare.display import result_html
from colonnade.compare.engine import compare_to_files
from colonnade.formats.html import Bar, note, panel, table

CONTIGS = {"c<1>": 40}
SEQUENCE = "ACGTACGTAC" * 4


class Elements(HTMLParser):
    """Elements that are closed in the order in which they were opened, and the text within."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert {name for name, _ in attrs} <= {"style"}
        self.seen.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return "|".join(self.texts)


def shown(thing: object) -> Elements:
    html = thing if isinstance(thing, str) else thing._repr_html_()
    assert len(html) < 20_000
    assert not re.search(r"https?:|url\(|<script|#[0-9a-f]{3}|(?<!-)color:(?!inherit)", html)
    return Elements(html)


@pytest.fixture
def samples(make_bam) -> dict[str, str]:
    """Position 11 changes, and ten reads have an insertion after position 21 in the second sample."""

    def reads(base: str, cigar: str, letters: str) -> list[str]:
        changed = SEQUENCE[:10] + base + SEQUENCE[11:21] + letters + SEQUENCE[21:]
        flags = (0, 16)
        return [
            f"r{i}\t{flags[i % 2]}\tc<1>\t1\t60\t{cigar}\t*\t0\t0\t{changed}\t{'I' * len(changed)}" for i in range(40)
        ]

    first = make_bam("a.bam", CONTIGS, reads("G", "40M", ""))
    second = make_bam("b.bam", CONTIGS, reads("T", "21M3I19M", "TTT"))
    return {"a<b": str(first), "b&c": str(second)}


@pytest.fixture
def question(samples, make_fasta) -> cn.Question:
    return cn.Question(samples, make_fasta("ref.fa", {"c<1>": SEQUENCE}))


@pytest.fixture
def result(question: cn.Question) -> cn.CompareResult:
    return cn.compare(question.samples, reference=question.reference)


def test_a_result_shows_comparisons_changes_and_options(result: cn.CompareResult) -> None:
    text = shown(result).text
    assert "a<b – b&c|40|1|0|39|0|1|" in text
    assert re.search(r"c<1>:11\|A\|a<b – b&c\|bases\| \d\.\d{3}\|1\.0000", text)
    assert re.search(r"c<1>:21\|A\|a<b – b&c\|\+TTT\| \d\.\d{3}\|1\.0000", text)
    assert text.endswith(
        f"samples a<b, b&c; reference ref.fa; min_distance 0.2, confidence 0.99; colonnade {cn.__version__}"
    )


def test_a_stored_result_shows_what_the_one_in_memory_does(question: cn.Question, result, tmp_path) -> None:
    compare_to_files(question, tmp_path / "r")
    texts = shown(cn.read_result(tmp_path / "r")).texts
    assert texts[0] == f"StoredResult {tmp_path}/r"
    assert rounded(texts[1:]) == rounded(shown(result).texts[1:])


def rounded(texts: list[str]) -> list[str]:
    """Without the last digit of distances, as files have fewer digits."""
    return [text[:-1] if text.startswith(" 0.") else text for text in texts]


def test_a_stored_result_without_tables_shows_how_it_was_asked(question: cn.Question, tmp_path) -> None:
    compare_to_files(question, tmp_path / "r", tables=("depth",))
    assert "table" not in shown(cn.read_result(tmp_path / "r")).seen


def test_large_tables_of_a_stored_result_are_not_looked_through(question: cn.Question, tmp_path, monkeypatch) -> None:
    compare_to_files(question, tmp_path / "r")
    monkeypatch.setattr(stored, "_MOST_SHOWN", 10)
    assert "largest changes" not in shown(cn.read_result(tmp_path / "r")).texts


def test_the_largest_changes_are_shown_in_their_order(result: cn.CompareResult) -> None:
    row = result.dist.to_pylist()[0]
    rows = [{**row, "position": n, "distance_mean": (n % 30) / 100} for n in range(1, 101)]
    rows += [{**row, "position": 999, "state": "ambiguous", "distance_mean": 1.0}]
    dist = pa.Table.from_pylist(rows, schema=result.dist.schema)
    batches = dist.to_batches(max_chunksize=7)
    text = shown(result_html("R", result.facts, None, {"dist": batches})).text
    assert re.findall(r"c<1>:(\d+)", text) == ["29", "59", "89", "28", "58", "88", "27", "57"]


def test_of_many_comparisons_the_first_are_shown(result: cn.CompareResult) -> None:
    stats = pa.concat_tables([result.stats] * 1234)
    many = replace(result, stats=stats)
    assert "and 1,214 comparisons more" in shown(many).texts


def test_a_tally_shows_its_first_positions(samples) -> None:
    tally = cn.tally(samples["a<b"], cn.Region("c<1>", 5, 40))
    elements = shown(tally)
    assert elements.texts[0] == "RegionTally c<1>:6-40"
    assert "11|0|0|40|0|0" in elements.text
    assert elements.texts[-1].startswith("and 27 positions more; 0 indels; records: 40 kept")


def test_columns_show_their_bases(samples) -> None:
    (batch,) = cn.pileup(samples["b&c"]).batches()
    assert "1|40|40|0|0|0|2|40|0|40|0|0" in shown(batch).text
    assert shown(batch).texts[-1] == "and 32 columns more"
    assert "base|forward|reverse|share|T|20|20| 1.000" in shown(batch[10]).text
    assert shown(batch[:0]).texts == ["ColumnBatch(no columns)"]


def test_a_summary_shows_what_there_was() -> None:
    assert shown(cn.AlignSummary(reads=12345, aligned=12000)).texts == [
        "AlignSummary", "count", "reads", "12,345", "aligned", "12,000",
    ]  # fmt: skip


def test_a_range_is_short(samples) -> None:
    (planned,) = cn.plan(list(samples.values()), bytes=1 << 20)
    assert re.fullmatch(r"Range\(c<1>:1-40, bytes=\(\d+, \d+\)\)", repr(planned))


def test_text_is_escaped_everywhere() -> None:
    nasty = '<b onclick="x">&'
    html = panel(nasty, note(nasty), table([nasty], [[nasty]], caption=nasty))
    assert shown(html).texts == [nasty] * 5


@pytest.mark.parametrize(("value", "text"), [(None, "–"), (1234567, "1,234,567"), (0.25, "0.2500"), ("1234", "1234")])
def test_cells_are_written_for_people(value: object, text: str) -> None:
    assert shown(table(["x"], [[value]])).texts == ["x", text]


@pytest.mark.parametrize(("share", "width"), [(0.0, 0), (0.5, 40), (1.0, 80), (1.2, 80)])
def test_bars_are_as_long_as_their_share(share: float, width: int) -> None:
    assert f";width:{width}px;height" in table(["x"], [[Bar(share)]])


def test_a_table_without_rows_is_nothing() -> None:
    assert table(["x"], []) == ""

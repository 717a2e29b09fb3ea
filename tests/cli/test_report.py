"""``colonnade report``: a page, its place, and one line where something is wrong."""

import json
from pathlib import Path

import pytest
from made_results import Made, write_made_result

import colonnade as cn
from colonnade.cli import main


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_made_result(tmp_path_factory.mktemp("report") / "r", Made(n_loci=12, n_evidence=4))


def test_a_page_is_written(prefix: Path, tmp_path: Path, capsys) -> None:
    assert main(["report", str(prefix), "-o", str(tmp_path / "r.html")]) == 0
    assert (tmp_path / "r.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "r.html" in capsys.readouterr().err


def test_each_stage_is_told_with_its_own_time(
    prefix: Path, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("colonnade.run.progress._SECONDS_WORTH_A_LINE", 0.0)
    assert main(["report", str(prefix), "-o", str(tmp_path / "r.html")]) == 0
    rows = cn.read_result(prefix).rows
    first = sum(rows[table] for table in ("dist", "idist", "comp"))
    told = [line.partition(" in ")[0] for line in capsys.readouterr().err.splitlines()[:-1]]
    assert told == [
        f"colonnade report: reading tables: {first:,} rows",
        "colonnade report: drawing: done",
        f"colonnade report: writing: {rows['evidence']:,} rows",
    ]


def test_a_name_that_would_command_a_terminal_is_escaped_in_messages(prefix: Path, tmp_path: Path, capsys) -> None:
    page = tmp_path / "a\nb\x1b[31m.html"
    assert main(["report", str(prefix), "-o", str(page)]) == 0
    assert f"open {tmp_path}/a\\nb\\x1b[31m.html in a browser" in capsys.readouterr().err.splitlines()[-1]


def test_a_hyphen_is_stdout_and_has_the_same_bytes(prefix: Path, tmp_path: Path, capsysbinary) -> None:
    assert main(["report", str(prefix), "-o", "-", "-q"]) == 0
    out, err = capsysbinary.readouterr()
    assert main(["report", str(prefix), "-o", str(tmp_path / "r.html"), "-q"]) == 0
    assert out == (tmp_path / "r.html").read_bytes()
    assert err == b""


def test_the_reference_is_needed_with_genes_only_and_found_by_run_json(prefix: Path, tmp_path: Path, capsys) -> None:
    gff, page = tmp_path / "g.gff3", tmp_path / "r.html"
    gff.write_text("##gff-version 3\nvirus\t.\tCDS\t1\t9000\t.\t+\t0\tID=pol;gene=pol\n")
    assert main(["report", str(prefix), "-o", str(page), "--gff", str(gff), "-q"]) == 0
    moved = tmp_path / "moved.fa"
    facts = json.loads(Path(f"{prefix}.run.json").read_text())
    moved.write_bytes(Path(facts["reference"]["path"]).read_bytes())
    assert (
        main(
            ["report", str(prefix), "-o", str(tmp_path / "2.html"), "--gff", str(gff), "--reference", str(moved), "-q"]
        )
        == 0
    )
    assert page.read_bytes() == (tmp_path / "2.html").read_bytes()
    assert main(["report", str(prefix), "-o", str(tmp_path / "3.html"), "--reference", str(moved)]) == 2
    assert "--reference says nothing without --gff" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["{folder}/none", "-o", "{folder}/r.html"], 1, "no result of a comparison"),
        (["{prefix}", "-o", "{folder}/none/r.html"], 1, "cannot be written"),
        (["{prefix}", "-o", "{folder}"], 1, "output is a folder"),
        (["{prefix}", "-o", "{folder}/r.html", "--gff", "{folder}/none.gff"], 1, "none.gff"),
    ],
)
def test_what_is_wrong_is_one_line(
    prefix: Path, tmp_path: Path, capsys, arguments: list[str], code: int, said: str
) -> None:
    filled = [text.format(prefix=prefix, folder=tmp_path) for text in arguments]
    assert main(["report", *filled]) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("colonnade report: ")
    assert said in line
    assert not list(tmp_path.glob("*.html"))

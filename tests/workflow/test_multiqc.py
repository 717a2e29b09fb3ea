"""What MultiQC finds in the folder of a run, and what it makes of it without being told anything."""

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from workflows import Project, row

import colonnade as cn
from colonnade.compare.stored import read_result
from colonnade.workflow.multiqc import FILES, GENERAL, write_summary

SAMPLES = ("early", "late")


def content(project: Project, name: str) -> Any:
    return json.loads((project.out / "multiqc" / name).read_text())


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_multiqc_shows_the_numbers_of_samples_and_comparisons(finished: Project, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "multiqc", "--no-ansi", "--no-version-check", "--outdir", str(tmp_path)]
    subprocess.run([*command, str(finished.out)], check=True, capture_output=True, timeout=100)
    data = tmp_path / "multiqc_data"
    by_name = {line["Sample"]: line for line in table(data / "multiqc_general_stats.txt")}
    assert sorted(by_name) == ["early", "late"]
    for name in SAMPLES:
        counts = json.loads((finished.out / f"bam/{name}.counts.json").read_text())
        found = {key.rpartition("-")[2]: float(value) for key, value in by_name[name].items() if key != "Sample"}
        assert found["reads"] == counts["reads"] == counts["paired"]
        assert found["mapped"] == pytest.approx(100 * counts["mapped"] / counts["reads"], abs=1e-3)
        assert found["breadth"] > 95
        assert 40 < found["depth"] < 80
    (stats,) = read_result(finished.out / "compare/all").read("stats").to_pylist()
    (shown,) = table(data / "multiqc_colonnade_comparisons_table.txt")
    assert shown["Sample"] == "early - late"
    for column in ("loci", "changed", "ambiguous", "indel_changed"):
        assert int(shown[column]) == stats[column]
    (states,) = table(data / "multiqc_colonnade_states_plot.txt")
    assert sum(float(value) for name, value in states.items() if name != "Sample") == stats["loci"]
    assert (data / "multiqc_colonnade_depth_plot.txt").is_file()
    assert (data / "multiqc_colonnade_distances_plot.txt").is_file()


def test_depth_and_breadth_are_those_of_the_windows(finished: Project) -> None:
    rows = read_result(finished.out / "compare/all").read("depth").to_pylist()
    shown = content(finished, GENERAL)["data"]
    for name in SAMPLES:
        mine = [line for line in rows if line["sample"] == name]
        covered = sum(line["positions_covered"] for line in mine)
        bases = sum(line["depth_mean"] * (line["end"] - line["start"] + 1) for line in mine)
        assert shown[name]["breadth"] == pytest.approx(100 * covered / 1_000)
        assert shown[name]["depth"] == pytest.approx(bases / covered, abs=1e-5)


def test_distances_are_symmetric_and_empty_where_nothing_was_compared(project: Project) -> None:
    project.write_samples("early", "late", "other")
    project.run()
    heatmap = content(project, "colonnade_distances_mqc.json")
    assert heatmap["xcats"] == heatmap["ycats"] == ["early", "late", "other"]
    data = heatmap["data"]
    assert [data[n][n] for n in range(3)] == [0, 0, 0]
    assert data[0][1] == data[1][0] > 0
    assert data[0][2] is data[2][0] is None


def test_depth_along_the_reference_has_few_points_and_none_where_nothing_was_looked_at(project: Project) -> None:
    bed = project.folder / "ends.bed"
    bed.write_text("virus\t0\t100\nvirus\t900\t1000\n")
    project.run(bed=bed.name, compare_options=cn.CompareOptions(window=10))
    lines = content(project, "colonnade_depth_mqc.json")["data"]
    assert list(lines) == ["early", "late"]
    positions = [position for position, _ in lines["early"]]
    assert positions == sorted(positions)
    middles = [5.5, *range(15, 100, 10), *range(905, 1_000, 10)]
    assert positions == pytest.approx(middles, abs=1)


def test_depth_along_the_reference_is_that_of_the_windows(finished: Project) -> None:
    rows = read_result(finished.out / "compare/all").read("depth").to_pylist()
    shown = content(finished, "colonnade_depth_mqc.json")["data"]
    middle = (rows[0]["start"] + rows[0]["end"]) // 2
    assert shown == {row["sample"]: [[middle, pytest.approx(row["depth_mean"], rel=0.05)]] for row in rows}


def test_the_middle_of_a_stretch_is_within_the_reference(project: Project) -> None:
    project.run(compare_options=cn.CompareOptions(window=700))
    lines = content(project, "colonnade_depth_mqc.json")["data"]
    assert [position for position, _ in lines["late"]] == [350, 850]


def test_depth_is_left_out_where_it_is_not_known_what_was_looked_at(finished: Project, tmp_path: Path) -> None:
    project = finished.copied(tmp_path / "a project")
    facts = project.out / "compare/all.run.json"
    facts.write_text(json.dumps({**json.loads(facts.read_text()), "bed": "gone.bed"}))
    counts = {name: project.out / f"bam/{name}.counts.json" for name in SAMPLES}
    write_summary(tmp_path, counts, {"all": project.out / "compare/all"})
    shown = json.loads((tmp_path / GENERAL).read_text())["data"]
    assert all({"depth", "breadth"}.isdisjoint(shown[name]) for name in SAMPLES)


def test_without_comparisons_there_are_samples_alone(project: Project) -> None:
    assert all((project.out / "multiqc" / name).is_file() for name in FILES)
    project.write([row("early")])
    project.run()
    assert [path.name for path in (project.out / "multiqc").iterdir()] == [GENERAL]
    assert list(content(project, GENERAL)["data"]) == ["early"]
    assert "depth" not in content(project, GENERAL)["data"]["early"]


def test_groups_are_told_apart_where_there_are_several(project: Project) -> None:
    project.write([row("early", "", "a"), row("late", "", "b")])
    project.run(against="REF")
    shown = content(project, "colonnade_comparisons_mqc.json")
    assert {name: line["group"] for name, line in shown["data"].items()} == {"early - REF": "a", "late - REF": "b"}
    assert "group" in shown["headers"]

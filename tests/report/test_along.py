"""What is drawn along the genome are means of the tables, and no more of the genome than has reads."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from made_results import Made, write_made_result

import colonnade as cn
from colonnade.report import along
from colonnade.report.along import Axis, make_axis, mean_distances, read_depths
from colonnade.report.rows import read_rows


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> cn.StoredResult:
    made = Made(n_loci=60, samples=("a", "b", "c"), contigs={"one": 2500, "two": 1300}, window=200, n_evidence=4)
    return cn.read_result(write_made_result(tmp_path_factory.mktemp("along") / "r", made))


def without(prefix: Path, *tables: str) -> cn.StoredResult:
    for table in tables:
        Path(f"{prefix}.{table}.tsv").unlink()
    return cn.read_result(prefix)


def test_contigs_lie_end_to_end() -> None:
    axis = Axis(("a", "none", "b"), np.array([11, 1, 5]), np.array([20, 0, 6]))
    assert axis.length == 12
    assert axis.starts.tolist() == [0, 10, 10]
    assert axis.at(np.array([0, 0, 2]), np.array([11, 20, 6])).tolist() == [0, 9, 11]


def test_the_axis_is_what_windows_with_reads_cover(result: cn.StoredResult) -> None:
    axis = make_axis(result)
    assert axis.contigs == ("one", "two")
    assert (axis.first.tolist(), axis.last.tolist()) == ([1, 1], [2500, 1300])


def test_windows_without_reads_are_no_part_of_the_axis(tmp_path: Path) -> None:
    prefix = write_made_result(tmp_path / "r", Made(n_loci=9, contigs={"one": 3000}, n_evidence=4))
    depth = Path(f"{prefix}.depth.tsv")
    header, *lines = depth.read_text().splitlines()
    cells = [line.split("\t") for line in lines]
    kept = ["\t".join([*row[:4], "0" if row[1] == "1" else row[4], *row[5:]]) for row in cells]
    depth.write_text("\n".join([header, *kept]) + "\n")
    axis = make_axis(cn.read_result(prefix))
    assert (axis.first.tolist(), axis.last.tolist()) == ([1001], [3000])


def test_a_contig_of_which_nothing_is_known_has_no_length(tmp_path: Path) -> None:
    prefix = write_made_result(tmp_path / "r", Made(n_loci=9, contigs={"one": 3000}, n_evidence=4))
    facts = Path(f"{prefix}.run.json")
    said = json.loads(facts.read_text())
    said["reference"]["md5"]["none"] = "0" * 32
    facts.write_text(json.dumps(said))
    axis = make_axis(cn.read_result(prefix))
    assert (axis.first.tolist(), axis.last.tolist(), axis.length) == ([1, 1], [3000, 0], 3000)


def test_without_windows_the_axis_is_what_rows_cover(tmp_path: Path) -> None:
    prefix = write_made_result(tmp_path / "r", Made(n_loci=9, contigs={"one": 3000}, n_evidence=4))
    result = without(prefix, "depth", "windows")
    rows = read_rows(result, "dist")
    axis = make_axis(result, rows)
    positions = rows.columns["position"]
    assert (axis.first[0], axis.last[0]) == (positions.min(), positions.max())


def test_mean_distances_weigh_windows_by_the_loci_in_them(result: cn.StoredResult) -> None:
    rows = result.read("windows").to_pylist()
    means = mean_distances(result)
    assert list(means) == list(result.comparisons)
    for pair, mean in means.items():
        mine = [row for row in rows if (row["sample_1"], row["sample_2"]) == (pair.sample_1, pair.sample_2)]
        total = sum(row["loci_tested"] for row in mine)
        assert mean == pytest.approx(sum(row["loci_tested"] * row["distance_mean"] for row in mine) / total)


def test_depth_of_a_stretch_is_the_mean_over_its_windows(
    result: cn.StoredResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(along, "MOST_STRETCHES", 5)
    axis = make_axis(result)
    depths = read_depths(result, axis)
    assert depths.step == math.ceil(3800 / 5)
    rows = result.read("depth").to_pylist()
    for sample, name in enumerate(result.samples):
        sums = np.zeros((2, 5))
        for row in (row for row in rows if row["sample"] == name):
            length = row["end"] - row["start"] + 1
            middle = (row["start"] + row["end"]) // 2 - 1 + (2500 if row["contig"] == "two" else 0)
            sums[:, middle // depths.step] += row["depth_mean"] * length, length
        np.testing.assert_allclose(depths.depth[sample], sums[0] / sums[1], rtol=1e-6)
        covered = sum(row["positions_covered"] for row in rows if row["sample"] == name)
        assert depths.covered[name] == (covered, pytest.approx(sums[0].sum() / covered))


def test_depth_is_that_of_what_was_looked_at_of_a_window(tmp_path: Path) -> None:
    prefix = tmp_path / "made"
    write_made_result(prefix, Made(n_loci=1000, n_changed=5, window=1000))
    facts = Path(f"{prefix}.run.json")
    contig = next(iter(json.loads(facts.read_text())["reference"]["md5"]))
    facts.write_text(json.dumps({**json.loads(facts.read_text()), "regions": [f"{contig}:901-1,000"]}))
    result = cn.read_result(prefix)
    rows = [row for row in result.read("depth").to_pylist() if row["sample"] == result.samples[0]]
    covered = sum(row["positions_covered"] for row in rows)
    _, mean = read_depths(result, make_axis(result)).covered[result.samples[0]]
    assert mean == pytest.approx(rows[0]["depth_mean"] * 100 / covered)


def test_depth_is_that_of_positions_with_reads_and_their_share_is_told(tmp_path: Path) -> None:
    prefix = write_made_result(tmp_path / "r", Made(n_loci=9, contigs={"one": 3000}, n_evidence=4))
    table = Path(f"{prefix}.depth.tsv")
    header, *lines = (line.split("\t") for line in table.read_text().splitlines())
    lines[0][4:6] = "126", "210.834"
    lines[2][4:6] = "0", "0"
    table.write_text("".join("\t".join(line) + "\n" for line in (header, *lines)))
    result = cn.read_result(prefix)
    depths = read_depths(result, make_axis(result))
    np.testing.assert_allclose(depths.depth[0, :2], [210.834 * 1000 / 126, 0], rtol=1e-6)
    np.testing.assert_allclose(depths.share, [[0.126, 0, 1], [1, 1, 1]], rtol=1e-6)
    assert (depths.step, depths.windows) == (1000, 3)


def test_how_deep_a_sample_is_stays_open_where_the_bed_file_is_gone(tmp_path: Path) -> None:
    prefix = tmp_path / "made"
    write_made_result(prefix, Made(n_loci=1000, n_changed=5))
    facts = Path(f"{prefix}.run.json")
    facts.write_text(json.dumps({**json.loads(facts.read_text()), "bed": str(tmp_path / "gone.bed")}))
    result = cn.read_result(prefix)
    depths = read_depths(result, make_axis(result))
    assert (depths.covered, depths.share) == (None, None)
    rows = [row for row in result.read("depth").to_pylist() if row["sample"] == result.samples[0]]
    np.testing.assert_allclose(depths.depth[0], [row["depth_mean"] for row in rows], rtol=1e-6)

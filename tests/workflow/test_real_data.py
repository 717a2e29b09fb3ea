"""Real samples from a sheet to a page: HIV-1 of two patients from reads, and a tumour with its normal from alignments."""

import json
from pathlib import Path

import pytest
from report_pages import settings_of

import colonnade as cn

BRAF = "chr7:140453000-140453400"


@pytest.fixture(autouse=True)
def _real_reports(quick_reports: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("colonnade.workflow.plan.write_report", cn.write_report)


def write_sheet(path: Path, *lines: str) -> Path:
    path.write_text("".join(line + "\n" for line in lines))
    return path


@pytest.fixture
def hiv(shared_data: Path, tmp_path: Path) -> Path:
    """The folder of the reads; the reference is copied, so that nothing is written beside it."""
    folder = shared_data / "hiv_caprisa/clip_trimmed"
    (tmp_path / "wk4.fasta").write_bytes((folder / "CAP188_wk4_consensus.fasta").read_bytes())
    return folder


def write_hiv_sheet(path: Path, folder: Path, group_of_third: str) -> Path:
    """Two time points of one patient and a sample of another."""
    samples = (
        ("wk30", "CAP188_wk30", 30, "CAP188"),
        ("wk4", "CAP188_wk4", 4, "CAP188"),
        ("wk4390", "CAP217_wk4390", 4390, group_of_third),
    )
    lines = (
        f"{name},{folder}/{file}_R1.fastq.gz,{folder}/{file}_R2.fastq.gz,{time},{group}"
        for name, file, time, group in samples
    )
    return write_sheet(path, "sample,fastq_1,fastq_2,time,group", *lines)


def test_three_samples_are_reported_together_from_reads(hiv: Path, tmp_path: Path) -> None:
    sheet = write_hiv_sheet(tmp_path / "sheet.csv", hiv, "CAP188")
    run = cn.run_sheet(
        sheet,
        reference=tmp_path / "wk4.fasta",
        folder=tmp_path / "out",
        align_options=cn.AlignOptions(differences=30),  # the second patient's virus is far from the reference
        compare_options=cn.CompareOptions(min_distance=0.05),
        scheme="all-pairs",
    )
    result = cn.read_result(run.results["CAP188"])
    stats = {(row["sample_1"], row["sample_2"]): row for row in result.read("stats").to_pylist()}
    changed = {pair: row["changed"] for pair, row in stats.items()}
    assert changed == {("wk4", "wk30"): 5, ("wk4", "wk4390"): 94, ("wk30", "wk4390"): 95}
    assert {row["loci"] for row in stats.values()} == {1303}
    page = settings_of(run.reports["CAP188"])
    assert page["samples"] == ["wk4", "wk30", "wk4390"]
    assert page["stats"] == list(stats.values())
    shown = json.loads((tmp_path / "out/multiqc/colonnade_comparisons_mqc.json").read_text())["data"]
    assert {name: row["changed"] for name, row in shown.items()} == {" - ".join(pair): n for pair, n in changed.items()}


def test_a_sample_of_another_patient_is_left_alone(hiv: Path, tmp_path: Path) -> None:
    reference = tmp_path / "wk4.fasta"
    sheet = write_hiv_sheet(tmp_path / "sheet.csv", hiv, "CAP217")
    options = cn.CompareOptions(min_distance=0.05)
    run = cn.run_sheet(sheet, reference=reference, folder=tmp_path / "out", compare_options=options)
    assert list(run.reports) == ["CAP188"]
    assert "<html" in run.reports["CAP188"].read_text()[:1000].lower()
    (stats,) = cn.read_result(run.results["CAP188"]).read("stats").to_pylist()
    assert (stats["sample_1"], stats["sample_2"], stats["loci"]) == ("wk4", "wk30", 1303)
    assert 4 <= stats["changed"] <= 7
    assert cn.run_sheet(sheet, reference=reference, folder=tmp_path / "out", compare_options=options).done == ()


def test_a_tumour_and_its_normal_run_from_alignments(shared_data: Path, tmp_path: Path) -> None:
    data = shared_data / "amplicon_braf_tumour_normal"
    files = (f"normal\t{data}/ArgumentNA_Normal.bam", f"tumour\t{data}/ArgumentNA_Tumor.bam")
    sheet = write_sheet(tmp_path / "sheet.tsv", "sample\tbam", *files)
    run = cn.run_sheet(sheet, reference=data / "ref_Npadded.fa.gz", folder=tmp_path / "out", regions=(BRAF,))
    assert list(run.done) == ["count normal", "count tumour", "compare all", "report all", "summarize"]
    (stats,) = cn.read_result(run.results["all"]).read("stats").to_pylist()
    assert (stats["loci"], stats["changed"]) == (401, 0)
    assert stats["unchanged"] > 100

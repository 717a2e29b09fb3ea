"""Real samples from a sheet to a page: HIV-1 of two patients from reads, and a tumour with its normal from alignments."""

from pathlib import Path

import pytest

import colonnade as cn

BRAF = "chr7:140453000-140453400"


@pytest.fixture(autouse=True)
def _real_reports(quick_reports: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("colonnade.workflow.plan.write_report", cn.write_report)


def write_sheet(path: Path, *lines: str) -> Path:
    path.write_text("".join(line + "\n" for line in lines))
    return path


def test_three_samples_of_two_patients_run_from_reads(shared_data: Path, tmp_path: Path) -> None:
    data = shared_data / "hiv_caprisa/clip_trimmed"
    reference = tmp_path / "wk4.fasta"
    reference.write_bytes((data / "CAP188_wk4_consensus.fasta").read_bytes())
    samples = (
        ("wk30", "CAP188_wk30", 30, "CAP188"),
        ("wk4", "CAP188_wk4", 4, "CAP188"),
        ("wk4390", "CAP217_wk4390", 4390, "CAP217"),
    )
    lines = (
        f"{name},{data}/{file}_R1.fastq.gz,{data}/{file}_R2.fastq.gz,{time},{group}"
        for name, file, time, group in samples
    )
    sheet = write_sheet(tmp_path / "sheet.csv", "sample,fastq_1,fastq_2,time,group", *lines)
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

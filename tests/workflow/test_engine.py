"""What a run makes, and what it makes again."""

import gzip
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pysam
import pytest
from workflows import Project, row

import colonnade as cn
from colonnade.compare.engine import compare_to_files
from colonnade.compare.question import Question
from colonnade.errors import ColonnadeError, IndexMismatchError, InputError, OutputError, UsageError
from colonnade.formats.locks import lock_now
from colonnade.workflow.engine import SheetRun

ALL = (
    *("make index", "align early", "align late", "count early", "count late"),
    *("compare all", "report all", "summarize"),
)
COMPARED = ("compare all", "report all", "summarize")


def change_reads(project: Project, sample: str) -> None:
    """Leave out the last pair."""
    for path in project.reads(sample):
        lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
        path.write_bytes(gzip.compress(b"".join(lines[:-4])))


def test_all_steps_are_carried_out_at_first(finished: Project, tmp_path: Path) -> None:
    project = finished.copied(tmp_path / "new")
    shutil.rmtree(project.out)
    run = project.run()
    assert run.done == ALL == tuple(run.reasons)
    assert set(run.reasons.values()) == {"new"}
    assert project.checksums() == finished.checksums()


def test_each_stage_of_each_step_tells_how_far_it_is(finished: Project, tmp_path: Path) -> None:
    project = finished.copied(tmp_path / "new")
    shutil.rmtree(project.out)
    told: dict[str, tuple[int, int | None]] = {}
    project.run(progress=lambda stage, done, total: told.update({stage: (done, total)}))
    reads = json.loads((finished.out / "bam/early.counts.json").read_text())["reads"]
    assert list(told)[:8] == [
        *(f"make index: {stage}" for stage in ("taking checksums", "sorting suffixes")),
        *(f"align early: {stage}" for stage in ("taking checksums", "aligning", "pairing", "sorting", "indexing")),
        "align late: taking checksums",
    ]
    assert told["align early: aligning"] == told["align early: pairing"] == (reads, reads)
    assert told["compare all: comparing"] == (1_000, 1_000)
    assert {"count early: counting reads", "report all: drawing", "summarize: reading tables"} < set(told)


def test_results_are_the_bytes_of_the_single_calls(
    finished: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(finished.folder)
    index = Path("the output/reference/made.reference.fa")
    for sample in ("early", "late"):
        (first, second), group = finished.reads(sample), f"@RG\tID:{sample}\tSM:{sample}"
        cn.align(first, second, index=index, out=tmp_path / f"{sample}.bam", sort=True, read_group=group)
        for end in ("bam", "bam.bai"):
            assert (tmp_path / f"{sample}.{end}").read_bytes() == (finished.out / f"bam/{sample}.{end}").read_bytes()
    samples = {sample: f"the output/bam/{sample}.bam" for sample in ("early", "late")}
    question = Question(samples, finished.reference.name, scheme="consecutive")
    compare_to_files(question, tmp_path / "all", vcf=tmp_path / "all.vcf.gz")
    made = sorted(path.name for path in (finished.out / "compare").iterdir())
    assert made == sorted(path.name for path in tmp_path.glob("all.*"))
    for name in made:
        assert (tmp_path / name).read_bytes() == (finished.out / "compare" / name).read_bytes(), name


def test_what_is_up_to_date_is_left_as_it_is(project: Project) -> None:
    before = {
        path: path.stat().st_mtime_ns for path in project.out.rglob("*.*") if "steps" in str(path) or "bam" in str(path)
    }
    assert project.run().done == ()
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_other_times_change_nothing(project: Project) -> None:
    for path in project.folder.rglob("*"):
        os.utime(path, (1, 1))
    assert project.run().done == ()


def test_other_names_of_the_same_contents_change_nothing(project: Project) -> None:
    for number, path in enumerate(project.reads("early"), 1):
        path.rename(project.folder / f"renamed {number}.fastq.gz")
    renamed = {**row("early", 0), "reads_1": "renamed 1.fastq.gz", "reads_2": "renamed 2.fastq.gz"}
    project.write([renamed, row("late", 1)])
    assert project.run().done == ()


def test_a_run_from_elsewhere_changes_nothing(project: Project) -> None:
    assert cn.run_sheet(project.sheet, reference=project.reference, folder=project.out).done == ()


def test_a_project_that_has_moved_is_up_to_date(project: Project) -> None:
    moved = Project(project.folder.rename(project.folder.with_name("moved")))
    assert moved.run().done == ()


def test_changed_reads_are_aligned_again_and_what_follows_is_made_again(project: Project) -> None:
    change_reads(project, "late")
    run = project.run()
    assert run.done == ("align late", "count late", *COMPARED)
    assert run.reasons["align late"] == "reads changed: made.late_1.fastq.gz"
    assert run.reasons["compare all"] == "alignments of late changed: late.bam"
    assert project.run().done == ()


def test_reads_that_change_back_give_the_first_bytes(finished: Project, project: Project) -> None:
    change_reads(project, "late")
    project.run()
    assert project.checksums() != finished.checksums()
    for path in finished.reads("late"):
        shutil.copy(path, project.folder)
    project.run()
    assert project.checksums() == finished.checksums()


def test_an_option_of_compare_does_not_align_again(project: Project) -> None:
    run = project.run(compare_options=cn.CompareOptions(min_distance=0.05))
    assert run.done == COMPARED
    assert run.reasons["compare all"] == "min_distance was 0.2, is 0.05"
    filtered = cn.CompareOptions(min_distance=0.05, read_filter=cn.ReadFilter(trim5=3))
    assert project.run(compare_options=filtered).reasons["compare all"] == "trim5 was 0, is 3"


def test_an_option_of_align_makes_all_again_that_becomes_other(project: Project) -> None:
    run = project.run(align_options=cn.AlignOptions(only_aligned=True), dry_run=True)
    assert run.reasons["align early"] == "only_aligned was false, is true"
    assert run.done == ALL[1:]


def test_what_becomes_the_same_again_changes_nothing_that_follows(project: Project) -> None:
    """The name of the reads is in the record, not in the alignments."""
    (project.out / "bam/early.bam").write_bytes(b"")
    assert project.run().done == ("align early",)


def test_another_version_makes_all_again(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cn.workflow.plan._VERSION, "version", "99")
    run = project.run(dry_run=True)
    assert run.done == ALL
    assert run.reasons["make index"] == f"version was {cn.__version__}, is 99"


def test_an_added_sample_is_aligned_alone(project: Project) -> None:
    project.write_samples("early", "late", "other")
    assert project.run().done == ("align other", "count other", *COMPARED)
    assert project.comparisons() == [("early", "late"), ("late", "other")]


def test_a_sample_that_is_no_longer_in_the_sheet_is_left_alone_and_told_of(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    project.write([row("late", 1)])
    with caplog.at_level("INFO", "colonnade"):
        assert project.run().done == ("summarize",)
    assert (project.out / "bam/early.bam").is_file()
    told = [line for line in caplog.messages if line.startswith("left alone")]
    assert len(told) == 1
    assert f"{project.out.name}/bam/early.bam" in told[0]
    assert "group all has one sample, late, and nothing is compared" in caplog.text


def test_a_sample_of_which_few_reads_are_aligned_is_warned_of(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("WARNING", "colonnade"):
        project.run()
    assert caplog.messages == []
    name, letters = project.reference.read_text().split("\n", 1)
    project.reference.write_text(name + "\n" + letters.translate(str.maketrans("ACGT", "CATG")))
    Path(f"{project.reference}.fai").unlink()
    with caplog.at_level("WARNING", "colonnade"):
        project.run()
    told = [message.partition(" of ")[0] for message in caplog.messages if " reads are aligned; " in message]
    assert told == ["sample early: 0", "sample late: 0"]


@pytest.mark.parametrize(
    ("name", "remade"),
    [
        ("reference/made.reference.fa.sa", "make index"),
        ("reference/made.reference.fa.colonnade", "make index"),
        ("bam/early.bam", "align early"),
        ("bam/early.bam.bai", "align early"),
        ("bam/late.counts.json", "count late"),
        ("compare/all.evidence.tsv", "compare all"),
        ("compare/all.vcf.gz.tbi", "compare all"),
        ("compare/all.run.json", "compare all"),
        ("report/all.html", "report all"),
        ("multiqc/colonnade_depth_mqc.json", "summarize"),
    ],
)
@pytest.mark.parametrize("damage", ["cut", "changed", "removed"])
def test_output_that_is_not_as_it_was_made_is_made_again(
    finished: Project, project: Project, name: str, remade: str, damage: str
) -> None:
    path = project.out / name
    whole = path.read_bytes()
    if damage == "cut":
        path.write_bytes(whole[:-1])
    elif damage == "changed":
        times = path.stat()
        path.write_bytes(whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    else:
        path.unlink()
    run = project.run(dry_run=True)
    assert run.done[0] == remade
    expected = f"{name} is missing" if damage == "removed" else f"{name} is not as it was made"
    assert run.reasons[remade] == expected
    if damage == "removed":
        assert project.run().done == (remade,)
        assert path.read_bytes() == whole


@pytest.mark.parametrize("name", ["bam/early.bam", "bam/early.bam.bai", "multiqc/colonnade_depth_mqc.json"])
def test_a_folder_in_place_of_an_output_is_left_alone(project: Project, name: str) -> None:
    path = project.out / name
    path.unlink()
    path.mkdir()
    with pytest.raises(OutputError, match=f"{path.name}: output is a folder; remove it"):
        project.run()


def test_a_file_in_place_of_a_folder_is_left_alone(project: Project) -> None:
    shutil.rmtree(project.out / "bam")
    (project.out / "bam").touch()
    with pytest.raises(OutputError, match="bam: cannot be written; found File exists"):
        project.run()


def test_a_dry_run_writes_nothing(project: Project) -> None:
    shutil.rmtree(project.out)
    before = sorted(project.folder.rglob("*"))
    assert project.run(dry_run=True).done == ALL
    assert sorted(project.folder.rglob("*")) == before


def test_a_dry_run_tells_what_follows(project: Project) -> None:
    change_reads(project, "late")
    run = project.run(dry_run=True)
    assert run.done == ("align late", "count late", *COMPARED)
    assert run.reasons["compare all"] == "late.bam is made anew"


def test_force_makes_all_anew_with_the_same_bytes(project: Project) -> None:
    before = project.checksums()
    assert project.run(force=True, dry_run=True).done == ALL
    assert project.run(force=True).done == ALL
    assert project.checksums() == before


def test_another_reference_makes_all_again(project: Project) -> None:
    text = project.reference.read_text()
    project.reference.write_text(text[:-2] + ("A" if text[-2] != "A" else "C") + "\n")
    run = project.run()
    assert run.done[:3] == ALL[:3]
    assert run.reasons["make index"] == "reference changed: made.reference.fa"


def test_an_index_beside_the_reference_is_used(project: Project) -> None:
    shutil.rmtree(project.out)
    cn.build_index(project.reference)
    run = project.run()
    assert run.done == ("check index", *ALL[1:])
    assert not (project.out / "reference").exists()
    assert project.run().done == ()


def test_an_index_of_another_genome_is_refused(project: Project) -> None:
    cn.build_index(project.reference)
    text = project.reference.read_text()
    project.reference.write_text(text[:-2] + ("A" if text[-2] != "A" else "C") + "\n")
    with pytest.raises(IndexMismatchError, match=r"virus:1000: index is not of the reference beside it"):
        project.run()


def test_alignments_are_taken_as_they_are(finished: Project, tmp_path: Path) -> None:
    project = Project(tmp_path)
    shutil.copy(finished.reference, project.reference)
    for sample in ("early", "late"):
        shutil.copy(finished.out / f"bam/{sample}.bam", tmp_path)
    project.write([{"sample": sample, "bam": f"{sample}.bam"} for sample in ("late", "early")])
    run = project.run()
    assert run.done == ("count late", "count early", *COMPARED)
    assert project.comparisons() == [("late", "early")]
    assert project.run().done == ()


def test_reads_of_several_files_become_one_sample_with_read_groups(project: Project) -> None:
    project.write([row("early"), {**row("other"), "sample": "early"}, row("late")])
    shutil.rmtree(project.out)
    project.run()
    with pysam.AlignmentFile(project.out / "bam/early.bam") as file:
        groups = [(group["ID"], group["SM"]) for group in file.header["RG"]]
        assert groups == [("early.1", "early"), ("early.2", "early")]
        assert {read.get_tag("RG") for read in file} == {"early.1", "early.2"}
    project.write([{**row("other"), "sample": "early"}, row("early"), row("late")])
    assert project.run(dry_run=True).reasons["align early"] == "order or number of files changed"


def test_another_library_makes_alignments_again(project: Project) -> None:
    project.write([{**row("early", 0), "library": "one"}, {**row("late", 1), "library": ""}])
    run = project.run(dry_run=True)
    assert run.done == ("align early", "count early", *COMPARED)
    assert run.reasons["align early"].startswith("read_groups 1 was ")


def test_samples_are_compared_within_their_groups_by_time(project: Project) -> None:
    project.write([row("late", 30, "a"), row("other", 2, "b"), row("early", 4.5, "a")])
    run = project.run(against=None)
    assert list(run.results) == ["a"]
    assert project.comparisons("a") == [("early", "late")]
    assert run.reports == {"a": Path("the output/report/a.html")}


def test_a_group_of_one_sample_can_be_compared_with_the_reference(project: Project) -> None:
    project.write([row("late", 30, "a"), row("early", 4, "b")])
    assert list(project.run(against="REF").results) == ["a", "b"]
    assert project.comparisons("b") == [("early", "REF")]


def test_a_sample_to_compare_with_must_be_in_all_groups(project: Project) -> None:
    project.write([row("late", 30, "a"), row("early", 4, "b")])
    with pytest.raises(UsageError, match="no sample late in a group; found b; expected it in all groups, or REF"):
        project.run(against="late")


@pytest.mark.parametrize(
    ("option", "text", "changed"),
    [("gff", "##gff-version 3\n", "genes"), ("bed", "virus\t0\t900\n", "bed"), ("mask", "virus\t0\t9\n", "mask")],
)
def test_files_of_options_are_looked_at(project: Project, option: str, text: str, changed: str) -> None:
    path = project.folder / "file of an option"
    path.write_text(text)

    def run(**more: bool) -> cn.SheetRun:
        if option == "mask":
            return project.run(compare_options=cn.CompareOptions(read_filter=cn.ReadFilter(mask=path)), **more)
        return project.run(**{option: path}, **more)

    first = run().done
    assert first == (COMPARED if option != "gff" else ("report all",))
    assert run().done == ()
    path.write_text(text.replace("9", "8") + "#\n")
    step = first[0]
    assert run(dry_run=True).reasons[step] == f"{changed} changed: file of an option"
    assert project.run(dry_run=True).reasons[step] == f"{changed} left out"


@pytest.mark.parametrize("option", ["reference", "gff", "bed"])
def test_files_of_options_must_be_there_at_once(project: Project, option: str) -> None:
    options = {"reference": project.reference, "folder": project.out, option: project.folder / "none"}
    with pytest.raises(InputError, match="none: no such file"):
        cn.run_sheet(project.sheet, **options)


def test_two_runs_in_one_folder_are_refused(project: Project) -> None:
    with (project.out / ".lock").open("wb") as file:
        lock_now(file)
        with pytest.raises(UsageError, match="another run is at work in this folder"):
            project.run()


def test_files_that_no_run_has_made_are_not_replaced(project: Project) -> None:
    shutil.rmtree(project.out / "steps")
    shutil.rmtree(project.out / "reference")
    with pytest.raises(UsageError, match=r"early\.bam: output exists"):
        project.run()
    assert project.run(force=True).done == ALL


@pytest.mark.parametrize("text", ["{", "[]", "\ufffd", pytest.param("[" * 100_000, id="deep")])
def test_a_damaged_record_makes_its_step_again(project: Project, text: str) -> None:
    (project.out / "steps/align.late.json").write_text(text)
    assert project.run(dry_run=True).reasons["align late"] == "not finished before"


@pytest.mark.parametrize(
    ("part", "damaged"),
    [
        *(('"what"', '"whau"'), ('"sha256"', '"sha255"'), ('"align late"', '"align lata"')),
        *(('"align late"', "3"), ('"reads"', "[]"), ('"outputs": {', '"outputs": [], "facts": {')),
    ],
)
def test_a_record_with_a_damaged_part_makes_its_step_again(
    finished: Project, project: Project, part: str, damaged: str
) -> None:
    record = project.out / "steps/align.late.json"
    assert part in record.read_text()
    record.write_text(record.read_text().replace(part, damaged))
    assert project.run().reasons["align late"] == "not finished before"
    assert project.checksums() == finished.checksums()


def test_a_result_that_an_older_program_has_written_otherwise_is_made_again(
    finished: Project, project: Project
) -> None:
    facts, record = project.out / "compare/all.run.json", project.out / "steps/compare.all.json"
    made = facts.read_bytes()
    older = {name: value for name, value in json.loads(made).items() if name != "rows"}
    facts.write_text(json.dumps(older))
    now, then = (hashlib.sha256(text).hexdigest() for text in (made, facts.read_bytes()))
    record.write_text(record.read_text().replace(now, then))
    assert project.run().reasons["compare all"] == "its result cannot be read: KeyError: 'rows'"
    assert project.checksums() == finished.checksums()


def test_the_index_of_an_older_reference_is_refused_before_anything_is_done(project: Project) -> None:
    project.reference.write_text(project.reference.read_text() + ">another\nACGT\n")
    assert project.run(dry_run=True).done == ALL
    project.reference.write_text(project.reference.read_text().replace(">another", "ACGT\n>another"))
    with pytest.raises(
        IndexMismatchError, match=r"virus: the \.fai is not of this file.*; if the file is whole, make the"
    ):
        project.run()


def test_reads_that_change_while_they_are_aligned_are_told_of(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    align: Callable[..., object] = cn.workflow.plan.align

    def changing(*arguments: object, **options: object) -> None:
        align(*arguments, **options)
        change_reads(project, "late")

    change_reads(project, "late")
    monkeypatch.setattr("colonnade.workflow.plan.align", changing)
    with pytest.raises(InputError, match=r"made\.late_1\.fastq\.gz: changed while it was read"):
        project.run()
    assert project.run(dry_run=True).reasons["align late"] == "not finished before"


def test_a_step_that_fails_leaves_nothing_that_looks_complete(project: Project) -> None:
    change_reads(project, "late")
    project.reads("late")[1].write_bytes(b"no reads")
    with pytest.raises(ColonnadeError):
        project.run()
    assert project.run(dry_run=True).reasons["align late"] == "not finished before"


def test_where_every_result_comes_from_is_told(project: Project) -> None:
    project.run()
    facts = json.loads((project.out / "run.json").read_text())
    assert [step["step"] for step in facts["steps"]] == list(ALL)
    align = facts["steps"][1]
    assert [given["what"] for given in align["inputs"]] == ["reads", "reads", "reference"]
    assert list(align["outputs"]) == ["bam/early.bam", "bam/early.bam.bai"]
    assert facts["samples"][1] == {"name": "late", "group": "all", "time": "1.0"}


def test_without_what_draws_there_are_no_reports(
    project: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("colonnade.workflow.plan.find_spec", lambda _: None)
    run = project.run()
    assert "report all" not in run.reasons
    assert run.reports == {}
    assert "no reports are made, as altair and vl-convert are not installed" in caplog.text
    caplog.clear()
    project.write_samples("early")
    project.run()
    assert "no reports" not in caplog.text


def test_a_notebook_shows_steps_and_reports(finished: Project) -> None:
    html = finished.run(dry_run=True)._repr_html_()
    text = re.sub("<[^>]+>", "|", html)
    assert "step|" in text
    assert re.search(r"compare all\|+up to date\|", text)
    assert "report of all: the output/report/all.html" in text
    assert len(html) < 5_000


def test_a_notebook_shows_no_markup_of_names() -> None:
    run = SheetRun({"align a": "reads changed: <b>.fq"}, {}, {"a": Path("<i>/a.html")})
    assert "<b>" not in run._repr_html_()
    assert "<i>" not in run._repr_html_()

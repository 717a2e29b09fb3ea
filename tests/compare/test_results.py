"""The files of a comparison: every kind has the same rows, and all appear together or none does."""

import gzip
import json
from pathlib import Path

import pyarrow.parquet as pq
import pysam
import pysam.bcftools
import pytest

from colonnade.compare import spool
from colonnade.compare.engine import CompareResult, compare, compare_to_files
from colonnade.compare.options import CompareOptions
from colonnade.compare.question import Question
from colonnade.compare.samples import REF
from colonnade.compare.schemas import TABLES, table_schemas
from colonnade.errors import ColonnadeError, OutputError, UsageError

CONTIG = "CAP188_wk4_consensus"


@pytest.fixture(scope="module")
def question(shared_data: Path) -> Question:
    folder = shared_data / "hiv_caprisa"
    samples = {"wk4": folder / "CAP188_wk4.cons.bwamem.bam", "other": folder / "CAP217_wk4390.cons.bwamem.bam"}
    options = CompareOptions(min_distance=0.05, window=100)
    return Question(samples, folder / f"{CONTIG}.fasta", options=options)


@pytest.fixture(scope="module")
def texts(question: Question, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("plain")
    compare_to_files(question, folder / "x")
    return {name: (folder / f"x.{name}.tsv").read_text() for name in TABLES}


def test_compressed_tables_hold_the_same_text_and_their_index_finds_every_row(
    question: Question, texts: dict[str, str], tmp_path: Path
) -> None:
    compare_to_files(question, tmp_path / "x", kind="tsv.gz")
    for name in TABLES:
        path = tmp_path / f"x.{name}.tsv.gz"
        assert gzip.decompress(path.read_bytes()).decode() == texts[name]
    assert not (tmp_path / "x.stats.tsv.gz.tbi").exists()
    rows = [line for line in texts["dist"].splitlines()[1:] if 400 <= int(line.split("\t")[1]) <= 900]
    with pysam.TabixFile(str(tmp_path / "x.dist.tsv.gz")) as file:
        assert list(file.fetch(CONTIG, 399, 900)) == rows
    assert len(rows) > 10
    with pysam.TabixFile(str(tmp_path / "x.windows.tsv.gz")) as file:
        assert [line.split("\t")[1] for line in file.fetch(CONTIG, 250, 420)] == ["201", "301", "401"]


def test_parquet_holds_the_tables_of_a_call(question: Question, tmp_path: Path) -> None:
    compare_to_files(question, tmp_path / "x", kind="parquet")
    result = compare(question.samples, reference=question.reference, options=question.options)
    facts = json.loads((tmp_path / "x.run.json").read_text())
    assert facts.pop("rows") == {name: len(getattr(result, name)) for name in TABLES}
    assert facts == json.loads(json.dumps(result.facts))
    for name in TABLES:
        table = pq.read_table(tmp_path / f"x.{name}.parquet")
        assert table.equals(getattr(result, name))
        assert table.column_names == [column.name for column in table_schemas(question.options.quantiles)[name].columns]
        assert json.loads(getattr(result, name).schema.metadata[b"colonnade"]) == facts
        assert json.loads(pq.read_metadata(tmp_path / f"x.{name}.parquet").metadata[b"colonnade"]) == facts


@pytest.mark.parametrize("kind", ["tsv.gz", "parquet"])
@pytest.mark.parametrize("loci", ["changed", "tested"])
def test_same_bytes_for_any_threads_and_memory_in_every_kind(
    question: Question, tmp_path: Path, kind: str, loci: str
) -> None:
    folder = Path(next(iter(question.samples.values()))).parent
    samples = {"a": folder / "CAP188_wk4.bwamem.bam", "b": folder / "CAP188_wk30.bwamem.bam"}
    options = CompareOptions(min_distance=0.05, loci=loci, draws=100, window=33)
    asked = Question(samples, folder / "HXB2.fasta", options=options)
    written = []
    for number, (threads, memory) in enumerate([(1, 1 << 30), (2, 1 << 30), (2, 1 << 16)]):
        home = tmp_path / str(number)
        home.mkdir()
        compare_to_files(asked, home / "x", kind=kind, vcf=home / "x.bcf", threads=threads, memory=memory)
        written.append({path.name: path.read_bytes() for path in home.iterdir()})
    assert written[0] == written[1] == written[2]
    assert {"x.bcf", "x.bcf.csi", "x.run.json"} < set(written[0])


def test_vcf_has_the_loci_of_dist_and_bcftools_reads_it_in_silence(
    question: Question, texts: dict[str, str], tmp_path: Path, capfd
) -> None:
    for ending in ("vcf", "vcf.gz", "bcf"):
        compare_to_files(question, tmp_path / "x", tables=["dist"], vcf=tmp_path / f"x.{ending}", force=True)
        positions = pysam.bcftools.query("-f", "%POS\n", str(tmp_path / f"x.{ending}")).split()
        expected = {line.split("\t")[1] for table in ("dist", "idist") for line in texts[table].splitlines()[1:]}
        assert set(positions) == expected
        pysam.bcftools.norm("--check-ref", "w", "-f", str(question.reference), str(tmp_path / f"x.{ending}"))
    assert "[W" not in capfd.readouterr().err
    names = {"x.dist.tsv", "x.run.json", "x.vcf", "x.vcf.gz", "x.vcf.gz.tbi", "x.bcf", "x.bcf.csi"}
    assert {path.name for path in tmp_path.iterdir()} == names


def test_only_what_is_asked_for_is_written(question: Question, texts: dict[str, str], tmp_path: Path) -> None:
    compare_to_files(question, tmp_path / "x", tables=["windows", "stats"])
    assert {path.name for path in tmp_path.iterdir()} == {"x.windows.tsv", "x.stats.tsv", "x.run.json"}
    assert (tmp_path / "x.windows.tsv").read_text() == texts["windows"]
    assert (tmp_path / "x.stats.tsv").read_text() == texts["stats"]


def test_bad_choices_leave_nothing(question: Question, tmp_path: Path) -> None:
    for more in ({"tables": ["dists"]}, {"tables": []}, {"vcf": tmp_path / "x.txt"}):
        with pytest.raises(UsageError):
            compare_to_files(question, tmp_path / "x", **more)
    with pytest.raises(ColonnadeError, match="cannot be written"):
        compare_to_files(question, tmp_path / "missing" / "x")
    assert not list(tmp_path.iterdir())


def test_an_output_never_replaces_what_is_read(make_bam, make_fasta, tmp_path: Path) -> None:
    sequence = "ACGTTGCAAC" * 20
    line = f"r\t0\tc\t1\t60\t60M\t*\t0\t0\t{sequence[:60]}\t{'I' * 60}"
    samples = {name: make_bam(f"{name}.vcf.gz", {"c": 200}, [line]) for name in ("a", "b")}
    fasta = make_fasta("r.fa", {"c": sequence})
    sheet = tmp_path / "x.stats.tsv"
    sheet.write_text("sample\tpath\n")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    asked = Question(samples, fasta)
    for more in ({"vcf": samples["a"]}, {"untouched": [sheet]}):
        with pytest.raises(UsageError, match="one of the inputs"):
            compare_to_files(asked, tmp_path / "x", force=True, **more)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_full_disk_is_told_with_the_folder(question: Question, tmp_path: Path, monkeypatch) -> None:
    def full(*_args, **_keywords):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spool.tempfile, "TemporaryFile", full)
    with pytest.raises(OutputError, match=f"{tmp_path}: working files cannot be written; found No space left"):
        compare_to_files(question, tmp_path / "x")
    assert not list(tmp_path.iterdir())


# Strands and false shares


def test_a_change_on_one_strand_only_is_not_confirmed_if_strands_matter(make_bam, make_fasta) -> None:
    sequence = "ACGTTGCAAC" * 20

    def lines(changed: dict[int, str], flags: list[int]) -> list[str]:
        result = []
        for k, flag in enumerate(flags):
            bases = list(sequence[:60])
            for position, base in changed.items():
                bases[position] = base
            result.append(f"r{k}.{flag}.{len(changed)}\t{flag}\tc\t1\t60\t60M\t*\t0\t0\t{''.join(bases)}\t{'I' * 60}")
        return result

    both = [0, 16] * 50
    one = make_bam("one.bam", {"c": 200}, lines({}, both))
    # Position 10 changes on forward reads only, position 20 on both strands.
    two = make_bam("two.bam", {"c": 200}, lines({9: "T", 19: "T"}, [0] * 50) + lines({19: "T"}, [16] * 50))
    fasta = make_fasta("r.fa", {"c": sequence})
    for smallest, expected in ((0.0, [10, 20]), (1e-6, [20])):
        result = compare(
            {"one": one, "two": two}, reference=fasta, options=CompareOptions(min_strand_p=smallest, window=100)
        )
        assert result.dist["position"].to_pylist() == expected
        assert result.stats["changed"].to_pylist() == [len(expected)]
        assert result.stats["ambiguous"].to_pylist() == [2 - len(expected)]
        assert result.windows["changed"].to_pylist() == [len(expected), 0]
    against = compare({"two": two}, reference=fasta, against=REF).dist.to_pylist()
    assert [row["position"] for row in against] == [10, 20]
    assert against[0]["strand_p"] < 1e-20
    assert against[1]["strand_p"] == 1


def test_false_shares_are_of_changes_only_and_rise_down_the_list_of_all_comparisons(question: Question) -> None:
    options = CompareOptions(min_distance=0.02, loci="tested", draws=200)
    rows = compare(question.samples, reference=question.reference, options=options).dist.to_pylist()
    shares = [row["false_share"] for row in rows if row["state"] == "changed"]
    assert {row["false_share"] for row in rows if row["state"] != "changed"} == {None}
    assert 0 <= min(shares) < max(shares) <= 1
    assert len(shares) > 50
    alone = compare(
        question.samples, reference=question.reference, options=CompareOptions(min_distance=0.02, draws=200)
    )
    assert alone.dist["false_share"].to_pylist() == shares


@pytest.mark.parametrize("loci", ["changed", "tested"])
def test_max_false_share_ends_the_list_everywhere_at_once(question: Question, loci: str, tmp_path: Path) -> None:
    def cut_options(most: float) -> CompareOptions:
        return CompareOptions(min_distance=0.02, window=100, loci=loci, draws=200, max_false_share=most)

    def run(most: float) -> CompareResult:
        return compare(question.samples, reference=question.reference, options=cut_options(most))

    whole = run(1.0)
    changed = [row for row in whole.dist.to_pylist() if row["state"] == "changed"]
    shares = sorted({row["false_share"] for row in changed})
    most = shares[(len(shares) - 1) // 2]
    cut = run(most)
    kept = [row for row in changed if row["false_share"] <= most]
    assert 0 < len(kept) < len(changed)
    assert [row for row in cut.dist.to_pylist() if row["state"] == "changed"] == kept
    gone = len(changed) - len(kept)
    before, after = whole.stats.to_pylist()[0], cut.stats.to_pylist()[0]
    assert (before["changed"] - after["changed"], after["ambiguous"] - before["ambiguous"]) == (gone, gone)
    assert sum(cut.windows["changed"].to_pylist()) == len(kept)
    only = Question(question.samples, question.reference, options=cut_options(most))
    assert compare_to_files(only, tmp_path / "x", tables=["stats"]).to_pylist() == cut.stats.to_pylist()
    loci_shown = set(cut.dist["position"].to_pylist())
    assert set(cut.comp["position"].to_pylist()) == set(cut.evidence["position"].to_pylist()) == loci_shown
    if loci == "tested":
        assert cut.dist.num_rows == whole.dist.num_rows


def test_events_above_the_false_share_leave_idist_and_stats(make_bam, make_fasta) -> None:
    sequence = "GATCCGTATGCAAGTCTTGACG" * 10

    def lines(deleted: dict[int, int], n: int) -> list[str]:
        """Reads with a deletion of one base behind some positions, each in so many of n."""
        result = []
        for k in range(n):
            for number, (position, with_it) in enumerate(deleted.items()):
                start = position - 20
                bases = sequence[start : start + 21] + sequence[start + 22 : start + 41]
                cigar = "21M1D19M" if k < with_it else "40M"
                if k >= with_it:
                    bases = sequence[start : start + 40]
                result.append(f"r{k}.{number}\t0\tc\t{start + 1}\t60\t{cigar}\t*\t0\t0\t{bases}\t{'I' * 40}")
        return result

    fasta = make_fasta("r.fa", {"c": sequence})
    one = make_bam("one.bam", {"c": len(sequence)}, lines({30: 0, 100: 0}, 60))
    two = make_bam("two.bam", {"c": len(sequence)}, lines({30: 60, 100: 23}, 60))
    whole = compare({"one": one, "two": two}, reference=fasta)
    shares = whole.idist["false_share"].to_pylist()
    assert len(shares) == 2
    assert shares[0] < shares[1]
    options = CompareOptions(max_false_share=(shares[0] + shares[1]) / 2)
    cut = compare({"one": one, "two": two}, reference=fasta, options=options)
    assert cut.idist["position"].to_pylist() == whole.idist["position"].to_pylist()[:1]
    assert cut.stats["indel_changed"].to_pylist() == [1]

"""The main job end to end: real samples, and small made-up ones for each rule."""

import json
from pathlib import Path

import numpy as np
import pysam
import pytest

from colonnade.compare.engine import compare, compare_to_files
from colonnade.compare.options import CompareOptions
from colonnade.compare.question import Question
from colonnade.compare.samples import REF, Comparison
from colonnade.compare.schemas import TABLES
from colonnade.errors import UsageError
from colonnade.records.filters import ReadFilter

LENGTH = 200
REFERENCE = "ACGTTGCAAC" * (LENGTH // 10)
COLUMNS = {
    "dist": "contig position reference sample_1 sample_2 depth_1 depth_2 state p_changed strand_p false_share distance_mean "
    "distance_q0.005 distance_q0.05 distance_q0.5 distance_q0.95 distance_q0.995",
    "comp": "contig position reference sample depth depth_low_quality depth_indel base rank mean q0.005 q0.05 q0.5 q0.95 q0.995",
    "idist": "contig position reference sample_1 sample_2 state p_changed false_share events counts_1 counts_2 distance_mean "
    "distance_q0.005 distance_q0.05 distance_q0.5 distance_q0.95 distance_q0.995",
    "stats": "sample_1 sample_2 loci no_data no_reference below_min_depth changed ambiguous unchanged screened_changed "
    "indel_changed",
    "evidence": "contig position sample base quality strand count",
    "windows": "contig start end sample_1 sample_2 loci_tested distance_mean changed",
    "depth": "contig start end sample positions_covered depth_mean depth_low_quality_mean",
}


@pytest.fixture(scope="module")
def hiv(shared_data: Path) -> dict[str, Path]:
    folder = shared_data / "hiv_caprisa"
    samples = {"wk4": "CAP188_wk4", "wk30": "CAP188_wk30", "CAP217": "CAP217_wk4390"}
    return {name: folder / f"{file}.cons.bwamem.bam" for name, file in samples.items()} | {
        REF: folder / "CAP188_wk4_consensus.fasta"
    }


def reads(
    n: int, base_at: dict[int, str], *, start: int = 0, length: int = 60, prefix: str = "r", flag: int = 0
) -> list[str]:
    """SAM lines of n equal reads of the reference, with other bases at some positions."""
    sequence = list(REFERENCE[start : start + length])
    for position, base in base_at.items():
        sequence[position - start] = base
    return [
        f"{prefix}{k}\t{flag}\tc\t{start + 1}\t60\t{length}M\t*\t0\t0\t{''.join(sequence)}\t{'I' * length}"
        for k in range(n)
    ]


@pytest.fixture
def small(make_bam, make_fasta):
    """A comparison of two made-up samples given as SAM lines."""
    fasta = make_fasta("ref.fa", {"c": REFERENCE})

    def run(one: list[str], two: list[str], against: str | None = None, **options):
        samples = {"one": make_bam("one.bam", {"c": LENGTH}, one), "two": make_bam("two.bam", {"c": LENGTH}, two)}
        return compare(samples, reference=fasta, against=against, options=CompareOptions(**options))

    return run


# Real samples


def test_depth_indel_counts_reads(small) -> None:
    deleted = [line.replace("\t60M\t", "\t20M2D38M\t").replace("I" * 60, "I" * 58) for line in reads(30, {})]
    deleted = [line.replace(REFERENCE[:60], REFERENCE[:20] + REFERENCE[22:60]) for line in deleted]
    result = small(deleted, reads(30, {}, prefix="s"), loci="tested", indels="as-aligned")
    rows = [row for row in result.comp.to_pylist() if row["rank"] == 1 and row["position"] in (19, 20, 21)]
    found = {(row["sample"], row["position"]): row["depth_indel"] for row in rows}
    assert found[("one", 20)] == 30
    assert {key: n for key, n in found.items() if n} == {("one", 20): 30}


def test_records_of_a_run_are_told_with_what_removed_them(small) -> None:
    result = small([*reads(5, {}), *reads(3, {}, prefix="d", flag=1024)], reads(4, {}))
    assert result.facts["records"]["one"] == {"kept": 5, "unmapped": 0, "exclude_flags": 3, "min_mapq": 0}
    assert result.facts["records"]["two"]["kept"] == 4


def test_two_weeks_of_one_patient_differ_at_a_handful_of_loci(hiv) -> None:
    result = compare(
        {"wk4": hiv["wk4"], "wk30": hiv["wk30"], "other": hiv["CAP217"]},
        reference=hiv[REF],
        options=CompareOptions(min_distance=0.05),
    )
    changed = {(row["sample_1"], row["sample_2"]): row["changed"] for row in result.stats.to_pylist()}
    assert 3 <= changed["wk4", "wk30"] <= 12
    assert changed["wk4", "other"] > 3 * changed["wk4", "wk30"]
    largest = max(row["distance_mean"] for row in result.dist.to_pylist() if row["sample_2"] == "wk30")
    assert 0.16 < largest < 0.2


def test_a_sample_does_not_differ_from_itself(hiv) -> None:
    result = compare({"a": hiv["wk4"], "b": hiv["wk4"]}, reference=hiv[REF], options=CompareOptions(min_distance=0.05))
    assert result.dist.num_rows == result.idist.num_rows == 0


def test_no_week_changes_at_the_default_distance(hiv) -> None:
    result = compare({"wk4": hiv["wk4"], "wk30": hiv["wk30"]}, reference=hiv[REF])
    assert result.dist.num_rows == 0


def test_synthetic_controls_differ_where_their_sequences_do(shared_data: Path) -> None:
    # GISAID/GenBank MT007544.1 against MN908947.3: T19065C, T22303G, G26144T and a deletion of ten bases near the end.
    folder = shared_data / "sarscov2_twist"
    result = compare(
        {"MT": folder / "pos_MT007544_1_1.bwamem.bam", "MN": folder / "pos_MN908947_3_1.bwamem.bam"},
        reference=folder / "NC_045512.2.fasta",
    )
    assert result.dist["position"].to_pylist() == [19065, 22303, 26144]
    assert [(row["position"], row["events"]) for row in result.idist.to_pylist()] == [(29749, "@,-CGATCGAGTG")]
    major = {
        row["position"]: row["base"] for row in result.comp.to_pylist() if row["sample"] == "MT" and row["rank"] == 1
    }
    assert major == {19065: "C", 22303: "G", 26144: "T"}


# Bytes


@pytest.mark.parametrize(
    "options", [CompareOptions(min_distance=0.05), CompareOptions(min_distance=0.05, loci="tested", draws=100)]
)
def test_same_bytes_for_any_threads_memory_and_run(hiv, tmp_path: Path, options: CompareOptions) -> None:
    folder = hiv["wk4"].parent
    samples = {"a": folder / "CAP188_wk4.bwamem.bam", "b": folder / "CAP188_wk30.bwamem.bam"}
    question = Question(samples, folder / "HXB2.fasta", options=options)
    written = []
    for number, (threads, memory) in enumerate([(1, 1 << 30), (1, 1 << 30), (2, 1 << 30), (2, 1 << 16)]):
        prefix = tmp_path / str(number) / "x"
        prefix.parent.mkdir()
        compare_to_files(question, prefix, threads=threads, memory=memory)
        written.append({path.name: path.read_bytes() for path in prefix.parent.iterdir()})
    assert set(written[0]) == {f"x.{table}.tsv" for table in TABLES} | {"x.run.json"}
    assert written[0] == written[1] == written[2] == written[3]
    assert written[0]["x.dist.tsv"].count(b"\n") > 3


def test_tables_have_the_declared_columns_and_one_line_per_row(hiv, tmp_path: Path) -> None:
    question = Question({"a": hiv["wk4"], "b": hiv["CAP217"]}, hiv[REF], options=CompareOptions(min_distance=0.05))
    compare_to_files(question, tmp_path / "x")
    for table, columns in COLUMNS.items():
        text = (tmp_path / f"x.{table}.tsv").read_text()
        assert text.endswith("\n")
        header, *rows = text.splitlines()
        assert header.split("\t") == columns.split()
        assert {len(row.split("\t")) for row in rows} <= {len(columns.split())}
    facts = json.loads((tmp_path / "x.run.json").read_text())
    assert facts["options"]["min_distance"] == 0.05
    assert all(len(md5) == 32 for md5 in facts["reference"]["md5"].values())
    assert "threads" not in json.dumps(facts)


def test_a_locus_alone_gets_the_row_it_has_among_others(hiv) -> None:
    samples, options = {"a": hiv["wk4"], "b": hiv["CAP217"]}, CompareOptions(min_distance=0.05)
    whole = compare(samples, reference=hiv[REF], options=options)
    contig = whole.dist["contig"][0].as_py()
    for row in whole.dist.to_pylist()[::10]:
        alone = compare(
            samples, reference=hiv[REF], options=options, regions=[f"{contig}:{row['position']}-{row['position']}"]
        )
        assert alone.dist.to_pylist() == [row]


def test_another_sample_in_the_run_changes_no_row(hiv) -> None:
    options = CompareOptions(min_distance=0.05)
    two = compare({"wk4": hiv["wk4"], "wk30": hiv["wk30"]}, reference=hiv[REF], options=options)
    three = compare(
        {"CAP217": hiv["CAP217"], "wk4": hiv["wk4"], "wk30": hiv["wk30"]},
        reference=hiv[REF],
        pairs=[Comparison("wk4", "wk30")],
        options=options,
    )
    assert three.dist.equals(two.dist)


# Rules


def test_the_first_and_the_last_position_are_compared(small) -> None:
    one = reads(80, {}, start=0) + reads(80, {}, start=LENGTH - 60, prefix="s")
    two = reads(80, {0: "T"}, start=0) + reads(80, {LENGTH - 1: "T"}, start=LENGTH - 60, prefix="s")
    assert small(one, two).dist["position"].to_pylist() == [1, LENGTH]


def test_absent_is_not_zero(small) -> None:
    row = small(reads(80, {}), reads(80, {}, start=30)).stats.to_pylist()[0]
    assert row["loci"] == LENGTH
    assert row["no_data"] == LENGTH - 30
    assert row["unchanged"] == 30
    parts = ("no_data", "no_reference", "below_min_depth", "changed", "ambiguous", "unchanged")
    assert sum(row[part] for part in parts) == row["loci"]


def test_shallow_loci_are_counted_apart(small) -> None:
    row = small(reads(9, {5: "T"}), reads(80, {}), min_depth=10).stats.to_pylist()[0]
    assert (row["below_min_depth"], row["no_data"], row["changed"]) == (60, LENGTH - 60, 0)


def test_tested_shows_every_compared_locus_and_the_same_states(small) -> None:
    one, two = reads(40, {}) + reads(3, {7: "G"}, prefix="s"), reads(40, {21: "A"})
    changed, tested = small(one, two), small(one, two, loci="tested")
    assert tested.dist.num_rows == 60
    states = tested.dist["state"].to_pylist()
    row = tested.stats.to_pylist()[0]
    assert [states.count(s) for s in ("changed", "ambiguous", "unchanged")] == [
        row["changed"],
        row["ambiguous"],
        row["unchanged"],
    ]
    assert changed.stats.equals(tested.stats)
    assert [r for r in tested.dist.to_pylist() if r["state"] == "changed"] == changed.dist.to_pylist()
    assert tested.dist["p_changed"].null_count == 0
    assert changed.comp.num_rows == 2 * 4


def test_composition_rows_rank_the_bases_and_sum_to_one(small) -> None:
    rows = small(reads(50, {}), reads(30, {9: "G"}) + reads(20, {9: "T"}, prefix="s")).comp.to_pylist()
    two = {row["base"]: row for row in rows if row["sample"] == "two"}
    assert [two[base]["rank"] for base in "GT"] == [1, 2]
    assert sum(row["mean"] for row in two.values()) == pytest.approx(1)
    assert {row["depth"] for row in two.values()} == {50}


def test_against_the_reference(small) -> None:
    result = small(reads(60, {}), reads(60, {9: "T"}), against=REF)
    assert [(r["sample_1"], r["sample_2"], r["position"], r["depth_2"]) for r in result.dist.to_pylist()] == [
        ("two", REF, 10, None)
    ]
    assert result.dist["distance_mean"][0].as_py() > 0.95


def test_ambiguous_reference_bases_are_not_compared_with_ref_and_lower_case_is_as_good(make_bam, make_fasta) -> None:
    masked = "N" + REFERENCE[1:9].lower() + "R" + REFERENCE[10:]
    bam = make_bam("one.bam", {"c": LENGTH}, reads(60, {5: "A"}))
    result = compare({"one": bam}, reference=make_fasta("m.fa", {"c": masked}), against=REF)
    row = result.stats.to_pylist()[0]
    assert row["no_reference"] == 2
    assert result.dist["position"].to_pylist() == [6]
    assert result.dist["reference"].to_pylist() == [REFERENCE[5]]


def test_several_files_of_a_sample_count_as_one(make_bam, make_fasta) -> None:
    fasta = make_fasta("ref.fa", {"c": REFERENCE})
    a, b = reads(30, {}), reads(30, {9: "T"}, prefix="s")
    parts = [make_bam("a.bam", {"c": LENGTH}, a), make_bam("b.bam", {"c": LENGTH}, b)]
    both, other = make_bam("ab.bam", {"c": LENGTH}, a + b), make_bam("o.bam", {"c": LENGTH}, reads(60, {}))
    split = compare({"x": parts, "o": other}, reference=fasta)
    joined = compare({"x": both, "o": other}, reference=fasta)
    assert split.dist.num_rows == 1
    assert all(getattr(split, name).equals(getattr(joined, name)) for name in TABLES)


def test_a_contig_that_one_sample_lacks_has_no_data(make_bam, make_fasta) -> None:
    fasta = make_fasta("ref.fa", {"c": REFERENCE, "d": REFERENCE})
    one = make_bam("one.bam", {"c": LENGTH, "d": LENGTH}, reads(60, {}))
    two = make_bam("two.bam", {"c": LENGTH}, reads(60, {}))
    row = compare({"one": one, "two": two}, reference=fasta).stats.to_pylist()[0]
    assert (row["loci"], row["unchanged"], row["no_data"]) == (2 * LENGTH, 60, 2 * LENGTH - 60)


@pytest.mark.parametrize("flags", [(0x1 | 0x2, 0x1 | 0x2), (0x1, 0x1)])
def test_a_template_counts_once_where_its_mates_overlap_proper_or_not(make_bam, make_fasta, flags) -> None:
    lines = []
    for k in range(30):
        for flag, start, mate in ((flags[0] | 0x40, 0, 20), (flags[1] | 0x80, 20, 0)):
            sequence = REFERENCE[start : start + 60]
            span = 80 if start == 0 else -80
            lines.append(f"t{k}\t{flag}\tc\t{start + 1}\t60\t60M\t=\t{mate + 1}\t{span}\t{sequence}\t{'I' * 60}")
    bam = make_bam("one.bam", {"c": LENGTH}, lines)
    result = compare(
        {"one": bam},
        reference=make_fasta("r.fa", {"c": REFERENCE}),
        against=REF,
        options=CompareOptions(loci="tested", draws=100),
    )
    assert result.dist["depth_1"].to_pylist() == [30] * 80
    assert {row["depth_low_quality"] for row in result.comp.to_pylist()} == {0}
    assert pysam.AlignmentFile(bam).count() == 60


def test_reads_without_qualities_count_as_low_quality_unless_told_otherwise(make_bam, make_fasta) -> None:
    lines = [line.rsplit("\t", 1)[0] + "\t*" for line in reads(30, {})]
    bam, fasta = make_bam("one.bam", {"c": LENGTH}, lines), make_fasta("r.fa", {"c": REFERENCE})
    for assumed, expected in ((None, 0), (30, 60)):
        options = CompareOptions(read_filter=ReadFilter(assume_quality=assumed))
        row = compare({"one": bam}, reference=fasta, against=REF, options=options).stats.to_pylist()[0]
        assert row["loci"] - row["no_data"] == expected


def test_evidence_tells_base_quality_and_strand_of_each_sample(small) -> None:
    one, two = reads(30, {}), reads(20, {9: "T"}) + reads(10, {9: "T"}, prefix="s", flag=16)
    rows = small(one, two).evidence.to_pylist()
    found = [(row["position"], row["sample"], row["base"], row["quality"], row["strand"], row["count"]) for row in rows]
    assert found == [
        (10, "one", REFERENCE[9], 40, "+", 30),
        (10, "two", "T", 40, "+", 20),
        (10, "two", "T", 40, "-", 10),
    ]


def test_an_indel_that_moves_between_samples_is_one_event(make_bam, make_fasta) -> None:
    reference = "GCTAGCTAGG" + "A" * 8 + "CGTCATGCATCTAGCATCGA" * 3
    sequence = reference[:10] + "A" * 7 + reference[18:60]

    def line(k: int, before: int) -> str:
        return f"r{k}\t0\tc\t1\t60\t{before}M1D{59 - before}M\t*\t0\t0\t{sequence}\t{'I' * 59}"

    fasta = make_fasta("r.fa", {"c": reference})
    left = make_bam("l.bam", {"c": len(reference)}, [line(k, 10) for k in range(60)])
    right = make_bam("r.bam", {"c": len(reference)}, [line(k, 17) for k in range(60)])
    assert compare({"l": left, "r": right}, reference=fasta).idist.num_rows == 0
    moved = compare({"l": left, "r": right}, reference=fasta, options=CompareOptions(indels="as-aligned")).idist
    assert [(row["position"], row["events"]) for row in moved.to_pylist()] == [(10, "@,-A"), (17, "@,-A")]
    against = compare({"r": right}, reference=fasta, against=REF).idist.to_pylist()
    assert [(r["position"], r["events"], r["counts_1"], r["counts_2"]) for r in against] == [
        (10, "@,-A", "0,60", "1000000,0")
    ]


def test_impossible_questions_are_refused(make_bam, make_fasta) -> None:
    fasta, bam = make_fasta("r.fa", {"c": REFERENCE}), make_bam("a.bam", {"c": LENGTH}, reads(3, {}))
    for samples, more in (
        ({"a": bam}, {}),
        ({"REF": bam, "b": bam}, {}),
        ({"a": bam, "b": bam}, {"against": "c"}),
        ({"a": bam, "b": bam}, {"pairs": [Comparison("a", "a")]}),
        ({"a": bam, "b": bam}, {"threads": 0}),
        ({"a": bam, "b": bam}, {"regions": ["d:1-5"]}),
        ({"a b": bam, "b": bam}, {}),
    ):
        with pytest.raises(UsageError):
            compare(samples, reference=fasta, **more)
    with pytest.raises(UsageError):
        CompareOptions(confidence=1.5)
    with pytest.raises(UsageError, match=r"at least 10,000 for a confidence of 0\.9999"):
        CompareOptions(confidence=0.9999)
    with pytest.raises(UsageError, match="six digits"):
        CompareOptions(quantiles=(0.1234567, 0.1234568))


def test_changes_at_random_places_are_found_where_counts_repeat(small) -> None:
    # Many loci with the same counts, changed and unchanged ones mixed: each is judged by its own.
    rng = np.random.default_rng(3)
    places = sorted(rng.choice(60, 20, replace=False).tolist())
    other = {place: "T" if REFERENCE[place] != "T" else "A" for place in places}
    result = small(reads(60, {}), reads(60, other))
    assert result.dist["position"].to_pylist() == [place + 1 for place in places]


def test_ten_samples_in_one_pass_give_what_each_pair_gives_alone(hiv, tmp_path: Path) -> None:
    # Ten thinned copies of three real samples; the memory does for a few hundred kB of reads.
    sources = [hiv["wk4"], hiv["wk30"], hiv["CAP217"]]
    samples = {}
    for number in range(10):
        samples[f"s{number}"] = path = tmp_path / f"s{number}.bam"
        part = f"{number}.{30 + 5 * number}"
        pysam.samtools.view("-b", "-s", part, "-o", str(path), str(sources[number % 3]), catch_stdout=False)
        pysam.samtools.index(str(path))
    options = CompareOptions(min_distance=0.05, draws=400, window=100)
    whole = compare(samples, reference=hiv[REF], options=options, memory=1 << 20, threads=2)
    assert whole.stats.num_rows == 45
    assert sum(whole.stats["changed"].to_pylist()) > 500
    for one, two in (("s0", "s2"), ("s1", "s3"), ("s4", "s9")):
        alone = compare({n: samples[n] for n in (one, two)}, reference=hiv[REF], options=options)
        for name in ("dist", "idist", "stats", "windows"):
            expected = getattr(alone, name).to_pylist()
            found = [
                row for row in getattr(whole, name).to_pylist() if (row["sample_1"], row["sample_2"]) == (one, two)
            ]
            if name in ("dist", "idist"):  # false shares are those of the whole list
                found, expected = ([row | {"false_share": None} for row in rows] for rows in (found, expected))
            assert found == expected

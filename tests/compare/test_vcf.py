"""VCF and BCF say what the tables say, are read without complaint, and do not depend on how the tables were cut."""

import gc
import gzip
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa
import pysam
import pysam.bcftools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colonnade.compare.engine import compare
from colonnade.compare.options import CompareOptions
from colonnade.compare.schemas import table_schemas
from colonnade.compare.vcf import VcfFile, VcfKind, index_vcf, vcf_index_suffix, vcf_kind
from colonnade.compare.vcf_records import LEAST_SHARE
from colonnade.errors import InputError, OutputError, UsageError
from colonnade.formats.tabix import TBI_END

KINDS: tuple[VcfKind, ...] = get_args(VcfKind)
TABLES = ("dist", "comp", "idist", "evidence")
QUANTILES = (0.05, 0.5, 0.95)
SAMPLES = ("one", "t|wo", "3,;=:%")
ENCODED = {"one": "one", "t|wo": "t%7Cwo", "3,;=:%": "3%2C%3B%3D%3A%25", "REF": "REF"}
CONTIGS = {"chr2": 1000, "chr1": 1000, "HLA-A*01:01": 50}
FACTS = {
    "version": "1.2.3",
    "options": {"min_distance": 0.2, "seed": 1},
    "read_filter": {"min_baseq": 5},
    "regions": [],
    "samples": [{"name": "one", "paths": ["/some/where/one.bam"]}],
    "comparisons": [["one", "t|wo"]],
    "reference": {"path": "/some/where/genome.fa", "md5": {"chr1": "c0ffee"}},
}


@dataclass
class World:
    """What there is to tell: counts by locus, sample, strand and base, and counts of indel events."""

    bases: dict[tuple[str, int], tuple[str, dict[str, list[list[int]]]]] = field(default_factory=dict)
    indels: dict[tuple[str, int], tuple[str, dict[str, dict[str, int]]]] = field(default_factory=dict)
    changed: bool = True
    quantiles: tuple[float, ...] = QUANTILES

    def rows(self, contig: str, position: int) -> dict[str, list[dict[str, Any]]]:
        """Rows of each table at one position."""
        at = {"contig": contig, "position": position, "state": "changed" if self.changed else "unchanged"}
        found: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
        if (contig, position) in self.bases:
            reference, counts = self.bases[contig, position]
            at["reference"] = reference
            found["dist"] = [{**at, **self.distance(pair)} for pair in pairs_with_data(counts)]
            for sample, strands in counts.items():
                found["comp"] += [{**at, **row} for row in self.composition(sample, strands)]
                found["evidence"] += [{**at, **row} for row in observed(sample, strands)]
        if (contig, position) in self.indels:
            reference, events = self.indels[contig, position]
            at["reference"] = reference
            found["idist"] = [{**at, **self.distance(pair), **union(events, pair)} for pair in combinations(events, 2)]
        return found

    def distance(self, pair: tuple[str, str]) -> dict[str, Any]:
        number = len(pair[0] + pair[1]) / 100
        quantiles = {f"distance_q{q:g}": number * q for q in self.quantiles}
        known = {"depth_1": 1, "p_changed": 0.995, "strand_p": 1.23456e-15 if number < 0.07 else None}
        return {"sample_1": pair[0], "sample_2": pair[1], "distance_mean": number, **known, **quantiles}

    def composition(self, sample: str, strands: list[list[int]]) -> Iterator[dict[str, Any]]:
        counts = [sum(pair) for pair in zip(*strands, strict=True)]
        for rank, (base, count) in enumerate(zip("ACGT", counts, strict=True)):
            mean = (count + 0.1) / (sum(counts) + 0.4)
            shares = {"mean": mean, **{f"q{q:g}": mean * q for q in self.quantiles}} if sum(counts) else {}
            depths = {"depth": sum(counts), "depth_low_quality": 0, "depth_indel": 0}
            yield {"sample": sample, **depths, "base": base, "rank": rank + 1, **shares}

    @property
    def stretches(self) -> list[dict[str, pa.Table]]:
        """The tables of each position, in the reference's order."""
        places = sorted({*self.bases, *self.indels}, key=lambda place: (list(CONTIGS).index(place[0]), place[1]))
        schemas = table_schemas(self.quantiles)
        return [
            {
                name: pa.Table.from_pylist(
                    [{c.name: row.get(c.name) for c in schemas[name].columns} for row in rows],
                    schema=schemas[name].arrow,
                )
                for name, rows in self.rows(*place).items()
            }
            for place in places
        ]

    def write(self, path: Path, cuts: Sequence[int] = ()) -> Path:
        """Write a file, the positions cut into stretches, and its index."""
        kind = vcf_kind(path)
        stretches = self.stretches
        ends = sorted({0, len(stretches), *(cut for cut in cuts if cut < len(stretches))})
        with open(path, "wb") as sink:
            file = VcfFile(sink, kind, contigs=CONTIGS, samples=SAMPLES, quantiles=self.quantiles, facts=FACTS)
            for start, end in pairwise(ends):
                file.write(**{name: pa.concat_tables(s[name] for s in stretches[start:end]) for name in TABLES})
            file.finish()
        suffix = vcf_index_suffix(kind, longest=max(CONTIGS.values()))
        if suffix is not None:
            index_vcf(path, Path(f"{path}{suffix}"), suffix, kind=kind)
        return path


def pairs_with_data(counts: dict[str, list[list[int]]]) -> list[tuple[str, str]]:
    present = [sample for sample, strands in counts.items() if sum(map(sum, strands))]
    return [*combinations(present, 2), *((sample, "REF") for sample in present)]


def observed(sample: str, strands: list[list[int]]) -> Iterator[dict[str, Any]]:
    """Rows of evidence, in which a count is spread over two qualities."""
    for strand, counts in zip("+-", strands, strict=True):
        for base, count in zip("ACGT", counts, strict=True):
            for quality, part in ((20, count // 3), (35, count - count // 3)):
                if part:
                    yield {"sample": sample, "base": base, "quality": quality, "strand": strand, "count": part}


def union(events: dict[str, dict[str, int]], pair: tuple[str, str]) -> dict[str, str]:
    """Events that either sample of a pair has, with both counts, as in idist."""
    found = {event for sample in pair for event, count in events[sample].items() if count} - {"@"}
    names = ["@", *sorted(found)]
    columns = [",".join(str(events[sample].get(event, 0)) for event in names) for sample in pair]
    return {"events": ",".join(names), "counts_1": columns[0], "counts_2": columns[1]}


def bcftools(command: str, *arguments: object) -> str:
    """Output of bcftools, which must not complain."""
    run: Callable[..., str] = getattr(pysam.bcftools, command)
    output = run(*map(str, arguments))
    complaints = [line for line in run.get_messages().splitlines() if line and not line.startswith("Lines   total")]
    assert complaints == []
    return output


def records(path: Path) -> list[str]:
    return [line for line in bcftools("view", path).splitlines() if not line.startswith("#")]


def only_record(world: World, tmp_path: Path) -> list[str]:
    (line,) = records(world.write(tmp_path / "a.vcf"))
    return line.split("\t")


def one_locus(reference: str, *counts: Sequence[int], **how: Any) -> World:
    """A world of one base locus; counts of A, C, G, T of each sample, all on the forward strand."""
    samples = {name: [list(count), [0] * 4] for name, count in zip(SAMPLES, counts, strict=False)}
    return World({("chr1", 7): (reference, samples)}, **how)


def one_junction(reference: str, **events: dict[str, int]) -> World:
    """A world of one indel locus; events of samples 1, 2, 3 with their counts."""
    return World(indels={("chr1", 7): (reference, {SAMPLES[int(name[1:]) - 1]: e for name, e in events.items()})})


def test_a_base_locus_says_what_every_sample_has(tmp_path: Path) -> None:
    world = World({("chr1", 7): ("A", {"one": [[30, 0, 9, 0], [30, 0, 1, 0]], "t|wo": [[50, 0, 0, 0], [0] * 4]})})
    fields = only_record(world, tmp_path)
    assert fields[:7] == ["chr1", "7", ".", "A", "G", ".", "."]
    assert fields[8] == "DP:AD:ADF:ADR:CM:CL:CU"
    assert fields[9] == "70:60,10:30,9:30,1:0.8537,0.1435:0.0427,0.0072:0.811,0.1363"
    assert fields[10] == "50:50,0:50,0:0,0:0.994,0.002:0.0497,0.0001:0.9443,0.0019"


def test_a_sample_without_data_has_missing_values(tmp_path: Path) -> None:
    assert set(re.split("[:,]", only_record(one_locus("A", [9, 0, 0, 1], [0] * 4), tmp_path)[10])) == {"."}


def test_comparisons_that_changed_stand_in_info_with_their_numbers(tmp_path: Path) -> None:
    fields = only_record(one_locus("A", [9, 0, 0, 1], [1, 0, 0, 9]), tmp_path)
    assert fields[7] == (
        "CMP=one|t%7Cwo,one|REF,t%7Cwo|REF;DIST=0.07,0.06,0.07;DISTLO=0.0035,0.003,0.0035;DISTHI=0.0665,0.057,0.0665;"
        "PCHANGED=0.995,0.995,0.995;STRANDP=.,1.23e-15,."
    )


def test_comparisons_that_did_not_change_are_left_out(tmp_path: Path) -> None:
    assert only_record(one_locus("A", [9, 0, 0, 1], [1, 0, 0, 9], changed=False), tmp_path)[7] == "."


@pytest.mark.parametrize(
    ("reference", "one", "two", "alternatives"),
    [
        ("A", [90, 0, 0, 10], [80, 0, 0, 20], "T"),
        ("A", [900, 90, 1, 90], [0] * 4, "C,T"),
        ("G", [0, 0, 100, 0], [0, 50, 50, 0], "C"),
        ("G", [999, 0, 0, 1], [999, 2, 0, 1], "A,C"),
        ("N", [50, 0, 50, 0], [100, 0, 0, 0], "A,G"),
        ("T", [0, 0, 0, 2], [0, 0, 0, 200], "A"),
        ("T", [0, 0, 1, 999], [2, 0, 1, 999], "A"),
        ("A", [0, 0, 100, 0], [0, 0, 90, 0], "G"),
    ],
)
def test_alternatives_are_common_bases_or_the_one_that_differs_most(
    tmp_path: Path, reference: str, one: list[int], two: list[int], alternatives: str
) -> None:
    assert only_record(one_locus(reference, one, two), tmp_path)[4] == alternatives


def test_an_ambiguous_reference_has_no_counts(tmp_path: Path) -> None:
    fields = only_record(one_locus("N", [9, 0, 0, 1]), tmp_path)
    assert fields[3:5] == ["N", "A,T"]
    assert fields[9].startswith("10:.,9,1:.,9,1:.,0,0:.,0.875,0.1058:")


@pytest.mark.parametrize(("quantiles", "ends"), [((), []), ((0.5,), ["CL", "CU"])])
def test_intervals_are_those_of_the_quantiles_there_are(tmp_path: Path, quantiles: tuple, ends: list[str]) -> None:
    path = one_locus("A", [9, 0, 0, 1], [1, 0, 0, 9], quantiles=quantiles).write(tmp_path / "a.vcf")
    fields = records(path)[0].split("\t")
    assert fields[8].split(":") == ["DP", "AD", "ADF", "ADR", "CM", *ends]
    assert ("DISTLO" in fields[7]) == ("DISTHI" in path.read_text()) == bool(ends)


def test_indels_share_a_reference_over_the_longest_deletion(tmp_path: Path) -> None:
    world = one_junction("C", s1={"@": 90, "-TA": 10}, s2={"@": 50, "-T": 5, "+GG": 7})
    fields = only_record(world, tmp_path)
    assert fields[:5] == ["chr1", "7", ".", "CTA", "CGGTA,CA,C"]
    assert fields[8:] == ["DP:AD", "100:90,0,0,10", "62:50,7,5,0", ".:."]


def test_counts_of_a_sample_are_united_over_its_comparisons(tmp_path: Path) -> None:
    world = one_junction("C", s1={"@": 9, "+A": 1}, s2={"@": 8, "+C": 2}, s3={"@": 7, "+A": 3})
    assert only_record(world, tmp_path)[9:] == ["10:9,1,0", "10:8,0,2", "10:7,3,0"]


def test_ambiguous_letters_of_insertions_become_n_and_are_counted_together(tmp_path: Path) -> None:
    world = one_junction("N", s1={"@": 9, "+R": 1, "+N": 2}, s2={"@": 8, "+A": 2})
    fields = only_record(world, tmp_path)
    assert fields[3:5] == ["N", "NA,NN"]
    assert fields[9:11] == ["12:9,0,3", "10:8,2,0"]


@pytest.mark.parametrize("letter", ["N", "n"])
def test_an_ambiguous_reference_agrees_with_the_fasta(make_fasta, tmp_path: Path, letter: str) -> None:
    world = one_locus("N", [9, 0, 0, 1])
    world.indels["chr1", 7] = ("N", {"one": {"@": 9, "+T": 1, "-AC": 2}, "t|wo": {"@": 10}})
    fasta = make_fasta(
        "ref.fa", {"chr2": "A" * 1000, "chr1": "CCCCCC" + letter + "AC" + "G" * 991, "HLA-A*01:01": "A" * 50}
    )
    path = world.write(tmp_path / "a.vcf")
    lines = bcftools("norm", "--check-ref", "w", "-f", fasta, path).splitlines()
    assert [line.split("\t")[3] for line in lines if not line.startswith("#")] == ["N", "NAC"]


def test_bases_come_before_indels_of_the_same_position(tmp_path: Path) -> None:
    world = one_locus("A", [9, 0, 0, 1], [1, 0, 0, 9])
    world.indels["chr1", 7] = ("A", {"one": {"@": 9, "+T": 1}, "t|wo": {"@": 10}})
    world.bases["chr1", 8] = world.bases["chr1", 7]
    world.bases["chr2", 100] = world.bases["chr1", 7]
    lines = [line.split("\t")[:5] for line in records(world.write(tmp_path / "a.vcf"))]
    assert [(f[0], f[1], f[4]) for f in lines] == [
        ("chr2", "100", "T"),
        ("chr1", "7", "T"),
        ("chr1", "7", "AT"),
        ("chr1", "8", "T"),
    ]


def test_header_holds_facts_but_no_places_or_times(tmp_path: Path) -> None:
    text = one_locus("A", [9, 0, 0, 1]).write(tmp_path / "a.vcf").read_text()
    lines = [line for line in text.splitlines() if line.startswith("##")]
    assert lines[0] == "##fileformat=VCFv4.4"
    assert lines[2:4] == ["##source=colonnade 1.2.3", "##reference=genome.fa"]
    assert json.loads(lines[4].removeprefix("##colonnade=")).keys() == {
        "options",
        "read_filter",
        "regions",
        "comparisons",
    }
    assert lines[5:8] == [
        "##contig=<ID=chr2,length=1000>",
        "##contig=<ID=chr1,length=1000,md5=c0ffee>",
        "##contig=<ID=HLA-A*01:01,length=50>",
    ]
    assert "/some/where" not in text


def test_htslib_reads_the_header_as_it_is_written(tmp_path: Path) -> None:
    path = one_locus("A", [9, 0, 0, 1]).write(tmp_path / "a.vcf")
    header = "".join(line for line in path.read_text().splitlines(keepends=True) if line.startswith("#"))
    assert bcftools("view", "--no-version", "-h", path) == header


@pytest.mark.parametrize("contig", ["a,b", "*x", "<x>", "a b", "ü", ""])
def test_a_contig_that_vcf_cannot_name_is_refused(tmp_path: Path, contig: str) -> None:
    with pytest.raises(InputError, match="cannot stand in VCF"), open(tmp_path / "a.vcf", "wb") as sink:
        VcfFile(sink, "vcf", contigs={contig: 10}, samples=SAMPLES, quantiles=(), facts=FACTS)


def test_the_name_of_a_file_says_its_kind() -> None:
    assert [vcf_kind(f"a.{kind}") for kind in KINDS] == list(KINDS)
    with pytest.raises(
        UsageError, match=r"a\.txt: unknown kind of VCF file; expected a name that ends in \.vcf, \.vcf\.gz"
    ):
        vcf_kind("a.txt")


def test_the_kind_and_the_longest_contig_say_which_index_there_is() -> None:
    assert [vcf_index_suffix(kind, longest=TBI_END) for kind in KINDS] == [None, ".tbi", ".csi"]
    assert [vcf_index_suffix(kind, longest=TBI_END + 1) for kind in KINDS] == [None, ".csi", ".csi"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_without_records_is_complete(tmp_path: Path, kind: VcfKind) -> None:
    assert records(World().write(tmp_path / f"a.{kind}")) == []


@pytest.mark.parametrize("finish", [False, True])
def test_bcf_leaves_no_other_files(tmp_path: Path, monkeypatch, finish: bool) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    sink = io.BytesIO()
    file = VcfFile(sink, "bcf", contigs=CONTIGS, samples=SAMPLES, quantiles=(), facts=FACTS)
    assert len(list(tmp_path.iterdir())) == 1
    if finish:
        file.finish()
    del file
    gc.collect()
    assert list(tmp_path.iterdir()) == []
    assert bool(sink.getvalue()) == finish


def test_a_full_disk_is_an_error(tmp_path: Path, monkeypatch) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    file = VcfFile(io.BytesIO(), "bcf", contigs=CONTIGS, samples=SAMPLES, quantiles=(), facts=FACTS)
    (folder,) = tmp_path.iterdir()
    (folder / "binary.bcf").symlink_to("/dev/full")
    with pytest.raises(OutputError, match=r"binary\.bcf: cannot be written; found .*No space left"):
        file.finish()


counts_of_sample = st.lists(st.lists(st.integers(0, 60), min_size=4, max_size=4), min_size=2, max_size=2)
loci = st.dictionaries(
    st.tuples(st.sampled_from([*CONTIGS]), st.integers(1, 20)),
    st.tuples(
        st.sampled_from("ACGTN"),
        st.fixed_dictionaries({sample: counts_of_sample | st.just([[0] * 4] * 2) for sample in SAMPLES}),
    ).filter(lambda locus: any(sum(map(sum, strands)) for strands in locus[1].values())),
    max_size=6,
)
events_of_sample = st.dictionaries(st.sampled_from(["+A", "+AC", "+NR", "-G", "-GT", "-GTTA"]), st.integers(0, 9))
junctions = st.dictionaries(
    st.tuples(st.sampled_from([*CONTIGS]), st.integers(1, 20)),
    st.tuples(
        st.sampled_from("ACGTN"),
        st.fixed_dictionaries({sample: events_of_sample.map(lambda e: {"@": 40, **e}) for sample in SAMPLES}),
    ).filter(lambda junction: any(sum(events.values()) > 40 for events in junction[1].values())),
    max_size=4,
)


@settings(max_examples=40)
@given(loci, junctions, st.lists(st.integers(1, 12), max_size=4), st.booleans())
def test_files_give_back_the_tables_and_do_not_depend_on_cuts(
    tmp_path_factory, bases, indels, cuts: list[int], changed: bool
) -> None:
    world = World(bases, indels, changed=changed)
    folder = tmp_path_factory.mktemp("vcf")
    for kind in KINDS:
        whole = world.write(folder / f"whole.{kind}")
        assert world.write(folder / f"cut.{kind}", cuts).read_bytes() == whole.read_bytes()
        check_against(world, whole)
    assert records(folder / "whole.vcf") == records(folder / "whole.vcf.gz") == records(folder / "whole.bcf")
    assert gzip.decompress((folder / "whole.vcf.gz").read_bytes()) == (folder / "whole.vcf").read_bytes()


def check_against(world: World, path: Path) -> None:
    """Read every record through pysam and compare it with the counts that it comes from."""
    with pysam.VariantFile(str(path)) as file:
        found = list(file)
    order = list(CONTIGS).index
    places = [(order(contig), position, 0) for contig, position in world.bases]
    places += [(order(contig), position, 1) for contig, position in world.indels]
    assert [(order(r.contig), r.pos, int("CM" not in r.format)) for r in found] == sorted(places)
    for record in found:
        check = check_bases if "CM" in record.format else check_indels
        check(record, world)
        assert ("CMP" in record.info) == world.changed
    if path.suffix != ".vcf":
        check_fetch(path, found)


def check_bases(record: pysam.VariantRecord, world: World) -> None:
    reference, counts = world.bases[record.contig, record.pos]
    assert record.ref == reference
    assert list(record.alts) == sorted(set(record.alts) - {reference})
    for name, strands in counts.items():
        sample, depth = record.samples[name], sum(map(sum, strands))
        if not depth:
            assert sample["DP"] is None
            continue
        assert sample["DP"] == depth
        for base, ad, adf, adr, mean in zip("ACGT", *of_base(sample, record.alleles), strict=True):
            total = [forward_and_reverse["ACGT".index(base)] for forward_and_reverse in strands]
            share = (sum(total) + 0.1) / (depth + 0.4)
            if base in record.alleles:
                assert (ad, adf, adr, mean) == (sum(total), *total, pytest.approx(share, abs=6e-5))
            else:
                assert share < LEAST_SHARE or not sum(total)


def of_base(sample: Any, alleles: Sequence[str]) -> list[list[Any]]:
    """Values of A, C, G and T of the fields with one value per allele; None for others."""
    columns = [dict(zip(alleles, sample[key], strict=True)) for key in ("AD", "ADF", "ADR", "CM")]
    return [[values.get(base) for base in "ACGT"] for values in columns]


def check_indels(record: pysam.VariantRecord, world: World) -> None:
    anchor, events = world.indels[record.contig, record.pos]
    for name, counts in events.items():
        expected = {record.ref: counts["@"]}
        for event, count in counts.items():
            if count and event != "@":
                allele = anchor + (event[1:].replace("R", "N") if event[0] == "+" else "")
                allele += record.ref[len(event) if event[0] == "-" else 1 :]
                expected[allele] = count
        found = dict(zip(record.alleles, record.samples[name]["AD"], strict=True))
        assert {allele: count for allele, count in found.items() if count} == expected
        assert record.samples[name]["DP"] == sum(expected.values())


def check_fetch(path: Path, found: Sequence[pysam.VariantRecord]) -> None:
    """Queries through the index give the records that overlap."""
    with pysam.VariantFile(str(path)) as file:
        for contig in CONTIGS:
            expected = [str(r) for r in found if r.contig == contig and r.start < 12 and r.stop > 4]
            assert [str(r) for r in file.fetch(contig, 4, 12)] == expected


def test_real_results_are_read_back_and_normalised_without_complaint(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "hiv_caprisa"
    reference = folder / "CAP188_wk4_consensus.fasta"
    paths = {"wk4": folder / "CAP188_wk4.cons.bwamem.bam", "wk30": folder / "CAP188_wk30.cons.bwamem.bam"}
    region = "CAP188_wk4_consensus:500-620"
    options = CompareOptions(min_distance=0.05, loci="tested")
    result = compare(paths, reference=reference, against="REF", regions=[region], options=options)
    for kind in KINDS:
        path = tmp_path / f"a.{kind}"
        with open(path, "wb") as sink:
            file = VcfFile(
                sink,
                kind,
                contigs={"CAP188_wk4_consensus": 1303},
                samples=[*paths],
                quantiles=options.quantiles,
                facts=result.facts,
            )
            file.write(dist=result.dist, comp=result.comp, idist=result.idist, evidence=result.evidence)
            file.finish()
        assert len(bcftools("norm", "--check-ref", "w", "-f", reference, path)) > 0
        assert len(bcftools("norm", "-m", "-any", path)) > 0
        query = "%POS\\t%REF\\t%ALT[\\t%DP\\t%CM]\\n"
        lines = [line.split("\t") for line in bcftools("query", "-i", 'TYPE="snp"', "-f", query, path).splitlines()]
        assert {int(line[0]) for line in lines} == {*result.dist["position"].to_pylist()}
        shares = {
            (row["position"], row["sample"], row["base"]): (str(row["depth"]), f"{row['mean']:.4f}")
            for row in result.comp.to_pylist()
        }
        for position, ref, alt, *columns in lines:
            for sample, (depth, means) in zip(paths, pairwise_columns(columns), strict=True):
                for base, mean in zip([ref, *alt.split(",")], means.split(","), strict=True):
                    assert shares[int(position), sample, base] == (depth, f"{float(mean):.4f}")


def pairwise_columns(columns: Sequence[str]) -> list[tuple[str, str]]:
    return list(zip(columns[::2], columns[1::2], strict=True))

"""Results as VCF 4.4 or BCF: what changed, and what every sample has there."""

import json
import re
import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, get_args

import pyarrow as pa
import pyarrow.compute as pc
import pysam

from colonnade.compare.vcf_records import Layout, base_records, indel_records
from colonnade.errors import InputError, OutputError, UsageError
from colonnade.formats.bgzf_writer import BgzfWriter
from colonnade.formats.silence import silence
from colonnade.formats.tabix import Suffix, index_variants, text_suffix

VcfKind = Literal["vcf", "vcf.gz", "bcf"]

#: Which facts about the run stand in the header: those that change the records, without the names of files.
_FACTS: Final = ("options", "read_filter", "regions", "comparisons")

#: Names of contigs (VCF specification, section 1.4.7, the same as in SAM).
_CONTIG_NAME: Final = re.compile(r"[0-9A-Za-z!#$%&+./:;?@^_|~-][0-9A-Za-z!#$%&*+./:;=?@^_|~-]*")


def vcf_kind(path: str | Path) -> VcfKind:
    """Which kind of file a name asks for.

    Raises
    ------
    UsageError
        The name ends in none of the ways known.
    """
    kinds: tuple[VcfKind, ...] = get_args(VcfKind)
    for kind in kinds:
        if str(path).endswith(f".{kind}"):
            return kind
    raise UsageError("unknown kind of VCF file", path=path, expected=f"a name that ends in .{', .'.join(kinds)}")


def vcf_index_suffix(kind: VcfKind, *, longest: int) -> Suffix | None:
    """The index that such a file has if the longest contig has that many bases."""
    if kind == "bcf":
        return ".csi"
    return text_suffix(longest) if kind == "vcf.gz" else None


def index_vcf(data: Path, index: Path, suffix: Suffix, *, kind: VcfKind) -> None:
    """Index a finished file; raises ``OutputError`` if that fails."""
    index_variants(data, index, suffix, preset="bcf" if kind == "bcf" else "vcf")


class VcfFile:
    """A VCF or BCF file being written; its bytes do not depend on how the rows are cut into pieces.

    There is no genotype: a population has shares of alleles, not a few copies of them. REF has N wherever the tables do: the
    VCF specification would have A for an R of the reference (section 1.6.1), but tables do not tell R from N.

    Parameters
    ----------
    sink
        Where the bytes go; it stays open. BCF is made in the folder for temporary files first.
    kind
        Text, BGZF-compressed text, or BCF.
    contigs
        Name to length, in the reference's order.
    samples
        Names, in the order of the columns.
    quantiles
        Those of the tables, rising; the first and the last become the bounds of intervals.
    facts
        About the run, as in run.json: ``version``, ``options``, ``read_filter``, ``regions``, ``comparisons``,
        ``reference``.

    Raises
    ------
    InputError
        The name of a contig cannot stand in VCF.
    """

    def __init__(
        self,
        sink: BinaryIO,
        kind: VcfKind,
        *,
        contigs: Mapping[str, int],
        samples: Sequence[str],
        quantiles: Sequence[float],
        facts: Mapping[str, Any],
    ) -> None:
        self._layout = Layout(tuple(samples), tuple(quantiles))
        self._rank = {contig: number for number, contig in enumerate(contigs)}
        header = _header(contigs, self._layout, facts)
        self._sink = sink
        self._text = self._text_for_bcf() if kind == "bcf" else None
        self._stream = sink if kind == "vcf" else BgzfWriter(self._text or sink)
        self._stream.write(header.encode())

    def write(self, *, dist: pa.Table, comp: pa.Table, idist: pa.Table, evidence: pa.Table) -> None:
        """Append the records of a stretch of the reference.

        Stretches come in the reference's order, and one has all rows of its positions.
        """
        present = {*pc.unique(dist["contig"]).to_pylist(), *pc.unique(idist["contig"]).to_pylist()}
        for contig in sorted(present, key=self._rank.__getitem__):
            bases = (_on(table, contig) for table in (dist, comp, evidence))
            records = [
                *base_records(contig, *bases, layout=self._layout),
                *indel_records(contig, _on(idist, contig), layout=self._layout),
            ]
            self._stream.write("".join(line for _, _, line in sorted(records)).encode())

    def finish(self) -> None:
        """Complete the file."""
        if isinstance(self._stream, BgzfWriter):
            self._stream.close()
        if self._text is not None:
            self._text.close()
            _convert(Path(self._text.name), self._sink)

    def _text_for_bcf(self) -> BinaryIO:
        """A file for the text that becomes BCF, closed and removed when this object goes, whatever became of it."""
        stack = ExitStack()
        weakref.finalize(self, stack.close)
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="colonnade-"))
        return stack.enter_context(open(Path(folder) / "text.vcf.gz", "wb"))


def _on(table: pa.Table, contig: str) -> pa.Table:
    return table.filter(pc.equal(table["contig"], contig))


def _convert(text: Path, sink: BinaryIO) -> None:
    """Write compressed VCF text as BCF."""
    binary = text.with_name("binary.bcf")
    try:
        with (
            silence,
            pysam.VariantFile(text) as source,
            pysam.VariantFile(binary, "wb", header=source.header) as target,
        ):
            for record in source:
                target.write(record)
    except OSError as error:
        raise OutputError("cannot be written", path=binary, found=error.strerror) from None
    with open(binary, "rb") as file:
        shutil.copyfileobj(file, sink)


def _header(contigs: Mapping[str, int], layout: Layout, facts: Mapping[str, Any]) -> str:
    reference = facts["reference"]
    chosen = {key: facts[key] for key in _FACTS}
    lines = [
        "##fileformat=VCFv4.4",
        '##FILTER=<ID=PASS,Description="All filters passed">',
        f"##source=colonnade {facts['version']}",
        f"##reference={Path(reference['path']).name}",
        f"##colonnade={json.dumps(chosen)}",
        *(_contig_line(contig, length, reference["md5"].get(contig)) for contig, length in contigs.items()),
        *_definitions(layout),
        "\t".join(("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *layout.samples)),
    ]
    return "\n".join(lines) + "\n"


def _contig_line(contig: str, length: int, md5: str | None) -> str:
    if not _CONTIG_NAME.fullmatch(contig):
        raise InputError(
            "name of a contig cannot stand in VCF",
            found=repr(contig),
            expected="letters, digits and punctuation without comma, quotes, brackets and \\",
            advice="rename the contig in reference and BAM files, or write no VCF",
        )
    return f"##contig=<ID={contig},length={length}{f',md5={md5}' if md5 else ''}>"


def _definitions(layout: Layout) -> list[str]:
    """The INFO and FORMAT lines; what is a column of a table is said in its words."""
    comparison = {key: f"{layout.meanings[column]}; for each of CMP" for key, column in layout.facts.items()}
    share = {key: f"{layout.meanings[column]}; for each allele, at base loci" for key, column in layout.shares.items()}
    return [
        _definition("INFO", "CMP", ".", "String", "comparisons that changed, as sample_1|sample_2, percent-encoded"),
        *(_definition("INFO", key, ".", "Float", meaning) for key, meaning in comparison.items()),
        _definition("FORMAT", "DP", "1", "Integer", "bases of good quality, of any allele; at indel loci reads"),
        _definition("FORMAT", "AD", "R", "Integer", "bases of good quality, or reads, with each allele"),
        _definition("FORMAT", "ADF", "R", "Integer", "AD on the forward strand, at base loci"),
        _definition("FORMAT", "ADR", "R", "Integer", "AD on the reverse strand, at base loci"),
        *(_definition("FORMAT", key, "R", "Float", meaning) for key, meaning in share.items()),
    ]


def _definition(kind: str, key: str, number: str, of_type: str, meaning: str) -> str:
    return f'##{kind}=<ID={key},Number={number},Type={of_type},Description="{meaning[0].upper()}{meaning[1:]}">'

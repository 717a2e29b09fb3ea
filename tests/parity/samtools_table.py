"""What ``colonnade pileup`` and samtools mpileup are both asked: samtools' own table, and option sets for all real data."""

import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pysam

from colonnade.cli import main

SHARED_DATA = Path(__file__).parents[3] / "shared" / "data"
TABLE = SHARED_DATA / "samtools_mpileup" / "mpileup.reg"

#: Rows of the table that are not run: by expected output, why not.
NOT_RUN = {
    "mp2.out": "base modifications (--output-mods) are out of scope",
    "mp2-noins.out": "base modifications (--output-mods) are out of scope",
    "79.out": "its input, ../dat/view.001.sam, is not among the data",
}

REFERENCES = {"ce#5b": "ce.fa"}  # of the table's files that come as CRAM as well; all others: mpileup.ref.fa


# samtools' own table


@dataclass(frozen=True)
class Row:
    """A line of the table that runs mpileup, for one format of its input.

    Attributes
    ----------
    number
        Line in the table.
    passes
        Whether samtools gives the expected output, according to the table.
    expected
        Name of the file with the expected output.
    command
        What is run, as written.
    kind
        What stands for ``$fmt``: bam, sam or cram; empty where the command names its files in full.
    """

    number: int
    passes: bool
    expected: str
    command: str
    kind: str

    def __str__(self) -> str:
        return f"line {self.number}, {self.expected}: {self.command}" + (f" ({self.kind})" if self.kind else "")

    @property
    def name(self) -> str:
        return "-".join(filter(None, (str(self.number), self.expected.removesuffix(".out"), self.kind)))

    @cached_property
    def stages(self) -> list[list[str]]:
        """The programs of the command with their arguments, ``;`` and ``|`` between them left out."""
        lexer = shlex.shlex(self.command.replace("$fmt", self.kind), posix=True, punctuation_chars=";|>")
        lexer.whitespace_split, lexer.commenters = True, ""
        stages: list[list[str]] = [[]]
        for token in lexer:
            if token in (";", "|"):
                stages.append([])
            else:
                stages[-1].append(token)
        return stages

    @property
    def arguments(self) -> list[str]:
        """Those of mpileup."""
        return next(stage[2:] for stage in self.stages if stage[:2] == ["$samtools", "mpileup"])

    @property
    def column(self) -> int | None:
        """The one that awk picks from the output."""
        last = self.stages[-1]
        return int(re.fullmatch(r"\{print \$(\d)\}", last[1])[1]) - 1 if last[0] == "$awk" else None

    @property
    def has_baq(self) -> bool:
        return "-f" in self.arguments and not any(re.match("-[A-Za-z]*B", argument) for argument in self.arguments)


def table_rows() -> list[Row]:
    """Every row that runs mpileup, once for each format; none where the data are not at hand."""
    if not TABLE.is_file():
        return []
    rows = []
    for number, line in enumerate(TABLE.read_text().splitlines(), start=1):
        if line.startswith(("#", "INIT")) or "mpileup" not in line:
            continue
        verdict, expected, command = line.split(maxsplit=2)
        for kind in ("bam", "sam", "cram") if "$fmt" in command else ("",):
            rows.append(Row(number, verdict == "P", expected, command.strip(), kind))
    return rows


def make_table_files(folder: Path) -> None:
    """Do in a copy of the data what the INIT rows ask for, and make what ``$fmt`` and ``-f`` need besides."""
    for fasta in folder.glob("*.fa"):
        pysam.faidx(str(fasta))
    lines = gzip_lines(folder / "expected" / "1.out.f3-6.gz")
    text = "".join(f"CHROMOSOME_I\t{number}\t{line}" for number, line in enumerate(lines, start=1))
    (folder / "expected" / "1.out").write_text(text)
    stems = ["mpileup.1", "mpileup.2", "mpileup.3", "overlap50", "anomalous", "indels", "ce#5b"]
    for stem in [*stems, "xx#depth1", "xx#depth2", "xx#depth3"]:
        bam, sam = folder / f"{stem}.bam", folder / f"{stem}.sam"
        source, target, options = (bam, sam, ["-h"]) if bam.exists() else (sam, bam, ["-b"])
        if not target.exists():
            view(*options, source, target=target)
        pysam.samtools.index(str(bam))
        if stem in stems:
            make_cram(bam, folder / REFERENCES.get(stem, "mpileup.ref.fa"), folder / f"{stem}.cram")


def gzip_lines(path: Path) -> list[str]:
    import gzip

    with gzip.open(path, "rt") as lines:
        return lines.readlines()


def view(*arguments: str | Path, target: Path) -> None:
    pysam.samtools.view("-o", str(target), *map(str, arguments), catch_stdout=False)


def make_cram(source: Path, fasta: Path, target: Path) -> None:
    """Make an indexed CRAM whose header has exactly the contigs of the FASTA.

    Many headers name other contigs, or the length of a chromosome of which the FASTA has the first bases: to decode such a
    CRAM htslib would ask the network.
    """
    text = target.with_name(f"{target.name}.sam")
    view("-h", *(["-T", fasta] if source.suffix == ".cram" else []), source, target=text)
    with pysam.FastaFile(str(fasta)) as reference:
        sizes = dict(zip(reference.references, reference.lengths, strict=True))
    kept = []
    for line in text.read_text(errors="surrogateescape").splitlines():
        if not line.startswith("@SQ"):
            kept.append(line)
        elif (name := re.search("\tSN:([^\t]+)", line)[1]) in sizes:
            kept.append(f"@SQ\tSN:{name}\tLN:{sizes[name]}")
    text.write_text("\n".join(kept) + "\n", errors="surrogateescape")
    pysam.samtools.sort("-O", "cram", "--reference", str(fasta), "-o", str(target), str(text), catch_stdout=False)
    pysam.samtools.index(str(target))
    text.unlink()


# Running both


def run_samtools(arguments: list[str], target: Path) -> bytes | None:
    """What the samtools that comes with pysam writes; None if it fails."""
    try:
        pysam.samtools.mpileup("-o", str(target), *arguments, catch_stdout=False)
    except pysam.SamtoolsError:
        return None
    return target.read_bytes()


def run_colonnade(arguments: list[str], target: Path, *, threads: int = 1) -> bytes | str:
    """What our command writes; if it fails, how."""
    target.unlink(missing_ok=True)
    command = ["pileup", *arguments, "-o", str(target), "--quiet", "--threads", str(threads)]
    try:
        code = main(command)
    except SystemExit as error:
        code = error.code
    return target.read_bytes() if code == 0 else f"it ended with code {code}"


def first_difference(found: bytes | str, expected: bytes) -> str | None:
    """The first line in which two texts differ, of both; None if they are the same bytes."""
    if isinstance(found, str):
        return f"  ours: {found}"
    if found == expected:
        return None
    ours, theirs = found.splitlines(keepends=True), expected.splitlines(keepends=True)
    number = next((n for n, pair in enumerate(zip(ours, theirs, strict=False)) if pair[0] != pair[1]), None)
    if number is None:
        number = min(len(ours), len(theirs))
    at = 0
    if number < min(len(ours), len(theirs)):
        pairs = enumerate(zip(ours[number], theirs[number], strict=False))
        at = next((n for n, pair in pairs if pair[0] != pair[1]), min(len(ours[number]), len(theirs[number])))
    shown = [_shown(lines[number], at) if number < len(lines) else "no such line" for lines in (ours, theirs)]
    return f"  line {number + 1}, byte {at + 1}\n  ours:   {shown[0]}\n  theirs: {shown[1]}\n  lines: {len(ours)} and {len(theirs)}"


def _shown(line: bytes, at: int) -> str:
    """The position of a line, and what stands around one of its bytes."""
    if at < 200:
        return repr(line[:300])
    return f"{line[:60]!r} ... {line[at - 100 : at + 100]!r}"


# Option sets for all data


#: Letters and names as both commands have them. In braces: something that fits the file, see ``Sample.values``. ``--baq``
#: is ours for what samtools does without -B. ``two files``: a second file of the same contigs is read beside the first.
OPTION_SETS = (
    "",
    "-f {fasta}",
    "-Q 0",
    "-Q 30 -f {fasta}",
    "-Q 13 -q 30",
    "-q 1 -Q 0 -f {fasta}",
    "-q 61",
    "-Q 94",
    "-A",
    "-A -Q0 -f {fasta}",
    "-x",
    "-x -A -Q 0",
    "-x -f {fasta} -Q 20",
    "-d 1",
    "-d 3 -A",
    "-d 10 -f {fasta} -x",
    "-d 0 -Q 0 -A",
    "-r {region}",
    "-r {region} -f {fasta} -A -Q0",
    "-r {contig} -sO",
    "-l {bed}",
    "-l {bed} -f {fasta} -Q 0 -x",
    "-l {positions} -A",
    "-l {bed} -r {region} -Q0",
    "-a",
    "-a -f {fasta} -A -Q 0",
    "-aa",
    "-aa -f {fasta} -sO",
    "-a -r {region} -Q 30",
    "-aa -r {region} -f {fasta} -d 3",
    "-a -l {positions} -q 20",
    "-aa -l {bed} -f {fasta} --output-extra FLAG,NM",
    "--rf PROPER_PAIR",
    "--rf 0x10 --ff 0 -A",
    "--ff 0 -A -Q0 -x",
    "--ff UNMAP,REVERSE -f {fasta}",
    "--ff 0x714 -A",
    "-G {groups} -Q0",
    "-G {groups} -A --output-extra RG",
    "-O",
    "-s",
    "-sO --output-BP-5 -Q0 -A",
    "--output-BP-5 -f {fasta} -x",
    "-O --output-BP-5 -a -r {region}",
    "--output-QNAME",
    "--output-QNAME -x -Q 20 -f {fasta}",
    "--output-extra FLAG,MAPQ,POS,RNAME,RNEXT,PNEXT,RLEN",
    "--output-extra NM,RG,MD --output-sep ; --output-empty -",
    "-sO --output-BP-5 --output-extra QNAME,MAPQ,POS,NM,AS,XX,RG,FLAG -A -Q0",
    "--output-extra RG,ZZ -a -r {region} -f {fasta}",
    "--reverse-del",
    "--reverse-del -f {fasta} -Q 0 -A",
    "--no-output-ins -f {fasta}",
    "--no-output-ins --no-output-ins -Q0 -A",
    "--no-output-del -Q0 -A",
    "--no-output-del --no-output-del -f {fasta}",
    "--no-output-ins --no-output-ins --no-output-del --no-output-del --no-output-ends -A -Q0",
    "--no-output-ends",
    "--no-output-ends --reverse-del -sO -f {fasta} -a -r {region}",
    "-6 -Q 0 -A",
    "-R -B -Q0",
    "two files",
    "two files -f {fasta} -A -Q0 -x",
    "two files -d 3 -sO",
    "two files -a -r {region} --output-extra QNAME,NM",
    "two files -l {positions} -aa -f {fasta}",
    "--baq -f {fasta}",
    "--baq -f {fasta} -Q 0 -A -x -sO",
    "-E -f {fasta} -Q 20",
)

SMALL_FILE = 120_000  # bytes; all option sets are run on smaller files
SMALL_CONTIG = 20_000_000  # bases; samtools reads all of a contig each time that it is given a FASTA
SMALL_GENOME = 200_000  # positions that -a may write
STEP = 7  # every how many option sets are run on a file


class UnusableError(Exception):
    """A file that no pileup can be made of: why not."""


@dataclass(frozen=True)
class Sample:
    """A sorted and indexed file, and what option sets say of it.

    Attributes
    ----------
    name
        Of the original file, below the data.
    path
        The file to read.
    reference
        FASTA; None where there is none.
    lengths
        Contigs of the header.
    values
        What stands for the words in braces.
    is_small
        Whether its text is short, whatever the options.
    """

    name: str
    path: Path
    reference: Path | None
    lengths: tuple[tuple[str, int], ...]
    values: dict[str, str]
    is_small: bool

    @property
    def is_cram(self) -> bool:
        return self.path.suffix == ".cram"

    def option_sets(self, number: int) -> list[str]:
        """Those that are run on the file, which is the so-and-so-many-th of all."""
        if os.environ.get("COLONNADE_ALL") == "1":
            return [*OPTION_SETS]
        return [options for n, options in enumerate(OPTION_SETS) if (n + 3 * number) % STEP == 0]

    def arguments(self, options: str, partner: "Sample") -> tuple[list[str], list[str]] | None:
        """Arguments of our command and of samtools; None where the options need a FASTA and there is none."""
        words = options.split()
        files = [str(self.path)]
        if words[:2] == ["two", "files"]:
            words = words[2:]
            files.append(str(partner.path))
        needs_baq = "--baq" in words or "-E" in words
        if self.reference is None and needs_baq:
            return None
        if self.reference is None and "-f" in words:
            at = words.index("-f")
            words = words[:at] + words[at + 2 :]
        if self.is_cram and "-f" not in words:
            words += ["-f", "{fasta}"]
        words += self._where(words)
        ours = [word.format(**self.values) for word in words] + files
        theirs = [word for word in ours if word != "--baq"]
        return ours, theirs if needs_baq else ["-B", *theirs]

    def _where(self, words: list[str]) -> list[str]:
        """A region where the text would be very long: -a in a large genome, columns of names and tags in deep data."""
        is_long = any(re.fullmatch("-a+", word) for word in words) and sum(n for _, n in self.lengths) > SMALL_GENOME
        is_wide = any(word in ("--output-QNAME", "--output-extra") for word in words) and not self.is_small
        return ["-r", "{region}"] if (is_long or is_wide) and "-r" not in words else []


def data_files() -> list[str]:
    """All files of alignments below the data, the names sorted; none where the data are not at hand."""
    ends = (".bam", ".sam", ".sam.gz", ".cram")
    return sorted(str(path.relative_to(SHARED_DATA)) for path in SHARED_DATA.rglob("*") if path.name.endswith(ends))


def make_sample(name: str, folder: Path) -> Sample:
    """Sort and index a file where it is not, and find what fits it: a FASTA, a region, lists of positions and read groups.

    Raises
    ------
    UnusableError
        It has no reads on contigs, or cannot be sorted.
    """
    source = SHARED_DATA / name
    folder = folder / name.replace("/", "_")
    folder.mkdir()
    spans, header = _spans(_with_header(source, folder))
    fasta = _reference(source, spans)
    if fasta is not None and not Path(f"{fasta}.fai").exists():
        fasta = _indexed(fasta, folder)
    path = _sorted(_with_header(source, folder), header, fasta, folder)
    with pysam.AlignmentFile(str(path), reference_filename=fasta and str(fasta)) as file:
        lengths = tuple(zip(file.references, file.lengths, strict=True))
    values = _values(spans, header, folder)
    if fasta is not None:
        values["fasta"] = str(fasta)
    is_small = source.stat().st_size < SMALL_FILE and (fasta is None or _longest(fasta) < SMALL_CONTIG)
    return Sample(name, path, fasta, lengths, values, is_small)


Spans = dict[str, tuple[int, int, int]]  # contig to first start, last end, number of reads


def _with_header(source: Path, folder: Path) -> Path:
    """The file itself, or where its header lacks contigs, a copy that has those of the FASTA of the same name."""
    fasta = source.with_name(source.name.removesuffix(".sam.gz") + ".fa")
    target = folder / "with_header.sam"
    if not source.name.endswith(".sam.gz") or not fasta.exists():
        return source
    if not target.exists():
        view("-h", "-t", f"{_indexed(fasta, folder)}.fai", source, target=target)
    return target


def _spans(path: Path) -> tuple[Spans, dict]:
    spans: Spans = {}
    pysam.set_verbosity(0)
    try:
        with pysam.AlignmentFile(str(path), check_sq=False, reference_filename=_any_reference(path)) as file:
            header = file.header.to_dict()
            for read in file.fetch(until_eof=True):
                if read.reference_id >= 0 and read.reference_start >= 0:
                    start, end = read.reference_start, read.reference_end or read.reference_start + 1
                    first, last, n = spans.get(read.reference_name, (start, end, 0))
                    spans[read.reference_name] = min(first, start), max(last, end), n + 1
    except (OSError, ValueError):
        raise UnusableError("cannot be read") from None
    if not spans:
        raise UnusableError("no reads on contigs")
    return spans, header


def _any_reference(path: Path) -> str | None:
    """For a CRAM, a FASTA beside it that has its contigs; the header tells them without."""
    if path.suffix != ".cram":
        return None
    with pysam.AlignmentFile(str(path)) as file:
        fasta = _reference(path, dict.fromkeys(file.references, (0, 1, 1)))
    return fasta and str(fasta)


def _reference(source: Path, spans: Spans) -> Path | None:
    """The FASTA, in the folder of the file or above, with most of the contigs that have reads; the nearest one."""
    best, found = 0, None
    for folder in source.parents:
        if folder == SHARED_DATA:
            break
        for path in sorted([*folder.glob("*.fa"), *folder.glob("*.fasta"), *folder.glob("*.fa.gz")]):
            n = len(spans.keys() & set(_contigs(path)))
            if n > best:
                best, found = n, path
    return found


def _contigs(fasta: Path) -> list[str]:
    index = Path(f"{fasta}.fai")
    if index.exists():
        return [line.split("\t")[0] for line in index.read_text().splitlines()]
    return [line[1:].split()[0] for line in fasta.read_text().splitlines() if line.startswith(">")]


def _longest(fasta: Path) -> int:
    return max(int(line.split("\t")[1]) for line in Path(f"{fasta}.fai").read_text().splitlines())


def _indexed(fasta: Path, folder: Path) -> Path:
    """A copy of a FASTA with its index: the data are read-only."""
    copy = folder / fasta.name
    if not copy.exists():
        copy.write_bytes(fasta.read_bytes())
        pysam.faidx(str(copy))
    return copy


def _sorted(source: Path, header: dict, fasta: Path | None, folder: Path) -> Path:
    """The file, sorted and indexed and of the same format; SAM compressed, as only so it can have an index."""
    is_sorted = header.get("HD", {}).get("SO") == "coordinate"
    if source.suffix == ".bam" and is_sorted and Path(f"{source}.bai").exists():
        return source
    try:
        if source.suffix == ".cram":
            target = folder / "sorted.cram"
            make_cram(source, fasta, target)
            return target
        kind = "bam" if source.suffix == ".bam" else "sam.gz"
        target = folder / f"sorted.{kind}"
        pysam.samtools.sort("-o", str(target), str(source), catch_stdout=False)
        pysam.samtools.index(str(target))
    except pysam.SamtoolsError as error:
        raise UnusableError(f"cannot be sorted and indexed: {error}") from None
    return target


def _values(spans: Spans, header: dict, folder: Path) -> dict[str, str]:
    contig = max(spans, key=lambda name: spans[name][2])
    start, end, _ = spans[contig]
    third = max(1, (end - start) // 3)
    first, last = start + third, min(start + 2 * third, start + third + 500)
    quoted = "{" + contig + "}" if ":" in contig else contig
    (folder / "some.bed").write_text("".join(_bed_lines(spans)))
    step = max(1, (end - start) // 20)
    positions = "".join(f"{contig}\t{position}\n" for position in range(start + 1, end + 1, step))
    (folder / "positions.txt").write_text(positions)
    groups = [group["ID"] for group in header.get("RG", [])] or ["absent"]
    (folder / "groups.txt").write_text("\n".join(groups[: (len(groups) + 1) // 2]) + "\n")
    return {
        "contig": quoted,
        "region": f"{quoted}:{first + 1}-{max(first + 1, last)}",
        "bed": str(folder / "some.bed"),
        "positions": str(folder / "positions.txt"),
        "groups": str(folder / "groups.txt"),
    }


def _bed_lines(spans: Spans) -> Iterator[str]:
    """Intervals in every contig: overlapping ones, neighbours, one base, one behind the reads; out of order."""
    yield '# a remark\ntrack name="some"\n'
    for contig, (start, end, _) in reversed(spans.items()):
        eighth = max(1, (end - start) // 8)
        for first, last in ((5, 6), (1, 2), (1, 3), (3, 4)):
            yield f"{contig}\t{start + first * eighth}\t{start + last * eighth}\n"
        yield f"{contig}\t{start}\t{start + 1}\n{contig}\t{end}\t{end + 5}\n"

"""From a population and a library to files of reads and tables of what is true."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pysam import samtools
from pysam.utils import SamtoolsError

from colonnade.errors import OutputError, UsageError
from colonnade.formats.bgzf_writer import BgzfWriter
from colonnade.formats.output import OutputSet
from colonnade.formats.silence import silence
from colonnade.jit import announce_compilation
from colonnade.run.ordered import ordered_map
from colonnade.run.progress import no_report
from colonnade.simulate.library import Library
from colonnade.simulate.plan import Plan, Simulated, Target
from colonnade.simulate.population import Population
from colonnade.simulate.reads import READS_PER_TASK, ContigReads, Encoding, Rows, Window, bam_header
from colonnade.simulate.reference import Reference
from colonnade.simulate.tables import haplotype_lines, truth_lines

#: Called with the positions done and the positions in all, over all samples.
Progress = Callable[[int, int], None]

_LEVEL: Final = 1  # of compression: qualities and errors are random, and higher levels gain little on them


def simulate(
    population: Population,
    reference: Reference,
    prefix: str | PathLike[str],
    *,
    library: Library | None = None,
    reads: Sequence[Encoding] = ("bam",),
    seed: int = 1,
    made_from: Mapping[str, Any] | None = None,
    force: bool = False,
    threads: int = 1,
    progress: Progress | None = None,
) -> Simulated:
    """Draw reads of every sample of a population, and write them beside tables of what is true, all complete or none at all.

    Parameters
    ----------
    population
        Whose reads they are.
    reference
        What it differs from; written too unless it is a file already.
    prefix
        Start of the names of all files.
    library
        How templates are made and sequenced.
    reads
        Some of ``bam`` (in coordinate order, with index), ``fastq`` (two files for paired reads) and ``ubam`` (unaligned BAM).
    seed
        Seed of all draws.
    made_from
        What ``run.json`` is to say of where the population comes from.
    force
        Whether files that exist may be replaced.
    threads
        Threads; the bytes do not depend on it.
    progress
        Told now and then how far the work is.

    Returns
    -------
    Where the files are.

    Raises
    ------
    UsageError
        The population or the library does not fit the reference, an option is out of range, or a file exists and ``force``
        is not set.
    OutputError
        A file cannot be written.

    Examples
    --------
    >>> from colonnade.simulate import Library, Population, Reference, Site, Variant, simulate
    >>> reference = Reference.random(9_000, seed=1)
    >>> site = Site(Variant("random", 4_000, "+ACG"), shares=(0.1, 0.6))
    >>> population = Population(("early", "late"), sites=(site,))
    >>> simulate(population, reference, "made", library=Library(depth=1_000))  # doctest: +SKIP
    """
    if threads < 1:
        raise UsageError("threads is out of range", found=str(threads), expected="1 or more")
    plan = Plan(population, reference, library or Library(), tuple(reads), seed, fspath(prefix))
    files = plan.files
    announce_compilation("reads_kernels")
    with OutputSet(plan.paths(), force=force) as output:
        if reference.path is None:
            output.write(files.reference, reference.fasta_lines())
            _index_fasta(output, files.reference)
        output.write(files.truth, truth_lines(population, reference))
        output.write(files.haplotypes, haplotype_lines(population, reference))
        output.write(files.facts, [json.dumps(plan.facts(made_from or {}), indent=2), "\n"])
        for sample in range(len(population.samples)):
            _write_sample(plan, sample, output, threads, progress)
    return files


@dataclass(frozen=True)
class _Task:
    """Some reads to be encoded for one file."""

    source: ContigReads
    rows: Rows
    target: Target

    def run(self) -> tuple[Path, list[npt.NDArray[np.uint8]]]:
        return self.target.path, self.source.encoded(self.rows, self.target.encoding)


def _write_sample(plan: Plan, sample: int, output: OutputSet, threads: int, progress: Progress | None) -> None:
    name = plan.population.samples[sample]
    targets = plan.targets[name]
    with ExitStack() as stack:
        writers = {}
        for target in targets:
            writer = BgzfWriter(output.sink(target.path), level=_LEVEL, threads=threads)
            writers[target.path] = stack.enter_context(writer)
            if target.encoding != "fastq":
                writer.write(bam_header(name, plan.reference.lengths if target.encoding == "bam" else {}))
        for path, pieces in ordered_map(_Task.run, _tasks(plan, sample, targets, progress), threads=threads):
            for piece in pieces:
                writers[path].write(piece)
    for target in targets:
        if target.encoding == "bam":
            _index_bam(output, target.path, plan.index_suffix)


def _tasks(plan: Plan, sample: int, targets: Sequence[Target], progress: Progress | None) -> Iterator[_Task]:
    """The reads of a sample in parts, for all of its files."""
    report = progress or no_report
    genome = sum(plan.reference.lengths.values())
    total = genome * len(plan.population.samples)
    done = genome * sample
    for number, (contig, length) in enumerate(plan.reference.lengths.items()):
        codes = plan.reference.codes(contig)
        source = ContigReads(plan.population, sample, contig, number, codes, plan.library, seed=plan.seed)
        for window in source.windows():
            yield from (_Task(source, rows, target) for target in targets for rows in _parts(window, target))
            report(done + window.position, total)
        done += length
        report(done, total)


def _parts(window: Window, target: Target) -> Iterator[Rows]:
    """The reads of a window that a file is to have, as they align for BAM, else template by template."""
    rows = window.ready if target.encoding == "bam" else window.drawn
    chosen = rows if target.mate is None else rows[rows["mate"] == target.mate]
    for start in range(0, len(chosen), READS_PER_TASK):
        yield chosen[start : start + READS_PER_TASK]


def _index_bam(output: OutputSet, path: Path, suffix: str) -> None:
    index = output.part(f"{path}{suffix}")
    kind = "-b" if suffix == ".bai" else "-c"
    _samtools("index", path, kind, "-o", str(index), str(output.part(path)))


def _index_fasta(output: OutputSet, path: Path) -> None:
    _samtools("faidx", path, "--fai-idx", str(output.part(f"{path}.fai")), str(output.part(path)))


def _samtools(command: str, path: Path, *arguments: str) -> None:
    with silence:
        try:
            getattr(samtools, command)(*arguments, catch_stdout=False)
        except SamtoolsError as error:
            found = " ".join(str(error).split())
            raise OutputError("no index can be made", path=path, found=found) from None

"""What a simulation is to be, checked, and the names of its files."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from colonnade.errors import UsageError
from colonnade.formats.binning import BAI
from colonnade.simulate.library import Library, check_seed
from colonnade.simulate.population import Population
from colonnade.simulate.reads import ENCODINGS, Encoding
from colonnade.simulate.reference import Reference
from colonnade.version import __version__


@dataclass(frozen=True)
class Simulated:
    """Where everything is.

    Parameters
    ----------
    reference
        FASTA, with its index beside it.
    truth, haplotypes, facts
        The tables of true shares and of haplotypes, and the facts about the run.
    reads
        Sample to its files, in the order in which kinds of reads were asked for; BAM files have their index beside them.
    """

    reference: Path
    truth: Path
    haplotypes: Path
    facts: Path
    reads: dict[str, tuple[Path, ...]]


@dataclass(frozen=True)
class Target:
    """A file of reads: what they are made into, and which mates it holds (both, if None)."""

    path: Path
    encoding: Encoding
    mate: int | None = None


@dataclass(frozen=True)
class Plan:
    """Everything that decides the result, and the names of the files."""

    population: Population
    reference: Reference
    library: Library
    reads: tuple[Encoding, ...]
    seed: int
    prefix: str

    def __post_init__(self) -> None:
        self._check()

    @cached_property
    def targets(self) -> dict[str, tuple[Target, ...]]:
        """The files of reads of each sample."""
        return {sample: tuple(self._targets(sample)) for sample in self.population.samples}

    @property
    def files(self) -> Simulated:
        """Where everything will be."""
        return Simulated(
            reference=Path(self.reference.path or f"{self.prefix}.reference.fa"),
            truth=Path(f"{self.prefix}.truth.tsv"),
            haplotypes=Path(f"{self.prefix}.haplotypes.tsv"),
            facts=Path(f"{self.prefix}.run.json"),
            reads={sample: tuple(target.path for target in targets) for sample, targets in self.targets.items()},
        )

    @property
    def index_suffix(self) -> str:
        """BAI, unless a contig is too long for it."""
        return ".bai" if max(self.reference.lengths.values()) <= BAI.max_position else ".csi"

    def paths(self) -> list[Path]:
        """All files that are to be written."""
        files = self.files
        paths = [files.truth, files.haplotypes, files.facts]
        if self.reference.path is None:
            paths += [files.reference, Path(f"{files.reference}.fai")]
        for target in (target for some in self.targets.values() for target in some):
            paths.append(target.path)
            if target.encoding == "bam":
                paths.append(Path(f"{target.path}{self.index_suffix}"))
        return paths

    def facts(self, made_from: Mapping[str, Any]) -> dict[str, Any]:
        """What run.json holds."""
        return {
            "version": __version__,
            "seed": self.seed,
            "reference": self.reference.path or "random",
            "population": dict(made_from),
            "samples": list(self.population.samples),
            "library": asdict(self.library),
            "reads": list(self.reads),
        }

    def _targets(self, sample: str) -> Iterator[Target]:
        start = f"{self.prefix}.{sample}"
        for encoding in self.reads:
            if encoding == "fastq" and self.library.paired:
                yield from (Target(Path(f"{start}_{mate + 1}.fastq.gz"), encoding, mate) for mate in (0, 1))
            else:
                suffix = {"bam": "bam", "ubam": "unaligned.bam", "fastq": "fastq.gz"}[encoding]
                yield Target(Path(f"{start}.{suffix}"), encoding)

    def _check(self) -> None:
        unknown = [name for name in self.reads if name not in ENCODINGS]
        if unknown or not self.reads:
            raise UsageError("no such reads", found=",".join(self.reads) or "none", expected="some of bam, fastq, ubam")
        if len(set(self.reads)) != len(self.reads):
            raise UsageError("the same reads are asked for twice", found=",".join(self.reads))
        if os.path.basename(self.prefix) in ("", os.curdir, os.pardir):
            raise UsageError(
                "the output prefix ends without a name", found=repr(self.prefix), expected="one like out/made"
            )
        check_seed(self.seed)
        self._check_library()
        self.population.check(self.reference)
        names = [target.path for targets in self.targets.values() for target in targets]
        if len(set(names)) != len(names):
            raise UsageError("two samples have names that make the same file", advice="rename one")

    def _check_library(self) -> None:
        """Raise unless its templates are within contigs of the reference."""
        for amplicon in self.library.amplicons:
            self.reference.require(amplicon.contig)
            if amplicon.end > self.reference.lengths[amplicon.contig]:
                raise UsageError(f"an amplicon ends outside its contig, at {amplicon.contig}:{amplicon.end}")
        longest = max(self.reference.lengths.values())
        if not self.library.amplicons and self.library.template_mean > longest:
            found = f"{self.library.template_mean:g} bases on average"
            raise UsageError("templates are longer than every contig", found=found, expected=f"at most {longest}")

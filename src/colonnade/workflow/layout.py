"""What is where in the folder of a run."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from colonnade.compare.schemas import TABLES
from colonnade.workflow import genome
from colonnade.workflow.sheet import SheetSample

_TABLES_OF_SUMMARY: Final = ("stats", "windows", "depth")


@dataclass(frozen=True)
class Layout:
    """Names of files in the folder of a run; ``prefix`` is the start of those of a comparison.

    Parameters
    ----------
    folder
        The folder.
    """

    folder: Path

    @property
    def lock(self) -> Path:
        return self.folder / ".lock"

    @property
    def known_contents(self) -> Path:
        return self.folder / ".contents.json"

    @property
    def provenance(self) -> Path:
        return self.folder / "run.json"

    @property
    def multiqc(self) -> Path:
        return self.folder / "multiqc"

    def alignments(self, sample: str) -> Path:
        return self.folder / "bam" / f"{sample}.bam"

    def counts(self, sample: str) -> Path:
        return self.folder / "bam" / f"{sample}.counts.json"

    def prefix(self, group: str) -> Path:
        return self.folder / "compare" / group

    def facts(self, group: str) -> Path:
        return Path(f"{self.prefix(group)}.run.json")

    def tables(self, group: str) -> list[Path]:
        return [Path(f"{self.prefix(group)}.{name}.tsv") for name in TABLES]

    def tables_of_summary(self, group: str) -> list[Path]:
        return [Path(f"{self.prefix(group)}.{name}.tsv") for name in _TABLES_OF_SUMMARY]

    def vcf(self, group: str) -> Path:
        return Path(f"{self.prefix(group)}.vcf.gz")

    def report(self, group: str) -> Path:
        return self.folder / "report" / f"{group}.html"

    def index(self, reference: str) -> str:
        """Where an index is made."""
        return str(self.folder / genome.FOLDER / os.path.basename(reference))

    def files(self, sample: SheetSample) -> list[str]:
        """The alignments of a sample, made here or given."""
        made = [str(self.alignments(sample.name))] if sample.reads else []
        return [*made, *sample.alignments]

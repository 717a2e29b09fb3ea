"""A sheet of two time points and another sample, small enough to be aligned and compared in a second."""

import contextlib
import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from colonnade.compare.stored import read_result
from colonnade.formats.output import OutputSet
from colonnade.run.progress import StageReport
from colonnade.simulate import Library, Population, Reference, place_sites, simulate
from colonnade.workflow.engine import SheetRun, run_sheet

SAMPLES = ("early", "late", "other")
HIDDEN = (".contents.json", ".lock")  # which say nothing of results


@dataclass(frozen=True)
class Project:
    """A folder with reads, a reference and a sheet."""

    folder: Path

    @property
    def reference(self) -> Path:
        return self.folder / "made.reference.fa"

    @property
    def sheet(self) -> Path:
        return self.folder / "the sheet.tsv"

    @property
    def out(self) -> Path:
        return self.folder / "the output"

    def reads(self, sample: str) -> list[Path]:
        return [self.folder / f"made.{sample}_{mate}.fastq.gz" for mate in (1, 2)]

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write the sheet, of the columns of the first row."""
        lines = [list(rows[0]), *([str(value) for value in row.values()] for row in rows)]
        self.sheet.write_text("".join("\t".join(line) + "\n" for line in lines))

    def write_samples(self, *samples: str) -> None:
        """Write the sheet of some samples at time points."""
        self.write([row(sample, time) for time, sample in enumerate(samples)])

    def run(self, **options: Any) -> SheetRun:
        """Run it from its own folder, so that results do not tell where that is."""
        with contextlib.chdir(self.folder):
            return run_sheet(self.sheet.name, reference=self.reference.name, folder=self.out.name, **options)

    def comparisons(self, group: str = "all") -> list[tuple[str, str]]:
        result = read_result(self.out / "compare" / group)
        return [(comparison.sample_1, comparison.sample_2) for comparison in result.comparisons]

    def checksums(self) -> dict[str, str]:
        """Of all files that a run has made."""
        return {
            str(path.relative_to(self.out)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.out.rglob("*"))
            if path.is_file() and path.name not in HIDDEN
        }

    def copied(self, folder: Path) -> "Project":
        """The same elsewhere, with files of other times and places on the disk."""
        shutil.copytree(self.folder, folder, copy_function=shutil.copy)
        return Project(folder)


def row(sample: str, time: float | str = "", group: str = "all") -> dict[str, Any]:
    """A line of the sheet."""
    return {
        "sample": sample,
        "reads_1": f"made.{sample}_1.fastq.gz",
        "reads_2": f"made.{sample}_2.fastq.gz",
        "time": time,
        "group": group,
    }


def new_project(folder: Path) -> Project:
    """Simulate reads of three samples; the sheet is of the first two."""
    folder.mkdir(parents=True)
    reference = Reference.random(1_000, seed=7, contig="virus")
    shares = ((0.0, 0.9, 0.5), (0.1, 0.9, 0.0), (0.8, 0.1, 0.1))
    sites = place_sites("virus", reference.codes("virus"), shares, np.random.default_rng(7), indels=1)
    library = Library(depth=60, read_length=75)
    simulate(
        Population(SAMPLES, sites=tuple(sites)), reference, folder / "made", library=library, reads=("fastq",), seed=3
    )
    project = Project(folder)
    project.write_samples("early", "late")
    return project


def quick_report(
    prefix: Path, output: Path, *, gff: Path | None, reference: Path | None, force: bool, progress: StageReport
) -> None:
    """In place of ``write_report``, which takes seconds: what pages are made of."""
    parts = [f"{prefix}.dist.tsv", f"{prefix}.run.json", *filter(None, (gff, reference))]
    progress("drawing", 0, None)
    with OutputSet([output], force=force) as files:
        files.write(output, [Path(part).read_text() for part in parts])

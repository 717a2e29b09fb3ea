"""A small virus population at two time points, compared, and what was found held against what is true."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from colonnade.compare.engine import Progress, Question, compare_to_files
from colonnade.compare.options import CompareOptions
from colonnade.formats.output import OutputSet, refuse_existing
from colonnade.simulate.population import Codes, Site, place_sites, random_reference, to_text
from colonnade.simulate.reads import Library, simulate_bam

CONTIG: Final = "virus"
LENGTH: Final = 9_000
TIME_POINTS: Final = ("early", "late")

# Shares of the other allele, early and late. The last INDELS of them are indels.
_SHARES: Final = (
    *((0.0, 1.0), (0.02, 0.95), (0.9, 0.1), (0.0, 0.7), (0.1, 0.75), (0.3, 0.9), (0.5, 0.0), (0.05, 0.5), (0.6, 0.2)),
    *((0.0, 0.35), (0.4, 0.05), (0.02, 0.35)),
    *((0.0, 0.1), (0.1, 0.2), (0.5, 0.6), (0.3, 0.22), (0.95, 0.88)),
    *((0.5, 0.5), (0.25, 0.25), (0.1, 0.1), (0.03, 0.03), (0.8, 0.8)),
    *((0.0, 0.6), (0.1, 0.8), (0.3, 0.3), (0.5, 0.05)),
)
INDELS: Final = 4
OPTIONS: Final = CompareOptions()


@dataclass(frozen=True)
class Finding:
    """One site: what is true, and what the comparison says of it."""

    site: Site
    truly_changed: bool
    called_changed: bool
    distance: str

    @property
    def is_right(self) -> bool:
        """Whether the call agrees with the truth."""
        return self.truly_changed == self.called_changed


@dataclass(frozen=True)
class DemoResult:
    """All sites, and how many loci without a true change were called changed."""

    findings: tuple[Finding, ...]
    false_changes: int
    loci: int

    def lines(self) -> Iterator[str]:
        """A table for people."""
        yield f"{'position':>8}  {'allele':6}  {'early':>5}  {'late':>5}  {'true':>5}  {'found, 90 % interval':22}  verdict"
        for finding in self.findings:
            site = finding.site
            verdict = "changed" if finding.called_changed else "no change above the threshold"
            yield (
                f"{site.position + 1:8}  {site.event:6}  {site.shares[0]:5.2f}  {site.shares[1]:5.2f}  "
                f"{site.distance():5.2f}  {finding.distance:22}  {verdict}{'' if finding.is_right else '  <- differs'}"
            )
        changed = [finding for finding in self.findings if finding.truly_changed]
        found = sum(finding.called_changed for finding in changed)
        yield f"{found} of {len(changed)} true changes found; {self.false_changes} false among {self.loci} loci"


def run_demo(
    folder: Path, *, force: bool = False, threads: int = 1, seed: int = 1, progress: Progress | None = None
) -> DemoResult:
    """Simulate two time points into a folder, compare them, and hold the result against the truth.

    Writes ``reference.fa``, ``early.bam``, ``late.bam``, ``truth.tsv`` and the tables of the comparison, ``result.*``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    reference = random_reference(LENGTH, rng)
    sites = place_sites(reference, _SHARES, rng, indels=INDELS)
    _write_inputs(folder, reference, sites, rng, force=force)
    question = Question(
        samples={name: folder / f"{name}.bam" for name in TIME_POINTS},
        reference=folder / "reference.fa",
        options=OPTIONS,
    )
    stats = compare_to_files(question, folder / "result", force=force, threads=threads, progress=progress)
    return _findings(folder, sites, int(stats["loci"][0].as_py()))


def _write_inputs(
    folder: Path, reference: Codes, sites: Sequence[Site], rng: np.random.Generator, *, force: bool
) -> None:
    fasta, truth = folder / "reference.fa", folder / "truth.tsv"
    text = to_text(reference)
    refuse_existing((folder / f"{name}.bam" for name in TIME_POINTS), force=force)
    with OutputSet([fasta, truth], force=force) as output:
        output.write(fasta, [f">{CONTIG}\n", *(text[i : i + 60] + "\n" for i in range(0, len(text), 60))])
        output.write(truth, ["position\tallele\tearly\tlate\n"])
        output.write(truth, (f"{s.position + 1}\t{s.event}\t{s.shares[0]}\t{s.shares[1]}\n" for s in sites))
    (folder / "reference.fa.fai").unlink(missing_ok=True)
    for time_point, name in enumerate(TIME_POINTS):
        simulate_bam(folder / f"{name}.bam", reference, sites, time_point, Library(), rng, contig=CONTIG)


def _findings(folder: Path, sites: Sequence[Site], loci: int) -> DemoResult:
    bases = _rows_by_position(folder / "result.dist.tsv")
    indels = _rows_by_position(folder / "result.idist.tsv")
    findings = []
    for site in sites:
        row = (indels if site.is_indel else bases).get(site.position + 1)
        interval = "" if row is None else f"{row['distance_q0.5']} ({row['distance_q0.05']}-{row['distance_q0.95']})"
        findings.append(Finding(site, site.distance() > OPTIONS.min_distance, row is not None, interval))
    true_bases = {site.position + 1 for site in sites if not site.is_indel and site.distance() > OPTIONS.min_distance}
    true_indels = {site.position + 1 for site in sites if site.is_indel and site.distance() > OPTIONS.min_distance}
    return DemoResult(tuple(findings), len(bases.keys() - true_bases) + len(indels.keys() - true_indels), loci)


def _rows_by_position(path: Path) -> dict[int, dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return {int(row["position"]): row for row in csv.DictReader(file, delimiter="\t")}

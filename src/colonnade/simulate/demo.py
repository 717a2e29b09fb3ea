"""A small virus population at two time points: its reads aligned and compared, and what was found held against what is true."""

import csv
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from colonnade.align.engine import align
from colonnade.align.index import build_index
from colonnade.compare.engine import compare_to_files
from colonnade.compare.options import CompareOptions
from colonnade.compare.question import Question
from colonnade.jit import announced_together
from colonnade.run.progress import StageReport, no_stage_report
from colonnade.simulate.engine import simulate
from colonnade.simulate.generation import place_sites
from colonnade.simulate.population import Population, Site
from colonnade.simulate.reference import Reference

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
_KERNELS: Final = ("reads_kernels", "search_kernels", "posterior_kernels")
_COMPILATION: Final = 120  # seconds

_log = logging.getLogger(__name__)


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
            early, late = site.shares
            verdict = "changed" if finding.called_changed else "no change above the threshold"
            yield (
                f"{site.variant.position + 1:8}  {site.variant.event:6}  {early:5.2f}  {late:5.2f}  "
                f"{site.distance():5.2f}  {finding.distance:22}  {verdict}{'' if finding.is_right else '  <- differs'}"
            )
        changed = [finding for finding in self.findings if finding.truly_changed]
        found = sum(finding.called_changed for finding in changed)
        yield f"{found} of {len(changed)} true changes found; {self.false_changes} false among {self.loci} loci"


@announced_together(*_KERNELS, seconds=_COMPILATION)
def run_demo(
    folder: Path, *, force: bool = False, threads: int = 1, seed: int = 1, progress: StageReport = no_stage_report
) -> DemoResult:
    """Simulate reads of two time points into a folder, align and compare them, and hold the result against the truth.

    Writes what ``simulate`` writes, the reads in ``virus.*.unaligned.bam``; the alignments, ``virus.early.bam`` and
    ``virus.late.bam``; the index of the reference; and the tables of the comparison, ``result.*``. ``progress`` is told of each
    step by a name of its own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    reference = Reference.random(LENGTH, seed=seed, contig=CONTIG)
    sites = place_sites(CONTIG, reference.codes(CONTIG), _SHARES, np.random.default_rng(seed), indels=INDELS)
    population = Population(TIME_POINTS, sites=tuple(sites))
    _log.info("simulating reads of two time points into %s", folder)
    made = simulate(
        population,
        reference,
        folder / CONTIG,
        reads=("ubam",),
        seed=seed,
        force=force,
        threads=threads,
        progress=partial(progress, "simulating"),
    )
    build_index(made.reference, force=force, progress=partial(progress, "sorting suffixes"))
    samples = {name: folder / f"{CONTIG}.{name}.bam" for name in TIME_POINTS}
    for name, path in samples.items():
        (reads,) = made.reads[name]
        progress("aligning", 0, None)
        _log.info("aligning %s", reads)
        summary = align(
            reads, index=made.reference, out=path, sort=True, force=force, threads=threads, progress=progress
        )
        _log.info("%s", summary)
    progress("comparing", 0, None)
    _log.info("comparing %s", " with ".join(map(str, samples.values())))
    question = Question(samples=samples, reference=made.reference, options=OPTIONS)
    stats = compare_to_files(
        question, folder / "result", force=force, threads=threads, progress=partial(progress, "comparing")
    )
    return _findings(folder, sites, int(stats["loci"][0].as_py()))


def _findings(folder: Path, sites: Sequence[Site], loci: int) -> DemoResult:
    bases = _rows_by_position(folder / "result.dist.tsv")
    indels = _rows_by_position(folder / "result.idist.tsv")
    findings = []
    for site in sites:
        row = (indels if site.variant.is_indel else bases).get(site.variant.position + 1)
        interval = "" if row is None else f"{row['distance_q0.5']} ({row['distance_q0.05']}-{row['distance_q0.95']})"
        findings.append(Finding(site, site.distance() > OPTIONS.min_distance, row is not None, interval))
    changed = [finding.site.variant for finding in findings if finding.truly_changed]
    true_bases = {variant.position + 1 for variant in changed if not variant.is_indel}
    true_indels = {variant.position + 1 for variant in changed if variant.is_indel}
    return DemoResult(tuple(findings), len(bases.keys() - true_bases) + len(indels.keys() - true_indels), loci)


def _rows_by_position(path: Path) -> dict[int, dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return {int(row["position"]): row for row in csv.DictReader(file, delimiter="\t")}

"""A run: steps in order, each only if what it makes is missing or out of date."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Final

from colonnade.align.options import AlignOptions
from colonnade.compare.engine import DEFAULT_MEMORY
from colonnade.compare.options import CompareOptions
from colonnade.compare.samples import REF
from colonnade.errors import InputError, UsageError
from colonnade.formats.fasta import Fasta
from colonnade.formats.html import note, panel, table
from colonnade.formats.locks import lock_now
from colonnade.formats.output import ADVICE_ON_FOLDERS, OutputSet, cannot_be_written
from colonnade.run.executor import Executor, Threads
from colonnade.run.progress import StageReport, no_stage_report
from colonnade.version import __version__
from colonnade.workflow.contents import Contents
from colonnade.workflow.counts import ReadCounts
from colonnade.workflow.layout import Layout
from colonnade.workflow.options import Means, RunOptions, Scheme
from colonnade.workflow.plan import Plan
from colonnade.workflow.sheet_reader import read_sheet
from colonnade.workflow.steps import Records

_log = logging.getLogger(__name__)

FORCED: Final = "all is made anew"
_CHECKSUMS: Final = "taking checksums"  # a stage of each step
_MOST_NAMED: Final = 5  # files of which a line tells
_FEW_ALIGNED: Final = 0.5  # a share of the reads of a sample: below it what is found is of a part of the population


@dataclass(frozen=True, repr=False)
class SheetRun:
    """What a run has done.

    Parameters
    ----------
    reasons
        By the name of each step, in order, why it was carried out, or is to be; None where what it makes was up to date.
    results
        By group, the start of the names of its tables, for ``read_result``.
    reports
        By group, its report.
    """

    reasons: Mapping[str, str | None]
    results: Mapping[str, Path]
    reports: Mapping[str, Path]

    @property
    def done(self) -> tuple[str, ...]:
        """Names of the steps that were carried out, or are to be."""
        return tuple(name for name, reason in self.reasons.items() if reason is not None)

    def __repr__(self) -> str:
        lines = [f"  {name}: {reason or 'up to date'}" for name, reason in self.reasons.items()]
        return "\n".join(["SheetRun", *lines])

    def _repr_html_(self) -> str:
        rows = [(name, reason or "up to date") for name, reason in self.reasons.items()]
        reports = (note(f"report of {group}: {path}") for group, path in self.reports.items())
        return panel("SheetRun", table(("step", "why"), rows), *reports)


def run_sheet(
    sheet: str | PathLike[str],
    *,
    reference: str | PathLike[str],
    folder: str | PathLike[str],
    align_options: AlignOptions | None = None,
    compare_options: CompareOptions | None = None,
    scheme: Scheme | None = None,
    against: str | None = None,
    regions: Sequence[str] = (),
    bed: str | PathLike[str] | None = None,
    gff: str | PathLike[str] | None = None,
    dry_run: bool = False,
    force: bool = False,
    threads: int = 1,
    executor: Executor | None = None,
    memory: int = DEFAULT_MEMORY,
    progress: StageReport = no_stage_report,
) -> SheetRun:
    """Align, compare and report the samples of a sheet; what is there already and up to date is left as it is.

    A step is up to date if the files that it reads, the options that decide its result, and the version are those that it was
    carried out with, and what it made is as it was made. All this is told by contents, not by times. A run that was
    interrupted, however, is gone on with by the same call, and ends with the bytes of one run.

    Parameters
    ----------
    sheet
        Table of samples, as ``read_sheet`` reads it.
    reference
        FASTA of the genome. If bwa's index is beside it, that is used, else one is made in the folder.
    folder
        Where everything is put; it is made if it is not there.
    align_options, compare_options, scheme, against, regions, bed, gff
        As in ``RunOptions``.
    dry_run
        Find out what is to be done, and do nothing.
    force
        Make everything anew, and replace files that no run has made.
    threads, executor, memory
        As in ``align`` and ``compare``; no result depends on them.
    progress
        Called now and then with the step and its stage (``align wk4: aligning``), how many reads, loci or the like are done, and
        how many there are, where that is known.

    Raises
    ------
    ColonnadeError
        The sheet is wrong, a step fails, or another run is at work in the folder.

    Examples
    --------
    >>> import colonnade as cn
    >>> cn.run_sheet("sheet.tsv", reference="ref.fa", folder="out")  # doctest: +SKIP
    """
    options = RunOptions(
        reference=reference,
        align=align_options or AlignOptions(),
        compare=compare_options or CompareOptions(),
        scheme=scheme,
        against=against,
        regions=regions,
        bed=bed,
        gff=gff,
    )
    _check_files(options)
    plan = Plan(read_sheet(sheet), options, Layout(Path(folder)))
    if dry_run:
        return _outcome(plan, _reasons(plan, force=force))
    with _alone(plan.layout):
        contents = Contents(plan.layout.known_contents)
        try:
            records = Records(plan.layout.folder, contents)
            means = partial(Means, threads, executor or Threads(threads), memory)
            reasons = dict(_carried_out(plan, records, means, progress, force=force))
            _tell_of_few_aligned(plan)
            _tell_of_lonely(plan)
            _tell_of_no_reports(plan)
            _tell_of_others(plan, records)
            _write_provenance(plan, records)
        finally:
            contents.save()
    return _outcome(plan, reasons)


def _check_files(options: RunOptions) -> None:
    """Raise where a file that a late step needs is not there, or the ``.fai`` is not of the reference."""
    mask = options.compare.read_filter.mask
    for path in (options.reference, options.gff, options.bed, None if isinstance(mask, tuple) else mask):
        if path is not None and not Path(path).is_file():
            raise InputError("no such file", path=path)
    if Path(f"{fspath(options.reference)}.fai").is_file():
        Fasta(fspath(options.reference)).close()


@contextmanager
def _alone(layout: Layout) -> Iterator[None]:
    """While no other run is at work in the folder, which is made if it is not there."""
    try:
        layout.folder.mkdir(parents=True, exist_ok=True)
        lock = layout.lock.open("wb")
    except OSError as error:
        raise cannot_be_written(layout.folder, error, ADVICE_ON_FOLDERS) from None
    with lock:
        try:
            lock_now(lock)
        except BlockingIOError:
            raise UsageError(
                "another run is at work in this folder",
                path=layout.folder,
                advice="wait for it, or name another folder",
            ) from None
        yield


def _reasons(plan: Plan, *, force: bool) -> dict[str, str | None]:
    """What is to be done, and why."""
    records = Records(plan.layout.folder, Contents(plan.layout.known_contents))
    remade: set[str] = set()
    reasons: dict[str, str | None] = {}
    for step in plan.steps():
        reasons[step.name] = FORCED if force else records.reason(step, remade)
        if reasons[step.name] is not None:
            remade.update(map(str, step.outputs))
    return reasons


def _carried_out(
    plan: Plan, records: Records, means: Callable[[StageReport], Means], progress: StageReport, *, force: bool
) -> Iterator[tuple[str, str | None]]:
    """Do what is to be done, step by step; yields each step and why it was."""
    for step in plan.steps():
        report = _of_step(step.name, progress)
        report(_CHECKSUMS, 0, None)
        reason = FORCED if force else records.reason(step, set())
        if reason is None:
            _log.debug("%s: up to date", step.name)
        else:
            _log.info("%s: %s", step.name, reason)
            records.begin(step, force=force)
            step.carry_out(means(report))
            report(_CHECKSUMS, 0, None)
            records.finish(step)
        yield step.name, reason


def _of_step(step: str, progress: StageReport) -> StageReport:
    """What the stages of a step are told to, so that its name comes before theirs."""
    return lambda stage, done, total: progress(f"{step}: {stage}", done, total)


def _tell_of_few_aligned(plan: Plan) -> None:
    for sample in plan.sheet.samples:
        counts = ReadCounts.read(plan.layout.counts(sample.name))
        if counts.mapped < _FEW_ALIGNED * counts.reads:
            _log.warning(
                "sample %s: %d of %d reads are aligned; is it the right reference, are adapters and primers cut off, "
                "and may reads differ by enough (--differences)?",
                sample.name,
                counts.mapped,
                counts.reads,
            )


def _tell_of_lonely(plan: Plan) -> None:
    for group, sample in plan.lonely.items():
        _log.info(
            "group %s has one sample, %s, and nothing is compared; --against %s compares it with the reference",
            group,
            sample,
            REF,
        )


def _tell_of_no_reports(plan: Plan) -> None:
    if plan.compared and not plan.reports:
        _log.warning("no reports are made, as altair and vl-convert are not installed; install colonnade[report]")


def _tell_of_others(plan: Plan, records: Records) -> None:
    """Say which files earlier runs have made that this one does not."""
    made = {step.name for step in plan.steps()}
    others = [
        str(path)
        for name, record in records.all().items()
        if name not in made
        for path in (plan.layout.folder / output for output in record["outputs"] or ())
        if path.exists()
    ]
    if others:
        more = f" and {len(others) - _MOST_NAMED} more" if len(others) > _MOST_NAMED else ""
        _log.info("left alone, as sheet and options do not ask for it: %s%s", ", ".join(others[:_MOST_NAMED]), more)


def _write_provenance(plan: Plan, records: Records) -> None:
    """Write what was made of what."""
    known = records.all()
    facts: dict[str, Any] = {
        "version": __version__,
        "sheet": plan.sheet.path,
        "reference": fspath(plan.options.reference),
        "samples": [
            {"name": sample.name, "group": sample.group, "time": None if sample.time is None else str(sample.time)}
            for sample in plan.sheet.samples
        ],
        "steps": [known[step.name] for step in plan.steps()],
    }
    with OutputSet([plan.layout.provenance], force=True) as files:
        files.write(plan.layout.provenance, [json.dumps(facts, indent=2) + "\n"])


def _outcome(plan: Plan, reasons: Mapping[str, str | None]) -> SheetRun:
    layout = plan.layout
    return SheetRun(
        reasons,
        {group: layout.prefix(group) for group in plan.compared},
        {group: layout.report(group) for group in plan.compared if plan.reports},
    )

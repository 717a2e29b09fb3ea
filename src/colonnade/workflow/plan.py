"""The steps of a run, as they follow from sheet and options, each behind those that it needs."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.util import find_spec
from os import fspath
from pathlib import Path
from typing import Any, Final

from colonnade.align.bwa_files import SUFFIXES
from colonnade.align.engine import align
from colonnade.align.index import build_index, find_prefix
from colonnade.align.repacked import SUFFIX as REPACKED
from colonnade.compare.engine import compare_to_files
from colonnade.compare.question import Question
from colonnade.compare.samples import REF, choose_comparisons, make_samples
from colonnade.compare.stored import read_result
from colonnade.errors import UsageError
from colonnade.formats.unfinished import SUFFIX as UNFINISHED
from colonnade.records.filters import ReadFilter
from colonnade.report.engine import write_report
from colonnade.version import __version__
from colonnade.workflow.counts import ReadCounts
from colonnade.workflow.genome import check_index, readable_reference
from colonnade.workflow.layout import Layout
from colonnade.workflow.multiqc import FILES, GENERAL, write_summary
from colonnade.workflow.options import Means, RunOptions, Scheme
from colonnade.workflow.sheet import Sheet, SheetSample
from colonnade.workflow.steps import Input, Step

_VERSION: Final = {"version": __version__}
_DRAWING: Final = ("altair", "vl_convert")


@dataclass(frozen=True)
class Plan:
    """What a run consists of.

    Parameters
    ----------
    sheet, options, layout
        The samples, what is asked, and where files are.

    Raises
    ------
    UsageError
        A group lacks the sample that all are to be compared with.
    """

    sheet: Sheet
    options: RunOptions
    layout: Layout

    def __post_init__(self) -> None:
        against = self.options.against
        lacking = [group for group, names in self._names_of_groups() if against not in {None, REF, *names}]
        if lacking:
            raise UsageError(
                f"no sample {against} in a group",
                path=self.sheet.path,
                found=", ".join(lacking),
                expected=f"it in all groups, or {REF} to compare with the reference",
            )

    @property
    def reference(self) -> str:
        """The FASTA file, as it was named."""
        return fspath(self.options.reference)

    @property
    def compared(self) -> list[str]:
        """Names of the groups in which there is something to compare."""
        return [group for group, names in self._names_of_groups() if len(names) > 1 or self.options.against == REF]

    @property
    def lonely(self) -> dict[str, str]:
        """The one sample of each group that has but one, and nothing to compare it with."""
        compared = set(self.compared)
        return {group: names[0] for group, names in self._names_of_groups() if group not in compared}

    @property
    def reports(self) -> bool:
        """Whether there are reports: whether what draws them is installed."""
        return all(map(find_spec, _DRAWING))

    def steps(self) -> Iterator[Step]:
        """All of them."""
        aligned = [sample for sample in self.sheet.samples if sample.reads]
        if aligned:
            yield self._index()
        yield from map(self._align, aligned)
        yield from map(self._count, self.sheet.samples)
        for group in self.compared:
            yield self._compare(group)
            if self.reports:
                yield self._report(group)
        yield self._summary()

    def _names_of_groups(self) -> list[tuple[str, list[str]]]:
        return [(group, [sample.name for sample in samples]) for group, samples in self.sheet.groups.items()]

    def _index(self) -> Step:
        """Check the index beside the reference if there is one, else make one in the folder: nothing is written elsewhere."""
        given = Input("reference", self.reference)
        prefix = find_prefix(self.reference)
        if prefix is not None:
            files = tuple(Input("index", prefix + suffix) for suffix in SUFFIXES)
            check = partial(_check_index, prefix, self.reference)
            return Step("check", "index", _VERSION, (given, *files), (), check)
        prefix = self.layout.index(self.reference)
        outputs = tuple(Path(prefix + suffix) for suffix in SUFFIXES)
        make = partial(_make_index, prefix, self.reference)
        return Step("make", "index", _VERSION, (given,), outputs, make, others=(Path(prefix + REPACKED),))

    def _align(self, sample: SheetSample) -> Step:
        output = self.layout.alignments(sample.name)
        inputs = [Input("reads", path) for reads in sample.reads for path in reads.paths]
        read_groups = [reads.read_group for reads in sample.reads]
        return Step(
            "align",
            sample.name,
            {**_VERSION, "read_groups": read_groups, **asdict(self.options.align)},
            (*inputs, Input("reference", self.reference)),
            (output,),
            partial(self._carry_out_align, sample),
            others=(Path(f"{output}.bai"), Path(f"{output}.csi")),
            unfinished=Path(f"{output}{UNFINISHED}"),
        )

    def _carry_out_align(self, sample: SheetSample, means: Means) -> None:
        means.progress("aligning", 0, None)
        is_beside = find_prefix(self.reference) is not None
        first, *others = sample.reads
        one = (first.path, first.mates, first.read_group)
        reads, mates, read_group = (sample.reads, None, None) if others else one  # the bytes tell how it was called
        align(
            reads,
            mates,
            read_group=read_group,
            index=self.reference if is_beside else self.layout.index(self.reference),
            out=self.layout.alignments(sample.name),
            options=self.options.align,
            sort=True,
            force=True,
            threads=means.threads,
            executor=means.executor,
            resume=True,
            progress=means.progress,
        )

    def _count(self, sample: SheetSample) -> Step:
        files, output = self.layout.files(sample), self.layout.counts(sample.name)
        inputs = tuple(Input("alignments", path) for path in files)
        return Step("count", sample.name, _VERSION, inputs, (output,), partial(_count, files, output))

    def _compare(self, group: str) -> Step:
        samples = self.sheet.groups[group]
        inputs = [
            Input(f"alignments of {sample.name}", path) for sample in samples for path in self.layout.files(sample)
        ]
        named = {"mask": self.options.compare.read_filter.mask, "bed": self.options.bed}
        inputs += [Input(what, fspath(path)) for what, path in named.items() if path and not isinstance(path, tuple)]
        vcf = self.layout.vcf(group)
        return Step(
            "compare",
            group,
            {**_VERSION, **self._asked(group)},
            (*inputs, Input("reference", self.reference)),
            (*self.layout.tables(group), self.layout.facts(group), vcf),
            partial(self._carry_out_compare, group),
            others=(Path(f"{vcf}.tbi"), Path(f"{vcf}.csi")),
            unfinished=Path(f"{self.layout.prefix(group)}{UNFINISHED}"),
            reread=partial(read_result, self.layout.prefix(group)),
        )

    def _asked(self, group: str) -> dict[str, Any]:
        """All that decides a comparison besides the contents of files."""
        question = self._question(group, self.reference)
        comparisons = choose_comparisons(
            make_samples(question.samples), scheme=question.scheme, against=question.against
        )
        options = asdict(question.options)
        del options["read_filter"]
        read_filter = question.options.read_filter
        return {
            "samples": list(question.samples),
            "comparisons": [f"{comparison.sample_1} - {comparison.sample_2}" for comparison in comparisons],
            "regions": [str(region) for region in question.regions],
            **options,
            **_as_dict(read_filter),
        }

    def _question(self, group: str, reference: str) -> Question:
        samples = self.sheet.groups[group]
        default: Scheme = "all-pairs" if samples[0].time is None else "consecutive"
        return Question(
            {sample.name: self.layout.files(sample) for sample in samples},
            reference,
            self.options.scheme or default,
            self.options.against,
            regions=self.options.regions,
            bed=self.options.bed,
            options=self.options.compare,
        )

    def _carry_out_compare(self, group: str, means: Means) -> None:
        progress = partial(means.progress, "comparing")
        progress(0, None)
        compare_to_files(
            self._question(group, readable_reference(self.reference, self.layout.folder)),
            self.layout.prefix(group),
            vcf=self.layout.vcf(group),
            force=True,
            resume=True,
            threads=means.threads,
            executor=means.executor,
            memory=means.memory,
            progress=progress,
        )

    def _report(self, group: str) -> Step:
        inputs = [Input("result", str(path)) for path in (*self.layout.tables(group), self.layout.facts(group))]
        if self.options.gff is not None:
            inputs += [Input("genes", fspath(self.options.gff)), Input("reference", self.reference)]
        output = self.layout.report(group)
        return Step("report", group, _VERSION, tuple(inputs), (output,), partial(self._carry_out_report, group))

    def _carry_out_report(self, group: str, means: Means) -> None:
        gff = self.options.gff
        reference = None if gff is None else readable_reference(self.reference, self.layout.folder)
        write_report(
            self.layout.prefix(group),
            self.layout.report(group),
            gff=gff,
            reference=reference,
            force=True,
            progress=means.progress,
        )

    def _summary(self) -> Step:
        counts = {sample.name: self.layout.counts(sample.name) for sample in self.sheet.samples}
        results = {group: self.layout.prefix(group) for group in self.compared}
        inputs = [Input(f"counts of {name}", str(path)) for name, path in counts.items()]
        inputs += [
            Input(f"result of {group}", str(path))
            for group in results
            for path in (*self.layout.tables_of_summary(group), self.layout.facts(group))
        ]
        folder = self.layout.multiqc
        return Step(
            "summarize",
            "",
            _VERSION,
            tuple(inputs),
            (folder / GENERAL,),
            partial(_summarize, folder, counts, results),
            others=tuple(folder / name for name in FILES if name != GENERAL),
        )


def _check_index(prefix: str, reference: str, means: Means) -> None:
    means.progress("comparing bases", 0, None)
    check_index(prefix, reference)


def _make_index(prefix: str, reference: str, means: Means) -> None:
    progress = partial(means.progress, "sorting suffixes")
    progress(0, None)
    build_index(reference, prefix=prefix, force=True, progress=progress)


def _count(files: Sequence[str], output: Path, means: Means) -> None:
    means.progress("counting reads", 0, None)
    ReadCounts.of(files, threads=means.threads).write(output)


def _summarize(folder: Path, counts: dict[str, Path], results: dict[str, Path], means: Means) -> None:
    means.progress("reading tables", 0, None)
    write_summary(folder, counts, results)


def _as_dict(read_filter: ReadFilter) -> dict[str, Any]:
    """The filter; a mask in a file is told by what is in that."""
    known = read_filter if isinstance(read_filter.mask, tuple) else replace(read_filter, mask=())
    return known.as_dict()

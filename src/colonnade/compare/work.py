"""The ranges of a question, and their results: from an executor, or kept by an earlier run."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import Any, Final

from colonnade.compare.cover import Cover, cut
from colonnade.compare.inputs import Inputs, InputsRecipe
from colonnade.compare.kept import JOB, kept_results
from colonnade.compare.packing import Packed, ResultReader
from colonnade.compare.question import Part, Question
from colonnade.compare.ranges import CompareRange, ComparerRecipe, RangeComparer, RangeResult, Task
from colonnade.compare.samples import make_samples
from colonnade.compare.subject import Subject
from colonnade.formats.fingerprint import Fingerprint
from colonnade.formats.frames import Frames
from colonnade.jit import announce_compilation
from colonnade.plan.ranges import MOST_POSITIONS, plan_ranges
from colonnade.records.source import BYTES_PER_BAM_BYTE
from colonnade.run.executor import Executor
from colonnade.run.resource import Resource

_BYTES_PER_POSITION: Final = 96  # counts and their intermediates, per position and sample
_BYTES_PER_STATE: Final = 4  # per position and comparison
_BYTES_PER_SAMPLE_SHOWN: Final = 3000  # the same where every position has its rows of comp and evidence
_BYTES_PER_COMPARISON_SHOWN: Final = 1200  # and of dist


class Work:
    """All ranges of a question, or of a part of it.

    Parameters
    ----------
    question, inputs
        What to compare, its mask read, and the files, open.
    tables
        Which tables are wanted.
    executor
        What carries it out.
    memory
        Bytes that the ranges in work in one process may take, about.
    part
        Which part; None for all.

    Attributes
    ----------
    subject
        What it is about.
    regions
        What it covers, sorted.
    """

    def __init__(
        self,
        question: Question,
        inputs: Inputs,
        tables: Sequence[str],
        *,
        executor: Executor,
        memory: int,
        part: Part | None = None,
    ) -> None:
        regions = inputs.regions(question.regions, question.bed)
        self.subject = Subject.of(question, inputs, regions)
        self._inputs = inputs
        self._tables = tuple(tables)
        self._executor = executor
        self._memory = memory
        self._part = part
        self._parts = [regions] if part is None else cut(regions, list(inputs.files.values()), part.of)
        number = 1 if part is None else part.number
        self.regions = self._parts[number - 1]
        self._before = next((run[-1] for run in reversed(self._parts[: number - 1]) if run), None)

    @classmethod
    @contextmanager
    def start(
        cls,
        question: Question,
        tables: Sequence[str],
        *,
        executor: Executor,
        memory: int,
        part: Part | None = None,
    ) -> Iterator["Work"]:
        """Open everything, and check it."""
        with Inputs(make_samples(question.samples), question.reference) as inputs:
            options = replace(
                question.options,
                quantiles=tuple(question.options.quantiles),
                read_filter=question.options.read_filter.on(inputs.reference.lengths),
            )
            question = replace(question, options=options)
            yield cls(question, inputs, tables, executor=executor, memory=memory, part=part)

    def head(self) -> dict[str, Any]:
        """What a file of its results begins with: everything that decides them."""
        inputs, bed = self._fingerprints, self.subject.facts["bed"]
        if bed is not None:
            inputs = (*inputs, Fingerprint.of(bed))
        return {
            "job": JOB,
            **self.subject.as_dict(),
            "inputs": {found.path: str(found) for found in inputs},
            "tables": list(self._tables),
            "part": None if self._part is None else self._part_as_dict(self._part),
        }

    def results(self, kept: Frames | None = None) -> Generator[RangeResult, None, None]:
        """The results of all ranges, in order.

        If they are to be kept, those that are kept already come first, and the others are added as they come. What is left is
        cut anew, whatever the memory and the executor were before.
        """
        cover, reader = Cover(self.regions, before=self._before), ResultReader(self.subject)
        if kept is not None:
            yield from kept_results(kept, reader, cover)
        tasks = self._tasks(cover)
        function = CompareRange(self._comparer(len(tasks)))
        if kept is None and not self._executor.is_remote:
            yield from self._executor.map(function, tasks, label=_name)
            return
        for data in self._executor.map(Packed(function), tasks, label=_name):
            if kept is not None:
                kept.append(data)
            yield reader.read(data)

    def _tasks(self, cover: Cover) -> list[Task]:
        """What is left, in ranges that fit into the memory."""
        per_sample, per_comparison = _BYTES_PER_POSITION, _BYTES_PER_STATE
        if self.subject.options.loci == "tested":
            per_sample, per_comparison = _BYTES_PER_SAMPLE_SHOWN, _BYTES_PER_COMPARISON_SHOWN
        width = per_sample * len(self.subject.samples) + per_comparison * len(self.subject.comparisons)
        files = list(self._inputs.files.values())
        ranges = plan_ranges(
            cover.left,
            files,
            size=max(1, self._size // len(files)),
            positions=min(MOST_POSITIONS, self._share // width),
            workers=max(1, self._executor.slots),
        )
        return [Task(planned.region, cover.take(planned.region)) for planned in ranges]

    def _comparer(self, n_tasks: int) -> Resource[RangeComparer]:
        is_remote = self._executor.is_remote
        recipe = ComparerRecipe(
            InputsRecipe.of(self._inputs, self._fingerprints if is_remote else ()),
            self.subject.comparisons,
            self.subject.options,
            size=self._size,
            tables=self._tables,
            threads=max(1, self._executor.threads // max(1, n_tasks)),
        )
        if is_remote:
            return Resource(recipe)
        announce_compilation("posterior_kernels")
        return Resource(recipe, RangeComparer(self._inputs, recipe))

    @property
    def _share(self) -> int:
        """Bytes for one range: as many are at work in a process as it has threads, and one may wait for those before it."""
        return self._memory // (self._executor.threads + 1)

    @property
    def _size(self) -> int:
        return self._share // BYTES_PER_BAM_BYTE

    @cached_property
    def _fingerprints(self) -> tuple[Fingerprint, ...]:
        return self._inputs.fingerprints()

    def _part_as_dict(self, part: Part) -> dict[str, Any]:
        firsts = [[regions[0].contig, regions[0].start] if regions else None for regions in self._parts]
        regions = [[region.contig, region.start, region.end] for region in self.regions]
        return {"number": part.number, "of": part.of, "firsts": firsts, "regions": regions}


def _name(task: Task) -> str:
    return str(task.region)

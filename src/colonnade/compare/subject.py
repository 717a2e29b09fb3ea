"""What a run is about, without any open file: what its tables and files need besides its results, and JSON can hold."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from os import PathLike
from typing import Any

from colonnade.compare.inputs import Inputs
from colonnade.compare.options import CompareOptions
from colonnade.compare.question import Question
from colonnade.compare.samples import Comparison, choose_comparisons
from colonnade.records.filters import Flag, ReadFilter
from colonnade.regions import Region
from colonnade.version import __version__


@dataclass(frozen=True)
class Subject:
    """What is compared, where, and how.

    Parameters
    ----------
    facts
        What run.json says before anything has been read; no fact depends on threads, memory, time or the output's name.
    contigs
        Contigs that are compared: name to length, in the reference's order.
    lengths
        The same, and of other contigs that regions were asked for on.
    options
        How they are compared; only here is the mask of the read filter.
    """

    facts: Mapping[str, Any]
    contigs: Mapping[str, int]
    lengths: Mapping[str, int]
    options: CompareOptions

    @classmethod
    def of(cls, question: Question, inputs: Inputs, regions: Sequence[Region]) -> "Subject":
        """Of a question whose read filter's mask has been read, about some regions of interest."""
        touched = {*inputs.contigs, *(region.contig for region in regions)}
        lengths = {contig: length for contig, length in inputs.reference.lengths.items() if contig in touched}
        return cls(_facts(question, inputs, inputs.checksums(regions)), inputs.contigs, lengths, question.options)

    @classmethod
    def read(cls, head: Mapping[str, Any]) -> "Subject":
        """What ``as_dict`` gave; KeyError, TypeError, ValueError or UsageError where it is nothing of that kind."""
        facts = head["facts"]
        options = {**facts["options"], "quantiles": tuple(facts["options"]["quantiles"])}
        return cls(
            facts,
            dict(head["contigs"]),
            dict(head["lengths"]),
            CompareOptions(**options, read_filter=_read_filter(facts["read_filter"])),
        )

    def as_dict(self) -> dict[str, Any]:
        """Numbers and texts only, for JSON."""
        return {"facts": self.facts, "contigs": self.contigs, "lengths": self.lengths}

    @cached_property
    def samples(self) -> tuple[str, ...]:
        """Names of the samples."""
        return tuple(sample["name"] for sample in self.facts["samples"])

    @cached_property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Which of them are compared."""
        return tuple(Comparison(*pair) for pair in self.facts["comparisons"])

    @property
    def files(self) -> list[str]:
        """Names of the files that are read."""
        paths = [path for sample in self.facts["samples"] for path in sample["paths"]]
        bed = self.facts["bed"]
        return [*paths, self.facts["reference"]["path"], *([] if bed is None else [bed])]


def _facts(question: Question, inputs: Inputs, checksums: Mapping[str, str]) -> dict[str, Any]:
    options = asdict(question.options)
    del options["read_filter"]
    comparisons = choose_comparisons(
        inputs.samples, scheme=question.scheme, against=question.against, pairs=question.pairs
    )
    return {
        "version": __version__,
        "options": options,
        "read_filter": question.options.read_filter.as_dict(),
        "regions": [str(region) for region in question.regions],
        "bed": _text(question.bed),
        "samples": [{"name": sample.name, "paths": list(sample.paths)} for sample in inputs.samples],
        "comparisons": [[comparison.sample_1, comparison.sample_2] for comparison in comparisons],
        "reference": {"path": str(question.reference), "md5": dict(checksums)},
    }


def _text(path: str | PathLike[str] | None) -> str | None:
    return None if path is None else str(path)


def _read_filter(facts: Mapping[str, Any]) -> ReadFilter:
    """The filter as far as it says what became of records: without its mask, which is about bases."""
    return ReadFilter(
        **{
            **facts,
            **{name: Flag(facts[name]) for name in ("require_flags", "any_flags", "exclude_flags")},
            "read_groups": None if facts["read_groups"] is None else tuple(facts["read_groups"]),
            "exclude_read_groups": tuple(facts["exclude_read_groups"]),
            "mask": (),
        }
    )

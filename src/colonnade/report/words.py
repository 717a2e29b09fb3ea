"""The facts of a run in words: what was compared, and which reads and bases count."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from colonnade.compare.stored import StoredResult
from colonnade.records.filters import Flag
from colonnade.report.markup import Markup, element, joined

_REMOVED: Final = {
    "unmapped": "unmapped",
    "require_flags": "without a required flag",
    "any_flags": "with none of the flags of which one is required",
    "exclude_flags": "with an excluded flag",
    "min_mapq": "of low mapping quality",
    "drop_orphans": "not in a proper pair",
    "read_groups": "of other read groups",
}
_MOST_NAMED: Final = 8  # regions, contigs


def facts_in_words(result: StoredResult) -> Markup:
    """A list of terms and what they say."""
    pairs = [(term, text) for term, text in _facts(result.facts) if text]
    return element("dl", *(element("div", element("dt", term), element("dd", text)) for term, text in pairs))


def samples_in_words(result: StoredResult, depths: Mapping[str, tuple[int, float]] | None) -> Markup:
    """A table of samples: files, records that count, what became of the others, positions covered and how deep."""
    heads = [
        "sample",
        "files",
        "records counted",
        "left out",
        *(["positions covered", "mean depth there"] if depths else []),
    ]
    rows = []
    for sample in result.facts["samples"]:
        name = sample["name"]
        records = dict(result.facts.get("records", {}).get(name, {}))
        kept = records.pop("kept", None)
        removed = ", ".join(f"{number:,} {_REMOVED[what]}" for what, number in records.items() if number)
        cells = [
            element("th", name, scope="row"),
            element("td", joined(*(element("div", path) for path in sample["paths"])), class_="path"),
            element("td", "" if kept is None else f"{kept:,}", class_="number"),
            element("td", removed or "none"),
        ]
        if depths:
            cells += [element("td", f"{number:,.0f}", class_="number") for number in depths[name]]
        rows.append(element("tr", *cells))
    head = element("thead", element("tr", *(element("th", head, scope="col") for head in heads)))
    return element("table", head, element("tbody", *rows))


def _facts(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    options, reads = facts["options"], facts["read_filter"]
    contigs = facts["reference"]["md5"]
    yield "Reference", f"{facts['reference']['path']}: {_shortened(list(contigs))}"
    yield "Where", _shortened(facts["regions"]) or ("" if facts["bed"] else "everywhere")
    yield "Regions from", facts["bed"] or ""
    yield "Reads that count", "; ".join(_reads(reads))
    yield "Bases that count", "; ".join(_bases(reads))
    yield (
        "Changed",
        f"the distance of the two compositions exceeds {options['min_distance']:g} with a probability of at least "
        f"{options['confidence']:g}; unchanged: it is below with that probability; ambiguous: neither",
    )
    yield (
        "Distance",
        "0 for equal shares of A, C, G and T, 1 for two different pure bases; with two alleles, the change in the share of one",
    )
    yield "Further conditions", "; ".join(_conditions(options))
    yield (
        "Indels",
        {"left": "moved to their leftmost equivalent place", "as-aligned": "counted where they are aligned"}[
            options["indels"]
        ],
    )
    yield (
        "Estimates",
        f"{options['draws']:,} draws of each posterior (seed {options['seed']}); prior counts of {options['prior']:g} per "
        f"base and {options['indel_prior']:g} per indel event; windows of {options['window']:,} positions",
    )
    yield "Written by", f"colonnade {facts['version']}"


def _reads(reads: Mapping[str, Any]) -> Iterator[str]:
    yield f"mapping quality of at least {reads['min_mapq']}"
    for name, text in (
        ("require_flags", "flagged {}"),
        ("any_flags", "flagged as one of {}"),
        ("exclude_flags", "not flagged {}"),
    ):
        if reads[name]:
            yield text.format(", ".join(flag.name or "" for flag in Flag(reads[name])))
    if reads["drop_orphans"]:
        yield "pairs only where they are proper"
    if reads["read_groups"] is not None:
        yield f"of read groups {_shortened(reads['read_groups'])}"
    if reads["exclude_read_groups"]:
        yield f"not of read groups {_shortened(reads['exclude_read_groups'])}"


def _bases(reads: Mapping[str, Any]) -> Iterator[str]:
    yield f"quality of at least {reads['min_baseq']}, after overlapping mates have become one"
    for name, end in (("trim5", "5'"), ("trim3", "3'")):
        if reads[name]:
            yield f"not the {reads[name]:,} at the {end} end of a read"
    if reads["mask"]:
        yield f"not in the {len(reads['mask']):,} intervals of the mask"
    if reads["assume_quality"] is not None:
        yield f"quality {reads['assume_quality']} where a read has none"


def _conditions(options: Mapping[str, Any]) -> Iterator[str]:
    if options["min_depth"] > 1:
        yield f"at least {options['min_depth']:,} bases in both samples"
    if options["min_strand_p"]:
        yield f"the change is the same on both strands, p at least {options['min_strand_p']:g}"
    if options["max_false_share"] < 1:
        yield f"the list ends where {options['max_false_share']:g} of it are expected to be false"
    if options["loci"] == "tested":
        yield "every locus compared is listed, not only those that changed"


def _shortened(names: list[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")

"""What a notebook shows of a result: each comparison, the largest changes, and how it was asked."""

from collections.abc import Iterable, Iterator, Mapping
from heapq import nlargest
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from colonnade.formats.html import Bar, note, panel, table

_MOST_COMPARISONS: Final = 20
_MOST_CHANGES: Final = 8
_MATCH: Final = "@"  # among events
_STATES: Final = ("loci", "changed", "ambiguous", "unchanged", "no_data", "indel_changed")


def result_html(
    title: str, facts: Mapping[str, Any], stats: pa.Table | None, changes: Mapping[str, Iterable[pa.RecordBatch]]
) -> str:
    """A result as HTML.

    Parameters
    ----------
    title
        What it is.
    facts
        As in ``run.json``.
    stats
        The table of that name; None where there is none.
    changes
        Rows of dist and idist, those that are there.
    """
    return panel(title, _comparisons(stats), _largest(changes), note(_facts_line(facts)))


def _comparisons(stats: pa.Table | None) -> str:
    if stats is None:
        return ""
    rows = [
        (f"{row['sample_1']} – {row['sample_2']}", *(row[name] for name in _STATES))
        for row in stats.slice(0, _MOST_COMPARISONS).to_pylist()
    ]
    more = len(stats) - len(rows)
    names = ("comparison", *(name.replace("_", " ") for name in _STATES))
    return table(names, rows) + (note(f"and {more:,} comparisons more") if more else "")


def _largest(changes: Mapping[str, Iterable[pa.RecordBatch]]) -> str:
    kept = nlargest(
        _MOST_CHANGES,
        (row for batches in changes.values() for batch in batches for row in _changed(batch)),
        key=itemgetter("distance_mean"),
    )
    rows = [
        (
            f"{row['contig']}:{row['position']:,}",
            row["reference"],
            f"{row['sample_1']} – {row['sample_2']}",
            _what(row),
            Bar(row["distance_mean"]),
            row["p_changed"],
        )
        for row in kept
    ]
    header = ("locus", "reference", "comparison", "what", "distance", "p changed")
    return table(header, rows, caption="largest changes")


def _what(row: Mapping[str, Any]) -> str:
    """Which indels, where it is about these."""
    return ", ".join(event for event in row["events"].split(",") if event != _MATCH) if "events" in row else "bases"


def _changed(batch: pa.RecordBatch) -> Iterator[dict[str, Any]]:
    """The rows of a batch that may be among the largest changes."""
    rows = batch.filter(pc.equal(batch["state"], "changed"))
    if len(rows):
        largest = pc.select_k_unstable(
            rows, k=min(_MOST_CHANGES, len(rows)), sort_keys=[("distance_mean", "descending")]
        )
        in_order = largest.take(pc.sort_indices(largest))  # which is that of the genome among equals
        yield from rows.take(in_order).to_pylist()


def _facts_line(facts: Mapping[str, Any]) -> str:
    options = facts["options"]
    samples = ", ".join(sample["name"] for sample in facts["samples"])
    return (
        f"samples {samples}; reference {Path(facts['reference']['path']).name}; "
        f"min_distance {options['min_distance']:g}, confidence {options['confidence']:g}; colonnade {facts['version']}"
    )

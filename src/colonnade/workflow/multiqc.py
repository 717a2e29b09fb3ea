"""Files that MultiQC shows without being told: custom content, as its documentation calls it, one JSON file for each part."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from colonnade.compare.samples import Comparison
from colonnade.formats.output import OutputSet
from colonnade.workflow.counts import ReadCounts
from colonnade.workflow.summary import ResultSummary

GENERAL: Final = "colonnade_samples_mqc.json"
COMPARISONS: Final = "colonnade_comparisons_mqc.json"
STATES: Final = "colonnade_states_mqc.json"
DISTANCES: Final = "colonnade_distances_mqc.json"
DEPTH: Final = "colonnade_depth_mqc.json"
FILES: Final = (GENERAL, COMPARISONS, STATES, DISTANCES, DEPTH)

_DIGITS: Final = 6  # behind the point
_DIGITS_OF_DEPTH: Final = 3
_WHOLE: Final = "{:,.0f}"
_PERCENT: Final = {"suffix": "%", "min": 0, "max": 100, "format": "{:,.1f}"}

_PARENT: Final = {
    "parent_id": "colonnade",
    "parent_name": "colonnade",
    "parent_description": "compares populations of genomes, column by column.",
}

_OF_SAMPLES: Final[dict[str, dict[str, Any]]] = {
    "reads": {"title": "Reads", "description": "Reads, aligned or not", "format": _WHOLE, "min": 0, "scale": "Blues"},
    "mapped": {"title": "Mapped", "description": "Reads that have a place", "scale": "RdYlGn", **_PERCENT},
    "properly_paired": {
        "title": "Proper pairs",
        "description": "Reads with a mate that lie with it as the mates of one template do",
        "scale": "RdYlGn",
        **_PERCENT,
    },
    "duplicates": {"title": "Duplicates", "description": "Reads marked as duplicates", "scale": "OrRd", **_PERCENT},
    "depth": {
        "title": "Depth",
        "description": "Bases of good quality at a position that has any, on average",
        "min": 0,
        "format": "{:,.1f}",
        "scale": "Blues",
    },
    "breadth": {
        "title": "Breadth",
        "description": "Positions with a base of good quality, of those that were looked at",
        "scale": "RdYlGn",
        **_PERCENT,
    },
}

_OF_COMPARISONS: Final[dict[str, dict[str, Any]]] = {
    "group": {"title": "Group", "description": "Samples of one group are compared with each other"},
    "loci": {"title": "Loci", "description": "Positions looked at", "format": _WHOLE, "scale": "Greys"},
    "changed": {
        "title": "Changed",
        "description": "Positions with a confirmed change",
        "format": _WHOLE,
        "scale": "OrRd",
    },
    "ambiguous": {
        "title": "Ambiguous",
        "description": "Positions that are neither surely changed nor surely unchanged",
        "format": _WHOLE,
        "scale": "Purples",
    },
    "indel_changed": {
        "title": "Indels",
        "description": "Positions followed by a changed indel composition",
        "format": _WHOLE,
        "scale": "OrRd",
    },
    "distance": {
        "title": "Distance",
        "description": "Mean distance of the compositions observed, 0-1",
        "format": "{:,.5f}",
        "scale": "Blues",
    },
}

_STATES: Final[dict[str, dict[str, str]]] = {  # column of the table stats
    "changed": {"name": "Changed", "color": "#c0392b"},
    "ambiguous": {"name": "Ambiguous", "color": "#e0a030"},
    "unchanged": {"name": "Unchanged", "color": "#2e7d9a"},
    "below_min_depth": {"name": "Below the smallest depth", "color": "#b8b8b8"},
    "no_data": {"name": "No data", "color": "#dddddd"},
    "no_reference": {"name": "No reference base", "color": "#eeeeee"},
}


def write_summary(folder: Path, counts: Mapping[str, Path], results: Mapping[str, Path]) -> None:
    """Write the files: ``GENERAL``, and where anything was compared all of ``FILES``.

    Parameters
    ----------
    folder
        Where they are put, in place of others of these names.
    counts
        Files of ``ReadCounts`` by sample.
    results
        Prefixes of comparisons by group.
    """
    summaries = {group: ResultSummary.read(prefix) for group, prefix in results.items()}
    contents = {GENERAL: _general(counts, summaries)}
    if summaries:
        contents |= {
            COMPARISONS: _comparisons(summaries),
            STATES: _states(summaries),
            DISTANCES: _distances(summaries),
            DEPTH: _depth(summaries),
        }
    with OutputSet([folder / name for name in contents], force=True) as files:
        for name, content in contents.items():
            files.write(folder / name, [json.dumps(content, indent=1) + "\n"])


def _general(counts: Mapping[str, Path], summaries: Mapping[str, ResultSummary]) -> dict[str, Any]:
    covered = {name: summary.covered(name) for summary in summaries.values() for name in summary.samples}
    data = {}
    for name, path in counts.items():
        reads = ReadCounts.read(path)
        data[name] = {
            "reads": reads.reads,
            "mapped": _percent(reads.mapped, reads.reads),
            "properly_paired": _percent(reads.properly_paired, reads.paired),
            "duplicates": _percent(reads.duplicates, reads.reads),
        }
        if found := covered.get(name):
            depth, breadth = found
            data[name] |= {"depth": _rounded(depth), "breadth": _rounded(100 * breadth)}
    known = {name: {key: value for key, value in row.items() if value is not None} for name, row in data.items()}
    return {
        "id": "colonnade_samples",
        "plot_type": "generalstats",
        "namespace": "colonnade",
        "headers": _OF_SAMPLES,
        "data": known,
    }


def _comparisons(summaries: Mapping[str, ResultSummary]) -> dict[str, Any]:
    data = {}
    for group, name, row in _rows(summaries):
        data[name] = {key: row[key] for key in _OF_COMPARISONS if key in row} | {"group": group}
        distance = summaries[group].distances[Comparison(row["sample_1"], row["sample_2"])]
        if distance is not None:
            data[name]["distance"] = _rounded(distance)
    headers = {key: header for key, header in _OF_COMPARISONS.items() if key != "group" or len(summaries) > 1}
    described = "How many loci differ between two samples."
    config = {"id": "colonnade_comparisons_table", "title": "colonnade: comparisons", "col1_header": "Comparison"}
    return _section("colonnade_comparisons", "Comparisons", described, "table", config, data, headers=headers)


def _states(summaries: Mapping[str, ResultSummary]) -> dict[str, Any]:
    data = {name: {key: row[key] for key in _STATES} for _, name, row in _rows(summaries)}
    described = "What is known of each locus: a change is confirmed, or ruled out, or neither."
    config = {"id": "colonnade_states_plot", "title": "colonnade: states of loci", "ylab": "Loci"}
    return _section("colonnade_states", "States of loci", described, "bargraph", config, data, categories=_STATES)


def _distances(summaries: Mapping[str, ResultSummary]) -> dict[str, Any]:
    found: dict[tuple[str, str], float] = {}
    for summary in summaries.values():
        for pair, distance in summary.distances.items():
            if distance is not None:
                found[pair.sample_1, pair.sample_2] = found[pair.sample_2, pair.sample_1] = distance
    names = list(dict.fromkeys(name for pair in found for name in pair))
    data = [[0.0 if row == column else _rounded(found.get((row, column))) for column in names] for row in names]
    described = "Mean distance of the compositions observed, over all positions compared. Empty: not compared."
    config = {
        "id": "colonnade_distances_plot",
        "title": "colonnade: distances",
        "min": 0,
        "square": True,
        "display_values": True,
        "tt_decimals": 4,
        "xcats_samples": True,
        "ycats_samples": True,
        "cluster_rows": False,
        "cluster_cols": False,
    }
    return _section("colonnade_distances", "Distances", described, "heatmap", config, data, xcats=names, ycats=names)


def _depth(summaries: Mapping[str, ResultSummary]) -> dict[str, Any]:
    data = {
        name: [[position, round(depth, _DIGITS_OF_DEPTH)] for position, depth in summary.along(name)]
        for summary in summaries.values()
        for name in summary.samples
    }
    described = "Depth, on average over stretches of the reference; contigs are laid end to end."
    config = {
        "id": "colonnade_depth_plot",
        "title": "colonnade: depth along the reference",
        "xlab": "Position",
        "ylab": "Depth",
        "ymin": 0,
    }
    return _section("colonnade_depth", "Depth", described, "linegraph", config, data)


def _rows(summaries: Mapping[str, ResultSummary]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Group, name and row of stats of each comparison."""
    for group, summary in summaries.items():
        for row in summary.stats:
            yield group, f"{row['sample_1']} - {row['sample_2']}", row


def _section(
    name: str, title: str, description: str, plot_type: str, config: Mapping[str, Any], data: Any, **besides: Any
) -> dict[str, Any]:
    told = {"id": name, **_PARENT, "section_name": title, "description": description}
    return {**told, "plot_type": plot_type, "pconfig": config, **besides, "data": data}


def _percent(part: int, whole: int) -> float | None:
    return _rounded(100 * part / whole) if whole else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)

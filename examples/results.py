"""Write the tables of docs/results.md again: python examples/results.py DATA.

DATA holds one folder for each of the data sets that the page names, with the files that are named below.
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from hotspot import hotspot

import colonnade as cn

PAGE = Path(__file__).parents[1] / "docs" / "results.md"
BEGIN, END = "<!-- examples/results.py: {} -->\n", "<!-- end -->"

Samples = Mapping[str, str | Path]
Alleles = dict[tuple[int, str], Counter[tuple[str, str]]]


def hiv(data: Path) -> dict[str, str]:
    """Three samples of two patients; a sample against itself; four values of --min-distance."""
    folder, contig = data / "hiv_caprisa", "CAP188_wk4_consensus"
    reference = folder / f"{contig}.fasta"
    weeks: Samples = {"wk4": folder / "CAP188_wk4.cons.bwamem.bam", "wk30": folder / "CAP188_wk30.cons.bwamem.bam"}
    options = cn.CompareOptions(min_distance=0.05)
    patients = {**weeks, "CAP217": folder / "CAP217_wk4390.cons.bwamem.bam"}
    pairs = cn.compare(patients, reference=reference, options=options)
    itself = cn.compare({"wk4": weeks["wk4"], "wk4_again": weeks["wk4"]}, reference=reference, options=options)
    return {
        "hiv-stats": stats(pairs, itself),
        "hiv-distances": distances(weeks, reference, contig, (0.02, 0.05, 0.1, 0.2)),
        "hiv-loci": loci(cn.compare(weeks, reference=reference, options=options), weeks),
    }


def sars(data: Path) -> dict[str, str]:
    """Two synthetic controls whose sequences are known."""
    folder = data / "sarscov2_twist"
    samples = {
        "MN908947.3": folder / "pos_MN908947_3_1.bwamem.bam",
        "MT007544.1": folder / "pos_MT007544_1_1.bwamem.bam",
    }
    result = cn.compare(samples, reference=folder / "NC_045512.2.fasta")
    return {"sars-stats": stats(result), "sars-loci": loci(result, samples), "sars-indels": indels(result, samples)}


def colo829(data: Path) -> dict[str, str]:
    """A slice of two libraries of COLO829 at 15-fold depth."""
    folder, region = data / "tumour_normal_colo829_chr20", "chr20:59,844,001-59,858,000"
    reference = folder / "ref_Npadded.fa.gz"
    samples = {name: folder / f"Colo829.{name}.chr20.MissedStrongLoh.bam" for name in ("18", "19")}
    options = cn.CompareOptions(min_distance=0.05, min_depth=5)
    result = cn.compare(samples, reference=reference, regions=[region], options=options)
    return {
        "colo829-distances": distances(samples, reference, region, (0.05, 0.1, 0.2)),
        "colo829-loci": loci(result, samples),
        "colo829-windows": windows(cn.compare(samples, reference=reference, regions=[region])),
    }


def braf(data: Path) -> dict[str, str]:
    """One amplicon of BRAF, thousands of reads deep, and the place of V600E."""
    folder, region = data / "amplicon_braf_tumour_normal", "chr7:140,453,001-140,454,000"
    reference = folder / "ref_Npadded.fa.gz"
    samples = {name: folder / f"ArgumentNA_{name}.bam" for name in ("Normal", "Tumor")}
    low = cn.CompareOptions(min_distance=0.001)
    return {
        "braf-distances": distances(samples, reference, region, (0.001, 0.005, 0.02, 0.05, 0.2)),
        "braf-loci": loci(cn.compare(samples, reference=reference, regions=[region], options=low), samples),
        "braf-v600e": table(*hotspot(reference, "chr7", 140_453_136, "T", samples)),
    }


def stats(*results: cn.CompareResult) -> str:
    """How many loci are in which state, per comparison."""
    counted = ("loci", "changed", "ambiguous", "unchanged", "no_data", "indel_changed")
    rows = [
        [f"{row['sample_1']} - {row['sample_2']}", *(f"{row[name]:,}" for name in counted)]
        for result in results
        for row in result.stats.to_pylist()
    ]
    return table(["comparison", *(name.replace("_", " ") for name in counted)], *rows)


def distances(samples: Samples, reference: Path, region: str, thresholds: Iterable[float]) -> str:
    """What each value of --min-distance lists, beside a plain difference of the observed shares."""
    largest = largest_differences(samples, region)
    rows = []
    for distance in thresholds:
        options = cn.CompareOptions(min_distance=distance)
        result = cn.compare(samples, reference=reference, regions=[region], options=options)
        (states,) = result.stats.to_pylist()
        one_sided = sum(p is not None and p < 0.001 for p in result.dist["strand_p"].to_pylist())
        counts = (
            states["changed"],
            one_sided,
            states["ambiguous"],
            states["unchanged"],
            int((largest > distance).sum()),
        )
        rows.append([f"{distance}", *(f"{count:,}" for count in counts)])
    header = [
        "min-distance",
        "changed",
        "of these strand_p < 0.001",
        "ambiguous",
        "unchanged",
        "plain difference lists",
    ]
    return table(header, *rows)


def largest_differences(samples: Samples, region: str) -> npt.NDArray[np.float64]:
    """The largest difference of the observed share of a base, at each locus where both samples have one."""
    one, two = (cn.tally(path, region).bases for path in samples.values())
    both = (one.sum(1) > 0) & (two.sum(1) > 0)
    shares = [bases[both] / bases[both].sum(1, keepdims=True) for bases in (one, two)]
    differences: npt.NDArray[np.float64] = np.abs(shares[0] - shares[1]).max(1)
    return differences


def loci(result: cn.CompareResult, samples: Samples) -> str:
    """The loci of dist, with the bases of each sample by strand."""
    seen = alleles(result)
    rows = [
        [
            f"{row['position']:,}",
            interval(row),
            *(described(seen[row["position"], name]) for name in samples),
            *(rounded(row[name]) for name in ("p_changed", "strand_p", "false_share")),
        ]
        for row in result.dist.to_pylist()
    ]
    return table(["position", "distance (99 % interval)", *samples, "p_changed", "strand_p", "false_share"], *rows)


def indels(result: cn.CompareResult, samples: Samples) -> str:
    """The rows of idist."""
    rows = [
        [f"{row['position']:,}", interval(row), f"`{row['events']}`", row["counts_1"], row["counts_2"]]
        for row in result.idist.to_pylist()
    ]
    return table(["after position", "distance (99 % interval)", "events", *samples], *rows)


def windows(result: cn.CompareResult) -> str:
    """Depth and mean distance along the genome, where there are reads."""
    depths: dict[int, list[str]] = defaultdict(list)
    for row in result.depth.to_pylist():
        depths[row["start"]].append(f"{row['depth_mean']:.1f}")
    rows = [
        [f"{row['start']:,}", *depths[row["start"]], f"{row['distance_mean']:.4f}"]
        for row in result.windows.to_pylist()
        if row["loci_tested"]
    ]
    names = dict.fromkeys(result.depth["sample"].to_pylist())
    return table(["window from", *(f"depth of {name}" for name in names), "mean distance"], *rows)


def alleles(result: cn.CompareResult) -> Alleles:
    """Reads by base and strand, by position and sample."""
    seen: Alleles = defaultdict(Counter)
    for row in result.evidence.to_pylist():
        seen[row["position"], row["sample"]][row["base"], row["strand"]] += row["count"]
    return seen


def described(counts: Counter[tuple[str, str]]) -> str:
    """Bases above 1 %, the most frequent one first, with their forward and reverse reads."""
    totals = Counter[str]()
    for (base, _), count in counts.items():
        totals[base] += count
    return ", ".join(
        f"{base} {total / totals.total():.0%} (+{counts[base, '+']} −{counts[base, '-']})"
        for base, total in totals.most_common()
        if total > 0.01 * totals.total()
    )


def interval(row: Mapping[str, Any]) -> str:
    """Mean and 99 % interval of the distance."""
    digits = 2 if row["distance_mean"] > 0.02 else 4
    values = (row[f"distance_{name}"] for name in ("mean", "q0.005", "q0.995"))
    return "{} ({}-{})".format(*(f"{value:.{digits}f}" for value in values))


def rounded(value: float | None) -> str:
    """Three digits; nothing for null."""
    return "" if value is None else f"{value:.3g}"


def table(header: list[str], *rows: list[str]) -> str:
    """A Markdown table."""
    return "".join(f"| {' | '.join(row)} |\n" for row in (header, ["---"] * len(header), *rows))


def tables(data: Path) -> dict[str, str]:
    """All tables of the page by name."""
    return {**hiv(data), **sars(data), **colo829(data), **braf(data)}


def replaced(page: str, made: Mapping[str, str]) -> str:
    """The page with these tables between their marks."""
    for name, text in made.items():
        before, rest = page.split(BEGIN.format(name))
        page = f"{before}{BEGIN.format(name)}\n{text}\n{END}{rest.split(END, 1)[1]}"
    return page


if __name__ == "__main__":
    PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), tables(Path(sys.argv[1]))), encoding="utf-8")

"""The tables of a comparison: name, type, meaning and null of each column."""

from collections.abc import Sequence
from typing import Final

import pyarrow as pa

from colonnade.formats.table import Column, TableSchema
from colonnade.method.false_share import BINS

TABLES: Final = ("dist", "comp", "idist", "stats", "evidence", "windows", "depth")

_CONTIG = Column("contig", "text", "contig of the reference")
_POSITION = Column("position", "integer", "position on the contig, 1-based")
_REFERENCE = Column("reference", "text", "reference base there: A, C, G, T, or N for anything else")
_SAMPLES = (
    Column("sample_1", "text", "first sample of the comparison"),
    Column("sample_2", "text", "second sample, or REF"),
)
_P_CHANGED = Column("p_changed", "number", "posterior probability that the distance exceeds min_distance, 0-1")
_NOT_A_CHANGE = "the row is not a change, or the run is not complete"
_WINDOW = (
    _CONTIG,
    Column("start", "integer", "first position of the window, 1-based"),
    Column("end", "integer", "last position of the window"),
)


def table_schemas(quantiles: Sequence[float]) -> dict[str, TableSchema]:
    """The schemas by table name; distances and shares come with these quantiles."""
    distance = (
        Column("distance_mean", "number", "posterior mean of the distance, 0-1"),
        *(Column(f"distance_q{q:g}", "number", f"{q:g} quantile of the distance, 0-1") for q in quantiles),
    )
    share = (
        Column("mean", "number", "posterior mean of the base's share, 0-1", "the sample has no base there"),
        *(
            Column(f"q{q:g}", "number", f"{q:g} quantile of the base's share, 0-1", "the sample has no base there")
            for q in quantiles
        ),
    )
    tables = (
        TableSchema(
            "dist",
            (
                _CONTIG,
                _POSITION,
                _REFERENCE,
                *_SAMPLES,
                Column("depth_1", "integer", "bases of good quality in sample_1"),
                Column("depth_2", "integer", "bases of good quality in sample_2", "sample_2 is REF"),
                Column("state", "text", "changed, ambiguous or unchanged"),
                _P_CHANGED,
                Column(
                    "strand_p",
                    "p_value",
                    "p-value of no dependence of bases on strands in either sample, so that the change is the same on both",
                    "no sample has reads on both strands",
                ),
                Column(
                    "false_share",
                    "number",
                    "expected share of false entries if the list of changes ended here, 0-1, given distances learned from all loci",
                    _NOT_A_CHANGE,
                ),
                *distance,
            ),
        ),
        TableSchema(
            "comp",
            (
                _CONTIG,
                _POSITION,
                _REFERENCE,
                Column("sample", "text", "sample"),
                Column("depth", "integer", "bases of good quality"),
                Column("depth_low_quality", "integer", "bases of low quality, and ambiguous bases"),
                Column("depth_indel", "integer", "reads with an indel right after this position"),
                Column("base", "text", "A, C, G or T"),
                Column("rank", "integer", "1 for the base with the largest mean share, to 4"),
                *share,
            ),
        ),
        TableSchema(
            "idist",
            (
                _CONTIG,
                Column("position", "integer", "position of the base before the indels, 1-based"),
                _REFERENCE,
                *_SAMPLES,
                Column("state", "text", "changed, ambiguous or unchanged"),
                _P_CHANGED,
                Column(
                    "false_share",
                    "number",
                    "expected share of false entries if the list of changes ended with this p_changed, 0-1, by the prior alone:"
                    " too low where many loci lie just below min_distance",
                    _NOT_A_CHANGE,
                ),
                Column("events", "text", "@ for none, +ACG insertion, -TT deletion; comma-separated"),
                Column("counts_1", "text", "reads of sample_1 with each event, comma-separated"),
                Column("counts_2", "text", "reads of sample_2 with each event; for REF 1000000 without any"),
                *distance,
            ),
        ),
        TableSchema(
            "stats",
            (
                *_SAMPLES,
                Column("loci", "integer", "positions looked at"),
                Column("no_data", "integer", "positions where either sample has no base of good quality"),
                Column("no_reference", "integer", "positions with an ambiguous reference base, against REF only"),
                Column("below_min_depth", "integer", "positions with too few bases in either sample"),
                Column("changed", "integer", "positions with a confirmed change"),
                Column("ambiguous", "integer", "positions that are neither surely changed nor surely unchanged"),
                Column("unchanged", "integer", "positions that are surely unchanged"),
                Column("screened_changed", "integer", "positions that the counts alone call changed"),
                Column("indel_changed", "integer", "positions followed by a changed indel composition"),
            ),
        ),
        TableSchema(
            "evidence",
            (
                _CONTIG,
                _POSITION,
                Column("sample", "text", "sample"),
                Column("base", "text", "A, C, G or T"),
                Column(
                    "quality", "integer", "Phred quality after mates are resolved, at most 200; taken as at most 45"
                ),
                Column("strand", "text", "+ or -"),
                Column("count", "integer", "bases seen so"),
            ),
        ),
        TableSchema(
            "windows",
            (
                *_WINDOW,
                *_SAMPLES,
                Column("loci_tested", "integer", "positions of the window that were compared"),
                Column(
                    "distance_mean",
                    "number",
                    "mean over these of the distance of the observed compositions (counts, no prior), 0-1",
                    "no position was compared",
                ),
                Column("changed", "integer", "positions with a confirmed change"),
            ),
        ),
        TableSchema(
            "depth",
            (
                *_WINDOW,
                Column("sample", "text", "sample"),
                Column("positions_covered", "integer", "positions with a base of good quality"),
                Column("depth_mean", "number", "mean over the positions looked at of bases of good quality"),
                Column(
                    "depth_low_quality_mean", "number", "mean over them of bases of low quality, and ambiguous bases"
                ),
            ),
        ),
    )
    return {table.name: table for table in tables}


def working_schemas(quantiles: Sequence[float]) -> dict[str, pa.Schema]:
    """Arrow schemas of the tables until the last pass: dist has ``distance_counts``, from which it finds false shares."""
    schemas = {name: schema.arrow for name, schema in table_schemas(quantiles).items()}
    schemas["dist"] = schemas["dist"].append(pa.field("distance_counts", pa.list_(pa.int32(), BINS)))
    return schemas

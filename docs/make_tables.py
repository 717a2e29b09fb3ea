"""Write docs/tables.md from the schemas: python docs/make_tables.py."""

from pathlib import Path

from colonnade.compare.options import CompareOptions
from colonnade.compare.schemas import table_schemas

TITLES = {
    "dist": "where the base composition differs",
    "comp": "the composition of every sample at the loci of dist",
    "idist": "where the indel composition differs",
    "stats": "how many loci are in which state, per comparison",
    "evidence": "the bases of good quality behind every locus of dist",
    "windows": "how far apart samples are along the genome, over everything looked at",
    "depth": "how deep each sample is along the genome",
}

INTRODUCTION = """\
# Tables

`colonnade compare -o PREFIX` writes `PREFIX.<table>.tsv`: tab-separated UTF-8, one header line, one line per row,
positions 1-based, an empty field where there is no value. `--format tsv.gz` compresses them as BGZF and adds a tabix index
to those with positions (`tabix PREFIX.dist.tsv.gz chr1:1,000-2,000`); `--format parquet` has the same names and types.
`--write` chooses tables; `--loci tested` puts every locus compared into dist, comp and evidence (and every position with an
indel into idist), not only those that changed. From Python, the result has one Arrow table of the same name, columns and
types for each. Distances and shares come with their mean and the quantiles of `--quantiles`. Numbers have four decimals in
text, p-values three digits.

`PREFIX.run.json` holds the version, all options that change the result, the samples and their files, and the MD5 of each
contig compared; Parquet files and Arrow tables have the same in their metadata, under `colonnade`. It also holds the number
of `rows` of each table, so that a file that was cut is noticed when it is read back.

Rows come in the order of the reference, then of the comparisons or samples as they were given.
"""


def text() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for schema in table_schemas(CompareOptions().quantiles).values():
        parts.append(f"\n## {schema.name}: {TITLES[schema.name]}\n")
        parts.append("| column | type | meaning | empty if |\n|---|---|---|---|")
        parts += [f"| {c.name} | {c.type} | {c.meaning} | {c.null or ''} |" for c in schema.columns]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    (Path(__file__).parent / "tables.md").write_text(text(), encoding="utf-8")

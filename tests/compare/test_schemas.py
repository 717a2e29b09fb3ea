"""The schemas, the page about them and the tables agree."""

import sys
from pathlib import Path

from colonnade.compare.schemas import table_schemas

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_about_tables_is_made_from_the_schemas() -> None:
    sys.path.insert(0, str(DOCS))
    import make_tables

    assert (DOCS / "tables.md").read_text(encoding="utf-8") == make_tables.text()


def test_quantile_columns_are_named_after_their_quantiles() -> None:
    names = table_schemas((0.1, 0.25))["dist"].arrow.names
    assert names[-3:] == ["distance_mean", "distance_q0.1", "distance_q0.25"]

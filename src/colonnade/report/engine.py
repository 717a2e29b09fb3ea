"""From the files of a comparison to one page."""

import sys
from collections.abc import Callable, Mapping
from functools import cache
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Final

from colonnade.compare.stored import StoredResult, read_result
from colonnade.errors import ColonnadeError
from colonnade.formats.output import OutputSet, refuse_existing, refuse_inputs
from colonnade.report.content import Content
from colonnade.run.progress import Report, StageReport, no_stage_report

STDOUT: Final = "-"


def write_report(
    prefix: str | PathLike[str],
    output: str | PathLike[str],
    *,
    gff: str | PathLike[str] | None = None,
    reference: str | PathLike[str] | None = None,
    force: bool = False,
    progress: StageReport = no_stage_report,
) -> None:
    """Write the result of a comparison as one HTML page, which opens in a browser without a network.

    Parameters
    ----------
    prefix
        Start of the result's file names, as given to ``compare -o``. A table that is not there leaves its section empty.
    output
        The page's name; ``-`` is standard output.
    gff
        Genes, in GFF3: changes are named by gene and amino acid.
    reference
        The FASTA that samples were compared to, for the codons of genes; default: the path in ``run.json``.
    force
        Whether the page may replace a file.
    progress
        Called with what is done (``reading tables``, ``drawing``, ``writing``), how many rows of tables are read, and how many
        there are to read; evidence is read as the page is written.

    Raises
    ------
    ColonnadeError
        A file is absent, damaged, or cannot be written; or altair and vl-convert are not installed.

    Examples
    --------
    >>> import colonnade as cn
    >>> cn.write_report("result", "report.html")  # doctest: +SKIP
    """
    all_figures, bundle = _drawing()
    result = read_result(prefix)
    target = Path(fspath(output))
    if fspath(output) != STDOUT:
        refuse_existing([target], force=force)
        refuse_inputs([target], _inputs(result, gff, reference))
    content = Content(result, gff=gff, reference=reference, progress=_by_stages(result, progress))
    progress("drawing", 0, None)
    page, libraries = content.page(all_figures(len(result.samples))), _bundled(bundle)
    progress("writing", 0, None)
    pieces = page.pieces(content.frames(), libraries)
    if fspath(output) == STDOUT:
        for piece in pieces:
            sys.stdout.buffer.write(piece.encode())
        sys.stdout.buffer.flush()
        return
    with OutputSet([target], force=force) as files:
        files.write(target, pieces)


def _inputs(result: StoredResult, *more: str | PathLike[str] | None) -> list[str | Path]:
    """What a page must not replace: what it is made from, and what the result was made from."""
    facts = result.facts
    made_from = [facts["reference"]["path"], *(path for sample in facts["samples"] for path in sample["paths"])]
    tables = [result.path(table) for table in result.tables]
    return [Path(f"{result.prefix}.run.json"), *tables, *made_from, *(fspath(path) for path in more if path)]


def _by_stages(result: StoredResult, progress: StageReport) -> Report:
    """What is told how many rows have been read, of all tables together: evidence comes last, when the page is written."""
    first = {"dist", "idist", *(["comp"] if "dist" in result.tables else [])}  # comp is of no use without dist
    before = sum(result.rows[table] for table in first.intersection(result.tables))
    progress("reading tables", 0, before)

    def report(done: int, _: int | None) -> None:
        if done <= before:
            progress("reading tables", done, before)
        else:
            progress("writing", done - before, result.rows["evidence"])

    return report


def _drawing() -> tuple[Callable[[int], Mapping[str, Any]], Callable[[str], str]]:
    """What makes specifications of pictures, and what gives the JavaScript that draws them."""
    try:
        import vl_convert

        from colonnade.report.figures import all_figures
    except ImportError as error:
        if (error.name or "").startswith("colonnade"):
            raise
        raise ColonnadeError(
            "a report needs more packages", found=str(error), advice='pip install "colonnade[report]"'
        ) from None
    return all_figures, vl_convert.javascript_bundle


@cache
def _bundled(bundle: Callable[[str], str]) -> str:
    """Vega with all that it needs, which takes a second to put together."""
    return bundle("window.vegaEmbed = vegaEmbed;")

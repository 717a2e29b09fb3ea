"""The files of a comparison: tables of one kind, their indexes, run.json, and VCF if wanted."""

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from os import PathLike, fspath
from pathlib import Path
from types import TracebackType
from typing import Final

import pyarrow as pa

from colonnade.compare.running import Run
from colonnade.compare.vcf import VcfFile, index_vcf, vcf_index_suffix, vcf_kind
from colonnade.formats.output import OutputSet, refuse_inputs
from colonnade.formats.tabix import index_text, text_suffix
from colonnade.formats.table_files import ROWS_KEY, Kind, open_table

TABLES_OF_VCF: Final = ("dist", "comp", "idist", "evidence")


class ResultFiles:
    """The files of a run, which appear when all are complete; a context manager.

    Parameters
    ----------
    run
        Whose results are written.
    prefix
        Start of the tables' names.
    tables
        Which tables.
    kind
        Their kind, which ends their names.
    vcf
        A VCF or BCF file, or None.
    force
        Whether files may be replaced.
    untouched
        Files that may not be, besides those that the run reads.
    """

    def __init__(
        self,
        run: Run,
        prefix: Path,
        tables: Sequence[str],
        *,
        kind: Kind,
        vcf: Path | None,
        force: bool,
        untouched: Sequence[str | PathLike[str]] = (),
    ) -> None:
        self._run = run
        self._kind: Kind = kind
        self._facts = Path(f"{prefix}.run.json")
        self._tables = {name: Path(f"{prefix}.{name}.{kind}") for name in tables}
        longest = max(run.subject.contigs.values(), default=0)
        self._suffix = text_suffix(longest)
        self._indexes = {
            name: Path(f"{path}{self._suffix}")
            for name, path in self._tables.items()
            if kind == "tsv.gz" and run.schemas[name].interval is not None
        }
        self._vcf = vcf
        vcf_suffix = None if vcf is None else vcf_index_suffix(vcf_kind(vcf), longest=longest)
        self._vcf_index = None if vcf_suffix is None else (Path(f"{vcf}{vcf_suffix}"), vcf_suffix)
        paths = [*self._tables.values(), *self._indexes.values(), self._facts]
        paths += [] if vcf is None else [vcf]
        paths += [] if self._vcf_index is None else [self._vcf_index[0]]
        refuse_inputs(paths, [*run.subject.files, *(fspath(path) for path in untouched)])
        self._output = OutputSet(paths, force=force)

    def __enter__(self) -> "ResultFiles":
        with ExitStack() as stack:
            stack.enter_context(self._output)
            self._vcf_file = self._open_vcf()  # now, as it may refuse a contig's name
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def write(self) -> pa.Table:
        """Write the results of the run, which has taken everything in; returns stats."""
        files = {
            name: open_table(self._output.sink(path), self._run.schemas[name], self._kind)
            for name, path in self._tables.items()
        }
        stats, rows = None, Counter(dict.fromkeys(files, 0))
        for stretch in self._run.stretches():
            for name in files.keys() & stretch.keys():
                files[name].write(stretch[name])
                rows[name] += len(stretch[name])
            if self._vcf_file is not None and "dist" in stretch:
                self._vcf_file.write(**{name: stretch[name] for name in TABLES_OF_VCF})
            stats = stretch.get("stats", stats)
        for file in files.values():
            file.finish(self._run.facts)
        if self._vcf_file is not None:
            self._vcf_file.finish()
        self._output.write(self._facts, [json.dumps({**self._run.facts, ROWS_KEY: rows}, indent=2), "\n"])
        self._make_indexes()
        return stats

    def _open_vcf(self) -> VcfFile | None:
        if self._vcf is None:
            return None
        return VcfFile(
            self._output.sink(self._vcf),
            vcf_kind(self._vcf),
            contigs=self._run.subject.contigs,
            samples=self._run.subject.samples,
            quantiles=self._run.subject.options.quantiles,
            facts=self._run.facts,
        )

    def _make_indexes(self) -> None:
        part = self._output.part
        for name, index in self._indexes.items():
            columns = self._run.schemas[name].interval
            if columns is not None:
                index_text(part(self._tables[name]), part(index), self._suffix, columns=columns)
        if self._vcf is not None and self._vcf_index is not None:
            index, suffix = self._vcf_index
            index_vcf(part(self._vcf), part(index), suffix, kind=vcf_kind(self._vcf))

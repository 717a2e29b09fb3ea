"""The last pass over a list of changes: how many of them to expect false, and where to end the list."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from colonnade.compare.options import CompareOptions
from colonnade.compare.samples import Comparison
from colonnade.compare.spool import Spool, Tables
from colonnade.compare.totals import STATES, UNLISTED, Sample, Totals
from colonnade.method.false_share import BINS, false_shares, learned_p_changed, within_false_share

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
LISTS = ("dist", "idist")


class Settled:
    """Tables of a whole run with ``false_share`` filled, ended where ``max_false_share`` says.

    What is cut from a list is ambiguous: it is taken out of the changes of windows and stats, and, with its loci's compositions and
    evidence, out of the tables; of loci that are shown whatever their state only the state changes.

    Parameters
    ----------
    spool
        All tables, closed; it has dist and idist.
    comparisons, options
        Of the run.
    totals
        Of all ranges.
    """

    def __init__(
        self, spool: Spool, comparisons: Sequence[Comparison], options: CompareOptions, totals: Totals
    ) -> None:
        self._totals = totals
        self._spool = spool
        self._options = options
        self._numbers = {(c.sample_1, c.sample_2): number for number, c in enumerate(comparisons)}
        self._shares = {name: _shares_of(self._doubts(name)) for name in LISTS}
        #: How many rows are cut, by contig, first position of the window, and comparison.
        self._cut: dict[str, Counter[tuple[str, int, int]]] = {name: Counter() for name in LISTS}
        for name in LISTS:
            if (self._shares[name] > options.max_false_share).any():
                self._note_cut_rows(name)

    def statistics(self, columns: Sequence[str]) -> npt.NDArray[np.int64]:
        """Columns of stats (comparisons, columns), without what is cut."""
        result = self._totals.statistics.copy()
        for (_, _, number), rows in self._cut["dist"].items():
            result[number, columns.index("changed")] -= rows
            result[number, columns.index("ambiguous")] += rows
        for (_, _, number), rows in self._cut["idist"].items():
            result[number, columns.index("indel_changed")] -= rows
        return result

    def stretches(self) -> Iterator[Tables]:
        """All tables, stretch by stretch."""
        done = dict.fromkeys(LISTS, 0)
        for tables in self._spool.stretches():
            listed = len(tables["dist"])
            for name in LISTS:
                shares = self._shares[name][done[name] : done[name] + len(tables[name])]
                done[name] += len(shares)
                tables[name] = self._listed(tables[name], shares)
            if len(tables["dist"]) < listed:
                for name in tables.keys() & {"comp", "evidence"}:
                    tables[name] = _at_loci_of(tables["dist"], tables[name])
            if self._cut["dist"] and "windows" in tables:
                tables["windows"] = self._without_cut(tables["windows"])
            yield tables

    def _doubts(self, name: str) -> tuple[Flags, Floats]:
        """Which rows of a list are changes, and the probability that each of them is one."""
        learned = name == "dist"
        changed, numbers = [np.empty(0, np.bool_)], [np.empty(0, np.int64)]
        values = [np.empty(0, np.int32 if learned else np.float64)]
        for tables in self._spool.stretches([name]):
            is_change = pc.equal(tables[name]["state"], "changed").combine_chunks()
            rows = tables[name].filter(is_change)
            changed.append(is_change.to_numpy(zero_copy_only=False))
            numbers.append(self._comparisons_of(rows))
            values.append(_flat(rows["distance_counts" if learned else "p_changed"]))
        found = np.concatenate(values)
        return np.concatenate(changed), self._learn(np.concatenate(numbers), found) if learned else found

    def _learn(self, numbers: npt.NDArray[np.int64], counts: npt.NDArray[np.int32]) -> Floats:
        """The probability that each change of dist is one, given its comparison and its ``distance_counts``, end to end."""
        p_changed = np.empty(len(numbers))
        counts = counts.reshape(len(numbers), BINS)
        options = self._options
        for number in np.unique(numbers).tolist():
            some = numbers == number
            p_changed[some] = learned_p_changed(
                counts[some], self._unlisted(number), min_distance=options.min_distance, prior=options.prior
            )
        return p_changed

    def _unlisted(self, number: int) -> list[tuple[Sample, int]]:
        """Per state, loci of a comparison that are not in the list, and how many there are."""
        totals = self._totals.statistics[number, [1 + STATES.index(state) for state in UNLISTED]]
        return list(zip(self._totals.unlisted[number], totals.tolist(), strict=True))

    def _comparisons_of(self, table: pa.Table) -> npt.NDArray[np.int64]:
        """The number of each row's comparison."""
        pairs = zip(table["sample_1"].to_pylist(), table["sample_2"].to_pylist(), strict=True)
        return np.fromiter(map(self._numbers.__getitem__, pairs), np.int64, len(table))

    def _listed(self, table: pa.Table, shares: Floats) -> pa.Table:
        """Rows of a list with their false share, as far as the list goes."""
        table = _with(table, "false_share", pa.array(shares, mask=np.isnan(shares)))
        table = table.drop_columns([name for name in table.column_names if name == "distance_counts"])
        cut = self._is_cut(table, shares)
        if not cut.any():
            return table
        if self._options.loci == "tested":
            return _with(table, "state", pc.if_else(pa.array(cut), "ambiguous", table["state"]))
        return table.filter(pa.array(~cut))

    def _is_cut(self, table: pa.Table, shares: Floats) -> Flags:
        changed = pc.equal(table["state"], "changed").to_numpy()
        cut: Flags = changed & ~within_false_share(shares, most=self._options.max_false_share)
        return cut

    def _note_cut_rows(self, name: str) -> None:
        """Count the rows to be cut by contig, first position of their window, and comparison."""
        done = 0
        for tables in self._spool.stretches([name]):
            table = tables[name]
            shares = self._shares[name][done : done + len(table)]
            done += len(table)
            rows = table.filter(pa.array(self._is_cut(table, shares))).select(
                ["contig", "position", "sample_1", "sample_2"]
            )
            for contig, position, *pair in zip(*(column.to_pylist() for column in rows.columns), strict=True):
                self._cut[name][contig, self._window_of(position), self._numbers[tuple(pair)]] += 1

    def _window_of(self, position: int) -> int:
        return (position - 1) // self._options.window * self._options.window + 1

    def _without_cut(self, windows: pa.Table) -> pa.Table:
        keys = zip(*(windows[name].to_pylist() for name in ("contig", "start", "sample_1", "sample_2")), strict=True)
        fewer = [self._cut["dist"][contig, start, self._numbers[tuple(pair)]] for contig, start, *pair in keys]
        return _with(windows, "changed", pc.subtract(windows["changed"], pa.array(fewer, pa.int64())))


def _shares_of(doubts: tuple[Flags, Floats]) -> Floats:
    """False shares of all rows of a list, NaN for those that are not changes."""
    changed, p_changed = doubts
    shares = np.full(len(changed), np.nan)
    shares[changed] = false_shares(p_changed)
    return shares


def _flat(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    """The numbers of a column, or those of all its lists one after the other."""
    values = column.combine_chunks()
    numbers: npt.NDArray[Any] = (values.flatten() if pa.types.is_fixed_size_list(values.type) else values).to_numpy()
    return numbers


def _with(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    """The table with another column in the place of one."""
    place = table.schema.get_field_index(name)
    return table.set_column(place, table.schema.field(place), values)


def _at_loci_of(dist: pa.Table, table: pa.Table) -> pa.Table:
    """Rows of a table at the loci of dist."""
    contigs = pc.unique(table["contig"])
    wanted, have = (
        [pc.index_in(rows["contig"], value_set=contigs).to_numpy(), rows["position"].to_numpy()]
        for rows in (dist, table)
    )
    return table.filter(pa.array(np.isin(_locus(*have), _locus(*wanted))))


def _locus(contig: npt.NDArray[np.int64], position: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """A number for each locus: positions have at most 31 bits."""
    return contig.astype(np.int64) << 32 | position

"""The reads of one sample: drawn window by window, put in order, and encoded as BAM records or FASTQ."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from colonnade.formats.bam import encode_bam_header
from colonnade.formats.fasta import BASES
from colonnade.simulate import reads_kernels, templates_kernels
from colonnade.simulate.library import Library
from colonnade.simulate.population import Population
from colonnade.simulate.templates import (
    READ,
    alleles_of,
    ground_of,
    longest_template,
    protocol_of,
    windows,
)
from colonnade.simulate.variants import Codes
from colonnade.version import __version__

#: What can be made of a read.
Encoding = Literal["bam", "ubam", "fastq"]
ENCODINGS: Final[tuple[Encoding, ...]] = ("bam", "fastq", "ubam")

READS_PER_TASK: Final = 1 << 14
_NAME_ROOM: Final = 256  # the longest name in BAM, with its NUL
_LETTERS: Final = np.frombuffer(BASES.encode(), np.uint8)

Rows = npt.NDArray[np.void]


@dataclass(frozen=True)
class Window:
    """The reads of some neighbouring sources.

    Parameters
    ----------
    drawn
        ``READ`` rows in the order of templates, mates side by side.
    ready
        Rows by start: all those that no later window's come before.
    position
        Up to which the contig is done.
    """

    drawn: Rows
    ready: Rows
    position: int


class ContigReads:
    """All reads of one sample on one contig; each part of them can be made by any thread, in any order.

    Parameters
    ----------
    population
        What the sample is drawn from.
    sample
        Its number in the population.
    contig, number, codes
        Name of the contig, its number in the header, its bases.
    library
        How templates are made and sequenced.
    seed
        Seed of all draws.
    """

    def __init__(
        self,
        population: Population,
        sample: int,
        contig: str,
        number: int,
        codes: Codes,
        library: Library,
        *,
        seed: int,
    ) -> None:
        name = population.samples[sample]
        self._is_amplified = bool(library.amplicons)
        self._alleles = alleles_of(population, sample, contig)
        self._ground = ground_of(library, codes, contig=contig, sample=name, seed=seed)
        self._protocol = protocol_of(library)
        self._labels = reads_kernels.Labels(
            contig=number,
            name=np.frombuffer(f"{name}.{number + 1}.".encode(), np.uint8),
            read_group=np.frombuffer(f"RGZ{name}\0".encode(), np.uint8),
        )

    def windows(self) -> Iterator[Window]:
        """Draw the reads, in the order of their sources."""
        held = np.empty(0, READ)
        for first, last, horizon in windows(self._ground, is_amplified=self._is_amplified):
            drawn = self._draw(first, last)
            waiting = np.concatenate((held, drawn))
            waiting = waiting[np.argsort(waiting["start"], kind="stable")]
            n_ready = int(np.searchsorted(waiting["start"], horizon))
            held = waiting[n_ready:].copy()
            yield Window(drawn, waiting[:n_ready], min(horizon, len(self._ground.codes)))

    def encoded(self, reads: Rows, encoding: Encoding) -> list[npt.NDArray[np.uint8]]:
        """Some reads as bytes: BAM records, or FASTQ entries."""
        buffers = self._buffers()
        largest = reads_kernels.FIXED + 2 * _NAME_ROOM + 4 * len(buffers.cigar) + 2 * self._protocol.read_length
        usual = reads_kernels.FIXED + 64 + len(self._labels.name) + 2 * self._protocol.read_length
        pieces = []
        while len(reads):
            out = np.empty(largest + usual * len(reads), np.uint8)
            done, size = self._write(reads, encoding, buffers, out)
            pieces.append(out[:size])
            reads = reads[done:]
        return pieces

    def _draw(self, first: int, last: int) -> Rows:
        sources = (first, last, self._ground, self._alleles, self._protocol)
        room = self._protocol.mates * int(templates_kernels.count_templates(*sources))
        reads = np.empty(room, READ)
        buffers = self._buffers()
        n_reads = int(templates_kernels.draw_reads(*sources, buffers.carried, buffers.cigar, reads))
        return reads[:n_reads]

    def _write(
        self, reads: Rows, encoding: Encoding, buffers: reads_kernels.Buffers, out: npt.NDArray[np.uint8]
    ) -> tuple[int, int]:
        drawn_from = (reads, self._ground, self._alleles, self._protocol, self._labels, buffers)
        if encoding == "bam":
            done, size = reads_kernels.write_aligned(*drawn_from, out)
        elif encoding == "ubam":
            done, size = reads_kernels.write_unaligned(*drawn_from, out)
        else:
            done, size = reads_kernels.write_fastq(*drawn_from, _LETTERS, out)
        return int(done), int(size)

    def _buffers(self) -> reads_kernels.Buffers:
        """Room for one template: no two variants share a base of it, so it carries at most one for each."""
        n_items = int(np.diff(self._alleles.first).max())
        most = min(n_items, longest_template(self._ground)) + 1
        return reads_kernels.Buffers(
            carried=np.empty(most, np.int64),
            cigar=np.empty(2 * most + 3, np.int64),
            mate_cigar=np.empty(2 * most + 3, np.int64),
            name=np.empty(_NAME_ROOM, np.uint8),
            bases=np.empty(self._protocol.read_length, np.uint8),
            qualities=np.empty(self._protocol.read_length, np.uint8),
        )


def bam_header(sample: str, lengths: Mapping[str, int]) -> bytes:
    """Header of a BAM file in coordinate order, or, without contigs, of unaligned reads (SAM specification, section 4.2)."""
    order = "SO:coordinate" if lengths else "SO:unsorted\tGO:query"
    lines = [
        f"@HD\tVN:1.6\t{order}",
        *(f"@SQ\tSN:{contig}\tLN:{length}" for contig, length in lengths.items()),
        f"@RG\tID:{sample}\tSM:{sample}",
        f"@PG\tID:colonnade\tPN:colonnade\tVN:{__version__}",
    ]
    return encode_bam_header("".join(f"{line}\n" for line in lines), lengths)

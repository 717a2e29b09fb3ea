"""The files of a comparison, opened and checked against each other before any work begins."""

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from os import PathLike, fspath
from os.path import abspath
from pathlib import Path
from types import TracebackType
from typing import Final

from colonnade.compare.samples import Sample
from colonnade.errors import InputError
from colonnade.formats.alignments import AlignmentFile, open_alignments
from colonnade.formats.fasta import Fasta
from colonnade.formats.fingerprint import Fingerprint
from colonnade.regions import Region, regions_of_interest

_log = logging.getLogger(__name__)

_INDEXES: Final = (".csi", ".bai", ".crai")  # beside, or in the place of, the ending of a file of alignments


class Inputs:
    """Samples with their open BAM files, and the reference; a context manager.

    Parameters
    ----------
    samples
        The samples.
    reference
        FASTA file.

    Raises
    ------
    InputError
        A contig has another length, or another sequence, in a BAM file than in the reference; or none is in common.
    """

    def __init__(self, samples: Sequence[Sample], reference: str | PathLike[str]) -> None:
        self.samples = tuple(samples)
        with ExitStack() as stack:
            self.reference = Fasta(fspath(reference))
            stack.callback(self.reference.close)
            self.files: dict[str, AlignmentFile] = {}
            for path in dict.fromkeys(path for sample in samples for path in sample.paths):
                self.files[path] = open_alignments(path, reference=reference)
                stack.callback(self.files[path].close)
                self._check_lengths(self.files[path])
            #: Contigs of the reference that at least one BAM file has: name to length, in the reference's order.
            self.contigs = {
                contig: length
                for contig, length in self.reference.lengths.items()
                if any(contig in file.contigs for file in self.files.values())
            }
            self._stack = stack.pop_all()

    def __enter__(self) -> "Inputs":
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self._stack.close()

    def sample_files(self, sample: Sample) -> list[AlignmentFile]:
        """The open files of a sample."""
        return [self.files[path] for path in sample.paths]

    def fingerprints(self) -> tuple[Fingerprint, ...]:
        """What all files and their indexes look like, by the names that they were opened under."""
        named = [name for path in self.files for name in (path, *_indexes_of(path))]
        named += self.reference.files
        return tuple(Fingerprint.of(name) for name in dict.fromkeys(named) if Path(name).is_file())

    def regions(self, texts: Sequence[str | Region], bed: str | PathLike[str] | None) -> list[Region]:
        """Regions of interest, sorted and merged; all shared contigs where none is asked for."""
        if not texts and bed is None:
            self._warn_about_lonely_contigs()
            return [Region(contig, 0, length) for contig, length in self.contigs.items() if length]
        return regions_of_interest(texts, bed, self.reference.lengths)

    def checksums(self, regions: Sequence[Region]) -> dict[str, str]:
        """MD5 of each contig that the regions touch, checked against the ``M5`` of the BAM headers."""
        checksums = {}
        for contig in dict.fromkeys(region.contig for region in regions):
            checksums[contig] = checksum = self.reference.checksum(contig)
            for file in self.files.values():
                expected = file.header.checksums.get(contig, checksum)
                if expected != checksum:
                    raise InputError(
                        "contig differs from the one that the reads were aligned to",
                        path=self.reference.path,
                        place=contig,
                        found=f"MD5 {checksum}",
                        expected=f"{expected}, as in the header of {file.path}",
                        advice="use the reference of the alignment",
                    )
        return checksums

    def _check_lengths(self, file: AlignmentFile) -> None:
        lengths = self.reference.lengths
        differing = [
            f"{contig} {length} in the BAM, {lengths[contig]} in the reference"
            for contig, length in file.header.lengths.items()
            if lengths.get(contig, length) != length
        ]
        if differing:
            raise InputError(
                f"contigs differ in length from {self.reference.path}",
                path=file.path,
                found=", ".join(differing[:3]) + (f" and {len(differing) - 3} more" if len(differing) > 3 else ""),
                advice="use the reference that the reads were aligned to",
            )
        if not any(contig in lengths for contig in file.contigs):
            raise InputError(
                f"no contig in common with {self.reference.path}",
                path=file.path,
                found=_some(file.header.lengths),
                expected=_some(lengths),
                advice="use the reference that the reads were aligned to",
            )

    def _warn_about_lonely_contigs(self) -> None:
        lonely = [contig for contig in self.reference.lengths if contig not in self.contigs]
        for file in self.files.values():
            lonely += [contig for contig in file.contigs if contig not in self.reference.lengths]
        if lonely:
            _log.warning(
                "contigs that only the reference or only a BAM file has are not compared: %s",
                _some(dict.fromkeys(lonely)),
            )


@dataclass(frozen=True)
class InputsRecipe:
    """How a worker opens the files of a comparison that have been checked against each other already.

    Parameters
    ----------
    samples, reference
        With absolute names: a worker has a working directory of its own.
    fingerprints
        Of all files that are opened, under the same names.
    """

    samples: tuple[Sample, ...]
    reference: str
    fingerprints: tuple[Fingerprint, ...]

    @classmethod
    def of(cls, inputs: Inputs, fingerprints: Sequence[Fingerprint]) -> "InputsRecipe":
        """For files that are open here."""
        return cls(
            tuple(replace(sample, paths=tuple(map(abspath, sample.paths))) for sample in inputs.samples),
            abspath(inputs.reference.path),
            tuple(replace(found, path=abspath(found.path)) for found in fingerprints),
        )

    def open(self) -> Inputs:
        """Open them; raises InputError where one is not there, or another file."""
        for fingerprint in self.fingerprints:
            fingerprint.check()
        return Inputs(self.samples, self.reference)


def _indexes_of(path: str) -> list[str]:
    """Names that an index of a file of alignments may have."""
    return [name for suffix in _INDEXES for name in (f"{path}{suffix}", str(Path(path).with_suffix(suffix)))]


def _some(names: dict[str, object] | dict[str, int] | dict[str, None]) -> str:
    listed = list(names)
    return ", ".join(listed[:5]) + (f" and {len(listed) - 5} more" if len(listed) > 5 else "") or "none"

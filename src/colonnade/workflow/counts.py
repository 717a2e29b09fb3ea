"""How many reads of a sample are aligned, as ``samtools flagstat`` counts them."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from colonnade.errors import FormatError
from colonnade.formats.output import OutputSet

#: In a process of its own, which alone can be interrupted.
_FLAGSTAT: Final = """
import sys, pysam
try:
    print(pysam.samtools.flagstat("-O", "json", *sys.argv[1:]))
except pysam.SamtoolsError as error:
    sys.exit(error.value.rpartition("stderr=")[2])
"""
_FIELDS: Final = {
    "reads": "primary",
    "mapped": "primary mapped",
    "duplicates": "primary duplicates",
    "paired": "paired in sequencing",
    "properly_paired": "properly paired",
}


@dataclass(frozen=True)
class ReadCounts:
    """Reads of a sample, each once: secondary and supplementary records are left out; those that failed are counted, too.

    Parameters
    ----------
    reads
        All of them.
    mapped, duplicates
        Those with a place, and those that are marked as duplicates.
    paired, properly_paired
        Those that have a mate, and those that lie with it as the mates of one template do.
    """

    reads: int
    mapped: int
    duplicates: int
    paired: int
    properly_paired: int

    @classmethod
    def of(cls, paths: Sequence[str], *, threads: int = 1) -> "ReadCounts":
        """Count the records of some files of alignments.

        Raises
        ------
        FormatError
            A file is damaged or cut short.
        """
        counted = [_flagstat(path, threads) for path in paths]
        return cls(**{name: sum(counts[key] for counts in counted) for name, key in _FIELDS.items()})

    @classmethod
    def read(cls, path: str | Path) -> "ReadCounts":
        """Read what ``write`` has written."""
        return cls(**json.loads(Path(path).read_text(encoding="utf-8")))

    def write(self, path: Path) -> None:
        """Write them as JSON, in place of what is there."""
        with OutputSet([path], force=True) as files:
            files.write(path, [json.dumps(asdict(self), indent=2) + "\n"])


def _flagstat(path: str, threads: int) -> Mapping[str, int]:
    """Counts by samtools' names, of reads that passed and that failed."""
    command = [sys.executable, "-P", "-c", _FLAGSTAT, "-@", str(threads - 1), str(Path(path).absolute())]
    ended = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if ended.returncode:
        found = ended.stderr.strip().rpartition("\n")[2] or f"exit code {ended.returncode}"
        raise FormatError("cannot be counted", path=path, found=found, expected="a complete BAM, CRAM or SAM file")
    passed, failed = (json.loads(ended.stdout)[f"QC-{of} reads"] for of in ("passed", "failed"))
    return {key: passed[key] + failed[key] for key in _FIELDS.values()}

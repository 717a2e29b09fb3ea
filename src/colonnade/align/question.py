"""All that decides the bytes of the output, so that a run goes on with no other work than its own."""

from collections.abc import Iterator, Sequence
from os import PathLike

from colonnade.align.bwa_files import SUFFIXES
from colonnade.align.index import Index
from colonnade.align.inputs import ReadFiles
from colonnade.formats.fingerprint import Fingerprint
from colonnade.version import __version__


def question_of(
    inputs: Sequence[ReadFiles], genome: Index, command: str, reference: str | PathLike[str] | None
) -> dict[str, str]:
    """What is to be done, as people call its parts.

    Parameters
    ----------
    inputs
        Files, which must be such as can be read again.
    genome
        The index.
    command
        What ``command_line`` says of all options.
    reference
        FASTA that a CRAM was made with.
    """
    question = {"job": "align", "version": __version__, "command": command}
    for number, given in enumerate(inputs, 1):
        question |= _parts_of(given, f" {number}" if len(inputs) > 1 else "")
    if reference is not None:
        question["reference"] = str(Fingerprint.of(reference))
    looks = zip(SUFFIXES, genome.fingerprints, strict=True)
    return question | {f"index ({suffix})": str(found) for suffix, found in looks}


def _parts_of(given: ReadFiles, number: str) -> Iterator[tuple[str, str]]:
    names = ("file of reads", "file of mates")
    for name, path in zip(names, given.paths, strict=False):
        yield name + number, str(Fingerprint.of(path))
    if given.read_group is not None:
        yield f"read group{number}", given.read_group

"""The header of the output: the contigs of the index, what the input's header says besides, and what was done."""

import shlex
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Final

import numpy as np

from colonnade.align.contigs import Contigs
from colonnade.align.options import AlignOptions
from colonnade.align.read_group import ReadGroup
from colonnade.formats.bam import encode_bam_header
from colonnade.version import __version__

_NAME: Final = "colonnade"


def header_text(source: str, contigs: Contigs, *, command: str, is_sorted: bool) -> str:
    """The SAM header of aligned reads.

    Parameters
    ----------
    source
        The input's header, without its ``@HD`` and ``@SQ`` lines; kept as it is.
    contigs
        Those of the index.
    command
        What was done.
    is_sorted
        Whether the records are in coordinate order.
    """
    lines = [f"@HD\tVN:1.6\tSO:{'coordinate' if is_sorted else 'unsorted'}"]
    lines += [
        f"@SQ\tSN:{name}\tLN:{length}" for name, length in zip(contigs.names, contigs.lengths.tolist(), strict=True)
    ]
    kept = [line for line in source.split("\n") if line]
    lines += kept + _program_lines(kept, command)
    return "".join(f"{line}\n" for line in lines)


def command_line(index: str, options: AlignOptions, *, read_group: str | None = None, is_sorted: bool = False) -> str:
    r"""The command that gives the same bytes of the same files; what changes none is left out.

    Parameters
    ----------
    index
        Its prefix, of which only the last part is told: where it lies changes no result.
    options
        Those that differ from the defaults are told.
    read_group
        That of all reads, as it was given; told as a whole line.
    is_sorted
        Whether records are sorted by coordinate.

    Examples
    --------
    >>> command_line("genomes/hg19.fa", AlignOptions(differences=0.01, log_gap_penalty=True))
    'colonnade align --index hg19.fa --differences 0.01 --log-gap-penalty'
    >>> command_line("hg19", AlignOptions(chimeric_share=1e-6, orphans="single"))
    'colonnade align --index hg19 --chimeric-share 0.000001 --orphans single'
    >>> print(command_line("hg19", AlignOptions(), read_group="lane1", is_sorted=True))
    colonnade align --index hg19 --read-group '@RG\tID:lane1' --sort
    """
    words = [_NAME, "align", "--index", "".join(c if c.isprintable() else "?" for c in Path(index).name)]
    for name, value in options.non_defaults().items():
        words.append(f"--{name.replace('_', '-')}")
        if value is not True:
            words.append(_written(value))
    if read_group is not None:
        words += ["--read-group", ReadGroup.parse(read_group).line.replace("\t", "\\t")]
    words += ["--sort"] * is_sorted
    return shlex.join(words)


def encode_header(text: str, contigs: Contigs) -> bytes:
    """The header of a BAM file."""
    return encode_bam_header(text, dict(zip(contigs.names, contigs.lengths.tolist(), strict=True)))


def _program_lines(kept: Sequence[str], command: str) -> list[str]:
    """A ``@PG`` line behind each chain of programs in the header, or one that begins a chain.

    Where there are several chains, as of read groups that were handled apart, all of their records have now gone through this
    program too. Samtools does the same, but leaves out chains of one program if there is a longer one.
    """
    lines = [line.split("\t") for line in kept]
    programs = [dict(field.partition(":")[::2] for field in fields) for kind, *fields in lines if kind == "@PG"]
    taken = [program["ID"] for program in programs if "ID" in program]
    followed = {program.get("PP") for program in programs}
    chains = [f"\tPP:{name}" for name in dict.fromkeys(taken) if name not in followed]
    free = (name for name in _names() if name not in taken)
    return [
        f"@PG\tID:{name}\tPN:{_NAME}{chain}\tVN:{__version__}\tCL:{command}"
        for name, chain in zip(free, chains or [""], strict=False)
    ]


def _names() -> Iterator[str]:
    yield _NAME
    yield from (f"{_NAME}.{number}" for number in count(1))


def _written(value: float | str) -> str:
    """A value as the command line takes it, where a share has a point and no exponent."""
    return np.format_float_positional(value) if isinstance(value, float) else str(value)

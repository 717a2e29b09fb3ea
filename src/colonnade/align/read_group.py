"""The read group that a user gives to reads: its header line and its tag."""

import re
from dataclasses import dataclass
from typing import Final

from colonnade.errors import UsageError

_LINE: Final = re.compile(r"@RG(\t[A-Za-z][A-Za-z0-9]:[ -~]+)+")  # SAM specification, section 1.3


@dataclass(frozen=True)
class ReadGroup:
    r"""A read group.

    Parameters
    ----------
    line
        Its ``@RG`` line.
    name
        Its ``ID``.

    Examples
    --------
    >>> ReadGroup.parse(r"@RG\tID:lane1\tSM:week4").name
    'lane1'
    >>> ReadGroup.parse("lane1").line
    '@RG\tID:lane1'
    """

    line: str
    name: str

    @classmethod
    def parse(cls, text: str) -> "ReadGroup":
        r"""A read group from its ID, or from a whole ``@RG`` line, tabs written as such or as ``\t`` (as bwa takes them).

        Raises
        ------
        UsageError
            It is neither.
        """
        line = text.replace("\\t", "\t").rstrip("\t") if text.startswith("@") else f"@RG\tID:{text}"
        names = [field[3:] for field in line.split("\t") if field.startswith("ID:")]
        if not _LINE.fullmatch(line) or len(names) != 1:
            raise UsageError(
                "not a read group", found=repr(text), expected=r"an ID, or a line such as '@RG\tID:lane1\tSM:week4'"
            )
        return cls(line, names[0])

    @property
    def tag(self) -> bytes:
        """The tag of each record, as in BAM."""
        return b"RGZ" + self.name.encode() + b"\0"

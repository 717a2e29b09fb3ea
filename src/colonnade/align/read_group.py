"""The read group that a user gives to reads: its header line and its tag."""

import re
from dataclasses import dataclass
from typing import Final

from colonnade.errors import UsageError

_LINE: Final = re.compile(r"@RG(\t[A-Za-z][A-Za-z0-9]:[ -~]+)+")  # SAM specification, section 1.3
_DESCRIPTION: Final = "DS"  # free text

#: Fields within the value of another one, for want of a tab.
_MISPLACED: Final = re.compile(r"(^| )(ID|BC|CN|DS|DT|FO|KS|LB|PG|PI|PL|PM|PU|SM):|\\t")


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
            It is neither; also an ID that looks like a part of a line.
        """
        line = text.replace("\\t", "\t").rstrip("\t") if text.startswith("@") else f"@RG\tID:{text}"
        fields = dict(field.partition(":")[::2] for field in line.split("\t")[1:])
        is_line = _LINE.fullmatch(line) and len(fields) == line.count("\t") and "ID" in fields
        if not is_line or any(_MISPLACED.search(value) for name, value in fields.items() if name != _DESCRIPTION):
            raise UsageError(
                "not a read group", found=repr(text), expected=r"an ID, or a line such as '@RG\tID:lane1\tSM:week4'"
            )
        return cls(line, fields["ID"])

    @property
    def tag(self) -> bytes:
        """The tag of each record, as in BAM."""
        return b"RGZ" + self.name.encode() + b"\0"

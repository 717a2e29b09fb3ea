"""The colours of a page: those of Okabe and Ito (2008), which people with any colour vision can tell apart.

Bases, states and points also differ by letters, places and shapes.
"""

from typing import Final

from colonnade.formats.fasta import BASES
from colonnade.report.rows import STATES

BLUE: Final = "#0072b2"
RED: Final = "#d55e00"
GREEN: Final = "#009e73"
PURPLE: Final = "#cc79a7"
ORANGE: Final = "#e69f00"
SKY: Final = "#56b4e9"
GREY: Final = "#8b93a1"

SAMPLES: Final = (BLUE, RED, GREEN, PURPLE, ORANGE, SKY, GREY)
DASHES: Final = ((1, 0), (6, 2), (2, 2))  # for more samples than colours
MOST_LINES: Final = len(SAMPLES) * len(DASHES)  # samples whose lines can be told apart

BY_BASE: Final = dict(zip(BASES, (GREEN, BLUE, ORANGE, PURPLE), strict=True))
BY_STATE: Final = {**dict(zip(STATES, (BLUE, ORANGE, "#c9ced6"), strict=True)), "not compared": "#e9ecf0"}

#: Points of the distance picture: those whose two strands disagree stand out.
POINTS: Final = {
    "changed": {"colour": BLUE, "shape": "circle"},
    "changed, strands disagree": {"colour": RED, "shape": "triangle-down"},
    "ambiguous": {"colour": ORANGE, "shape": "diamond"},
    "unchanged": {"colour": GREY, "shape": "cross"},
}

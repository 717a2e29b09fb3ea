"""The 4-bit base codes of BAM (SAM specification, section 4.2): their letters, and which are bases."""

from typing import Final

import numpy as np

AMBIGUOUS: Final = 4  # neither A, C, G nor T
NO_BASE: Final = 15  # N

#: uint8 (16,): ASCII letter of each code.
LETTERS: Final = np.frombuffer(b"=ACMGRSVTWYHKDBN", np.uint8)

#: uint8 (16,): 0 to 3 for the codes of A, C, G, T, and ``AMBIGUOUS``.
BASE_OF_CODE: Final = np.full(16, AMBIGUOUS, np.uint8)
BASE_OF_CODE[[1, 2, 4, 8]] = range(4)

#: uint8 (256,): code of each letter in either case; U is T, and 0 to 3 are A, C, G, T, as in htslib's seq_nt16_table (hts.c).
CODE_OF_LETTER: Final = np.full(256, NO_BASE, np.uint8)
for _code, _letter in enumerate(LETTERS.tobytes().decode()):
    CODE_OF_LETTER[[ord(_letter), ord(_letter.lower())]] = _code
CODE_OF_LETTER[list(b"Uu0123")] = 8, 8, 1, 2, 4, 8

#: uint8 (256,): two codes in a byte to their reverse complement; the bits of a code are A, C, G, T, so all eight turn round.
REVERSE_COMPLEMENT_OF_PAIR: Final = np.array([int(f"{pair:08b}"[::-1], 2) for pair in range(256)], np.uint8)

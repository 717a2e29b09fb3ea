"""Pairs and merged reads of templates, from a small genome, in files."""

from pathlib import Path

import numpy as np

import colonnade as cn

N_PAIRS = 300
READ, TEMPLATE, SPREAD = 60, 200, 15  # bases
COMPLEMENT = str.maketrans("ACGT", "TGCA")
NEXT = str.maketrans("ACGT", "CGTA")


def turned(bases: str) -> str:
    return bases[::-1].translate(COMPLEMENT)


def changed(bases: str) -> str:
    """Each seventh base is another one, so that the search does not find it."""
    return "".join(base.translate(NEXT) if at % 7 == 5 else base for at, base in enumerate(bases))


def fastq(name: str, bases: str) -> str:
    return f"@{name}\n{bases}\n+\n{'I' * len(bases)}\n"


def write_templates(folder: Path) -> Path:
    """Write ref.fa with its index, pairs in 1.fq and 2.fq, and single reads of as many bases as a template in merged.fq.

    One pair of 30 is of something else; the second mate of one of 10 has many differences.
    """
    rng = np.random.default_rng(6)
    one, two, other = ("".join(rng.choice(list("ACGT"), 8000)) for _ in range(3))
    (folder / "ref.fa").write_text(f">one\n{one}\n>two\n{two}\n")
    cn.build_index(folder / "ref.fa")
    texts: dict[str, list[str]] = {"1.fq": [], "2.fq": [], "merged.fq": []}
    for number in range(N_PAIRS):
        source = other if number % 30 == 0 else (one, two)[number % 2]
        start = int(rng.integers(0, 7000))
        template = source[start : start + round(rng.normal(TEMPLATE, SPREAD))]
        template = turned(template) if number % 3 else template
        second = turned(template)[:READ]
        texts["1.fq"].append(fastq(f"pair{number}", template[:READ]))
        texts["2.fq"].append(fastq(f"pair{number}", changed(second) if number % 10 == 5 else second))
        texts["merged.fq"].append(fastq(f"merged{number}", template[: TEMPLATE // 2]))
    for name, text in texts.items():
        (folder / name).write_text("".join(text))
    return folder

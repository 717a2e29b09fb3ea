"""A genome that is hard to align to, and reads of it that are hard to place."""

import random

from stages import Read

BIN = 1 << 14  # bases of the smallest bins of an index: reads across the end of chr1 are in two of them

_COMPLEMENT = str.maketrans("ACGTN", "TGCAN")


def reverse_complement(bases: str) -> str:
    return bases[::-1].translate(_COMPLEMENT)


def hard_genome(seed: int) -> dict[str, str]:
    """Contigs with repeats on both strands, nearly equal ones, tandem repeats, ambiguous bases, and some shorter than reads."""
    draw = random.Random(seed)

    def new(length: int) -> str:
        return "".join(draw.choices("ACGT", k=length))

    repeat, copied = new(300), new(400)
    nearly = "".join(draw.choice("ACGT") if draw.random() < 0.02 else base for base in copied)
    parts = [new(3000), repeat, new(500), "N" * 40, new(700), "AC" * 40, new(400), "T" * 60, new(300)]
    parts += [reverse_complement(repeat), new(800), "NNN", new(200), copied, new(900), "CAG" * 50, new(500)]
    parts += ["N" * 5, new(30), "R" * 12, new(600)]
    parts.append(new(BIN - 4 - sum(map(len, parts))))
    contigs = {"chr1": "".join(parts)}
    contigs |= {f"tiny{number}": new(draw.randint(20, 150)) for number in range(8)}
    contigs["chr2"] = "".join([new(400), nearly, new(300), repeat, new(200), repeat[:150], new(250), copied, new(60)])
    contigs["last"] = new(80) + "ATATAT" * 10 + new(40)
    return contigs


def hard_reads(contigs: dict[str, str], count: int, seed: int) -> list[Read]:
    """Reads of 1 to 250 bases with differences, often near their ends, a third of them at ends of contigs or across."""
    draw = random.Random(seed)
    genome = "".join(contigs.values())
    borders = [0]
    for bases in contigs.values():
        borders.append(borders[-1] + len(bases))
    reads = []
    for number in range(count):
        length = draw.choice([draw.randint(1, 250), draw.randint(20, 120), 75])
        start = draw.randrange(len(genome) - 2)
        if draw.random() < 1 / 3:
            shift = draw.choice([draw.randint(-length, 0), -length + draw.randint(-12, 12), draw.randint(-3, 3)])
            start = min(max(draw.choice(borders) + shift, 0), len(genome) - 2)
        bases = _changed(list(genome[start : start + length + 12]), length, draw)
        if draw.random() < 0.5:
            bases = reverse_complement(bases)
        worse = 30 * (number % 2)  # every second read ends in bad qualities
        levels = [36 - worse * (at / len(bases)) ** 3 for at in range(len(bases))]
        qualities = "".join(chr(33 + min(max(round(draw.gauss(level, 4)), 2), 40)) for level in levels)
        reads.append(Read(f"read{number}", bases, qualities))
    return reads


def _changed(bases: list[str], length: int, draw: random.Random) -> str:
    for _ in range(draw.choice([0, 0, 0, 1, 1, 2, 4])):
        last = len(bases) - 1
        if last < 0:
            break
        at = draw.choice(
            [draw.randint(0, last), min(last, draw.randint(0, 12)), min(last, abs(length - draw.randint(0, 12)))]
        )
        kind = draw.random()
        if kind < 0.5:
            bases[at] = draw.choice("ACGT")
        elif kind < 0.55:
            bases[at] = "N"
        elif kind < 0.78:
            del bases[at : at + draw.randint(1, 10)]
        else:
            bases[at:at] = draw.choices("ACGT", k=draw.randint(1, 10))
    return "".join(bases)[:length].replace("R", "A") or "A"

"""How made-up haplotypes descend from the reference."""

from dataclasses import dataclass

from colonnade.errors import UsageError


@dataclass(frozen=True)
class Descent:
    """How haplotypes descend from the reference.

    Parameters
    ----------
    haplotypes
        How many there are; the first is the reference itself, and each other one descends from one drawn among those before it.
    snv_rate, indel_rate
        Variants that a haplotype gains on its parent, per base of the reference, on average.
    turnover
        Between one sample and the next, the share of the population that is replaced: the frequencies of the first sample, and
        of what comes in later, are drawn from a flat Dirichlet distribution.

    Raises
    ------
    UsageError
        A number is out of range.
    """

    haplotypes: int = 8
    snv_rate: float = 0.002
    indel_rate: float = 0.0002
    turnover: float = 0.5

    def __post_init__(self) -> None:
        checks = (
            ("number of haplotypes", self.haplotypes, 1 <= self.haplotypes <= 10_000, "1 to 10,000"),
            ("SNV rate", self.snv_rate, 0 <= self.snv_rate <= 0.1, "0 to 0.1"),
            ("indel rate", self.indel_rate, 0 <= self.indel_rate <= 0.02, "0 to 0.02"),
            ("turnover", self.turnover, 0 <= self.turnover <= 1, "0 to 1"),
        )
        for name, value, holds, expected in checks:
            if not holds:
                raise UsageError(f"{name} is out of range", found=f"{value:g}", expected=expected)

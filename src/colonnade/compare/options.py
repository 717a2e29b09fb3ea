"""What a user can choose about a comparison."""

import math
from dataclasses import dataclass, field
from typing import Literal

from colonnade.errors import UsageError
from colonnade.records.filters import ReadFilter


@dataclass(frozen=True)
class CompareOptions:
    """Everything that changes the result of ``compare``.

    Parameters
    ----------
    min_distance
        Distance (0-1) that a change must exceed. 0.2 suits clonal sweeps and tumours; virus evolution within one
        host often needs 0.02-0.05.
    confidence
        Posterior probability with which a locus is called changed, or unchanged.
    draws
        Points drawn from the posterior of each sample at each locus that passes the screen.
    prior, indel_prior
        Dirichlet prior counts per base, and per indel event.
    quantiles
        Quantiles of distance and composition to report, rising.
    min_depth
        Loci with fewer bases of good quality in either sample are not compared.
    loci
        ``changed``: report loci where a change is confirmed. ``tested``: report every locus compared.
    indels
        ``left``: move indels to their leftmost equivalent place. ``as-aligned``: leave them.
    min_strand_p
        Changes that are the same on both strands with a smaller p-value than this are not confirmed.
    max_false_share
        The list of changes is cut where its expected share of false entries, by the model, exceeds this.
    window
        Positions of a window of the tables windows and depth.
    seed
        Seed of the posterior draws.
    read_filter
        Which records and bases count.
    """

    min_distance: float = 0.2
    confidence: float = 0.99
    draws: int = 2000
    prior: float = 0.1
    indel_prior: float = 0.1
    quantiles: tuple[float, ...] = (0.005, 0.05, 0.5, 0.95, 0.995)
    min_depth: int = 1
    loci: Literal["changed", "tested"] = "changed"
    indels: Literal["left", "as-aligned"] = "left"
    min_strand_p: float = 0.0
    max_false_share: float = 1.0
    window: int = 1000
    seed: int = 1
    read_filter: ReadFilter = field(default_factory=ReadFilter)

    def __post_init__(self) -> None:
        fewest = math.ceil(1 / max(1 - self.confidence, 1e-9) - 1e-6)
        checks = (
            ("min_distance", 0 < self.min_distance < 1, "more than 0 and less than 1"),
            ("confidence", 0.5 < self.confidence < 1, "more than 0.5 and less than 1"),
            ("draws", 100 <= self.draws <= 1_000_000, "100 to 1,000,000"),
            (
                "draws",
                self.draws >= fewest,
                f"at least {fewest:,} for a confidence of {self.confidence:g}, so that its quantile is among them",
            ),
            ("prior", 0.001 <= self.prior <= 100, "0.001 to 100"),
            ("indel_prior", 0.001 <= self.indel_prior <= 100, "0.001 to 100"),
            (
                "quantiles",
                all(0 <= q <= 1 for q in self.quantiles) and list(self.quantiles) == sorted(set(self.quantiles)),
                "rising numbers from 0 to 1",
            ),
            (
                "quantiles",
                len({f"{q:g}" for q in self.quantiles}) == len(self.quantiles),
                "numbers that differ in their first six digits",
            ),
            ("min_depth", self.min_depth >= 1, "1 or more"),
            ("loci", self.loci in ("changed", "tested"), "changed or tested"),
            ("min_strand_p", 0 <= self.min_strand_p <= 1, "0 to 1"),
            ("max_false_share", 0 <= self.max_false_share <= 1, "0 to 1"),
            ("window", 1 <= self.window <= 1 << 31, "1 to 2147483648"),
            ("indels", self.indels in ("left", "as-aligned"), "left or as-aligned"),
        )
        for name, holds, expected in checks:
            if not holds:
                raise UsageError(f"{name} is out of range", found=str(getattr(self, name)), expected=expected)

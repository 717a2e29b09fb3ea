"""Made-up populations with known truth, and reads from them.

>>> from colonnade.simulate import Population, Reference, simulate

The names are loaded when first used: the command line needs some of them for its help, which must answer at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from colonnade.simulate.amplicons import read_primers, tile
    from colonnade.simulate.descent import Descent
    from colonnade.simulate.engine import simulate
    from colonnade.simulate.generation import place_sites, random_population
    from colonnade.simulate.library import Amplicon, Damage, Library
    from colonnade.simulate.plan import Simulated
    from colonnade.simulate.population import Haplotype, Population, Site
    from colonnade.simulate.reference import Reference
    from colonnade.simulate.tables import read_population
    from colonnade.simulate.variants import Variant

_HOMES = {
    "Amplicon": "library",
    "Damage": "library",
    "Descent": "descent",
    "Haplotype": "population",
    "Library": "library",
    "Population": "population",
    "Reference": "reference",
    "Simulated": "plan",
    "Site": "population",
    "Variant": "variants",
    "place_sites": "generation",
    "random_population": "generation",
    "read_population": "tables",
    "read_primers": "amplicons",
    "simulate": "engine",
    "tile": "amplicons",
}

__all__ = [
    "Amplicon",
    "Damage",
    "Descent",
    "Haplotype",
    "Library",
    "Population",
    "Reference",
    "Simulated",
    "Site",
    "Variant",
    "place_sites",
    "random_population",
    "read_population",
    "read_primers",
    "simulate",
    "tile",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return __all__

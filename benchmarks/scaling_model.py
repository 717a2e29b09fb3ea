"""What large work takes on many workers, computed from the costs of stages that ``scaling.py --keep`` has measured here.

docs/scaling.md has the formulas. The client and the scheduler are one core each; workers have one for each thread.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, log2
from typing import Any, Final

Figures = Mapping[str, Any]
Stage = Mapping[str, Any]

CLUSTERS: Final = ((10, 1), (100, 1), (1000, 1), (10, 16), (100, 16), (1000, 16))  # workers, threads of each

GENOME: Final = 3_100_000_000  # bases of a human genome
READS: Final = 1_240_000_000  # 30x of pairs of 2 x 75 bases
SAMPLES: Final = 1_000

_LINK: Final = 1.25e9  # bytes a second through the network of the client: 10 Gbit/s
_MEASURED: Final = 5  # Mb that the comparisons of the figures cover
_BATCH: Final = 65_536  # reads
_STEPS: Final = 3  # tasks of Dask for a batch of pairs: search; locate; finish
_STAGES: Final = ("search", "locate", "finish")  # whose cost depends on the genome
_HERE: Final = ("reading", "spooling", "writing")  # what the client does with reads besides sending and receiving
_PER_THREAD, _MORE = 2, 8  # tasks in flight
_MOST_IN_FLIGHT: Final = 10_000 // 3
_MOST_DUE: Final = 64  # results that the client holds; others wait with the workers
_MOST_HELD: Final = 2 << 30  # bytes of tasks in flight
_RANGE: Final = 170  # bytes of a task of compare
_TASK_OF_SCHEDULER: Final = 9e3  # bytes for each task alive, of 10,000 small ones
_CLIENT, _SCHEDULER = 0.3, 0.06  # GB, with no task alive
_SEARCHED, _ALL = 1.0, 1.75  # bytes of an index for each base: what is searched; all


@dataclass(frozen=True)
class Load:
    """What some work takes, however many share it.

    Parameters
    ----------
    workers
        CPU seconds of all workers.
    client, scheduler
        Their CPU seconds.
    wire
        Bytes to and from the client.
    tasks
        Batches or ranges.
    task, result
        Bytes of each.
    """

    workers: float
    client: float
    scheduler: float
    wire: float
    tasks: int
    task: float
    result: float

    @property
    def floors(self) -> dict[str, float]:
        """Seconds below which no number of workers comes, by what is in the way."""
        return {"client": self.client, "scheduler": self.scheduler, "network": self.wire / _LINK}

    @property
    def most_threads(self) -> int:
        """Threads of workers from which on something else is the limit."""
        return int(self.workers / max(self.floors.values()))

    def in_flight(self, threads: int) -> int:
        """How many tasks are, with so many threads of workers."""
        return min(_PER_THREAD * threads + _MORE, _MOST_IN_FLIGHT, int(_MOST_HELD / self.task), self.tasks)

    def seconds(self, threads: int) -> tuple[float, str]:
        """How long it takes, and what it waits for."""
        rounds = ceil(self.tasks / threads) * threads / self.tasks  # the last tasks leave some threads without any
        times = {"workers": self.workers / threads * rounds, **self.floors}
        limit = max(times, key=lambda name: times[name])
        return times[limit], limit


def model(figures: Figures) -> Iterator[str]:
    """Lines of Markdown."""
    pairs = sorted(_pairs(figures), key=lambda stage: int(stage["genome"]))
    yield f"Computed from figures of {figures['date']}.\n"
    yield "| genome | search | locate | finish | us a read |"
    yield "|---|" + "---:|" * 4
    for size in [*(int(stage["genome"]) for stage in pairs), GENOME]:
        costs = [_at_size(pairs, name, size) for name in _STAGES]
        yield f"| {size / 1e6:,.0f} Mb | {' | '.join(f'{cost:.1f}' for cost in costs)} | {sum(costs):.1f} |"
    yield "\nThe last line is extrapolated.\n"
    yield from _table("Align 620 million pairs of 2 x 75 bases, human genome", align_load(figures))
    index = f"{_SEARCHED * GENOME / 1e9:.1f} GB (small) or {_ALL * GENOME / 1e9:.1f} GB (full) of index"
    yield f"\nA worker: {index}, once for a host, and about 0.4 GB of its own, with more threads 0.2 GB for each.\n"
    for stage in (stage for stage in figures["compare"] if stage["scheme"] == "REF"):
        length = _MEASURED * 1e3 / stage["tasks"]  # kb
        title = f"Compare 1,000 samples of 3.1 Gb at 30x, all against one, in ranges of {length:.0f} kb"
        yield from _table(title, compare_load(figures, stage))


def align_load(figures: Figures) -> Load:
    """Pairs of a human genome."""
    stages = sorted(_pairs(figures), key=lambda stage: int(stage["genome"]))
    at = stages[-1]
    sent, back = at["sent"] + at["sent_2"], at["returned"] + at["returned_2"]
    client, scheduler, workers = (_travel(figures["travel"][role], sent, back) for role in _ROLES)
    return Load(
        READS * (sum(_at_size(stages, name, GENOME) for name in _STAGES) + workers) * 1e-6,
        READS * (sum(at[name] for name in _HERE) + client) * 1e-6,
        READS * scheduler * 1e-6,
        READS * (sent + back),
        ceil(READS / _BATCH),
        at["sent"] * _BATCH,
        at["returned"] * _BATCH,
    )


def compare_load(figures: Figures, stage: Stage) -> Load:
    """Samples against one, or each with the next, in ranges as long as those of a stage."""
    amount = SAMPLES * GENOME / 1e6  # Mb
    tasks = ceil(stage["tasks"] / _MEASURED * GENOME / 1e6)
    back = stage["returned"] * amount
    client, scheduler, workers = (
        role["task"] * tasks + role["back_MB"] * back / 1e6 for role in (figures["travel"][name] for name in _ROLES)
    )
    return Load(
        (stage["worker"] * amount + workers) * 1e-3,
        ((stage["taking"] + stage["rest"]) * amount + client) * 1e-3,
        scheduler * 1e-3,
        back,
        tasks,
        _RANGE,
        back / tasks,
    )


_ROLES: Final = ("client", "scheduler", "workers")


def _pairs(figures: Figures) -> Sequence[Stage]:
    return [stage for stage in figures["align"] if (stage["kind"], stage["files"]) == ("modern", 2)]


def _at_size(stages: Sequence[Stage], name: str, genome: int) -> float:
    """Cost of a stage: as measured, or on larger genomes growing with each doubling as between the last two."""
    for stage in stages:
        if stage["genome"] == genome:
            return float(stage[name])
    before, last = stages[-2:]
    doublings = log2(last["genome"] / before["genome"])
    return float(last[name] + (last[name] - before[name]) / doublings * log2(genome / last["genome"]))


def _travel(costs: Mapping[str, float], sent: float, back: float) -> float:
    """Microseconds for a read, of which so many bytes are sent and come back."""
    return costs["task"] * 1e3 * _STEPS / _BATCH + (costs["sent_MB"] * sent + costs["back_MB"] * back) * 1e-3


def _table(title: str, load: Load) -> Iterator[str]:
    cpu = ", ".join(f"{name} {getattr(load, name) / 3600:,.1f} h" for name in _ROLES)
    yield f"**{title}**: CPU of {cpu}; {load.tasks:,} tasks; {load.wire / 1e9:,.0f} GB to and from the client.\n"
    yield "| workers x threads | hours | limit | share of workers used | client, GB | scheduler, GB | client's network, MB/s |"
    yield "|---|---:|---|---:|---:|---:|---:|"
    for workers, per_worker in CLUSTERS:
        threads = workers * per_worker
        seconds, limit = load.seconds(threads)
        flying = load.in_flight(threads)
        held = flying * load.task + min(flying, _MOST_DUE) * load.result
        yield (
            f"| {workers:,} x {per_worker} | {seconds / 3600:,.2f} | {limit} | {load.workers / threads / seconds:.0%} "
            f"| {_CLIENT + held / 1e9:.1f} | {_SCHEDULER + flying * _TASK_OF_SCHEDULER / 1e9:.2f} "
            f"| {load.wire / seconds / 1e6:,.0f} |"
        )
    floors = ", ".join(f"{name} {seconds / 3600:.2f} h" for name, seconds in load.floors.items())
    yield f"\nNot below: {floors}. Up to {load.most_threads} threads of workers are of use to one client.\n"

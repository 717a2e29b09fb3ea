"""What workers of a cluster cost and bring: overhead beside threads, speed of two beside one, and what every stage takes.

Processes on this machine do it: a scheduler, workers of one thread each, a client. A first round loads kernels and is not counted.
Tables have medians of CPU and the least time on the clock, with what the same command takes for few reads or 1 kb taken off.
``--model`` measures nothing, and computes from what is in ``scaling.json`` what large work takes; ``--keep`` makes that file anew.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

from scaling_cluster import Spent, spend, started
from scaling_model import model

from compare import HERE, SMALL_REGION, compare_arguments, data_folder, machine, make_data, run

BATCH: Final = 65_536  # reads; those of the aligner when workers are elsewhere
BATCHES: Final = {"modern": 8, "ancient": 4}
FEW: Final = 100  # pairs, from which insert sizes can be estimated
SIZES, QUICK_SIZES = (5_000_000, 160_000_000), (5_000_000,)
STAGE_SIZES: Final = (5_000_000, 20_000_000, 160_000_000)
COMPARED: Final = 5_000_000  # positions
REPEATS, QUICK_REPEATS = 3, 1
FIGURES: Final = HERE / "scaling.json"

#: Of ``compare``: samples, scheme, and bytes of memory, of which the last make ranges as short as 1,000 samples and 1 GiB do.
COMPARISONS: Final = (
    (2, "all-pairs", 1 << 30),
    (10, "all-pairs", 1 << 30),
    (10, "REF", 1 << 30),
    (10, "REF", 11 << 20),
)

_MB: Final = 1e6


@dataclass(frozen=True)
class Case:
    """A command to time.

    Parameters
    ----------
    name
        What the table calls it.
    command, start
        Arguments of the interpreter, and those of the same command with next to nothing to do.
    units
        How many reads, or Mb of all samples, there are.
    scale
        What a second is multiplied by: figures are in microseconds for a read, in milliseconds for a Mb.
    """

    name: str
    command: tuple[str, ...]
    start: tuple[str, ...]
    units: float
    scale: float


def align_cases(folder: Path, sizes: Sequence[int], out: str) -> Iterator[Case]:
    """Single reads and pairs, of both kinds, on genomes of several sizes."""
    for size in sizes:
        run((str(HERE / "align_data.py"), str(folder), str(size)))
        for kind, batches in BATCHES.items():
            for files in (1, 2):
                names = [f"{kind}.{size}{f'.{number}' * (files - 1)}.fq" for number in range(1, files + 1)]
                paths = [folder / name for name in names]
                reads = batches * BATCH
                many = [_repeated(path, reads // files, Path(out).parent) for path in paths]
                few = [_repeated(path, FEW, Path(out).parent) for path in paths]
                index = str(folder / f"genome.{size}.fa")
                arguments = ("-m", "colonnade", "align", "--quiet", "--force", "--index", index, "-f", f"{out}.bam")
                preset = ("--preset", "ancient") * (kind == "ancient")
                name = f"align, {'pairs' if files == 2 else 'single'}, {kind}, {size // 1_000_000} Mb"
                yield Case(name, (*arguments, *preset, *many), (*arguments, *preset, *few), reads, 1e6)


def compare_cases(folder: Path, samples: Sequence[int], out: str) -> Iterator[Case]:
    """All pairs of samples."""
    for number in samples:
        reference, bams = make_data(folder, COMPARED, number)
        command = compare_arguments(reference, bams, out, threads=1)
        start = compare_arguments(reference, bams, out, threads=1, regions=[SMALL_REGION])
        yield Case(f"compare, {number} samples", command, start, number * COMPARED / _MB, 1e3)


def _repeated(fastq: Path, reads: int, folder: Path) -> str:
    """A file of so many reads: those of another one, again and again."""
    path = folder / f"{fastq.stem}.{reads}.fq"
    if not path.exists():
        with path.open("w") as target:
            while reads:
                with fastq.open() as file:
                    lines = list(islice(file, 4 * reads))
                target.writelines(lines)
                reads -= len(lines) // 4
    return str(path)


def measure(cases: Sequence[Case], repeats: int) -> dict[str, dict[str, Spent]]:
    """By case and by how it is done: by ``threads`` (two), ``one`` worker, and ``two``; without what starting takes."""
    taken: dict[tuple[str, str], list[tuple[Spent, Spent]]] = {}
    with started(1) as one, started(2) as two:
        ways: dict[str, Callable[[Sequence[str]], Spent]] = {
            "threads": lambda arguments: spend([*arguments, "--threads", "2"]),
            "one": one.spend,
            "two": two.spend,
        }
        for number in range(repeats + 1):
            for case in cases:
                for way, spent in ways.items():
                    _say(f"round {number} of {repeats}: {case.name}, {way}")
                    both = spent(case.command), spent(case.start)
                    if number:
                        taken.setdefault((case.name, way), []).append(both)
    _say("")
    return {case.name: {way: _net(taken[case.name, way]) for way in ways} for case in cases}


def _net(runs: Sequence[tuple[Spent, Spent]]) -> Spent:
    commands, starts = zip(*runs, strict=True)
    return Spent.middle(commands).less(Spent.middle(starts))


def rows(cases: Sequence[Case], medians: Mapping[str, Mapping[str, Spent]]) -> Iterator[str]:
    """Lines of Markdown."""
    yield (
        "| case | CPU of 2 threads | of workers | client | scheduler | overhead | wall, s: 2 threads, 1 and 2 workers "
        "| ratio | alone | own core | peak MiB: client, scheduler, worker |"
    )
    yield "|---|" + "---:|" * 10
    for case in cases:
        threads, one, two = (medians[case.name][way] for way in ("threads", "one", "two"))
        unit = case.scale / case.units
        alone, elsewhere = _ratios(one, two)
        yield (
            f"| {case.name} | {threads.cpu * unit:.2f} | {two.workers * unit:.2f} | {two.client * unit:.2f} "
            f"| {two.scheduler * unit:.2f} | {two.cpu / threads.cpu - 1:+.0%} "
            f"| {threads.wall:.1f}, {one.wall:.1f}, {two.wall:.1f} "
            f"| {one.wall / two.wall:.2f} | {alone:.2f} | {elsewhere:.2f} "
            f"| {two.client_peak:.0f}, {two.scheduler_peak:.0f}, {two.worker_peak:.0f} |"
        )


def _ratios(one: Spent, two: Spent) -> tuple[float, float]:
    """Wall time of one worker over two, where nobody else uses these two cores; and where client and scheduler have others.

    A worker computes or is idle; of two workers each lacks half of what client and scheduler take.
    """
    before, after = one.workers + one.idle, two.workers / 2 + two.idle
    return before / (after + (two.client + two.scheduler) / 2), before / after


def travel(repeats: int) -> dict[str, dict[str, float]]:
    """CPU milliseconds of each role for a task, and for each MB that is sent to workers and that comes back."""
    small, large, size = 400, 40, 8 << 20
    sent = size / _MB
    tasks = {
        "start": ("1", "10", "none"),
        "small": (str(small), "1000", "none"),
        "sent": (str(large), str(size), "none"),
        "back": (str(large), str(size), "back"),
    }
    taken: dict[str, list[Spent]] = {name: [] for name in tasks}
    with started(2) as processes:
        for number in range(repeats + 1):
            for name, arguments in tasks.items():
                _say(f"round {number} of {repeats}: tasks, {name}")
                spent = processes.spend((str(HERE / "travel_one.py"), *arguments))
                taken[name] += [spent] * bool(number)
    middle = {name: Spent.middle(several) for name, several in taken.items()}
    result = {}
    for role in ("client", "scheduler", "workers"):
        start, *rest = (1e3 * getattr(middle[name], role) for name in tasks)
        task, one_way, both = (
            (spent - start) / count for spent, count in zip(rest, (small, large, large), strict=True)
        )
        result[role] = {"task": task, "sent_MB": (one_way - task) / sent, "back_MB": (both - one_way) / sent}
    return result


def align_stages(folder: Path, scratch: Path) -> Iterator[dict[str, Any]]:
    """What each stage takes in microseconds for a read, and its bytes, by kind, single or pairs, and genome."""
    for size in STAGE_SIZES:
        run((str(HERE / "align_data.py"), str(folder), str(size)))
        for kind in BATCHES:
            for files in (1, 2):
                names = [f"{kind}.{size}{f'.{number}' * (files - 1)}.fq" for number in range(1, files + 1)]
                reads = [_repeated(folder / name, 2 * BATCH // files, scratch) for name in names]
                index = str(folder / f"genome.{size}.fa")
                said = _stages("align", kind, index, str(scratch / "stages.bam"), *reads)
                first, *second = said["passes"]
                last = second[0] if second else {}
                unit = 1e6 / (2 * BATCH)
                bytes_unit = 1 / (2 * BATCH)
                yield {
                    "kind": kind, "files": files, "genome": size,
                    "reading": first["asking"] * unit,
                    "search": first["step 1"] * unit,
                    "locate": first["step 2"] * unit,
                    "pickling": (first["pickling"] + last.get("pickling", 0)) * unit,
                    "spooling": (first["taking"] * bool(second) + last.get("asking", 0)) * unit,
                    "finish": last.get("step 1", 0) * unit,
                    "writing": (last["taking"] if second else first["taking"]) * unit,
                    "sent": first["sent"] * bytes_unit,
                    "between": first["between"] * bytes_unit,
                    "returned": first["returned"] * bytes_unit,
                    "sent_2": last.get("sent", 0) * bytes_unit,
                    "returned_2": last.get("returned", 0) * bytes_unit,
                }  # fmt: skip


def compare_stages(folder: Path, scratch: Path) -> Iterator[dict[str, Any]]:
    """What a comparison takes in milliseconds for a Mb and sample, and its bytes."""
    for samples, scheme, memory in COMPARISONS:
        reference, bams = make_data(folder, COMPARED, samples)
        said = _stages("compare", scheme, str(memory), reference, str(scratch / "stages"), *bams)
        (only,) = said["passes"]
        mb = samples * COMPARED / _MB
        comparisons = samples if scheme == "REF" else samples * (samples - 1) // 2
        within = sum(only[name] for name in ("asking", "step 1", "pickling", "taking"))
        yield {
            "samples": samples, "scheme": scheme, "memory": memory, "comparisons": comparisons, "tasks": only["tasks"],
            "worker": only["step 1"] / mb * 1e3,
            "taking": (only["taking"] + only["pickling"]) / mb * 1e3,
            "rest": (said["seconds"] - within) / mb * 1e3,
            "returned": only["returned"] / mb,
        }  # fmt: skip


def _stages(*arguments: str) -> dict[str, Any]:
    _say(f"stages of {' '.join(arguments[:2])}")
    command = [sys.executable, str(HERE / "stages_one.py"), *arguments]
    said: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return said


def stage_rows(figures: Mapping[str, Any]) -> Iterator[str]:
    """Lines of Markdown."""
    names = ("search", "locate", "finish", "pickling", "reading", "spooling", "writing")
    sizes = ("sent", "between", "returned", "sent_2", "returned_2")
    yield f"| align, us for a read | {' | '.join(names)} | {' | '.join(f'bytes {name}' for name in sizes)} |"
    yield "|---|" + "---:|" * (len(names) + len(sizes))
    for stage in figures["align"]:
        label = f"{'pairs' if stage['files'] == 2 else 'single'}, {stage['kind']}, {stage['genome'] // 1_000_000} Mb"
        cells = [f"{stage[name]:.2f}" for name in names] + [f"{stage[name]:.0f}" for name in sizes]
        yield f"| {label} | {' | '.join(cells)} |"
    yield ""
    yield "| compare, ms for a Mb and sample | memory | tasks | workers | client, by result | client, at the end | bytes back |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for stage in figures["compare"]:
        yield (
            f"| {stage['samples']} samples, {stage['scheme']} | {stage['memory'] >> 20} MiB | {stage['tasks']} "
            f"| {stage['worker']:.1f} | {stage['taking']:.2f} | {stage['rest']:.2f} | {stage['returned']:.0f} |"
        )
    yield ""
    yield "| role | ms a task | ms a MB sent | ms a MB returned |"
    yield "|---|---:|---:|---:|"
    for role, costs in figures["travel"].items():
        yield f"| {role} | {costs['task']:.2f} | {costs['sent_MB']:.2f} | {costs['back_MB']:.2f} |"


def _say(text: str) -> None:
    print(f"\r{text:<70}", end="" if text else "\r", file=sys.stderr, flush=True)


def main() -> None:
    """Measure and print, or compute."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the smallest genome, two samples, one round")
    parser.add_argument("--repeats", type=int, help=f"rounds that count (default: {REPEATS}, or {QUICK_REPEATS})")
    parser.add_argument("--only", help="cases whose names have this")
    parser.add_argument("--stages", action="store_true", help="only what stages and tasks take")
    parser.add_argument("--data", type=Path, help="folder to keep the data in, and to find it again")
    parser.add_argument("--keep", action="store_true", help="what stages and tasks take is what --model computes with")
    parser.add_argument("--model", action="store_true", help="measure nothing, compute what large work takes")
    chosen = parser.parse_args()
    if chosen.model:
        print("\n".join(model(json.loads(FIGURES.read_text()))))
        return
    repeats = chosen.repeats or (QUICK_REPEATS if chosen.quick else REPEATS)
    with data_folder(chosen.data) as folder, tempfile.TemporaryDirectory() as scratch:
        if not chosen.stages:
            out = str(Path(scratch, "out"))
            cases = [
                *align_cases(folder, QUICK_SIZES if chosen.quick else SIZES, out),
                *compare_cases(folder, (2,) if chosen.quick else (2, 10), out),
            ]
            cases = [case for case in cases if (chosen.only or "") in case.name]
            print("CPU of align in microseconds for a read, of compare in milliseconds for a Mb and sample.\n")
            print("\n".join(rows(cases, measure(cases, repeats))))
        if chosen.stages or not (chosen.quick or chosen.only):
            figures = {
                "date": f"{datetime.now(UTC):%Y-%m-%d}",
                "machine": list(machine()),
                "travel": travel(repeats),
                "align": list(align_stages(folder, Path(scratch))),
                "compare": list(compare_stages(folder, Path(scratch))),
            }
            print("\n".join(["", *stage_rows(figures)]))
            if chosen.keep:
                FIGURES.write_text(json.dumps(figures, indent=1) + "\n")
    print("\n".join(["", *machine()]))


if __name__ == "__main__":
    main()

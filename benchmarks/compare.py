"""Time colonnade beside samtools and pysam on the same data, as ratios from one run.

Each measurement is a process of its own. This one imports nothing large: a child starts with its parent's pages, and
they would count towards the child's peak memory.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

HERE: Final = Path(__file__).parent
SIZE, QUICK_SIZE = 5_000_000, 500_000
TEN_SIZE, QUICK_TEN_SIZE = 5_000_000, 100_000
REPEATS, QUICK_REPEATS = 5, 2
COLD_REGION: Final = "chr1:1-20,000"
SMALL_REGION: Final = "chr1:1-1,000"

PYSAM_START: Final = "import pysam"
TALLY_START: Final = "colonnade tally of 1 kb"
COMPARE_START: Final = "colonnade compare of 1 kb"
VIEW: Final = "samtools view -c"
MPILEUP: Final = "samtools mpileup -B"
LOAD: Final = "colonnade, loading records"
TALLY: Final = "colonnade tally"
TALLY_2: Final = "colonnade tally, 2 threads"
COMPARE_1: Final = "colonnade compare, 1 thread"
COMPARE_2: Final = "colonnade compare, 2 threads"
TEN_START: Final = "colonnade compare of ten, 1 kb"
TALLY_TEN: Final = "colonnade tally of ten"
COMPARE_TEN: Final = "colonnade compare of ten (45 pairs), 1 thread"
COMPARE_TEN_2: Final = "colonnade compare of ten (45 pairs), 2 threads"

COUNT_COVERAGE: Final = (
    "import pysam, sys; file = pysam.AlignmentFile(sys.argv[1]);"
    "[file.count_coverage(name, quality_threshold=5) for name in file.references]"
)

COLUMNS: Final = (
    "task", "user s", "system s", "wall s", "peak MiB", "user less start-up", "per view -c", "speed-up over mpileup",
)  # fmt: skip


@dataclass(frozen=True)
class Task:
    """A command to time.

    Parameters
    ----------
    name
        What the table calls it.
    arguments
        Of the Python interpreter.
    start
        Name of the task that only starts up; None for one that is a start itself.
    samples
        How many BAM files it reads: ratios are per file.
    """

    name: str
    arguments: tuple[str, ...]
    start: str | None = None
    samples: int = 1


@dataclass(frozen=True)
class Usage:
    """Seconds and mebibytes of one process, or their medians."""

    user: float
    system: float
    wall: float
    peak: float

    @classmethod
    def middle(cls, usages: Sequence["Usage"]) -> "Usage":
        """The median of each."""
        return cls(*(median(getattr(usage, name) for usage in usages) for name in ("user", "system", "wall", "peak")))


def make_tasks_of_ten(reference: str, bams: Sequence[str], output: str) -> list[Task]:
    """What is timed with ten samples."""
    compare = partial(compare_arguments, reference, bams, output)
    tally = (str(HERE / "tally_all.py"), reference, *bams)
    return [
        Task(TEN_START, compare(threads=1, regions=[SMALL_REGION])),
        Task(TALLY_TEN, tally, TALLY_START, samples=len(bams)),
        Task(COMPARE_TEN, compare(threads=1), TEN_START, samples=len(bams)),
        Task(COMPARE_TEN_2, compare(threads=2), TEN_START, samples=len(bams)),
    ]


def make_tasks(reference: str, bams: Sequence[str], output: str) -> list[Task]:
    """What is timed with one or two samples."""
    one = bams[0]
    view = f"{PYSAM_START}; pysam.samtools.view('-c', {one!r})"
    # Without catch_stdout=False pysam overrides -o, and reads the whole text back into memory.
    options = "'-B', '-d', '0', '-Q', '5', '-q', '10', '-o', '/dev/null'"
    mpileup = f"pysam.samtools.mpileup({options}, {one!r}, catch_stdout=False)"
    compare = partial(compare_arguments, reference, bams, output)
    return [
        Task(PYSAM_START, ("-c", PYSAM_START)),
        Task(TALLY_START, (str(HERE / "tally_one.py"), reference, one, "1", SMALL_REGION)),
        Task(COMPARE_START, compare(threads=1, regions=[SMALL_REGION])),
        Task(VIEW, ("-c", view), PYSAM_START),
        Task(MPILEUP, ("-c", f"{PYSAM_START}; {mpileup}"), PYSAM_START),
        Task("pysam count_coverage", ("-c", COUNT_COVERAGE, one), PYSAM_START),
        Task(LOAD, (str(HERE / "load_one.py"), one), TALLY_START),
        Task(TALLY, (str(HERE / "tally_one.py"), reference, one, "1"), TALLY_START),
        Task(TALLY_2, (str(HERE / "tally_one.py"), reference, one, "2"), TALLY_START),
        Task(COMPARE_1, compare(threads=1), COMPARE_START, samples=2),
        Task(COMPARE_2, compare(threads=2), COMPARE_START, samples=2),
    ]


def compare_arguments(
    reference: str, bams: Sequence[str], output: str, *, threads: int, regions: Sequence[str] = ()
) -> tuple[str, ...]:
    """Arguments of the interpreter to compare samples, all pairs, all outputs."""
    inputs = [f"s{number}={bam}" for number, bam in enumerate(bams)]
    where = [option for region in regions for option in ("-r", region)]
    options = ("--reference", reference, "-o", output, "--threads", str(threads), "--force", "--quiet")
    return ("-m", "colonnade", "compare", *inputs, *options, *where)


def run(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> Usage:
    """Run the interpreter on these arguments and see what it used."""
    begin = perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.DEVNULL, env={**os.environ, **(environment or {})}
    )
    _, status, usage = os.wait4(process.pid, 0)
    wall = perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"failed with status {process.returncode}: {' '.join(arguments)}")
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return Usage(usage.ru_utime, usage.ru_stime, wall, usage.ru_maxrss / unit)


def measure(tasks: Sequence[Task], repeats: int) -> dict[str, Usage]:
    """Medians by task: rounds of all tasks, after one that is not counted, so that a busy moment hits them all."""
    taken: dict[str, list[Usage]] = {task.name: [] for task in tasks}
    for number in range(repeats + 1):
        for task in tasks:
            print(f"\rround {number} of {repeats}: {task.name:<40}", end="", file=sys.stderr, flush=True)
            taken[task.name].append(run(task.arguments))
    print(f"\r{'':<60}\r", end="", file=sys.stderr)
    return {name: Usage.middle(usages[1:]) for name, usages in taken.items()}


def compile_seconds(reference: str, bams: Sequence[str], output: str) -> float:
    """How much longer a short comparison takes when no kernel has been compiled yet."""
    arguments = compare_arguments(reference, bams, output, threads=1, regions=[COLD_REGION])
    with tempfile.TemporaryDirectory() as cache:
        cold, warm = (run(arguments, {"NUMBA_CACHE_DIR": cache}) for _ in range(2))
    return cold.wall - warm.wall


def table(tasks: Sequence[Task], medians: Mapping[str, Usage]) -> Iterator[str]:
    """Lines of Markdown."""

    def net(task: Task) -> float:
        return medians[task.name].user - (medians[task.start].user if task.start else 0)

    per_sample = {task.name: net(task) / task.samples for task in tasks}
    yield f"| {' | '.join(COLUMNS)} |"
    yield "|---" + "|---:" * (len(COLUMNS) - 1) + "|"
    for task in tasks:
        usage = medians[task.name]
        cells = [task.name, f"{usage.user:.2f}", f"{usage.system:.2f}", f"{usage.wall:.2f}", f"{usage.peak:.0f}"]
        if task.start:
            own = per_sample[task.name]
            cells += [f"{net(task):.2f}"]
            if task.name not in (TALLY_TEN, COMPARE_TEN, COMPARE_TEN_2):  # of other data
                cells += [f"{own / per_sample[VIEW]:.2f}", f"{per_sample[MPILEUP] / own:.1f}"]
        yield f"| {' | '.join(cells + [''] * (len(COLUMNS) - len(cells)))} |"
    yield ""
    yield f"- compare of two / (2 x tally), user less start-up: {per_sample[COMPARE_1] / per_sample[TALLY]:.2f}"
    ratio = per_sample[COMPARE_TEN] / per_sample[TALLY_TEN]
    yield f"- compare of ten, 45 comparisons / tally of ten, user less start-up: {ratio:.2f}"
    for what, one, two, start in (
        ("tally", TALLY, TALLY_2, TALLY_START),
        ("compare of two", COMPARE_1, COMPARE_2, COMPARE_START),
        ("compare of ten", COMPARE_TEN, COMPARE_TEN_2, TEN_START),
    ):
        walls = [medians[name].wall - medians[start].wall for name in (one, two)]
        yield f"- {what}, wall of 1 thread / wall of 2 threads, less start-up: {walls[0] / walls[1]:.2f}"


def machine() -> Iterator[str]:
    """Facts that the numbers depend on."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    yield f"- CPU: {model}, {os.cpu_count()} cores; load at the end {os.getloadavg()[0]:.1f}"
    samtools = subprocess.run(
        [sys.executable, "-c", "import pysam.version; print(pysam.version.__samtools_version__)"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    versions = [f"{name} {version(name)}" for name in ("colonnade", "pysam", "numba", "numpy", "deflate")]
    yield f"- Python {sys.version.split()[0]}, {', '.join(versions)}, samtools (in pysam) {samtools}"


def make_data(folder: Path, size: int, samples: int) -> tuple[str, list[str]]:
    """The reference and the BAM files, made unless they are there."""
    run((str(HERE / "data.py"), str(folder), "--size", str(size), "--samples", str(samples)))
    names = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")[:samples]
    return str(folder / f"reference.{size}.fa"), [str(folder / f"{name}.{size}.bam") for name in names]


@contextmanager
def data_folder(chosen: Path | None) -> Iterator[Path]:
    """The folder that was chosen, or one that disappears."""
    if chosen is not None:
        yield chosen
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def main() -> None:
    """Make the data, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the data, two repeats")
    parser.add_argument("--repeats", type=int, help=f"rounds that count (default: {REPEATS}, or {QUICK_REPEATS})")
    parser.add_argument("--data", type=Path, help="folder to keep the data in, and to find it again")
    options = parser.parse_args()
    size = QUICK_SIZE if options.quick else SIZE
    repeats = options.repeats or (QUICK_REPEATS if options.quick else REPEATS)
    with data_folder(options.data) as folder, tempfile.TemporaryDirectory() as output:
        ten_size = QUICK_TEN_SIZE if options.quick else TEN_SIZE
        reference, bams = make_data(folder, size, 2)
        prefix = str(Path(output) / "out")
        tasks = [
            *make_tasks(reference, bams, prefix),
            *make_tasks_of_ten(*make_data(folder, ten_size, 10), prefix),
        ]
        medians = measure(tasks, repeats)
        compiling = compile_seconds(reference, bams, prefix)
    print(f"Two samples of {size:,} positions and ten of {ten_size:,}, 30x; medians of {repeats}.\n")
    print("\n".join(table(tasks, medians)))
    print(f"- compiling all kernels, once after an installation: {compiling:.1f} s")
    print("\n".join(machine()))


if __name__ == "__main__":
    main()

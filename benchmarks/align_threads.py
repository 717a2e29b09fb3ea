"""What a second thread brings to the aligner, and what the machine allows: two processes at once, each with the whole work.

Pairs of ``align.py`` on its smallest genome, four times over, as a run is to be long beside what start-up varies by.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from align import FEW, QUICK_SIZES, align_arguments
from compare import HERE, data_folder, machine, run

TIMES: Final = 4
REPEATS: Final = 4


def copies(fastq: Path, times: int, out: Path) -> str:
    """A file of the same reads several times, under names of their own."""
    lines = fastq.read_text().splitlines(keepends=True)
    with out.open("w") as file:
        for number in range(times):
            for start in range(0, len(lines), 4):
                file.write(f"@{number}{lines[start][1:]}")
                file.writelines(lines[start + 1 : start + 4])
    return str(out)


def few(fastq: Path, out: Path) -> str:
    """A file of its first reads, for what a start takes."""
    out.write_text("".join(fastq.read_text().splitlines(keepends=True)[: 4 * FEW]))
    return str(out)


def seconds(*commands: tuple[str, ...]) -> float:
    """Time on the clock until all of these, begun at once, have ended."""
    begin = time.perf_counter()
    running = [subprocess.Popen((sys.executable, "-m", "colonnade", *command, "--quiet")) for command in commands]
    if sum(abs(process.wait()) for process in running):
        raise SystemExit("a command has failed")
    return time.perf_counter() - begin


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=REPEATS, help=f"rounds that count (default: {REPEATS})")
    parser.add_argument("--data", type=Path, help="folder to keep the data in, and to find it again")
    chosen = parser.parse_args()
    (size,) = QUICK_SIZES
    with data_folder(chosen.data) as folder, tempfile.TemporaryDirectory() as scratch:
        run((str(HERE / "align_data.py"), str(folder), str(size)))
        files = [folder / f"modern.{size}.{number}.fq" for number in (1, 2)]
        reads = [copies(file, TIMES, Path(scratch, file.name)) for file in files]
        first = [few(file, Path(scratch, f"few.{file.name}")) for file in files]

        def align(reads: list[str], threads: int, out: str) -> tuple[str, ...]:
            return align_arguments(str(folder / f"genome.{size}.fa"), reads, str(Path(scratch, out)), threads)

        rounds = []
        for _ in range(chosen.repeats + 1):
            start = seconds(align(first, 1, "a"))
            one = seconds(align(reads, 1, "a")) - start
            two = seconds(align(reads, 2, "a")) - start
            both = seconds(align(reads, 1, "a"), align(reads, 1, "b")) - start
            rounds.append((one, two, both, one / two, 2 * one / both))
    print("| wall s less start-up: one thread | two threads | two processes at once | ratio | of the processes |")
    print("|---:|---:|---:|---:|---:|")
    for figures in (*rounds[1:], tuple(map(statistics.median, zip(*rounds[1:], strict=True)))):
        print(f"| {' | '.join(f'{figure:.2f}' for figure in figures)} |")
    print("\nThe last line has medians.\n")
    print("\n".join(machine()))


if __name__ == "__main__":
    main()

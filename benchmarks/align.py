"""Time and memory of the aligner beside Debian's bwa, as ratios from one run.

Every task is a process of its own; rounds are interleaved, the first is not counted, and the table has medians.
"""

import argparse
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from compare import HERE, Task, Usage, data_folder, machine, measure, run

SIZES, QUICK_SIZES = (5_000_000, 20_000_000, 160_000_000), (5_000_000,)
REPEATS, QUICK_REPEATS = 3, 2
ANCIENT_LETTERS: Final = ("-l", "16500", "-n", "0.01", "-o", "2")
KINDS: Final = {"modern": ((), ()), "ancient": (ANCIENT_LETTERS, ("--preset", "ancient"))}

ALN, SEARCH, CHAIN, ALIGN, ALIGN_2 = (
    "bwa aln",
    "search alone",
    "bwa aln, samse, to BAM",
    "colonnade align",
    "colonnade align, 2 threads",
)
START: Final = ", start"

#: bwa in the place of the interpreter, so that what is measured is bwa.
BWA: Final = """
import os, sys
os.dup2(os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
os.execvp("bwa", sys.argv[2:])
"""
#: What users run: three commands and two files between them.
CHAIN_SCRIPT: Final = """
import subprocess, sys, pysam
fasta, fastq, out, *letters = sys.argv[1:]
quiet = {"check": True, "stderr": subprocess.DEVNULL}
subprocess.run(["bwa", "aln", *letters, "-f", out + ".sai", fasta, fastq], **quiet)
subprocess.run(["bwa", "samse", "-f", out + ".sam", fasta, out + ".sai", fastq], **quiet)
pysam.samtools.view("-b", "-o", out, out + ".sam", catch_stdout=False)
"""


def make_tasks(folder: Path, size: int, kind: str, out: str) -> list[Task]:
    """What is timed with one genome and one kind of reads."""
    fasta, fastq = str(folder / f"genome.{size}.fa"), str(folder / f"{kind}.{size}.fq")
    few = str(_first_read(Path(fastq)))
    letters, options = KINDS[kind]

    def aln(reads: str) -> tuple[str, ...]:
        return "-c", BWA, f"{out}.sai", "bwa", "aln", *letters, fasta, reads

    def align(reads: str, threads: int) -> tuple[str, ...]:
        command = ("-m", "colonnade", "align", "--quiet", "--force", "--threads", str(threads), *options)
        return *command, "--index", fasta, "--output", f"{out}.bam", reads

    def search(reads: str) -> tuple[str, ...]:
        return str(HERE / "search_one.py"), fasta, reads, kind

    def chain(reads: str) -> tuple[str, ...]:
        return "-c", CHAIN_SCRIPT, fasta, reads, f"{out}.bam", *letters

    return [
        Task(ALN + START, aln(few)),
        Task(SEARCH + START, search(few)),
        Task(CHAIN + START, chain(few)),
        Task(ALIGN + START, align(few, 1)),
        Task(ALN, aln(fastq), ALN + START),
        Task(SEARCH, search(fastq), SEARCH + START),
        Task(CHAIN, chain(fastq), CHAIN + START),
        Task(ALIGN, align(fastq, 1), ALIGN + START),
        Task(ALIGN_2, align(fastq, 2), ALIGN + START),
    ]


def _first_read(fastq: Path) -> Path:
    """A file of one read, for what a start costs."""
    path = fastq.with_suffix(".one.fq")
    with fastq.open() as file:
        path.write_text("".join(next(file) for _ in range(4)))
    return path


def rows(label: str, tasks: Sequence[Task], medians: dict[str, Usage]) -> Iterator[str]:
    """Lines of Markdown for one genome and kind."""
    net = {task.name: medians[task.name].user - (medians[task.start].user if task.start else 0) for task in tasks}
    for task in tasks:
        if task.start:
            usage = medians[task.name]
            peer = {SEARCH: ALN, ALIGN: CHAIN}.get(task.name)
            ratio = f"{net[peer] / net[task.name]:.2f}" if peer else ""
            if task.name == ALIGN_2:
                walls = [medians[name].wall - medians[task.start].wall for name in (ALIGN, ALIGN_2)]
                ratio = f"wall {walls[0] / walls[1]:.2f}"
            yield (
                f"| {label} | {task.name} | {usage.user:.2f} | {usage.wall:.2f} | {net[task.name]:.2f} | {ratio} "
                f"| {usage.peak:.0f} |"
            )


def compile_seconds(folder: Path, size: int, out: str) -> float:
    """How much longer the first alignment after an installation takes."""
    arguments = make_tasks(folder, size, "modern", out)[3].arguments
    with tempfile.TemporaryDirectory() as cache:
        cold, warm = (run(arguments, {"NUMBA_CACHE_DIR": cache}) for _ in range(2))
    return cold.wall - warm.wall


def main() -> None:
    """Make the data, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the smallest genome, two repeats")
    parser.add_argument("--repeats", type=int, help=f"rounds that count (default: {REPEATS}, or {QUICK_REPEATS})")
    parser.add_argument("--sizes", type=int, nargs="+", help="of the genomes")
    parser.add_argument("--data", type=Path, help="folder to keep the data in, and to find it again")
    chosen = parser.parse_args()
    if shutil.which("bwa") is None:
        raise SystemExit("bwa is not installed")
    sizes = chosen.sizes or (QUICK_SIZES if chosen.quick else SIZES)
    repeats = chosen.repeats or (QUICK_REPEATS if chosen.quick else REPEATS)
    lines = []
    with data_folder(chosen.data) as folder, tempfile.TemporaryDirectory() as scratch:
        out = str(Path(scratch, "out"))
        for size in sizes:
            run((str(HERE / "align_data.py"), str(folder), str(size)))
            for kind in KINDS:
                tasks = make_tasks(folder, size, kind, out)
                lines += rows(f"{size // 1_000_000} Mb, {kind}", tasks, measure(tasks, repeats))
        compiling = compile_seconds(folder, sizes[0], out)
    print(f"Single reads: 200,000 of 75 bases, and 100,000 of 50 with damaged ends; medians of {repeats}.\n")
    print("| genome, reads | task | user s | wall s | user less start-up | ratio | peak MiB |")
    print("|---|---|---:|---:|---:|---:|---:|")
    print("\n".join(lines))
    print(f"\n- compiling, the first time: {compiling:.1f} s")
    print("\n".join(machine()))


if __name__ == "__main__":
    main()

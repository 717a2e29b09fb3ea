"""Time and memory of the aligner, with single reads and with pairs, beside Debian's bwa, as ratios from one run.

Every task is a process of its own; rounds are interleaved, the first is not counted, and the table has medians.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
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
PAIR_CHAIN, PAIRS, PAIRS_2 = (
    "pairs: bwa aln twice, sampe, to BAM",
    "pairs: colonnade align",
    "pairs: colonnade align, 2 threads",
)
START: Final = ", start"
FEW: Final = 100  # pairs, from which insert sizes can be estimated, so that all kernels are loaded
PEERS: Final = {SEARCH: ALN, ALIGN: CHAIN, PAIRS: PAIR_CHAIN}
ON_ONE_THREAD: Final = {ALIGN_2: ALIGN, PAIRS_2: PAIRS}

#: bwa in the place of the interpreter, so that what is measured is bwa.
BWA: Final = """
import os, sys
os.dup2(os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
os.execvp("bwa", sys.argv[2:])
"""
#: What users run: three commands and two files between them; of pairs, four and three.
CHAIN_SCRIPT: Final = """
import subprocess, sys, pysam
fasta, out, reads, *letters = sys.argv[1:]
reads = reads.split(",")
quiet = {"check": True, "stderr": subprocess.DEVNULL}
sai = [f"{out}.{number}.sai" for number in range(len(reads))]
for path, fastq in zip(sai, reads):
    subprocess.run(["bwa", "aln", *letters, "-f", path, fasta, fastq], **quiet)
subprocess.run(["bwa", "sampe" if reads[1:] else "samse", "-f", out + ".sam", fasta, *sai, *reads], **quiet)
pysam.samtools.view("-b", "-o", out, out + ".sam", catch_stdout=False)
"""


def make_tasks(folder: Path, size: int, kind: str, out: str) -> list[Task]:
    """What is timed with one genome and one kind of reads."""
    fasta, stem = str(folder / f"genome.{size}.fa"), str(folder / f"{kind}.{size}")
    single, pairs = [f"{stem}.fq"], [f"{stem}.1.fq", f"{stem}.2.fq"]
    one, few_pairs = [_first_reads(single[0], 1)], [_first_reads(path, FEW) for path in pairs]
    letters, options = KINDS[kind]

    def aln(reads: list[str]) -> tuple[str, ...]:
        return "-c", BWA, f"{out}.sai", "bwa", "aln", *letters, fasta, *reads

    def search(reads: list[str]) -> tuple[str, ...]:
        return str(HERE / "search_one.py"), fasta, *reads, kind

    def chain(reads: list[str]) -> tuple[str, ...]:
        return "-c", CHAIN_SCRIPT, fasta, f"{out}.bam", ",".join(reads), *letters

    def align(reads: list[str], threads: int) -> tuple[str, ...]:
        return "-m", "colonnade", *align_arguments(fasta, reads, out, threads), *options, "--quiet"

    return [
        Task(ALN + START, aln(one)),
        Task(SEARCH + START, search(one)),
        Task(CHAIN + START, chain(one)),
        Task(ALIGN + START, align(one, 1)),
        Task(PAIR_CHAIN + START, chain(few_pairs)),
        Task(PAIRS + START, align(few_pairs, 1)),
        Task(ALN, aln(single), ALN + START),
        Task(SEARCH, search(single), SEARCH + START),
        Task(CHAIN, chain(single), CHAIN + START),
        Task(ALIGN, align(single, 1), ALIGN + START),
        Task(ALIGN_2, align(single, 2), ALIGN + START),
        Task(PAIR_CHAIN, chain(pairs), PAIR_CHAIN + START),
        Task(PAIRS, align(pairs, 1), PAIRS + START),
        Task(PAIRS_2, align(pairs, 2), PAIRS + START),
    ]


def align_arguments(fasta: str, reads: list[str], out: str, threads: int) -> tuple[str, ...]:
    """The command that aligns."""
    return "align", "--force", "--threads", str(threads), "--index", fasta, "--output", f"{out}.bam", *reads


def _first_reads(fastq: str, count: int) -> str:
    """A file of few reads, for what a start costs."""
    path = Path(fastq).with_suffix(".one.fq")
    with open(fastq) as file:
        path.write_text("".join(islice(file, 4 * count)))
    return str(path)


def rows(label: str, tasks: Sequence[Task], medians: dict[str, Usage], spool: str) -> Iterator[str]:
    """Lines of Markdown for one genome and kind."""
    net = {task.name: medians[task.name].user - (medians[task.start].user if task.start else 0) for task in tasks}
    for task in tasks:
        if task.start:
            usage = medians[task.name]
            peer = PEERS.get(task.name)
            ratio = f"{net[peer] / net[task.name]:.2f}" if peer else ""
            if one := ON_ONE_THREAD.get(task.name):
                walls = [medians[name].wall - medians[task.start].wall for name in (one, task.name)]
                ratio = f"wall {walls[0] / walls[1]:.2f}"
            yield (
                f"| {label} | {task.name} | {usage.user:.2f} | {usage.wall:.2f} | {net[task.name]:.2f} | {ratio} "
                f"| {usage.peak:.0f} | {spool if task.name == PAIRS else ''} |"
            )


def spool_size(fasta: str, reads: list[str], out: str) -> tuple[int, int]:
    """How many reads wait between the passes, and in how many bytes, as the command says it."""
    command = (sys.executable, "-m", "colonnade", *align_arguments(fasta, reads, out, 1), "--verbose")
    told = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    reads_waiting, size_waiting = re.search(r"(\d+) reads wait in a file of (\d+) bytes", told).groups()
    return int(reads_waiting), int(size_waiting)


def spool_cell(folder: Path, size: int, kind: str, out: str) -> str:
    """What waits of the pairs that are timed."""
    pairs = [str(folder / f"{kind}.{size}.{number}.fq") for number in (1, 2)]
    reads_waiting, size_waiting = spool_size(str(folder / f"genome.{size}.fa"), pairs, out)
    return f"{size_waiting / 2**20:.0f} MiB, {size_waiting / reads_waiting:.0f} B/read"


def compile_seconds(folder: Path, size: int, out: str) -> float:
    """How much longer the first alignment after an installation takes."""
    tasks = make_tasks(folder, size, "modern", out)
    arguments = next(task.arguments for task in tasks if task.name == PAIRS + START)
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
    print("Single reads: 200,000 of 75 bases, and 100,000 of 50 with damaged ends.")
    print(f"Pairs: 100,000 of 2 x 75 bases, and 50,000 of 2 x 50 with damaged ends. Medians of {repeats}.\n")
    print("| genome, reads | task | user s | wall s | user less start-up | ratio | peak MiB | between the passes |")
    print("|---|---|---:|---:|---:|---:|---:|---:|", flush=True)
    with data_folder(chosen.data) as folder, tempfile.TemporaryDirectory() as scratch:
        out = str(Path(scratch, "out"))
        for size in sizes:
            run((str(HERE / "align_data.py"), str(folder), str(size)))
            for kind in KINDS:
                tasks = make_tasks(folder, size, kind, out)
                spool = spool_cell(folder, size, kind, out)
                measured = rows(f"{size // 1_000_000} Mb, {kind}", tasks, measure(tasks, repeats), spool)
                print("\n".join(measured), flush=True)
        compiling = compile_seconds(folder, sizes[0], out)
    print(f"\n- compiling, the first time: {compiling:.1f} s")
    print("\n".join(machine()))


if __name__ == "__main__":
    main()

"""Time and memory of the pileup beside samtools mpileup and pysam, as ratios from one run.

Every task is a process of its own; rounds are interleaved, the first is not counted, and the table has medians.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from compare import (
    HERE,
    PYSAM_START,
    QUICK_REPEATS,
    QUICK_SIZE,
    REPEATS,
    SIZE,
    SMALL_REGION,
    Task,
    Usage,
    data_folder,
    machine,
    measure,
    run,
)

TEXT_START: Final = "colonnade pileup of 1 kb"
ARRAYS_START: Final = "cn.pileup of 1 kb"
SAMTOOLS: Final = "samtools mpileup -B"
SAMTOOLS_REFERENCE: Final = "samtools mpileup -B -f"
TEXT: Final = "colonnade pileup"
TEXT_2: Final = "colonnade pileup, 2 threads"
TEXT_REFERENCE: Final = "colonnade pileup -f"
EMPTY_LOOP: Final = "pysam, for column in pileup: pass"
READS_LOOP: Final = "pysam, for read in column.pileups"
POSITIONS_LOOP: Final = "pysam, get_query_positions()"
BASES_LOOP: Final = "pysam, get_query_positions() and get_query_sequences()"
BATCHES: Final = "cn.pileup, batches()"
POSITIONS: Final = "cn.pileup, columns(): query_positions"
BASES: Final = "cn.pileup, columns(): query_positions and bases"

MAKE_AMPLICON: Final = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from amplicon import make
make(Path(sys.argv[2]), int(sys.argv[3]))
"""

#: What is compared: ours, the peer, and whether by user CPU or by wall clock.
RATIOS: Final = (
    (TEXT, SAMTOOLS, "user"),
    (TEXT_REFERENCE, SAMTOOLS_REFERENCE, "user"),
    (TEXT_2, SAMTOOLS, "wall"),
    (BATCHES, EMPTY_LOOP, "user"),
    (BATCHES, READS_LOOP, "user"),
    (POSITIONS, POSITIONS_LOOP, "user"),
    (BASES, POSITIONS_LOOP, "user"),
    (BASES, BASES_LOOP, "user"),
)


def make_tasks(reference: str, bam: str) -> list[Task]:
    """What is timed."""

    def samtools(*options: str) -> tuple[str, ...]:
        # Without catch_stdout=False pysam overrides -o, and reads the whole text back into memory.
        texts = ", ".join(repr(text) for text in ("-B", *options, "-o", "/dev/null", bam))
        return "-c", f"{PYSAM_START}; pysam.samtools.mpileup({texts}, catch_stdout=False)"

    def text(*options: str, threads: int = 1) -> tuple[str, ...]:
        return "-m", "colonnade", "pileup", "--quiet", "--threads", str(threads), *options, bam

    def columns(way: str, *region: str) -> tuple[str, ...]:
        return str(HERE / "pileup_one.py"), way, bam, *region

    return [
        Task(PYSAM_START, ("-c", PYSAM_START)),
        Task(TEXT_START, text("-r", SMALL_REGION)),
        Task(ARRAYS_START, columns("columns-bases", SMALL_REGION)),
        Task(SAMTOOLS, samtools(), PYSAM_START),
        Task(TEXT, text(), TEXT_START),
        Task(TEXT_2, text(threads=2), TEXT_START),
        Task(SAMTOOLS_REFERENCE, samtools("-f", reference), PYSAM_START),
        Task(TEXT_REFERENCE, text("-f", reference), TEXT_START),
        Task(EMPTY_LOOP, columns("pysam"), PYSAM_START),
        Task(READS_LOOP, columns("pysam-reads"), PYSAM_START),
        Task(POSITIONS_LOOP, columns("pysam-positions"), PYSAM_START),
        Task(BASES_LOOP, columns("pysam-bases"), PYSAM_START),
        Task(BATCHES, columns("batches"), ARRAYS_START),
        Task(POSITIONS, columns("columns-positions"), ARRAYS_START),
        Task(BASES, columns("columns-bases"), ARRAYS_START),
    ]


def table(tasks: Sequence[Task], medians: Mapping[str, Usage]) -> Iterator[str]:
    """Lines of Markdown."""
    net = {
        task.name: {
            "user": medians[task.name].user - (medians[task.start].user if task.start else 0),
            "wall": medians[task.name].wall - (medians[task.start].wall if task.start else 0),
        }
        for task in tasks
    }
    yield "| task | user s | system s | wall s | peak MiB | user less start-up |"
    yield "|---|---:|---:|---:|---:|---:|"
    for task in tasks:
        usage = medians[task.name]
        own = f"{net[task.name]['user']:.2f}" if task.start else ""
        yield (f"| {task.name} | {usage.user:.2f} | {usage.system:.2f} | {usage.wall:.2f} | {usage.peak:.0f} | {own} |")
    yield ""
    yield "| | beside | ratio |"
    yield "|---|---|---:|"
    for ours, peer, kind in RATIOS:
        yield f"| {ours} | {peer}, {kind} less start-up | {net[peer][kind] / net[ours][kind]:.1f} x |"


def deep_table(folder: Path, n_reads: int) -> Iterator[str]:
    """Lines of Markdown: one run each on a deep amplicon, whose reads are all open at a few positions."""
    bam = folder / f"amplicon.{n_reads}" / "amplicon.bam"
    if not bam.exists():
        bam.parent.mkdir()
        validation = str(HERE.parent / "validation")
        run(("-c", MAKE_AMPLICON, validation, str(bam.parent), str(n_reads)))
    text = ("-m", "colonnade", "pileup", "--quiet", "--threads", "1", "--memory", "256M", str(bam))
    samtools = (
        f"{PYSAM_START}; pysam.samtools.mpileup('-B', '-o', '/dev/null', *{{}}, {str(bam)!r}, catch_stdout=False)"
    )
    tasks = {
        SAMTOOLS: ("-c", samtools.format("()")),
        f"{SAMTOOLS} -d 0": ("-c", samtools.format("('-d', '0')")),
        f"{TEXT} --memory 256M": text,
        f"{TEXT} --memory 256M -d 0": (*text, "-d", "0"),
        BATCHES: (str(HERE / "pileup_one.py"), "batches", str(bam)),
    }
    yield "| task | user s | peak MiB |"
    yield "|---|---:|---:|"
    for name, arguments in tasks.items():
        usage = run(arguments)
        yield f"| {name} | {usage.user:.0f} | {usage.peak:.0f} |"


def main() -> None:
    """Make the data, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the data, two repeats")
    parser.add_argument("--repeats", type=int, help=f"rounds that count (default: {REPEATS}, or {QUICK_REPEATS})")
    parser.add_argument("--data", type=Path, help="folder to keep the data in, and to find it again")
    parser.add_argument("--deep", type=int, metavar="READS", help="only peak memory on an amplicon of so many reads")
    options = parser.parse_args()
    if options.deep:
        with data_folder(options.data) as folder:
            print("\n".join(deep_table(folder, options.deep)))
        return
    size = QUICK_SIZE if options.quick else SIZE
    repeats = options.repeats or (QUICK_REPEATS if options.quick else REPEATS)
    with data_folder(options.data) as folder:
        run((str(HERE / "data.py"), str(folder), "--size", str(size)))
        tasks = make_tasks(str(folder / f"reference.{size}.fa"), str(folder / f"one.{size}.bam"))
        medians = measure(tasks, repeats)
    print(f"One sample of {size:,} positions, 30x; medians of {repeats}.\n")
    print("\n".join(table(tasks, medians)))
    print("\n".join(machine()))


if __name__ == "__main__":
    main()

"""Compare two samples, all tables: ``compare_two.py REFERENCE BAM BAM PREFIX THREADS [REGION ...]``."""

import sys

from colonnade.compare.engine import Question, compare_to_files


def main() -> None:
    """Write the tables to files that begin with the prefix."""
    reference, one, two, prefix, threads, *regions = sys.argv[1:]
    question = Question({"one": one, "two": two}, reference, regions=regions)
    compare_to_files(question, prefix, force=True, threads=int(threads))


if __name__ == "__main__":
    main()

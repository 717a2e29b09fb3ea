"""Short reads to alignments, equal to bwa's backtracking aligner: index, search, locate, finish."""

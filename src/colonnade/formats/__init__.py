"""Bytes to arrays and back, with no policy: BGZF, BAM headers, BAI, FASTA, result tables."""

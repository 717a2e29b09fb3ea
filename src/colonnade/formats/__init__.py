"""Bytes to arrays and back, with no policy: BGZF, BAM headers, BAI and CSI, FASTA, result tables."""

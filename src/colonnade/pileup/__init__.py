"""Columns: all reads at a position, as arrays, as objects, and as the text of ``samtools mpileup``."""

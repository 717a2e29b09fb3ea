"""Batches of checked BAM records, read filters, and overlapping mates."""

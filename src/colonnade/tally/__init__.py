"""Counts per position: bases, (base, quality, strand), indel events."""

"""Cutting regions into ranges of about as many bytes as asked for, from the indexes of BAM files."""

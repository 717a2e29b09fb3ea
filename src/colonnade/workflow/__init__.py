"""From a sheet of samples to alignments, comparisons and reports: only what is missing or out of date is made."""

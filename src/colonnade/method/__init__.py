"""The mathematics of comparing two populations at a locus: arrays in, arrays out."""

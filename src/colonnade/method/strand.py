"""The strand test: is the change between two samples the same on both strands?"""

import numpy as np
import numpy.typing as npt

from colonnade.method import strand_kernels as kernels

Evidence = npt.NDArray[np.int32]
PValues = npt.NDArray[np.float64]


def strand_p_values(evidence_1: Evidence, evidence_2: Evidence) -> PValues:
    """P-values (loci,) of the change between two samples being the same on both strands.

    The null hypothesis: in each sample the composition does not depend on the strand, so that which strand a read comes
    from is independent of its base. Then the change is the same on both strands, and the same whatever the mix of strands.
    A small p-value says that an allele shows more on one strand than on the other, which also makes a mere shift of the
    mix of strands look like a change.

    Parameters
    ----------
    evidence_1, evidence_2
        int32 (loci, 4, qualities, 2): how often each base was seen with each quality on forward and on reverse reads.

    Returns
    -------
    float64 (loci,)
        NaN where there is nothing to compare: in neither sample do the bases that change have reads on both strands, or
        nothing changes. 0 stands for anything below 1e-260.

    Notes
    -----
    Of the bases whose share rises from the first sample to the second, those that rise by at least half of what the
    foremost one does form one group; those that fall, likewise, the other. Other bases are left out: a stray error on the rarer
    strand must not decide. Each sample then is a 2x2 table of group and strand. Given the base counts and strand counts of
    each sample, the groups are fixed, and under the null the two tables are independent hypergeometric variables: p is the
    probability of all pairs of tables that are no more probable than the observed pair, as Freeman and Halton (1951) order
    tables. It is exact (relative error below 1e-9), so under the null no threshold is passed more often than it says.
    With one table it is Fisher's test. A sample whose reads all lie on one strand says nothing and does not alter p.

    The p-value is the same bits for swapped samples, swapped strands and permuted bases. It tells whether strands differ,
    not by how much: at depths of thousands a slight bias that never matters is found, too.

    Examples
    --------
    >>> evidence = np.zeros((2, 1, 4, 42, 2), np.int32)
    >>> evidence[0, 0, 1, 37], evidence[0, 0, 3, 37] = (88, 0), (0, 12)  # C on forward, T on reverse reads
    >>> evidence[1, 0, 1, 37], evidence[1, 0, 3, 37] = (69, 0), (0, 31)
    >>> bool(strand_p_values(evidence[0], evidence[1])[0] < 1e-30)
    True
    """
    return _p_values(_strand_counts(evidence_1), _strand_counts(evidence_2))


def reference_strand_p_values(evidence: Evidence, counts: npt.NDArray[np.int32]) -> PValues:
    """``strand_p_values`` against REF, given its base counts (loci, 4).

    REF has no strands, so p is that of Fisher's test on the sample's own table: the reference base, and the bases that replace it.
    """
    return _p_values(_strand_counts(evidence), np.stack([counts, np.zeros_like(counts)], axis=2).astype(np.int64))


def _strand_counts(evidence: Evidence) -> npt.NDArray[np.int64]:
    counts: npt.NDArray[np.int64] = evidence.sum(axis=2, dtype=np.int64)
    return counts


def _p_values(counts_1: npt.NDArray[np.int64], counts_2: npt.NDArray[np.int64]) -> PValues:
    p_values = np.empty(len(counts_1))
    kernels.strand_p_values(counts_1, counts_2, p_values)
    return p_values

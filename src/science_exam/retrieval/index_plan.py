"""Which index answers a single query within milliseconds, by the number of vectors and the memory for it.

Three kinds are enough, because the candidates of an inverted file are ranked again with the fp16
vectors that are on disk anyway: the codes in memory need only be good enough to propose them.
benchmarks/dense_index.py measures these kinds beside those that they made needless (8-bit and
16-bit codes, product quantization).
"""

from dataclasses import dataclass

from science_exam.errors import UserError

# One core compares a query with 23 to 31 GB of fp16 vectors a second: 50 to 65 ms.
EXACT_BYTES = 1_500_000_000
ROW_NUMBER_BYTES = 8

# As many lists as make choosing them and searching them cost about the same; more take hours of k-means.
LISTS_PER_ROOT = 4
MAX_LISTS = 16_384
VECTORS_PER_LIST = 50  # to train on: faiss asks for 39 at least
# The share of lists that holds 95% of the ten nearest vectors, on real and on synthetic text vectors.
PROBED_SHARE = 16
MIN_PROBES = 8


@dataclass(frozen=True)
class IndexPlan:
    """How to build and to search an index.

    Attributes:
        factory: faiss' name for it; "SQfp16" compares a query with every vector, all others are
            inverted files.
        nlist: clusters of an inverted file, 0 when there is none.
        nprobe: clusters searched a query.
        refine_factor: candidates a hit whose order is settled with the fp16 vectors; 0 for none.
        bytes_per_vector: its code and its row number.
        total_bytes: of memory while searching. The fp16 vectors of candidates come from disk; they
            are no part of it, but fast when the page cache has room for them.
        training_vectors: how many vectors the clusters are learned from.
        why: the reason for this kind, for people.
    """

    factory: str
    nlist: int
    nprobe: int
    refine_factor: int
    bytes_per_vector: int
    total_bytes: int
    training_vectors: int
    why: str


def choose_index(n_vectors: int, dim: int, memory_bytes: int) -> IndexPlan:
    """The first of `list_plans` that fits into the memory.

    Raises:
        UserError: nothing fits.
    """
    plans = list_plans(n_vectors, dim)
    for plan in plans:
        if plan.total_bytes <= memory_bytes:
            return plan
    wanted = ", ".join(f"{plan.factory} {plan.total_bytes / 1e9:.3f} GB" for plan in plans)
    raise UserError(
        f"an index of {n_vectors:,} vectors of {dim} numbers does not fit into {memory_bytes / 1e9:.3f} GB: "
        f"{wanted}; allow more (approximate_gb=…), or search exactly (approximate_gb=0)"
    )


def list_plans(n_vectors: int, dim: int) -> list[IndexPlan]:
    """The kinds of index of `n_vectors` fp16 vectors of `dim` numbers, the best one first.

    Exact search where it takes less than 0.1 s; then 2 bits a number, whose best 5 k candidates
    hold 99.5% of the k neighbours that are in the searched clusters; then 1 bit, 98% in 20 k.

    Source: Gao and Long, RaBitQ (2024); Gao et al., for several bits a number (2025).
    """
    exact = plan_exact(n_vectors, dim)
    sign_bytes = -(-dim // 8)
    # faiss keeps 8 bytes of factors beside the signs, and 12 more with a second bit.
    two_bits = plan_inverted_file("RaBitQ2", 2 * sign_bytes + 20, 5, n_vectors, dim)
    one_bit = plan_inverted_file("RaBitQ", sign_bytes + 8, 20, n_vectors, dim)
    return [exact] * (exact.total_bytes <= EXACT_BYTES) + [two_bits, one_bit]


def plan_exact(n_vectors: int, dim: int) -> IndexPlan:
    """Every vector is compared, in fp16: nothing to train, and nothing on disk but the vectors."""
    return IndexPlan(
        factory="SQfp16",
        nlist=0,
        nprobe=0,
        refine_factor=0,
        bytes_per_vector=2 * dim,
        total_bytes=2 * dim * n_vectors,
        training_vectors=0,
        why="few enough vectors to compare a query with all of them",
    )


def plan_inverted_file(
    codes: str, code_bytes: int, refine_factor: int, n_vectors: int, dim: int
) -> IndexPlan:
    """Clusters of vectors, each vector as a code of `code_bytes`, best candidates refined.

    Args:
        codes: faiss' name of the codes, such as "RaBitQ".
        code_bytes: of one vector.
        refine_factor: candidates a hit.
        n_vectors: in the index.
        dim: numbers in a vector.
    """
    nlist = max(1, min(round(LISTS_PER_ROOT * n_vectors**0.5), MAX_LISTS, n_vectors // VECTORS_PER_LIST))
    per_vector = code_bytes + ROW_NUMBER_BYTES
    return IndexPlan(
        factory=f"IVF{nlist},{codes}",
        nlist=nlist,
        nprobe=min(nlist, max(MIN_PROBES, nlist // PROBED_SHARE)),
        refine_factor=refine_factor,
        bytes_per_vector=per_vector,
        total_bytes=n_vectors * per_vector + nlist * dim * 4,  # centroids are fp32
        training_vectors=min(n_vectors, nlist * VECTORS_PER_LIST),
        why=f"{per_vector} bytes a vector in memory; {refine_factor} candidates a hit are read from disk",
    )

"""Matrix products."""

from cases import fixed, normal, op

BIASES = {"none": None, "vector": (4,), "row": (1, 4), "column": (3, 1), "matrix": (3, 4), "one": (1,), "scalar": ()}
PRODUCTS = {
    "2d-2d": ((3, 4), (4, 2)),
    "3d-2d": ((2, 3, 4), (4, 2)),
    "2d-3d": ((3, 4), (2, 4, 2)),
    "4d-4d": ((2, 2, 3, 4), (2, 2, 4, 2)),
    "4d-2d": ((2, 2, 3, 4), (4, 2)),
    "broadcast-batch": ((2, 1, 3, 4), (5, 4, 2)),
    "1d-2d": ((4,), (4, 3)),
    "2d-1d": ((3, 4), (4,)),
    "1d-1d": ((4,), (4,)),
    "1d-3d": ((4,), (2, 4, 3)),
    "3d-1d": ((2, 3, 4), (4,)),
}

EQUATIONS = {
    "matmul": ("ij,jk->ik", (3, 4), (4, 2)),
    "batch": ("bij,bjk->bik", (2, 3, 4), (2, 4, 2)),
    "attention-scores": ("bqhd,bkhd->bhqk", (2, 3, 2, 2), (2, 4, 2, 2)),
    "implicit": ("ik,jk", (3, 4), (2, 4)),
    "inner": ("i,i", (4,), (4,)),
    "outer-with-sum": ("ij,k->ik", (3, 4), (2,)),
    "transpose": ("ijk->kij", (2, 3, 4)),
    "sum": ("ij->i", (3, 4)),
    "diagonal": ("bii->bi", (2, 3, 3)),
    "trace": ("ii->", (3, 3)),
    "ellipsis": ("...ij,...jk->...ik", (2, 2, 3, 4), (2, 2, 4, 2)),
    "ellipsis-broadcast": ("...ij,jk->...ik", (2, 3, 4), (4, 2)),
    "ellipsis-of-one": ("...i,...i->...", (1, 4), (3, 4)),
    "three": ("bi,bj,ij->b", (2, 3), (2, 4), (3, 4)),
}


def gemm(form, a, b, bias, **attributes):
    return op(f"Gemm/{form}", normal(*a), normal(*b), None if bias is None else normal(*bias), **attributes)


CASES = [
    gemm("plain", (3, 5), (5, 4), (4,)),
    gemm("transA", (5, 3), (5, 4), (4,), transA=1),
    gemm("transB", (3, 5), (4, 5), (4,), transB=1),
    gemm("transA-transB", (5, 3), (4, 5), (4,), transA=1, transB=1),
    *(gemm(f"alpha-beta-{form}", (3, 5), (4, 5), bias, transB=1, alpha=0.5, beta=2.0) for form, bias in BIASES.items()),
    gemm("beta-zero", (3, 5), (5, 4), (4,), beta=0.0),
    op("Gemm/fixed-input", fixed(normal(3, 5)), normal(5, 4), normal(4)),
    op("MatMul/fixed-left", fixed(normal(3, 4)), normal(4, 2)),
    op("MatMul/fixed-right", normal(2, 3, 4), fixed(normal(4, 2))),
    *(op(f"Einsum/{form}", *(normal(*s) for s in shapes), equation=e) for form, (e, *shapes) in EQUATIONS.items()),
    *(op(f"MatMul/{form}", normal(*a), normal(*b)) for form, (a, b) in PRODUCTS.items()),
]

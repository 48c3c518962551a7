from collections.abc import Iterator

import pytest

from stanhier.basics.threads import one_blas_thread


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Keep BLAS to one thread, as building a model does: matrices are small."""
    with one_blas_thread():
        yield

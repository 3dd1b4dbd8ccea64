from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="session")
def _cache_of_this_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Models are exported once a session, away from the user's own cache.

    ``QA_TEST_CACHE_DIR`` names a directory that is kept from one session to the next.
    """
    kept = os.environ.get("QA_TEST_CACHE_DIR")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QA_CACHE_DIR", kept or str(tmp_path_factory.mktemp("cache")))
        yield

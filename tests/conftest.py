from __future__ import annotations

import os
from collections.abc import Iterator

import hypothesis
import pytest
from fakes import fake_reranker

from qa import cli, index

# No test may fail for its time, on a busy machine least of all; in CI every run is the same run.
hypothesis.settings.register_profile(
    "qa",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("qa")


@pytest.fixture(autouse=True, scope="session")
def _cache_of_this_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Models are exported once a session, away from the user's own cache.

    ``QA_TEST_CACHE_DIR`` names a directory that is kept from one session to the next.
    """
    kept = os.environ.get("QA_TEST_CACHE_DIR")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QA_CACHE_DIR", kept or str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def _no_real_reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Quick tests load no reader, not even those that leave the choice of one to qa."""
    if not any(request.node.get_closest_marker(name) for name in ("model", "browser")):
        for module in (cli, index):
            monkeypatch.setattr(module, "shared", fake_reranker)

"""Fixtures of the packaging tests."""

import pytest

from tests.packaging.rendered import OVERLAYS, Document, rendered


@pytest.fixture(scope="module", params=sorted(path.name for path in OVERLAYS.iterdir()))
def cluster(request: pytest.FixtureRequest) -> list[Document]:
    """All objects of one overlay."""
    return rendered(OVERLAYS / request.param)

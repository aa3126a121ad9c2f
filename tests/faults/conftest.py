"""Servers of these tests' own, which may be frozen and killed."""

from collections.abc import Iterator

import pytest

from faults.world import Servers, servers
from tests.support.models import Trained


@pytest.fixture(scope="session")
def own_servers(tmp_path_factory: pytest.TempPathFactory, trained: Trained) -> Iterator[Servers]:
    with servers(tmp_path_factory.mktemp("own"), trained) as made:
        yield made

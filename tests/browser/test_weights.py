"""What the first load of each page transfers, in bytes as they were sent, and nothing of it twice."""

from collections import Counter

import pytest
from playwright.sync_api import Browser, Request

from tests.support.browser import COMPLETE, Site, watch
from tests.support.lived_in import ADMIN, PLACES, LivedIn

pytestmark = pytest.mark.browser
MOST_BYTES = 150_000


def size(request: Request) -> int:
    sizes = request.sizes()
    return sizes["responseBodySize"] + sizes["responseHeadersSize"]


def first_load(chromium: Browser, site: Site, path: str) -> list[Request]:
    """What a browser that was never here asks for, to the last part that follows by itself."""
    loaded: list[Request] = []

    def keep(request: Request) -> None:
        loaded.append(request)

    watched = watch(chromium, site)
    watched.enter(ADMIN)
    watched.page.on("requestfinished", keep)
    watched.open(path).wait_for_function(COMPLETE)
    return loaded


@pytest.mark.parametrize("endpoint", PLACES)
def test_the_first_load_is_light(chromium: Browser, lived_in: LivedIn, endpoint: str) -> None:
    for path in lived_in.addresses(endpoint):
        loaded = first_load(chromium, lived_in.site, path)
        weights = [(size(request), request.url) for request in loaded]
        loaded[0].frame.page.context.close()
        assert len(weights) >= 4, "styles and fonts are counted"
        assert sum(weight for weight, _ in weights) <= MOST_BYTES, weights
        assert [url for url, times in Counter(url for _, url in weights).items() if times > 1] == []

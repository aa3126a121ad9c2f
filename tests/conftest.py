"""Fixtures live beside their subject in `tests/support`."""

import os

import pytest

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before the first import of onnxruntime

pytest_plugins = [
    "tests.support.services",
    "tests.support.databases",
    "tests.support.peers",
    "tests.support.report_peer",
    "tests.support.webhook_peer",
    "tests.support.models",
    "tests.support.stack",
    "tests.support.browser",
    "tests.support.staging",
    "tests.support.lived_in",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that nothing is waited for at the end."""
    items.sort(key=lambda item: "image" not in item.keywords)

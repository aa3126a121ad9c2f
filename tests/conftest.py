"""Fixtures live beside their subject in `tests/support`."""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before the first import of onnxruntime

pytest_plugins = [
    "tests.support.services",
    "tests.support.databases",
    "tests.support.peers",
    "tests.support.models",
    "tests.support.stack",
    "tests.support.browser",
]

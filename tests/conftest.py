"""Fixtures live beside their subject in `tests/support`."""

import os
from importlib.util import find_spec

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before the first import of onnxruntime

_PLUGINS = ("services", "databases", "peers", "models", "stack", "browser")
pytest_plugins = [f"tests.support.{name}" for name in _PLUGINS if find_spec(f"tests.support.{name}")]

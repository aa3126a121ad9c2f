"""How gunicorn serves `app:create_app()`."""

import gc
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

from app_settings import load_settings
from endpoints.serving.shares import Shares
from helpers.errors import UserError
from helpers.metrics_folder import metrics_folder

try:
    _settings = load_settings()
except UserError as error:
    sys.exit(f"Error: {error}")
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics_folder(_settings.var_dir.absolute() / "metrics"))

from prometheus_client import multiprocess  # it looks for the folder when it is imported

bind = f"{_settings.web_host}:{_settings.port}"
workers = _settings.web_concurrency
worker_class = "endpoints.serving.worker.Worker"
threads = 8
preload_app = True
timeout = 60
GARBAGE_OBJECTS = 10_000  # an answer makes hundreds of objects, none of them in a circle
PATIENCE_SECONDS = 20  # for requests under way, once the door is closed
graceful_timeout = PATIENCE_SECONDS + _settings.drain_seconds
keepalive = 75
control_socket_disable = True
forwarded_allow_ips = ""  # TRUSTED_PROXIES decides; else whoever is on this machine could set scheme and SCRIPT_NAME
# In memory: a heartbeat must not wait for a disk.
if Path("/dev/shm").is_dir():  # noqa: S108 # nosec B108
    worker_tmp_dir = "/dev/shm"  # noqa: S108 # nosec B108


_shares = Shares()


def pre_fork(server: Any, worker: Any) -> None:
    """What is loaded by now is never garbage: left alone by the collector its pages stay shared by all workers."""
    gc.freeze()
    worker.shares = _shares


def when_ready(server: Any) -> None:
    """Workers share what is loaded here. This process has gauges but never sets them: their zero would pass for the
    least of all."""
    server.app.wsgi().extensions["holdfast"].load_models()
    multiprocess.mark_process_dead(os.getpid())  # type: ignore[no-untyped-call]


def post_worker_init(worker: Any) -> None:
    """Models are loaded, where they were not before the fork, and caches warm before the first request."""
    worker.wsgi.extensions["holdfast"].ensure_started()
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS, *gc.get_threshold()[1:])


def pre_request(worker: Any, req: Any) -> None:
    """Whoever keeps a connection to a process that is about to stop should make the next one elsewhere."""
    if worker.draining:
        req.force_close()


def worker_exit(server: Any, worker: Any) -> None:
    """What was answered is shipped if it can be; what cannot be stays in the spool."""
    worker.wsgi.extensions["holdfast"].stop()


def child_exit(server: Any, worker: Any) -> None:
    _shares.leave(worker.age)
    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]

"""A whole Holdfast in processes of its own: web under gunicorn, worker and schedule, on chosen services."""

import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil
import requests
from sqlalchemy import Engine, text

from app_settings import Settings
from data.engine import build_engine
from data.schema import upgrade
from jobs.commands.up import PROCESSES

ROOT = Path(__file__).parents[2]
TOKEN = "the-token-of-this-deployment"
FOREIGN = frozenset(name.upper() for name in Settings.model_fields)
"""What may lead to somebody's own services."""
TIED = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
"""On Linux a process ends with the tests even where these are killed."""
_UPGRADING = threading.Lock()  # Alembic keeps what it is at in globals


def own_environment() -> dict[str, str]:
    """This process's environment without any setting of Holdfast, or of AWS."""
    return {name: value for name, value in os.environ.items() if name not in FOREIGN and not name.startswith("AWS_")}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tree(pid: int) -> list[psutil.Process]:
    """A process and all that it started."""
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def of_folder(var_dir: Path) -> list[psutil.Process]:
    """Every living process but this one that was started on the folder, whoever its parent is by now."""
    found = []
    for process in psutil.process_iter():
        try:
            own = process.pid != os.getpid() and process.environ().get("VAR_DIR") == str(var_dir)
            if own and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def kill_all_of_folder(var_dir: Path) -> None:
    """Kills them, and waits until they are gone."""
    while left := of_folder(var_dir):
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=10)


def insert_config(engine: Engine, **values: Any) -> None:
    """Plain SQL inserts, as a person would type them; structures are spelled as JSON."""
    with engine.begin() as connection:
        for key, value in values.items():
            spelled = value if isinstance(value, str) else json.dumps(value)
            connection.execute(
                text("insert into config (config_key, config_value) values (:key, :value)"),
                {"key": key, "value": spelled},
            )


class Deployment:
    """Starts and stops processes in one VAR_DIR; what they print goes to `VAR_DIR/NAME.log`."""

    def __init__(self, var_dir: Path, environ: Mapping[str, str]) -> None:
        self.var_dir = var_dir
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        given = {"VAR_DIR": str(var_dir), "PORT": str(self.port), "ACCESS_TOKEN": TOKEN, **environ}
        self.environ = {**own_environment(), "CI": "", "SECRET_KEY": "the-secret-of-this-deployment", **given}
        self.database_url = given.get("DATABASE_URL", f"sqlite:///{var_dir / 'holdfast.sqlite3'}")
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        var_dir.mkdir(parents=True, exist_ok=True)
        self.engine: Engine = build_engine(self.database_url)

    def __enter__(self) -> "Deployment":
        with _UPGRADING:
            upgrade(self.engine)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            for name in list(self.processes):
                self.stop(name)
        finally:
            kill_all_of_folder(self.var_dir)
            self.engine.dispose()

    def configure(self, **values: Any) -> None:
        insert_config(self.engine, **values)

    def start(self, name: str) -> None:
        """Starts `web`, `worker` or `schedule`; the web is waited for."""
        log = (self.var_dir / f"{name}.log").open("ab")
        self.processes[name] = subprocess.Popen(
            [*TIED, *PROCESSES[name]], cwd=ROOT, env=self.environ, stdout=log, stderr=log, start_new_session=True
        )
        log.close()
        if name == "web":
            self.wait_until_ready()

    def wait_until_ready(self, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                ready = requests.get(f"{self.url}/health/ready", timeout=5).ok
                if ready and len(self.web_workers()) == int(self.environ.get("WEB_CONCURRENCY", "2")):
                    return
            except (requests.ConnectionError, requests.Timeout):
                pass
            time.sleep(0.1)
        raise TimeoutError(f"not ready after {seconds} s:\n{self.log('web')[-3000:]}")

    def stop(self, name: str) -> None:
        """An orderly stop, as a supervisor would; after a while, SIGKILL of the whole tree."""
        process = self.processes.pop(name)
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._kill(process)

    def kill(self, name: str) -> None:
        """SIGKILL of the process and all that it started."""
        self._kill(self.processes.pop(name))

    def web_workers(self) -> list[psutil.Process]:
        """The processes that answer requests."""
        return psutil.Process(self.processes["web"].pid).children()

    def log(self, name: str) -> str:
        return (self.var_dir / f"{name}.log").read_text(encoding="utf-8")

    def post(self, path: str, body: Any, **options: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return requests.post(f"{self.url}{path}", json=body, headers=headers, timeout=30, **options)

    def scalar(self, query: str, **values: Any) -> Any:
        with self.engine.connect() as connection:
            return connection.execute(text(query), values).scalar()

    def wait_for(self, query: str, value: Any, seconds: float = 30) -> None:
        """Until the query's first value is `value`."""
        deadline = time.monotonic() + seconds
        while (found := self.scalar(query)) != value:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{query}: {found!r} instead of {value!r} after {seconds} s")
            time.sleep(0.1)

    def _kill(self, process: "subprocess.Popen[bytes]") -> None:
        if process.poll() is None:
            for each in reversed(tree(process.pid)):
                with suppress(psutil.NoSuchProcess):
                    each.kill()
        process.wait()

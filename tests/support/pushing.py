"""One process that changes a deployment's configuration by every way there is, every second time wrongly.

`python -m tests.support.pushing PLACE URL TOKEN` prints, as JSON, whether each push was acknowledged.
"""

import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import requests
import yaml
from click.testing import CliRunner

from helpers.logs import configure_logging
from jobs.commands.config import command
from jobs.context import wiring
from tests.support.deployment import insert_config
from tests.support.visitor import PASSWORD

PUSHES = 50
POISON = 0.011
BAD: tuple[Mapping[str, Any], ...] = (
    {"proba_cutoff": 7},
    {"watch_minutes": "soon"},
    {"experiment": '{"name": "half", "salt": "s", "arms": {"champ'},
    {"shadow": ["absent@1"]},
    {"experiment": {"name": "x", "salt": "s", "arms": {"champion": 0.7}}},
)
BAD_IN_FORM: tuple[Mapping[str, Any], ...] = (
    {"proba_cutoff": 7},
    {"watch_minutes": "soon"},
    {"layers": '{"half": {"share'},
    {"shadow": "absent@1"},
    {"call_list_capacity": -1},
)
TOKEN_FIELD = re.compile(r'name="csrf_token" value="([^"]+)"')
SEEN_FIELD = re.compile(r'name="seen" value="([^"]+)"')
Push = Callable[[Mapping[str, Any], str], bool]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`cutoff` is what a good push set; None for a bad one."""

    way: str
    cutoff: float | None
    acknowledged: bool


class Person:
    """Somebody with a browser, at the Config page."""

    def __init__(self, url: str, name: str, password: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._token = self._token_on("/login")
        self._post("/login", {"username": name, "password": password})
        self._token = self._token_on("/config")

    def push(self, values: Mapping[str, Any], reason: str) -> bool:
        """Whether what was typed came into force; where others were quicker, it is rehearsed once more."""
        seen = {f"was.{key}": "null" for key in values}
        found = self._post("/config", {**seen, **_typed(values), "reason": reason})
        if found.status_code == 422:
            return False
        path = found.url.removeprefix(self._url)
        while "In force" not in found.text:
            shown = self._post(path, {"do": "rehearse"}).text
            found = self._post(path, {"do": "promote", "seen": _field(SEEN_FIELD, shown)})
        return True

    def _token_on(self, path: str) -> str:
        page = self._session.get(f"{self._url}{path}", timeout=60).text
        return _field(TOKEN_FIELD, page)

    def _post(self, path: str, form: Mapping[str, str]) -> requests.Response:
        """The page that follows, or the one that says why not."""
        answer = self._session.post(f"{self._url}{path}", {**form, "csrf_token": self._token}, timeout=60)
        assert answer.status_code in (200, 422), answer.text
        return answer


def _field(pattern: re.Pattern[str], page: str) -> str:
    found = pattern.search(page)
    assert found, page
    return found[1]


def _typed(values: Mapping[str, Any]) -> dict[str, str]:
    """What the fields of the form hold."""
    cutoff = {"proba_cutoff": f"{100 * values['proba_cutoff']:.1f}"} if "proba_cutoff" in values else {}
    return {**{key: _text(value) for key, value in values.items()}, **cutoff}


def main(place: int, url: str, token: str) -> list[Outcome]:
    configure_logging()
    wiring().accounts.add(f"person{place}", "manager", PASSWORD, "a test")
    ways = _ways(url, token, Person(url, f"person{place}", PASSWORD))
    return [_pushed(place, number, ways) for number in range(PUSHES)]


def good_cutoff(place: int, number: int) -> float:
    """One of its own for every push."""
    return round(0.3 + 0.001 * (place * PUSHES + number), 3)


def _pushed(place: int, number: int, ways: Mapping[str, Push]) -> Outcome:
    way = list(ways)[number % len(ways)]
    turn = number // len(ways)
    reason = f"push {place}-{number}"
    if turn % 2 == 0:
        cutoff = good_cutoff(place, number)
        return Outcome(way, cutoff, ways[way]({"proba_cutoff": cutoff}, reason))
    kinds = BAD_IN_FORM if way == "page" else BAD
    wrong = kinds[(turn // 2 + number) % len(kinds)]
    poisoned = wrong if way == "sql" else {"proba_cutoff": POISON, **wrong}
    return Outcome(way, None, ways[way](poisoned, reason))


def _ways(url: str, token: str, person: Person) -> dict[str, Push]:
    def by_http(values: Mapping[str, Any], reason: str) -> bool:
        headers = {"Authorization": f"Bearer {token}"}
        body = {"values": dict(values), "reason": reason}
        reply = requests.post(f"{url}/v1/config", json=body, headers=headers, timeout=60)
        assert reply.status_code in (200, 422), reply.text
        return reply.status_code == 200

    def by_command(values: Mapping[str, Any], reason: str) -> bool:
        words = [word for key, value in values.items() for word in (key, _text(value))]
        return CliRunner().invoke(command, ["set", *words, "--reason", reason]).exit_code == 0

    def by_file(values: Mapping[str, Any], reason: str) -> bool:
        file = Path(f"{reason.replace(' ', '-')}.yaml")
        file.write_text(yaml.safe_dump(dict(values)), encoding="utf-8")
        return CliRunner().invoke(command, ["import", str(file), "--reason", reason]).exit_code == 0

    def by_sql(values: Mapping[str, Any], reason: str) -> bool:
        insert_config(wiring().engine, **{key: _text(value) for key, value in values.items()})
        return True

    return {"page": person.push, "http": by_http, "command": by_command, "file": by_file, "sql": by_sql}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


if __name__ == "__main__":
    outcomes = main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
    sys.stdout.write(f"\n{json.dumps([asdict(each) for each in outcomes])}\n")

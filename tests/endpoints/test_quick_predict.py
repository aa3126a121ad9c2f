"""The quick way of POST /predict says what the application says, and does what it does, for whatever comes."""

import io
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from apiflask import APIFlask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis
from sqlalchemy import func, select

from data.spool import SpoolFull
from data.tables import model_logs
from helpers.errors import UserError
from services.config.live import NotReady
from tests.support.deployment import TOKEN
from tests.support.models import Trained
from tests.support.stack import application, configure

OF_THE_MOMENT = ("prediction_id", "response_time", "recent_times_id_seen", "request_id", "stale_value", "unavailable")
BEARER = f"Bearer {TOKEN}"
Environ = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    status: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


class Breaking(io.BytesIO):
    """A body that breaks off as a socket does."""

    def read(self, *_size: Any) -> bytes:
        raise OSError("timed out")

    readinto = read  # type: ignore[assignment]


def sent(way: Any, environ: Environ) -> Reply:
    """Through one of the two ways, as a server would; each gets its own environ and stream."""
    told: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_more: Any) -> Any:
        told.append((status, headers))

    answered: Iterable[bytes] = way({**environ, "wsgi.input": stream_of(environ)}, start_response)
    body = b"".join(answered)
    getattr(answered, "close", lambda: None)()
    status, headers = told[-1]
    return Reply(status, headers, body)


def stream_of(environ: Environ) -> io.BytesIO:
    """A server that ends the body itself ends it where its length says."""
    raw, length = environ["wsgi.input"], environ.get("CONTENT_LENGTH", "")
    if raw is None:
        return Breaking()
    ends = environ.get("wsgi.input_terminated") and length.isdecimal() and len(length) < 20
    return io.BytesIO(raw[: int(length)] if ends else raw)


def environ_of(raw: bytes | None, **changes: Any) -> Environ:
    """That of a plain request to a server that ends the body itself, as gunicorn does; None takes a key away."""
    environ = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/predict",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost",
        "HTTP_AUTHORIZATION": BEARER,
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(raw or b"x")),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.input": raw,
        "wsgi.input_terminated": True,
        **changes,
    }
    return {name: value for name, value in environ.items() if value is not None or name == "wsgi.input"}


def comparable(reply: Reply, environ: Environ) -> Any:
    given_id = environ.get("HTTP_X_REQUEST_ID")
    kept = {(n, v) for n, v in reply.headers if n not in {"X-Request-ID", "Content-Length"}}
    ids = [v for n, v in reply.headers if n == "X-Request-ID"]
    assert len(ids) == 1
    document = reply.document if reply.body else None
    if isinstance(document, dict):
        document = {name: value for name, value in document.items() if name not in OF_THE_MOMENT}
        document["warnings"] = [each for each in document.get("warnings", ()) if each["code"] not in OF_THE_MOMENT]
    if environ["REQUEST_METHOD"] != "HEAD":
        assert [v for n, v in reply.headers if n == "Content-Length"] == [str(len(reply.body))]
    return reply.status, kept, document, ids[0] == given_id


class Ways:
    """One application, with the quick way in front of it and without; and what an answer leaves behind."""

    def __init__(self, app: APIFlask) -> None:
        self.wiring = app.extensions["holdfast"]
        quick: Any = app.wsgi_app
        self.quick, self.whole = quick, quick._application
        self.wiring.ensure_started()

    def both(self, environ: Environ) -> tuple[Any, Any]:
        return (comparable(sent(self.quick, environ), environ), comparable(sent(self.whole, environ), environ))


@pytest.fixture
def body(customer: dict[str, Any]) -> dict[str, Any]:
    return {"client_id": "7590-VHVEG", **customer}


@pytest.fixture(scope="module")
def drawn_app(
    tmp_path_factory: pytest.TempPathFactory, trained: Trained, embedded_redis_url: str
) -> Iterator[APIFlask]:
    folder = tmp_path_factory.mktemp("drawn")
    with application(folder, trained, embedded_redis_url, PUBLIC_URL="https://holdfast.example:8443") as app:
        configure(app, aliases=trained.aliases)
        yield app


HEADERS: dict[str, list[Any]] = {
    "REQUEST_METHOD": ["GET", "HEAD", "PUT", "OPTIONS", "DELETE", "PATCH", "post", "TRACE", "BREW"],
    "PATH_INFO": ["/v1/predict", "/predict/", "//predict", "/PREDICT", "/predict/batch", "/v1/predict/batch", "", "/"],
    "SCRIPT_NAME": ["/x", "/predict"],
    "QUERY_STRING": ["reasons=2", "reasons=x", "token=" + TOKEN, "&", "reasons"],
    "HTTP_HOST": ["holdfast.example", "holdfast.example:1", "evil.example", "", None, "a b", "localhost:99999", "é"],
    "HTTP_AUTHORIZATION": [
        None, "", "Bearer", "Bearer ", f"bearer {TOKEN}", f"BEARER {TOKEN}", f"Bearer  {TOKEN}", f"{BEARER} ",
        f"Bearer {TOKEN}, {BEARER}", "Bearer wrong", "Bearer ey.a.b", f"Basic {TOKEN}", TOKEN,
        f"Bearer\t{TOKEN}", f" {BEARER}", "Bearer \xff",
    ],
    "CONTENT_TYPE": [
        None, "", "application/json; charset=utf-8", "application/json;charset=utf-16", "Application/JSON",
        "application/json ", "text/plain", "application/vnd.api+json", "application/json, text/plain",
    ],
    "CONTENT_LENGTH": [None, "", "0", "1", "-1", "+5", "²", "1e3", "99999999999", "9" * 5_000, "007", "0x10"],
    "HTTP_IDEMPOTENCY_KEY": ["", " ", '""', "a b", "€"],
    "HTTP_CONTENT_ENCODING": ["", "identity", "gzip", "br"],
    "HTTP_TRANSFER_ENCODING": ["", "identity", "chunked"],
    "HTTP_X_REQUEST_ID": ["from-outside", "", "two words", "x" * 65, "a\x7f", "é"],
    "HTTP_X_FORWARDED_PROTO": ["https", "http", "https, http", "HTTPS"],
    "HTTP_X_FORWARDED_HOST": ["evil.example"],
    "HTTP_X_FORWARDED_FOR": ["6.6.6.6"],
    "HTTP_COOKIE": ["a=b", "holdfast-form=forged", "__Host-holdfast-form=x; session=y", ";;="],
    "HTTP_ACCEPT": ["text/html", "application/xml", "*/*;q=0", ""],
    "HTTP_ACCEPT_ENCODING": ["gzip", "br, gzip"],
    "HTTP_ORIGIN": ["https://evil.example", "null"],
    "HTTP_HX_REQUEST": ["true"],
    "HTTP_EXPECT": ["100-continue"],
    "HTTP_X_HTTP_METHOD_OVERRIDE": ["DELETE"],
    "HTTP_IF_NONE_MATCH": ["*"],
    "HTTP_RANGE": ["bytes=0-1"],
    "wsgi.url_scheme": ["https"],
    "wsgi.input_terminated": [None],
}  # fmt: skip
VALUES = [
    "0", "-0", "-0.0", "1", "1.0", "1e0", "1E+2", "1e16", "1e30", "1.1e30", "1e999", "-1e999", "18446744073709551616",
    "9007199254740993", "9" * 320, "9" * 5_000, "0.1000000000000000055511151231257827", "5e-324", "NaN", "Infinity",
    "-Infinity", "01", "1.", ".5", "+1", "0x1", "true", "false", "null", "True", '""', '"1"', '"a:b"', '"a\\u003ab"',
    '"::::"', '"\\ud800"', '"\\ud83d\\ude00"', '"😀"', '"\\u0000"', '"\\n"', '"\n"', '"\\x"', '"a\\/b"', '" abc "',
    '"äbc"', '"\u2028"', '"\x7f"', '"2024-02-30"', '"2024-02-29"', "[]", "{}", "[1]", '{"a": 1}', '{"a": 1, "a": 2}',
    "[" * 300 + "]" * 300, "[" * 5_000 + "]" * 5_000, "[" * 990 + "]" * 990, "2", "100", "101", "-1", "2.0", "1.5", "",
    '"' + "x" * 1_001 + '"', '"' + "x" * 190 + '"', '"' + "x" * 191 + '"',
]  # fmt: skip
EXTRA = [
    '"token": "x"', f'"token": "{TOKEN}"', '"token": null', '"tok\\u0065n": "x"', '"reasons": 3', '"reasons": 2.0',
    '"reasons": null', '"client_id": "twice"', '"client\\u005fid": "twice"', '"client\\u005fid": "a:b", "reasons": 1',
    '"shoe": 1', '"": 1', '"a:b": 1', '"instances": []', '"\\ud800": 1', '"customerID": "x"', '"key": 1', '"client_id"',
    '"client_id" "x"', ",",
]  # fmt: skip
FRAMES: list[tuple[bytes, bytes]] = [
    (b"\xef\xbb\xbf", b""), (b" \t\r\n", b" \n"), (b"\x0b", b""), (b"\xc2\xa0", b""), (b"", b"\0"), (b"", b"{}"),
    (b"[", b"]"), (b"", b","), (b"/**/", b""), (b"", b"\xff"), (b")]}',", b""), (b"", b" " * 100),
]  # fmt: skip


@st.composite
def spelled(draw: st.DrawFn, customer: dict[str, Any]) -> bytes:
    """A body like that of a plain request, with oddities."""
    fields = {name: json.dumps(value) for name, value in {"client_id": "drawn", **customer}.items()}
    for name in draw(st.lists(st.sampled_from([*fields, "reasons"]), max_size=2)):
        fields[name] = draw(st.sampled_from(VALUES))
    for name in draw(st.lists(st.sampled_from(list(customer)), max_size=1)):
        fields.pop(name, None)
    parts = [f"{json.dumps(name)}: {value}" for name, value in fields.items()]
    parts += draw(st.lists(st.sampled_from(EXTRA), max_size=1))
    before, after = draw(st.sampled_from([(b"", b"")] * 9 + FRAMES))
    charset = draw(st.sampled_from(["utf-8"] * 9 + ["utf-16", "latin-1", "utf-32"]))
    return before + ("{" + ", ".join(parts) + "}").encode(charset, "replace") + after


@st.composite
def requests(draw: st.DrawFn, customer: dict[str, Any]) -> Environ:
    raw = draw(spelled(customer))
    changes = {
        name: draw(st.sampled_from(HEADERS[name]))
        for name in draw(st.lists(st.sampled_from(list(HEADERS)), max_size=2))
    }
    cut = draw(st.sampled_from([0] * 9 + [1, 3, 50]))
    environ = environ_of(raw, **changes)
    body = None if draw(st.integers(0, 30)) == 30 else raw[: len(raw) - cut]
    return {**environ, "wsgi.input": body}


def test_both_ways_say_the_same_of_whatever_comes(drawn_app: APIFlask, customer: dict[str, Any]) -> None:
    ways = Ways(drawn_app)
    met = set()

    @settings(max_examples=400, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(requests(customer))
    def same(environ: Environ) -> None:
        quick, whole = ways.both(environ)
        assert quick == whole
        met.add(quick[0][:3])

    same()
    assert {"200", "400", "422"} <= met


def test_both_ways_say_the_same_of_each_oddity(drawn_app: APIFlask, customer: dict[str, Any]) -> None:
    ways = Ways(drawn_app)
    raw = json.dumps({"client_id": "drawn", **customer}).encode() + b"  "
    odd = [{name: value} for name, values in HEADERS.items() for value in values]
    lengths: list[Environ] = [{"CONTENT_LENGTH": str(len(raw) + more)} for more in (-3, -1, 1, 5)]
    unended: list[Environ] = [{**each, "wsgi.input_terminated": None} for each in lengths]
    for environ in [*(environ_of(raw, **each) for each in [*odd, *lengths, *unended]), environ_of(None)]:
        quick, whole = ways.both(environ)
        assert quick == whole, environ


class Passing:
    """Stands between the two ways and counts what is handed over."""

    def __init__(self, whole: Any) -> None:
        self._whole = whole
        self.times = 0

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        self.times += 1
        return self._whole(environ, start_response)  # type: ignore[no-any-return]


@pytest.fixture
def passing(app: APIFlask) -> Passing:
    quick: Any = app.wsgi_app
    passing = quick._application = Passing(quick._application)
    return passing


def test_a_plain_request_is_answered_without_the_application(
    app: APIFlask, passing: Passing, body: dict[str, Any]
) -> None:
    for path in ("/predict", "/v1/predict"):
        assert sent(app.wsgi_app, environ_of(json.dumps(body).encode(), PATH_INFO=path)).status == "200 OK"
    assert passing.times == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"QUERY_STRING": "reasons=1"},
        {"HTTP_IDEMPOTENCY_KEY": '"one"'},
        {"HTTP_IDEMPOTENCY_KEY": ""},
        {"HTTP_CONTENT_ENCODING": "identity"},
        {"HTTP_TRANSFER_ENCODING": "chunked"},
        {"CONTENT_TYPE": "application/json; charset=utf-8"},
        {"CONTENT_LENGTH": None},
        {"CONTENT_LENGTH": "9" * 5_000},
        {"HTTP_AUTHORIZATION": None},
        {"HTTP_AUTHORIZATION": f"bearer {TOKEN}"},
        {"HTTP_AUTHORIZATION": "Bearer wrong"},
        {"REQUEST_METHOD": "GET"},
        {"PATH_INFO": "/v1/predict/batch"},
    ],
)
def test_what_is_out_of_the_ordinary_is_the_applications(
    app: APIFlask, passing: Passing, body: dict[str, Any], changes: Environ
) -> None:
    sent(app.wsgi_app, environ_of(json.dumps(body).encode(), **changes))
    assert passing.times == 1


@pytest.mark.parametrize(
    "more", ['"client_id": "b"', '"client\\u005fid": "b"', f'"token": "{TOKEN}"', '"x": "a:b"', '"x": {}', '"x": NaN']
)
def test_a_body_that_needs_a_closer_look_is_the_applications(
    app: APIFlask, passing: Passing, body: dict[str, Any], more: str
) -> None:
    sent(app.wsgi_app, environ_of((json.dumps(body)[:-1] + f", {more}}}").encode()))
    assert passing.times == 1


@pytest.mark.parametrize("changes", [{}, {"wsgi.url_scheme": "https"}, {"HTTP_X_FORWARDED_PROTO": "https"}])
def test_both_ways_send_the_same_headers(app: APIFlask, body: dict[str, Any], changes: Environ) -> None:
    environ = environ_of(json.dumps(body).encode(), HTTP_X_REQUEST_ID="one", HTTP_COOKIE="a=b", **changes)
    ways = Ways(app)
    quick, whole = sent(ways.quick, environ), sent(ways.whole, environ)
    assert len(quick.headers) >= 8
    own = {name: value for name, value in quick.headers if name != "Content-Length"}
    assert own == {name: value for name, value in whole.headers if name != "Content-Length"}
    assert len(own) == len(quick.headers) - 1 == len(whole.headers) - 1
    assert ("Strict-Transport-Security" in own) == bool(changes)


def test_a_proxy_is_believed_where_one_is_trusted(
    tmp_path: Path, trained: Trained, embedded_redis_url: str, body: dict[str, Any]
) -> None:
    with application(
        tmp_path, trained, embedded_redis_url, TRUSTED_PROXIES="1", PUBLIC_URL="https://holdfast.example"
    ) as app:
        configure(app, aliases=trained.aliases)
        raw = json.dumps(body).encode()
        forwarded = {"HTTP_X_FORWARDED_PROTO": "https", "HTTP_X_FORWARDED_HOST": "holdfast.example"}
        reply = sent(app.wsgi_app, environ_of(raw, HTTP_HOST="10.0.0.1", **forwarded))
        assert (reply.status, "Strict-Transport-Security" in dict(reply.headers)) == ("200 OK", True)
        assert sent(app.wsgi_app, environ_of(raw, HTTP_X_FORWARDED_HOST="evil.example")).status == "400 BAD REQUEST"


class Traces:
    """What requests leave behind: log lines, counts, sightings and records."""

    def __init__(self, app: APIFlask, redis_url: str, client_id: str, log: io.StringIO) -> None:
        self.wiring = app.extensions["holdfast"]
        self._redis_url = redis_url
        self._key = f"holdfast:seen:{client_id}"
        self._log = log
        self._before = self._counts()
        self._log.truncate(0)

    def left(self) -> tuple[list[dict[str, Any]], dict[str, float]]:
        lines = [json.loads(line) for line in self._log.getvalue().lstrip("\0").splitlines()]
        return lines, {name: now - self._before[name] for name, now in self._counts().items()}

    def _counts(self) -> dict[str, float]:
        assert self.wiring.shipper.flush(10)
        with Redis.from_url(self._redis_url) as redis, self.wiring.engine.connect() as connection:
            seen = float(redis.zcard(self._key))
            failed = sum(sum(map(int, redis.hvals(key))) for key in redis.scan_iter("holdfast:failures:*"))
            rows = float(connection.execute(select(func.count()).select_from(model_logs)).scalar_one())
        requests = [
            sample.value
            for metric in self.wiring.metrics.requests.collect()
            for sample in metric.samples
            if sample.name.endswith("_total")
        ]
        return {"seen": seen, "failed": failed, "rows": rows, "requests": sum(requests)}


@pytest.fixture
def traces(app: APIFlask, embedded_redis_url: str) -> Iterator[Traces]:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    as_it_was, log = structlog.get_config(), io.StringIO()
    app.extensions["holdfast"].ensure_started()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(log))
    yield Traces(app, embedded_redis_url, "7590-VHVEG", log)
    structlog.configure(**as_it_was)


def lines_of(lines: list[dict[str, Any]], event: str) -> list[tuple[Any, ...]]:
    return [(line["route"], line["status"], line["request_id"]) for line in lines if line["event"] == event]


def test_an_answer_leaves_one_of_each(app: APIFlask, traces: Traces, body: dict[str, Any]) -> None:
    reply = sent(app.wsgi_app, environ_of(json.dumps(body).encode(), HTTP_X_REQUEST_ID="one"))
    lines, counts = traces.left()
    assert reply.status == "200 OK"
    assert lines_of(lines, "request") == [("/predict", 200, "one")]
    assert counts == {"seen": 1, "failed": 0, "rows": 1, "requests": 1}


def test_what_the_application_refuses_leaves_one_of_each(app: APIFlask, traces: Traces, body: dict[str, Any]) -> None:
    reply = sent(app.wsgi_app, environ_of(json.dumps({**body, "shoe": 1}).encode(), HTTP_X_REQUEST_ID="one"))
    lines, counts = traces.left()
    assert reply.status == "422 UNPROCESSABLE ENTITY"
    assert lines_of(lines, "request") == [("/predict", 422, "one")]
    assert counts == {"seen": 0, "failed": 0, "rows": 0, "requests": 1}


def test_a_model_that_breaks_is_counted_once(app: APIFlask, traces: Traces, body: dict[str, Any]) -> None:
    broken = traces.wiring.live.current().serving.models["champion"].model
    while hasattr(broken, "model"):
        broken = broken.model
    broken.__dict__.clear()
    reply = sent(app.wsgi_app, environ_of(json.dumps(body).encode()))
    lines, counts = traces.left()
    assert reply.status == "500 INTERNAL SERVER ERROR"
    assert lines_of(lines, "request") == [("/predict", 500, reply.document["request_id"])]
    assert counts == {"seen": 1, "failed": 1, "rows": 0, "requests": 1}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotReady("none"), 503),
        (SpoolFull("full"), 503),
        (UserError("tenure: gone", "tenure"), 422),
        (ZeroDivisionError(), 500),
    ],
)
def test_whatever_fails_after_the_sighting_is_said_by_the_application(
    app: APIFlask, traces: Traces, body: dict[str, Any], error: Exception, status: int
) -> None:
    def fail(_records: Any) -> None:
        time.sleep(0.03)
        raise error

    traces.wiring.predictions._record = fail
    reply = sent(app.wsgi_app, environ_of(json.dumps(body).encode()))
    lines, counts = traces.left()
    assert int(reply.status[:3]) == status
    assert ("Retry-After" in dict(reply.headers)) == (status == 503)
    assert lines_of(lines, "request") == [("/predict", status, dict(reply.headers)["X-Request-ID"])]
    assert counts == {"seen": 1, "failed": 0, "rows": 0, "requests": 1}
    (line,) = [each for each in lines if each["event"] == "request"]
    assert line["milliseconds"] > 30, "the time before the application took over counts"


def test_what_is_logged_on_the_way_has_the_id_that_is_answered(
    app: APIFlask, traces: Traces, body: dict[str, Any]
) -> None:
    def fail(_records: Any) -> None:
        traces.wiring.redis_guard.call(lambda: 1 // 0, None)
        raise SpoolFull("full")

    traces.wiring.predictions._record = fail
    reply = sent(app.wsgi_app, environ_of(json.dumps(body).encode()))
    lines, _ = traces.left()
    assert {line["event"] for line in lines} >= {"call_failed", "request"}
    said = {line["request_id"] for line in lines if line["event"] in {"call_failed", "request"}}
    assert said == {reply.document["request_id"]} == {dict(reply.headers)["X-Request-ID"]}

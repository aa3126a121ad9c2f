"""One JSON line an event, for our own events and those of libraries alike."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from structlog.contextvars import bound_contextvars, merge_contextvars
from structlog.typing import Processor

from helpers.any_json import any_json

_SHARED: tuple[Processor, ...] = (
    merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def configure_logging(level: str = "INFO") -> None:
    """Sends every event of this process to standard error as JSON. Calling it again is harmless."""
    threshold = logging.getLevelNamesMapping()[level]
    structlog.configure(
        processors=[
            *_SHARED,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_to_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_library_formatter())
    logging.basicConfig(level=max(threshold, logging.WARNING), handlers=[handler], force=True)


@contextmanager
def request_context(request_id: str | None) -> Iterator[None]:
    """Every event inside carries the request id, in whatever process the work goes on."""
    with bound_contextvars(request_id=request_id):
        yield


def _to_json(event: object, **_: object) -> str:
    return any_json(event).decode()


def _library_formatter() -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_SHARED, structlog.stdlib.add_logger_name],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_to_json),
        ],
    )

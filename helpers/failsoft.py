"""Calls on the way of an answer that may fail without the answer failing.

pybreaker holds one lock while the call runs, so that a hung server would make the threads of a
process wait for each other's timeouts; here the lock covers the bookkeeping alone.
"""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

import structlog

T = TypeVar("T")

log = structlog.get_logger()


class FailSoft:
    """A circuit breaker that answers a default where the call fails.

    After `failures` failures in a row nothing is tried for `rest` seconds; then one caller tries, and
    the others go on with the default until that try is through. `on_failure` is called with the
    error at each failed call, for counting.
    """

    def __init__(
        self,
        name: str,
        *,
        failures: int = 3,
        rest: float = 5.0,
        on_failure: Callable[[Exception], None] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._failures = failures
        self._rest = rest
        self._on_failure = on_failure
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._resting_until = 0.0

    @property
    def resting(self) -> bool:
        """Whether the last calls failed, and no later one has shown that the fault is over."""
        return self._in_a_row >= self._failures

    def call(self, what: Callable[[], T], default: T) -> T:
        """What `what()` returns, or `default` when it raises or is being rested. Never raises."""
        return self._tried(what, default) if self._may_try() else default

    def begin(self, what: Callable[[], Callable[[], T]], default: T) -> Callable[[], T]:
        """Likewise for a call in two parts: `what()` begins it and gives the function that ends it. So does this, and
        neither raises; only the end shows that all is well."""
        if not self._may_try():
            return lambda: default
        try:
            end = what()
        except Exception as error:  # noqa: BLE001
            self._failed(error)
            return lambda: default
        return lambda: self._tried(end, default)

    def _tried(self, what: Callable[[], T], default: T) -> T:
        try:
            answer = what()
        except Exception as error:  # noqa: BLE001
            self._failed(error)
            return default
        self._succeeded()
        return answer

    def _may_try(self) -> bool:
        if self._in_a_row < self._failures:
            return True
        with self._lock:
            now = self._monotonic()
            if now < self._resting_until:
                return False
            self._resting_until = now + self._rest
            return True

    def _failed(self, error: Exception) -> None:
        with self._lock:
            self._in_a_row += 1
            opened = self._in_a_row == self._failures
            if self.resting:
                self._resting_until = self._monotonic() + self._rest
        log.warning("call_failed", call=self._name, error=f"{type(error).__name__}: {error}", rested=opened)
        if self._on_failure is not None:
            self._on_failure(error)

    def _succeeded(self) -> None:
        if self._in_a_row == 0:
            return
        with self._lock:
            self._in_a_row = 0
        log.info("call_recovered", call=self._name)

"""Requests that a process answers one at a time."""

from collections.abc import Callable
from functools import wraps
from threading import Lock
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Answer = TypeVar("Answer")


def in_turn(view: Callable[Given, Answer]) -> Callable[Given, Answer]:
    """For a view that computes throughout and needs much memory: Python computes one thread's work at a time anyway, so
    that side by side such requests end no sooner, and each holds its memory for as long as all."""
    lock = Lock()

    @wraps(view)
    def taking_turns(*given: Given.args, **named: Given.kwargs) -> Answer:
        with lock:
            return view(*given, **named)

    return taking_turns

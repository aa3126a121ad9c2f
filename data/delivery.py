"""The two ways in which handing a message over fails, whatever carries it."""


class Refused(Exception):
    """It will never be taken."""


class Unavailable(Exception):
    """It could not be handed over now. `remaining`: who still lacks it, where some have got it; `pause`: the seconds
    that the other side asked us to wait."""

    def __init__(self, reason: str, remaining: tuple[str, ...] | None = None, pause: float = 0.0) -> None:
        super().__init__(reason)
        self.remaining = remaining
        self.pause = pause

"""What the page of scored files shows, gathered for its template."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from data.scoring_store import DONE, FAILED, RECEIVING, RUNNING, STOPPED
from endpoints.predict_view import Facts
from endpoints.times import ago
from services.scoring_jobs.care import BROKEN_OFF
from services.scoring_jobs.reading import Progress

LABELS = {RECEIVING: "Arriving", RUNNING: "Being scored", DONE: "Scored", STOPPED: "Stopped", FAILED: "Failed"}
WAITS = "waiting for a worker"
TOLD = {DONE: "is scored", STOPPED: "was stopped", FAILED: "failed"}


@dataclass(frozen=True, slots=True)
class FileRow:
    """One file. `left` says how long it will still take; `told` is for a screen reader when its state changes."""

    job_id: str
    name: str
    state: str
    label: str
    rows: int
    done: int
    refused: int
    left: str
    unused: Sequence[str]
    error: str
    created_at: datetime
    ago: str

    @property
    def scored(self) -> int:
        return self.done - self.refused

    @property
    def moves(self) -> bool:
        return self.state in (RECEIVING, RUNNING)

    @property
    def can_stop(self) -> bool:
        return self.state == RUNNING

    @property
    def can_go_on(self) -> bool:
        return self.state in (STOPPED, FAILED) and self.error != BROKEN_OFF

    @property
    def can_be_downloaded(self) -> bool:
        return self.done > 0 and not self.moves

    @property
    def told(self) -> str:
        return f"{self.name} {TOLD[self.state]}." if self.state in TOLD else ""


@dataclass(frozen=True, slots=True)
class FilesView:
    """The page: the files of whoever asks, or one of them, and what was wrong with an upload."""

    facts: Facts
    id_column: str
    columns: Sequence[str]
    most_bytes: int
    files: Sequence[FileRow]
    one: bool = False
    problem: str = ""
    tab: str = "files"


def file_row(found: Progress, now: datetime) -> FileRow:
    job = found.job
    return FileRow(
        job_id=job.job_id,
        name=job.file_name,
        state=job.state,
        label=LABELS[job.state],
        rows=job.rows,
        done=job.done,
        refused=job.refused,
        left=_left(found),
        unused=job.unused,
        error=job.error or "",
        created_at=job.created_at,
        ago=ago(job.created_at, now),
    )


def _left(found: Progress) -> str:
    if found.waits:
        return WAITS
    seconds = found.seconds_left
    if seconds is None:
        return ""
    if seconds < 60:
        return "less than a minute left"
    minutes = round(seconds / 60)
    return f"about {minutes:,} minute{'s' if minutes > 1 else ''} left"

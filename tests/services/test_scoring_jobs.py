"""Chunks of a file: claimed once, scored once as far as the ledger is concerned, and never forgotten."""

import io
from datetime import timedelta
from typing import Any

import pytest
import redis
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from data import audit_log, scoring_store
from data.queue import Queue
from data.scoring_store import DONE, FAILED, RUNNING, STOPPED, Job
from data.tables import model_logs, scoring_chunks
from helpers.errors import UserError
from services.scoring_jobs import care, reading
from services.scoring_jobs.intake import take_in
from services.scoring_jobs.scoring import CLAIM, MOST_ATTEMPTS, MOST_BEGUN, PAUSE, Scorer, prediction_id
from tests.support.clock import StandingClock
from tests.support.models import Trained
from tests.support.scoring import as_csv, customers

ROWS = 2_100


class Room:
    """A file in chunks, and everything that a worker has."""

    def __init__(self, app: Flask, trained: Trained, queue: Queue) -> None:
        self.wired = app.extensions["holdfast"]
        self.engine, self.queue = self.wired.engine, queue
        self.clock = StandingClock(self.wired.clock.now())
        self.trained = trained

    def take_in(self, number: int = ROWS) -> Job:
        text = as_csv(customers(self.trained.rows, number))
        schema = self.trained.schema
        return take_in(self.engine, self.clock, schema, io.BytesIO(text.encode()), "customers.csv", "anna")

    def scorer(self, **changes: Any) -> Scorer:
        wired = self.wired
        given = {"live": wired.live, "customers": wired.customers, "predictions": wired.predictions, **changes}
        return Scorer(self.engine, self.clock, **given)

    def job(self, job: Job) -> Job:
        with self.engine.connect() as connection:
            found = scoring_store.find(connection, job.job_id)
        assert found is not None
        return found

    def ledger(self) -> list[str]:
        assert self.wired.shipper.flush(20)
        with self.engine.connect() as connection:
            return list(connection.scalars(select(model_logs.c.prediction_id)))

    def sweep(self) -> int:
        return care.sweep(self.engine, self.queue, self.clock)


@pytest.fixture
def room(app: Flask, trained: Trained, redis_client: redis.Redis, redis_url: str) -> Room:
    return Room(app, trained, Queue(redis_url))


def test_each_chunk_leads_to_the_next_until_the_file_is_done(room: Room) -> None:
    job = room.take_in()
    assert [room.scorer().score(job.job_id, number) for number in range(3)] == [1, 2, None]
    found = room.job(job)
    assert (found.state, found.rows, found.done, found.refused) == (DONE, ROWS, ROWS, 0)
    answers = list(reading.answers(room.engine, job.job_id))
    assert [each["client_id"] for each in answers] == [f"c-{place:06}" for place in range(ROWS)]
    assert sorted(room.ledger()) == sorted(prediction_id(job.job_id, row) for row in range(1, ROWS + 1))


def test_a_chunk_whose_worker_died_before_it_was_kept_is_in_the_ledger_once(room: Room) -> None:
    job = room.take_in(300)
    with room.engine.begin() as connection:
        chunk = scoring_store.claim(connection, job.job_id, 0, room.clock.now(), room.clock.now() + CLAIM)
    assert chunk is not None
    room.scorer()._answers(chunk)  # recorded, and then the worker dies
    assert room.scorer().score(job.job_id, 0) is None
    assert room.job(job).done == 0, "its claim holds"
    assert room.sweep() == 0
    room.clock.move(CLAIM)
    assert room.sweep() == 1
    room.scorer().score(job.job_id, 0)
    assert (room.job(job).state, len(room.ledger())) == (DONE, 300)


def test_a_done_chunk_is_not_scored_again(room: Room) -> None:
    job = room.take_in(2)
    room.scorer().score(job.job_id, 0)
    room.clock.move(timedelta(days=1))
    assert room.scorer().score(job.job_id, 0) is None
    assert room.job(job).done == 2


def test_the_sweep_wakes_one_worker_for_each_running_file(room: Room) -> None:
    first, second = room.take_in(), room.take_in(5)
    assert room.sweep() == 2
    assert room.queue.waiting([f"{first.job_id}-0", f"{second.job_id}-0"]) == {
        f"{first.job_id}-0",
        f"{second.job_id}-0",
    }
    assert room.sweep() == 0
    care.stop(room.engine, room.clock, second)
    room.scorer().score(first.job_id, 0)
    assert room.sweep() == 1
    assert room.queue.waiting([f"{first.job_id}-1"]) == {f"{first.job_id}-1"}


class Failing:
    """A prediction service whose model is broken."""

    def answer_many(self, *_asked: object) -> Any:
        raise RuntimeError("the model is broken")


def test_a_model_that_fails_again_and_again_ends_the_file_which_can_go_on_later(room: Room) -> None:
    job = room.take_in()
    room.scorer().score(job.job_id, 0)
    for attempt in range(MOST_ATTEMPTS):
        assert room.job(job).state == RUNNING, attempt
        room.clock.move(PAUSE)
        assert room.scorer(predictions=Failing()).score(job.job_id, 1) is None
    found = room.job(job)
    assert (found.state, found.done) == (FAILED, 1_000)
    assert found.error == ("The model failed on rows 1,001 to 2,000 (RuntimeError). The rows before them are scored.")
    care.go_on(room.engine, room.clock, room.queue, found)
    assert room.queue.waiting([f"{job.job_id}-1"])
    assert [room.scorer().score(job.job_id, number) for number in (1, 2)] == [2, None]
    assert (room.job(job).state, room.job(job).error) == (DONE, None)


def test_a_chunk_that_kills_each_worker_ends_the_file_which_can_go_on_later(room: Room) -> None:
    job = room.take_in(2)
    for _ in range(MOST_BEGUN):
        now = room.clock.now()
        with room.engine.begin() as connection:
            assert scoring_store.claim(connection, job.job_id, 0, now, now + CLAIM), "and then its worker dies"
        room.clock.move(CLAIM)
    assert room.scorer().score(job.job_id, 0) is None
    found = room.job(job)
    assert (found.state, found.done) == (FAILED, 0)
    assert (found.error or "").startswith("Scoring rows 1 to 2 was begun 20 times and never ended")
    care.go_on(room.engine, room.clock, room.queue, found)
    room.scorer().score(job.job_id, 0)
    assert (room.job(job).state, room.job(job).error) == (DONE, None)


class Away:
    """A customer store that does not answer."""

    def look_up(self, _ids: object) -> None:
        raise OperationalError("select", {}, ConnectionError("it does not answer"))


def test_an_outage_puts_a_chunk_off_without_counting_against_it(room: Room) -> None:
    job = room.take_in(2)
    for _ in range(MOST_ATTEMPTS + 1):
        assert room.scorer(customers=Away()).score(job.job_id, 0) is None
        assert room.scorer().score(job.job_id, 0) is None, "not before its pause is over"
        room.clock.move(PAUSE)
    assert room.job(job).state == RUNNING
    room.scorer().score(job.job_id, 0)
    assert room.job(job).state == DONE


def test_stopping_finishes_the_chunk_in_hand_alone(room: Room) -> None:
    job = room.take_in()
    room.scorer().score(job.job_id, 0)
    care.stop(room.engine, room.clock, job)
    assert room.scorer().score(job.job_id, 1) is None
    assert (room.job(job).state, room.job(job).done) == (STOPPED, 1_000)
    care.stop(room.engine, room.clock, job)
    with room.engine.connect() as connection:
        assert [each.action for each in audit_log.list_entries(connection, subject=job.job_id)] == [
            "file_stopped",
            "file_uploaded",
        ]


def test_old_files_and_broken_uploads_are_tidied_up(room: Room) -> None:
    job = room.take_in(2)
    broken = room.take_in(2)
    with room.engine.begin() as connection:
        scoring_store.turn(connection, broken.job_id, [RUNNING], scoring_store.RECEIVING)
    assert room.sweep() == 1, "what has not arrived is not scored"
    room.clock.move(timedelta(hours=2))
    assert care.tidy(room.engine, room.clock) == 0
    assert (room.job(broken).state, room.job(job).state) == (FAILED, RUNNING)
    with pytest.raises(UserError, match="broke off"):
        care.go_on(room.engine, room.clock, room.queue, room.job(broken))
    room.clock.move(care.KEPT)
    assert care.tidy(room.engine, room.clock) == 2
    with room.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(scoring_chunks)) == 0


def test_the_time_left_follows_the_pace_of_the_last_chunks(room: Room) -> None:
    job = room.take_in()
    assert reading.progress(room.engine, room.clock, job).seconds_left is None
    for number in range(2):
        room.clock.move(timedelta(seconds=10))
        room.scorer().score(job.job_id, number)
    found = reading.progress(room.engine, room.clock, room.job(job))
    assert found.seconds_left == pytest.approx(1.0)
    assert not found.waits
    room.clock.move(reading.SILENCE + timedelta(seconds=1))
    assert reading.progress(room.engine, room.clock, room.job(job)).waits

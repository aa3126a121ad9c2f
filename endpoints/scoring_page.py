"""The Predict page's third way: a file of customers goes in, the same file scored comes out."""

import tempfile
from contextlib import closing
from pathlib import PurePath
from typing import Any, BinaryIO
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage

from data.scoring_store import DONE, Job
from endpoints.attachments import attachment
from endpoints.edge import wiring
from endpoints.predict_view import facts
from endpoints.problems import Problem
from endpoints.scored_csv import scored_csv
from endpoints.scoring_view import FilesView, file_row
from endpoints.session_cookie import from_store, visitor
from endpoints.streams import begun
from helpers.errors import UserError
from services.scoring_jobs import care, reading
from services.scoring_jobs.intake import take_in
from services.snapshot import Snapshot

NO_FILE = "Choose a CSV file first."
FORM_BYTES = 10_000  # what surrounds the file
FORM_PARTS = 10  # each that is called a file opens one

scoring_page = APIBlueprint("scoring_page", __name__, enable_openapi=False, url_prefix="/model_interface/files")


@scoring_page.url_value_preprocessor
def take_a_large_body(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """For the upload alone, and before anything reads the form: onto the disk, not into memory."""
    if endpoint == "scoring_page.upload":
        request.max_content_length = wiring().settings.max_upload_bytes + FORM_BYTES
        request.max_form_parts = FORM_PARTS
        request._get_file_stream = _on_disk  # type: ignore[method-assign]


@scoring_page.get("")
def page() -> ResponseReturnValue:
    """The form, and the files of whoever asks."""
    return _show(wiring().snapshot())


@scoring_page.post("")
def upload() -> ResponseReturnValue:
    """Takes a file in. Its rows are scored by the workers from now on."""
    wired, snapshot, file = wiring(), wiring().snapshot(), request.files.get("file")
    if file is None or not file.filename:
        return _show(snapshot, NO_FILE)
    with closing(file):
        try:
            job = from_store(lambda: _take_in(snapshot, file))
        except UserError as error:
            return _show(snapshot, f"{error}.")
    care.wake(wired.queue, job.job_id, 0)
    return redirect(url_for("scoring_page.one", job_id=job.job_id), 303)


@scoring_page.get("/<uuid:job_id>")
def one(job_id: UUID) -> ResponseReturnValue:
    """One file. A script gets its progress, or all of it once it has ended."""
    wired = wiring()
    found = from_store(lambda: reading.progress(wired.engine, wired.clock, _mine(job_id)))
    row = file_row(found, wired.clock.now())
    if "HX-Request" not in request.headers:
        return _page(FilesView(**_frame(wired.snapshot()), files=[row], one=True))
    g.partial = True
    if row.moves:
        return render_template("scoring/going.html", file=row)
    headers = {"HX-Retarget": f"#file-{row.job_id}", "HX-Reswap": "outerHTML"}
    return Response(render_template("scoring/file.html", file=row), headers=headers)


@scoring_page.post("/<uuid:job_id>/stop")
def stop(job_id: UUID) -> ResponseReturnValue:
    wired = wiring()
    from_store(lambda: care.stop(wired.engine, wired.clock, _mine(job_id)))
    return redirect(url_for("scoring_page.one", job_id=job_id), 303)


@scoring_page.post("/<uuid:job_id>/go-on")
def go_on(job_id: UUID) -> ResponseReturnValue:
    wired = wiring()
    from_store(lambda: care.go_on(wired.engine, wired.clock, wired.queue, _mine(job_id)))
    return redirect(url_for("scoring_page.one", job_id=job_id), 303)


@scoring_page.post("/<uuid:job_id>/delete")
def delete(job_id: UUID) -> ResponseReturnValue:
    wired = wiring()
    from_store(lambda: care.remove(wired.engine, wired.clock, _mine(job_id)))
    return redirect(url_for("scoring_page.page"), 303)


@scoring_page.get("/<uuid:job_id>/scored.csv")
def scored(job_id: UUID) -> ResponseReturnValue:
    """The answers of all rows that are done, as a file that is written while it is read."""
    wired, job = wiring(), from_store(lambda: _mine(job_id))
    lines = from_store(lambda: scored_csv(begun(reading.answers(wired.engine, job.job_id))))
    name = f"{PurePath(job.file_name).stem}-scored{'' if job.state == DONE else '-part'}.csv"
    headers = {"Content-Disposition": attachment(name)}
    return Response(lines, headers=headers, content_type="text/csv; charset=utf-8")


@scoring_page.after_request
def keep_out_of_caches(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def _take_in(snapshot: Snapshot, file: FileStorage) -> Job:
    wired, name = wiring(), file.filename or ""
    return take_in(wired.engine, wired.clock, snapshot.serving.schema, file.stream, name, _author())  # type: ignore[arg-type]


def _mine(job_id: UUID) -> Job:
    """The file, if it is one of whoever asks. Raises Problem 404."""
    job = care.mine(wiring().engine, str(job_id), _author())
    if job is None:
        raise Problem(404, "you have no such file: it was deleted, or it is somebody else's")
    return job


def _author() -> str:
    person = visitor()
    return person.username if person else ""


def _show(snapshot: Snapshot, problem: str = "") -> ResponseReturnValue:
    wired = wiring()
    now = wired.clock.now()
    files = [file_row(each, now) for each in from_store(lambda: reading.listing(wired.engine, wired.clock, _author()))]
    return _page(FilesView(**_frame(snapshot), files=files, problem=problem))


def _frame(snapshot: Snapshot) -> dict[str, Any]:
    schema = snapshot.serving.schema
    return {
        "facts": facts(snapshot),
        "id_column": schema.id or "client_id",
        "columns": schema.names,
        "most_bytes": wiring().settings.max_upload_bytes,
    }


def _page(view: FilesView) -> Response:
    return Response(render_template("scoring/page.html", view=view), 422 if view.problem else 200)


def _on_disk(*_told: object, **_more: object) -> BinaryIO:
    """A file without a name beside what this deployment writes: gone when it is closed, or its process dies."""
    folder = wiring().settings.var_dir / "uploads"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return tempfile.TemporaryFile(dir=folder)

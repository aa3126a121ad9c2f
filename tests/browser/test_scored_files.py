"""A file of customers goes in by the browser and comes back scored."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from services.scoring_jobs.scoring import Scorer
from tests.support.browser import PHONE, OpenBrowser, Site
from tests.support.models import Trained
from tests.support.scoring import customers, read_csv, write_csv

pytestmark = pytest.mark.browser


def work(site: Site, job_id: str) -> None:
    """What a worker does with the first chunk."""
    wired = site.app.extensions["holdfast"]
    Scorer(wired.engine, wired.clock, wired.live, wired.customers, wired.predictions).score(job_id, 0)


def test_upload_progress_and_download(browse: OpenBrowser, site: Site, trained: Trained, tmp_path: Path) -> None:
    page = browse().sign_in()
    page.click("nav.tabs >> text=Score a file")
    expect(page.locator(".empty")).to_contain_text("No files yet")
    page.set_input_files("#file", write_csv(tmp_path / "mine.csv", customers(trained.rows, 40)))
    page.click("button:has-text('Score the file')")
    expect(page.get_by_role("progressbar", name="Rows scored of mine.csv")).to_have_attribute("max", "40")
    work(site, page.url.rsplit("/", 1)[1])
    with page.expect_download() as download:
        page.click("a:has-text('Download scored CSV')")
    expect(page.locator("#announce")).to_have_text("mine.csv is scored.")
    assert download.value.suggested_filename == "mine-scored.csv"
    lines = read_csv(download.value.path().read_text(encoding="utf-8"))
    assert [line["client_id"] for line in lines] == [f"c-{place:06}" for place in range(40)]
    page.click("button:has-text('Delete')")
    expect(page.locator(".empty")).to_contain_text("No files yet")


def test_what_is_wrong_is_told_beside_the_field(
    browse: OpenBrowser, site: Site, trained: Trained, tmp_path: Path
) -> None:
    page = browse(PHONE).sign_in()
    page.goto(f"{site.url}/model_interface/files")
    odd = write_csv(tmp_path / "odd.csv", customers(trained.rows, 2))
    odd.write_text(odd.read_text(encoding="utf-8").replace("tenure_months", "tenure"), encoding="utf-8")
    page.set_input_files("#file", odd)
    page.click("button:has-text('Score the file')")
    expect(page.locator("#file-wrong")).to_contain_text("no column 'tenure_months'")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.evaluate("document.getElementById('upload').dataset.most = 10")
    page.set_input_files("#file", odd)
    expect(page.locator("#file-wrong")).to_contain_text("split it into files of at most")
    page.click("button:has-text('Score the file')")
    expect(page.locator("#uploading")).to_have_text("")

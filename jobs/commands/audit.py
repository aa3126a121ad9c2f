"""`flask audit`: whether every dependency is what the locks say, and whether advisories are known against one."""

import subprocess  # nosec B404
import sys
from collections.abc import Iterable
from pathlib import Path

import click

from helpers.errors import UserError
from jobs import advisories, dependencies

ROOT = Path(__file__).resolve().parents[2]
NOT_CHECKED = """NOT CHECKED: known advisories. No database of them was given, and none comes with the packages.
Fetch the exports all.zip of PyPI and npm from osv.dev where there is a network, and give each as --advisories FILE."""


@click.command("audit")
@click.option(
    "--advisories",
    "exports",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="An export of osv.dev: a zip, or a folder, of JSON files. May be given more than once.",
)
def command(exports: tuple[Path, ...]) -> None:
    """Hold what is installed and vendored against the locks, without a network."""
    found = dependencies.installed()
    needed, more = (dependencies.locked(ROOT / f"requirements{name}.txt") for name in ("", "-dev"))
    checks = {
        f"{len(found)} packages are those of the locks": dependencies.strays(found, needed, more),
        "their files are as they were installed": dependencies.changed_files(found),
        "no code lies beside them": dependencies.ownerless_files(found),
        "they fit each other": _misfits(),
        "vendored files are as their checksums say, with licences": dependencies.vendored(ROOT / "static" / "vendor"),
    }
    if exports:
        used = {
            "PyPI": {name: each.version for name, each in found.items()},
            "npm": advisories.npm_packages(ROOT / "static" / "vendor-src" / "package-lock.json"),
        }
        known = (each for export in exports for each in advisories.read_export(export))
        checks["no advisory is known against them"] = advisories.that_concern(known, used)
    else:
        click.secho(NOT_CHECKED, err=True, fg="yellow", bold=True)
    problems = [problem for what, found_wrong in checks.items() for problem in _told(what, found_wrong)]
    if problems:
        raise UserError(f"{len(problems)} of the dependencies' facts are not as they should be; see above")


def _told(what: str, wrong: Iterable[str]) -> list[str]:
    problems = list(wrong)
    click.echo(f"{'WRONG' if problems else 'ok'}: {what}")
    for problem in problems:
        click.echo(f"  {problem}", err=True)
    return problems


def _misfits() -> list[str]:
    told = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False)  # nosec B603
    return told.stdout.splitlines() + told.stderr.splitlines() if told.returncode else []

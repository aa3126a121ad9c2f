"""Tries promises: what measures how long answers take has the machine to itself, the rest runs side by side."""

import sys
import time
import traceback
from collections import deque
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor

from faults.finding import Finding
from faults.marked import try_marked
from faults.promises import Promise, Trial
from faults.world import Servers, several_servers

LANES = 3
"""Trials at once, each on servers of its own: much of their time they wait."""
Trials = deque[tuple[str, Trial]]


def tried(promises: Mapping[str, Promise], share: float) -> list[Finding]:
    """In the order of the promises. Of the long form of tests only `share` is run."""
    by_tests = [name for name, promise in promises.items() if not promise.trials]
    alone, beside = _trials(promises, alone=True), _trials(promises, alone=False)
    if alone or beside:
        _note("training models, starting MariaDB and Redis")
    with (
        several_servers(max(min(LANES, len(beside)), bool(alone))) as lanes,
        ThreadPoolExecutor(LANES + 1) as pool,
    ):
        found = _work_off(alone, lanes[0]) if alone else []
        running = [pool.submit(_work_off, beside, servers) for servers in lanes]
        running += [pool.submit(_by_tests, by_tests, share)] if by_tests else []
        try:
            found += [finding for each in running for finding in each.result()]
        finally:
            beside.clear()  # whoever interrupts the run waits only for what has begun
    order = list(promises)
    return sorted(found, key=lambda each: order.index(each.promise))


def _trials(promises: Mapping[str, Promise], *, alone: bool) -> Trials:
    """The longest first: whatever else there is then fits beside it."""
    wanted = [(name, promise) for name, promise in promises.items() if promise.alone == alone]
    wanted.sort(key=lambda each: not each[1].longest)
    return deque((name, trial) for name, promise in wanted for trial in promise.trials)


def _work_off(trials: Trials, servers: Servers) -> list[Finding]:
    found = []
    while trials:
        try:
            name, trial = trials.popleft()
        except IndexError:  # another lane took the last
            break
        _note(f"{name} begins")
        found.append(_noted(_attempt(name, trial, servers)))
    return found


def _attempt(name: str, trial: Trial, servers: Servers) -> Finding:
    try:
        return trial(servers)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other promises are tried as well
        traceback.print_exc()
        told = " ".join(f"{type(error).__name__}: {error}".split())
        return Finding(name, "", "the trial broke off", "", told[:200], holds=False)


def _by_tests(names: Collection[str], share: float) -> list[Finding]:
    _note(f"{', '.join(names)}: by their tests")
    return [_noted(finding) for finding in try_marked(names, share)]


def _noted(finding: Finding) -> Finding:
    verdict = "holds" if finding.holds else "DOES NOT HOLD"
    _note(f"{finding.promise} {finding.on}: {verdict}: {finding.figure}")
    return finding


def _note(what: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {what}\n")  # as a whole: lanes write at once

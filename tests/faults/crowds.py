"""Many at once: writers of one database, and large uploads."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier

import psutil

from db.store import Store
from fer_phq.core.errors import StoreError
from tests.faults.doors import STOPPED, Program, upload_until_answered
from tests.faults.installation import CANARY, Installation
from tests.worker_processes import PROCESSES


@dataclass
class Crowd:
    """What many did at once.

    Attributes:
        counts: What happened how often.
        faults: What was not as it must be.
    """

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Return one line."""
        counts = ", ".join(f"{count} {name}" for name, count in sorted(self.counts.items()))
        return f"{counts}; faults: {self.faults or 'none'}"


def write_at_once(house: Installation, *, writers: int, seconds: float) -> Crowd:
    """Have many processes write to the store for a while; every write that was answered must be there.

    Args:
        house: The installation.
        writers: How many processes.
        seconds: For how long.
    """
    job_id = house.add_unopened()
    house.workers.start()
    house.settle()
    session_id = house.job(job_id).session_id
    before = len(house.store.notes.list_by_session(session_id=session_id))
    results: SimpleQueue[tuple[int, list[str]]] = PROCESSES.SimpleQueue()
    arguments = (house.settings.database_url, session_id, seconds, PROCESSES.Barrier(writers), results)
    crowd = [PROCESSES.Process(target=_write, args=arguments, daemon=True) for _ in range(writers)]
    for process in crowd:
        process.start()
    outcomes = [results.get() for _ in crowd]
    for process in crowd:
        process.join(60)
    tally = Crowd()
    tally.counts["writers"] = writers
    tally.counts["writes"] = sum(count for count, _ in outcomes)
    tally.counts["refused"] = sum(len(errors) for _, errors in outcomes)
    tally.counts["fewest of a writer"] = min(count for count, _ in outcomes)
    rows = len(house.store.notes.list_by_session(session_id=session_id)) - before
    if rows != tally.counts["writes"]:
        tally.faults.append(f"{rows} rows of {tally.counts['writes']} writes")
    tally.faults += [f"a writer wrote nothing: {errors}" for count, errors in outcomes if not count]
    tally.faults += house.faults()
    return tally


def _write(
    url: str, session_id: str, seconds: float, start: Barrier, results: SimpleQueue[tuple[int, list[str]]]
) -> None:
    """Write notes once all writers are ready; report how many were written, and the sentences of those refused."""
    count = 0
    errors: list[str] = []
    with Store(url, actor="dashboard") as store:
        start.wait()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                store.notes.add(session_id=session_id, time_s=float(count), words=f"a note of {CANARY}")
                count += 1
            except StoreError as error:
                errors.append(str(error))
    results.put((count, errors))


def upload_at_once(house: Installation, *, uploads: int, size: int) -> Crowd:
    """Upload large recordings all at the same time; who is told to come later does.

    Args:
        house: The installation.
        uploads: How many.
        size: Bytes of each.
    """
    house.workers.start()
    dashboard = Program(house.settings, "dashboard")
    contents = [house.contents(size) for _ in range(uploads)]
    with ThreadPoolExecutor(uploads) as pool:
        senders = [
            pool.submit(upload_until_answered, house.settings, house.subject.id, content, size) for content in contents
        ]
        peak = _peak_memory(dashboard.pid, lambda: all(sender.done() for sender in senders))
    answers = [answer for sender in senders for answer in sender.result()]
    last = [sender.result()[-1] for sender in senders]
    tally = Crowd()
    tally.counts["uploads"] = uploads
    tally.counts["MB of the dashboard at its largest"] = round(peak / 1e6)
    tally.counts.update(f"answers {answer.status}" for answer in answers)
    house.accepted += [answer.job_id for answer in last if answer.job_id is not None]
    tally.counts.update(f"jobs {state}" for state in house.settle(300).elements())
    tally.faults += [f"an upload was answered {answer}" for answer in last if not answer.is_accepted]
    if len(set(house.accepted)) != uploads:
        tally.faults.append(f"{len(set(house.accepted))} sessions of {uploads} recordings")
    tally.faults += house.faults()
    if dashboard.stop() not in STOPPED:
        tally.faults.append("the dashboard did not end well")
    return tally


def _peak_memory(pid: int, ended: Callable[[], bool]) -> int:
    """Return the most bytes that a process had resident until something ended."""
    process = psutil.Process(pid)
    peak = 0
    while not ended():
        peak = max(peak, process.memory_info().rss)
        time.sleep(0.2)
    return peak

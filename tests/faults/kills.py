"""Kill -9 at random moments, and what becomes of the jobs. A seed names the moments as far as machines repeat them."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random

import psutil
from postgres_server import Server

from db.records import JobRecord, JobState
from service.processes.lifeline import GRACE_S
from tests.faults.doors import STOPPED, Answer, Program, upload_until_answered
from tests.faults.installation import Installation, patiently
from tests.worker_processes import Process

JOB_S = 1.0
"""About how long a job takes."""
BACKLOG = 3
"""Jobs that wait or run while a kill comes."""
SENDERS = 4
"""Uploads that run while the dashboard is killed."""
PADDING = 2_000_000
"""Bytes by which an upload is made longer."""


@dataclass
class Kills:
    """What was killed, and what became of it.

    Attributes:
        of_holders: Kills after which the row of the job said that the dead process had held it.
        others: Kills that came between two jobs, before the first, or while a worker started.
        ends: How the jobs ended.
        begun: How often the jobs were begun in all. Each kill of a holder makes it one more, and nothing else does.
        faults: What was not as it must be.
    """

    of_holders: int = 0
    others: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    begun: int = 0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Return one line."""
        ends = ", ".join(f"{count} {state}" for state, count in sorted(self.ends.items()))
        return (
            f"{self.of_holders} kills hit a job that was held, {self.others} did not; jobs: {ends}; "
            f"begun {self.begun} times; faults: {'; '.join(self.faults) or 'none'}"
        )


def kill_workers(house: Installation, *, kills: int, seed: int, workers: int = 2) -> Kills:
    """Kill -9 one of several workers at random moments, until so many kills hit a job that was held.

    One kill in five comes at any moment, the others some time after a job was seen to be held. One in ten of the dead
    stays away until another worker has taken its job over. After six kills in ten a job may end before the next.

    Args:
        house: The installation.
        kills: How many must hit.
        seed: Of the moments.
        workers: How many run at once.
    """
    chance = Random(seed)
    tally = Kills()
    counted: set[tuple[str, int]] = set()
    house.workers.pace(frames=20, delay=JOB_S / 20)
    crew = [house.workers.start() for _ in range(workers)]
    while tally.of_holders < kills:
        _keep_busy(house)
        victim = _choose(house, crew, chance)
        time.sleep(chance.uniform(0, 1.2 * JOB_S))
        house.workers.kill(victim)
        name = _name_of(house, victim)
        running = patiently(house.running)
        # A row still names a worker that was restarted under its name and has not come to its job yet.
        held = [job for job in running if job.worker == name and (job.id, job.claims) not in counted]
        if held:
            counted |= {(job.id, job.claims) for job in held}
            tally.of_holders += 1
        else:
            tally.others += 1
        if held and chance.random() < 0.1:
            _wait_for_takeover(house, held[0])
        crew[crew.index(victim)] = house.workers.start()
        if chance.random() < 0.6:
            _wait_for_end(house)
    house.workers.pace()
    tally.ends = house.settle()
    tally.begun = sum(house.job(job_id).claims for job_id in house.accepted)
    tally.faults = house.faults()
    if tally.begun != tally.of_holders + tally.ends.total():
        tally.faults.append(f"{tally.begun - tally.of_holders - tally.ends.total()} jobs were begun without need")
    return tally


def kill_server(house: Installation, server: Server, *, kills: int, seed: int, workers: int = 2) -> Kills:
    """Kill -9 a database server at random moments while jobs are held, and start it again after a while.

    Args:
        house: The installation, whose database the server holds.
        server: The server.
        kills: How many.
        seed: Of the moments.
        workers: How many run at once; they are to outlive it all.
    """
    chance = Random(seed)
    tally = Kills()
    house.workers.pace(frames=20, delay=JOB_S / 20)
    crew = [house.workers.start() for _ in range(workers)]
    while tally.of_holders < kills:
        _keep_busy(house)
        house.workers.wait(house.running, "a job that is held")
        time.sleep(chance.uniform(0, 1.2 * JOB_S))
        held = {job.id for job in house.running()}
        server.kill()
        time.sleep(chance.uniform(0, 3))
        server.start()
        live = patiently(house.store.jobs.list_live)
        if held & {job.id for job in live}:
            tally.of_holders += 1
        else:
            tally.others += 1
        _wait_for_end(house)
    house.workers.pace()
    tally.ends = house.settle()
    tally.begun = sum(house.job(job_id).claims for job_id in house.accepted)
    tally.faults = house.faults()
    tally.faults += [end for process in crew if (end := house.workers.describe_end(process)) is not None]
    return tally


def kill_dashboard(house: Installation, *, kills: int, seed: int) -> Kills:
    """Kill -9 the dashboard at random moments while recordings are uploaded; their senders try again.

    A worker of its own goes on meanwhile: a kill hits when the worker held a job.

    Args:
        house: The installation.
        kills: How many must hit.
        seed: Of the moments.
    """
    chance = Random(seed)
    tally = Kills()
    house.workers.pace(frames=20, delay=JOB_S / 20)
    worker = house.workers.start()
    dashboard = Program(house.settings, "dashboard")
    senders: list[Future[list[Answer]]] = []
    with ThreadPoolExecutor(SENDERS) as pool:
        while tally.of_holders < kills:
            for _ in range(SENDERS):
                content = house.contents(PADDING)
                senders.append(pool.submit(upload_until_answered, house.settings, house.subject.id, content, PADDING))
            time.sleep(chance.uniform(0, 6 * JOB_S))
            dashboard.kill()
            if house.running():
                tally.of_holders += 1
            else:
                tally.others += 1
            dashboard = Program(house.settings, "dashboard")
        answers = [sender.result()[-1] for sender in senders]
    house.workers.pace()
    house.accepted += [answer.job_id for answer in answers if answer.job_id is not None]
    tally.ends = house.settle()
    tally.begun = sum(house.job(job_id).claims for job_id in house.accepted)
    tally.faults = house.faults()
    tally.faults += [f"an upload was answered {answer}" for answer in answers if not answer.is_accepted]
    if len(set(house.accepted)) != len(senders):
        tally.faults.append(f"{len(set(house.accepted))} sessions of {len(senders)} recordings")
    if (end := house.workers.describe_end(worker)) is not None:
        tally.faults.append(end)
    if dashboard.stop() not in STOPPED:
        tally.faults.append("the dashboard did not end well")
    return tally


def kill_supervisor(house: Installation, *, kills: int, seed: int) -> Kills:
    """Kill -9 `fer-phq up` at random moments while its worker, with the product's own model, holds a job.

    Worker and dashboard must then end by themselves, and the port be free for the next `up`.

    Args:
        house: The installation.
        kills: How many must hit.
        seed: Of the moments.
    """
    chance = Random(seed)
    tally = Kills()
    program = Program(house.settings, "up")
    while tally.of_holders < kills:
        _keep_busy(house)
        house.workers.wait(house.running, "a job that is held", 120)
        time.sleep(chance.uniform(0, JOB_S))
        children = program.kill()
        if house.running():
            tally.of_holders += 1
        else:
            tally.others += 1
        _, alive = psutil.wait_procs(children, timeout=GRACE_S + 5)
        tally.faults += [f"{process.name()} outlived `up`" for process in alive]
        program = Program(house.settings, "up")
    tally.ends = house.settle(300)
    tally.begun = sum(house.job(job_id).claims for job_id in house.accepted)
    tally.faults += house.faults()
    if program.stop() != 0:
        tally.faults.append("`up` did not end well")
    return tally


def _keep_busy(house: Installation) -> None:
    for _ in range(BACKLOG - len(house.store.jobs.list_live())):
        house.add_unopened()


def _choose(house: Installation, crew: list[Process], chance: Random) -> Process:
    """A worker that holds a job now; one time in five any."""
    if chance.random() < 0.2:
        return chance.choice(crew)
    by_pid = {process.pid: process for process in crew}

    def holders() -> list[Process]:
        names = {job.worker for job in house.running()}
        return [by_pid[row.pid] for row in house.store.workers.list_all() if row.id in names and row.pid in by_pid]

    return chance.choice(house.workers.wait(holders, "a job that is held"))


def _name_of(house: Installation, process: Process) -> str | None:
    """The name under which a process worked; None where it had not come that far."""
    rows = patiently(house.store.workers.list_all)
    return next((row.id for row in rows if row.pid == process.pid), None)


def _wait_for_end(house: Installation) -> None:
    live = len(patiently(house.store.jobs.list_live))
    if live:
        house.workers.wait(lambda: len(house.store.jobs.list_live()) < live, "the end of a job")


def _wait_for_takeover(house: Installation, held: JobRecord) -> None:
    def is_taken() -> bool:
        job = house.job(held.id)
        return job.claims != held.claims or job.state is not JobState.RUNNING

    house.workers.wait(is_taken, "the takeover")

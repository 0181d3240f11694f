"""Which workers live, by the database's clock: a program's own may be wrong, and the machine's may jump."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import update
from wrong_clock import WrongClock, needs_compiler

from db.engine import normalise_url, open_engine
from db.store import Store
from db.tables import WorkerRow

DAY = 86400
TIMEOUT_S = 30.0
PROGRAM = """
import json, os, pathlib, sys
from db.store import Store

clock = pathlib.Path(os.environ["TEST_CLOCK"])
answers = []
with Store(sys.argv[1], actor="worker") as store:
    def beat():
        store.workers.heartbeat(worker="w-1", host="h", pid=1)

    def ask():
        answers.append(sorted(store.workers.list_living(timeout_s=30)))

    beat(); ask()
    for shift in ("86400", "0"):
        clock.write_text(shift); ask()
        beat(); ask()
    clock.write_text("-86400"); beat()
print(json.dumps(answers))
"""


def signed(url: str, at: datetime) -> None:
    """A worker's last sign of life, as a version wrote it that took its own clock."""
    engine = open_engine(normalise_url(url))
    with engine.begin() as connection:
        connection.execute(update(WorkerRow).values(seen_at=at))
    engine.dispose()


def test_who_shows_no_sign_for_the_timeout_is_dead(store: Store, url: str) -> None:
    assert store.workers.list_living(timeout_s=TIMEOUT_S) == set()
    store.workers.heartbeat(worker="w-1", host="h", pid=1)
    assert store.workers.list_living(timeout_s=TIMEOUT_S) == {"w-1"}
    now = datetime.now(UTC)
    for age_s, is_alive in ((20, True), (40, False), (DAY, False), (-10, True), (-DAY, False)):
        signed(url, now - timedelta(seconds=age_s))
        assert store.workers.list_living(timeout_s=TIMEOUT_S) == ({"w-1"} if is_alive else set()), age_s
    store.workers.heartbeat(worker="w-1", host="h", pid=1)
    assert store.workers.list_living(timeout_s=TIMEOUT_S) == {"w-1"}


@needs_compiler
def test_a_clock_that_jumps_hides_the_living_until_their_next_sign_at_most(
    store: Store, url: str, tmp_path: Path
) -> None:
    environment = os.environ | WrongClock(tmp_path).environment
    program = subprocess.run(
        [sys.executable, "-c", PROGRAM, url], env=environment, check=True, capture_output=True, text=True
    )
    answers = json.loads(program.stdout)
    if url.startswith("sqlite"):
        # One machine, one clock. After a jump forward, or back, the sign before it is of another time.
        assert answers == [["w-1"], [], ["w-1"], [], ["w-1"]]
        return
    assert answers == 5 * [["w-1"]], "the worker's clock is no matter"
    assert store.workers.list_living(timeout_s=TIMEOUT_S) == {"w-1"}, "and it was a day behind at its last sign"

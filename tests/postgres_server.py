"""A throw-away PostgreSQL for tests: in a temporary folder, on a free port of the loopback, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import psutil
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url


class PostgresMissing(Exception):
    """There is no PostgreSQL server program on this machine, and no FERPHQ_TEST_POSTGRES_URL."""


@dataclass
class Server:
    """A running server; `new_database()` gives the URL of an empty database of its own."""

    admin_url: URL
    created: list[str] = field(default_factory=list)
    control: Callable[[str], None] | None = None
    """Starts and stops a server of our own, by pg_ctl's word; None for one that is only lent."""

    def new_database(self) -> str:
        """The URL of a fresh, empty database."""
        name = f"ferphq_test_{uuid4().hex[:12]}"
        self._admin(f"CREATE DATABASE {name}")
        self.created.append(name)
        return self.admin_url.set(database=name).render_as_string(hide_password=False)

    def drop_all(self) -> None:
        """Remove what `new_database` made; matters on a server that goes on living."""
        while self.created:
            self._admin(f"DROP DATABASE IF EXISTS {self.created.pop()} WITH (FORCE)")

    def stop(self) -> None:
        """Stop the server as for a restart: whoever is connected is cut off. Raises PostgresMissing for a lent one."""
        if self.control is None:
            raise PostgresMissing("the server of FERPHQ_TEST_POSTGRES_URL is not ours to stop")
        self.control("stop")

    def kill(self) -> None:
        """Kill -9 every process of the server. Raises PostgresMissing for a lent one."""
        if self.control is None:
            raise PostgresMissing("the server of FERPHQ_TEST_POSTGRES_URL is not ours to kill")
        self.control("kill")

    def start(self) -> None:
        """Start the server that `stop` stopped or `kill` killed."""
        assert self.control is not None
        self.control("start")

    def _admin(self, statement: str) -> None:
        engine = create_engine(self.admin_url, isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                connection.execute(text(statement))
        finally:
            engine.dispose()


@contextmanager
def postgres_server(*, is_durable: bool = False) -> Iterator[Server]:
    """The server named by FERPHQ_TEST_POSTGRES_URL, else one of our own. Raises PostgresMissing.

    is_durable: whether one of our own waits for its disk, which tests need not and times must.
    """
    if given := os.environ.get("FERPHQ_TEST_POSTGRES_URL"):
        server = Server(make_url(given).set(drivername="postgresql+psycopg"))
        try:
            yield server
        finally:
            server.drop_all()
        return
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="ferphq-pg-"))
    try:
        user = _hand_over(folder)
        with _running(programs, folder, user, is_durable) as (port, control):
            url = URL.create("postgresql+psycopg", "postgres", host="127.0.0.1", port=port, database="postgres")
            yield Server(url, control=control)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    """The folder of initdb and pg_ctl: on the path, else Debian's newest."""
    if found := shutil.which("pg_ctl"):
        return Path(found).resolve().parent
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: int(path.parts[-3]))
    if not debian:
        raise PostgresMissing("no initdb and pg_ctl were found")
    return debian[-1].parent


def _hand_over(folder: Path) -> str | None:
    """PostgreSQL refuses to run as root: give the folder to the user `postgres` and return that name."""
    if os.geteuid() != 0:
        return None
    try:
        owner = pwd.getpwnam("postgres")
    except KeyError:
        raise PostgresMissing("PostgreSQL does not run as root and there is no user 'postgres'") from None
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    return "postgres"


@contextmanager
def _running(
    programs: Path, folder: Path, user: str | None, is_durable: bool
) -> Iterator[tuple[int, Callable[[str], None]]]:
    data, log, port = folder / "data", folder / "log", _free_port()
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1"
    options += "" if is_durable else " -c fsync=off -c max_connections=50"
    words = {
        "start": ["-D", str(data), "-l", str(log), "-w", "-o", options, "start"],
        "stop": ["-D", str(data), "-m", "fast", "-w", "stop"],
    }

    def control(word: str) -> None:
        if word == "kill":
            _kill(int((data / "postmaster.pid").read_text().splitlines()[0]))
            return
        _as(user, folder, programs / "pg_ctl", *words[word])

    _as(user, folder, programs / "initdb", "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
    control("start")
    try:
        yield port, control
    finally:
        _as(user, folder, programs / "pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")


def _kill(postmaster: int) -> None:
    """Kill a server's processes, the first one first, so that it starts none again."""
    first = psutil.Process(postmaster)
    processes = [first, *first.children(recursive=True)]
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=20)


def _as(user: str | None, folder: Path, program: Path, *arguments: str) -> None:
    command = [str(program), *arguments]
    groups: list[str] | None = None if user is None else []
    # Output to a file: a pipe would stay open for as long as the server that pg_ctl starts.
    with (folder / "commands").open("ab") as output:
        done = subprocess.run(
            command, cwd=folder, stdout=output, stderr=output, user=user, group=user, extra_groups=groups
        )
    if done.returncode:
        raise RuntimeError(f"{program.name} failed: {(folder / 'commands').read_text()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

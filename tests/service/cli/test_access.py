"""`fer-phq users | tokens | audit` on a store of their own."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from migrated import migrate
from typer.testing import CliRunner, Result

from db.store import Store
from db.urls import sqlite_url
from fer_phq.core.errors import FerPhqError
from service import cli
from service.settings import load_settings

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERPHQ_DATA_DIR", str(tmp_path / "data"))
    migrate(load_settings().database_url)


def run(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(cli.app, list(arguments), input=typed, catch_exceptions=False)


def add(name: str, role: str = "clinician") -> Result:
    return run("users", "add", name, "--role", role, typed=f"{PASSWORD}\n{PASSWORD}\n")


def test_accounts_are_added_listed_changed_and_closed() -> None:
    assert "There are no accounts" in run("users", "list").stdout
    assert add("Dr M", "administrator").exit_code == 0
    assert "may log in as viewer" in add("Intern", "viewer").stdout
    assert "is clinician now" in run("users", "role", "intern", "clinician").stdout
    assert "may not log in" in run("users", "disable", "Intern").stdout
    listed = run("users", "list").stdout
    assert "disabled since" in listed
    assert PASSWORD not in listed
    assert "may log in again" in run("users", "enable", "Intern").stdout


def test_an_account_of_the_provider_of_identities_has_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ("users", "add", "Dr M", "--role", "administrator", "--oidc", "Dr.M@clinic.example")
    with pytest.raises(FerPhqError, match="No provider of identities is named"):
        run(*arguments)
    monkeypatch.setenv("FERPHQ_OIDC_ISSUER", "https://login.clinic.example")
    monkeypatch.setenv("FERPHQ_OIDC_CLIENT_ID", "fer-phq")
    with pytest.raises(FerPhqError, match="leave out --password-file"):
        run(*arguments, "--password-file", "/nowhere")
    assert "may log in as administrator" in run(*arguments).stdout
    assert add("Intern", "viewer").exit_code == 0
    listed = run("users", "list").stdout
    assert "dr.m@clinic.example" in listed
    assert "a password" in listed
    assert "logs in as intern@clinic.example" in run("users", "oidc", "intern", "Intern@clinic.example").stdout
    with pytest.raises(FerPhqError, match="logs in to another account already"):
        run("users", "oidc", "intern", "dr.m@clinic.example")
    run("users", "password", "Dr M", typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert "dr.m@clinic.example" not in run("users", "list").stdout


@pytest.mark.parametrize(
    ("arguments", "typed", "sentence"),
    [
        (("users", "add", "X"), f"{PASSWORD}\n{PASSWORD}\n", "first account must be an administrator"),
        (("users", "add", "X", "--role", "king"), None, "There is no role 'king'"),
        (("users", "add", "X", "--role", "administrator"), f"{PASSWORD}\nanother one here\n", "two passwords differ"),
        (("users", "add", "X", "--role", "administrator"), "short\nshort\n", "A password has 12 to 200 characters"),
        (("users", "disable", "Nobody"), None, "No account is called 'Nobody'"),
        (("users", "add", "X", "--password-file", "/nowhere"), None, "holds no password"),
        (("tokens", "create", "x", "--user", "Nobody"), None, "No account is called 'Nobody'"),
        (("tokens", "revoke", "1234"), None, "There is no token '1234'"),
        (("audit", "export", "--out", "audit.xlsx"), None, "end it in .csv or .jsonl"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(arguments: tuple[str, ...], typed: str | None, sentence: str) -> None:
    with pytest.raises(FerPhqError, match=sentence):
        run(*arguments, typed=typed)


def test_a_token_is_shown_once() -> None:
    add("Dr M", "administrator")
    created = run("tokens", "create", "nightly", "--user", "Dr M", "--scope", "upload", "--days", "30")
    token = created.stdout.splitlines()[0]
    assert token.startswith("ferphq_")
    listed = run("tokens", "list").stdout
    assert "nightly" in listed
    assert token not in listed
    assert "is revoked" in run("tokens", "revoke", listed.split("│")[1].strip()).stdout


def test_the_audit_is_listed_and_exported_with_its_chain(tmp_path: Path) -> None:
    add("=cmd", "administrator")
    listed = run("audit", "list")
    assert "is whole" in listed.stdout
    out = tmp_path / "audit.csv"
    assert run("audit", "export", "--out", str(out)).exit_code == 0
    (row,) = list(csv.DictReader(out.open(encoding="utf-8")))
    assert (row["action"], row["object_kind"], row["detail"]) == ("create", "account", "administrator")
    lines = tmp_path / "audit.jsonl"
    run("audit", "export", "--out", str(lines), "--since", "2000-01-01")
    assert [json.loads(line)["action"] for line in lines.read_text(encoding="utf-8").splitlines()] == [
        "create",
        "export",
    ]
    with pytest.raises(FerPhqError, match="cannot be written"):
        run("audit", "export", "--out", str(out))


def test_an_export_of_no_entries_has_its_heading(tmp_path: Path) -> None:
    add("Dr M", "administrator")
    out = tmp_path / "audit.csv"
    assert "0 entries" in run("audit", "export", "--out", str(out), "--since", "2999-01-01").stdout
    assert out.read_text(encoding="utf-8").strip().split(",")[:4] == ["id", "at", "actor", "by"]


def test_a_subject_is_shared_and_unshared() -> None:
    add("Dr M", "administrator")
    with Store(load_settings().database_url) as store:
        subject = store.subjects.create(label="P01")
        assert "Dr M may see P01" in run("subjects", "share", "P01", "dr m").stdout
        assert [share.account for share in store.shares.list_of(subject_id=subject.id)] == ["Dr M"]
        assert "may not see P01" in run("subjects", "unshare", subject.id, "Dr M").stdout
        assert store.shares.list_of(subject_id=subject.id) == []
    with pytest.raises(FerPhqError, match="No account is called"):
        run("subjects", "share", "P01", "Nobody")


def test_a_broken_chain_is_an_error() -> None:
    import sqlite3

    add("Dr M", "administrator")
    path = load_settings().database_url.removeprefix(sqlite_url(Path("/")).removesuffix("/"))
    connection = sqlite3.connect(path)
    connection.execute("DROP TRIGGER audit_written_once")
    connection.execute("UPDATE audit SET detail = 'viewer'")
    connection.commit()
    connection.close()
    listed = run("audit", "list")
    assert listed.exit_code == 1
    assert "the chain is broken at entry 1" in listed.stderr

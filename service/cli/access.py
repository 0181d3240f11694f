"""`fer-phq users | tokens | audit`: who may log in, what programs show, and who did what."""

from __future__ import annotations

import csv
import dataclasses
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fer_phq.core.csv_input import without_formula
from fer_phq.core.errors import SettingsError
from service.access import messages
from service.cli.store import open_store
from service.settings import load_settings

if TYPE_CHECKING:
    from db.records import AuditRecord, ChainCheck
    from service.access.openid.registration import Registration

Name = Annotated[str, typer.Argument(help="The account's name.")]
PasswordFile = Annotated[
    Path | None, typer.Option(help="Read the password from this file's first line (default: ask for it).")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    users = typer.Typer(no_args_is_help=True, help="Accounts: who may log in. Without any, nobody has to.")
    users.command(name="add")(add_user_command)
    users.command(name="list")(list_users_command)
    users.command(name="role")(set_role_command)
    users.command(name="password")(set_password_command)
    users.command(name="oidc")(set_identity_command)
    users.command(name="disable")(disable_user_command)
    users.command(name="enable")(enable_user_command)
    app.add_typer(users, name="users")
    tokens = typer.Typer(no_args_is_help=True, help="Tokens: what a program shows instead of a password.")
    tokens.command(name="create")(create_token_command)
    tokens.command(name="list")(list_tokens_command)
    tokens.command(name="revoke")(revoke_token_command)
    app.add_typer(tokens, name="tokens")
    audit = typer.Typer(no_args_is_help=True, help="The audit: who did what, when and from where.")
    audit.command(name="list")(list_audit_command)
    audit.command(name="export")(export_audit_command)
    app.add_typer(audit, name="audit")


def add_user_command(
    name: Name,
    role: Annotated[str, typer.Option(help="viewer, clinician, researcher or administrator.")] = "clinician",
    password_file: PasswordFile = None,
    oidc: Annotated[
        str | None,
        typer.Option(help="Let the provider of identities log the person in, whom it calls so; no password."),
    ] = None,
) -> None:
    """Add an account. From the first one on, whoever opens the dashboard has to log in.

    Example: `fer-phq users add "Dr M" --role administrator`
    """
    from service.access.accounts import add_account, add_account_of_provider, read_role

    account_role = read_role(role)
    if oidc is not None and password_file is not None:
        raise SettingsError(messages.OIDC_OR_PASSWORD())
    with open_store() as store:
        if oidc is None:
            account = add_account(store, name, account_role, _password(password_file))
        else:
            account = add_account_of_provider(store, name, account_role, oidc, _registration())
    print(f"{account.name} may log in as {account.role}.")


def list_users_command() -> None:
    """List the accounts.

    Example: `fer-phq users list`
    """
    with open_store() as store:
        accounts = store.accounts.list_all()
    if not accounts:
        print("There are no accounts: nobody has to log in, and the dashboard listens on this machine alone.")
        return
    table = Table("Name", "Role", "Logs in with", "Since", "State")
    for account in accounts:
        state = "open" if account.disabled_at is None else f"disabled since {account.disabled_at:%Y-%m-%d}"
        entry = "a password" if account.identity is None else escape(account.identity)
        table.add_row(account.name, str(account.role), entry, f"{account.created_at:%Y-%m-%d}", state)
    Console().print(table)


def set_role_command(name: Name, role: Annotated[str, typer.Argument(help="The new role.")]) -> None:
    """Give an account another role.

    Example: `fer-phq users role "Dr M" viewer`
    """
    from service.access.accounts import read_role

    account_role = read_role(role)
    with open_store() as store:
        account = store.accounts.set_role(name=name, role=account_role)
    print(f"{account.name} is {account.role} now.")


def set_password_command(name: Name, password_file: PasswordFile = None) -> None:
    """Give an account another password, with which alone it logs in from now on; every login of it ends.

    Example: `fer-phq users password "Dr M"`
    """
    from service.access.accounts import change_password

    with open_store() as store:
        store.accounts.get(name=name)
        change_password(store, name, _password(password_file))
    print(f"{name} has a new password.")


def set_identity_command(
    name: Name, identity: Annotated[str, typer.Argument(help="What the provider of identities calls the person.")]
) -> None:
    """Let an account log in with the provider of identities alone; its password goes, every login of it ends.

    The next login binds it anew, so that this also helps where the provider calls the person otherwise now.

    Example: `fer-phq users oidc "Dr M" dr.m@clinic.example`
    """
    from service.access.accounts import change_to_provider

    with open_store() as store:
        account = change_to_provider(store, name, identity, _registration())
    print(f"{account.name} logs in as {account.identity} with the provider of identities.")


def disable_user_command(name: Name) -> None:
    """Close an account: its logins end and its tokens are revoked; what it did stays in the audit.

    Example: `fer-phq users disable "Dr M"`
    """
    with open_store() as store:
        account = store.accounts.set_disabled(name=name, disabled=True)
    print(f"{account.name} may not log in any more.")


def enable_user_command(name: Name) -> None:
    """Open an account again that was disabled; its tokens stay revoked.

    Example: `fer-phq users enable "Dr M"`
    """
    with open_store() as store:
        account = store.accounts.set_disabled(name=name, disabled=False)
    print(f"{account.name} may log in again as {account.role}.")


def create_token_command(
    name: Annotated[str, typer.Argument(help="What the token is for.")],
    user: Annotated[str, typer.Option(help="The account whose rights it has.")],
    scope: Annotated[list[str], typer.Option(help="read, upload, write or administer; may be repeated.")] = ["read"],  # noqa: B006 - typer copies it
    days: Annotated[int, typer.Option(help="Days that it lasts, at most 366.")] = 90,
) -> None:
    """Create a token and print it, once: only its digest is kept.

    Example: `fer-phq tokens create nightly-import --user "Dr M" --scope upload --days 30`
    """
    from service.access.accounts import create_token

    with open_store() as store:
        token, record = create_token(store, user, name, tuple(scope), days)
    print(token)
    summary = (
        f"{record.name}: for {record.account}, scopes {', '.join(record.scopes)}, until {record.expires_at:%Y-%m-%d}."
    )
    print(f"{summary} It is not shown again; revoke it with fer-phq tokens revoke {record.id[:8]}.", file=sys.stderr)


def list_tokens_command() -> None:
    """List the tokens, without their secrets.

    Example: `fer-phq tokens list`
    """
    with open_store() as store:
        records = store.tokens.list_all()
    table = Table("Id", "Name", "Account", "Scopes", "Until", "Used", "State")
    now = datetime.now(UTC)
    for record in records:
        state = "revoked" if record.revoked_at else "over" if record.expires_at <= now else "open"
        used = "never" if record.used_at is None else f"{record.used_at:%Y-%m-%d %H:%M}"
        until = f"{record.expires_at:%Y-%m-%d}"
        table.add_row(record.id[:8], record.name, record.account, " ".join(record.scopes), until, used, state)
    Console().print(table)


def revoke_token_command(token: Annotated[str, typer.Argument(help="The token's id, or its beginning.")]) -> None:
    """End a token now.

    Example: `fer-phq tokens revoke 1f3a77c0`
    """
    from service.access.accounts import revoke_token

    with open_store() as store:
        record = revoke_token(store, token)
    print(f"{record.name} is revoked.")


def list_audit_command(
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="The most entries.")] = 50,
    object_id: Annotated[str | None, typer.Option(help="Only entries of this subject, session, … (id).")] = None,
) -> None:
    """List the newest entries, and say whether the chain of all is whole.

    Example: `fer-phq audit list --limit 20`
    """
    with open_store() as store:
        records = store.audit.list_newest(limit=limit, object_id=object_id)
        check = store.audit.check_chain()
    table = Table("When (UTC)", "Who", "From", "Did", "What", "Which", "More")
    for record in records:
        at = f"{record.at:%Y-%m-%d %H:%M:%S}"
        origin = record.origin or "here"
        table.add_row(at, record.who, origin, record.action, record.object_kind, record.object_id[:36], record.detail)
    Console().print(table)
    raise typer.Exit(_say_chain(check))


def export_audit_command(
    out: Annotated[Path, typer.Option(help="The file: .csv, or .jsonl for one entry a line as JSON.")],
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="From this day on (UTC).")] = None,
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Before this day (UTC).")] = None,
) -> None:
    """Write the entries to a file, oldest first, and say whether the chain of all is whole.

    Example: `fer-phq audit export --out audit.csv`
    """
    if out.suffix.lower() not in (".csv", ".jsonl"):
        raise SettingsError(messages.AUDIT_FILE(file=out.name))
    times = [None if day is None else day.replace(tzinfo=UTC) for day in (since, until)]
    with open_store() as store:
        try:
            with out.open("x", encoding="utf-8", newline="") as file:
                count = _write(file, out.suffix.lower(), store.audit.iterate(since=times[0], until=times[1]))
        except OSError as error:
            reason = error.strerror or str(error)
            raise SettingsError(messages.AUDIT_UNWRITABLE(file=str(out), reason=reason)) from error
        store.audit.add(action="export", object_kind="audit", object_id="all", detail=f"{count} entries")
        check = store.audit.check_chain()
    print(f"{count} entries are in {out}.")
    raise typer.Exit(_say_chain(check))


def _write(file: IO[str], kind: str, records: Iterator[AuditRecord]) -> int:
    from db.records import AuditRecord

    count = 0
    writer = csv.DictWriter(file, [field.name for field in dataclasses.fields(AuditRecord)])
    if kind == ".csv":
        writer.writeheader()  # also without an entry: an empty file does not say that there is none
    for record in records:
        row = dataclasses.asdict(record) | {"at": record.at.isoformat()}
        if kind == ".jsonl":
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
        else:
            writer.writerow(
                {key: without_formula(value) if isinstance(value, str) else value for key, value in row.items()}
            )
        count += 1
    return count


def _say_chain(check: ChainCheck) -> int:
    """Print whether the chain is whole, and return the exit code: 1 where it is not."""
    if check.whole:
        print(f"The chain of all {check.entries} entries is whole. Its end is {check.digest}.")
        return 0
    if check.broken_id is not None:
        print(
            f"Error: the chain is broken at entry {check.broken_id}: it was changed, or one before it.", file=sys.stderr
        )
    if check.missing:
        print(f"Error: {check.missing} entries are missing at the end.", file=sys.stderr)
    return 1


def _password(path: Path | None) -> str:
    """Read a password from a file's first line, or ask for it twice."""
    if path is not None:
        try:
            return path.read_text(encoding="utf-8").splitlines()[0]
        except (OSError, UnicodeDecodeError, IndexError) as error:
            raise SettingsError(messages.PASSWORD_FILE(file=str(path), reason=_reason(error))) from error
    password = str(typer.prompt("Password", hide_input=True, err=True))
    if typer.prompt("Again", hide_input=True, err=True) != password:
        raise SettingsError(messages.PASSWORDS_DIFFER())
    return password


def _registration() -> Registration | None:
    """Return how the installation is registered with a provider of identities; None where it is not."""
    from service.access.openid.registration import read_registration

    return read_registration(load_settings())


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or ("it is empty" if isinstance(error, IndexError) else str(error))

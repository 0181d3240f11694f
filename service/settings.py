"""Settings of an installation, read from the environment (prefix `FERPHQ_`).

Some of them can also be changed while it runs: see `service.runtime_settings`. The environment comes first, then the
changed value, then the default.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cached_property
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from db.urls import DATABASE_NAME, sqlite_url
from fer_phq.core.analysis import MOST_FACE_RATE, USUAL_FACE_RATE, Sampling, Settings, SoundChoice
from fer_phq.core.errors import SettingsError, field_message
from fer_phq.core.paths import data_dir
from fer_phq.runtime.devices import CPU, PATTERN
from service import messages

GIB = 1024**3
MIB = 1024**2
SECRET_BYTES = 32
CONSENT_TEXT = (
    "The person in the recording (or who may decide for them) knows that facial expressions are analysed by software, "
    "what for, how long the recording is kept and that they may withdraw; and has agreed."
)
ITEM9_MESSAGE = (
    "A person should speak with them now, today, whatever the total is. Do not leave this to a message or to this "
    "software. In immediate danger call the local emergency number. Help lines by country: findahelpline.com."
)

JOB_OPTIONS = frozenset(
    {
        "fps",
        "key_frames",
        "search_each_frame",
        "face_rate",
        "track",
        "tracks",
        "sound_track",
        "sound_channel",
        "speech",
        "subject_turns",
    }
)
"""What a job may set of its own analysis, in place of the installation's."""


class AppSettings(BaseSettings):
    """Where data lives and how the service behaves; every field is the environment variable `FERPHQ_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="FERPHQ_", frozen=True, extra="ignore", env_ignore_empty=True)

    data_dir: Path = Field(default_factory=data_dir)
    """Folder of the SQLite files, the media files, uploads in progress and the secret."""
    database_url: str = ""
    """SQLAlchemy URL of the store; default: `fer-phq.db` in the data folder."""
    dbos_database_url: str = ""
    """Where the job engine keeps its own tables; default: `jobs.db` in the data folder, or the store's PostgreSQL."""
    database_wait_s: float = Field(default=60.0, ge=0)
    """Seconds that a starting dashboard or worker waits for a database server that does not answer."""
    threads: int | None = Field(default=None, ge=1)
    """Threads that each network may use; read from the environment alone. Default: one for two processor cores."""
    device: str = Field(default=str(CPU), pattern=PATTERN)
    """What the networks run on: `cpu`, or a graphics card: `cuda`, or `cuda:1` for the second; read from the
    environment alone."""
    model: str | None = None
    """Name or path of the checkpoint bundle; default: the one that ships."""
    fps: float = Field(default=2.0, gt=0, le=240)
    """Frames a second that are analysed."""
    face_rate: float = Field(default=USUAL_FACE_RATE, ge=0, le=MOST_FACE_RATE)
    """Frames a second in which the face mesh is followed, 0 for none; a recording with fewer gives all it has. It is
    read from the environment alone."""
    speech: bool = True
    """Whether it is told who speaks when; read from the environment alone."""
    recognition: bool = False
    """Whether the words of recordings without a transcript are recognised and kept; read from the environment alone."""
    coverage_floor: float = Field(default=0.3, ge=0, le=1)
    """Share of the recording in which the face must be seen before an estimate is given."""
    address: str = "127.0.0.1"
    """Network address the dashboard listens on; any but loopback needs accounts and encryption."""
    port: int = Field(default=8501, ge=0, le=65535)
    """Port the dashboard listens on; 0 takes a free one."""
    api_port: int = Field(default=8600, ge=0, le=65535)
    """Port that the API for programs listens on where it is served alone (`fer-phq serve`); 0 takes a free one."""
    max_upload_bytes: int = Field(default=8 * GIB, gt=0)
    """Largest recording that may be uploaded, in bytes."""
    uploads_at_once: int = Field(default=32, ge=1)
    """Most uploads that run at the same time."""
    uploads_per_link: int = Field(default=4, ge=1)
    """Most uploads that run at the same time by one upload link."""
    upload_idle_s: float = Field(default=60.0, gt=0)
    """Seconds without a byte after which an upload is broken off."""
    upload_least_rate: int = Field(default=8192, ge=0)
    """Bytes a second that an upload must reach on average after its first minute."""
    upload_total_s: float = Field(default=6 * 3600.0, gt=0)
    """Longest time that an upload may take, in seconds."""
    min_free_bytes: int = Field(default=512 * MIB, ge=0)
    """Disk space that an upload must leave free, in bytes."""
    media_quota_bytes: int | None = Field(default=None, gt=0)
    """Most that all stored recordings may take together, in bytes; default: no limit but the disk's."""
    allowed_hosts: list[str] = []
    """Host names under which the dashboard answers (a JSON list), besides loopback names when it listens on loopback;
    default on another address: loopback names and addresses written in numbers."""
    allowed_origins: list[str] = []
    """Origins, such as `https://phq.example.org`, that may upload besides the dashboard's own (a JSON list)."""
    trusted_proxy: Annotated[tuple[str, ...], NoDecode] = ()
    """Addresses or networks, such as `10.0.0.5, 192.168.4.0/24`, of the proxy before the dashboard, which encrypts and
    whose `X-Forwarded-` headers are believed; default: none."""
    tls_cert: Path | None = None
    """File of the certificate with which the dashboard encrypts (PEM); default: it does not."""
    tls_key: Path | None = None
    """File of the certificate's key, without a pass phrase (PEM)."""
    login_hours: float = Field(default=12.0, gt=0, le=24 * 30)
    """Hours after which a login ends."""
    login_idle_minutes: float = Field(default=30.0, gt=0, le=24 * 60)
    """Minutes without use after which a login ends."""
    oidc_issuer: str | None = None
    """Address of the provider of identities with which people may log in (OpenID Connect), as it calls itself; default:
    none, and nothing is ever fetched."""
    oidc_client_id: str | None = None
    """What the provider calls this installation."""
    oidc_client_secret_file: Path | None = None
    """File whose first line is the secret that the provider gave this installation; default: a client without one."""
    oidc_claim: Literal["email", "preferred_username", "oid", "sub"] = "email"
    """What an account is entered under: of `email`, only addresses that the provider has verified count."""
    oidc_require_acr: Annotated[tuple[str, ...], NoDecode] = ()
    """Levels of authentication (`acr`), one of which the provider must vouch for; default: any."""
    oidc_require_amr: Annotated[tuple[str, ...], NoDecode] = ()
    """Methods of authentication (`amr`), such as `mfa`, one of which the provider must have used; default: any."""
    oidc_max_age_minutes: float | None = Field(default=None, ge=0, le=24 * 60)
    """Minutes after which the provider asks for password and second factor again, and must say when it did; 0 for each
    login. Default: it is asked to after `login_idle_minutes`, and need not say so."""
    secret: str | None = Field(default=None, min_length=16, repr=False)
    """Key that signs upload and media links; default: made at first use and kept in the data folder."""
    encryption_key_file: Path | None = None
    """File with the key of the installation's encryption, readable by its owner only; read from the environment alone.
    Default: none."""
    encryption_keyring: bool = False
    """Whether the key is in the system's keyring (needs the package `keyring`); read from the environment alone."""
    worker_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9._-]{1,64}$")
    """Name of the worker process, stable over restarts and unique; default: host name and a free slot number."""
    worker_timeout_s: float = Field(default=30.0, ge=2)
    """Seconds without a sign of life after which a worker's jobs are given to another."""
    stale_upload_s: float = Field(default=24 * 3600.0, ge=60)
    """Age in seconds at which an unfinished upload is removed."""
    import_dir: Path | None = None
    """Folder on the server from which recordings may be imported; default: none."""
    retention_days: int | None = Field(default=None, ge=1, le=36500)
    """Days for which a new session's recording is kept where nothing else is entered; default: until erased by hand."""
    questionnaire_days: int | None = Field(default=28, ge=1, le=3650)
    """Days since a person's last questionnaire after which Home says that another one is due."""
    item9_message: str = Field(default=ITEM9_MESSAGE, min_length=1, max_length=2000)
    """Text shown when item 9 of a PHQ-9 was not answered with zero: what to do, and the local help lines."""
    consent_text: str = Field(default=CONSENT_TEXT, min_length=1, max_length=2000)
    """Text that is confirmed before a recording comes in."""
    consent_version: str = Field(default="1", pattern=r"^[^\s\x00-\x1f]([^\x00-\x1f]{0,38}[^\s\x00-\x1f])?$")
    """Version of the consent text, noted with each consent."""
    language: str | None = Field(default=None, pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")
    """The dashboard's language as a code, such as `de`; default: as each viewer's browser asks for."""

    @field_validator("trusted_proxy", mode="before")
    @classmethod
    def _networks(cls, value: Any) -> Any:
        parts = value.replace(",", " ").split() if isinstance(value, str) else list(value)
        return tuple(str(ip_network(part, strict=False)) for part in parts)

    @field_validator("oidc_require_acr", "oidc_require_amr", mode="before")
    @classmethod
    def _words(cls, value: Any) -> Any:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else tuple(value)

    @field_validator("data_dir", "import_dir", "tls_cert", "tls_key", "oidc_client_secret_file", "encryption_key_file")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return None if value is None else value.expanduser().absolute()

    @model_validator(mode="after")
    def _fill_in_urls(self) -> Self:
        if not self.database_url:
            object.__setattr__(self, "database_url", sqlite_url(self.data_dir / DATABASE_NAME))
        if not self.dbos_database_url:
            shared = self.database_url.startswith("postgres")
            separate = sqlite_url(self.data_dir / "jobs.db")
            object.__setattr__(self, "dbos_database_url", self.database_url if shared else separate)
        if self.dbos_database_url.startswith("sqlite") and self.dbos_database_url == self.database_url:
            raise SettingsError(messages.SAME_DATABASE())
        return self

    @property
    def media_dir(self) -> Path:
        """Folder of the stored recordings."""
        return self.data_dir / "media"

    @property
    def incoming_dir(self) -> Path:
        """Folder of uploads in progress; on the media folder's file system, so that moving is renaming."""
        return self.data_dir / "incoming"

    @property
    def links_dir(self) -> Path:
        """Folder of the counts of how often upload links were used."""
        return self.data_dir / "links"

    def retain_until(self, now: datetime) -> datetime | None:
        """Return when a recording that comes in is removed; None keeps it until it is erased by hand.

        Args:
            now: When it comes in.
        """
        return None if self.retention_days is None else now + timedelta(days=self.retention_days)

    def prepare(self) -> None:
        """Create the folders, readable by their owner only.

        Raises:
            SettingsError: The data folder cannot be written.
        """
        try:
            for folder in (self.data_dir, self.media_dir, self.incoming_dir, self.links_dir):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                if not os.access(folder, os.W_OK | os.X_OK):
                    raise OSError(errno.EACCES, f"{folder} is not writable")
        except OSError as error:
            reason = error.strerror or str(error)
            raise SettingsError(messages.UNUSABLE_DATA_FOLDER(path=str(self.data_dir), reason=reason)) from error

    @cached_property
    def secret_key(self) -> bytes:
        """The key that signs links: `FERPHQ_SECRET`, else the file `secret` (0600), which is made at first use.

        Raises:
            SettingsError: The file cannot be read or made.
        """
        if self.secret is not None:
            return self.secret.encode()
        self.prepare()
        path = self.data_dir / "secret"
        try:
            return _read_secret(path) if path.exists() else _create_secret(path)
        except OSError as error:
            reason = error.strerror or str(error)
            raise SettingsError(messages.UNUSABLE_SECRET(path=str(path), reason=reason)) from error

    def analysis_settings(self, overrides: Mapping[str, Any] | None = None) -> Settings:
        """Return the pipeline's settings: this installation's, with a job's own on top.

        Args:
            overrides: The job's own settings, by the names of `JOB_OPTIONS`.

        Raises:
            SettingsError: There is another setting, or a value cannot be used.
        """
        overrides = dict(overrides or {})
        unknown = sorted(set(overrides) - JOB_OPTIONS)
        if unknown:
            raise SettingsError(messages.UNKNOWN_ANALYSIS_SETTING(names=tuple(unknown)))
        try:
            fps = float(overrides.get("fps", self.fps))
            key_frames = bool(overrides.get("key_frames", False))
            sampling = Sampling(fps=fps, key_frames=key_frames)
            track = None if overrides.get("track") is None else int(overrides["track"])
            tracks = tuple(int(number) for number in overrides.get("tracks") or ())
            face_rate = overrides.get("face_rate", self.face_rate)
            turns = overrides.get("subject_turns") or ()
            numbers = (overrides.get("sound_track"), overrides.get("sound_channel"))
            sound = SoundChoice(*(None if number is None else int(number) for number in numbers))
            return Settings(
                sampling=sampling,
                coverage_floor=self.coverage_floor,
                track=track,
                tracks=tracks,
                all_faces=True,
                sound=sound,
                search_each_frame=bool(overrides.get("search_each_frame", False)),
                face_rate=float(face_rate or 0),
                recognition=self.recognition,
                speech=bool(self.speech if overrides.get("speech") is None else overrides["speech"]),
                subject_turns=tuple((float(start_s), float(end_s)) for start_s, end_s in turns),
            )
        except (TypeError, ValueError) as error:
            message = messages.UNUSABLE_ANALYSIS_SETTINGS(settings=str(overrides), reason=str(error))
            raise SettingsError(message) from error


def load_settings(**overrides: Any) -> AppSettings:
    """Read the settings from the environment.

    Args:
        **overrides: Fields of `AppSettings` that come before the environment.

    Raises:
        SettingsError: A value cannot be used; the message names the first one.
    """
    try:
        return AppSettings(**overrides)
    except ValidationError as error:
        first = error.errors()[0]
        name = "FERPHQ_" + str(first["loc"][0]).upper() if first["loc"] else messages.THE_SETTINGS()
        raise SettingsError(messages.UNUSABLE_VALUE(name=name, reason=field_message(first))) from error
    except ValueError as error:
        raise SettingsError(messages.UNREADABLE_SETTING(reason=str(error))) from error


def _create_secret(path: Path) -> bytes:
    """Write a key to a file of its own and link it to `path`. Of several processes at first use, one wins."""
    unlinked = path.with_name(f"secret.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(unlinked, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(unlinked, path)
        except FileExistsError:
            return _read_secret(path)
    finally:
        unlinked.unlink()
    return _read_secret(path)


def _read_secret(path: Path) -> bytes:
    key = path.read_bytes()
    if len(key) < SECRET_BYTES:
        reason = messages.SHORT_SECRET(size=len(key), least=SECRET_BYTES)
        raise SettingsError(messages.UNUSABLE_SECRET(path=str(path), reason=reason))
    return key

"""Tokens: what goes in comes out, for its purpose, its object and its time only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from service.access.browser import COOKIE, browser_mark, new_cookie
from service.ingest import tokens
from service.ingest.tokens import TokenError, UploadGrant
from service.settings import AppSettings

GRANT = UploadGrant(
    subject_id="7f0c",
    recorded_at=datetime(2026, 3, 4, 10, tzinfo=timezone(timedelta(hours=2))),
    consent_by="signed form",
    consent_text="v1",
    retain_until=datetime(2031, 1, 1, tzinfo=UTC),
    analysis={"fps": 4.0},
)


@pytest.fixture
def signer(tmp_path: Path) -> AppSettings:
    return AppSettings(data_dir=tmp_path)


def test_a_grant_survives_the_journey(signer: AppSettings) -> None:
    assert tokens.read_upload_token(signer, tokens.upload_token(signer, GRANT)) == GRANT
    bare = UploadGrant("7f0c", datetime(2026, 3, 4, tzinfo=UTC))
    assert tokens.read_upload_token(signer, tokens.upload_token(signer, bare)) == bare


def test_a_token_holds_for_one_purpose_and_one_object(signer: AppSettings, tmp_path: Path) -> None:
    token = tokens.media_token(signer, "one")
    tokens.check_media_token(signer, token, "one")
    for check in (
        lambda: tokens.check_media_token(signer, token, "two"),
        lambda: tokens.check_job_token(signer, token, "one"),
        lambda: tokens.read_upload_token(signer, token),
        lambda: tokens.check_media_token(signer, token[:-1], "one"),
        lambda: tokens.check_media_token(signer, "", "one"),
        lambda: tokens.check_media_token(AppSettings(data_dir=tmp_path / "other"), token, "one"),
    ):
        with pytest.raises(TokenError):
            check()


def test_a_token_expires(signer: AppSettings) -> None:
    token = tokens.job_token(signer, "one")
    with pytest.raises(TokenError, match="expired"):
        tokens.check_job_token(signer, token, "one", max_age_s=-1)


def test_times_need_a_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        UploadGrant("7f0c", datetime(2026, 3, 4))


def test_urls_quote_what_they_are_given(signer: AppSettings) -> None:
    assert tokens.media_url(signer, "a/b").startswith("/api/media/a%2Fb?token=")


def test_a_media_link_works_for_a_short_time_in_its_browser(signer: AppSettings) -> None:
    assert tokens.MEDIA_SECONDS <= 3600
    mark = browser_mark({COOKIE: "a" * 32})
    token = tokens.media_token(signer, "one", browser=mark)
    tokens.check_media_token(signer, token, "one", browser=mark)
    for stranger in ("", browser_mark({COOKIE: "b" * 32})):
        with pytest.raises(TokenError):
            tokens.check_media_token(signer, token, "one", browser=stranger)
    with pytest.raises(TokenError, match="expired"):
        tokens.check_media_token(signer, token, "one", browser=mark, max_age_s=-1)


def test_a_browser_without_a_good_cookie_has_no_mark() -> None:
    for value in ("", "a", "a" * 33, "a" * 31 + "/"):
        assert browser_mark({COOKIE: value}) == ""
    header = new_cookie(secure=True)
    value = header.split(";")[0].removeprefix(f"{COOKIE}=")
    assert len(browser_mark({COOKIE: value})) == 32
    assert value not in browser_mark({COOKIE: value})
    assert header.endswith("; Path=/; HttpOnly; SameSite=Lax; Secure")

"""A real browser goes to the provider of identities, which is another site, and comes back logged in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from openid_provider import CLIENT, CLIENT_SECRET, running_provider
from served import CHROMIUM, calm, dashboard

from db.actors import Role
from db.store import Store
from service.access.accounts import add_account_of_provider
from service.access.guard import ANSWER_PATH
from service.access.openid.registration import read_registration
from service.settings import AppSettings, load_settings

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]


def test_a_browser_goes_to_the_provider_and_comes_back_logged_in(
    installation: AppSettings, store: Store, page: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = tmp_path / "client-secret"
    secret.write_text(CLIENT_SECRET)
    messages: list[str] = []
    page.on("console", lambda line: messages.append(line.text))
    with running_provider("localhost") as provider:  # the dashboard is at 127.0.0.1: another site
        monkeypatch.setenv("FERPHQ_OIDC_ISSUER", provider.issuer)
        monkeypatch.setenv("FERPHQ_OIDC_CLIENT_ID", CLIENT)
        monkeypatch.setenv("FERPHQ_OIDC_CLIENT_SECRET_FILE", str(secret))
        monkeypatch.setenv("FERPHQ_OIDC_REQUIRE_AMR", "mfa")
        registration = read_registration(load_settings(data_dir=installation.data_dir))
        add_account_of_provider(store, "Dr M", Role.ADMINISTRATOR, "dr.m@clinic.example", registration)
        provider.asks = True
        with dashboard(installation) as address:
            provider.redirects = {f"{address}{ANSWER_PATH}"}
            page.goto(f"{address}/settings")
            for methods, sentence in ((["pwd"], "did not say that you used a second factor"), (["mfa"], "")):
                provider.claims = {"amr": methods}
                page.get_by_role("link", name="Log in with your organisation").click()
                page.get_by_role("button", name="Sign in").click()
                if sentence:
                    assert sentence in page.get_by_role("alert").inner_text()
            page.wait_for_url(f"{address}/settings")
            page.get_by_text("Logged in as Dr M").first.wait_for()
            calm(page)
            page.goto(f"{address}/logout")
            page.goto(f"{address}/settings")
            assert page.url == f"{address}/login?next=%2Fsettings"
    assert [text for text in messages if "Content Security Policy" in text] == []

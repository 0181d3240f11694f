"""Where the dashboard may listen: loopback as it is, anywhere else only with accounts and encryption."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from certificates import make_certificate

from dashboard.launch import server_options
from fer_phq.core.errors import SettingsError
from service.access.listening import check_address, check_listening, is_loopback
from service.settings import AppSettings, load_settings

ROOT = Path(__file__).parents[3]
LOOPBACK = ["127.0.0.1", "127.0.0.2", "127.255.255.254", "::1", "0:0:0:0:0:0:0:1", "localhost", "LocalHost",
            "::ffff:127.0.0.1", "::ffff:7f00:1"]  # fmt: skip
ELSEWHERE = ["0.0.0.0", "::", "", "192.168.1.20", "10.0.0.1", "::ffff:192.168.1.20", "::ffff:0.0.0.0", "fe80::1",
             "2001:db8::1", "clinic", "localhost.example.org", "127.0.0.1.example.org", "0", "127.1", "0x7f.1",
             "128.0.0.1", " 127.0.0.1"]  # fmt: skip


def nobody() -> bool:
    """Whether there are accounts: none."""
    return False


@pytest.mark.parametrize("address", LOOPBACK)
def test_loopback_needs_nothing(address: str) -> None:
    assert is_loopback(address)
    check_address(address, has_accounts=lambda: pytest.fail("asked"), has_encryption=False, has_trusted_proxy=False)


@pytest.mark.parametrize("address", LOOPBACK)
def test_loopback_behind_a_proxy_needs_accounts(address: str) -> None:
    check_address(address, has_accounts=lambda: True, has_encryption=False, has_trusted_proxy=True)
    with pytest.raises(SettingsError, match="FERPHQ_TRUSTED_PROXY") as refusal:
        check_address(address, has_accounts=lambda: False, has_encryption=False, has_trusted_proxy=True)
    assert "fer-phq users add" in str(refusal.value)


@pytest.mark.parametrize("address", ELSEWHERE)
@pytest.mark.parametrize("encryption", [False, True])
@pytest.mark.parametrize("proxy", [False, True])
def test_elsewhere_needs_accounts_and_encryption(address: str, encryption: bool, proxy: bool) -> None:
    assert not is_loopback(address)
    with pytest.raises(SettingsError, match="without a login") as refusal:
        check_address(address, has_accounts=lambda: False, has_encryption=encryption, has_trusted_proxy=proxy)
    assert "FERPHQ_ADDRESS" in str(refusal.value)
    assert "\n" not in str(refusal.value)
    if encryption or proxy:
        check_address(address, has_accounts=lambda: True, has_encryption=encryption, has_trusted_proxy=proxy)
    else:
        with pytest.raises(SettingsError, match="FERPHQ_TLS_CERT"):
            check_address(address, has_accounts=lambda: True, has_encryption=False, has_trusted_proxy=False)


@pytest.mark.parametrize(
    ("name", "address"), [pytest.param("dashboard", "0.0.0.0", marks=pytest.mark.slow), ("up", "::")]
)
def test_the_command_refuses_in_one_sentence_and_does_not_listen(name: str, address: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "service.cli", name, "--address", address, "--port", "0"]
    surroundings = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "FERPHQ_DATA_DIR": str(tmp_path / "data")}
    result = subprocess.run(command, cwd=ROOT, env=surroundings, capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert "open" not in result.stdout
    assert result.stderr.startswith(f"Error: The dashboard does not listen on {address}, because")
    assert result.stderr.count("\n") == 1


def test_certificate_and_key_belong_together_and_are_read_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "certificate.pem"
    with pytest.raises(SettingsError, match="belong together"):
        check_listening(AppSettings(data_dir=tmp_path, tls_cert=file), has_accounts=nobody)
    for content in (None, "no certificate"):
        if content is not None:
            file.write_text(content)
        with pytest.raises(SettingsError, match="cannot be used") as refusal:
            check_listening(AppSettings(data_dir=tmp_path, tls_cert=file, tls_key=file), has_accounts=nobody)
        assert str(refusal.value).count("\n") == 0


def test_trusted_proxies_are_addresses_and_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERPHQ_TRUSTED_PROXY", "10.0.0.5, 192.168.4.0/24 ::1")
    assert load_settings().trusted_proxy == ("10.0.0.5/32", "192.168.4.0/24", "::1/128")
    for bad in ("*", "proxy.example.org", "10.0.0.0/40"):
        monkeypatch.setenv("FERPHQ_TRUSTED_PROXY", bad)
        with pytest.raises(SettingsError, match="FERPHQ_TRUSTED_PROXY"):
            load_settings()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes a certificate with openssl")
def test_a_certificate_with_its_key_is_enough_where_there_are_accounts(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path, "localhost")
    settings = AppSettings(data_dir=tmp_path, address="0.0.0.0", tls_cert=certificate, tls_key=key)
    check_listening(settings, has_accounts=lambda: True)
    options = server_options(settings)
    assert (options["server.sslCertFile"], options["server.sslKeyFile"]) == (str(certificate), str(key))
    with pytest.raises(SettingsError, match="without a login"):
        check_listening(settings, has_accounts=nobody)
    swapped = settings.model_copy(update={"tls_cert": key, "tls_key": certificate})
    with pytest.raises(SettingsError, match="cannot be used"):
        check_listening(swapped, has_accounts=lambda: True)

"""Settings and the secret: defaults, the environment, and sentences for what is wrong."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fer_phq.core.errors import SettingsError
from service.settings import AppSettings, load_settings

ROOT = Path(__file__).parents[2]


def test_defaults_live_in_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FERPHQ_DATABASE_URL", "FERPHQ_DBOS_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FERPHQ_DATA_DIR", str(tmp_path / "here"))
    settings = load_settings()
    assert settings.database_url == f"sqlite:///{tmp_path}/here/fer-phq.db"
    assert settings.dbos_database_url == f"sqlite:///{tmp_path}/here/jobs.db"
    settings.prepare()
    assert settings.media_dir.is_dir()
    assert settings.data_dir.stat().st_mode & 0o777 == 0o700


def test_postgresql_is_shared_with_the_job_engine(tmp_path: Path) -> None:
    url = "postgresql+psycopg://user@host/base"
    assert load_settings(data_dir=tmp_path, database_url=url).dbos_database_url == url


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("FERPHQ_FPS", "0", "FERPHQ_FPS"),
        ("FERPHQ_PORT", "eighty", "FERPHQ_PORT"),
        ("FERPHQ_SECRET", "short", "FERPHQ_SECRET"),
        ("FERPHQ_WORKER_ID", "a b", "FERPHQ_WORKER_ID"),
        ("FERPHQ_DEVICE", "gpu", "FERPHQ_DEVICE"),
        ("FERPHQ_ALLOWED_HOSTS", "not json", "setting"),
    ],
)
def test_a_wrong_value_is_one_sentence(monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=says) as caught:
        load_settings()
    assert "\n" not in str(caught.value)


def test_the_two_sqlite_files_are_kept_apart(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="another SQLite file"):
        load_settings(database_url=f"sqlite:///{tmp_path}/x.db", dbos_database_url=f"sqlite:///{tmp_path}/x.db")


def test_the_secret_is_made_once_and_private(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: AppSettings(data_dir=tmp_path).secret_key, range(16)))
    assert len(keys) == 1
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.glob("secret*")] == ["secret"]
    assert AppSettings(data_dir=tmp_path, secret="a" * 20).secret_key == b"a" * 20


def test_a_cut_secret_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"x")
    with pytest.raises(SettingsError, match="secret file"):
        _ = AppSettings(data_dir=tmp_path).secret_key


def test_analysis_settings_take_a_jobs_own(tmp_path: Path) -> None:
    settings = AppSettings(data_dir=tmp_path, fps=3, coverage_floor=0.5)
    assert settings.analysis_settings().sampling.fps == 3
    assert settings.analysis_settings().coverage_floor == 0.5
    assert settings.analysis_settings({"fps": 4, "track": 2}).track == 2
    assert AppSettings(data_dir=tmp_path, speech=True).analysis_settings().speech
    assert not AppSettings(data_dir=tmp_path, speech=True).analysis_settings({"speech": False}).speech
    assert AppSettings(data_dir=tmp_path, speech=False).analysis_settings({"speech": True}).speech
    assert not settings.analysis_settings().recognition
    assert AppSettings(data_dir=tmp_path, recognition=True).analysis_settings().recognition
    sound = settings.analysis_settings({"sound_track": 2, "sound_channel": 1}).sound
    assert (sound.track, sound.channel) == (2, 1)
    for bad in ({"fps": 0}, {"fps": "x"}, {"colour": 1}, {"sound_track": 0}, {"sound_channel": "left"}):
        with pytest.raises(SettingsError):
            settings.analysis_settings(bad)


def test_a_data_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="FERPHQ_DATA_DIR"):
        AppSettings(data_dir=tmp_path / "file" / "data").prepare()


def test_what_the_dashboard_imports_is_light() -> None:
    """No torch, no job engine, no Streamlit behind the modules that the dashboard imports."""
    modules = (
        *("settings", "ingest.media", "ingest.session_details", "ingest.tokens"),
        *("jobs.queue", "api.routes", "lifecycle.erasure"),
    )
    code = (
        "import sys\n"
        + "".join(f"import service.{name}\n" for name in modules)
        + "print([name for name in ('torch', 'timm', 'onnxruntime', 'dbos', 'streamlit') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"

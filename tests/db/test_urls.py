"""Where a database in a file is can be told without SQLAlchemy, and SQLAlchemy agrees."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy.engine import URL, make_url

from db.urls import may_exist, sqlite_url


@pytest.mark.parametrize("name", ["plain.db", "with space+plus.db", "%20?x=1#é.db", "at@colon:.db", "C:\\x\\y.db"])
def test_a_file_has_the_url_that_sqlalchemy_gives_it(tmp_path, name):
    path = tmp_path / name
    url = sqlite_url(path)
    assert url == URL.create("sqlite", database=str(path)).render_as_string(hide_password=False)
    assert make_url(url).database == str(path)
    assert not may_exist(url)
    path.touch()
    assert may_exist(url)
    assert may_exist(f"{url}?timeout=5")


def test_a_server_may_be_there():
    assert may_exist("postgresql://user@host/ferphq")
    assert sqlite_url(Path("relative.db")) == "sqlite:///relative.db"


def test_the_settings_need_no_database_library():
    code = "import sys, service.settings; service.settings.load_settings(); sys.exit('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

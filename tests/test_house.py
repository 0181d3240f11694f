"""The house's rules that a machine can check: who may import whom, and who must stay light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FORBIDDEN = {
    "fer_phq": {"training", "service", "dashboard", "db", "streamlit", "sqlalchemy"},
    "db": {"training", "service", "dashboard", "streamlit", "torch"},
    "training": {"service", "dashboard", "streamlit", "sqlalchemy"},
    "service": {"streamlit"},
    "dashboard": {"training", "torch", "sqlalchemy", "dbos"},
}
EXCEPT = {("service/cli/serve.py", "dashboard")}
"""The command that starts the dashboard names it."""


def imports(path: Path) -> set[str]:
    """Top-level names of everything a file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("room", FORBIDDEN)
def test_imports_go_one_way(room):
    for path in (ROOT / room).rglob("*.py"):
        name = path.relative_to(ROOT).as_posix()
        wrong = {other for other in imports(path) & FORBIDDEN[room] if (name, other) not in EXCEPT}
        assert not wrong, f"{name} imports {', '.join(wrong)}"


def test_the_vocabulary_imports_nothing_of_ours_but_itself():
    for path in (ROOT / "fer_phq" / "core").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fer_phq"):
                assert f"{node.module}.".startswith("fer_phq.core."), path


@pytest.mark.parametrize(
    "modules",
    [
        "db.store, db.migrate",
        "service.settings, service.jobs.queue, service.api.routes, service.erasure",
        "dashboard.launch",
    ],
)
def test_the_store_and_the_dashboard_do_not_load_torch(modules):
    code = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_no_pickle_is_read_anywhere():
    for room in FORBIDDEN:
        for path in (ROOT / room).rglob("*.py"):
            assert not imports(path) & {"pickle", "dill", "joblib", "cloudpickle"}, path
            text = path.read_text(encoding="utf-8")
            assert "torch.load(" not in text or "weights_only=True" in text, path

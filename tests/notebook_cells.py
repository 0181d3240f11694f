"""Runs the cells of a notebook as Jupyter does, without it, and keeps what they show.

    PYTHONPATH=. python tests/notebook_cells.py examples/first_analysis.ipynb

Cells run one after another in one namespace; the value of a cell's last line is shown by `_repr_mimebundle_`,
`_repr_html_` and `repr`. The first cell that fails ends it.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any


def run_notebook(path: Path) -> dict[str, Any]:
    """Run a notebook, and return it with its outputs.

    Args:
        path: The notebook.
    """
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    namespace: dict[str, Any] = {"__name__": "__main__"}
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for count, cell in enumerate(cells, 1):
        cell["execution_count"] = count
        cell["outputs"] = _run_cell("".join(cell["source"]), f"{path.name}, cell {count}", namespace, count)
    return notebook


def _run_cell(source: str, name: str, namespace: dict[str, Any], count: int) -> list[dict[str, Any]]:
    body = ast.parse(source, name)
    last = body.body.pop() if body.body and isinstance(body.body[-1], ast.Expr) else None
    printed = io.StringIO()
    value = None
    with contextlib.redirect_stdout(printed):
        exec(compile(body, name, "exec"), namespace)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), name, "eval"), namespace)
    outputs: list[dict[str, Any]] = []
    if printed.getvalue():
        outputs.append({"output_type": "stream", "name": "stdout", "text": printed.getvalue().splitlines(True)})
    if value is not None:
        shown = {"output_type": "execute_result", "execution_count": count, "metadata": {}, "data": _bundle(value)}
        outputs.append(shown)
    return outputs


def _bundle(value: Any) -> dict[str, Any]:
    """Return what a notebook shows of a value, by its media type; of a chart, its figure as JSON."""
    if hasattr(value, "to_plotly_json"):
        return {"application/vnd.plotly.v1+json": json.loads(value.to_json()), "text/plain": ["a Plotly chart"]}
    bundle: dict[str, Any] = {"text/plain": repr(value).splitlines(True)}
    if hasattr(value, "_repr_html_"):
        bundle["text/html"] = value._repr_html_().splitlines(True)
    return bundle


if __name__ == "__main__":
    notebook_path = Path(sys.argv[1])
    document = json.dumps(run_notebook(notebook_path), indent=1, ensure_ascii=False)
    notebook_path.write_text(document + "\n", encoding="utf-8")

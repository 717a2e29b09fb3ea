"""The example notebook runs as it stands, without warnings, and shows what its text says."""

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / "examples").glob("*.ipynb"))
STRICT = "import warnings\nwarnings.simplefilter('error')"
# ipykernel looks for an event loop where pytest's settings make a warning of that an error.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


@pytest.fixture(scope="module")
def executed(tmp_path_factory) -> nbformat.NotebookNode:
    """The notebook after it has run in a folder of its own, where warnings are errors."""
    (path,) = NOTEBOOKS
    folder = tmp_path_factory.mktemp("notebook")
    notebook = read(path)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(STRICT))
    previous = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = str(folder)
    try:
        NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
    finally:
        if previous is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = previous
    return notebook


def outputs(notebook: nbformat.NotebookNode, kind: str) -> list[str]:
    """What cells show in a format."""
    shown = (output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", []))
    return [data[kind] for data in shown if kind in data]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_outputs_are_not_kept(path: Path) -> None:
    code = [cell for cell in read(path).cells if cell.cell_type == "code"]
    assert code
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)


def test_nothing_is_written_to_standard_error(executed: nbformat.NotebookNode) -> None:
    streams = [
        output for cell in executed.cells for output in cell.get("outputs", []) if output.output_type == "stream"
    ]
    assert [output.text for output in streams if output.name == "stderr"] == []


def test_results_tables_columns_and_a_plot_are_shown(executed: nbformat.NotebookNode) -> None:
    shown = "".join(outputs(executed, "text/html"))
    for what in ("AlignSummary", "CompareResult", "largest changes", "Column(virus:"):
        assert what in shown
    (plot,) = outputs(executed, "image/svg+xml")
    assert "week24" in plot


def test_all_changes_are_found_and_no_others(executed: nbformat.NotebookNode) -> None:
    said = "".join(output.text for output in executed.cells[-2].outputs)
    found, rest = said.splitlines()
    assert found.count(",") == 3
    assert rest == "missed: []  false: []"

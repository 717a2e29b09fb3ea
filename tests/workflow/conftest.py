"""One run of a small project, made once; each test has a copy of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from workflows import Project, new_project, quick_report


@pytest.fixture(scope="session", autouse=True)
def quick_reports() -> Iterator[None]:
    """Pages are tested elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("colonnade.workflow.plan.write_report", quick_report)
        yield


@pytest.fixture(scope="session")
def finished(quick_reports: None, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Samples that have been run; not to be changed."""
    project = new_project(tmp_path_factory.mktemp("finished") / "a project")
    project.run()
    return project


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Project:
    """A copy of it."""
    return finished.copied(tmp_path / "a project")

"""Made-up results, the pages made from them, and a browser to look at pages."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from made_results import HOSTILE_CONTIGS, HOSTILE_SAMPLES, Made, write_made_result
from opened_page import TIMEOUT, Opened

from colonnade.report.engine import write_report

CHROMIUM = Path("/usr/bin/chromium")
_QUIETLY = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip

SMALL = Made(n_loci=120, n_changed=60, samples=("wk4", "wk30", "wk52"), contigs={"virus": 9000}, n_evidence=16)
HOSTILE = Made(n_loci=60, samples=HOSTILE_SAMPLES, contigs=HOSTILE_CONTIGS, n_evidence=8)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prefix of a result of three samples, as of --loci tested; genes are beside it as ``small.gff3``."""
    prefix = write_made_result(tmp_path_factory.mktemp("small") / "small", SMALL)
    row = ("virus", "made", "CDS", "1", "9000", ".", "+", "0", "ID=pol;gene=pol</script>")
    Path(f"{prefix}.gff3").write_text("##gff-version 3\n" + "\t".join(row) + "\n")
    return prefix


@pytest.fixture(scope="session")
def small_page(small: Path) -> Path:
    """The page of the small result, with genes."""
    page = Path(f"{small}.html")
    write_report(small, page, gff=f"{small}.gff3")
    return page


@pytest.fixture(scope="session")
def hostile_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a result whose names break pages that forget about them."""
    prefix = write_made_result(tmp_path_factory.mktemp("hostile") / "<b>'\"&", HOSTILE)
    page = prefix.with_name("hostile.html")
    write_report(prefix, page)
    return page


@pytest.fixture(scope="session")
def property_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of samples that are called as what every object of a script has, and of one with a very long name."""
    samples = ("__proto__", "constructor", "toString", "x" * 300, "valueOf")
    prefix = write_made_result(tmp_path_factory.mktemp("properties") / "r", Made(60, samples=samples, n_evidence=8))
    page = prefix.with_name("r.html")
    write_report(prefix, page)
    return page


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A browser, gone at the end of the module: its event loop must not be there for tests that have their own."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"there is no browser: {CHROMIUM}")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=[*_QUIETLY])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Opened]]:
    """Open a page offline, of some width; nothing may go wrong in it until the test is over."""
    opened: list[Opened] = []

    def start(path: Path, *, width: int = 1440, **settings: Any) -> Opened:
        context = browser.new_context(viewport={"width": width, "height": 900}, offline=True, **settings)
        context.set_default_timeout(TIMEOUT)
        opened.append(Opened(context.new_page()))
        opened[-1].goto(path)
        return opened[-1]

    yield start
    for one in opened:
        assert one.wrong == []
        assert [url for url in one.requests if not url.startswith(("file:", "blob:", "data:"))] == []
        one.page.context.close()

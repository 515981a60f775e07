"""What all tests share."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip

settings.register_profile("house", deadline=None, max_examples=50, derandomize=True)
settings.load_profile("house")


@pytest.fixture(scope="session")
def shared_data():
    """Give a file of the third-party data that lies beside a checkout, or skip."""

    def find(name: str) -> Path:
        path = SHARED_DATA / name
        if not path.exists():
            pytest.skip(f"third-party data {name} is not beside the checkout")
        return path

    return find


@pytest.fixture(scope="session")
def browser():
    """Give the one browser of the process: two at once stand in each other's way."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no Chromium on this machine (apt-get install chromium, or name one in CHROMIUM)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield started
        started.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Under CI nothing that matters may be skipped: only third-party data may be absent."""
    report = yield
    if os.environ.get("CI") == "true" and report.skipped and "third-party data" not in str(report.longrepr):
        report.outcome = "failed"
        report.longrepr = f"skipped under CI: {report.longrepr}"
    return report

"""A real server and a real browser: the dashboards as a visitor meets them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack, contextmanager

import pytest

from crm_analytics.locations import shipped

PATIENCE = 60  # seconds a loaded machine may take to start the server
HEADING = ROW = 35  # pixels of a table's heading and rows


@contextmanager
def serving(base="", folder=None):
    """Start the dashboards on a free port, and end just that process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(shipped("apps") / "streamlit_app.py"),
        "--server.port",
        str(port),
    ]
    log = (folder / "server.log").open("w")
    server = subprocess.Popen(
        command, env={**os.environ, "CRM_BASE": str(base)}, stdout=log, stderr=subprocess.STDOUT, cwd=folder
    )
    try:
        wait_for(f"http://localhost:{port}/_stcore/health", server, folder / "server.log")
        yield f"http://localhost:{port}"
    finally:
        server.terminate()
        server.wait(timeout=20)
        log.close()


def wait_for(address, server, log):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        assert server.poll() is None, f"the server ended: {log.read_text()}"
        try:
            with urllib.request.urlopen(address, timeout=2) as answer:  # noqa: S310 our own server
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"no answer from {address}: {log.read_text()}")


@pytest.fixture
def serve(tmp_path):
    """Serve a base of the test's own."""
    with ExitStack() as servers:
        yield lambda base: servers.enter_context(serving(base, tmp_path))


@pytest.fixture(scope="session")
def sample_server(tmp_path_factory):
    with serving(folder=tmp_path_factory.mktemp("server")) as address:
        yield address


class Visit:
    """A page of a fresh visitor that notes every request, script error and dialog."""

    def __init__(self, context, address):
        self.address = address
        self.page = context.new_page()
        self.requests, self.dialogs, self.errors = [], [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("websocket", lambda socket: self.requests.append(socket.url))
        self.page.on("dialog", self._dismiss)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _dismiss(self, dialog):
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def go(self, path):
        self.page.goto(f"{self.address}/{path}")
        return self.settled()

    def menu(self, name):
        """Go to a page by the menu, within the session."""
        self.page.get_by_test_id("stSidebarNavLink").filter(
            has=self.page.get_by_text(name, exact=True)
        ).click()
        self.page.get_by_role("heading", name=name, exact=True, level=1).wait_for()
        return self.settled()

    def settled(self):
        """Wait until the page has been drawn and the server is idle, and stays so: a link may make a page run twice."""
        for _ in range(2):
            self.page.wait_for_function(
                "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"
                " && document.querySelector('h1') && !document.querySelector('[data-stale=true]')"
            )
            self.page.wait_for_timeout(250)
        return self.page

    def download(self, label, nth=0):
        """Press a download button and give the bytes."""
        with self.page.expect_download() as started:
            self.page.get_by_test_id("stDownloadButton").filter(has_text=label).nth(nth).get_by_role(
                "button"
            ).click()
        return started.value.path().read_bytes()

    def click_row(self, row, table=0):
        """Click the box before a row of a table; tables are drawn on a canvas, so the place is reckoned."""
        canvas = self.page.get_by_test_id("stDataFrame").nth(table).locator("canvas").first
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        self.page.mouse.click(box["x"] + 20, box["y"] + HEADING + ROW * (row + 0.5))
        self.page.wait_for_timeout(300)
        return self.settled()

    def outgoing(self):
        """Give the addresses asked that are not our own server."""
        own = (self.address, self.address.replace("http", "ws"), "data:", "blob:")
        return [url for url in self.requests if not url.startswith(own)]


@pytest.fixture
def visit(browser):
    contexts = []

    def start(address, **options):
        context = browser.new_context(
            **{"viewport": {"width": 1440, "height": 900}, "accept_downloads": True, **options}
        )
        context.set_default_timeout(30_000)
        contexts.append(context)
        return Visit(context, address)

    yield start
    for context in contexts:
        context.close()

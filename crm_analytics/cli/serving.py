"""The dashboards as a process: started on a free port, announced when they answer, ended with the command."""

from __future__ import annotations

import http.client
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final

from crm_analytics.cli.terminal import working
from crm_analytics.errors import MissingPackageError, OptionError, SourceError
from crm_analytics.locations import shipped

FIRST_PORT: Final = 8501
_PORTS_TRIED: Final = 50
_SECONDS_TO_START: Final = 60.0
_SECONDS_TO_END: Final = 3.0  # it has nothing to save, and may dawdle
_OK: Final = 200


def serve(base: str | None, *, port: int | None, browser: bool, ready: Callable[[str], None]) -> int:
    """Run the dashboards until they end or the user ends them.

    Parameters
    ----------
    base
        What the dashboards open: a crm.toml, folder, file or database address; None is the sample company.
    port
        Port on this machine; None takes the first free one from 8501.
    browser
        Whether to open the browser once the dashboards answer.
    ready
        Called with the address once they answer.

    Returns
    -------
    int
        The exit code of the dashboards; 0 if the user ended them.

    Raises
    ------
    MissingPackageError
        If streamlit is not installed.
    OptionError
        If the port is taken.
    SourceError
        If the dashboards do not answer within a minute.
    """
    if importlib.util.find_spec("streamlit") is None:
        raise MissingPackageError.of("streamlit", "dashboard", "open the dashboards")
    chosen = _free_port(port)
    process = _start(base, chosen)
    try:
        with _ended_by_termination():
            with working("Starting the dashboards"):
                answers = _answers(process, chosen)
            if answers:
                address = f"http://localhost:{chosen}"
                ready(address)
                if browser:
                    webbrowser.open(address)
            return _waited_for(process)
    except KeyboardInterrupt:
        return 0
    finally:
        _end(process)


def _free_port(port: int | None) -> int:
    if port is not None:
        if not _is_free(port):
            raise OptionError.port_taken(port)
        return port
    for candidate in range(FIRST_PORT, FIRST_PORT + _PORTS_TRIED):
        if _is_free(candidate):
            return candidate
    raise OptionError.port_taken(FIRST_PORT)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        if (
            os.name == "posix"
        ):  # a port just left counts as free; on Windows the switch would mean something else
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _start(base: str | None, port: int) -> subprocess.Popen[bytes]:
    apps = shipped("apps")
    environment = {key: value for key, value in os.environ.items() if key != "CRM_BASE"}
    if base is not None:
        environment["CRM_BASE"] = base
    arguments = ["run", "streamlit_app.py", f"--server.port={port}", "--server.headless=true"]
    arguments += [
        "--browser.gatherUsageStats=false",
        f"--browser.serverPort={port}",
        "--logger.level=warning",
    ]
    # Its banner on stdout is replaced by our own; what goes wrong is on stderr and stays visible.
    return subprocess.Popen(  # noqa: S603 our own interpreter and arguments
        [sys.executable, "-m", "streamlit", *arguments], cwd=apps, env=environment, stdout=subprocess.DEVNULL
    )


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until the dashboards answer; False if they ended before."""
    until = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < until:
        if process.poll() is not None:
            return False
        if _is_healthy(port):
            return True
        time.sleep(0.1)
    raise SourceError.no_answer(f"http://localhost:{port}", _SECONDS_TO_START)


def _is_healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("localhost", port, timeout=2)
    try:
        connection.request("GET", "/_stcore/health")
        return connection.getresponse().status == _OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _waited_for(process: subprocess.Popen[bytes]) -> int:
    """Wait in short naps: where polars has been loaded, Ctrl-C does not interrupt one long wait."""
    while (code := process.poll()) is None:
        time.sleep(0.2)
    return code if code >= 0 else 128 - code  # ended by a signal: say so as shells do


@contextmanager
def _ended_by_termination() -> Iterator[None]:
    """Let a polite request to end (SIGTERM) end the dashboards too, as Ctrl-C does."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not the main thread: the caller minds its own signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_SECONDS_TO_END)
    if process.poll() is None:
        process.kill()
        process.wait()

"""The server of a run ends with the run, even with one that was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

PARENT = """
import subprocess, sys, time
server = subprocess.Popen([sys.executable, "-m", "flows.prefect_runtime.server", "0", "single"], stdin=subprocess.PIPE)
print(server.pid, flush=True)
time.sleep(60)
"""


def test_the_server_is_gone_when_its_parent_is_killed() -> None:
    # The server inherits the pipe's write end: it closes, and the read below returns, once both processes are gone.
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        assert parent.stdout is not None
        server = int(parent.stdout.readline())
        os.kill(server, 0)
        os.kill(parent.pid, signal.SIGKILL)
        assert parent.stdout.read() == ""

"""Progress for the person at the terminal: plain lines on standard error."""

from __future__ import annotations

import sys


def say(line: str) -> None:
    """Print one line on standard error."""
    print(line, file=sys.stderr, flush=True)

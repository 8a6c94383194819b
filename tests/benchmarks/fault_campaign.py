"""What can go wrong at night, done on purpose: after each fault `latest` reads complete, and the next run heals.

    python -m tests.benchmarks.fault_campaign [--kills 30] [--seed 1] [--keep DIR]

Refreshes of a dozen small models from a loopback Hub on a reduced catalog, in processes of their own; their steps are the flow's,
called without Prefect unless --prefect is given, but for the fault that concerns its server. After every fault the latest version
is read whole, from its database and its Parquet files, and compared with the undisturbed one; then an undisturbed run must
publish the same content hash. Prints each fault, what was seen and the rows lost; exits with 1 if any is, or one is not healed.
Disk full and read-only need the right to mount; without it, a bound on the size of files and an unprivileged user take their
place, and the script says so. The clock is not set back: what was published, and the lake, get times of the future instead.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from flows.versions.versions import Versions, read_run
from tests.benchmarks.small_refresh import ROOT, Command, fingerprint, repositories, surroundings

if TYPE_CHECKING:
    from loopback_hub import LoopbackHub

MODELS = 12
_NOBODY = 65534
_HUGE_BYTES = 300 * 2**20


@dataclass
class Campaign:
    """One campaign: where the data is, how to run, what the undisturbed content is, and what has been seen."""

    data: Path
    scratch: Path
    hub: LoopbackHub
    draw: random.Random
    prefect: bool
    content: str = ""
    tables: dict[str, tuple[int, int]] = field(default_factory=dict)
    seconds: float = 0.0
    working_seconds: float = 0.0
    faults: int = 0
    lost: int = 0
    broken: list[str] = field(default_factory=list)

    def asked(self) -> int:
        """Requests that the Hub has seen."""
        return self.hub.requests.total()

    def arguments(self, *options: str) -> list[str]:
        """A refresh of the campaign's models."""
        return ["refresh", "--models", str(self.scratch / "models.txt"), "--data", str(self.data), *options]

    def start(self, *options: str, **how: int) -> Command:
        """A refresh at work."""
        return Command(self.arguments(*options), self.prefect, **how)  # type: ignore[arg-type]

    def run(self, *options: str, **how: int) -> tuple[int, str]:
        """A refresh to its end: exit status and what it said."""
        return self.start(*options, **how).ended()

    def latest(self) -> Path:
        """The latest version."""
        version = Versions(self.data).latest()
        assert version is not None, "nothing is latest"
        return version

    def begin(self) -> None:
        """The undisturbed content and how long a full refresh takes."""
        status, said = self.run()
        assert status == 0, said
        asked, started = self.asked(), time.monotonic()
        process = self.start("--full")
        while self.asked() == asked and not process.wait(0.01):
            pass
        first = time.monotonic()
        status, said = process.ended()
        assert status == 0, said
        self.seconds, self.working_seconds = time.monotonic() - started, time.monotonic() - first
        version = self.latest()
        self.content, self.tables = str(read_run(version)["content_hash"]), fingerprint(version)

    def look(self, fault: str, seen: str) -> None:
        """Read `latest` whole after a fault, count what it lacks, and let an undisturbed run heal."""
        self.faults += 1
        lost, problems = self._lacking()
        status, said = self.run()
        if status != 0:
            problems.append(f"the next run ended with {status}: {_last(said)}")
        else:
            healed_lost, healed_problems = self._lacking()
            lost, problems = lost + healed_lost, problems + [f"after the next run: {problem}" for problem in healed_problems]
        if "Traceback" in seen or "Traceback" in said:
            problems.append("a traceback was shown")
        self.lost += lost
        print(f"{fault:<46} {_last(seen)}; rows lost {lost}", flush=True)
        for problem in problems:
            self.broken.append(f"{fault}: {problem}")
            print(f"    FAILED: {problem}", flush=True)

    def _lacking(self) -> tuple[int, list[str]]:
        try:
            version = self.latest()
            found = fingerprint(version)
            content = read_run(version)["content_hash"]
        except Exception as error:  # whatever a reader would be shown
            return sum(rows for rows, _ in self.tables.values()), [f"latest does not read: {error}"]
        lost = sum(max(0, rows - found.get(name, (0, 0))[0]) for name, (rows, _) in self.tables.items())
        differing = [name for name, expected in self.tables.items() if found.get(name) != expected]
        problems = [f"tables differ: {', '.join(differing)}"] if differing else []
        return lost, problems + (["the content hash differs"] if content != self.content else [])


def kills(campaign: Campaign, count: int) -> None:
    """SIGKILL at random moments of a full refresh, from its first request, or its start, to its end."""
    number = 0
    while number < count:
        asked = campaign.asked()
        process = campaign.start("--full")
        begins = number % 5 > 0  # one in five counts from the start of the process
        while begins and campaign.asked() == asked and not process.wait(0.01):
            pass
        begun = time.monotonic()
        moment = campaign.draw.uniform(0, campaign.working_seconds if begins else campaign.seconds)
        if process.wait(moment):  # it was quicker than the one before: another moment is drawn, of the time that it took
            process.ended()
            campaign.working_seconds = time.monotonic() - begun
            continue
        number += 1
        process.kill()
        _, said = process.ended()
        since = "the first request" if begins else "the start"
        seen = f"killed {moment:.2f} s after {since}, having said: {_last(said) or 'nothing'}"
        campaign.look(f"SIGKILL {number} of {count}", seen)


def kill_with_its_own_server(campaign: Campaign) -> None:
    """SIGKILL of a run that started its own Prefect server: the server ends as well."""
    home = str(campaign.scratch / "own")
    environment = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"} | {"PREFECT_HOME": home}
    command = [sys.executable, "-m", "flows.cli", *campaign.arguments()]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    lake = campaign.data / "lake"
    before = (lake / "requested.txt").stat().st_mtime_ns
    while process.poll() is None and (lake / "requested.txt").stat().st_mtime_ns == before:
        time.sleep(0.05)
    servers = _servers(home)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 10
    while _servers(home) and time.monotonic() < deadline:
        time.sleep(0.1)
    left = _servers(home)
    campaign.look("SIGKILL with a Prefect server of its own", f"{len(servers)} server while it ran, {len(left)} afterwards")
    if left or not servers:
        campaign.broken.append("SIGKILL with a Prefect server of its own: the server")


def _servers(home: str) -> list[int]:
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and b"flows.prefect_runtime.server" in (process / "cmdline").read_bytes():
                found += [int(process.name)] if f"PREFECT_HOME={home}".encode() in (process / "environ").read_bytes() else []
        except OSError:
            continue
    return found


def disk_full(campaign: Campaign) -> None:
    """A disk with room for less and less of a run, on a small tmpfs or with a bound on the size of every file."""
    place = campaign.scratch / "small-disk"
    place.mkdir()
    size = sum(path.stat().st_size for path in campaign.latest().rglob("*"))
    for share in (0.01, 0.1, 0.3, 0.6, 0.95):
        room = int(size * share)
        if _mounted("tmpfs", place, "size=2g"):
            home, version, campaign.data = campaign.data, campaign.latest().name, place / "data"
            others = shutil.ignore_patterns(*{entry.name for entry in (home / "published").iterdir()} - {version, "latest"})
            shutil.copytree(home, campaign.data, symlinks=True, ignore=others)
            used = os.statvfs(place)
            taken = (used.f_blocks - used.f_bfree) * used.f_frsize
            subprocess.run(["mount", "-o", f"remount,size={taken + room}", str(place)], check=True)
            _, seen = campaign.run("--full")
            _lack_nothing(campaign, f"disk full (tmpfs), room for {share:.0%} of a version", seen, place)
            campaign.data = home
            subprocess.run(["umount", str(place)], check=True)
        else:
            _, seen = campaign.run("--full", longest_file=room)
            campaign.look(f"disk full (RLIMIT_FSIZE), {share:.0%} of a version", seen)


def _lack_nothing(campaign: Campaign, fault: str, seen: str, place: Path) -> None:
    enlarged = ["mount", "-o", "remount,size=2g", str(place)]
    lost, problems = campaign._lacking()
    campaign.broken += [f"{fault}, while it is full: {problem}" for problem in problems]
    campaign.lost += lost
    subprocess.run(enlarged, check=True)
    campaign.look(fault, seen)


def read_only(campaign: Campaign) -> None:
    """A data directory that nothing can be written to: a read-only mount, or a user without rights."""
    place = campaign.scratch / "read-only"
    place.mkdir()
    if _mounted("bind", place, str(campaign.data)):
        home, campaign.data = campaign.data, place
        _, seen = campaign.run("--full")
        lost, problems = campaign._lacking()
        campaign.data = home
        subprocess.run(["umount", str(place)], check=True)
        campaign.lost += lost
        campaign.broken += [f"read-only: {problem}" for problem in problems]
        campaign.look("read-only data directory (bind mount)", seen)
    else:
        _, seen = campaign.run("--full", user=_NOBODY)
        campaign.look("read-only data directory (unprivileged user)", seen)


def _mounted(kind: str, place: Path, what: str) -> bool:
    commands = [["mount", "-t", "tmpfs", "-o", what, "none", str(place)]]
    if kind == "bind":
        commands = [["mount", "--bind", what, str(place)], ["mount", "-o", "remount,bind,ro", str(place)]]
    return all(subprocess.run(command, capture_output=True, check=False).returncode == 0 for command in commands)


def corrupt_files(campaign: Campaign) -> None:
    """Bytes flipped in, or cut off, every kind of file that a run reads: the lake's, and the published ones."""
    lake = sorted(path for path in (campaign.data / "lake").rglob("*") if path.is_file() and path.suffix in (".parquet", ".json"))
    for path in lake:
        _damage(path, campaign.draw)
        _, seen = campaign.run()
        campaign.look(f"corrupt lake file {path.relative_to(campaign.data / 'lake')}"[:46], _telling(seen, path.name))
    published = sorted(path for path in campaign.latest().iterdir() if path.suffix in (".parquet", ".duckdb", ".json"))
    for path in campaign.draw.sample(published, 3) + [path for path in published if path.stem in ("recommendations", "run")]:
        target = campaign.latest() / path.name
        _damage(target, campaign.draw)
        status, seen = campaign.run()  # readers of that one file are wrong until this run: nothing that was written is lost
        campaign.look(f"corrupt published file {path.name}", _telling(seen, path.name) if status == 0 else seen)


def _damage(path: Path, draw: random.Random) -> None:
    content = bytearray(path.read_bytes())
    if draw.random() < 0.5:
        for _ in range(16):
            content[draw.randrange(len(content))] ^= 0xFF
    else:
        del content[len(content) // 2 :]
    path.write_bytes(content)


def clock_backwards(campaign: Campaign) -> None:
    """The version before, the lake and its times lie in the future, as they do when the clock has gone back by years."""
    future = datetime.now(UTC) + timedelta(days=3650)
    version = campaign.latest()
    later = version.with_name(future.strftime("%Y%m%dT%H%M%S%fZ"))
    run = read_run(version) | {"run_id": later.name, "published_at": future.isoformat()}
    (version / "run.json").write_text(json.dumps(run))
    version.rename(later)
    (later.parent / "latest").unlink()
    (later.parent / "latest").symlink_to(later.name)
    stored = campaign.data / "lake" / "hub_files.parquet"
    if stored.exists():
        frame = pl.read_parquet(stored, memory_map=False)
        times = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.Datetime)]
        frame.with_columns(pl.col(times).dt.offset_by("10y")).write_parquet(stored)
    for path in (later, *later.iterdir(), *(campaign.data / "lake").iterdir()):
        os.utime(path, (future.timestamp(), future.timestamp()))
    status, seen = campaign.run()
    current = campaign.latest()
    ordered = [entry.name for entry in Versions(campaign.data).all()]
    if status != 0 or current == later or ordered[-2:] != [later.name, current.name]:
        campaign.broken.append(f"clock going backwards: latest {current.name}, versions {ordered}, {_last(seen)}")
    Command(["rollback", "--data", str(campaign.data)]).ended()
    if campaign.latest() != later:
        campaign.broken.append(f"clock going backwards: rolled back to {campaign.latest().name}")
    campaign.look("clock going backwards (a version of the future)", f"the new version is the last of {len(ordered)}")


def two_at_once(campaign: Campaign) -> None:
    """Two refreshes at once: one works, the other is refused with one line."""
    for attempt in range(3):
        pair = [campaign.start("--full") for _ in range(2)]
        ended = [process.ended() for process in pair]
        said = [text for _, text in ended]
        refused = [text for text in said if "another refresh" in text]
        campaign.look(f"two refreshes at once, {attempt + 1} of 3", refused[0] if refused else "one after the other")
        if sorted(status for status, _ in ended) != ([0, 2] if refused else [0, 0]):
            campaign.broken.append(f"two at once: exit statuses {[status for status, _ in ended]}")


NONSENSE: dict[str, tuple[str, bytes]] = {
    "HTML": ("text/html", b"<!doctype html><html><body>Down for maintenance</body></html>"),
    "broken JSON": ("application/json", b'{"id": "org/model-00", "sha": '),
    "other JSON": ("application/json", b"[[], 7, null]"),
    "wrong types": (
        "application/json",
        b'{"id": 7, "sha": ["x"], "siblings": "all", "gated": {}, "downloads": "many", "config": 3, "lastModified": 12,'
        b' "safetensors": {"total": "1", "parameters": []}, "architectures": 5, "hidden_size": "wide", "num_hidden_layers": -3}',
    ),
    "huge": ("application/json", b""),
    "nothing": ("application/json", b""),
}


def nonsense(campaign: Campaign) -> None:
    """A Hub that answers nonsense to a full refresh: everywhere, and on one route only."""
    for kind in NONSENSE:
        for route in ("everything", campaign.draw.choice(("metadata", "files", "headers"))):
            with _talking_nonsense(campaign.hub, kind, route):
                _, seen = campaign.run("--full")
            campaign.look(f"Hub answers {kind} to {route}", seen)


@contextmanager
def _talking_nonsense(hub: LoopbackHub, kind: str, route: str) -> Iterator[None]:
    content_type, body = NONSENSE[kind]
    honest = hub.server.RequestHandlerClass

    def concerned(path: str) -> bool:
        of = "files" if "/resolve/" in path and "safetensors" not in path else "metadata"
        if "safetensors" in path.partition("/resolve/")[2] or "safetensors-metadata" in path:
            of = "headers"
        return route in ("everything", of)

    class Nonsense(honest):  # type: ignore[misc, valid-type]
        def _route(self) -> None:
            if not concerned(self.path):
                super()._route()
                return
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(_HUGE_BYTES if kind == "huge" else len(body)))
            self.end_headers()
            if kind == "huge" and self.command == "GET":
                for _ in range(_HUGE_BYTES // 2**20):
                    self.wfile.write(b" " * 2**20)
            elif self.command == "GET":
                self.wfile.write(body)

    hub.server.RequestHandlerClass = Nonsense
    try:
        yield
    finally:
        hub.server.RequestHandlerClass = honest


def _last(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("shapefit:")]
    published = [line for line in lines if line.startswith("published ")]
    return (errors or published or lines or [""])[-1][:150]


def _telling(said: str, name: str) -> str:
    lines = [line for line in said.splitlines() if "damaged" in line]
    return lines[0] if lines else f"{name} is not read again, or made anew"


PARTS: dict[str, Callable[[Campaign], None]] = {
    "server": kill_with_its_own_server,
    "disk": disk_full,
    "read-only": read_only,
    "corrupt": corrupt_files,
    "clock": clock_backwards,
    "two": two_at_once,
    "nonsense": nonsense,
}


def main() -> int:
    """Run the campaign; 1 if a row was lost or a run did not heal."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--prefect", action="store_true", help="run every refresh on a Prefect server, three times as slow")
    parser.add_argument("--keep", type=Path, help="work here and keep it (default: a temporary directory)")
    parser.add_argument("--only", nargs="*", choices=["kill", *PARTS], help="only these faults")
    given = parser.parse_args()
    chosen = given.only or ["kill", *PARTS]
    with tempfile.TemporaryDirectory(prefix="shapefit-faults-") as temporary:
        scratch = given.keep or Path(temporary)
        scratch.mkdir(parents=True, exist_ok=True)
        repos = repositories(MODELS)
        (scratch / "models.txt").write_text("\n".join(repos) + "\n")
        with surroundings(repos, scratch, given.prefect) as hub:
            campaign = Campaign(scratch / "data", scratch, hub, random.Random(given.seed), given.prefect)
            campaign.begin()
            rows = sum(count for count, _ in campaign.tables.values())
            print(
                f"undisturbed: {MODELS} models, {rows:,} rows in {len(campaign.tables)} tables; {campaign.seconds:.1f} s a run, "
                f"{campaign.working_seconds:.1f} s from its first request",
                flush=True,
            )
            if "kill" in chosen:
                kills(campaign, given.kills)
            for name, part in PARTS.items():
                if name in chosen:
                    part(campaign)
    print(f"\nfaults tried {campaign.faults}, rows lost {campaign.lost}, failures {len(campaign.broken)} (seed {given.seed})")
    for problem in campaign.broken:
        print(f"  {problem}")
    return 1 if campaign.broken or campaign.lost else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())

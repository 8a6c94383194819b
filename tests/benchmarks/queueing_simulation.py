"""How many machines a rate of requests takes: `recommend` against a simulation of its replicas, request by request.

Run from the checkout: `python -m tests.benchmarks.queueing_simulation [--data DIR]`. For each question the best offer of
several kinds of machines is taken as `recommend` answers it, and the fewest replicas are sought with which a simulated fleet
keeps the same bounds for 95 of 100 requests. A replica works in steps, as an engine with chunked prefill does: each step
decodes one token of every running request and takes prompts from the queue up to the tokens of a step; its time is the decode
step of the estimate and the share of the prefill that interrupts it. Requests arrive at random (Poisson, seeded) and go to the
replica with the fewest. The exit status is 1 where the answers differ by more than 15 percent in accelerators and by more than
one deployment.
"""

from __future__ import annotations

import argparse
import heapq
import json
import math
import random
import subprocess
import sys
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from flows.versions.versions import open_version, require_latest

REQUESTS = 6_000
WARM_UP = 1_000
SEED = 20261201
LIMIT = 0.15

QUESTIONS = (
    ("Qwen/Qwen3-32B", 1500, 300, 2000 / 60, 1000, 40),
    ("meta-llama/Llama-3.3-70B-Instruct", 2000, 500, 10, 2000, 50),
    ("Qwen/Qwen2.5-7B-Instruct", 1024, 256, 100, 1000, 50),
)
"""Model, prompt and answer tokens, requests a second, bounds on TTFT and TPOT in ms."""


@dataclass(frozen=True)
class Engine:
    """A replica: decode step by requests (ms, from one request on), time and tokens of a prompt, tokens of a step, most requests.

    `overlap` is the share of a prefill by which it lengthens the steps of the others; `idle_ms` is what a first token takes
    besides.
    """

    decode_ms: tuple[float, ...]
    prompt_ms: float
    prompt_tokens: int
    step_tokens: int
    overlap: float
    idle_ms: float
    most: int


@dataclass
class Request:
    """A request on its way through a replica, times in ms."""

    arrived: float
    prompt_left: float
    answer_left: int
    first_token: float = 0.0


@dataclass
class Replica:
    """A replica at work."""

    engine: Engine
    waiting: deque[Request] = field(default_factory=deque)
    running: list[Request] = field(default_factory=list)
    busy: bool = False

    def load(self) -> int:
        """Requests that it has."""
        return len(self.waiting) + len(self.running)

    def step(self) -> tuple[float, list[Request], list[Request]]:
        """One step: how long it takes, whose prompt it ends, and who is decoded."""
        decoded = [request for request in self.running if request.prompt_left <= 0]
        budget = float(self.engine.step_tokens - len(decoded))
        begun = [request for request in self.running if request.prompt_left > 0]
        while self.waiting and len(self.running) < self.engine.most and sum(r.prompt_left for r in begun) < budget:
            request = self.waiting.popleft()
            self.running.append(request)
            begun.append(request)
        prefilled, ended = 0.0, []
        for request in begun:
            taken = min(request.prompt_left, budget - prefilled)
            prefilled += taken
            request.prompt_left -= taken
            if request.prompt_left <= 0:
                ended.append(request)
        share = prefilled / self.engine.prompt_tokens * self.engine.prompt_ms
        batch = max(1, len(decoded))
        alone = not decoded
        took = share + self.engine.decode_ms[0] if alone else self.engine.decode_ms[batch - 1] + self.engine.overlap * share
        return took, ended, decoded


def simulate(engine: Engine, replicas: int, requests_per_s: float, answer_tokens: int) -> tuple[float, float]:
    """The 95th percentile of TTFT and of TPOT (ms) over the requests of a fleet."""
    drawn = random.Random(SEED)
    fleet = [Replica(engine) for _ in range(replicas)]
    events: list[tuple[float, int, int]] = []
    moment = 0.0
    arrivals = []
    for number in range(REQUESTS):
        moment += drawn.expovariate(requests_per_s / 1000)
        arrivals.append(Request(moment, float(engine.prompt_tokens), answer_tokens))
        heapq.heappush(events, (moment, 0, number))
    ttft, tpot = [], []
    steps: dict[int, tuple[list[Request], list[Request]]] = {}

    def begin(index: int, now: float) -> None:
        replica = fleet[index]
        if not replica.load():
            replica.busy = False
            return
        replica.busy = True
        took, ended, decoded = replica.step()
        steps[index] = (ended, decoded)
        heapq.heappush(events, (now + took, 1, index))

    while events:
        now, kind, number = heapq.heappop(events)
        if kind == 0:
            index = min(range(replicas), key=lambda index: fleet[index].load())
            fleet[index].waiting.append(arrivals[number])
            if not fleet[index].busy:
                begin(index, now)
            continue
        ended, decoded = steps.pop(number)
        replica = fleet[number]
        for request in ended:
            request.first_token = now
            request.answer_left -= 1
        for request in decoded:
            request.answer_left -= 1
            if request.answer_left <= 0:
                replica.running.remove(request)
                ttft.append((request.arrived, request.first_token - request.arrived + engine.idle_ms))
                tpot.append((request.arrived, (now - request.first_token) / max(1, answer_tokens - 1)))
        begin(number, now)
    since = arrivals[WARM_UP].arrived
    until = arrivals[-WARM_UP].arrived
    return _percentile_95(ttft, since, until), _percentile_95(tpot, since, until)


def _percentile_95(times: list[tuple[float, float]], since: float, until: float) -> float:
    counted = sorted(took for arrived, took in times if since <= arrived <= until)
    return counted[math.ceil(0.95 * len(counted)) - 1]


def fewest(engine: Engine, asked: tuple[float, ...], factors: tuple[float, float], near: int) -> int:
    """The fewest replicas that keep the bounds; what is estimated may err by the factors, as in the answer."""
    requests_per_s, answer_tokens, ttft_ms, tpot_ms = asked

    def holds(replicas: int) -> bool:
        ttft, tpot = simulate(engine, replicas, requests_per_s, int(answer_tokens))
        return ttft * factors[0] <= ttft_ms and tpot * factors[1] <= tpot_ms

    replicas = max(1, near)
    while not holds(replicas):
        replicas += 1
    while replicas > 1 and holds(replicas - 1):
        replicas -= 1
    return replicas


def engine_of(connection: duckdb.DuckDBPyConnection, row: dict[str, object], model: str) -> Engine:
    """The replica of a row of an answer, as the macros estimate it."""
    statement = (Path(__file__).with_name("queueing_replica.sql")).read_text(encoding="utf-8")
    most = int(str(row["batch_per_replica"])) * 2
    rows = connection.execute(
        statement,
        {
            "model": model,
            "most": most,
            **{name: row[name] for name in ("provider", "shape", "tp", "pp", "ep", "nodes", "quantization", "kv_dtype")},
            **{name: row[name] for name in ("context", "input_tokens", "output_tokens")},
        },
    ).fetchall()
    decode = tuple(float(entry[1]) for entry in rows)
    _, _, prompt_ms, overlap, idle_ms, step_tokens, limit = rows[0]
    return Engine(decode, prompt_ms, int(str(row["input_tokens"])), step_tokens, overlap, idle_ms, min(most, limit))


def main() -> int:
    """Ask, simulate and compare; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data"))
    given = parser.parse_args()
    worst = 0.0
    print(f"{'model':36}{'shape':30}{'weights':10}{'GPUs':>6}{'simulated':>10}{'differs':>9}")
    for model, prompt, answer, rate, ttft_ms, tpot_ms in QUESTIONS:
        tokens = ["--input-tokens", prompt, "--output-tokens", answer, "--requests-per-s", rate]
        tokens += ["--max-ttft-ms", ttft_ms, "--max-tpot-ms", tpot_ms, "--data", given.data, "--format", "json"]
        command = [sys.executable, "-m", "flows.cli", "recommend", model, *map(str, tokens)]
        rows = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["recommendations"]
        with open_version(require_latest(given.data)) as connection:
            intervals = {
                str(row[0]): (float(row[1]), float(row[2]))
                for row in connection.execute("select calibration, ttft_high, tpot_high from speed_intervals").fetchall()
            }
            for row in _one_of_each_kind(rows):
                engine = engine_of(connection, row, model)
                replicas = int(row["deployments"]) * int(row["dp"])
                found = fewest(engine, (rate, answer, ttft_ms, tpot_ms), intervals[str(row["calibration"])], replicas)
                deployments = math.ceil(found / int(row["dp"]))
                told, simulated = (count * float(row["gpu_count"]) for count in (int(row["deployments"]), deployments))
                differs = told / simulated - 1
                if abs(int(row["deployments"]) - deployments) > 1:  # one machine more or less may be a third of few
                    worst = max(worst, abs(differs))
                shape = f"{row['provider']} {row['shape']}"
                print(f"{model[:35]:36}{shape[:29]:30}{row['quantization']:10}{told:>6g}{simulated:>10g}{differs:>9.0%}")
    print(f"largest difference of more than one deployment: {worst:.0%} (limit {LIMIT:.0%})")
    return 0 if worst <= LIMIT else 1


def _one_of_each_kind(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """The first offers of the first kinds of accelerator, in the checkpoint's own precision and in fp8."""
    found: dict[tuple[object, ...], dict[str, object]] = {}
    for row in rows:
        if row["quantization"] in ("native", "fp8") and row["tpot_ms"] is not None and row["deployments"] <= 40:
            found.setdefault((row["gpu"], row["tp"], row["quantization"]), row)
    return list(found.values())[:12]


if __name__ == "__main__":
    sys.exit(main())

"""A sweep of a real inference server on loopback: `python -m tests.benchmarks.size_real_server`.

It makes a tiny Llama with random weights on the spot, serves it on this CPU with `transformers serve` (real forward passes,
an OpenAI-compatible API, streamed), measures a sweep, estimates from it and leaves table, JSON and plots to be looked at.
The server's packages are not shapefit's; where they are missing, the command says how to get them.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.size.questions import MeasureConfig, ServedBy, SizingConfig
from flows.size.size import run_sizing

MISSING = """the server's packages are not installed in {python}; an environment of their own will do:
    python3 -m venv /tmp/serving && /tmp/serving/bin/pip install torch 'transformers[serving]'
    python -m tests.benchmarks.size_real_server --server-python /tmp/serving/bin/python"""

MAKE_MODEL = """
import sys, torch
from tokenizers import Tokenizer, models, pre_tokenizers, decoders, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
directory = sys.argv[1]
tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
alphabet = pre_tokenizers.ByteLevel.alphabet()
trainer = trainers.BpeTrainer(special_tokens=["<s>", "</s>"], initial_alphabet=alphabet, vocab_size=258)
tokenizer.train_from_iterator([], trainer)
fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="</s>")
fast.chat_template = "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\\n{% endfor %}assistant:"
fast.save_pretrained(directory)
torch.manual_seed(0)
config = LlamaConfig(vocab_size=len(fast), hidden_size=256, intermediate_size=688, num_hidden_layers=4, num_attention_heads=8,
    num_key_value_heads=4, max_position_embeddings=2048, bos_token_id=0, eos_token_id=None, pad_token_id=1)
LlamaForCausalLM(config).save_pretrained(directory)
"""


def main() -> int:
    """Serve, measure, estimate; 2 when the server's packages are missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server-python", default=sys.executable, help="Python of the environment that has transformers")
    parser.add_argument("--concurrencies", default="1,2,3,4,6,8,10,12,14,16")
    parser.add_argument("--max-tokens", type=int, default=24)
    parser.add_argument("--target", type=float, default=1.0, help="p95 of an item's time, seconds")
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir()) / "shapefit-real-server")
    options = parser.parse_args()
    found = subprocess.run([options.server_python, "-c", "import torch, fastapi, transformers, uvicorn"], capture_output=True)
    if found.returncode:
        print(MISSING.format(python=options.server_python), file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as directory, served(options.server_python, Path(directory)) as address:
        dataset = Path(directory) / "questions.json"
        dataset.write_text('["What is 3 times 7?", "Is 4 times 5 more than the hour?", "Name a prime.", "Count to ten."]')
        concurrencies = tuple(int(part) for part in options.concurrencies.split(","))
        output = run_sizing(
            MeasureConfig(
                address,
                dataset,
                concurrencies,
                num_passes=2,
                model=directory + "/model",
                max_tokens=options.max_tokens,
                subject=ServedBy(note="tiny random Llama on a CPU", engine="transformers"),
            ),
            SizingConfig(target_users=100, target_workflow_runtime=options.target, test_gpu_count=1),
            options.data,
        )
    print(output.summary)
    print("\n".join(str(path) for path in output.files))
    return 0


@contextmanager
def served(python: str, directory: Path) -> Iterator[str]:
    """The model, made and served on a free loopback port; yields the address."""
    subprocess.run([python, "-c", MAKE_MODEL, str(directory / "model")], check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(python).parent / "transformers"), "serve", "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    # One thread a request: many requests of many threads each would fight for the cores instead of queueing for them.
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    with subprocess.Popen([*command, str(directory / "model")], stdout=subprocess.DEVNULL, env=environment) as process:
        try:
            wait_for(f"http://127.0.0.1:{port}/health", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def wait_for(url: str, process: subprocess.Popen[bytes], seconds: float = 180) -> None:
    """Wait until the server answers at all."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise SystemExit("the server did not start")


if __name__ == "__main__":
    sys.exit(main())

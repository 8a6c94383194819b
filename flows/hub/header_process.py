"""Long sharded metadata, parsed in a separate process: a checkpoint of 200,000 tensors keeps a processor busy for seconds, and
as Python objects takes ten times its size. The crawl's threads continue meanwhile, and the memory is free afterwards.

    python -m flows.hub.header_process < ANSWER

writes a JSON object: the `summary` (null where the answer is not one of that route), or why it is `refused`, and the code.
"""

from __future__ import annotations

import gc
import json
import sys

from transforms.weights.safetensors import HeaderError
from transforms.weights.sharded_headers import summarize_sharded


def main() -> None:
    """Parse standard input, write the result to standard output."""
    gc.disable()  # nothing here is garbage before the end, and looking for it takes a third of the time
    try:
        result: dict[str, object] = {"summary": summarize_sharded(sys.stdin.buffer.read())}
    except HeaderError as error:
        result = {"refused": [str(error), error.code]}
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()

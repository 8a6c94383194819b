"""Models whose repository carries code that an engine has to run. shapefit never fetches or runs any: it reads names."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from transforms.config.decoders import listed_names

_TOKENIZER_CODE = re.compile(r"tokenization_\w+\.py")


def needs_remote_code(config: Mapping[str, object], file_names: str | None, known_types: Collection[str]) -> bool:
    """Whether the engine reads a model only with the repository's own code.

    Args:
        config: the model's config.json. An `auto_map` names code of the repository, which counts where no library has a class
            for the `model_type`: many repositories carry code from before the libraries knew them, which nobody runs.
        file_names: the repository's file names as a JSON list, None where unknown. Tokenizers are named elsewhere than in the
            config: a file of tokenizer code says that there is one of the repository's own.
        known_types: the model types that a library reads without such code.
    """
    named = config.get("auto_map")
    own_config = isinstance(named, Mapping) and isinstance(named.get("AutoConfig"), str)
    if own_config and str(config.get("model_type")) not in known_types:
        return True
    if "tokenization_" not in (file_names or ""):  # said before the list is read: so it is of most models
        return False
    return any(_TOKENIZER_CODE.fullmatch(name) for name in listed_names(file_names))

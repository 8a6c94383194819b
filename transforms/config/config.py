"""config.json as text → a dictionary, within bounds."""

from __future__ import annotations

from transforms.config.json_text import JsonError, parse_json

CONFIG_BYTES = 16 * 2**20
"""Largest config.json that is read; the largest real one has 3.1 MB."""

_CONFIG_PARTS = 1_000_000


class ConfigError(ValueError):
    """A config that cannot be read; `code` is the reject code (over_bound or invalid_json)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def parse_config(text: str | bytes) -> dict[str, object]:
    """A config's text as a dictionary. NaN and Infinity pass, as Python's own writer emits them (Mamba's time step limit),
    and of repeated keys the last counts, as in every reader of these files. Raises ConfigError.
    """
    if not text.strip():
        raise ConfigError("invalid_json", "config.json is empty; publish the model's configuration")
    try:
        data = text.encode() if isinstance(text, str) else text
        config = parse_json(data, "config.json", CONFIG_BYTES, _CONFIG_PARTS, allow_constants=True)
    except JsonError as error:
        raise ConfigError(error.code, str(error)) from None
    except UnicodeEncodeError:
        raise ConfigError("invalid_json", "config.json is not valid JSON: it holds lone surrogates") from None
    if not isinstance(config, dict):
        raise ConfigError("invalid_json", f"config.json must be a JSON object, not a {type(config).__name__}")
    return config

"""What an engine refuses before it loads a model, by its release: contexts, methods, precisions, cards and model types."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import polars as pl
import pytest
from architectures import dense, known_architectures
from asking import Answers, evaluate
from spec_tables import read_spec

from flows.database.connection import connect, create_macros, load_tables
from transforms.tables import contracts

pytestmark = pytest.mark.slow(2)

MEMORY_GIB = {"T4": 14.56, "V100-SXM2-32GB": 31.74, "A10G": 22.06, "A100-SXM4-80GB": 79.2, "H100-SXM5-80GB": 79.2, "L4": 22.0,
              "B200-SXM-180GB": 178.3, "RTX-PRO-6000-SERVER": 95.0, "MI300X-192GB": 191.98}  # fmt: skip


@pytest.fixture(scope="module")
def refusing(catalogs: dict[str, pl.DataFrame]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Small models that differ in what an engine may refuse of them."""
    known = known_architectures()
    made = [known[key] for key in ("llama-3.1-8b", "qwen2.5-7b", "gpt-oss-120b")]
    for key, facts in {
        "hqq": {"quantization_method": "hqq", "quantization_bits": 4},
        "fp88": {"quantization_method": "fp88", "quantization_bits": 8},
        "packed": {"quantization_method": "gptq", "quantization_format": "unstated"},
        "awq": {"quantization_method": "awq", "quantization_bits": 4, "quantization_group_size": 128},
        "modelopt-fp8": {"quantization_method": "modelopt", "quantization_bits": 8},
        "gemma2": {"model_type": "gemma2"},
        "llama": {"model_type": "llama"},
        "plamo2": {"model_type": "plamo2"},
        "sparse": {"model_type": "deepseek_v32"},
        "longrope": {"max_model_len_default": 2048, "max_model_len_limit": 8192},
    }.items():
        row, groups = dense(key, 26, 2304, 9216, 8, 4, 256, 256000, tied=True, max_position_embeddings=8192, **facts)
        if key == "sparse":
            index = {**groups[0], "layer_group": 1, "kind": "sparse_index", "kv_bytes_per_token_per_layer": 132}
            groups = [*groups, {**index, "attention_heads": None, "kv_heads": None, "shards_with_tp": False}]
        made.append((row, groups))
    frames = {
        "architectures": contracts.frame_of("architectures", [row for row, _ in made]),
        "layer_groups": contracts.frame_of("layer_groups", [group for _, groups in made for group in groups]),
    }
    with connect() as connection:
        load_tables(connection, {**catalogs, **frames}, with_comments=False)
        create_macros(connection)
        yield connection


def answered(connection: duckdb.DuckDBPyConnection, rows: list[dict[str, object]]) -> Answers:
    """The answers for rows that name an architecture and a card; releases are the first of a range of the engines catalog."""
    return evaluate(
        connection,
        [
            {"context": 1024, "input_tokens": 512, "max_num_seqs": 64, "reported_memory_gib": MEMORY_GIB[str(row["gpu"])], **row}
            for row in rows
        ],
    )


# A release belongs to the range that begins with it or before it: 0.13 to that of 0.10.1, 0.19 to that of 0.18. A reason is
# shown as it begins.
REFUSALS = """
    architecture | gpu               | quantization | engine_version || reason
    qwen2.5-7b   | V100-SXM2-32GB    | native    | 0.18   || null
    qwen2.5-7b   | V100-SXM2-32GB    | native    | 0.20   || the engine needs compute capability 7.5, the card has 7.0
    qwen2.5-7b   | V100-SXM2-32GB    | native    |        || the engine needs compute capability 7.5, the card has 7.0
    hqq          | H100-SXM5-80GB    | native    | 0.14   || null
    hqq          | H100-SXM5-80GB    | native    |        || vllm has no quantization method hqq
    hqq          | MI300X-192GB      | native    |        || vllm has no quantization method hqq
    hqq          | H100-SXM5-80GB    | fp8       |        || null
    fp88         | L4                | native    |        || vllm has no quantization method fp88
    packed       | L4                | native    |        || the config names no quantization method
    packed       | L4                | awq-4bit  |        || null
    awq          | L4                | native    |        || null
    modelopt-fp8 | T4                | native    |        || fp8 needs compute capability 8.0, the card has 7.5
    llama        | T4                | fp8       |        || null
    llama        | T4                | fp8       | 0.10.1 || fp8 needs compute capability 8.0, the card has 7.5
    llama        | T4                | w4a16     | 0.10.1 || w4a16 needs compute capability 8.0, the card has 7.5
    llama        | A10G              | fp8       | 0      || fp8 needs compute capability 8.9, the card has 8.6
    llama        | A10G              | fp8       | 0.5    || null
    gpt-oss-120b | H100-SXM5-80GB    | native    | 0.9    || vllm has no quantization method mxfp4
    gpt-oss-120b | H100-SXM5-80GB    | native    | 0.10.1 || null
    llama        | H100-SXM5-80GB    | mxfp4     | 0.9    || this release of vllm has no kernels for mxfp4
    sparse       | A100-SXM4-80GB    | native    |        || sparse attention has no back end for compute capability 8.0
    sparse       | H100-SXM5-80GB    | native    |        || null
    sparse       | B200-SXM-180GB    | native    | 0.18   || null
    sparse       | RTX-PRO-6000-SERVER | native  | 0.21   || sparse attention has no back end for compute capability 12.0
    sparse       | RTX-PRO-6000-SERVER | native  |        || null
    sparse       | MI300X-192GB      | native    |        || null
    gemma2       | T4                | fp8       |        || gemma2 is refused in float16, which fp8 needs
    gemma2       | T4                | bnb-4bit  |        || null
    gemma2       | L4                | fp8       |        || null
"""


def test_each_refusal_names_its_rule(refusing: duckdb.DuckDBPyConnection) -> None:
    drawn = read_spec(REFUSALS)
    found = answered(refusing, [dict(facts) for facts, _ in drawn])
    for (facts, figures), answer in zip(drawn, found, strict=True):
        refused = str(answer["reason"]) if answer["outcome"] == "refused" else "null"
        assert refused.startswith(figures["reason"]), (facts, answer["outcome"], answer["reason"])
        assert answer["outcome"] in ("started", "refused"), (facts, answer["reason"])


def test_no_context_beyond_what_the_config_derives(refusing: duckdb.DuckDBPyConnection) -> None:
    asked = {"architecture": "qwen2.5-7b", "gpu": "H100-SXM5-80GB"}
    longest, longer = answered(refusing, [{**asked, "context": 32768}, {**asked, "context": 32769}])
    assert (longest["outcome"], longest["max_context"]) == ("started", 32768)
    assert (longer["outcome"], longer["fits"], longer["verdict"]) == ("refused", False, "does_not_fit")
    assert longer["reason"] == "a max_model_len of 32769 is longer than the 32768 tokens that the model takes"
    assert float(str(longer["weights_gib_per_gpu"])) > 0 and longer["tpot_ms"] is None


def test_the_grid_goes_up_to_the_limit(refusing: duckdb.DuckDBPyConnection) -> None:
    query = "select context from grid_loads where architecture_key = 'longrope' order by context"
    assert [context for (context,) in refusing.execute(query).fetchall()] == [2048, 4096, 8192]
    start, beyond = answered(
        refusing, [{"architecture": "longrope", "gpu": "L4", "context": context} for context in (8192, 8193)]
    )
    assert (start["outcome"], beyond["outcome"]) == ("started", "refused")


def test_what_is_refused_in_float16_is_float32_below_capability_8(refusing: duckdb.DuckDBPyConnection) -> None:
    def both(gpu: str, **more: object) -> Answers:
        return answered(refusing, [{"architecture": key, "gpu": gpu, **more} for key in ("gemma2", "llama")])

    def figure(answer: dict[str, object], column: str) -> float:
        return float(str(answer[column]))

    wide, narrow = both("T4", tp=2, interconnect_kind="pcie")
    assert figure(wide, "weights_gib_per_gpu") == pytest.approx(2 * figure(narrow, "weights_gib_per_gpu"))
    assert figure(wide, "kv_needed_gib_per_gpu") == pytest.approx(2 * figure(narrow, "kv_needed_gib_per_gpu"))
    assert figure(wide, "activation_gib_per_gpu") >= figure(narrow, "activation_gib_per_gpu")
    assert figure(wide, "tpot_ms") > 1.5 * figure(narrow, "tpot_ms")
    assert figure(wide, "ttft_ms") > 4 * figure(narrow, "ttft_ms")
    quantized, plain = both("T4", quantization="bnb-4bit")
    assert 1 < figure(quantized, "weights_gib_per_gpu") / figure(plain, "weights_gib_per_gpu") < 2
    same, other = both("L4")
    columns = ("weights_gib_per_gpu", "kv_needed_gib_per_gpu", "tpot_ms", "ttft_ms")
    assert [same[column] for column in columns] == [other[column] for column in columns]


def test_a_model_type_may_be_accepted_in_float16_later(refusing: duckdb.DuckDBPyConnection) -> None:
    asked = {"architecture": "plamo2", "gpu": "T4", "tp": 2}
    refused, accepted = answered(refusing, [{**asked, "engine_version": "0.21"}, asked])
    assert refused["weights_gib_per_gpu"] == pytest.approx(2 * float(str(accepted["weights_gib_per_gpu"])))


@pytest.mark.parametrize(
    ("gpu", "architecture", "half"),
    [
        ("T4", "llama", True),
        ("T4", "gemma2", False),
        ("L4", "llama", False),
        ("MI300X-192GB", "llama", False),
        ("T4", "plamo2", True),
    ],
)
def test_half_is_asked_for_only_where_the_engine_takes_it(
    refusing: duckdb.DuckDBPyConnection, gpu: str, architecture: str, half: bool
) -> None:
    query = f"select serves_half(vendor, capability, '{architecture}') from gpus where gpu = '{gpu}'"
    assert refusing.execute(query).fetchall() == [(half,)]

"""Configurations as users write them → as the estimate takes them."""

from __future__ import annotations

import polars as pl
import pytest

from transforms.asking.configurations import INPUT_COLUMNS, ConfigurationsError, for_evaluation, parse, resolve
from transforms.tables import contracts

MODELS = pl.DataFrame(
    {"model_id": ["a/llama", "a/gpt2"], "architecture_key": ["k1", "k2"], "max_model_len_default": [131072, 1024]},
    schema={"model_id": pl.String, "architecture_key": pl.String, "max_model_len_default": pl.Int64},
)
REJECTS = contracts.frame_of(
    "rejects",
    [
        {"model_id": "a/bert", "code": "encoder_only", "message": "an encoder"},
        {"model_id": "a/gone", "code": "not_found", "message": "no such repository"},
    ],
)


def gpu(name: str, **facts: object) -> dict[str, object]:
    return {"gpu": name, "vendor": "NVIDIA", "memory_gib": 80.0, "reported_memory_gib": 79.2, **facts}


def shape(provider: str, name: str, gpu_key: str, count: float, network: float | None = None) -> dict[str, object]:
    return {"provider": provider, "shape": name, "gpu": gpu_key, "gpu_count": count, "network_gb_per_s": network}


def price(provider: str, name: str, usd: float | None, kind: str = "on_demand") -> dict[str, object]:
    return {"provider": provider, "shape": name, "price_kind": kind, "usd_per_hour": usd}


CATALOGS = {
    "gpus": contracts.frame_of(
        "gpus",
        [
            gpu("H100-SXM5-80GB", link_type="NVLink4", link_gb_per_s=450.0, pcie_gb_per_s=63.0),
            gpu("A40", link_type="NVLink3 bridge", link_gb_per_s=56.25, pcie_gb_per_s=31.5),
            gpu("L4", link_type="PCIe4", pcie_gb_per_s=31.5),
            gpu("MI300X-192GB", link_type="xGMI mesh", link_gb_per_s=448.0, pcie_gb_per_s=63.0),
            gpu("MYSTERY", reported_memory_gib=None),
        ],
    ),
    "gpu_aliases": contracts.frame_of(
        "gpu_aliases",
        [
            {"alias": "H100", "gpu": "H100-SXM5-80GB", "source": "s", "assumption": None},
            {"alias": "NVIDIA L4", "gpu": "L4", "source": "s", "assumption": "board not stated"},
        ],
    ),
    "shapes": contracts.frame_of(
        "shapes",
        [
            shape("aws", "p5", "H100-SXM5-80GB", 8, 400.0),
            shape("gcp", "a3", "H100-SXM5-80GB", 8, 100.0),
            shape("gcp", "g2", "L4", 1),
        ],
    ),
    "prices": contracts.frame_of(
        "prices",
        [price("aws", "p5", 80.0), price("gcp", "a3", 64.0), price("gcp", "a3", 8.0, "spot"), price("gcp", "g2", None)],
    ),
    "quantizations": contracts.frame_of(
        "quantizations", [{"quantization": name} for name in ("native", "fp8", "awq-4bit", "bf16")]
    ),
    "quantization_aliases": contracts.frame_of(
        "quantization_aliases",
        [
            {"alias": alias, "quantization": name}
            for alias, name in (("none", "native"), ("gptq_marlin", "native"), ("fp16", "bf16"))
        ],
    ),
    "kv_dtypes": contracts.frame_of("kv_dtypes", [{"kv_dtype": name} for name in ("auto", "bf16", "fp8", "fp8_e4m3")]),
    "policies": contracts.frame_of(
        "policies",
        [
            {"policy": "estimate", "key": "input_tokens", "value": 1024.0},
            {"policy": "estimate", "key": "output_tokens", "value": 1024.0},
        ],
    ),
}


def engine_version(engine: str, version: str | None) -> str:
    if engine != "vllm":
        raise ValueError(f"{engine} is not catalogued")
    return {None: "0.20", "0.19.0": "0.18"}[version]


def resolved(*rows: dict[str, object]) -> pl.DataFrame:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    table = {column: [None if row.get(column) is None else str(row[column]) for row in rows] for column in columns}
    return resolve(parse(pl.DataFrame(table)), MODELS, REJECTS, CATALOGS, engine_version)


def one(**cells: object) -> dict[str, object]:
    return resolved({"model_id": "a/llama", "gpu": "H100-SXM5-80GB", **cells}).row(0, named=True)


def test_a_row_of_two_cells_takes_every_default() -> None:
    row = one()
    assert row["status"] == "ok"
    assert row["reason"] is None
    expected = {
        "id": "1", "gpu_count": 1, "tp": 1, "pp": 1, "dp": 1, "ep": 1, "quantization": "native", "kv_dtype": "auto",
        "gpu_memory_utilization": None, "max_model_len": 131072, "max_num_seqs": None, "enforce_eager": False, "engine": "vllm",
        "engine_version": "0.20", "input_tokens": 1024, "output_tokens": 1024, "concurrency": 1, "cached_share": 0.0,
        "interconnect": "nvlink", "usd_per_gpu_hour": 8.0, "usd_per_hour": 8.0, "link_gb_per_s": 450.0, "nodes": 1,
    }  # fmt: skip
    assert {column: row[column] for column in expected} == expected


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"gpu_count": 8}, (8, 8, 1, 1)),
        ({"gpu_count": 8, "pp": 2}, (8, 4, 2, 1)),
        ({"gpu_count": 8, "dp": 4}, (8, 2, 1, 4)),
        ({"tp": 4}, (4, 4, 1, 1)),
        ({"tp": 2, "pp": 2, "dp": 2}, (8, 2, 2, 2)),
        ({"gpu_count": "8.0", "tp": "8.0"}, (8, 8, 1, 1)),
    ],
)
def test_gpu_count_and_tp_follow_from_each_other(cells: dict[str, object], expected: tuple[int, ...]) -> None:
    row = one(**cells)
    assert row["status"] == "ok"
    assert tuple(row[column] for column in ("gpu_count", "tp", "pp", "dp")) == expected


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"gpu_count": 8, "tp": 4}, "gpu_count 8 is not tp 4"),
        ({"gpu_count": 8, "pp": 3}, "gpu_count 8 is not a multiple of pp 3"),
        ({"tp": 4, "ep": 3}, "ep 3 does not divide"),
        ({"tp": 0}, "tp: 0 is not a whole number of at least 1"),
        ({"tp": "two"}, "tp: two is not"),
        ({"tp": 1.5}, "tp: 1.5 is not"),
        ({"tp": "1e30"}, "tp: 1e30 is not"),
        ({"gpu_memory_utilization": 1.2}, "gpu_memory_utilization: 1.2 is not"),
        ({"gpu_memory_utilization": "nan"}, "gpu_memory_utilization: nan is not"),
        ({"cached_share": -0.1}, "cached_share: -0.1 is not"),
        ({"enforce_eager": "maybe"}, "enforce_eager: maybe is not true or false"),
        ({"usd_per_gpu_hour": -1}, "usd_per_gpu_hour: -1 is not"),
        ({"max_model_len": 100, "input_tokens": 90, "output_tokens": 20}, "longer than max_model_len 100"),
        ({"interconnect": "string"}, "interconnect: string is none of"),
        ({"model_id": ""}, "model_id is blank"),
        ({"gpu": " "}, "gpu is blank"),
    ],
)
def test_what_contradicts_itself_or_its_kind_is_bad_input(cells: dict[str, object], said: str) -> None:
    row = one(**cells)
    assert row["status"] == "bad_input"
    assert said in row["reason"]


@pytest.mark.parametrize(("written", "meant"), [("True", True), ("1", True), ("false", False), ("0", False), ("no", False)])
def test_flags_are_read_as_people_write_them(written: str, meant: bool) -> None:
    assert one(enforce_eager=written)["enforce_eager"] is meant


def test_ep_of_none_means_experts_split_by_tp() -> None:
    assert one(tp=4, ep=0)["ep"] == 1
    assert one(tp=4, ep=4)["ep"] == 4


def test_models_are_known_refused_or_unknown() -> None:
    assert (one(model_id="a/bert")["status"], one(model_id="a/bert")["reason"]) == ("unsupported", "an encoder")
    assert (one(model_id="a/gone")["status"], one(model_id="a/gone")["reason"]) == ("unknown_model", "no such repository")
    assert one(model_id="b/never")["status"] == "unknown_model"


def test_gpus_answer_to_their_aliases_and_unknown_ones_name_the_nearest() -> None:
    assert one(gpu="h100")["gpu"] == "H100-SXM5-80GB"
    assert one(gpu="NVIDIA L4")["gpu_assumption"] == "board not stated"
    row = one(gpu="H100-SXM-80G")
    assert row["status"] == "unknown_gpu"
    assert "H100-SXM5-80GB" in row["reason"]
    assert row["gpu"] == "H100-SXM-80G"


@pytest.mark.parametrize(("written", "meant"), [("none", "native"), ("GPTQ_Marlin", "native"), ("FP8", "fp8"), ("fp16", "bf16")])
def test_quantizations_answer_to_their_aliases(written: str, meant: str) -> None:
    assert one(quantization=written)["quantization"] == meant


@pytest.mark.parametrize("cells", [{"quantization": "exl3"}, {"kv_dtype": "int2"}, {"engine": "tgi"}, {"gpu": "MYSTERY"}])
def test_what_the_catalogs_do_not_hold_is_unsupported(cells: dict[str, object]) -> None:
    row = one(**cells)
    assert row["status"] == "unsupported"
    assert str(next(iter(cells.values()))) in row["reason"]


def test_an_engine_version_is_kept_as_asked_and_read_from_its_catalog_row() -> None:
    row = one(engine_version="0.19.0")
    assert (row["engine_version"], row["version_from"]) == ("0.19.0", "0.18")


def test_short_contexts_shorten_the_default_load() -> None:
    row = one(model_id="a/gpt2")
    assert (row["max_model_len"], row["input_tokens"], row["output_tokens"]) == (1024, 512, 512)
    row = one(max_model_len=2000, input_tokens=1500)
    assert (row["status"], row["output_tokens"]) == ("ok", 500)


@pytest.mark.parametrize(
    ("gpu_key", "asked", "kind", "link"),
    [
        ("H100-SXM5-80GB", None, "nvlink", 450.0),
        ("H100-SXM5-80GB", "pcie", "pcie", 63.0),
        ("A40", None, "nvlink_bridge", 56.25),
        ("L4", None, "pcie", 31.5),
        ("MI300X-192GB", None, "xgmi", 448.0),
        ("L4", "nvlink", "nvlink", None),
    ],
)
def test_the_link_is_the_gpu_s_own_unless_stated(gpu_key: str, asked: str | None, kind: str, link: float | None) -> None:
    row = one(gpu=gpu_key, interconnect=asked)
    assert (row["interconnect_kind"], row["link_gb_per_s"]) == (kind, link)


def test_more_gpus_than_a_machine_holds_are_several_machines() -> None:
    row = one(gpu_count=16)
    assert (row["nodes"], row["network_gb_per_s"]) == (2, 400.0)
    assert one(gpu="A40", gpu_count=16)["nodes"] == 1


def test_a_stated_price_wins_over_the_cheapest_catalogued() -> None:
    assert one(gpu_count=2, usd_per_gpu_hour=3)["usd_per_hour"] == 6.0
    assert one(gpu="L4")["usd_per_hour"] is None


def test_rows_keep_their_order_and_their_ids() -> None:
    rows = resolved(
        {"id": "z", "model_id": "a/llama", "gpu": "L4"},
        {"id": "a", "model_id": "b/never", "gpu": "L4"},
        {"id": "z", "model_id": "a/gpt2", "gpu": "nope"},
        {"model_id": "a/llama", "gpu": "H100"},
    )
    assert rows["id"].to_list() == ["z", "a", "z", "4"]
    assert rows["status"].to_list() == ["ok", "unknown_model", "unknown_gpu", "ok"]
    assert for_evaluation(rows)["id"].to_list() == ["0", "3"]


def test_typed_cells_read_as_text_does() -> None:
    frame = pl.DataFrame({"model_id": ["a/llama"], "gpu": ["L4"], "tp": [2.0], "enforce_eager": [True], "concurrency": [7]})
    row = parse(frame).row(0, named=True)
    assert (row["tp"], row["enforce_eager"], row["concurrency"], row["problem"]) == (2, True, 7, None)


def test_a_file_without_models_or_gpus_is_refused() -> None:
    with pytest.raises(ConfigurationsError, match="no column gpu"):
        parse(pl.DataFrame({"model_id": ["a"]}))


def test_an_empty_file_has_an_empty_answer() -> None:
    empty = pl.DataFrame(schema=dict.fromkeys(INPUT_COLUMNS, pl.String))
    assert resolve(parse(empty), MODELS, REJECTS, CATALOGS, engine_version).is_empty()

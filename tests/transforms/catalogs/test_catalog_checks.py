"""Each kind of fault in a catalog is named by table, line and column; unknown facts are none."""

from __future__ import annotations

import polars as pl
import pytest

from transforms.catalogs.catalog_checks import check_catalogs
from transforms.tables.contracts import TABLES, polars_schema

PROVIDERS = "provider,provider_name,source,as_of\noci,Oracle Cloud Infrastructure,list,2026-01-02\n"


def csv_of(table: str, *rows: dict[str, str]) -> str:
    columns = TABLES[table].columns
    lines = [",".join(columns), *(",".join(row.get(column, "") for column in columns) for row in rows)]
    return "\n".join(lines) + "\n"


def gpu(**changes: str) -> dict[str, str]:
    row = {"gpu": "L4", "vendor": "NVIDIA", "name": "L4", "gpu_architecture": "Ada", "generation": "ada", "source": "list"}
    return row | {"reported_memory_basis": "measured", "memory_gib": "24"} | changes


def shape(**changes: str) -> dict[str, str]:
    return {"provider": "oci", "shape": "VM.1", "accelerator": "L4", "gpu": "L4", "gpu_count": "1", "source": "list"} | changes


def price(**changes: str) -> dict[str, str]:
    row = {"provider": "oci", "shape": "VM.1", "price_kind": "on_demand", "usd_per_hour": "2", "source": "list"}
    return row | changes


def alias(name: str, key: str = "L4") -> dict[str, str]:
    return {"alias": name, "gpu": key, "source": "list"}


def faults(**texts: str) -> list[str]:
    return [str(violation) for violation in check_catalogs(texts)[1]]


def test_a_sound_catalog_has_the_contract_s_columns_and_types() -> None:
    frames, violations = check_catalogs({"providers": PROVIDERS, "gpus": csv_of("gpus", gpu())})
    assert violations == []
    assert frames["gpus"].schema == polars_schema("gpus")
    assert frames["providers"].rows()[0][1] == "Oracle Cloud Infrastructure"


def test_what_is_unknown_is_null_and_no_fault() -> None:
    texts = {
        "providers": PROVIDERS,
        "gpus": csv_of("gpus", gpu(memory_gib="")),
        "shapes": csv_of("shapes", shape(gpu_count="", interconnect="", memory_gib_per_gpu="")),
        "prices": csv_of("prices", price(usd_per_hour="", price_as_of="")),
    }
    frames, violations = check_catalogs(texts)
    assert violations == []
    assert frames["shapes"]["gpu_count"].to_list() == [None]
    assert frames["prices"]["price_as_of"].to_list() == [None]


@pytest.mark.parametrize(
    ("column", "cell", "problem"),
    [
        ("memory_gib", "lots", "'lots' is not a number"),
        ("memory_gib", "nan", "'nan' is not a number"),
        ("memory_gib", "inf", "'inf' is not a number"),
        ("memory_gib", "24 GB", "'24 GB' is not a number"),
        ("memory_gib", "-24", "-24 is negative"),
        ("memory_gib", "0", "is zero; leave it empty where it is unknown"),
        ("link_domain_gpus", "7.5", "'7.5' is not a whole number"),
        ("link_domain_gpus", "99999999999", "'99999999999' is not a whole number"),
        ("as_of", "2026-02-30", "'2026-02-30' is not a date (YYYY-MM-DD)"),
        ("as_of", "02/01/2026", "'02/01/2026' is not a date (YYYY-MM-DD)"),
        ("as_of", "undated", "'undated' is not a date (YYYY-MM-DD)"),
        ("vendor", "", "is empty, which the contract forbids"),
    ],
)
def test_a_bad_cell_is_named(column: str, cell: str, problem: str) -> None:
    text = csv_of("gpus", gpu(), gpu(gpu="L40", **{column: cell}))
    assert faults(gpus=text) == [f"gpus.csv line 3, column {column}: {problem}"]


def test_true_and_false_are_the_only_truths() -> None:
    row = {"quantization": "fp8", "applies_to": "linear", "amd_supported": "yes", "arithmetic": "fp8", "speed_class": "8bit"}
    text = csv_of("quantizations", row | {"nightly": "true", "quality_rank": "1", "source": "list"})
    assert faults(quantizations=text) == ["quantizations.csv line 2, column amd_supported: 'yes' is not true or false"]


def test_a_share_is_at_most_one() -> None:
    row = {"workload": "chat", "input_tokens": "10", "output_tokens": "5", "cached_share": "1.5", "target_ttft_ms": "1"}
    text = csv_of("workloads", row | {"target_tpot_ms": "1", "source": "list"})
    assert faults(workloads=text) == ["workloads.csv line 2, column cached_share: 1.5 is no share between 0 and 1"]


def test_an_unlisted_word_is_refused() -> None:
    assert faults(prices=csv_of("prices", price(price_kind="reserved"))) == [
        "prices.csv line 2, column price_kind: 'reserved' is none of on_demand, spot"
    ]


def test_a_repeated_key_names_both_lines() -> None:
    assert faults(gpus=csv_of("gpus", gpu(), gpu(gpu="L40"), gpu())) == [
        "gpus.csv line 4, column gpu: the key L4 repeats that of line 2"
    ]


def test_one_shape_may_have_two_kinds_of_price_but_not_two_of_one() -> None:
    rows = [price(), price(price_kind="spot"), price(price_kind="spot")]
    assert faults(prices=csv_of("prices", *rows)) == [
        "prices.csv line 4, column price_kind: the key oci, VM.1, spot repeats that of line 3"
    ]


def test_keys_with_an_empty_part_can_repeat_too() -> None:
    row = {"engine": "vllm", "method": "awq", "applies_to": "weights", "target": "CPU", "supported": "no", "source": "list"}
    (fault,) = faults(quantization_support=csv_of("quantization_support", row, row))
    assert fault.startswith("quantization_support.csv line 3") and "repeats that of line 2" in fault


def test_an_unknown_provider_is_refused() -> None:
    texts = {"providers": PROVIDERS, "shapes": csv_of("shapes", shape(), shape(provider="ocl", shape="VM.2"))}
    assert faults(**texts) == ["shapes.csv line 3, column provider: 'ocl' is not in providers.csv"]


def test_an_unknown_accelerator_is_refused() -> None:
    texts = {"gpus": csv_of("gpus", gpu()), "shapes": csv_of("shapes", shape(gpu="L5"))}
    assert faults(**texts) == ["shapes.csv line 2, column gpu: 'L5' is not in gpus.csv"]


def test_a_price_needs_its_shape() -> None:
    texts = {"shapes": csv_of("shapes", shape()), "prices": csv_of("prices", price(), price(shape="VM.2"))}
    assert faults(**texts) == ["prices.csv line 3, column shape: 'oci VM.2' is not in shapes.csv"]


def test_a_generation_needs_its_speed_coefficients() -> None:
    coefficient = {"scope": "generation", "key": "ada", "name": "e_mem", "value": "0.9", "basis": "measured", "source": "list"}
    other_scope = coefficient | {"scope": "comm", "key": "adb"}
    texts = {
        "gpus": csv_of("gpus", gpu(), gpu(gpu="L5", generation="adb")),
        "speed_coefficients": csv_of("speed_coefficients", coefficient, other_scope),
    }
    assert faults(**texts) == ["gpus.csv line 3, column generation: 'adb' is not in speed_coefficients.csv"]


def setting(version_from: str, version_below: str = "") -> dict[str, str]:
    row = {"engine": "vllm", "scope": "all", "key": "gpu_memory_utilization", "value": "0.9", "unit": "share"}
    return row | {"version_from": version_from, "version_below": version_below, "basis": "default", "source": "list"}


def test_a_setting_may_change_with_a_release() -> None:
    assert faults(engines=csv_of("engines", setting("0.20"), setting("0", "0.9"), setting("0.9", "0.20"))) == []


@pytest.mark.parametrize("below", ["0.21", ""])
def test_a_setting_has_one_value_for_a_release(below: str) -> None:
    problem = "vllm all gpu_memory_utilization is set for the same releases in line 3"
    assert faults(engines=csv_of("engines", setting("0.20"), setting("0.9", below))) == [
        f"engines.csv line 2, column version_from: {problem}"
    ]


def test_a_release_is_numbers_between_dots() -> None:
    assert faults(engines=csv_of("engines", setting("0.9rc1", "latest"))) == [
        "engines.csv line 2, column version_from: '0.9rc1' is no release: write it as 0.19",
        "engines.csv line 2, column version_below: 'latest' is no release: write it as 0.19",
    ]


def test_a_setting_may_be_negative() -> None:
    row = {"scope": "comm", "key": "pcie", "name": "exponent", "value": "-1.1", "basis": "fit", "source": "list"}
    assert faults(speed_coefficients=csv_of("speed_coefficients", row)) == []


def test_aliases_that_differ_only_in_case_repeat() -> None:
    text = csv_of("gpu_aliases", alias("My L4"), alias("my l4"))
    assert faults(gpu_aliases=text) == ["gpu_aliases.csv line 3, column alias: the key my l4 repeats that of line 2"]


def test_aliases_that_read_alike_must_mean_the_same() -> None:
    text = csv_of("gpu_aliases", alias("My L4"), alias("my-l4"), alias("my_l4", "L40"))
    assert faults(gpu_aliases=text) == ["gpu_aliases.csv line 4, column alias: 'my_l4' reads like 'My L4', which means L4"]


def test_a_missing_and_an_unknown_column_are_named() -> None:
    text = PROVIDERS.replace("provider_name", "nickname")
    assert faults(providers=text) == [
        "providers.csv line 1, column provider_name: the column is missing",
        "providers.csv line 1, column nickname: no such column",
    ]


def test_an_empty_file_lacks_every_column() -> None:
    assert len(faults(providers="")) == len(TABLES["providers"].columns)


def test_a_row_with_too_many_or_too_few_cells_is_named() -> None:
    text = PROVIDERS + "aws,Amazon\ngcp,Google,list,2026-01-02,more\n"
    assert faults(providers=text) == [
        "providers.csv line 3, column provider_name: 2 cells where the header has 4",
        "providers.csv line 4, column as_of: 5 cells where the header has 4",
    ]


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    """Blank lines and quoted line breaks are lines of the file."""
    text = PROVIDERS + '\naws,"Amazon\nWeb Services",list,soon\n'
    assert faults(providers=text) == ["providers.csv line 4, column as_of: 'soon' is not a date (YYYY-MM-DD)"]


def test_an_open_quote_is_no_csv() -> None:
    (fault,) = faults(providers=PROVIDERS + 'aws,"Amazon,list,2026-01-02\n')
    assert fault.startswith("providers.csv line 3, column provider: not CSV")


def test_quoted_commas_and_byte_faithful_text_survive() -> None:
    frames, violations = check_catalogs({"providers": PROVIDERS + 'aws,"Amazon, ""EC2"" – Web",list,\n'})
    assert violations == []
    assert frames["providers"]["provider_name"].to_list()[1] == 'Amazon, "EC2" – Web'


def test_columns_may_stand_in_any_order() -> None:
    text = "as_of,source,provider_name,provider\n2026-01-02,list,Oracle,oci\n"
    frames, violations = check_catalogs({"providers": text})
    assert violations == []
    assert frames["providers"].select("provider", "source").rows() == [("oci", "list")]


def test_all_faults_are_found_in_file_order() -> None:
    text = csv_of("gpus", gpu(memory_gib="-1"), gpu(gpu="L40", memory_gib="x", as_of="y"), gpu(vendor=""))
    lines = [violation.line for violation in check_catalogs({"gpus": text})[1]]
    assert lines == [2, 3, 3, 4, 4]


def test_faulty_cells_do_not_read_as_facts() -> None:
    frames, _ = check_catalogs({"gpus": csv_of("gpus", gpu(memory_gib="lots"))})
    assert frames["gpus"].select(pl.col("memory_gib").is_null().all()).item()

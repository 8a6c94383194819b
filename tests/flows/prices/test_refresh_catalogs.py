"""`shapefit refresh-catalogs` over loopback HTTP: lists are fetched, checked, written whole, and what fails changes nothing."""

from __future__ import annotations

import fcntl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from price_documents import aws_offer, azure_item, azure_page, oci_item, oci_list, served

from flows.cli import main
from flows.lake.catalogs import CatalogError, load_catalogs
from flows.prices import price_list_download
from flows.prices import refresh_catalogs as refresh_catalogs_module
from flows.prices.refresh_catalogs import CatalogRefresh, CatalogRefreshError, refresh_catalogs
from transforms.price_lists.price_list import PriceOutcome

pytestmark = pytest.mark.slow(2)

BUNDLED = load_catalogs()
AWS = BUNDLED["prices"].filter((pl.col("provider") == "aws") & pl.col("usd_per_hour").is_not_null())


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(price_list_download, "_FIRST_DELAY_S", 0.01)
    monkeypatch.delenv("GCP_BILLING_API_KEY", raising=False)


def whole_offer(**changed: str) -> str:
    """An offer file with every price that is bundled for AWS, some changed."""
    usd = {row["shape"]: str(row["usd_per_hour"]) for row in AWS.to_dicts()} | {
        k.replace("_", "."): v for k, v in changed.items()
    }
    return aws_offer(*({"Instance Type": shape, "PricePerUnit": value} for shape, value in usd.items()))


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def price(data: Path, shape: str, provider: str = "aws", kind: str = "on_demand") -> dict[str, object]:
    where = (pl.col("provider") == provider) & (pl.col("shape") == shape) & (pl.col("price_kind") == kind)
    return load_catalogs(data=data)["prices"].row(by_predicate=where, named=True)


def test_a_list_is_fetched_and_its_prices_preferred(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with served(lambda path, _: (200, whole_offer(p5_48xlarge="44.032"), {})) as address:
        command = ["refresh-catalogs", "--provider", "aws", "--from", f"{address}/index.csv?key=x", "--data", str(tmp_path)]
        assert main(command) == 0
    out = capsys.readouterr().out
    assert "p5.48xlarge" in out
    assert "moved 1" in out
    row = price(tmp_path, "p5.48xlarge")
    assert (row["usd_per_hour"], row["price_region"], str(row["price_as_of"])) == (44.032, "us-east-1", "2026-11-19")
    assert row["source"] == f"{address}/index.csv"
    assert load_catalogs()["prices"].equals(BUNDLED["prices"])
    others = load_catalogs(data=tmp_path)["prices"].filter(pl.col("provider") != "aws").sort("provider", "shape", "price_kind")
    assert others.equals(BUNDLED["prices"].filter(pl.col("provider") != "aws").sort("provider", "shape", "price_kind"))


def test_pages_are_followed_on_the_same_host_only(tmp_path: Path) -> None:
    azure = BUNDLED["prices"].filter((pl.col("provider") == "azure") & (pl.col("price_region") == "eastus"))
    items = [azure_item(armSkuName=row["shape"], retailPrice=row["usd_per_hour"]) for row in azure.to_dicts()]

    def answer(path: str, _: int) -> tuple[int, str, dict[str, str]]:
        skipped = int(path.partition("skip=")[2] or 0)
        following = f"{address}/prices?$skip={skipped + 40}" if skipped + 40 < len(items) else None
        return 200, azure_page(*items[skipped : skipped + 40], following=following), {}

    with served(answer) as address:
        report = refresh_catalogs(tmp_path, ["azure"], f"{address}/prices?$filter=armRegionName eq 'eastus'")
    assert report.failed == {}
    assert report.counts() == {"same": len(items)}
    with served(lambda path, _: (200, azure_page(*items, following="http://169.254.169.254/latest"), {})) as address:
        report = refresh_catalogs(tmp_path, ["azure"], f"{address}/prices")
    assert "another host" in report.failed["azure"]


def test_pages_without_end_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    setting = refresh_catalogs_module.setting
    monkeypatch.setattr(
        refresh_catalogs_module, "setting", lambda p, policy, key: 5 if key == "max_list_pages" else setting(p, policy, key)
    )
    with served(lambda path, _: (200, azure_page(azure_item(), following=f"{address}/next"), {})) as address:
        report = refresh_catalogs(tmp_path, ["azure"], f"{address}/prices")
    assert "more than 5 pages" in report.failed["azure"]


def test_oci_parts_become_prices_of_shapes(tmp_path: Path) -> None:
    parts = ("B98415", "B95909", "B95907", "B109479", "B110519", "B110978", "B109485", "B110979", "B112237", "B112140")
    text = oci_list(
        *(oci_item(part, 10 if part != "B95909" else 2) for part in parts), oci_item("B111758", 8), oci_item("B112613", 4.5)
    )
    report = refresh_catalogs(tmp_path, ["oci"], write(tmp_path / "products.json", text))
    assert report.failed == {}
    assert price(tmp_path, "BM.GPU.MI355X.8", "oci")["usd_per_hour"] == 64
    assert str(price(tmp_path, "BM.GPU.H100.8", "oci")["price_as_of"]) == "2026-11-18"


def test_an_answer_that_passes_is_asked_for_again(tmp_path: Path) -> None:
    def answer(path: str, request: int) -> tuple[int, str, dict[str, str]]:
        return (503, "busy", {"Retry-After": "0"}) if request < 3 else (200, whole_offer(), {})

    with served(answer) as address:
        assert refresh_catalogs(tmp_path, ["aws"], f"{address}/index.csv").failed == {}


@pytest.mark.parametrize(
    ("status", "body", "headers", "reason"),
    [
        (404, "no", {}, "HTTP 404"),
        (302, "", {"Location": "http://169.254.169.254/"}, "HTTP 302"),
        (503, "", {}, "no answer after 4 tries (last: HTTP 503)"),
        (200, "<html>maintenance</html>", {}, "no EC2 offer file"),
        (200, whole_offer()[:9000], {"Content-Length": "100000"}, "after 4 tries"),
        (200, "\n".join(whole_offer().splitlines()[:20]), {}, "cut off"),
        (200, "\xff\xfe", {}, "no EC2 offer file"),
    ],
)
def test_a_list_that_cannot_be_used_changes_nothing_and_says_so_in_one_line(
    status: int, body: str, headers: dict[str, str], reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with served(lambda path, _: (status, body, headers)) as address:
        command = ["refresh-catalogs", "--provider", "aws", "--from", f"{address}/index.csv", "--data", str(tmp_path)]
        assert main(command) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"aws: {address}/index.csv: ")
    assert reason in line
    assert line.endswith("its prices stay as they are, of 2026-07-20 to 2026-07-20")
    assert not (tmp_path / "catalogs" / "prices.csv").exists()


def test_nobody_answering_changes_nothing(tmp_path: Path) -> None:
    with served(lambda path, _: (200, "", {})) as address:
        pass  # the port is free again
    report = refresh_catalogs(tmp_path, ["aws"], f"{address}/index.csv")
    assert "no connection" in report.failed["aws"]
    assert (
        load_catalogs(data=tmp_path)["prices"]
        .sort("provider", "shape", "price_kind")
        .equals(BUNDLED["prices"].sort("provider", "shape", "price_kind"))
    )


def test_an_endless_answer_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    setting = refresh_catalogs_module.setting
    monkeypatch.setattr(
        refresh_catalogs_module, "setting", lambda p, policy, key: 2**-20 if key == "max_list_gib" else setting(p, policy, key)
    )
    with served(lambda path, _: (200, whole_offer(), {})) as address:
        report = refresh_catalogs(tmp_path, ["aws"], f"{address}/index.csv")
    assert "longer than the 1,024 bytes" in report.failed["aws"]


def test_one_provider_s_failure_does_not_keep_the_others_from_being_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(lambda path, _: (200, whole_offer(p5_48xlarge="50"), {}) if "aws" in path else (404, "", {})) as address:
        url = pl.lit(f"{address}/") + pl.col("provider")
        catalogs = {**BUNDLED, "price_sources": BUNDLED["price_sources"].with_columns(url=url)}
        monkeypatch.setattr(refresh_catalogs_module, "load_catalogs", lambda data: catalogs)
        report = refresh_catalogs(tmp_path)
    assert set(report.failed) == {"azure", "oci"}
    assert price(tmp_path, "p5.48xlarge")["usd_per_hour"] == 50


def test_a_held_price_is_named_and_taken_when_accepted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["refresh-catalogs", "--provider", "aws", "--data", str(tmp_path)]
    command += ["--from", write(tmp_path / "index.csv", whole_offer(p5_48xlarge="0.5504"))]
    before = price(tmp_path, "p5.48xlarge")["usd_per_hour"]
    assert main(command) == 0
    assert "--accept" in capsys.readouterr().out
    assert price(tmp_path, "p5.48xlarge")["usd_per_hour"] == before
    assert main([*command, "--accept"]) == 0
    assert price(tmp_path, "p5.48xlarge")["usd_per_hour"] == 0.5504


def test_the_second_refresh_adds_to_the_first_and_the_same_list_again_changes_nothing(tmp_path: Path) -> None:
    refresh_catalogs(tmp_path, ["aws"], write(tmp_path / "a.csv", whole_offer(p5_48xlarge="50")))
    refresh_catalogs(tmp_path, ["aws"], write(tmp_path / "b.csv", whole_offer(p5_48xlarge="50", p4d_24xlarge="20")))
    assert [price(tmp_path, shape)["usd_per_hour"] for shape in ("p5.48xlarge", "p4d.24xlarge")] == [50, 20]
    kept = (tmp_path / "catalogs" / "prices.csv").read_bytes()
    assert refresh_catalogs(tmp_path, ["aws"], str(tmp_path / "b.csv")).counts() == {"same": AWS.height}
    assert (tmp_path / "catalogs" / "prices.csv").read_bytes() == kept


def test_a_new_size_comes_with_its_price(tmp_path: Path) -> None:
    new = {"Instance Type": "p5.24xlarge", "PricePerUnit": "27.52", "GPU": "4", "vCPU": "96", "Memory": "1,024 GiB"}
    text = whole_offer() + aws_offer(new).splitlines()[-1] + "\n"
    report = refresh_catalogs(tmp_path, ["aws"], write(tmp_path / "index.csv", text))
    assert report.counts()["new_shape"] == 1
    assert price(tmp_path, "p5.24xlarge")["usd_per_hour"] == 27.52
    shapes = load_catalogs(data=tmp_path)["shapes"]
    row = shapes.row(by_predicate=(pl.col("provider") == "aws") & (pl.col("shape") == "p5.24xlarge"), named=True)
    assert (row["gpu"], row["gpu_count"], row["interconnect_kind"]) == ("H100-SXM5-80GB", 4, "nvlink")


OWN = "provider,shape,price_kind,usd_per_hour,price_region,price_as_of,source,note\n"


def test_prices_of_one_s_own_are_taken_from_a_csv(tmp_path: Path) -> None:
    text = OWN + "gcp,a2-highgpu-1g,on_demand,3.0,us-central1,2026-11-20,our contract,\n"
    assert refresh_catalogs(tmp_path, (), write(tmp_path / "own.csv", text)).counts() == {"moved": 1}
    row = price(tmp_path, "a2-highgpu-1g", "gcp")
    assert (row["usd_per_hour"], row["source"]) == (3.0, "our contract")


def test_shapes_of_one_s_own_are_taken_from_a_csv(tmp_path: Path) -> None:
    row = BUNDLED["shapes"].filter(pl.col("shape") == "p5.48xlarge").with_columns(shape=pl.lit("p5.twin"))
    refresh_catalogs(tmp_path, (), write(tmp_path / "shapes.csv", row.write_csv()))
    assert load_catalogs(data=tmp_path)["shapes"].height == BUNDLED["shapes"].height + 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (OWN + "gcp,a2-highgpu-1g,on_demand,-3,,,x,\n", "own.csv line 2, column usd_per_hour: -3 is negative"),
        (OWN + "gcp,no-such,on_demand,3,,,x,\n", "own.csv: gcp no-such is not in the shapes catalog"),
        ("nonsense\n", "own.csv line 1"),
    ],
)
def test_a_csv_of_one_s_own_that_is_wrong_is_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(CatalogRefreshError, match=message):
        refresh_catalogs(tmp_path, (), write(tmp_path / "own.csv", text))


@pytest.mark.parametrize(
    ("providers", "address", "message"),
    [
        (["lambda"], None, "no price list of lambda can be read"),
        ([], "absent.csv", "absent.csv: it cannot be read"),
        (["aws", "oci"], "x", "one list"),
    ],
)
def test_what_cannot_be_done_is_said(providers: list[str], address: str | None, message: str, tmp_path: Path) -> None:
    with pytest.raises(CatalogRefreshError, match=message):
        refresh_catalogs(tmp_path, providers, address)


def test_a_bundled_price_that_is_newer_wins(tmp_path: Path) -> None:
    newer = AWS["price_as_of"].max() + timedelta(days=1)
    older = AWS["price_as_of"].max() - timedelta(days=1)
    rows = "".join(
        f"aws,{shape},on_demand,1.5,us-east-1,{day},x,\n" for shape, day in (("p5.48xlarge", older), ("p4d.24xlarge", newer))
    )
    (tmp_path / "catalogs").mkdir()
    write(tmp_path / "catalogs" / "prices.csv", OWN + rows)
    assert price(tmp_path, "p5.48xlarge")["usd_per_hour"] != 1.5
    assert price(tmp_path, "p4d.24xlarge")["usd_per_hour"] == 1.5


def test_a_refreshed_price_without_its_shape_is_left_out_and_a_bad_file_named(tmp_path: Path) -> None:
    path = tmp_path / "catalogs" / "prices.csv"
    path.parent.mkdir()
    write(path, OWN + "aws,gone.8xlarge,on_demand,1.5,us-east-1,2026-11-20,x,\n")
    assert load_catalogs(data=tmp_path)["prices"].height == BUNDLED["prices"].height
    write(path, OWN + "aws,p5.48xlarge,on_demand,cheap,us-east-1,2026-11-20,x,\n")
    with pytest.raises(CatalogError, match=rf"{path.parent}/prices.csv line 2, column usd_per_hour: 'cheap' is not a number"):
        load_catalogs(data=tmp_path)


def test_two_refreshes_at_once_are_refused(tmp_path: Path) -> None:
    (tmp_path / "catalogs").mkdir()
    with (tmp_path / "catalogs" / ".lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(CatalogRefreshError, match="another refresh of the catalogs"):
            refresh_catalogs(tmp_path, ["aws"], "x")


def test_a_list_without_a_date_is_of_today(tmp_path: Path) -> None:
    azure = BUNDLED["prices"].filter((pl.col("provider") == "azure") & (pl.col("price_region") == "eastus"))
    items = [azure_item(armSkuName=row["shape"], retailPrice=row["usd_per_hour"]) for row in azure.to_dicts()]
    refresh_catalogs(tmp_path, ["azure"], write(tmp_path / "page.json", azure_page(*items)))
    dated = price(tmp_path, str(azure["shape"][0]), "azure")["price_as_of"]
    assert abs((datetime.now(UTC).date() - dated).days) <= 1


def test_the_report_of_the_nightly_run_names_what_moved_and_what_failed() -> None:
    from flows.prices.refresh_catalogs_flow import report_markdown

    outcomes = (
        PriceOutcome("aws", "p5.48xlarge", "on_demand", "moved", 55.04, 44.0),
        PriceOutcome("aws", "g5.xlarge", "on_demand", "same", 1, 1),
    )
    text = report_markdown(CatalogRefresh(outcomes, {"oci": "no answer"}, {"gcp": "no key"}))
    assert "* moved: 1\n* same: 1\n* **oci failed**: no answer\n* gcp skipped: no key\n" in text
    assert "| aws | p5.48xlarge | on_demand | moved | 55.04 | 44 |\n" in text
    assert "g5.xlarge" not in text

"""Small price lists in the documented forms of the providers, written by hand, and a loopback server that serves them."""

from __future__ import annotations

import csv
import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

AWS_COLUMNS = [
    "SKU", "OfferTermCode", "RateCode", "TermType", "PriceDescription", "EffectiveDate", "StartingRange", "EndingRange", "Unit",
    "PricePerUnit", "Currency", "RelatedTo", "LeaseContractLength", "PurchaseOption", "OfferingClass", "Product Family",
    "serviceCode", "Location", "Location Type", "Instance Type", "Current Generation", "Instance Family", "vCPU",
    "Physical Processor", "Clock Speed", "Memory", "Storage", "Network Performance", "Tenancy", "Operating System",
    "License Model", "usageType", "operation", "CapacityStatus", "GPU", "GPU Memory", "MarketOption", "Pre Installed S/W",
    "Region Code", "serviceName",
]  # fmt: skip
AWS_ROW = {
    "SKU": "6NXAE2Y3CYQCZPKB", "OfferTermCode": "JRTCKXETXF", "RateCode": "6NXAE2Y3CYQCZPKB.JRTCKXETXF.6YS6EN2CT7",
    "TermType": "OnDemand", "PriceDescription": "$55.04 per On Demand Linux p5.48xlarge Instance Hour",
    "EffectiveDate": "2026-11-01", "StartingRange": "0", "EndingRange": "Inf", "Unit": "Hrs", "PricePerUnit": "55.0400000000",
    "Currency": "USD", "Product Family": "Compute Instance", "serviceCode": "AmazonEC2", "Location": "US East (N. Virginia)",
    "Location Type": "AWS Region", "Instance Type": "p5.48xlarge", "Current Generation": "Yes", "Instance Family": "GPU instance",
    "vCPU": "192", "Memory": "2,048 GiB", "Tenancy": "Shared", "Operating System": "Linux",
    "License Model": "No License required", "operation": "RunInstances", "CapacityStatus": "Used", "GPU": "8",
    "GPU Memory": "640 GB", "MarketOption": "OnDemand", "Pre Installed S/W": "NA", "Region Code": "us-east-1",
    "serviceName": "Amazon Elastic Compute Cloud",
}  # fmt: skip


def aws_offer(*rows: dict[str, str], published: str = "2026-11-19T20:10:00Z") -> str:
    """An EC2 offer file: each row is the on-demand price of p5.48xlarge, changed as said."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([["FormatVersion", "v1.0"], ["Disclaimer", "This pricing list is for informational purposes only."]])
    writer.writerows([["Publication Date", published], ["Version", "20261119201000"], ["OfferCode", "AmazonEC2"]])
    writer.writerow(AWS_COLUMNS)
    for row in rows:
        writer.writerow([{**AWS_ROW, **row}.get(column, "") for column in AWS_COLUMNS])
    return text.getvalue()


def azure_item(**changes: object) -> dict[str, object]:
    """One item of the Retail Prices API: the on-demand price of a machine of eight H100, changed as said."""
    return {
        "currencyCode": "USD", "tierMinimumUnits": 0.0, "retailPrice": 98.32, "unitPrice": 98.32, "armRegionName": "eastus",
        "location": "US East", "effectiveStartDate": "2023-08-01T00:00:00Z", "meterId": "00000000-0000-0000-0000-000000000000",
        "meterName": "ND96isr H100 v5", "productId": "DZH318Z0DQK3", "skuId": "DZH318Z0DQK3/0001",
        "productName": "Virtual Machines NDsr H100 v5 Series Linux", "skuName": "ND96isr H100 v5",
        "serviceName": "Virtual Machines", "serviceId": "DZH313Z7MMC8", "serviceFamily": "Compute", "unitOfMeasure": "1 Hour",
        "type": "Consumption", "isPrimaryMeterRegion": True, "armSkuName": "Standard_ND96isr_H100_v5", **changes,
    }  # fmt: skip


def azure_page(*items: dict[str, object], following: str | None = None) -> str:
    """One page of the Retail Prices API."""
    page = {"BillingCurrency": "USD", "CustomerEntityId": "Default", "CustomerEntityType": "Retail", "Items": list(items)}
    return json.dumps({**page, "NextPageLink": following, "Count": len(items)})


def oci_item(part: str, value: float, metric: str = "GPU Per Hour", **changes: object) -> dict[str, object]:
    """One item of the OCI price list."""
    return {
        "partNumber": part, "displayName": "OCI - Compute - GPU", "metricName": metric, "serviceCategory": "Compute - GPU",
        "currencyCodeLocalizations": [
            {"currencyCode": "EUR", "prices": [{"model": "PAY_AS_YOU_GO", "value": value * 0.9}]},
            {"currencyCode": "USD", "prices": [{"model": "PAY_AS_YOU_GO", "value": value}]},
        ],
        **changes,
    }  # fmt: skip


def oci_list(*items: dict[str, object]) -> str:
    """An OCI price list."""
    return json.dumps({"lastUpdated": "2026-11-18T14:26:53.943Z", "items": list(items)})


def gcp_sku(description: str, usd: float, unit: str = "h", **changes: object) -> dict[str, object]:
    """One SKU of the Cloud Billing catalog, offered in us-central1."""
    spot = "Spot Preemptible" in description
    rate = {"startUsageAmount": 0, "unitPrice": {"currencyCode": "USD", "units": str(int(usd)), "nanos": round(usd % 1 * 1e9)}}
    return {
        "name": "services/6F81-5844-456A/skus/2922-40C5-B19F", "skuId": "2922-40C5-B19F", "description": description,
        "category": {
            "serviceDisplayName": "Compute Engine", "resourceFamily": "Compute", "resourceGroup": "CPU",
            "usageType": "Preemptible" if spot else "OnDemand",
        },
        "serviceRegions": ["us-central1", "us-east1", "us-west1"],
        "pricingInfo": [
            {"summary": "", "pricingExpression": {"usageUnit": unit, "displayQuantity": 1, "tieredRates": [rate]},
             "currencyConversionRate": 1, "effectiveTime": "2026-11-20T10:52:50.681Z"},
        ],
        "serviceProviderName": "Google", "geoTaxonomy": {"type": "MULTI_REGIONAL", "regions": ["us-central1"]}, **changes,
    }  # fmt: skip


def gcp_page(*skus: dict[str, object], token: str = "") -> str:
    """One page of the Cloud Billing catalog."""
    return json.dumps({"skus": list(skus), "nextPageToken": token})


@contextmanager
def served(answer: Callable[[str, int], tuple[int, str, dict[str, str]]], heard: list[Message] | None = None) -> Iterator[str]:
    """A loopback HTTP server, by its address: `answer` gives status, body and headers for a path and the request's number.

    `heard` receives the headers of each request before it is answered.
    """
    count = iter(range(1, 10_000))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if heard is not None:
                heard.append(self.headers)
            status, body, headers = answer(self.path, next(count))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body.encode())), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()

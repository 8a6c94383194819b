"""One model from a loopback Hub with the real client: what is asked, what is stored, and the code of every refusal."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable

import pytest
from loopback_hub import Faults, LoopbackHub, Repo, VirtualFile, raw_header, safetensors_file
from small_repos import LLAMA, llama_tensors, quick_hub, sharded_repo, small_repo

from flows.crawl.fetch_model import KnownCommit, fetch_model
from flows.hub.pauses_and_retries import Throttle
from transforms.config.config import CONFIG_BYTES
from transforms.tables.records import HubFiles
from transforms.weights.safetensors import HEADER_BYTES, INDEX_BYTES, read_summary

pytestmark = pytest.mark.slow(5)

Serve = Callable[..., LoopbackHub]
CONFIG = json.dumps(LLAMA).encode()


def fetch(server: LoopbackHub, model_id: str = "a/b", token: str | None = None) -> HubFiles:
    return fetch_model(quick_hub(server, token), model_id).files


def test_a_single_file_model_costs_four_requests_and_no_byte_of_weights(serve: Serve) -> None:
    repo = small_repo(
        card={"license": "apache-2.0", "base_model": ["base/model"]},
        tags=("text-generation", "license:mit"),
        totals={"BF16": 100},
        gated="auto",
    )
    server = serve({"a/b": repo})
    row = fetch(server)
    assert (row.status, row.message, row.sha, row.source) == ("ok", None, repo.sha, "hub")
    assert (row.license, row.base_model, row.author, row.gated) == ("apache-2.0", "base/model", "a", "auto")
    assert (row.downloads, row.likes, row.private, row.disabled) == (1000, 10, False, False)
    assert row.last_modified is not None and row.last_modified.year == 2025
    assert json.loads(row.safetensors_totals or "") == {"BF16": 100}
    assert json.loads(row.files or "") == ["config.json", "model.safetensors"]
    assert row.config_json == CONFIG.decode()
    summary = read_summary(row.header_summary or "")
    assert (summary.source, summary.files) == ("single", 1)
    assert sum(form.tensors for form in summary.tensors) == len(llama_tensors())
    assert server.requests == {"metadata": 1, "files": 1, "headers": 2}
    assert next(entry[2] for entry in server.log if entry[1].endswith(".safetensors")) == "bytes=0-7"
    assert server.weight_bytes == 0


def test_all_headers_of_a_sharded_model_come_from_one_request(serve: Serve) -> None:
    server = serve({"a/b": sharded_repo(3)})
    row = fetch(server)
    assert server.requests == {"metadata": 1, "files": 1, "sharded metadata": 1}
    assert read_summary(row.header_summary or "").source == "sharded_metadata"


def test_without_the_route_the_index_and_ranged_reads_say_the_same(serve: Serve) -> None:
    with_route = fetch(serve({"a/b": sharded_repo(3)}))
    server = serve({"a/b": sharded_repo(3)}, sharded_route=False)
    row = fetch(server)
    assert server.requests == {"metadata": 1, "files": 2, "sharded metadata": 1, "headers": 6}
    assert server.weight_bytes == 0
    one, other = read_summary(with_route.header_summary or ""), read_summary(row.header_summary or "")
    assert (one.files, one.tensors) == (other.files, other.tensors)
    assert other.source == "index"


LONG = 1_200
"""Layers of a model whose headers are longer than what is parsed beside the crawl's threads."""


def test_long_headers_that_a_process_of_their_own_parses_say_the_same(serve: Serve) -> None:
    repo = sharded_repo(2, LONG)
    assert sum(len(file.head) for file in repo.files.values() if isinstance(file, VirtualFile)) > 2**20
    one = read_summary(fetch(serve({"a/b": repo})).header_summary or "")
    other = read_summary(fetch(serve({"a/b": repo}, sharded_route=False)).header_summary or "")
    assert (one.files, one.tensors) == (other.files, other.tensors)
    assert (one.source, other.source) == ("sharded_metadata", "index")


def test_long_headers_are_refused_by_the_same_code(serve: Serve) -> None:
    repo = sharded_repo(2, LONG)
    first, second = (name for name in repo.files if name.endswith(".safetensors"))
    repo.files[second] = repo.files[first]  # type: ignore[index]
    row = fetch(serve({"a/b": repo}))
    assert row.status == "unsafe_headers" and "is stored in two files" in (row.message or "")


def test_a_model_whose_headers_could_not_be_parsed_is_asked_for_again(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve({"a/long": sharded_repo(2, LONG), "a/short": sharded_repo(2)})
    monkeypatch.setattr("sys.executable", "/bin/false")
    assert fetch(server, "a/short").status == "ok"
    row = fetch(server, "a/long")
    assert row.status == "network_failure" and "could not be parsed" in (row.message or "")


def test_a_route_that_is_refused_thrice_is_not_asked_again(serve: Serve) -> None:
    server = serve({f"a/{number}": sharded_repo(2) for number in range(6)}, sharded_route=False)
    hub = quick_hub(server)
    for number in range(6):
        assert fetch_model(hub, f"a/{number}").files.header_summary is not None
    assert server.requests["sharded metadata"] == 3


def test_an_unchanged_commit_costs_metadata_only(serve: Serve) -> None:
    repo = small_repo(downloads=7)
    server = serve({"a/b": repo})
    fetched = fetch_model(quick_hub(server), "a/b", KnownCommit(repo.sha, "ok"))
    assert fetched.unchanged and fetched.files.downloads == 7
    assert server.requests == {"metadata": 1}
    assert not fetch_model(quick_hub(server), "a/b", KnownCommit("0" * 40, "ok")).unchanged
    assert not fetch_model(quick_hub(server), "a/b", KnownCommit(repo.sha, "network_failure")).unchanged


def test_quantization_files_are_read_only_where_listed(serve: Serve) -> None:
    plain = small_repo()
    quantized = Repo({**plain.files, "hf_quant_config.json": b'{"quantization": {}}'})
    assert fetch(serve({"a/b": quantized})).quantization_json == '{"quantization": {}}'
    server = serve({"a/b": plain})
    assert fetch(server).quantization_json is None
    assert server.requests["files"] == 1


def test_copies_beside_the_model_are_not_counted(serve: Serve) -> None:
    model = small_repo().files
    copy = safetensors_file({"x": ("BF16", [9])})
    names = ("original/model.safetensors", "metal/model.safetensors", "consolidated.safetensors", "adapter_model.safetensors")
    server = serve({"a/b": Repo({**model, **dict.fromkeys(names, copy)}), "c/d": Repo(model)})
    hub = quick_hub(server)
    assert fetch_model(hub, "a/b").files.header_summary == fetch_model(hub, "c/d").files.header_summary


@pytest.mark.parametrize(
    ("names", "read"),
    [
        (["pytorch.safetensors"], ["pytorch.safetensors"]),
        (["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"], None),
        (["model-00002-of-00002.safetensors"], []),
        (["x.safetensors", "y.safetensors"], []),
        (["consolidated.safetensors"], ["consolidated.safetensors"]),
        (["adapter_model.safetensors"], []),
        (["sub/model.safetensors"], []),
        (["we ird.safetensors"], []),
    ],
)
def test_which_root_files_are_the_model(names: list[str], read: list[str] | None) -> None:
    from flows.hub.headers import single_weights

    assert single_weights(["config.json", *names]) == (names if read is None else read)


def closed(**changes: object) -> Repo:
    return small_repo(gated="manual", **changes)


@pytest.mark.parametrize(
    ("repo", "token", "code", "said"),
    [
        (None, None, "not_found", "HF_TOKEN"),
        (None, "hf_x", "not_found", "check the id"),
        (small_repo(private=True), None, "not_found", "HF_TOKEN"),
        (closed(closed_files=frozenset({"*"})), None, "gated", "ask for access at http"),
        (closed(closed_files=frozenset({"*"})), "hf_x", "gated", "token has no access"),
        (small_repo(disabled=True), None, "disabled", "disabled"),
        (small_repo(disabled_error=True), None, "disabled", "disabled"),
        (Repo({"README.md": b""}), None, "no_config", "no config.json"),
        (Repo({"adapter_config.json": b"{}"}, card={"base_model": "x/y"}), None, "no_config", "base model is x/y"),
        (Repo({"model_index.json": b"{}"}), None, "no_config", "diffusion"),
        (Repo({"params.json": b"{}", "consolidated.safetensors": b""}), None, "no_config", "maker's own format"),
        (Repo({"m.Q4_K_M.gguf": b""}, tags=("base_model:quantized:x/y",)), None, "gguf_only", "base model is x/y"),
        (Repo({"m.gguf": b""}), None, "gguf_only", "name the model it was made from"),
        (Repo({"config.json": VirtualFile(b"{", CONFIG_BYTES + 1)}), None, "over_bound", "config.json is longer"),
        (small_repo(metadata=b"<html>"), None, "network_failure", "not what the Hub sends"),
        (small_repo(metadata=b"[]"), None, "network_failure", "not what the Hub sends"),
        (small_repo(metadata=b'{"id": "a/b", "siblings": [{}]}'), None, "network_failure", "not what the Hub sends"),
        (small_repo(metadata=b'{"id": "a/b", "tags": 5, "siblings": 5}'), None, "network_failure", ""),
    ],
)  # fmt: skip
def test_each_refusal_has_its_code_and_says_what_to_do(
    serve: Serve, repo: Repo | None, token: str | None, code: str, said: str
) -> None:
    row = fetch(serve({"a/b": repo} if repo else {}), token=token)
    assert row.status == code
    assert said in (row.message or "")
    assert row.header_summary is None


def test_a_config_without_readable_headers_is_sized_from_the_config(serve: Serve) -> None:
    tensors = small_repo().files["model.safetensors"]
    repos = {
        "a/gated": Repo(small_repo().files, gated="auto", closed_files=frozenset({"model.safetensors"})),
        "a/bin": Repo({"config.json": CONFIG, "pytorch_model-00001-of-00002.bin": b""}),
        "a/gguf": Repo({"config.json": CONFIG, "model.gguf": b""}),
        "a/unlisted": Repo({"config.json": CONFIG, "model.safetensors": tensors}, listed=False),
        "a/bare": Repo({"config.json": CONFIG}),
        "a/dangling": Repo(
            {"config.json": CONFIG, "model.safetensors.index.json": json.dumps({"weight_map": {"x": "m.safetensors"}}).encode()}
        ),
    }
    hub = quick_hub(serve(repos))
    said = {
        "a/gated": "gated", "a/bin": "pytorch .bin", "a/gguf": "GGUF", "a/unlisted": "no weights", "a/bare": "no weights",
        "a/dangling": "m.safetensors",
    }  # fmt: skip
    for model_id, words in said.items():
        row = fetch_model(hub, model_id).files
        assert (row.status, row.header_summary, row.config_json) == ("ok", None, CONFIG.decode()), model_id
        assert words in (row.message or "") and "from the config" in (row.message or "")


def with_weights(content: object) -> Repo:
    return Repo({"config.json": CONFIG, "model.safetensors": content})  # type: ignore[dict-item]


def with_index(index: object, *shards: str) -> Repo:
    text = index if isinstance(index, bytes | VirtualFile) else json.dumps(index).encode()
    tensor = safetensors_file({"x": ("BF16", [4])})
    return Repo({"config.json": CONFIG, "model.safetensors.index.json": text, **dict.fromkeys(shards, tensor)})


def entry(start: int, end: int, shape: list[int]) -> dict[str, object]:
    return {"dtype": "BF16", "shape": shape, "data_offsets": [start, end]}


OVERLAP = json.dumps({"x": entry(0, 8, [4]), "y": entry(4, 12, [4])}).encode()
OVERFLOW = json.dumps({"x": entry(0, 2**63, [2**62])}).encode()
TWO_SHARDS = {"weight_map": {"x": "a.safetensors", "y": "b.safetensors"}}


@pytest.mark.parametrize(
    ("repo", "code"),
    [
        (with_weights(raw_header(OVERLAP, 12)), "unsafe_headers"),
        (with_weights(raw_header(OVERFLOW, 8)), "unsafe_headers"),
        (with_weights(raw_header(json.dumps({"x": entry(0, 8, [4])}).encode(), 4)), "unsafe_headers"),
        (with_weights(raw_header(b"not json", 0)), "unsafe_headers"),
        (with_weights(b""), "unsafe_headers"),
        (with_weights(b"\x01"), "unsafe_headers"),
        (with_weights(struct.pack("<Q", 10**6) + b"{}"), "unsafe_headers"),
        (with_weights(VirtualFile(struct.pack("<Q", HEADER_BYTES + 1), HEADER_BYTES * 2)), "over_bound"),
        (with_weights(VirtualFile(struct.pack("<Q", 2**64 - 1), 2**62)), "over_bound"),
        (with_index({"weight_map": {"x": "../../etc/passwd.safetensors"}}), "unsafe_headers"),
        (with_index({"weight_map": {"x": "sub/model.safetensors"}}), "unsafe_headers"),
        (with_index({"weight_map": {"x": "http://evil.example/x.safetensors"}}), "unsafe_headers"),
        (with_index({"weight_map": {f"t{n}": f"s{n}.safetensors" for n in range(2001)}}), "over_bound"),
        (with_index(b"{"), "invalid_json"),
        (with_index(b"[1]"), "invalid_json"),
        (with_index({"weight_map": {}}), "invalid_json"),
        (with_index(VirtualFile(b"{", INDEX_BYTES + 1)), "over_bound"),
    ],
)  # fmt: skip
def test_hostile_headers_and_indices_are_refused(serve: Serve, repo: Repo, code: str) -> None:
    server = serve({"a/b": repo}, sharded_route=False)
    row = fetch(server)
    assert row.status == code, row.message
    assert row.config_json == CONFIG.decode()
    assert not [entry for entry in server.log if "passwd" in entry[1] or "evil" in entry[1] or "sub/" in entry[1]]


def test_a_tensor_that_two_shards_hold_is_refused(serve: Serve) -> None:
    repo = with_index(TWO_SHARDS, "a.safetensors", "b.safetensors")
    assert fetch(serve({"a/b": repo}, sharded_route=False)).status == "unsafe_headers"


def test_a_server_that_ignores_ranges_is_hung_up_on_after_the_header(serve: Serve) -> None:
    head = safetensors_file(llama_tensors()).head
    header = json.loads(head[8:])
    header["model.norm.weight"] |= {"shape": [2**34]}
    header["model.norm.weight"]["data_offsets"][1] = header["model.norm.weight"]["data_offsets"][0] + 2**35
    repo = Repo({"config.json": CONFIG, "model.safetensors": raw_header(json.dumps(header).encode(), 2**35)})
    repo.files["model.safetensors"] = VirtualFile(  # type: ignore[index]
        repo.files["model.safetensors"].head,  # type: ignore[union-attr]
        len(repo.files["model.safetensors"].head) + header["model.norm.weight"]["data_offsets"][1],  # type: ignore[union-attr]
    )
    repo.ignores_ranges = True
    server = serve({"a/b": repo})
    row = fetch(server)
    assert row.status == "ok" and row.header_summary is not None, row.message
    assert server.requests["headers"] == 1
    assert server.weight_bytes < 2**26  # what fits in the sockets' buffers, of 32 GiB


def test_the_token_goes_to_the_hub_and_to_no_other_host(serve: Serve) -> None:
    elsewhere = serve({"a/b": small_repo()})
    address = f"{elsewhere.url.replace('127.0.0.1', 'localhost')}/a/b/resolve/main/config.json"
    server = serve({"a/b": small_repo(redirects={"config.json": address})})
    row = fetch(server, token="hf_secret")
    assert row.status == "ok" and elsewhere.requests["files"] == 1
    assert {entry[3] for entry in server.log} == {"Bearer hf_secret"}
    assert {entry[3] for entry in elsewhere.log} == {None}


def test_the_token_is_nowhere_in_what_is_stored(serve: Serve) -> None:
    server = serve({}, faults=Faults(1.0, kinds=("500",)))
    row = fetch(server, token="hf_secret")
    assert row.status == "network_failure"
    assert "hf_secret" not in repr(row)
    assert server.requests["metadata"] == 8


def test_a_rate_limit_pauses_every_thread_until_the_window_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    monkeypatch.setattr("time.sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    throttle = Throttle()
    throttle.observe(200, {"ratelimit": '"api";r=17;t=55'})
    throttle.wait("api")
    assert clock[0] == 100.0
    throttle.observe(429, {"ratelimit": '"api";r=0;t=55'})
    throttle.wait("resolvers")
    assert clock[0] == 100.0
    throttle.wait("api")
    assert 155.0 < clock[0] < 156.0
    throttle.observe(429, {"retry-after": "30"})
    throttle.wait("resolvers")
    assert 185.0 < clock[0] < 187.0


def test_an_answer_after_a_rate_limit_is_the_answer(serve: Serve) -> None:
    server = serve({"a/b": small_repo()}, faults=Faults(0.5, seed=3, kinds=("429",)))
    assert fetch(server).status == "ok"
    assert server.faulted > 0

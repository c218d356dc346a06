"""The dataset viewer's answers against its published contract, and its faults."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.standin_hub import (
    OTHER_TOKEN,
    POOR_TOKEN,
    WRITE_TOKEN,
    StandInHub,
    not_ready,
    partial,
    pending,
    rate_limited,
)

CONTRACT = Path(__file__).parent / "dataset_viewer_openapi.json"  # its source is in it
SPLIT = {"config": "default", "split": "train"}
ROWS = [
    {
        "index": index,
        "text": f"Row {index} says \u2028 <b>{'long ' * index}</b>",
        "label": ["good", "bad"][index % 2],
        "score": None if index == 5 else index / 3,
        "right": index % 3 == 0,
        "messages": [{"role": "user", "content": f"Hi {index}"}, {"role": "assistant", "content": "Hello"}],
    }
    for index in range(130)
]
QUESTIONS: dict[str, dict[str, Any]] = {
    "/is-valid": {},
    "/splits": {},
    "/size": {},
    "/info": {},
    "/parquet": {},
    "/first-rows": SPLIT,
    "/statistics": SPLIT,
    "/rows": {**SPLIT, "offset": 120, "length": 50},
    "/search": {**SPLIT, "query": "row 12"},
    "/filter": {**SPLIT, "where": "index>=10 AND label='bad'"},
}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandInHub]:
    with StandInHub(tmp_path_factory.mktemp("viewer")) as running:
        running.add_dataset("acme/talk", rows={"train": ROWS, "test": ROWS[:2]})
        running.add_dataset("acme/broken", files={"train.jsonl": '{"a": 1}\nnot JSON\n'})
        running.add_dataset("acme/long", rows=[{"text": "x" * 1000}] * 1000)
        running.add_dataset("other/gated", rows=ROWS[:1], gated="manual")
        running.add_dataset("user/private", rows=ROWS[:1], private=True)
        yield running
        assert not running.errors, running.errors


@pytest.fixture(autouse=True)
def without_faults(hub: StandInHub) -> None:
    hub.clear_faults()


def ask(
    hub: StandInHub, path: str, token: str | None = None, dataset: str = "acme/talk", **query: Any
) -> httpx.Response:
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    return httpx.get(f"{hub.viewer}{path}", params={"dataset": dataset, **query}, headers=headers, timeout=60)


def relaxed(node: Any, where: str = "") -> Any:
    """The contract without its defects.

    Cell types overlap in a oneOf, the enum of dtypes holds prose, and OpenAPI 3.1, which it claims to be, has no
    `nullable`.
    """
    if isinstance(node, list):
        return [relaxed(inner, where) for inner in node]
    if not isinstance(node, dict):
        return node
    loose = {"anyOf" if name == "oneOf" else name: relaxed(inner, name) for name, inner in node.items()}
    if where == "dtype":
        loose.pop("enum", None)
    if loose.pop("nullable", None) is True:
        return {"anyOf": [loose, {"type": "null"}]}
    return loose


def schema(path: str, status: int) -> dict[str, Any]:
    contract = json.loads(CONTRACT.read_text("utf-8"))
    answer = contract["paths"][path]["get"]["responses"][str(status)]
    wanted = answer["content"]["application/json"]["schema"]
    return {**relaxed(wanted), "components": relaxed(contract["components"])}


@pytest.mark.parametrize("path", QUESTIONS)
def test_answers_keep_the_contract(hub: StandInHub, path: str) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    answer = ask(hub, path, **QUESTIONS[path])
    assert answer.status_code == 200, answer.text
    jsonschema.validate(answer.json(), schema(path, 200))


@pytest.mark.parametrize("path", ["/size", "/info", "/parquet"])
def test_answers_for_one_configuration_keep_the_contract(hub: StandInHub, path: str) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(ask(hub, path, config="default").json(), schema(path, 200))


def test_the_contract_refuses_a_wrong_answer() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"features": [], "rows": [{"row_idx": "no number"}]}, schema("/rows", 200))


def test_values(hub: StandInHub) -> None:
    page = ask(hub, "/rows", **QUESTIONS["/rows"]).json()
    assert [item["row_idx"] for item in page["rows"]] == list(range(120, 130))
    assert page["rows"][0]["row"] == ROWS[120]
    assert page["num_rows_total"] == 130
    found = ask(hub, "/search", **QUESTIONS["/search"]).json()
    assert {item["row_idx"] for item in found["rows"]} == {12, *range(120, 130)}
    filtered = ask(hub, "/filter", **QUESTIONS["/filter"]).json()
    assert [item["row_idx"] for item in filtered["rows"]] == list(range(11, 130, 2))
    sizes = ask(hub, "/size").json()["size"]
    assert (sizes["dataset"]["num_rows"], [one["num_rows"] for one in sizes["splits"]]) == (132, [130, 2])


def test_statistics(hub: StandInHub) -> None:
    columns = {one["column_name"]: one for one in ask(hub, "/statistics", **SPLIT).json()["statistics"]}
    kinds = {name: one["column_type"] for name, one in columns.items()}
    assert kinds == {"index": "int", "text": "string_text", "label": "string_label", "score": "float", "right": "bool",
                     "messages": "list"}  # fmt: skip
    assert columns["score"]["column_statistics"]["nan_count"] == 1
    assert columns["label"]["column_statistics"]["frequencies"] == {"good": 65, "bad": 65}
    assert sum(columns["index"]["column_statistics"]["histogram"]["hist"]) == 130
    assert columns["text"]["column_statistics"]["max"] == max(len(str(row["text"])) for row in ROWS)


def test_first_rows_are_cut_to_the_limit(hub: StandInHub) -> None:
    answer = ask(hub, "/first-rows", dataset="acme/long", **SPLIT).json()
    assert answer["truncated"]
    cut = [item["truncated_cells"] for item in answer["rows"]]
    assert cut[0] == []
    whole = ask(hub, "/first-rows", **SPLIT, dataset="acme/talk").json()
    assert whole["truncated"]  # 100 of 130 rows
    assert whole["rows"][0]["row"] == ROWS[0]


def test_parquet_files_can_be_read(hub: StandInHub, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    files = ask(hub, "/parquet").json()["parquet_files"]
    assert [one["split"] for one in files] == ["train", "test"]
    content = httpx.get(files[0]["url"]).content
    assert len(content) == files[0]["size"]
    (tmp_path / "file.parquet").write_bytes(content)
    assert pq.read_table(tmp_path / "file.parquet").to_pylist()[3]["messages"] == ROWS[3]["messages"]
    assert urlsplit(files[0]["url"]).path.endswith("/resolve/refs%2Fconvert%2Fparquet/default/train/0000.parquet")


def test_images_and_dates(hub: StandInHub) -> None:
    import datetime as dt
    import io

    import datasets
    from PIL import Image

    content = io.BytesIO()
    columns = {"image": [Image.new("RGB", (3, 2), "red"), None], "at": [dt.datetime(2026, 1, 2, tzinfo=dt.UTC), None]}
    features = datasets.Features({"image": datasets.Image(), "at": datasets.Value("timestamp[s, tz=UTC]")})
    datasets.Dataset.from_dict(columns, features=features).to_parquet(content)
    hub.add_dataset("acme/images", files={"data/train.parquet": content.getvalue()})
    jsonschema = pytest.importorskip("jsonschema")
    for path in ("/rows", "/first-rows", "/statistics"):
        answer = ask(hub, path, dataset="acme/images", **SPLIT)
        assert answer.status_code == 200, answer.text
        jsonschema.validate(answer.json(), schema(path, 200))
    [first, second] = ask(hub, "/rows", dataset="acme/images", **SPLIT).json()["rows"]
    assert (first["row"]["image"]["width"], second["row"]["image"]) == (3, None)
    assert first["row"]["at"].startswith("2026-01-02")
    assert Image.open(io.BytesIO(httpx.get(first["row"]["image"]["src"]).content)).size == (3, 2)


def test_a_new_commit_is_seen(hub: StandInHub) -> None:
    hub.add_dataset("acme/grows", rows=ROWS[:1])
    assert ask(hub, "/size", dataset="acme/grows").json()["size"]["dataset"]["num_rows"] == 1
    hub.add_dataset("acme/grows", rows=ROWS[:4])
    assert ask(hub, "/size", dataset="acme/grows").json()["size"]["dataset"]["num_rows"] == 4


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"dataset": ""}, 422, "MissingRequiredParameter"),
        ({"dataset": "acme/no-such"}, 401, "ExternalUnauthenticatedError"),
        ({"dataset": "acme/no-such", "token": WRITE_TOKEN}, 404, "ExternalAuthenticatedError"),
        ({"dataset": "other/gated"}, 401, "ExternalUnauthenticatedError"),
        ({"dataset": "other/gated", "token": WRITE_TOKEN}, 404, "ExternalAuthenticatedError"),
        ({"dataset": "other/gated", "token": OTHER_TOKEN}, 200, None),
        ({"dataset": "user/private", "token": POOR_TOKEN}, 404, "ExternalAuthenticatedError"),
        ({"dataset": "user/private", "token": WRITE_TOKEN}, 200, None),
        ({"length": 101}, 422, "InvalidParameter"),
        ({"offset": -1}, 422, "InvalidParameter"),
        ({"config": "nope"}, 404, "ConfigNotFoundError"),
        ({"split": "nope"}, 404, "SplitNotFoundError"),
        ({"split": ""}, 422, "MissingRequiredParameter"),
    ],
)
def test_refusals(hub: StandInHub, query: dict[str, Any], status: int, code: str | None) -> None:
    answer = ask(hub, "/rows", **{**SPLIT, **query})
    assert (answer.status_code, answer.headers.get("x-error-code")) == (status, code)
    assert status == 200 or answer.json()["error"]


@pytest.mark.parametrize("where", ["", "nope=1", "index", "index > 'x'", "index > 1; DROP"])
def test_a_bad_filter_is_refused(hub: StandInHub, where: str) -> None:
    assert ask(hub, "/filter", **SPLIT, where=where).status_code == 422


def test_a_dataset_that_cannot_be_read(hub: StandInHub) -> None:
    assert ask(hub, "/is-valid", dataset="acme/broken").json()["viewer"] is False
    failed = ask(hub, "/splits", dataset="acme/broken").json()["failed"]
    assert [one["config"] for one in failed] == ["default"]


def test_faults(hub: StandInHub) -> None:
    hub.fault("/size$", **not_ready())
    answer = ask(hub, "/size")
    assert (answer.status_code, answer.headers["x-error-code"]) == (500, "ResponseNotReadyError")
    hub.fault("/size$", **partial())
    hub.fault("/size$", **pending("acme/talk", "default"))
    answer = ask(hub, "/size").json()
    assert (answer["partial"], answer["pending"][0]["config"]) == (True, "default")
    assert ask(hub, "/size").json()["partial"] is False
    hub.fault("/rows$", truncate_cells=5)
    [item] = ask(hub, "/rows", **SPLIT, offset=2, length=1).json()["rows"]
    assert item["row"]["text"] == "Row 2"
    assert set(item["truncated_cells"]) == {"text", "score", "messages"}
    hub.fault("/rows$", **rate_limited(7))
    answer = ask(hub, "/rows", **SPLIT)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")

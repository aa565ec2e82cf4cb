"""Local servers that play the search services over HTTP: they keep documents and find them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass(frozen=True)
class Request:
    """One request as it came; header names are lower-case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any = None


@dataclass
class Refusal:
    """What is answered instead, as long as it is set."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


class SearchService:
    """Takes requests down and lets `answer` answer them."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.refusal: Refusal | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def answer(self, request: Request) -> web.StreamResponse:
        raise NotImplementedError

    def of(self, method: str, ending: str) -> list[Request]:
        return [
            each for each in self.requests if each.method == method and each.path.endswith(ending)
        ]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Any]:
        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/{path:.*}", self._serve)
        runner = web.AppRunner(app)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.port = runner.addresses[0][1]
            yield self
        finally:
            await runner.cleanup()

    async def _serve(self, raw: web.Request) -> web.StreamResponse:
        text = await raw.text()
        request = Request(
            raw.method,
            raw.path if raw.path == "/" else raw.path.rstrip("/"),
            dict(raw.query),
            {name.lower(): value for name, value in raw.headers.items()},
            json.loads(text) if text else None,
        )
        self.requests.append(request)
        if self.refusal is not None:
            return web.json_response(
                self.refusal.body, status=self.refusal.status, headers=self.refusal.headers
            )
        return await self.answer(request)


class AISearchService(SearchService):
    """Azure AI Search."""

    def __init__(self) -> None:
        super().__init__()
        self.indexes: dict[str, dict[str, Any]] = {}
        self.documents: dict[str, dict[str, dict[str, Any]]] = {}
        self.captions: list[str] = []
        self.refused_documents: set[str] = set()

    async def answer(self, request: Request) -> web.StreamResponse:
        named = re.match(r"/indexes\('([^']+)'\)(.*)", request.path)
        if named is None:
            return self._create(request.body)
        name, rest = named.groups()
        if name not in self.indexes:
            message = f"The index '{name}' for service 'test' was not found."
            return _json({"error": {"code": "", "message": message}}, 404)
        if not rest:
            return _json(self.indexes[name])
        if rest.endswith("search.index"):
            return self._take(name, request.body["value"])
        return self._find(name, request.body)

    def _create(self, index: dict[str, Any]) -> web.Response:
        if index["name"] in self.indexes:
            message = "Index already exists"
            return _json({"error": {"code": "ResourceNameAlreadyInUse", "message": message}}, 409)
        self.indexes[index["name"]] = index
        self.documents[index["name"]] = {}
        return _json(index, 201)

    def _take(self, name: str, rows: list[dict[str, Any]]) -> web.Response:
        results = []
        for row in rows:
            taken = row["text"] not in self.refused_documents
            if taken:
                self.documents[name][row["id"]] = row
            results.append(
                {
                    "key": row["id"],
                    "status": taken,
                    "errorMessage": None if taken else "too odd",
                    "statusCode": 201 if taken else 422,
                }
            )
        all_taken = all(result["status"] for result in results)
        return _json({"value": results}, 200 if all_taken else 207)

    def _find(self, name: str, query: dict[str, Any]) -> web.Response:
        [wanted] = query["vectorQueries"]
        found = nearest(wanted["vector"], self.documents[name].values(), wanted["fields"])
        captions = [{"text": each} for each in self.captions]
        rows = [
            {
                "@search.score": score,
                **({"@search.captions": captions} if captions else {}),
                **{key: row[key] for key in query["select"].split(",")},
            }
            for score, row in found[: query["top"]]
        ]
        return _json({"value": rows})


class CosmosService(SearchService):
    """Azure Cosmos DB for NoSQL, as far as its gateway is asked here."""

    def __init__(self) -> None:
        super().__init__()
        self.databases: set[str] = set()
        self.containers: dict[str, dict[str, Any]] = {}
        self.items: dict[str, list[dict[str, Any]]] = {}

    async def answer(self, request: Request) -> web.StreamResponse:
        parts = request.path.strip("/").split("/")
        if request.path == "/":
            return self._account()
        if request.path == "/dbs":
            self.databases.add(request.body["id"])
            return _json(request.body, 201)
        if parts[1] not in self.databases:
            return _json({"code": "NotFound", "message": "Resource Not Found"}, 404)
        if len(parts) == 2:
            return _json({"id": parts[1]})
        if len(parts) == 3:
            return self._create(request.body)
        container = parts[3]
        if container not in self.containers:
            return _json({"code": "NotFound", "message": "Resource Not Found"}, 404)
        if len(parts) == 4:
            return _json(self.containers[container])
        if parts[4] == "pkranges":
            return self._ranges(request)
        if request.headers.get("x-ms-cosmos-is-query-plan-request"):
            return self._plan(request.body)
        if request.headers.get("x-ms-documentdb-isquery"):
            return self._find(container, request)
        self.items[container].append(request.body)
        return _json(request.body, 201)

    def _account(self) -> web.Response:
        here = [{"name": "here", "databaseAccountEndpoint": f"{self.url}/"}]
        return _json(
            {
                "writableLocations": here,
                "readableLocations": here,
                "enableMultipleWriteLocations": False,
                "userConsistencyPolicy": {"defaultConsistencyLevel": "Session"},
                "queryEngineConfiguration": "{}",
            }
        )

    def _create(self, container: dict[str, Any]) -> web.Response:
        if container["id"] in self.containers:
            return _json({"code": "Conflict", "message": "exists"}, 409)
        self.containers[container["id"]] = {**container, "_rid": "rid==", "_self": "self"}
        self.items[container["id"]] = []
        return _json(self.containers[container["id"]], 201)

    def _ranges(self, request: Request) -> web.Response:
        if "if-none-match" in request.headers:
            return web.Response(status=304)
        ranges = [{"id": "0", "minInclusive": "", "maxExclusive": "FF"}]
        body = {"_rid": "rid==", "PartitionKeyRanges": ranges, "_count": 1}
        return web.json_response(body, headers={"etag": '"1"'})

    def _plan(self, query: dict[str, Any]) -> web.Response:
        top = re.search(r"TOP (\d+)", query["query"])
        window = re.search(r"OFFSET (\d+) LIMIT (\d+)", query["query"])
        info = {
            "distinctType": "None",
            "top": int(top[1]) if top else None,
            "offset": int(window[1]) if window else None,
            "limit": int(window[2]) if window else None,
            "orderBy": ["Descending"],
            "orderByExpressions": ["c.distance"],
            "groupByExpressions": [],
            "groupByAliases": [],
            "aggregates": [],
            "groupByAliasToAggregateType": {},
            "rewrittenQuery": query["query"],
            "hasSelectValue": False,
            "hasNonStreamingOrderBy": True,
        }
        every = {"min": "", "max": "FF", "isMinInclusive": True, "isMaxInclusive": False}
        plan = {
            "partitionedQueryExecutionInfoVersion": 2,
            "queryInfo": info,
            "queryRanges": [every],
        }
        return _json(plan)

    def _find(self, container: str, request: Request) -> web.Response:
        if "x-ms-documentdb-partitionkeyrangeid" not in request.headers:
            # What the gateway says to a query it wants the client to put together.
            body = {"code": "BadRequest", "message": "Cross partition query with TOP and ORDER BY"}
            return web.json_response(body, status=400, headers={"x-ms-substatus": "1004"})
        key = re.search(r"VectorDistance\(c\.(\w+), @vector\)", request.body["query"])
        assert key is not None
        [parameter] = request.body["parameters"]
        found = nearest(parameter["value"], self.items[container], key[1])
        rows = [
            {
                "_rid": item["id"],
                "orderByItems": [{"item": score}],
                "payload": {
                    **{name: item[name] for name in ("id", "text", "title", "timestamp")},
                    "score": score,
                },
            }
            for score, item in found
        ]
        return _json({"_rid": "rid==", "Documents": rows, "_count": len(rows)})


class KustoService(SearchService):
    """Azure Data Explorer; tables exist as listed."""

    def __init__(self, *tables: str) -> None:
        super().__init__()
        self.tables: dict[str, list[dict[str, Any]]] = {table: [] for table in tables}

    async def answer(self, request: Request) -> web.StreamResponse:
        text = request.body["csl"]
        named = re.search(r"\['((?:[^'\\]|\\.)*)'\]", text)
        assert named is not None
        table = re.sub(r"\\(.)", r"\1", named[1])
        if table not in self.tables:
            message = f"Semantic error: 'where' operator: Failed to resolve table '{table}'"
            failure = {"code": "General_BadRequest", "message": message, "@message": message}
            return _json({"error": failure}, 400)
        if request.path == "/v1/rest/mgmt":
            _, _, lines = text.partition("<|\n")
            self.tables[table].extend(json.loads(line) for line in lines.split("\n"))
            return _json({"Tables": [_kusto_table("ExtentId", ["guid"], [])]})
        return self._find(table, text, request.body["properties"])

    def _find(self, table: str, text: str, properties: Any) -> web.Response:
        given = json.loads(properties) if isinstance(properties, str) else properties
        vector = json.loads(
            given["Parameters"]["vector"].removeprefix("dynamic(").removesuffix(")")
        )
        top = int(text.partition("| top ")[2].split()[0])
        found = nearest(vector, self.tables[table], "Embeddings")[:top]
        rows = [[row["Title"], row["Text"], score] for score, row in found]
        columns = [("Title", "string"), ("Text", "string"), ("Similarity", "real")]
        return _json(
            [
                {"FrameType": "DataSetHeader", "IsProgressive": False, "Version": "v2.0"},
                {
                    "FrameType": "DataTable",
                    "TableId": 0,
                    "TableKind": "PrimaryResult",
                    "TableName": "PrimaryResult",
                    "Columns": [{"ColumnName": n, "ColumnType": t} for n, t in columns],
                    "Rows": rows,
                },
                {"FrameType": "DataSetCompletion", "HasErrors": False, "Cancelled": False},
            ]
        )


def nearest(
    vector: Sequence[float], documents: Iterable[dict[str, Any]], key: str
) -> list[tuple[float, dict[str, Any]]]:
    """Score the documents by cosine, nearest first."""

    def score(other: Sequence[float]) -> float:
        lengths = math.hypot(*vector) * math.hypot(*other)
        return sum(a * b for a, b in zip(vector, other, strict=True)) / lengths

    scored = [(score(document[key]), document) for document in documents]
    return sorted(scored, key=lambda pair: -pair[0])


def _kusto_table(name: str, types: list[str], rows: list[Any]) -> dict[str, Any]:
    columns = [{"ColumnName": name, "DataType": each, "ColumnType": each} for each in types]
    return {"TableName": "Table_0", "Columns": columns, "Rows": rows}


def _json(body: Any, status: int = 200) -> web.Response:
    return web.json_response(body, status=status)

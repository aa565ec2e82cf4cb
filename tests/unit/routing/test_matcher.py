from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.routing.matcher import Matcher
from emulator.routing.template import parse_template

GUID = "4e2796ae-b865-4071-8a20-2a15cbaf856c"
PRODUCTS = "node/products/{category:alpha?}/{id:guid?}"


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("", "", {}),
        ("", "a", None),
        ("a/b", "a/b", {}),
        ("a/b", "A/B/", {}),
        ("a/b", "a//b", None),
        ("a/b", "a/b//", None),
        ("a/b", "a", None),
        ("a/b", "a/b/c", None),
        ("a.b", "axb", None),
        ("{id}", "Ab C", {"id": "Ab C"}),
        ("{id}", "", None),
        ("{id}", "a/b", None),
        ("{id}", "a\n", {"id": "a\n"}),
        ("{id?}", "", {"id": None}),
        ("{id?}", "x/", {"id": "x"}),
        ("a/{id?}", "a", {"id": None}),
        ("a/{id?}", "a/", {"id": None}),
        ("a/{id=5}", "a", {"id": "5"}),
        ("a/{id=5}", "a/6", {"id": "6"}),
        ("a/{b=1}/{c?}", "a/x", {"b": "x", "c": None}),
        ("a/{b=1}/c", "a/c", None),
        ("a/{b=1}/c", "a/1/c", {"b": "1"}),
        ("{*rest}", "", {"rest": None}),
        ("{*rest}", "a/b", {"rest": "a/b"}),
        ("{*rest}", "a/b/", {"rest": "a/b/"}),
        ("{*rest}", "/x", None),
        ("a/{**rest}", "a", {"rest": None}),
        ("a/{**rest}", "a/", {"rest": None}),
        ("a/{*rest=d}", "a", {"rest": "d"}),
        ("a/{*rest:alpha}", "a/b1", None),
        ("{a}-{b}", "x-y-z", {"a": "x-y", "b": "z"}),
        ("{a}-{b}", "x-y-", {"a": "x", "b": "y-"}),
        ("{a}-{b}", "-x", None),
        ("{a}-{b}", "xy", None),
        ("v{n:int}.json", "V12.JSON", {"n": "12"}),
        ("v{n:int}.json", "vx.json", None),
        ("file.{ext?}", "file", {"ext": None}),
        ("file.{ext?}", "file.tar.gz", {"ext": "tar.gz"}),
        ("file.{ext?}", "file.", None),
        ("{n}.{ext?}", "a.b.c", {"n": "a.b", "ext": "c"}),
        ("{n}.{ext?}", "a", {"n": "a", "ext": None}),
        ("{n}.{ext?}", "a.", None),
        ("v{a}-{b}.x", "v1-2-3.x", {"a": "1-2", "b": "3"}),
        ("v{a}-{b}", "v-1", None),
        ("{a}-{b}-{c}", "-----", {"a": "-", "b": "-", "c": "-"}),
        ("{a}-{b}-{c}", "----", None),
        ("{a}--{b}", "x---y", {"a": "x-", "b": "y"}),
        ("{a}.{b}", "é.Ü", {"a": "é", "b": "Ü"}),
        ("x/{{y}}", "x/{Y}", {}),
        ("{id:int}", "12", {"id": "12"}),
        ("{id:int}", "x", None),
        ("{id:int?}", "", {"id": None}),
        ("{id:int:min(5)}", "4", None),
        ("{id:int:min(5)}", "5", {"id": "5"}),
        (PRODUCTS, f"node/products/electronics/{GUID}", {"category": "electronics", "id": GUID}),
        (PRODUCTS, "node/products", {"category": None, "id": None}),
        (PRODUCTS, "node/products/electronics/notaguid", None),
        (PRODUCTS, f"node/products/999/{GUID}", None),
    ],
)
def test_matches(template: str, path: str, values: dict[str, str | None] | None) -> None:
    assert Matcher(parse_template(template)).match(path) == values


@pytest.mark.parametrize(
    "path", ["-" * 8000 + "/x", "a-" * 4000 + "/", "a" * 8000 + "/x", "/" * 8000, "a-b-c-" * 1300]
)
@pytest.mark.parametrize(
    "template", ["{a}-{b}-{c}-{d}-{e}", "{a}-{b}-{c}.{d?}", "{a?}/{b?}/{*c}", "x{a}-a-{b}-a-{c}y/z"]
)
def test_a_long_path_is_decided_at_once(template: str, path: str) -> None:
    matcher = Matcher(parse_template(template))
    began = time.process_time()
    matcher.match(path)
    assert time.process_time() - began < 0.1


SEGMENT = st.text(alphabet="abC1_", min_size=1, max_size=4)


@given(st.lists(SEGMENT, min_size=1, max_size=4, unique_by=str.lower), st.data())
@settings(max_examples=100, deadline=None)
def test_a_path_made_from_a_template_gives_its_values_back(
    names: list[str], data: st.DataObject
) -> None:
    texts = [data.draw(SEGMENT) for _ in names]
    template = "/".join(f"x/{{p{name}}}" for name in names)
    path = "/".join(f"x/{text}" for text in texts)
    assert Matcher(parse_template(template)).match(path) == {
        f"p{name}": text for name, text in zip(names, texts, strict=True)
    }

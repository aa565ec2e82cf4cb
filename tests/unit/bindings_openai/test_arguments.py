"""Arguments out of what is said, by the schema and by what parameters are called."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bindings.openai.models.arguments import fill
from bindings.openai.models.matching import Skill
from bindings.openai.models.parameters import Parameter

NOW = datetime(2026, 3, 11, 8, tzinfo=UTC)  # a Wednesday
TEXT = {"type": "string"}
WHOLE = {"type": "integer"}
DATE = {"type": "string", "format": "date"}


def skill(name: str, description: str, required: list[str] | None, /, **properties: Any) -> Skill:
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    if required is not None:
        schema["required"] = required
    return Skill(name, description, schema)


CODES = {"type": "string", "enum": ["USD", "EUR", "CHF"]}
CONVERT = skill(
    "Convert", "Convert money", ["amount"], amount=WHOLE, **{"from": CODES, "to": CODES}
)
STAY = skill(
    "BookHotel",
    "Book a hotel",
    ["city", "checkIn"],
    city=TEXT,
    checkIn=DATE,
    checkOut=DATE,
    nights=WHOLE,
    guests=WHOLE,
)
WAIT = skill("Wait", "Wait for some time", ["seconds"], seconds=WHOLE)
MEET = skill(
    "AddEvent",
    "Add an event",
    ["title"],
    title=TEXT,
    at={"type": "string", "format": "date-time"},
    hour={"type": "string", "description": "as HH:MM"},
    day={"type": "string"},
)
TRANSLATE = skill(
    "Translate",
    "Translate a text",
    ["text"],
    text=TEXT,
    language=TEXT,
    sourceLanguage=TEXT,
)
SPEAK = skill("Speak", "Speak", None, code={"type": "string", "enum": ["de", "fr"]})
POST = skill("PostMessage", "Post a message", ["channel", "text"], channel=TEXT, text=TEXT)
FLY = skill("FindFlights", "Find flights", ["origin", "destination"], origin=TEXT, destination=TEXT)
SEARCH = skill(
    "SearchProducts",
    "Search the catalogue",
    ["query"],
    query=TEXT,
    maxPrice={"type": "number"},
)
CART = skill(
    "AddToCart", "Add a product to the cart", ["productId"], productId=TEXT, quantity=WHOLE
)
INVITE = skill(
    "CreateEvent",
    "Create a calendar event",
    ["title"],
    title=TEXT,
    attendees={"type": "array", "items": TEXT},
)
TAGS = skill("Tag", "Tag a document", None, tags={"type": "array", "items": TEXT})
CLOCK = skill("GetTime", "Get the current time in a time zone", None, timezone=TEXT)
RECKON = skill("Calculate", "Calculate an amount of money", None, expression=TEXT)
RAIN = skill("GetWeather", "Get current weather for a city", None, city=TEXT)
FACTS = skill("", "", ["name", "age"], name=TEXT, age=WHOLE, city=TEXT)
BILL = skill("", "", ["vendor"], vendor=TEXT, amount={"type": "number"})
MEETING = skill("", "", ["participants"], participants={"type": "array", "items": TEXT})
USERS = skill(
    "FindUsers", "Find users", ["name"], name=TEXT, activeOnly={"type": "boolean"}, limit=WHOLE
)


@pytest.mark.parametrize(
    ("which", "text", "arguments"),
    [
        (CONVERT, "Convert 5 dollars to francs", {"amount": 5, "from": "USD", "to": "CHF"}),
        (CONVERT, "how many euros are 7 CHF", {"amount": 7, "from": "CHF", "to": "EUR"}),
        (CONVERT, "convert $12 into €", {"amount": 12, "from": "USD", "to": "EUR"}),
        (
            STAY,
            "Book a hotel in New York for 2 guests from 2026-05-01 to 2026-05-04",
            {"city": "New York", "checkIn": "2026-05-01", "checkOut": "2026-05-04", "guests": 2},
        ),
        (
            STAY,
            "book 3 nights in lyon tomorrow",
            {"city": "lyon", "checkIn": "2026-03-12", "nights": 3},
        ),
        (WAIT, "wait for two minutes", {"seconds": 120}),
        (WAIT, "wait half an hour", {"seconds": 1800}),
        (WAIT, "wait 5", {"seconds": 5}),
        (
            MEET,
            "Add an event called Lunch tomorrow at noon",
            {"title": "Lunch", "at": "2026-03-12T12:00:00Z"},
        ),
        (
            TRANSLATE,
            'Translate "good day" from English into French',
            {"text": "good day", "language": "French", "sourceLanguage": "English"},
        ),
        (SPEAK, "speak French", {"code": "fr"}),
        (
            POST,
            "Tell the dev channel that it is done",
            {"channel": "dev", "text": "it is done"},
        ),
        (POST, "post to general: hello you", {"channel": "general", "text": "hello you"}),
        (FLY, "flights Paris to Rome", {"origin": "Paris", "destination": "Rome"}),
        (FLY, "I want to fly from oslo to rome", {"origin": "oslo", "destination": "rome"}),
        (USERS, "find user Smith", {"name": "Smith"}),
        (SEARCH, "find me some jazz under $20", {"query": "jazz", "maxPrice": 20}),
        (SEARCH, "search lamps cheaper than 30 euros", {"query": "lamps", "maxPrice": 30}),
        (CART, "add 5 of SKU-1 to the cart", {"productId": "SKU-1", "quantity": 5}),
        (
            INVITE,
            "Create an event with Anna, Bob and Eve about the budget",
            {"title": "the budget", "attendees": ["Anna", "Bob", "Eve"]},
        ),
        (TAGS, "tag the document urgent, private and new", {"tags": ["urgent", "private", "new"]}),
        (TAGS, "Tags: red, blue", {"tags": ["red", "blue"]}),
        (CLOCK, "what time is it in Tokyo", {"timezone": "Tokyo"}),
        (RECKON, "calculate 100 dollars to euros", {"expression": "100 dollars to euros"}),
        (RAIN, "Is it raining in New York right now?", {"city": "New York"}),
        # data of a text that asks for nothing
        (
            FACTS,
            "Bob is 42 years old and lives in Rome",
            {"name": "Bob", "age": 42, "city": "Rome"},
        ),
        (FACTS, "My name is Jane Doe.", {"name": "Jane Doe", "age": 1}),
        (FACTS, "Read this: John Smith is 5.", {"name": "John Smith", "age": 5}),
        (BILL, "Invoice from Contoso over 12 euros", {"vendor": "Contoso", "amount": 12}),
        (MEETING, "Alice and Bob are here.", {"participants": ["Alice", "Bob"]}),
        (USERS, "find active users called Smith", {"name": "Smith", "activeOnly": True}),
        (USERS, "find users called Smith on Monday", {"name": "Smith"}),
    ],
)
def test_each_value_goes_where_it_belongs(
    which: Skill, text: str, arguments: dict[str, Any]
) -> None:
    assert fill(which, text, NOW) == arguments


def test_what_was_said_around_the_request_is_asked_second() -> None:
    found = fill(STAY, "Book a hotel in Bern", NOW, context="We are 3 guests and come tomorrow.")
    assert found == {"city": "Bern", "checkIn": "2026-03-12", "guests": 3}
    found = fill(STAY, "Book a hotel for 2 guests there", NOW, context="I go to Bern tomorrow.")
    assert found["city"] == "Bern"


def test_the_call_before_is_asked_last() -> None:
    before = {"amount": 5, "from": "USD", "to": "CHF"}
    assert fill(CONVERT, "to euros", NOW, before=before) == {**before, "to": "EUR"}
    assert fill(CONVERT, "300", NOW, before=before) == {**before, "amount": 300}


@pytest.mark.parametrize(
    ("name", "schema", "role"),
    [
        ("orderNumber", TEXT, "code"),
        ("customerName", TEXT, "person"),
        ("fileName", TEXT, "path"),
        ("dueDate", TEXT, "date"),
        ("start_time", TEXT, "time"),
        ("websiteUrl", TEXT, "link"),
        ("recipient", TEXT, "person"),
        ("to", {"type": "string", "description": "Address of the recipient"}, "person"),
        ("to", TEXT, "target"),
        ("taskDescription", TEXT, "content"),
        ("colour", TEXT, "name"),
        ("level", {"type": ["integer", "null"]}, "number"),
        ("kind", {"enum": ["a"]}, "choice"),
        ("mail", {"type": "string", "format": "email"}, "email"),
    ],
)
def test_a_parameter_says_what_it_is_for(name: str, schema: dict[str, Any], role: str) -> None:
    assert Parameter(name, schema, required=False).role == role

"""The English the offline model knows: words that mean the same, verbs, numbers, names of things.

It is meant to be broad rather than to fit one app: what people commonly automate, and how they
commonly say it. A word may stand in several groups.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

# Said as several words, meant as one.
PHRASES = (
    (re.compile(r"\bto[- ]?do['’]?(s?)\b(?!\s+(?:with|this|that|it|so)\b)", re.I), r"todo\1"),
    (re.compile(r"\be[- ]mail", re.I), "email"),
    (re.compile(r"\b(?:don['’]?t|do not) (?:let me )?forget\b", re.I), "remember"),
    (
        re.compile(
            r"\b(?:i|we) (?:must not|mustn['’]t|should not|shouldn['’]t|can['’]t|cannot) forget\b",
            re.I,
        ),
        "remember",
    ),
    (re.compile(r"\b(?:keep|bear) (?:(?:this|that|it) )?in mind\b", re.I), "remember"),
    (re.compile(r"\b(on|to|onto) (?:my|the) list\b", re.I), r"\1 todo list"),
    (re.compile(r"\b(?:don['’]?t|do not) (?:leave|keep)\b", re.I), "turn not"),
    (re.compile(r"\b(?:get|getting) rid of\b|\bthrow away\b", re.I), "delete"),
    (re.compile(r"\bcount(?:ing)? ?down\b", re.I), "countdown"),
    (re.compile(r"\bwak(?:e|ing) me(?: up)?\b", re.I), "alarm me"),
    (re.compile(r"\bshare (?=price|value|quote)", re.I), "stock "),
    (re.compile(r"\bhow (?:do|does|would|can|should) (?:you|i|we|one) say\b", re.I), "translate"),
    (re.compile(r"\bsign(?:ing)? up\b", re.I), "register"),
    (re.compile(r"\bset(?:ting)? up\b", re.I), "create"),
    (re.compile(r"\blook(?:ing)? for\b", re.I), "find"),
    (re.compile(r"\blook(?:ing)? up\b", re.I), "lookup"),
    (re.compile(r"\bfind out\b", re.I), "check"),
    (re.compile(r"\b(?:day|time|days) off\b", re.I), "vacation"),
    (re.compile(r"\btell (?=(?!me\b|us\b)\w)", re.I), "notify "),
    (re.compile(r"(\d)\s*(?:times|x|\*)\s*(?=\d)", re.I), r"\1 multiply "),
    (re.compile(r"(\d)\s*(?:plus|\+)\s*(?=\d)", re.I), r"\1 sum "),
    (re.compile(r"(\d)\s*(?:divided by|/)\s*(?=\d)", re.I), r"\1 divide "),
    (re.compile(r"(\d)\s*(?:minus)\s*(?=\d)", re.I), r"\1 subtract "),
)

LANGUAGES = frozenset(
    "arabic bengali bulgarian catalan chinese croatian czech danish dutch english estonian farsi "
    "finnish french german greek hebrew hindi hungarian icelandic indonesian irish italian "
    "japanese korean latin latvian lithuanian malay mandarin norwegian persian polish portuguese "
    "romanian russian serbian slovak slovenian spanish swahili swedish tamil thai turkish "
    "ukrainian urdu vietnamese welsh".split()
)

CURRENCIES: Mapping[str, str] = {
    "usd": "dollar dollars bucks $",
    "eur": "euro euros €",
    "gbp": "pound pounds sterling quid £",
    "jpy": "yen ¥",
    "chf": "franc francs",
    "cny": "yuan renminbi",
    "inr": "rupee rupees ₹",
    "rub": "ruble rubles",
    "sek": "krona kronor",
    "pln": "zloty",
    "mxn": "peso pesos",
}

LANGUAGE_CODES: Mapping[str, str] = {
    "ar": "arabic", "bg": "bulgarian", "cs": "czech", "da": "danish", "de": "german",
    "el": "greek", "en": "english", "es": "spanish", "fi": "finnish", "fr": "french",
    "he": "hebrew", "hi": "hindi", "hu": "hungarian", "it": "italian", "ja": "japanese",
    "ko": "korean", "nb": "norwegian", "nl": "dutch", "no": "norwegian", "pl": "polish",
    "pt": "portuguese", "ro": "romanian", "ru": "russian", "sv": "swedish", "th": "thai",
    "tr": "turkish", "uk": "ukrainian", "vi": "vietnamese", "zh": "chinese",
}  # fmt: skip

GROUPS: Mapping[str, str] = {
    # what people keep
    "todo": "todo todos task tasks chore chores errand remind reminder remember note memo",
    "meeting": "meeting appointment calendar event agenda",
    "email": "email mail inbox",
    "message": "message sms notification chat",
    "document": "document file pdf spreadsheet attachment",
    "folder": "folder directory",
    "picture": "picture image photo screenshot",
    "contact": "contact address phonebook",
    "list": "list overview",
    # the world
    "weather": "weather forecast rain raining rainy snow snowing sunny sunshine temperature "
    "climate warm cold hot degrees umbrella wind windy storm cloudy humid foggy",
    "city": "city town location place",
    "country": "country nation",
    "news": "news headline",
    "route": "route direction navigate navigation traffic",
    "recipe": "recipe cook cooking ingredient",
    # trade and money
    "price": "price cost rate quote fee tariff expensive cheap",
    "stock": "stock ticker trading equity",
    "inventory": "inventory warehouse stock available availability",
    "order": "order buy purchase parcel package shipment shipping shipped delivery deliver track",
    "cart": "cart basket checkout",
    "customer": "customer client",
    "product": "product item article",
    "money": "money balance amount fund",
    "currency": "currency exchange forex",
    "convert": "convert conversion converter exchange",
    "invoice": "invoice bill receipt",
    "pay": "pay payment transfer",
    "refund": "refund reimburse reimbursement",
    "subscription": "subscription subscribe plan",
    # people and work
    "user": "user person people employee member colleague account",
    "guest": "guest people person diner party seat attendee participant",
    "passenger": "passenger traveller traveler person people adult",
    "team": "team department group",
    "vacation": "vacation holiday leave absence",
    "ticket": "ticket issue bug incident",
    "project": "project",
    "report": "report summary statistics",
    "password": "password passcode pin",
    # travel and leisure
    "reserve": "reserve reservation book booking",
    "restaurant": "restaurant dinner lunch brunch dine eat table",
    "hotel": "hotel accommodation room hostel",
    "flight": "flight fly plane airplane airline airport",
    "train": "train rail railway station",
    "car": "car vehicle cab taxi ride",
    "music": "music song tune album playlist listen band",
    "film": "film movie cinema",
    # at home
    "light": "light lamp bulb lighting",
    "heating": "heating thermostat temperature heat heater warm warmer",
    "door": "door gate lock unlock",
    "timer": "timer countdown alarm stopwatch",
    "time": "time clock",
    "volume": "volume louder quieter loud",
    # what is done
    "delete": "delete remove erase discard cancel",
    "search": "search find lookup seek",
    "translate": "translate translation translator",
    "language": "language",
    "send": "send notify inform",
    "sum": "sum total plus addition",
    "multiply": "multiply multiplication product",
    "calculate": "calculate compute calculation",
    "summarize": "summarize summary abstract",
    "status": "status state progress",
    "cancel": "cancel cancellation",
}

FORMS: Mapping[str, str] = {"shares": "stock", "glasses": "glass", "news": "news"}
"""Forms of words that mean something else than the word itself."""

INTENTS: Mapping[str, str] = {  # a verb may have several
    "read": "get fetch list show display find retrieve view read tell look query search check see "
    "lookup give count know browse track",
    "delete": "delete remove cancel clear drop erase discard forget",
    "update": "update change edit modify rename complete finish mark move reschedule adjust "
    "increase decrease raise lower assign set",
    "act": "send book reserve play start stop run switch turn order buy pay call post publish "
    "upload download launch execute trigger open close lock unlock pause resume transfer submit "
    "approve reject print notify email mail subscribe unsubscribe dim mute restart deploy "
    "write put set get find give bring",
    "create": "add create new remind insert save note register record remember put append "
    "schedule make enter log store write place file set",
}

# Verbs that say what is done but nothing about to what.
GENERIC_VERBS = frozenset(
    "add create new make put insert get fetch list show display retrieve view read tell give see "
    "check look count know delete remove update change set turn switch start stop run do let "
    "want need keep".split()
)

# Verbs sentences often begin with, beside those that have an intent.
OTHER_VERBS = frozenset(
    "answer archive ask attach block bring calculate capture collect combine compare compress "
    "compute confirm connect convert cook copy describe disable draw enable encrypt estimate "
    "evaluate explain export extract generate go help import invite join keep leave let load "
    "merge listen monitor name parse pick predict prepare process recommend refresh refund "
    "reject render repeat replace report request reset resolve return review rotate save say scan "
    "select set share sing solve sort split suggest summarize sync take talk teach test toggle "
    "translate try use validate verify wait wake watch write".split()
)

_ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
_ONES += "fifteen sixteen seventeen eighteen nineteen"
NUMBER_WORDS: Mapping[str, int] = {
    **{word: value for value, word in enumerate(_ONES.split())},
    **{
        word: 10 * (value + 2)
        for value, word in enumerate(
            "twenty thirty forty fifty sixty seventy eighty ninety".split()
        )
    },
    "dozen": 12,
    "couple": 2,
    "hundred": 100,
    "thousand": 1000,
}

SECONDS: Mapping[str, int] = {
    **dict.fromkeys(("second", "seconds", "sec", "secs"), 1),
    **dict.fromkeys(("minute", "minutes", "min", "mins"), 60),
    **dict.fromkeys(("hour", "hours", "hr", "hrs", "h"), 3600),
    **dict.fromkeys(("day", "days"), 86_400),
    **dict.fromkeys(("week", "weeks"), 604_800),
}
"""How many seconds a unit of time has."""

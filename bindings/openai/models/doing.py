"""What a skill does, in words: read off its description so that one can say what was done."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from bindings.openai.models.matching import Skill
from bindings.openai.models.words import name_words, tokens

_IRREGULAR = {
    "begin": "began", "break": "broke", "bring": "brought", "build": "built", "buy": "bought",
    "choose": "chose", "cut": "cut", "do": "did", "draw": "drew", "find": "found",
    "forget": "forgot", "get": "got", "give": "gave", "go": "went", "hold": "held",
    "keep": "kept", "leave": "left", "let": "let", "make": "made", "pay": "paid", "put": "put",
    "read": "read", "run": "ran", "say": "said", "see": "saw", "sell": "sold", "send": "sent",
    "set": "set", "shut": "shut", "speak": "spoke", "take": "took", "teach": "taught",
    "tell": "told", "think": "thought", "withdraw": "withdrew", "write": "wrote",
}  # fmt: skip
_DOUBLED = re.compile(r"^(?:cancel|chat|control|drop|log|map|pin|plan|plot|scan|ship|skip|stop"
                      r"|submit|swap|tag|transfer|trim|unplug|wrap|dim)$")  # fmt: skip
_DETERMINERS = frozenset("a an the all any one some every your my this that".split())
_LOOSE = frozenset("new given specified certain latest available existing".split())
_PARTICLES = frozenset("up out in off on down back".split())
_STOPS = frozenset(
    "in on at to from of for by with without into between about around that which who when where "
    "whether how using based as per and or if its it via through after before within".split()
)
_INTERROGATIVES = frozenset("what which who where when whether how if".split())
_LIST_OF = re.compile(
    r"\b(?:the |a )?(?:full |complete |whole )?(?:list|names?|details?) of (?:all )?(?=\w)", re.I
)


@dataclass(frozen=True, slots=True)
class Doing:
    """`do` and `did` are the verb, `what` is the thing it is done to; empty where unknown."""

    do: str = ""
    did: str = ""
    what: str = ""
    whole: str = ""
    """The description as something one "can" do."""

    @property
    def noun(self) -> str:
        """`what`, where it can be counted."""
        return "" if self.what.split(" ")[0].lower() in _INTERROGATIVES else self.what

    @property
    def the(self) -> str:
        return f"the {self.what}" if self.definite and self.what else self.what

    definite: bool = True


@lru_cache(maxsize=512)
def doing_of(name: str, description: str) -> Doing:
    """Read a skill's description, or its name where that says nothing."""
    sentence = re.split(r"[.;(\n]", description.strip(), maxsplit=1)[0].strip()
    return _read(sentence) or _read_name(name) or Doing(whole=sentence)


def _read_name(name: str) -> Doing | None:
    words = name_words(name).split()
    if len(words) < 2 or not tokens(words[0])[0:1] or not tokens(words[0])[0].is_verb:
        return None
    rest = " ".join(word if word.isupper() else word.lower() for word in words[1:])
    verb = words[0].lower()
    return Doing(verb, past(verb), rest, f"{verb} {rest}")


def _read(sentence: str) -> Doing | None:
    words = re.findall(r"[^\s,]+|,", sentence)
    if len(words) < 2:
        return None
    verb = base_form(words[0])
    index = 1
    if words[index].lower() in _PARTICLES and index + 1 < len(words):
        index += 1
    # Any word before an article is a verb, else only the ones known as such.
    known = bool(tokens(verb)) and tokens(verb)[0].is_verb
    if not known and words[index].lower() not in _DETERMINERS:
        return None
    particle = " ".join(word.lower() for word in words[1:index])
    whole = " ".join([verb, *words[1:]]).replace(" ,", ",")
    if words[index].lower() in {"or", "and", ","}:  # "Locks or unlocks a door"
        return Doing(whole=whole)
    rest = _LIST_OF.sub("the ", " ".join(words[index:]), count=1)
    do, did = f"{verb} {particle}".strip(), f"{past(verb)} {particle}".strip()
    definite = rest.split()[0].lower() in _DETERMINERS
    return Doing(do, did, _thing(rest.split()), whole, definite)


def _thing(words: list[str]) -> str:
    if words[0].lower() in _INTERROGATIVES:  # "Show what is in the cart"
        return " ".join(words).partition(" ,")[0]
    found: list[str] = []
    for index, word in enumerate(words):
        lower = word.lower().strip("'\"")
        if found and lower in _DETERMINERS:
            break
        if lower in _STOPS or word == ",":
            break
        if lower.endswith("ly") and len(lower) > 4:
            if found:
                break
            continue
        if not found and (lower in _DETERMINERS or lower in _LOOSE):
            continue
        if not found and lower.endswith("ed") and index + 1 < len(words):
            continue
        found.append(word)
    return " ".join(found)


def base_form(word: str) -> str:
    """Return the verb of "Sends", "Fetches", "Copies"."""
    word = word.lower()
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if word.endswith(("ches", "shes", "sses", "xes", "zes", "oes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def past(verb: str) -> str:
    if verb in _IRREGULAR:
        return _IRREGULAR[verb]
    for prefix in ("un", "re", "over"):
        if verb.startswith(prefix) and verb[len(prefix) :] in _IRREGULAR:
            return prefix + _IRREGULAR[verb[len(prefix) :]]
    if verb.endswith("e"):
        return f"{verb}d"
    if verb.endswith("y") and verb[-2:-1] not in "aeiou":
        return f"{verb[:-1]}ied"
    return f"{verb}{verb[-1]}ed" if _DOUBLED.match(verb) else f"{verb}ed"


def plural(noun: str, count: int) -> str:
    """Return the noun phrase for a number of things; empty when it is no plural."""
    if not noun.endswith("s") or noun.endswith(("ss", "news", "status", "us")):
        return ""
    if count != 1:
        return noun
    if noun.endswith("ies"):
        return f"{noun[:-3]}y"
    return noun[:-2] if noun.endswith(("ches", "shes", "sses", "xes")) else noun[:-1]


def doing(skill: Skill | None, name: str) -> Doing:
    return doing_of(name, skill.description if skill else "")

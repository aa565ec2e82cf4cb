"""The skill trigger: a function of the app that a chat model may call, and how it is called.

Differences
- An argument that is an object or a list arrives as JSON text, and text that looks like a date
  arrives unchanged; Azure refuses the first and rewrites the second.
- A skill whose `parameterDescriptionJson` declares other properties than the binding's name gets
  the whole arguments object as JSON text; on Azure it gets nothing.
- A broken `parameterDescriptionJson` or a second skill of the same name takes down that one
  function when the app is loaded, not every post.
- The skill's argument can be used as `{name}` in its other bindings.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bindings.openai.assistants.state import compact_json
from bindings.openai.deviations import given, package
from bindings.openai.extension import OpenAIExtension
from bindings.openai.models.base import ToolCall
from bindings.openai.models.parameters import Parameter
from bindings.openai.options import AssistantSkillTriggerOptions
from emulator.sdk import (
    MANUAL_REASON,
    NONE,
    BindingError,
    Call,
    Datum,
    Deviation,
    EmulatorError,
    Fired,
    Services,
    Trigger,
)

SUCCEEDED = "The function call succeeded. Let the user know that you completed the action."
FAILED = "The function call failed. Let the user know and ask if they'd like you to try again"
NOT_CALLED = (
    "The function was not called because the limit of function calls for one message was "
    "reached. Let the user know."
)

# What the official host shows as the reason of a skill's run.
_REASON = "(null)"

_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class AssistantSkillTrigger(Trigger[AssistantSkillTriggerOptions]):
    type_name = "assistantSkillTrigger"
    summary = "Runs the function when an assistant's model asks for it as a skill."
    options_type = AssistantSkillTriggerOptions
    extension = OpenAIExtension
    sample = Datum("text", "Call my dad")

    def __init__(self, **binding: Any) -> None:
        super().__init__(**binding)
        self.tool_name = self.options.function_name or self.function.name
        if not _TOOL_NAME.fullmatch(self.tool_name):
            raise BindingError(
                f"'{self.tool_name}' cannot be the name of a skill.",
                hint="Skill names have 1 to 64 letters, digits, '_' and '-'. Set 'functionName'.",
                code="skill-name-invalid",
                azure="The model service refuses the name, and every post of the app fails.",
            )
        self._refuse_duplicate()
        self.parameters = self._parameters()

    @property
    def tool(self) -> dict[str, Any]:
        """The skill as an entry of a model request's `tools`."""
        return {
            "type": "function",
            "function": {
                "description": self.options.function_description,
                "name": self.tool_name,
                "parameters": self.parameters,
            },
        }

    def deviations(self) -> Iterable[Deviation]:
        yield from package(self)
        if given(self.declared, "functionName") == "":
            yield Deviation(
                "skill-name-empty",
                f"The functionName of '{self.tool_name}' is empty, and the function's name counts",
                azure="The model service refuses the empty name, and every post of the app fails.",
                hint="Leave functionName out.",
            )
        text = self.options.parameter_description_json
        if text is not None:
            yield from self._parameter_deviations(text)

    def _parameter_deviations(self, text: str) -> Iterable[Deviation]:
        if not text.strip():
            yield Deviation(
                "skill-parameters-empty",
                f"The parameterDescriptionJson of skill '{self.tool_name}' is empty, and one is "
                "made from the parameter",
                azure="The empty text is no JSON, and every post of the app fails.",
                hint="Leave parameterDescriptionJson out.",
            )
            return
        if json.loads(text) != self.parameters:
            yield Deviation(
                "skill-parameters-wrapped",
                f"The parameterDescriptionJson of skill '{self.tool_name}' is no schema of an "
                "object, and is taken as the properties of one",
                azure="The model service refuses the schema, and every post of the app fails.",
                hint=f"Write {compact_json(self.parameters)}.",
            )
        properties = self.parameters.get("properties")
        if isinstance(properties, dict) and properties and self.declared.name not in properties:
            yield Deviation(
                "skill-parameters-whole",
                f"The parameters of skill '{self.tool_name}' do not name "
                f"'{self.declared.name}', which gets all of them as JSON",
                azure="The function gets no value.",
                hint=self._one_property(properties),
            )

    def _one_property(self, properties: Mapping[str, Any]) -> str:
        name = self.declared.name
        advice = f"Name its one property '{name}'"
        if Parameter(name, {}, required=False).is_made_up:
            advice = (
                f"Give the trigger the name of its one property (name: '{next(iter(properties))}')"
            )
        return f"{advice}, a text: nothing else is handed over."

    def manual(self, text: str) -> Fired:
        return Fired(
            Datum("text", text), reason=MANUAL_REASON, data=lambda: {self.declared.name: text}
        )

    def argument(self, text: str) -> Datum:
        """Return what the function gets for the arguments a model wrote.

        Raises `ValueError` when they are not a JSON object.
        """
        if not text.strip():
            return NONE
        arguments = json.loads(text)
        if not isinstance(arguments, dict):
            raise ValueError("the arguments are not a JSON object")
        name = self.declared.name
        if name in arguments:
            return _argument_datum(arguments[name])
        declared = self.parameters.get("properties")
        if isinstance(declared, dict) and declared and name not in declared:
            return Datum("text", compact_json(arguments))
        alike = [key for key in arguments if key.lower() == name.lower()]
        return _argument_datum(arguments[alike[0]]) if len(alike) == 1 else NONE

    def _refuse_duplicate(self) -> None:
        if self.function.disabled:
            return
        for other in _offered(self.services):
            if other is not self and other.tool_name.lower() == self.tool_name.lower():
                raise BindingError(
                    "An item with the same key has already been added. Key: "
                    f"{self.tool_name} (the function '{other.function.name}' is that skill "
                    "already).",
                    hint="Give one of them another 'functionName'.",
                    code="skill-duplicate",
                    azure="The second skill is not there; the host tries to start it again and "
                    "again.",
                )

    def _parameters(self) -> Mapping[str, Any]:
        text = self.options.parameter_description_json
        if text is None or not text.strip():
            many = self.options.cardinality.lower() == "many"
            kind = "array" if many or self.declared.data_type == "binary" else "string"
            return {"type": "object", "properties": {self.declared.name: {"type": kind}}}
        try:
            schema = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise BindingError(
                f"The 'parameterDescriptionJson' of skill '{self.tool_name}' is not valid JSON: "
                f"{error}.",
                hint='It should be a JSON schema such as {"type":"object","properties":{…}}.',
                code="skill-parameters-invalid",
                azure="Every post of the app fails, whether it needs this skill or not.",
            ) from error
        if not isinstance(schema, dict):
            raise BindingError(
                f"The 'parameterDescriptionJson' of skill '{self.tool_name}' should be a JSON "
                f"object, but is {text.strip()[:40]!r}.",
                hint='It should be a JSON schema such as {"type":"object","properties":{…}}.',
                code="skill-parameters-invalid",
                azure="The model service refuses it, and every post of the app fails.",
            )
        return _object_schema(schema, self.declared.name)


def skills_by_name(services: Services) -> dict[str, AssistantSkillTrigger]:
    """Return the skills of this load by lower-case name, in the order of the functions."""
    skills: dict[str, AssistantSkillTrigger] = {}
    for skill in _offered(services):
        skills.setdefault(skill.tool_name.lower(), skill)
    return skills


def _offered(services: Services) -> Iterable[AssistantSkillTrigger]:
    # A skill is registered by its listener, and a disabled function has none.
    return (skill for skill in services.bound(AssistantSkillTrigger) if not skill.function.disabled)


async def run_skill(
    skills: Mapping[str, AssistantSkillTrigger], wanted: ToolCall, *, call: Call, assistant: str
) -> str:
    """Run what the model asked for as a nested call; return the result as the model reads it.

    Whatever goes wrong becomes such a text too: a skill never fails the turn.
    """
    call.log("Information", _called(assistant, wanted))
    try:
        skill = skills.get(wanted.name.lower())
        if skill is None:
            raise BindingError(f"No skill registered with name '{wanted.name}'")
        value = skill.argument(wanted.arguments)
        result = await skill.services.invoke(
            skill.function.name,
            value,
            parent=call,
            reason=_REASON,
            data={} if value.is_none else {skill.declared.name: value.value},
            detail=wanted.arguments,
        )
        text = result_text(result.return_value)
    except (EmulatorError, ValueError, RecursionError) as error:
        call.log(
            "Error",
            f"[{assistant}] Function '{wanted.name}' failed with an unhandled exception: {error}",
        )
        return FAILED
    call.log(
        "Information",
        f"[{assistant}] Function '{wanted.name}' returned the following content: {text}",
    )
    return text or SUCCEEDED


def result_text(value: Datum) -> str:
    """Return a skill's value as JSON, empty when there is none; `ValueError` when it has no JSON
    form."""
    match value.kind:
        case "none":
            return ""
        case "json":
            parsed = json.loads(value.value) if value.value.strip() else None
            return "" if parsed is None else compact_json(parsed)
        case "list":
            return f"[{','.join(result_text(each) or 'null' for each in value.value)}]"
        case "http":
            raise ValueError("an HTTP response cannot be the result of a skill")
        case _:
            return compact_json(_plain(value))


def tool_message(name: str, result: str) -> str:
    """Return the content of a Tool row."""
    return f"Function Name: '{name}' and Function Result: '{result}'"


def tools(skills: Mapping[str, AssistantSkillTrigger]) -> Sequence[Mapping[str, Any]]:
    return [skill.tool for skill in skills.values()]


def _called(assistant: str, wanted: ToolCall) -> str:
    return f"[{assistant}] Calling function '{wanted.name}' with arguments: {wanted.arguments}"


def _plain(value: Datum) -> Any:
    if value.kind == "bytes":
        return base64.b64encode(value.value).decode("ascii")
    # A worker that tells booleans apart still answers as Azure's, where they travel as numbers.
    return int(value.value) if isinstance(value.value, bool) else value.value


def _argument_datum(value: Any) -> Datum:
    if value is None:
        return NONE
    if isinstance(value, str):
        return Datum("text", value)
    if isinstance(value, bool):
        return Datum("text", str(value))
    if isinstance(value, float):
        return Datum("text", _number_text(value))
    return Datum("text", compact_json(value))


def _number_text(value: float) -> str:
    """Write a number as .NET does: no fraction when it is whole, `E+20` for large exponents."""
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return repr(value).replace("e", "E")


def _object_schema(schema: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the schema as it is when a model service would take it, else the object it means."""
    if schema.get("type") == "object":
        return schema
    if isinstance(schema.get("properties"), dict):
        return {"type": "object", **{key: schema[key] for key in schema if key != "type"}}
    if isinstance(schema.get("type"), str):
        return {"type": "object", "properties": {name: schema}}
    if all(isinstance(member, dict) for member in schema.values()):
        return {"type": "object", "properties": schema}
    return schema

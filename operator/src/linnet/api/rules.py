"""What the API server checks beyond types: CEL rules, each with words that a user can act on."""

from dataclasses import dataclass
from typing import Any

from pydantic import GetJsonSchemaHandler
from pydantic_core import CoreSchema

VALIDATIONS = "x-kubernetes-validations"

Schema = dict[str, Any]


def rules(*pairs: tuple[str, str]) -> Schema:
    """CEL rules for a schema: pairs of (rule, message that names the field and the remedy)."""
    return {VALIDATIONS: [{"rule": rule, "message": text} for rule, text in pairs]}


@dataclass(frozen=True)
class Spelled:
    """A text's pattern, said in words.

    The API server would tell a user the regular expression; as a rule the pattern has a message.
    """

    message: str

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> Schema:
        """Turn the schema's `pattern` into a rule."""
        schema = handler(core)
        return schema | rules((_fits(schema.pop("pattern")), self.message))


@dataclass(frozen=True)
class Span:
    """Bounds of a duration, written like durations; '' for none. why: what they are good for."""

    at_least: str = ""
    at_most: str = ""
    why: str = ""

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> Schema:
        """Add rules, which leave alone what is no duration: that has its own message."""
        schema = handler(core)
        (spelled,) = schema[VALIDATIONS]
        why = f": {self.why}" if self.why else ""
        bounds = [(">=", "at least", self.at_least), ("<=", "at most", self.at_most)]
        added = rules(
            *(
                (
                    f"!{spelled['rule']} || duration(self) {sign} duration('{bound}')",
                    f"must be {words} {bound}{why}",
                )
                for sign, words, bound in bounds
                if bound
            )
        )
        return schema | {VALIDATIONS: [spelled, *added[VALIDATIONS]]}


def _fits(pattern: str) -> str:
    return f"self.matches(r'{pattern}')"

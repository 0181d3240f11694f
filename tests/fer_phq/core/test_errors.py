"""What is wrong with a field is a message in pydantic's words."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from fer_phq.core.errors import SettingsError, field_message
from fer_phq.core.messages import LITERAL, from_json, template, to_json

ODD = template("test.odd_field", "{value} is odd")


class Fields(BaseModel):
    """A field for each type of error."""

    model_config = ConfigDict(extra="forbid")

    count: int = Field(1, gt=0, le=9)
    share: float = Field(0.5, ge=0, lt=1, allow_inf_nan=False)
    name: str = Field("abc", min_length=2, max_length=4, pattern="^[a-z]+$")
    long: str = Field("abc", min_length=1)
    names: list[str] = []
    pair: tuple[str, ...] = ()
    truth: bool = True
    options: dict[str, int] = {}
    kind: Literal["one", "two"] = "one"
    even: int = 2

    @field_validator("even")
    @classmethod
    def _even(cls, value: int) -> int:
        if value == 5:
            raise ValueError("five")
        return value


def wrong(**values: Any) -> dict[str, Any]:
    with pytest.raises(ValidationError) as refused:
        Fields(**values)
    return dict(refused.value.errors()[0])


@pytest.mark.parametrize(
    "values",
    [
        {"count": 0}, {"count": 10}, {"count": "x"}, {"count": 1.5}, {"count": []}, {"share": -1}, {"share": 1},
        {"share": "x"}, {"share": []}, {"share": float("inf")}, {"name": "a"}, {"name": "abcdef"}, {"name": "A B"},
        {"name": 1}, {"long": ""}, {"names": 1}, {"pair": 1}, {"truth": "x"}, {"truth": []},
        {"options": 1}, {"kind": "x"}, {"unknown": 1},
    ],
)  # fmt: skip
def test_the_message_says_what_pydantic_says(values: dict[str, Any]) -> None:
    error = wrong(**values)
    message = field_message(error)
    assert message.code != LITERAL, error["type"]
    assert str(message) == error["msg"]
    assert from_json(to_json(message)) == message


def test_what_a_check_of_ours_raised_is_its_message() -> None:
    error = wrong(even=5)
    assert str(field_message(error)) == error["msg"] == "Value error, five"
    own = SettingsError(ODD(value=3))
    assert field_message({"type": "value_error", "msg": "", "ctx": {"error": own}}) == own.message


def test_any_other_error_keeps_pydantics_words() -> None:
    assert str(field_message({"type": "url_scheme", "msg": "URL scheme should be x"})) == "URL scheme should be x"
    assert str(field_message({"type": "greater_than", "msg": "Too small"})) == "Too small"

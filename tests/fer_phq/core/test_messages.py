"""A message is written in any language from its code and parameters, and comes back from the store as it was."""

import json
from enum import StrEnum

import numpy as np
import pytest

from fer_phq.core import messages
from fer_phq.core.messages import Message, Template, from_json, from_text, literal, render, to_json, to_text


class Kind(StrEnum):
    FILE = "file"


@pytest.fixture
def declare(monkeypatch):
    """Declares templates for the length of a test."""
    monkeypatch.setattr(messages, "TEMPLATES", dict(messages.TEMPLATES))
    return lambda *args: (messages.counted if len(args) == 3 else messages.template)(*args)


@pytest.fixture
def short(declare):
    return declare("test.short", "'{file}' is {seconds:.1f} s long, {share:.0%} of it dark")


@pytest.fixture
def frames(declare):
    return declare("test.frames", "{n} frame of {file}", "{n} frames of {file}")


GERMAN = {
    "'{file}' is {seconds:.1f} s long, {share:.0%} of it dark": "„{file}“: {seconds:.1f} s, {share:.0%} davon dunkel",
    "{n} frame of {file}": "{n} Bild von {file}",
    "{n} frames of {file}": "{n} Bilder von {file}",
    "left out: {reason}": "ausgelassen: {reason}",
}


def german(message):
    def plural(one, several, n):
        return GERMAN[one if n == 1 else several]

    return render(message, GERMAN.__getitem__, plural, ",")


def test_a_message_is_english_and_any_other_language(short):
    message = short(file="a 1.5.mp4", seconds=3.46, share=0.255)
    assert str(message) == "'a 1.5.mp4' is 3.5 s long, 26% of it dark"
    assert german(message) == "„a 1.5.mp4“: 3,5 s, 26% davon dunkel"


def test_a_count_decides_between_singular_and_plural(frames):
    assert [str(frames(n=n, file="a")) for n in (0, 1, 2)] == ["0 frames of a", "1 frame of a", "2 frames of a"]
    assert german(frames(n=1, file="a")) == "1 Bild von a"
    assert german(frames(n=5, file="a")) == "5 Bilder von a"


def test_messages_inside_messages_are_translated_and_texts_are_not(declare, short, frames):
    left_out = declare("test.left_out", "left out: {reason}")
    inner = frames(n=2, file="frames of test")
    assert str(left_out(reason=inner)) == "left out: 2 frames of frames of test"
    assert german(left_out(reason=inner)) == "ausgelassen: 2 Bilder von frames of test"
    assert german(left_out(reason=(inner, inner))) == (
        "ausgelassen: 2 Bilder von frames of test, 2 Bilder von frames of test"
    )
    assert str(left_out(reason=("a", "b"))) == "left out: a, b"


def test_what_is_stored_comes_back(declare, short, frames):
    left_out = declare("test.left_out", "left out: {reason}")
    whole = left_out(reason=(short(file="a", seconds=1.0, share=0.5), frames(n=1, file="b")))
    for message in (whole, left_out(reason=("a", "b")), frames(n=3, file="{file}"), literal("As it was.")):
        assert from_json(json.loads(json.dumps(to_json(message)))) == message
        assert from_text(to_text(message)) == message
        assert str(from_text(to_text(message))) == str(message)


def test_what_was_stored_before_there_were_codes_is_a_text():
    for text in ("No face was found.", "", "{file} is a field", '{"code": 1}', "{}", "[1]", "12"):
        assert from_text(text) == literal(text)
        assert str(from_json(text)) == text
        assert to_json(from_json(text)) == to_text(literal(text)) == text


@pytest.mark.parametrize("value", [None, 3, [], {}, {"code": None}, {"params": {}}])
def test_what_is_no_message_is_refused(value):
    with pytest.raises(ValueError, match="message"):
        from_json(value)


def test_a_code_that_is_not_known_is_the_text_that_was_stored(short):
    message = short(file="a", seconds=1.0, share=0.5)
    stored = to_json(message)
    stored["code"] = "test.of_a_later_version"
    assert str(from_json(stored)) == str(message)
    assert from_text(to_text(from_json(stored))).code == "test.of_a_later_version"


def test_parameters_of_another_version_give_the_text_that_was_stored(short):
    stored = to_json(short(file="a", seconds=1.0, share=0.5))
    del stored["params"]["share"]
    assert str(from_json(stored)) == "'a' is 1.0 s long, 50% of it dark"


def test_fields_are_exactly_those_of_the_template(short, frames):
    with pytest.raises(TypeError, match="share"):
        short(file="a", seconds=1.0)
    with pytest.raises(TypeError, match="more"):
        short(file="a", seconds=1.0, share=0.5, more=1)
    with pytest.raises(TypeError, match="n"):
        frames(file="a")


@pytest.mark.parametrize("text", ["{error.args}", "{row[0]}", "{}", "{0}"])
def test_a_field_is_a_plain_name(text):
    with pytest.raises(ValueError, match="plain names"):
        Template("test.odd", text)


def test_a_code_is_declared_once(declare):
    declare("test.once", "once")
    with pytest.raises(ValueError, match=r"test\.once"):
        declare("test.once", "twice")


def test_parameters_are_plain(short, frames):
    message = short(file=Kind.FILE, seconds=np.float32(0.5), share=np.float64(0.25))
    assert [type(value) for value in message.params.values()] == [str, float, float]
    assert message.params["file"] == "file"
    assert type(frames(n=np.int64(2), file="a").params["n"]) is int
    json.dumps(to_json(message))


def test_numbers_have_the_languages_decimal_mark_in_every_format(declare):
    numbers = declare("test.numbers", "{plain} {whole} {rounded:.2f}")
    message = numbers(plain=1.5, whole=3, rounded=2.0)
    assert render(message, decimal_mark=",") == "1,5 3 2,00"
    assert str(numbers(plain=14.0, whole=3, rounded=2.0)) == "14 3 2.00"


def test_a_percentage_is_written_as_the_language_writes_it(declare):
    message = declare("test.percent", "{share:.0%} of {whole:.1%}")(share=0.25, whole=1)
    assert str(message) == "25% of 100.0%"
    assert render(message, decimal_mark=",", percent="{}\N{NO-BREAK SPACE}%") == "25\xa0% of 100,0\xa0%"
    assert render(message, percent="%{}") == "%25 of %100.0"


def test_equal_messages_are_equal_whatever_they_said_then(short):
    message = short(file="a", seconds=1.0, share=0.5)
    assert message == Message("test.short", {"file": "a", "seconds": 1.0, "share": 0.5}, "older wording")
    assert len({message, from_json(to_json(message))}) == 1

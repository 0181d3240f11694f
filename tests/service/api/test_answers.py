"""What all routes share: pages of lists, ETags, idempotency keys."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from migrated import migrate
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.testclient import TestClient

from db.actors import Actor, Role
from db.queries.access.idempotency import LASTS
from db.records import Position
from db.store import Store
from db.urls import sqlite_url
from fer_phq.core.errors import StoreError
from fer_phq.core.messages import literal
from service.access.answers import ENGLISH, write_english
from service.api.v1.answers.conditions import answer_model, check_match
from service.api.v1.answers.once import Creation, answer_creation, create_once
from service.api.v1.answers.paging import cut_page, read_cursor, write_cursor
from service.api.v1.answers.problems import RequestError, Sentences, answer_problems

KEY = {"Idempotency-Key": "a-key"}


class Shelf(BaseModel):
    words: str
    share: float = float("nan")


class House:
    """A shelf that is read and changed, and things that are made, over a store that remembers keys."""

    def __init__(self, store: Store) -> None:
        self.words = "Zoë"
        self.count = 0
        self.fails = False
        self._store = store

    async def read(self, request: Request) -> Response:
        return answer_model(request, Shelf(words=self.words))

    async def change(self, request: Request) -> Response:
        async def current() -> Shelf:
            return Shelf(words=self.words)

        await check_match(request, current)
        self.words = (await request.body()).decode()
        return answer_model(request, Shelf(words=self.words))

    async def make(self, request: Request) -> Response:
        def create() -> Creation:
            if self.fails:
                raise StoreError(literal("No."))
            self.count += 1
            return Creation({"thing": f"id-{self.count}"})

        creation = await create_once(self._store, request, (await request.body()).decode(), create)
        return answer_creation(request, creation, Shelf(words=creation.ids["thing"]), f"/{creation.ids['thing']}")


@pytest.fixture
def url(tmp_path: Path) -> str:
    address = sqlite_url(tmp_path / "fer-phq.db")
    migrate(address)
    return address


@pytest.fixture
def actors() -> list[Actor]:
    return [Actor("api", "M", "", "account-m", Role.CLINICIAN)]


@pytest.fixture
def store(url: str, actors: list[Actor]) -> Iterator[Store]:
    with Store(url, actor=lambda: actors[-1]) as opened:
        yield opened


@pytest.fixture
def house(store: Store) -> House:
    return House(store)


@pytest.fixture
def client(house: House) -> TestClient:
    app = FastAPI()
    app.add_api_route("/shelf", house.read, methods=["GET"])
    app.add_api_route("/shelf", house.change, methods=["PUT"])
    app.add_api_route("/things", house.make, methods=["POST"])
    answer_problems(app, Sentences(write_english, (ENGLISH,)))
    return TestClient(app, raise_server_exceptions=False)


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


# ------------------------------------------------------------------------------------------------------------ ETags


def test_what_is_there_already_is_not_sent_again(client: TestClient, house: House) -> None:
    answer = client.get("/shelf")
    assert (answer.json(), answer.headers["cache-control"]) == ({"words": "Zoë", "share": None}, "no-store")
    tag = answer.headers["etag"]
    for header in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = client.get("/shelf", headers={"If-None-Match": header})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    house.words = "Ada"
    assert client.get("/shelf", headers={"If-None-Match": tag}).json()["words"] == "Ada"


def test_a_change_of_what_has_changed_since_is_refused(client: TestClient, house: House) -> None:
    tag = client.get("/shelf").headers["etag"]
    assert client.put("/shelf", content="Bo", headers={"If-Match": tag}).status_code == 200
    assert code(client.put("/shelf", content="Cy", headers={"If-Match": tag})) == (412, "api.changed_since")
    assert house.words == "Bo"
    tag = client.get("/shelf").headers["etag"]
    assert client.put("/shelf", content="Cy", headers={"If-Match": f"W/{tag}"}).status_code == 412, "RFC 9110, 13.1.1"
    for header in ({"If-Match": f'"other", {tag}'}, {"If-Match": "*"}, {}):
        assert client.put("/shelf", content="Bo", headers=header).status_code == 200


# --------------------------------------------------------------------------------------------------- idempotency keys


def test_a_request_that_is_sent_again_does_nothing_and_answers_the_same(
    client: TestClient, house: House, actors: list[Actor]
) -> None:
    first = client.post("/things", content="Zoë", headers=KEY)
    again = client.post("/things", content="Zoë", headers=KEY)
    assert (first.status_code, first.headers["location"]) == (201, "/id-1")
    assert (again.status_code, again.content, again.headers["location"]) == (201, first.content, "/id-1")
    assert ("idempotency-replayed" in first.headers, again.headers["idempotency-replayed"]) == (False, "true")
    assert code(client.post("/things", content="Ada", headers=KEY)) == (422, "api.key_of_another")
    assert code(client.post("/things?a=b", content="Zoë", headers=KEY)) == (422, "api.key_of_another")
    assert house.count == 1
    assert client.post("/things", content="Zoë").json()["words"] == "id-2"
    actors.append(Actor("api", "N", "", "account-n", Role.CLINICIAN))
    assert client.post("/things", content="Ada", headers=KEY).json()["words"] == "id-3", "the key is another's"


@pytest.mark.parametrize("key", ["", "two words", "x" * 256])
def test_a_key_that_cannot_be_used_is_refused(client: TestClient, house: House, key: str) -> None:
    assert code(client.post("/things", headers={"Idempotency-Key": key})) == (422, "api.key_unusable")
    assert house.count == 0


def test_a_request_that_failed_can_be_sent_again(client: TestClient, house: House) -> None:
    house.fails = True
    assert client.post("/things", headers=KEY).status_code == 409
    house.fails = False
    assert client.post("/things", headers=KEY).json()["words"] == "id-1"


def test_nothing_is_done_twice_while_the_first_request_is_carried_out(
    client: TestClient, house: House, store: Store
) -> None:
    answers: list[Any] = []
    threads = [
        threading.Thread(target=lambda: answers.append(client.post("/things", headers=KEY).status_code))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert house.count == 1
    assert set(answers) <= {201, 409}
    store.idempotency.begin(digest="broken off", request="x")
    record = store.idempotency.begin(digest="broken off", request="x")
    assert record is not None
    assert (record.status, record.ids) == (None, {})


def test_keys_are_forgotten_after_a_day_and_hold_no_words(client: TestClient, store: Store, tmp_path: Path) -> None:
    client.post("/things", content="Ottilie Secretname", headers={"Idempotency-Key": "key-of-ottilie"})
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"Secretname" not in files
    assert b"ottilie" not in files
    now = datetime.now(UTC)
    assert store.idempotency.forget_expired(now=now + LASTS - timedelta(minutes=1)) == 0
    assert store.idempotency.forget_expired(now=now + LASTS + timedelta(minutes=1)) == 1


# ------------------------------------------------------------------------------------------------------------- pages


def test_a_cursor_names_a_place_and_nothing_else_is_one() -> None:
    position = Position(datetime(2026, 5, 6, 7, 8, 9, 123456, tzinfo=UTC), "0c9ae1f0-5a2b-4c9e-9d0e-6a1c2f3b4d5e")
    assert read_cursor(write_cursor(position)) == position
    assert read_cursor(None) is None
    for text in ("", "x", "ä", "MjAyNg==", write_cursor(Position(position.at, "a\0b"))):
        with pytest.raises(RequestError):
            read_cursor(text)


def test_a_page_says_whether_another_follows() -> None:
    def place(number: int) -> Position:
        return Position(datetime(2026, 1, number, tzinfo=UTC), str(number))

    page, after = cut_page([1, 2, 3], 2, place)
    assert (page, read_cursor(after)) == ([1, 2], place(2))
    assert cut_page([1, 2], 2, place) == ([1, 2], None)
    assert cut_page([], 2, place) == ([], None)

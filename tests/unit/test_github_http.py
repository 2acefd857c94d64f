from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from modelrail.adapters.github.errors import AnswerLostError, UnprocessableError, needed_permission
from modelrail.adapters.github.http import Client
from modelrail.errors import GitHubError, NotFoundError, PermissionMissingError, UnavailableError
from modelrail.settings import Secret
from support_scripted import Answer, Clock, Scripted, scripted

TOKEN = "ghs_" + "T" * 36


@pytest.fixture
def server() -> Iterator[Scripted]:
    with scripted() as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(server: Scripted, clock: Clock) -> Iterator[Client]:
    with requests.Session() as session:
        yield Client(server.url, Secret(TOKEN), session=session, sleep=clock.sleep, clock=clock)


def test_sends_token_and_version_in_headers_only(server: Scripted, client: Client) -> None:
    server.answers(Answer(body={"ok": True}))
    assert client.get("/x", page=2) == {"ok": True}
    (request,) = server.seen
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["x-github-api-version"]
    assert request.headers["user-agent"].startswith("modelrail/")
    assert TOKEN not in request.path
    assert request.path == "/x?page=2"


def test_netrc_does_not_replace_the_token(server: Scripted, client: Client, isolated: object) -> None:
    from pathlib import Path

    netrc = Path(str(isolated)) / ".netrc"
    netrc.write_text("machine 127.0.0.1 login eve password eve\n")
    netrc.chmod(0o600)
    server.answers(Answer(body={}))
    client.get("/x")
    assert server.seen[0].headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.fault(8)
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_is_repeated_with_growing_pauses(
    server: Scripted, client: Client, clock: Clock, status: int
) -> None:
    server.answers(Answer(status), Answer(status), Answer(body={"n": 1}))
    assert client.get("/x") == {"n": 1}
    assert clock.slept == [1, 2]


@pytest.mark.fault(8)
def test_a_cut_answer_and_a_broken_one_are_repeated(server: Scripted, client: Client, clock: Clock) -> None:
    server.answers(
        Answer(body={"long": "x" * 1000}, cut=True),
        Answer(lost=True),
        Answer(body=b'{"half'),
        Answer(body={"n": 1}),
    )
    assert client.get("/x") == {"n": 1}
    assert clock.slept == [1, 2, 4]


@pytest.mark.fault(8)
def test_gives_up_after_bounded_attempts(server: Scripted, client: Client, clock: Clock) -> None:
    server.script = lambda _: Answer(503, {"message": f"down, {TOKEN}"})
    with pytest.raises(UnavailableError, match="503 in 5 attempts") as caught:
        client.get("/x")
    assert TOKEN not in str(caught.value)
    assert clock.slept == [1, 2, 4, 8]


@pytest.mark.fault(8)
def test_a_body_that_drips_is_no_answer(server: Scripted, client: Client, clock: Clock) -> None:
    def slow(_: object) -> Answer:
        clock.now += 1000  # while the answer is under way
        return Answer(body={})

    server.script = slow
    readings = iter(range(100))

    def late() -> float:
        return clock.now + next(readings) * 200

    client._clock = late
    with pytest.raises(UnavailableError, match="5 attempts"):
        client.get("/x")


def test_nobody_listens(clock: Clock) -> None:
    with requests.Session() as session:
        client = Client("http://127.0.0.1:9", Secret(TOKEN), session=session, sleep=clock.sleep, clock=clock)
        with pytest.raises(UnavailableError):
            client.post("/x", {})  # surely never sent: even a POST is repeated
    assert clock.slept == [1, 2, 4, 8]


@pytest.mark.fault(9)
@pytest.mark.parametrize("status", [403, 429])
def test_waits_exactly_retry_after(server: Scripted, client: Client, clock: Clock, status: int) -> None:
    server.answers(Answer(status, {"message": "slow down"}, {"Retry-After": "37"}), Answer(body={}))
    client.post("/x", {})
    assert clock.slept == [37]


@pytest.mark.fault(9)
def test_waits_until_the_reset(server: Scripted, client: Client, clock: Clock) -> None:
    reset = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(clock.now) + 90)}
    server.answers(Answer(403, {"message": "API rate limit exceeded"}, reset), Answer(body={}))
    client.get("/x")
    assert clock.slept == [90]


@pytest.mark.fault(9)
def test_a_date_in_retry_after(server: Scripted, client: Client, clock: Clock) -> None:
    server.answers(Answer(429, {}, {"Retry-After": "Tue, 14 Nov 2023 22:13:50 GMT"}), Answer(body={}))
    client.get("/x")
    assert clock.slept == [30]


@pytest.mark.fault(9)
def test_a_limit_beyond_the_budget_names_the_reset(server: Scripted, client: Client, clock: Clock) -> None:
    reset = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(clock.now) + 3600)}
    server.answers(Answer(403, {"message": "API rate limit exceeded"}, reset))
    with pytest.raises(UnavailableError, match="2023-11-14 23:13:20 UTC"):
        client.get("/x")
    assert clock.slept == []


@pytest.mark.fault(9)
def test_a_secondary_limit_without_headers_waits_a_growing_minute(
    server: Scripted, client: Client, clock: Clock
) -> None:
    limited = Answer(403, {"message": "You have exceeded a secondary rate limit."})
    server.answers(limited, limited, Answer(body={}))
    client.get("/x")
    assert clock.slept == [60, 120]


@pytest.mark.fault(10)
def test_a_missing_permission_is_named_at_once(server: Scripted, client: Client, clock: Clock) -> None:
    server.answers(
        Answer(
            403,
            {"message": "Resource not accessible by integration"},
            {"X-Accepted-GitHub-Permissions": "pull_requests=write,contents=read; issues=write"},
        )
    )
    with pytest.raises(
        PermissionMissingError, match="pull-requests: write and contents: read or issues: write"
    ) as caught:
        client.post("/repos/o/r/issues/1/comments", {})
    assert "Add `permissions: {pull-requests: write, contents: read}`" in caught.value.next
    assert clock.slept == []


@pytest.mark.fault(10)
@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/repos/o/r/issues/1/comments", "pull-requests: write"),
        ("GET", "/repos/o/r/issues/1/comments", "pull-requests: read"),
        ("POST", "/repos/o/r/releases", "contents: write"),
        ("POST", "/repos/o/r/deployments", "deployments: write"),
        ("GET", "/repos/o/r/pulls/1", "pull-requests: read"),
        ("GET", "/repos/o/r", "contents: read"),
    ],
)
def test_the_permission_of_a_path(method: str, path: str, expected: str) -> None:
    assert needed_permission(method, path) == expected


def test_401_404_409_422(server: Scripted, client: Client) -> None:
    server.answers(
        Answer(401, {"message": "Bad credentials"}),
        Answer(404, {"message": "Not Found"}),
        Answer(409, {"message": "Conflict"}),
        Answer(
            422, {"message": "Validation Failed", "errors": [{"code": "already_exists", "field": "tag_name"}]}
        ),
        Answer(404, b"<html>"),
        Answer(403, {"message": "Unable to create comment because issue is locked."}),
    )
    with pytest.raises(PermissionMissingError, match="does not accept the token"):
        client.get("/x")
    with pytest.raises(NotFoundError, match="the token cannot see it"):
        client.get("/x")
    with pytest.raises(GitHubError, match="with 409"):
        client.get("/x")
    with pytest.raises(UnprocessableError) as caught:
        client.post("/x", {})
    assert caught.value.codes == ("already_exists",)
    assert "tag_name: already_exists" in caught.value.why
    with pytest.raises(NotFoundError, match="<html>"):
        client.get("/x")
    with pytest.raises(GitHubError, match="locked") as locked:
        client.post("/repos/o/r/issues/1/comments", {})
    assert not isinstance(locked.value, PermissionMissingError)


@pytest.mark.fault(5)
@pytest.mark.parametrize("answer", [Answer(lost=True), Answer(502), Answer(body={"x": "y" * 99}, cut=True)])
def test_a_post_whose_answer_is_lost_is_not_repeated(
    server: Scripted, client: Client, answer: Answer
) -> None:
    server.answers(answer)
    with pytest.raises(AnswerLostError):
        client.post("/x", {"a": 1})
    assert len(server.seen) == 1


def test_all_pages_by_link_header(server: Scripted, client: Client) -> None:
    def page(request: object) -> Answer:
        path = request.path  # type: ignore[attr-defined]
        number = int(path.split("page=")[-1]) if "&page=" in path or "?page=" in path else 1
        following = f'<{server.url}/items?per_page=100&page={number + 1}>; rel="next"' if number < 4 else ""
        return Answer(body=[number], headers={"Link": following} if following else {})

    server.script = page  # type: ignore[assignment]
    assert list(client.pages("/items")) == [1, 2, 3, 4]
    assert server.seen[0].path == "/items?per_page=100"
    assert list(client.pages("/items", limit=2, complete=False)) == [1, 2]
    with pytest.raises(GitHubError, match="more than 200"):
        list(client.pages("/items", limit=2))


def test_a_next_link_to_another_host_is_not_followed(server: Scripted, client: Client) -> None:
    server.answers(Answer(body=[1], headers={"Link": '<https://evil.example/items?page=2>; rel="next"'}))
    with pytest.raises(GitHubError, match="another host"):
        list(client.pages("/items"))


def test_a_redirect_to_another_host_carries_no_token(server: Scripted, client: Client) -> None:
    with scripted() as other:
        other.answers(Answer(body=b"bytes", headers={"Content-Type": "application/octet-stream"}))
        server.answers(Answer(302, b"", {"Location": f"{other.url}/signed?sig=secret"}))
        with pytest.raises(GitHubError, match="not https") as caught:
            client.send("GET", "/asset", headers={"Accept": "application/octet-stream"})
        assert "sig=secret" not in str(caught.value)
        assert other.seen == []


def test_a_followed_redirect_drops_the_token(
    server: Scripted, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other host is https in real life; here the check of the scheme is off, not that of the host."""
    with scripted() as other:
        other.answers(Answer(body=b"bytes", headers={"Content-Type": "application/octet-stream"}))
        server.answers(Answer(302, b"", {"Location": f"{other.url}/signed?sig=secret"}))
        real = client._origin
        monkeypatch.setattr("modelrail.adapters.github.http._secure", lambda _url: True)
        assert real(other.url) not in client._hosts
        with client.send("GET", "/asset", headers={"Accept": "application/octet-stream"}) as response:
            assert response.content == b"bytes"
        assert "authorization" not in other.seen[0].headers
        assert TOKEN not in str(other.seen[0])


def test_a_renamed_repository(server: Scripted, client: Client) -> None:
    server.answers(
        Answer(301, b"", {"Location": f"{server.url}/new"}),
        Answer(body={"n": 1}),
        Answer(301, b"", {"Location": "/new"}),
    )
    assert client.get("/old") == {"n": 1}
    with pytest.raises(GitHubError, match="renamed"):
        client.post("/old", {})


def test_writes_keep_a_second_apart_except_on_this_machine(
    clock: Clock, server: Scripted, client: Client
) -> None:
    server.script = lambda _: Answer(body={})
    client.post("/x", {})
    client.post("/x", {})
    assert clock.slept == []
    client._write_gap = Client("https://api.github.com", Secret("x"))._write_gap
    client.patch("/x", {})
    clock.now += 0.25
    client.patch("/x", {})
    client.get("/x")
    assert clock.slept == [1.0, 0.75]


def test_upload_hosts() -> None:
    github = Client("https://api.github.com", Secret("x"))
    assert github.trusts("https://uploads.github.com/repos/o/r/releases/1/assets")
    assert not github.trusts("https://uploads.github.com.evil.example/")
    assert not github.trusts("http://api.github.com/")
    enterprise = Client("https://ghe.example/api/v3", Secret("x"))
    assert enterprise.trusts("https://ghe.example/api/uploads/repos/o/r/releases/1/assets")
    assert not enterprise.trusts("https://uploads.github.com/")

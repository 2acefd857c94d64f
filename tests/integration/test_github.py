"""The client's operations against the local GitHub: every request and answer is held against the OpenAPI."""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from modelrail.adapters import files
from modelrail.adapters.github.client import GitHub, _fit
from modelrail.errors import (
    ConflictError,
    ModelrailError,
    NotFoundError,
    PermissionMissingError,
    RecordError,
    UnavailableError,
)
from modelrail.localhub.faults import Fault, Incoming
from modelrail.plans import Asset, PublishRelease, SetDeployment, UpsertComment
from modelrail.settings import Secret

if TYPE_CHECKING:
    from support_git import LocalHub

MARKER = "<!-- modelrail:report -->"
MakeHub = Callable[..., "LocalHub"]
Connect = Callable[..., GitHub]


class Faults:
    """What goes wrong with the next requests that match."""

    def __init__(self) -> None:
        self.rules: list[tuple[str, str, list[Fault]]] = []
        self.seen: list[tuple[str, str]] = []

    def __call__(self, request: Incoming) -> Fault | None:
        self.seen.append((request.method, request.path))
        for method, end, queue in self.rules:
            if request.method == method and request.path.endswith(end) and queue:
                return queue.pop(0)
        return None

    def add(self, method: str, end: str, *faults: Fault) -> None:
        self.rules.append((method, end, list(faults)))

    def writes(self) -> list[str]:
        return [f"{method} {path.rsplit('/', 1)[1]}" for method, path in self.seen if method != "GET"]


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def hub(make_hub: MakeHub, faults: Faults, repository: Path) -> LocalHub:
    made = make_hub(faults=faults)
    made.seed(repository)
    return made


@pytest.fixture
def connect(hub: LocalHub) -> Iterator[Connect]:
    sessions = []

    def make(token: str = "", **options: Any) -> GitHub:
        session = requests.Session()
        sessions.append(session)
        used = token or hub.bot_token(contents="write", pull_requests="write", deployments="write")
        return GitHub(
            hub.api_url, Secret(used), hub.repository, session=session, sleep=lambda _seconds: None, **options
        )

    yield make
    for session in sessions:
        session.close()


@pytest.fixture
def pull(hub: LocalHub, repository: Path, git: Callable[..., str], connect: Connect) -> int:
    git(repository, "checkout", "--quiet", "-b", "better")
    (repository / "params.yaml").write_text("depth: 9\n")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "Deeper")
    hub.seed(repository, "better")
    made = connect(hub.token).http.post(
        f"/repos/{hub.repository}/pulls", {"title": "Deeper", "head": "better", "base": "main"}
    )
    return int(made["number"])


def comments(hub: LocalHub, connect: Connect, number: int) -> list[dict[str, Any]]:
    return list(connect(hub.token).http.pages(f"/repos/{hub.repository}/issues/{number}/comments"))


def comment(number: int, body: str = "hello") -> UpsertComment:
    return UpsertComment(pull_request=number, marker=MARKER, body=body)


# --- the sticky comment ------------------------------------------------------------------------------------


def test_creates_then_updates_then_leaves_alone(
    hub: LocalHub, connect: Connect, pull: int, faults: Faults
) -> None:
    github = connect()
    url = github.upsert_comment(comment(pull, "one"))
    assert github.upsert_comment(comment(pull, "two")) == url
    faults.seen.clear()
    assert github.upsert_comment(comment(pull, "two")) == url
    assert faults.writes() == []
    (only,) = comments(hub, connect, pull)
    assert only["body"] == f"{MARKER}\ntwo"
    assert only["user"]["login"] == "github-actions[bot]"


@pytest.mark.fault(30)
def test_finds_the_comment_on_page_four(hub: LocalHub, connect: Connect, pull: int) -> None:
    github = connect()
    for index in range(305):
        hub.hub.comment(hub.owner, hub.repo, pull, f"talk {index}", "octo")
    url = github.upsert_comment(comment(pull, "one"))
    for index in range(5):
        hub.hub.comment(hub.owner, hub.repo, pull, f"more {index}", "octo")
    assert github.upsert_comment(comment(pull, "two")) == url
    assert sum(MARKER in found["body"] for found in comments(hub, connect, pull)) == 1


@pytest.mark.fault(27)
def test_a_marker_written_by_someone_else_is_not_ours(hub: LocalHub, connect: Connect, pull: int) -> None:
    person = connect(hub.token)
    person.http.post(f"{person.base}/issues/{pull}/comments", {"body": f"{MARKER}\nfake"})
    connect().upsert_comment(comment(pull, "real"))
    found = comments(hub, connect, pull)
    assert [(each["user"]["login"], each["body"]) for each in found] == [
        ("octo", f"{MARKER}\nfake"),
        ("github-actions[bot]", f"{MARKER}\nreal"),
    ]


@pytest.mark.fault(27)
def test_a_quoted_marker_is_not_a_marker(hub: LocalHub, connect: Connect, pull: int) -> None:
    github = connect()
    github.http.post(f"{github.base}/issues/{pull}/comments", {"body": f"see\n{MARKER}\nquoted"})
    github.upsert_comment(comment(pull, "real"))
    assert len(comments(hub, connect, pull)) == 2


@pytest.mark.fault(30)
def test_of_two_the_oldest_is_updated_every_time(hub: LocalHub, connect: Connect, pull: int) -> None:
    github = connect()
    for text in ("first", "second"):
        github.http.post(f"{github.base}/issues/{pull}/comments", {"body": f"{MARKER}\n{text}"})
    assert len({github.upsert_comment(comment(pull, text)) for text in ("a", "b", "c")}) == 1
    assert [each["body"] for each in comments(hub, connect, pull)] == [f"{MARKER}\nc", f"{MARKER}\nsecond"]


@pytest.mark.fault(30)
def test_jobs_that_comment_for_the_first_time_at_once_leave_one_comment(
    make_hub: MakeHub, repository: Path, git: Callable[..., str], tmp_path: Path
) -> None:
    """Each has read that there is none before any writes: the barrier stands in front of every first POST."""
    count = 4
    together, first, lock = threading.Barrier(count), set[int](), threading.Lock()

    def decide(request: Incoming) -> Fault | None:
        if request.method == "POST" and request.path.endswith("/comments"):
            with lock:
                number = len(first)
                first.add(number)
            if number < count:
                together.wait(10)
        return None

    hub = make_hub(faults=decide)
    hub.seed(repository)
    git(repository, "checkout", "--quiet", "-b", "change")
    git(repository, "commit", "--quiet", "--allow-empty", "-m", "Change")
    hub.seed(repository, "change")
    number = int(hub.hub.open_pull_request(hub.owner, hub.repo, "change", "main", "T", "", "octo")["number"])
    token = hub.bot_token(pull_requests="write")

    def post(text: str) -> str:
        with requests.Session() as session:
            client = GitHub(
                hub.api_url, Secret(token), hub.repository, session=session, sleep=lambda _seconds: None
            )
            return client.upsert_comment(comment(number, text))

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        urls = set(pool.map(post, ["same", "same", "other", "third"]))
    (left,) = hub.hub.comments(hub.owner, hub.repo, number)
    assert left["body"].startswith(MARKER)
    assert urls == {left["html_url"]}
    assert len(first) == count
    post("next")
    (left,) = hub.hub.comments(hub.owner, hub.repo, number)
    assert left["body"].endswith("next")


@pytest.mark.fault(30)
def test_deleted_between_listing_and_writing(
    hub: LocalHub, connect: Connect, pull: int, faults: Faults
) -> None:
    github = connect()
    url = github.upsert_comment(comment(pull, "one"))
    number = url.rsplit("-", 1)[1]
    faults.add("PATCH", number, Fault(status=404, message="Not Found"))
    assert github.upsert_comment(comment(pull, "two")) != url
    assert "two" in comments(hub, connect, pull)[-1]["body"]


@pytest.mark.fault(5)
@pytest.mark.parametrize("fault", [Fault(cut="after"), Fault(cut="body")])
def test_a_lost_answer_makes_no_second_comment(
    hub: LocalHub, connect: Connect, pull: int, faults: Faults, fault: Fault
) -> None:
    faults.add("POST", "/comments", fault)
    url = connect().upsert_comment(comment(pull))
    (only,) = comments(hub, connect, pull)
    assert only["html_url"] == url


@pytest.mark.fault(8)
def test_a_post_that_was_not_carried_out_is_sent_again(
    hub: LocalHub, connect: Connect, pull: int, faults: Faults
) -> None:
    faults.add("POST", "/comments", Fault(cut="before"), Fault(status=502))
    connect().upsert_comment(comment(pull))
    assert len(comments(hub, connect, pull)) == 1


@pytest.mark.fault(28)
@pytest.mark.parametrize("body", ["x" * 70_000, "€" * 40_000, "<details>\n\n```text\n" + "line\n" * 20_000])
def test_a_body_over_the_limit_is_cut(hub: LocalHub, connect: Connect, pull: int, body: str) -> None:
    connect().upsert_comment(comment(pull, f"verdict first\n\n{body}"))
    (only,) = comments(hub, connect, pull)
    assert only["body"].startswith(f"{MARKER}\nverdict first")
    assert "Cut:" in only["body"]


@pytest.mark.fault(28)
def test_a_server_that_finds_it_too_long_gets_a_shorter_one(
    hub: LocalHub, connect: Connect, pull: int, faults: Faults
) -> None:
    faults.add(
        "POST", "/comments", Fault(status=422, message="Body is too long (maximum is 65536 characters)")
    )
    connect().upsert_comment(comment(pull, "line\n" * 11_000))
    (only,) = comments(hub, connect, pull)
    assert len(only["body"]) <= 32_768


def test_a_cut_closes_what_it_opened() -> None:
    cut = _fit("top\n<details><summary>a</summary>\n\n<details>\n\n````text\n" + "l\n" * 5000, 5000)
    assert len(cut.encode()) <= 5000
    assert cut.count("<details") == cut.count("</details>")
    assert cut.count("````") == 2


@pytest.mark.fault(10)
def test_a_token_that_may_only_read(hub: LocalHub, connect: Connect, pull: int) -> None:
    github = connect(hub.bot_token(contents="read", pull_requests="read"))
    with pytest.raises(PermissionMissingError, match=r"(issues|pull-requests): write"):
        github.upsert_comment(comment(pull))
    assert comments(hub, connect, pull) == []


def test_a_personal_token_finds_its_own_comment(hub: LocalHub, connect: Connect, pull: int) -> None:
    github = connect(hub.token)
    url = github.upsert_comment(comment(pull, "one"))
    assert connect(hub.token).upsert_comment(comment(pull, "two")) == url
    assert len(comments(hub, connect, pull)) == 1


# --- pull requests -----------------------------------------------------------------------------------


@pytest.mark.fault(23)
def test_the_pull_request_of_a_head(
    hub: LocalHub, connect: Connect, pull: int, repository: Path, git: Any
) -> None:
    github, head = connect(), git(repository, "rev-parse", "HEAD")
    assert [found["number"] for found in github.pulls_of_head("octo", "better")] == [pull]
    assert github.pull_request(pull)["head"]["sha"] == head
    assert github.pulls_of_head("eve", "better") == []
    assert github.pulls_of_head("octo", "main") == []
    hub.hub.close_pull_request("octo", "flights", pull)
    assert [found["state"] for found in github.pulls_of_head("octo", "better")] == ["closed"]
    with pytest.raises(NotFoundError):
        github.pull_request(99)


def test_the_pull_requests_of_a_commit(
    hub: LocalHub, connect: Connect, pull: int, repository: Path, git: Any
) -> None:
    found = connect().pulls_of_commit(git(repository, "rev-parse", "HEAD"))
    assert [each["number"] for each in found] == [pull]


# --- releases ----------------------------------------------------------------------------------------


@pytest.fixture
def tagged(hub: LocalHub, repository: Path, git: Callable[..., str]) -> str:
    git(repository, "tag", "-a", "delay@v1.0.0", "-m", "delay v1.0.0")
    git(repository, "push", "--quiet", hub.authorized_url(), "refs/tags/delay@v1.0.0")
    return "delay@v1.0.0"


@pytest.fixture
def effect(tmp_path: Path, tagged: str) -> PublishRelease:
    assets = []
    for name, data in (("model.skops", b"m" * 200_000), ("evidence.json", b"{}\n")):
        path = tmp_path / name
        path.write_bytes(data)
        assets.append(Asset(name=name, path=path, digest=files.digest_file(path)))
    return PublishRelease(
        tag=tagged, title="delay v1.0.0", body="card", assets=tuple(assets), prerelease=False, latest=True
    )


def releases(github: GitHub) -> list[dict[str, Any]]:
    return list(github.http.pages(f"{github.base}/releases"))


def test_publishes_and_is_repeatable(
    connect: Connect, effect: PublishRelease, tmp_path: Path, faults: Faults
) -> None:
    github = connect()
    url = github.publish_release(effect)
    release = github.release_by_tag(effect.tag)
    assert release is not None
    assert (release["html_url"], release["draft"], release["prerelease"], release["body"]) == (
        url,
        False,
        False,
        "card",
    )
    assert sorted(asset["name"] for asset in release["assets"]) == ["evidence.json", "model.skops"]
    assert github.http.get(f"{github.base}/releases/latest")["tag_name"] == effect.tag
    model = effect.assets[0]
    assert (
        github.download_asset(release, "model.skops", tmp_path / "got", digest=model.digest) == model.digest
    )
    assert (tmp_path / "got").read_bytes() == model.path.read_bytes()
    faults.seen.clear()
    assert github.publish_release(effect) == url
    assert faults.writes() == []
    assert len(releases(github)) == 1


@pytest.mark.fault(3)
@pytest.mark.fault(4)
@pytest.mark.parametrize("step", [1, 2, 3, 4, 5])
def test_killed_at_any_step_the_next_run_completes_it(
    connect: Connect, effect: PublishRelease, faults: Faults, step: int
) -> None:
    """create draft, upload 1 (half the bytes), upload 1 (lost answer), upload 2, publish."""
    cut = Fault(cut="after", read_at_most=1000) if step == 2 else Fault(cut="after")

    class KilledError(Exception):
        pass

    def die(_seconds: float) -> None:
        raise KilledError

    first = connect()
    first.http._sleep = die
    method = "PATCH" if step == 5 else "POST"
    end = {1: "/releases", 2: "/assets", 3: "/assets", 4: "/assets", 5: ""}[step]
    queue = [Fault(), cut] if step == 4 else [cut]
    faults.add(method, end, *queue)
    with pytest.raises(KilledError):
        first.publish_release(effect)
    if step != 5:
        assert first.release_by_tag(effect.tag) is None  # nothing published early
    second = connect()
    second.publish_release(effect)
    (release,) = releases(second)
    assert not release["draft"]
    assert {asset["name"]: asset["digest"] for asset in release["assets"]} == {
        asset.name: asset.digest for asset in effect.assets
    }


@pytest.mark.fault(5)
@pytest.mark.fault(8)
def test_every_answer_lost_once(connect: Connect, effect: PublishRelease, faults: Faults) -> None:
    faults.add("POST", "/releases", Fault(cut="after"))
    faults.add("POST", "/assets", Fault(cut="after"), Fault(cut="before"), Fault(status=503))
    faults.add("PATCH", "", Fault(cut="after"))
    github = connect()
    github.publish_release(effect)
    (release,) = releases(github)
    assert len(release["assets"]) == 2


@pytest.mark.fault(20)
def test_a_file_that_changed_since_the_evaluation_is_not_published(
    connect: Connect, effect: PublishRelease
) -> None:
    effect.assets[0].path.write_bytes(b"other")
    github = connect()
    with pytest.raises(RecordError, match="not the file that was evaluated"):
        github.publish_release(effect)
    assert releases(github) == []


def test_a_published_version_never_changes(connect: Connect, effect: PublishRelease) -> None:
    github = connect()
    github.publish_release(effect)
    path = effect.assets[0].path
    path.write_bytes(b"other")
    changed = PublishRelease(
        tag=effect.tag,
        title="x",
        body="x",
        assets=(Asset(name="model.skops", path=path, digest=files.digest_file(path)),),
        prerelease=False,
        latest=True,
    )
    with pytest.raises(ConflictError, match=r"other bytes for model.skops"):
        github.publish_release(changed)


def test_no_release_without_its_tag(connect: Connect, effect: PublishRelease) -> None:
    import msgspec

    github = connect()
    with pytest.raises(ConflictError, match="not on GitHub"):
        github.publish_release(msgspec.structs.replace(effect, tag="delay@v9.9.9"))
    assert releases(github) == []


def test_a_prerelease_is_never_the_latest(connect: Connect, effect: PublishRelease) -> None:
    import msgspec

    github = connect()
    github.publish_release(msgspec.structs.replace(effect, prerelease=True))
    with pytest.raises(NotFoundError):
        github.http.get(f"{github.base}/releases/latest")


@pytest.mark.fault(20)
def test_a_download_is_checked_and_capped(connect: Connect, effect: PublishRelease, tmp_path: Path) -> None:
    github = connect()
    github.publish_release(effect)
    release = github.release_by_tag(effect.tag)
    assert release is not None
    target = tmp_path / "got"
    with pytest.raises(RecordError, match="not the file that was registered"):
        github.download_asset(release, "model.skops", target, digest="sha256:" + "0" * 64)
    with pytest.raises(RecordError, match=r"at most 1,000"):
        github.download_asset(release, "model.skops", target, max_bytes=1000)
    with pytest.raises(NotFoundError, match="no file nothing"):
        github.download_asset(release, "nothing", target)
    assert not target.exists()
    assert [found.name for found in tmp_path.iterdir() if "got" in found.name] == []


@pytest.mark.fault(8)
def test_a_download_that_is_cut_is_tried_again(
    connect: Connect, effect: PublishRelease, tmp_path: Path, faults: Faults
) -> None:
    github = connect()
    github.publish_release(effect)
    release = github.release_by_tag(effect.tag)
    assert release is not None
    number = next(asset["id"] for asset in release["assets"] if asset["name"] == "model.skops")
    faults.add("GET", f"/assets/{number}", Fault(cut="body"), Fault(cut="before"))
    model = effect.assets[0]
    assert github.download_asset(release, model.name, tmp_path / "got", digest=model.digest) == model.digest
    faults.add("GET", f"/assets/{number}", *[Fault(status=503)] * 5)
    with pytest.raises(UnavailableError):
        github.download_asset(release, model.name, tmp_path / "again")
    assert not (tmp_path / "again").exists()


# --- deployments -------------------------------------------------------------------------------------


def test_a_deployment_is_made_once(
    connect: Connect, repository: Path, git: Any, faults: Faults, tagged: str
) -> None:
    github = connect()
    effect = SetDeployment(
        environment="production",
        ref=tagged,
        description="delay v1.0.0 " * 30,
        state="success",
        payload={"model": "delay", "version": "v1.0.0"},
    )
    faults.add("POST", "/deployments", Fault(cut="after"))
    url = github.set_deployment(effect)
    faults.seen.clear()
    assert github.set_deployment(effect) == url
    assert faults.writes() == []
    (only,) = github.http.pages(f"{github.base}/deployments")
    assert len(only["description"]) <= 140
    assert only["payload"] in (
        {"model": "delay", "version": "v1.0.0"},
        '{"model": "delay", "version": "v1.0.0"}',
    )


def test_errors_never_hold_the_token(hub: LocalHub, connect: Connect, faults: Faults) -> None:
    token = hub.bot_token(contents="read")
    github = connect(token)
    for fault in (Fault(status=500, message=f"oops {token}"), Fault(status=418, message=f"oops {token}")):
        faults.rules[:] = [("GET", "/1", [fault] * 5)]
        with pytest.raises((UnavailableError, ModelrailError)) as caught:
            github.pull_request(1)
        assert token not in f"{caught.value} {caught.value!r}"

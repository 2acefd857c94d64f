"""The few tags that tell where a model stands say what all of them say."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from modelrail.core.registry import heads, history, tags
from modelrail.records import Event

VERSIONS = ("v1.0.0", "v1.2.0", "v1.10.0")
STAGES = ("staging", "production")


def event(tag: str, time: int = 0, version: str | None = None, **trailers: str) -> Event:
    name = tags.parse_name(tag)
    assert name is not None
    return Event(
        kind=name.kind, model=name.model, version=name.version or version, stage=name.stage,
        sequence=name.counter, tag=tag, object="0" * 40, commit="1" * 40, time=time, tagger="", subject="",
        trailers=trailers,
    )  # fmt: skip


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Anything that the grammar allows, in any order of time; mostly what modelrail writes itself."""
    found: dict[str, Event] = {}
    for number in range(draw(st.integers(0, 12))):
        version, stage = draw(st.sampled_from(VERSIONS)), draw(st.sampled_from(STAGES))
        odd = draw(st.integers(0, 29))
        tag = draw(
            st.sampled_from(
                (f"m@{version}", f"m#{stage}#{number}", f"m#{stage}#{number}", f"m#{stage}!#{number}")
            )
        )
        more: dict[str, Any] = {"version": version}
        if odd == 0:
            tag = draw(
                st.sampled_from(
                    (f"m#{stage}", f"m@{version}!", "m@deprecated", f"m#{stage}#0", f"m@{version}#7")
                )
            )
        elif odd == 1:
            more["version"] = None
        elif odd == 2:
            more["Beside"] = draw(st.sampled_from(VERSIONS))
        found.setdefault(tag, event(tag, draw(st.integers(0, 5)), **more))
    return list(found.values())


@given(histories())
def test_the_few_say_what_all_say(events: list[Event]) -> None:
    wanted = heads.telling({one.tag: tags.parse_name(one.tag) for one in events})  # type: ignore[misc]
    few = [one for one in events if one.tag in (wanted or ())]
    if wanted is None or not heads.suffice(wanted, few):
        return
    whole, seen = history.fold_model("m", events), history.fold_model("m", few)
    assert seen.stages == whole.stages
    assert (seen.latest and seen.latest.version) == (whole.latest and whole.latest.version)
    assert (seen.deprecated, seen.counter) == (whole.deprecated, whole.counter)


def test_of_a_long_history_few_are_read() -> None:
    events = [event(f"m@v1.{at}.0") for at in range(1000)]
    events += [event(f"m#{STAGES[at % 2]}#{at + 1}", version=f"v1.{at % 1000}.0") for at in range(2000)]
    wanted = heads.telling({one.tag: tags.parse_name(one.tag) for one in events})  # type: ignore[misc]
    assert wanted == {"m@v1.999.0", "m#staging#1999", "m#production#2000"}


def test_what_names_alone_do_not_tell() -> None:
    def told(*found: Event) -> frozenset[str] | None:
        return heads.telling({one.tag: tags.parse_name(one.tag) for one in found})  # type: ignore[misc]

    assert told(event("m@v1.0.0"), event("m@v1.0.0!")) is None
    assert told(event("m#s#1", version="v1.0.0"), event("m#s!#1", version="v1.0.0")) is None
    assert told(event("m#s", version="v1.0.0")) is None
    beside = event("m#s#2", version="v2.0.0", Beside="v1.0.0")
    assert told(event("m#s#1", version="v1.0.0"), beside) == {"m#s#2"}
    assert not heads.suffice({"m#s#2"}, [beside])
    assert not heads.suffice({"m#s#2"}, [event("m#s#2")])  # by its commit, as GTO's
    assert not heads.suffice({"m#s#2"}, [])  # a lightweight tag

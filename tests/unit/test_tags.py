"""The tag grammar and the messages: whatever is written is read again, whatever is strange is nobody's."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelrail.core.registry import tags
from modelrail.core.registry.tags import Name
from modelrail.core.registry.versions import Version, is_version, sort_key

ALNUM = "abzAZ09"
names = st.from_regex(r"[a-zA-Z0-9]([a-zA-Z0-9/_-]{0,8}[a-zA-Z0-9])?", fullmatch=True).filter(tags.is_name)
folders = st.from_regex(r"[a-zA-Z0-9_./-]{1,6}", fullmatch=True)
models = st.one_of(names, st.builds(lambda folder, name: f"{folder}:{name}", folders, names))
numbers = st.integers(0, 99)
identifiers = st.from_regex(r"0|[1-9][0-9]{0,2}|[0-9]{0,2}[a-zA-Z-][0-9a-zA-Z-]{0,4}", fullmatch=True)
dotted = st.lists(identifiers, min_size=1, max_size=3).map(".".join)


def version(major: int, minor: int, patch: int, pre: str | None, build: str | None) -> str:
    return f"v{major}.{minor}.{patch}{f'-{pre}' if pre else ''}{f'+{build}' if build else ''}"


versions = st.builds(
    version,
    numbers,
    numbers,
    numbers,
    st.none() | dotted,
    st.none() | dotted,
)
counters = st.integers(0, 10**9)
events = st.one_of(
    st.builds(
        lambda model, version, n: Name("register", model, version=version, counter=n),
        models,
        versions,
        st.none() | counters,
    ),
    st.builds(
        lambda model, version, n: Name("deregister", model, version=version, counter=n),
        models,
        versions,
        st.none() | counters,
    ),
    st.builds(lambda model, stage, n: Name("assign", model, stage=stage, counter=n), models, names, counters),
    st.builds(
        lambda model, stage, n: Name("unassign", model, stage=stage, counter=n), models, names, counters
    ),
    st.builds(lambda model, n: Name("deprecate", model, counter=n), models, st.none() | counters),
)


@given(events)
def test_what_is_written_is_read(name: Name) -> None:
    tag = tags.format_name(name)
    assert tags.parse_name(tag) == name
    assert tag.startswith(tags.prefixes(name.model))


@given(st.one_of(st.text(max_size=40), st.from_regex(r"[a-z#@!v0-9./=-]{1,20}", fullmatch=True)))
def test_parsing_is_total_and_a_tag_is_its_own_form(text: str) -> None:
    name = tags.parse_name(text)
    if name is not None and "=" not in text:
        try:
            again = tags.format_name(name)
        except ValueError:
            assert "//" in text  # git refuses these; the grammar alone does not
        else:
            # A counter may be written with leading zeros.
            assert re.sub(r"#0+(?=\d+\Z)", "#", again) == re.sub(r"#0+(?=\d+\Z)", "#", text)


@given(models, models)
def test_the_prefixes_of_one_model_match_no_tag_of_another(one: str, other: str) -> None:
    if one != other:
        tag = tags.format_name(Name("assign", other, stage="production", counter=1))
        assert not tag.startswith(tags.prefixes(one))


def test_the_grammar_is_gtos() -> None:
    """GTO itself reads a sample of tags the same way."""
    sample = [
        "a@v1.2.3",
        "a@v1.2.3!",
        "a@v1.2.3#4",
        "a@v1.2.3!#4",
        "a#prod",
        "a#prod#1",
        "a#prod!#1",
        "a#5",
        "a#5#6",
        "dir/sub=a#prod#1",
        "svc/a@deprecated",
        "a@deprecated#3",
        "a@v1.2",
        "a@1.2.3",
        "a@v01.2.3",
        "a-#prod#1",
        "-a#prod#1",
        "a@v1.2.3-rc.1+b.2",
        "a#prod#x",
        "v1.2.3",
        "a#prod!",
        "a##1",
        "a@",
        "a_b#e/f#1",
        "=a#p#1",
    ]
    code = (
        "import json, sys; from gto.tag import parse_name\n"
        "out = {}\n"
        "for t in json.load(sys.stdin):\n"
        "    p = parse_name(t, raise_on_fail=False)\n"
        "    keys = ('name', 'version', 'stage', 'counter')\n"
        "    out[t] = [p['action'].value, *map(p.get, keys)] if p else None\n"
        "print(json.dumps(out))"
    )
    import json

    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(sample),
        capture_output=True,
        text=True,
        check=True,
        cwd=Path.cwd(),
    )
    theirs = json.loads(done.stdout)
    ours = {}
    for tag in sample:
        name = tags.parse_name(tag)
        ours[tag] = [name.kind, name.model, name.version, name.stage, name.counter] if name else None
    assert ours == theirs


@pytest.mark.fault(26)
@pytest.mark.parametrize(
    "bad", ["", "a b", "$(id)", "a;b", "a\n", "a'", "a//b", "-a", "a-", "a\u202eb", "a:b", "é"]
)
def test_bad_names_are_not_written(bad: str) -> None:
    assert not tags.is_name(bad)
    with pytest.raises(ValueError, match="stage name"):
        tags.format_name(Name("assign", "m", stage=bad, counter=1))
    if ":" not in bad:
        with pytest.raises(ValueError, match="model name"):
            tags.format_name(Name("assign", bad, stage="s", counter=1))
    with pytest.raises(ValueError, match="version"):
        tags.format_name(Name("register", "m", version=bad))


def test_a_huge_counter_is_nobodys() -> None:
    assert tags.parse_name("a#prod#" + "9" * 16) is None


keys = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,10}", fullmatch=True)
nasty = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            "x\nVersion: v9.9.9",
            "x\n\nModel: other",
            "x\r\nModel: y",
            "\u2028Model: y",
            "a\x85Model: y",
            "\x0bModel: y",
            "-----BEGIN PGP SIGNATURE-----",
            "-----BEGIN SSH SIGNATURE-----\nx",
            "\x1b[2Jx",
            "\u202eevil",
            " lead",
        ]
    ),
)


@pytest.mark.fault(26)
@given(nasty, st.lists(nasty, max_size=3), st.dictionaries(keys, nasty, min_size=1, max_size=5))
def test_no_text_forges_a_trailer(subject: str, summary: list[str], trailers: dict[str, str]) -> None:
    written = {key: tags.one_line(value) for key, value in trailers.items() if tags.one_line(value)}
    if not tags.one_line(subject) or not written:
        with pytest.raises(ValueError, match="a registry tag has"):
            tags.message(subject, summary, trailers)
        return
    text = tags.message(subject, summary, trailers)
    assert tags.parse_message(text)[1] == written
    assert (
        tags.parse_message(text + "-----BEGIN SSH SIGNATURE-----\nabc\n-----END SSH SIGNATURE-----\n")[1]
        == written
    )
    assert "\x1b" not in text
    assert "\u202e" not in text
    for line in text.splitlines():
        assert line == line.rstrip()


def test_git_reads_the_same_trailers(tmp_path: Path) -> None:
    text = tags.message(
        "a b", ["Model: not a trailer"], {"Model": "a", "Reason": "x\nVersion: v9", "Run": "http://x/1"}
    )
    done = subprocess.run(
        ["git", "interpret-trailers", "--parse"],
        input=text,
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert done.stdout.splitlines() == ["Model: a", "Reason: x Version: v9", "Run: http://x/1"]


@given(st.text(max_size=200))
def test_messages_of_others_are_read_without_failing(text: str) -> None:
    subject, trailers = tags.parse_message(text)
    assert "\n" not in subject
    assert all("\n" not in value for value in trailers.values())


@given(versions)
def test_a_bump_is_greater(text: str) -> None:
    version = Version(text)
    for part in ("patch", "minor", "major"):
        assert version.bump(part) > version or "+" in text  # type: ignore[arg-type]
        assert is_version(version.bump(part).text)  # type: ignore[arg-type]


def test_precedence_is_semvers() -> None:
    ordered = [
        "v1.0.0-alpha",
        "v1.0.0-alpha.1",
        "v1.0.0-alpha.beta",
        "v1.0.0-beta",
        "v1.0.0-beta.2",
        "v1.0.0-beta.11",
        "v1.0.0-rc.1",
        "v1.0.0",
        "v1.0.1",
        "v1.2.0",
        "v1.10.0",
        "v2.0.0",
    ]
    shuffled = [*ordered[5:], *ordered[:5]]
    assert sorted(shuffled, key=sort_key) == ordered
    assert Version("v1.3.0-rc.1").bump("patch").text == "v1.3.0"
    assert Version("v1.2.3").bump("minor").text == "v1.3.0"
    assert Version("v2.0.0-rc.1").bump("major").text == "v2.0.0"
    for bad in ("1.2.3", "v1.2", "v1.2.3\n", "v01.2.3", "v1.2.3-", "v1.2.3-01", ""):
        assert not is_version(bad)


_line = st.one_of(
    st.builds(
        "{}: {}".format,
        st.sampled_from(
            ["Version", "After", "Beside", "Commit", "Reason", "Unhealthy", "Model-Digest", "X-1", "1x"]
        ),
        st.text(st.characters(blacklist_categories=("Cs",)), max_size=8),
    ),
    st.text(st.characters(blacklist_categories=("Cs",)), max_size=12),
)


@given(st.lists(_line, max_size=8).map("\n".join), st.booleans())
def test_reading_the_state_alone_reads_the_same(block: str, subject: bool) -> None:
    """The fast way must not take for a trailer what the whole way does not, nor the other way round."""
    text = f"subject\n\n{block}" if subject else block
    whole, fast = tags.parse_message(text), tags.parse_message(text, state_only=True)
    keys = {
        "Version", "After", "Beside", "Unhealthy", "Reinstates", "Commit", "Model-Digest", "Evidence-Digest",
    }  # fmt: skip
    assert fast == (whole[0], {key: value for key, value in whole[1].items() if key in keys})


@pytest.mark.parametrize("tag", ["q#c//4", "a//b@v1.0.0", "a//b@deprecated"])
def test_what_git_would_not_take_is_nobodys(tag: str) -> None:
    """Found by scripts/fuzz: it was read, and could not be written."""
    assert tags.parse_name(tag) is None

"""Which refs leave no room for others, among very many."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from modelrail.adapters.registry import blocked

names = st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map(
    lambda parts: "refs/tags/" + "/".join(parts)
)


@given(st.sets(names, max_size=6), st.sets(names, max_size=6))
def test_each_is_held_against_each(refs, there):
    found = blocked.between(sorted(refs), there)
    for ref in refs:
        stands = {other for other in there if ref.startswith(f"{other}/") or other.startswith(f"{ref}/")}
        assert (ref in found) == bool(stands)
        assert ref not in found or found[ref] in stands


def test_a_hundred_thousand_are_held_against_as_many_at_once():
    """Pair by pair it would take an hour."""
    refs = [f"refs/tags/team/m{at}@v1.0.0" for at in range(100_000)]
    assert blocked.between(refs, [*refs, "refs/heads/main"]) == {}
    assert len(blocked.between(refs, ["refs/tags/team"])) == len(refs)

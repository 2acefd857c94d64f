"""`slices:` and `slice_search:` of modelrail.yaml, as check.py reads them."""

from __future__ import annotations

import itertools

import msgspec

from modelrail.config import resolved as config
from modelrail.config import schema as config_schema
from modelrail.config import schema_policy as config_schema_policy
from modelrail.config.fields import Faults, Fields, near, text
from modelrail.config.yaml_strict import Items, Node, Table, kind, shown

JOIN = " & "  # between the columns of a combination
MAX_SLICES = 200


def slices(fields: Fields, targets: tuple[str, ...]) -> tuple[config.Slice, ...]:
    """The slices as listed, combinations spelled out."""
    found: list[config.Slice] = []
    for index, node in enumerate(fields.items("slices")):
        path = f"{fields.at('slices')}[{index}]"
        asked = _item(fields.faults, node, path)
        several = len(asked) > 1
        for one in asked:
            named = shown(one.column)
            target = next((name for name in one.reads if name in targets), "")
            if target:
                hint = "A slice by the label holds one class alone; recall and precision say what it would."
                fields.faults.add(path, f"{shown(target)} is the target.", hint, node.line)
                break
            if any(other.column == one.column for other in found):
                if not several:  # of all combinations up to a depth, some may stand there already
                    what = "the column" if not (one.parts or one.where) else "the slice"
                    hint = "Keep one of them."
                    fields.faults.add(path, f"{what} {named} is listed twice.", hint, node.line)
            else:
                found.append(one)
    if len(found) > MAX_SLICES:
        hint = "Name fewer columns, or a smaller depth."
        fields.fault("slices", f"these are {len(found):,} ways to slice; {MAX_SLICES} are allowed.", hint)
    return _cut_alike(tuple(found))


def resolve(fields: Fields, sliced: tuple[config.Slice, ...], key: str = "slices") -> str | None:
    """What a gate or waiver means by `slices: carrier` or `slices: [carrier, origin]`."""
    wanted = names(fields, key)
    if not wanted:
        return None
    known = {one.column: one for one in sliced}
    if len(wanted) == 1:
        if wanted[0] in known:
            return wanted[0]
    else:
        same = (one.column for one in sliced if one.parts and set(one.reads) == set(wanted))
        found = next(same, None)
        if found is not None:
            return found
    label = JOIN.join(wanted)
    asked = f"[{', '.join(wanted)}]" if len(wanted) > 1 else wanted[0]
    every = f"There are: {', '.join(known)}." if known else f"Add `slices: [{asked}]` to the model."
    fields.fault(key, f"{shown(label)} is not one of the model's slices.", near(label, known) or every)
    return label


def names(fields: Fields, key: str) -> tuple[str, ...]:
    """One text, or a list of them."""
    node = fields.node(key)
    if node is None:
        return ()
    if not isinstance(node, Items):
        one = text(fields.faults, node, fields.at(key))
        return () if one is None else (one,)
    if not node.items:
        fields.fault(key, "the list is empty.", "At least one item is needed.")
    found = [text(fields.faults, item, f"{fields.at(key)}[{index}]") for index, item in enumerate(node.items)]
    return tuple(dict.fromkeys(one for one in found if one is not None))


def search(fields: Fields) -> tuple[Fields | None, config.SliceSearch | None]:
    """The search, and the mapping for the caller to read its metric from."""
    node = fields.node("slice_search")
    if node is None:
        return None, None
    inner = Fields(fields.faults, node, fields.at("slice_search"), config_schema_policy.SEARCH)
    if inner.broken:
        return None, None
    depth, rows = inner.integer("depth"), inner.integer("min_rows")
    return inner, config.SliceSearch(
        depth=config_schema_policy.SEARCH_DEPTH if depth is None else depth,
        min_rows=config_schema_policy.SEARCH_ROWS if rows is None else rows,
    )


# --- one item --------------------------------------------------------------------------------------------


def _item(faults: Faults, node: Node, path: str) -> list[config.Slice]:
    if isinstance(node, Items):
        wanted = Table({"columns": node}, node.line, {"columns": node.line})
        return _combination(Fields(faults, wanted, path, config_schema_policy.COMBINATION_TABLE))
    if not isinstance(node, Table):
        column = text(faults, node, path)
        return [] if column is None else [config.Slice(column=column)]
    if "columns" in node.entries:
        return _combination(Fields(faults, node, path, config_schema_policy.COMBINATION_TABLE))
    if "where" in node.entries or "name" in node.entries:
        return _expression(Fields(faults, node, path, config_schema_policy.EXPRESSION_TABLE))
    inner = Fields(faults, node, path, config_schema.SLICE_TABLE)
    column = inner.text("column")
    bins, rows = inner.integer("bins"), _min_rows(inner)
    return [] if column is None else [config.Slice(column=column, bins=bins, min_rows=rows)]


def _min_rows(inner: Fields) -> int:
    rows = inner.integer("min_rows")
    return config_schema.MIN_ROWS if rows is None else rows


def _combination(inner: Fields) -> list[config.Slice]:
    node = inner.node("columns")
    wanted = names(inner, "columns") if isinstance(node, Items) else ()
    if not isinstance(node, Items):
        if node is not None:
            inner.fault("columns", f"expected a list, found {kind(node)}.", "As `[carrier, origin]`.")
    elif not 2 <= len(node.items) <= 20:
        if node.items:
            hint = "For one column, write its name."
            inner.fault("columns", f"2 to 20 columns are combined, found {len(node.items)}.", hint)
    elif len(wanted) < 2:
        inner.fault("columns", "the same column is listed twice.", "A combination needs two.")
    depth, rows = inner.integer("depth"), _min_rows(inner)
    sizes = [len(wanted)] if depth is None else range(1, min(depth, len(wanted)) + 1)
    return [
        config.Slice(column=some[0], min_rows=rows)
        if len(some) == 1
        else config.Slice(
            column=JOIN.join(some), min_rows=rows, parts=tuple(config.Slice(column=name) for name in some)
        )
        for size in sizes
        for some in itertools.combinations(wanted, size)
        if some
    ]


def _expression(inner: Fields) -> list[config.Slice]:
    name, where, rows = inner.text("name"), inner.text("where"), _min_rows(inner)
    if name is None or where is None:
        return []
    from modelrail.core.slices import expressions  # where no slice says `where` it is not needed

    try:
        tree = expressions.parse(where)
    except expressions.ExpressionError as error:
        hint = "As `distance > 1000 and carrier in ['EV', 'UA']`."
        inner.fault("where", f"at character {error.place}, {error.what}.", hint)
        return []
    read = expressions.columns(tree)
    return [config.Slice(column=name, min_rows=rows, where=where, where_columns=read)]


def _cut_alike(found: tuple[config.Slice, ...]) -> tuple[config.Slice, ...]:
    """The parts of a combination are cut as the list says of their columns."""
    bins = {one.column: one.bins for one in found if one.bins}
    return tuple(
        msgspec.structs.replace(
            one,
            parts=tuple(config.Slice(column=part.column, bins=bins.get(part.column)) for part in one.parts),
        )
        if one.parts
        else one
        for one in found
    )

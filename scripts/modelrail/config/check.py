"""The strict reading of modelrail.yaml: every fault at once, each with its path, its line and a hint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modelrail.config import gates as config_gates
from modelrail.config import metrics as config_metrics
from modelrail.config import policy as config_policy
from modelrail.config import resolved as config
from modelrail.config import schema as config_schema
from modelrail.config import sealed as config_sealed
from modelrail.config import slices as config_slices
from modelrail.config import targets as config_targets
from modelrail.config.fields import Faults, Fields, near, text
from modelrail.config.yaml_strict import Node, Scalar, Table, YamlFaultError, join, kind, shown
from modelrail.config.yaml_strict import parse as parse_yaml
from modelrail.core.registry.tags import is_name
from modelrail.errors import ConfigError

MODEL_HINTS = {
    "requirements": 'Did you mean "env"?',
    "environment": 'Did you mean "env"?',
    "test": "It belongs under `data:`.",
    "target": "It belongs under `data:`.",
    "label": "`target`, under `data:`, names the label.",
    "key": "It belongs under `data:`.",
    "type": 'Did you mean "task"?',
    "train_timeout": "Write `timeout: {train: 2h}`.",
    "predict_timeout": "Write `timeout: {predict: 30m}`.",
    "metric": 'Did you mean "metrics"?',
}
DATA_HINTS = {
    "label": 'Did you mean "target"?',
    "id": 'Did you mean "key"?',
    "index": 'Did you mean "key"?',
    "groups": 'Did you mean "group"?',
}


def load(path: Path) -> config.Config:
    """Read the file. Raises ConfigError when it is missing, unreadable or wrong."""
    label = _label(path)
    try:
        with path.open("rb") as stream:
            data = stream.read(config_schema.MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(
            f"{label} does not exist.",
            next="Run `modelrail init` to write one, or name the file with --config.",
            file=label,
        ) from None
    except OSError as error:
        raise ConfigError(f"{label} cannot be read.", why=error.strerror or str(error), file=label) from None
    if len(data) > config_schema.MAX_FILE_BYTES:
        raise ConfigError(f"{label} has more than {config_schema.MAX_FILE_BYTES:,} bytes.", file=label)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{label} is not UTF-8 text.",
            why=f"The byte 0x{data[error.start]:02x} in line {line} does not fit.",
            next="Save the file as UTF-8.",
            file=label,
            line=line,
        ) from None
    return parse(text, label)


def parse(text: str, file: str) -> config.Config:
    """Read the text of the file; `file` is its name in messages. Raises ConfigError with every fault."""
    faults = Faults(file)
    found: config.Config | None = None
    try:
        root, form = parse_yaml(text, file)
    except YamlFaultError as error:
        faults.found.append(error.fault)
    else:
        faults.found.extend(form)
        found = _config(faults, root)
    if faults.found or found is None:
        raise _error(faults)
    return found


def _label(path: Path) -> str:
    try:
        return str(path.resolve().relative_to(Path.cwd().resolve()))
    except (ValueError, OSError):
        return str(path)


def _error(faults: Faults) -> ConfigError:
    found = tuple(sorted(faults.found, key=lambda fault: fault.line))
    count = "one fault" if len(found) == 1 else f"{len(found)} faults"
    first = found[0]
    return ConfigError(
        f"{faults.file} has {count}.",
        faults=found,
        next="Every key is described in docs/configuration.md.",
        path=first.path,
        file=faults.file,
        line=first.line,
    )


def _config(faults: Faults, root: Node | None) -> config.Config | None:
    if root is None or (isinstance(root, Scalar) and root.value is None):
        faults.add("", "the file is empty.", "Run `modelrail init --force` to write one.", 1)
        return None
    fields = Fields(faults, root, "", config_schema.schema(), {"model": 'Did you mean "models"?'})
    version = fields.node("version")
    if version is not None and not (
        isinstance(version, Scalar) and version.value == 1 and not isinstance(version.value, bool)
    ):
        fields.fault("version", f"expected 1, found {kind(version)}.", "This program reads version 1.")
    models = tuple(_model(faults, name, node) for name, node in _named(fields, "models", "model"))
    return config.Config(version=1, models=models, signing=_signing(faults, fields.node("signing")))


def _signing(faults: Faults, node: Node | None) -> config.Signing | None:
    if node is None:
        return None
    fields = Fields(faults, node, "signing", config_schema.DEFINITIONS["signing"])
    required = fields.boolean("required", default=False)
    signers = fields.path_text("signers")
    if required and "signers" not in fields:
        fields.fault("required", "without `signers` nobody is allowed to sign.", "Add `signers: FILE`.")
    return config.Signing(
        format="gpg" if fields.choice("format", "ssh") == "gpg" else "ssh",
        key=fields.text("key"),
        signers=signers,
        required=required,
    )


def _named(fields: Fields, key: str, what: str) -> list[tuple[str, Node]]:
    """The entries of a mapping from names to tables: the names by the grammar of tags."""
    node = fields.node(key)
    if node is None:
        return []
    if not isinstance(node, Table):
        hint = f"Write `{key}:` and below it, indented, the name of each {what}."
        fields.fault(key, f"expected a mapping of names, found {kind(node)}.", hint)
        return []
    if not node.entries:
        fields.fault(key, f"no {what} is named.", f"At least one {what} is needed.")
    for name in node.entries:
        if not is_name(name) or len(name) > config_schema.MAX_NAME:
            fields.faults.add(
                join(fields.at(key), name),
                f"{shown(name)} is not a name for a {what}.",
                "Tags carry it: letters, digits, `-`, `_`, `/`, with a letter or digit at both ends.",
                node.lines[name],
            )
    return list(node.entries.items())


def _model(faults: Faults, name: str, node: Node) -> config.Model:
    path = join("models", name)
    fields = Fields(faults, node, path, config_schema.DEFINITIONS["model"], MODEL_HINTS)
    task = fields.choice("task")
    data = _data(fields, task)
    slices = config_slices.slices(fields, data.label_columns)
    listed = config_metrics.listed(fields, task)
    stages = _stages(fields)
    places = tuple(stage.name for stage in stages)
    gates, checks, metrics = config_gates.gates(
        fields, task, listed, slices, places, train="train" in _inner(fields, "data")
    )
    limits = _timeout(fields)
    if data.sealed is not None:
        config_sealed.check(fields, metrics, checks)
    return config.Model(
        name=name,
        path=fields.path_text("path") or ".",
        task=task,  # type: ignore[arg-type] # `choice` allows these values alone, or a fault is noted
        env=fields.path_text("env"),
        data=data,
        params=fields.path_text("params"),
        train=fields.command("train") or "",
        model=fields.path_text("model") or "",
        predict=fields.command("predict"),
        metrics_file=fields.path_text("metrics_file"),
        positive=_positive(fields, task),
        metrics=metrics,
        slices=slices,
        gates=gates,
        stages=stages,
        store=_store(fields),
        allow_pickle=fields.boolean("allow_pickle", default=False),
        train_timeout=limits[0],
        predict_timeout=limits[1],
        checks=checks,
        waivers=config_gates.waivers(fields, task, gates, checks, slices, places),
        slice_search=config_gates.slice_search(fields, task, metrics),
        test_budget=config_policy.budget(fields),
        baselines=config_policy.baselines(fields),
    )


def _inner(fields: Fields, key: str) -> dict[str, Node]:
    node = fields.node(key)
    return node.entries if isinstance(node, Table) else {}


def _data(model: Fields, task: str) -> config.Data:
    node = model.node("data")
    if node is None:
        return config.Data(test="", target="", key="")
    fields = Fields(model.faults, node, model.at("data"), config_schema.DEFINITIONS["data"], DATA_HINTS)
    targets = config_targets.columns(fields, task)
    target = ", ".join(targets) if targets else fields.text("target")
    key = fields.text("key")
    if target and key in (targets or (target,)):
        fields.fault("key", f"{shown(key)} is the target.", "The key names a row and is not the label.")
    _roles(fields, targets or ((target,) if target else ()), task)
    train, test = fields.path_text("train"), fields.path_text("test")
    if train and train == test:
        fields.fault(
            "test", f"{shown(test)} is also the training table.", "Test on rows that training has not seen."
        )
    sealed = fields.choice("sealed") or None
    if (sealed == "labels") != ("labels" in fields):
        fields.fault(
            "labels" if "labels" in fields else "sealed",
            "`labels` and `sealed: labels` go together: one without the other does not fit.",
            "Name the table of key and target as `labels:`, and write `sealed: labels`.",
        )
    return config.Data(
        sealed=sealed,  # type: ignore[arg-type] # `choice` allows these values alone
        labels=fields.path_text("labels"),
        train=train, test=test or "", target=target or "", key=key or "",
        targets=targets, separator=config_targets.separator(fields, task, targets),
        group=fields.text("group"), schema=fields.path_text("schema"), weight=fields.text("weight"),
        time=fields.text("time"), block=fields.integer("block"), query=fields.text("query"),
        needs=fields.paths("needs"),
    )  # fmt: skip


def _plain(fields: Fields, key: str) -> str | None:
    node = fields.node(key)
    return node.value if isinstance(node, Scalar) and isinstance(node.value, str) else None


def _roles(fields: Fields, targets: tuple[str, ...], task: str) -> None:
    """What columns may be used for, and which go together."""
    for role in ("group", "weight", "time", "query"):
        named = _plain(fields, role)
        if named and named in targets:
            fields.fault(role, f"{shown(named)} is the target.", "It is what is to be predicted.")
    if "group" in fields and "time" in fields:
        fields.fault("time", "rows are taken together by group or by time, not both: time does not fit.", "")
    if "block" in fields and "time" not in fields:
        fields.fault("block", "without time, block does not fit.", "Add `time:`.")
    if task == "ranking" and "query" not in fields:
        fields.fault(
            "query", "a ranking task needs it: query does not fit otherwise.", "Add `query: query_id`."
        )
    if task != "ranking" and "query" in fields:
        fields.fault("query", f"query does not fit a {task or 'this'} task.", "Leave it out.")


def _positive(fields: Fields, task: str) -> str | None:
    """The label as written: `late`, `1` or `true`."""
    node = fields.node("positive")
    if node is None:
        return None
    if task in {"multiclass", "multilabel", "regression", "ranking"}:
        fields.fault("positive", f"a {task} task has no positive class.", "Leave it out.")
    if isinstance(node, Scalar) and isinstance(node.value, bool | int):
        return node.text
    return fields.text("positive")


def _store(fields: Fields) -> Any:
    return fields.choice("store", "release")


def _timeout(model: Fields) -> tuple[float, float]:
    schema = config_schema.DEFINITIONS["model"]["properties"]["timeout"]
    node = model.node("timeout")
    if node is not None and not isinstance(node, Table):
        hint = "Write `timeout: {train: 2h, predict: 30m}`."
        model.fault("timeout", f"expected a mapping, found {kind(node)}.", hint)
        node = None
    fields = Fields(model.faults, node or Table({}, model.line), model.at("timeout"), schema)
    return (
        fields.duration("train", config_schema.TRAIN_TIMEOUT),
        fields.duration("predict", config_schema.PREDICT_TIMEOUT),
    )


def _stages(model: Fields) -> tuple[config.Stage, ...]:
    if "stages" not in model:
        return tuple(
            config.Stage(name=name, enter=stage["enter"], source=stage.get("from"))  # type: ignore[arg-type]
            for name, stage in config_schema.DEFAULT_STAGES.items()
        )
    schema = config_schema.DEFINITIONS["stage"]
    named = _named(model, "stages", "stage")
    stages: list[config.Stage] = []
    fields_of: dict[str, Fields] = {}
    for name, node in named:
        fields = Fields(model.faults, node, join(model.at("stages"), name), schema)
        fields_of[name] = fields
        stages.append(
            config.Stage(
                name=name,
                enter=fields.choice("enter", "manual"),  # type: ignore[arg-type] # see `task`
                source=fields.text("from"),
                first=fields.choice("first", "refused"),  # type: ignore[arg-type]
                versions=fields.integer("versions") or 1,
                by=_by(fields),
            )
        )
    _sources(stages, fields_of)
    return tuple(stages)


def _by(fields: Fields) -> tuple[str, ...]:
    """Who may put a version there. A stage that is entered on pass asks nobody."""
    found = [
        text(fields.faults, node, f"{fields.at('by')}[{at}]") for at, node in enumerate(fields.items("by"))
    ]
    if "by" in fields and fields.choice("enter", "manual") == "on-pass":
        fields.fault("by", "nobody is asked where `enter` is `on-pass`.", "Write `enter: manual`.")
    return tuple(one for one in found if one is not None)


def _sources(stages: list[config.Stage], fields_of: dict[str, Fields]) -> None:
    """Every `from` names a stage, and following it comes to an end."""
    source_of = {stage.name: stage.source for stage in stages}
    for stage in stages:
        if stage.source is None:
            continue
        fields = fields_of[stage.name]
        if stage.source not in source_of:
            hint = near(stage.source, source_of) or f"There are: {', '.join(source_of)}."
            fields.fault("from", f"there is no stage {shown(stage.source)}.", hint)
            continue
        seen = [stage.name]
        step: str | None = stage.source
        while step is not None and step not in seen:
            seen.append(step)
            step = source_of.get(step)
        if step == stage.name:
            way = " <- ".join([*seen, step])
            hint = "One of them must be open to any version."
            fields.fault("from", f"the stages go in a circle: {way}.", hint)

"""modelrail.yaml: what a valid file means, and the exact words for each fault."""

# ruff: noqa: E501 - the golden lines stand whole

from __future__ import annotations

from pathlib import Path

import pytest

from modelrail.config import check as config_check
from modelrail.config.resolved import Margin, Metric, Slice, Stage
from modelrail.core.metrics import catalog
from modelrail.errors import ConfigError
from support_config import VALID, changed, faults, parse


def test_a_valid_file() -> None:
    model = parse(VALID).model("delay")
    assert model is not None
    assert (model.path, model.task, model.env) == (".", "binary", "requirements.txt")
    assert model.data.test == "data/test.parquet"
    assert model.slices == (Slice(column="carrier"), Slice(column="distance", bins=5, min_rows=100))
    assert [gate.path for gate in model.gates] == [f"models.delay.gates[{index}]" for index in range(3)]
    assert model.gates[1].no_worse_than == Margin(value=0.01, relative=True)
    assert model.gates[2].no_worse_than == Margin(value=0.03)
    assert [gate.severity for gate in model.gates] == ["block", "block", "warn"]
    assert model.stages[1] == Stage(name="production", enter="manual", source="staging", first="allowed")
    assert (model.train_timeout, model.predict_timeout) == (5400, 90)
    assert (model.store, model.allow_pickle, model.predict) == ("release", False, None)


def test_a_metric_that_only_a_gate_names_is_also_measured() -> None:
    model = parse(VALID).models[0]
    assert model.metrics == (Metric(name="roc_auc"), Metric(name="brier"), Metric(name="recall"))


def test_stages_have_a_default() -> None:
    text = VALID.split("    stages:")[0]
    assert parse(text).models[0].stages == (
        Stage(name="staging", enter="on-pass"),
        Stage(name="production", enter="manual", source="staging", first="refused"),
    )


def test_anchors_share_what_two_models_have_in_common() -> None:
    text = VALID.replace("    data:\n", "    data: &tables\n")
    second = "  fraud/card:\n    path: services/fraud\n    task: binary\n    data: *tables\n    train: make\n"
    text += second + "    model: m.onnx\n    metrics: [f1]\n    gates: [{metric: f1, min: 0.5}]\n"
    first, other = parse(text).models
    assert other.name == "fraud/card"
    assert other.data == first.data


def test_paths_are_put_into_their_shortest_form() -> None:
    assert (
        parse(changed(("data/test.parquet", "./data//test.parquet"))).models[0].data.test
        == "data/test.parquet"
    )


@pytest.mark.parametrize(
    ("written", "meant"), [("late", "late"), ("1", "1"), ("true", "true"), ("'01'", "01")]
)
def test_the_positive_class_is_taken_as_written(written: str, meant: str) -> None:
    model = parse(changed(("    train: python", f"    positive: {written}\n    train: python"))).models[0]
    assert model.positive == meant


@pytest.mark.parametrize("word", ["yes", "on", "off", "No"])
def test_words_that_older_yaml_takes_for_booleans_are_text(word: str) -> None:
    assert parse(changed(("target: late", f"target: {word}"))).models[0].data.target == word


GOLDEN: dict[str, tuple[str, list[str]]] = {
    "unknown key": (
        changed(("    params:", "    parms:")),
        ['12 models.delay.parms: unknown key. Did you mean "params"?'],
    ),
    "unknown key elsewhere": (
        changed(("target: late", "label: late")),
        [
            "6 models.delay.data.target: missing. Add it: `target: late`.",
            '9 models.delay.data.label: unknown key. Did you mean "target"?',
        ],
    ),
    "duplicate key": (
        changed(("    env: requirements.txt\n", "    env: a.txt\n    env: b.txt\n")),
        ["6 models.delay.env: the key stands twice, in lines 5 and 6. Keep one of them."],
    ),
    "duplicate model": (
        changed(("version: 1\n", "version: 1\n")) + "  delay: {task: binary}\n",
        ["25 models.delay: the key stands twice, in lines 3 and 25. Keep one of them."],
    ),
    "version of another time": (
        changed(("version: 1", "version: 2")),
        ["1 version: expected 1, found the number 2. This program reads version 1."],
    ),
    "version as text": (
        changed(("version: 1", 'version: "1"')),
        ['1 version: expected 1, found the text "1". This program reads version 1.'],
    ),
    "version missing": (
        changed(("version: 1\n", "")),
        ["1 version: missing. Add it: `version: 1`."],
    ),
    "model name": (
        changed(("  delay:", "  delay$(id):")),
        [
            (
                '3 models["delay$(id)"]: "delay$(id)" is not a name for a model. Tags carry it: letters, digits, '
                "`-`, `_`, `/`, with a letter or digit at both ends."
            )
        ],
    ),
    "task": (
        changed(("task: binary", "task: binnary")),
        [
            (
                '4 models.delay.task: expected one of binary, multiclass, multilabel, regression, ranking; found the text "binnary". '
                'Did you mean "binary"?'
            )
        ],
    ),
    "unknown metric": (
        changed(("[roc_auc, brier]", "[auc, brier]")),
        ['15 models.delay.metrics[0]: unknown metric "auc". Did you mean "roc_auc"?'],
    ),
    "metric of another task": (
        changed(("[roc_auc, brier]", "[roc_auc, rmse]")),
        [
            (
                "15 models.delay.metrics[1]: rmse is not a metric of a binary task. For binary: accuracy, "
                f"{', '.join(catalog.names('binary')[1:])}."
            )
        ],
    ),
    "metric with a parameter": (
        changed(("[roc_auc, brier]", "[roc_auc, {recall: {at_precision: 60}}]")),
        ["15 models.delay.metrics[1].recall.at_precision: expected a number between 0 and 1, found 60."],
    ),
    "no rule": (
        changed((", min: 0.70", "")),
        [
            (
                "18 models.delay.gates[0]: exactly one of min, max, no_worse_than, better_by, within is needed; this gate has "
                "none. Add one, as `no_worse_than: 0.005`."
            )
        ],
    ),
    "two rules": (
        changed(("min: 0.70", "min: 0.70, better_by: 0.1")),
        [
            (
                "18 models.delay.gates[0]: exactly one of min, max, no_worse_than, better_by, within is needed; this gate has "
                "min and better_by. Make one gate of each."
            )
        ],
    ),
    "bound out of reach": (
        changed(("min: 0.70", "min: 70")),
        ["18 models.delay.gates[0].min: roc_auc lies between 0 and 1; 70 is out of reach. Is `0.7` meant?"],
    ),
    "NaN": (
        changed(("min: 0.70", "min: .nan")),
        ["18 models.delay.gates[0].min: expected a finite number, found .nan."],
    ),
    "infinity": (
        changed(("min: 0.70", "min: 1e999")),
        ["18 models.delay.gates[0].min: expected a finite number, found 1e999."],
    ),
    "decimal comma": (
        changed(("min: 0.70", "min: '0,70'")),
        ['18 models.delay.gates[0].min: expected a number, found the text "0,70". Without quotes: 0.70.'],
    ),
    "margin": (
        changed(("1%", "-1%")),
        [
            (
                "19 models.delay.gates[1].no_worse_than: expected a number or a percentage such as 1%, found the "
                'text "-1%". Write it without a sign.'
            )
        ],
    ),
    "negative margin": (
        changed(("0.03", "-0.03")),
        ["20 models.delay.gates[2].no_worse_than: a margin is not negative; found -0.03. Is `0.03` meant?"],
    ),
    "slice that is none": (
        changed(("slices: carrier", "slices: carier")),
        [
            (
                '20 models.delay.gates[2].slices: "carier" is not one of the model\'s slices. '
                'Did you mean "carrier"?'
            )
        ],
    ),
    "severity": (
        changed(("severity: warn", "severity: warning")),
        [
            (
                '20 models.delay.gates[2].severity: expected one of block, warn, info; found the text "warning". '
                'Did you mean "warn"?'
            )
        ],
    ),
    "gate of a later version": (
        changed(("{metric: roc_auc, min: 0.70}", "{gate: drift, severity: warn}")),
        [
            (
                "18 models.delay.gates[0].gate: the gate drift is not in this version. Take this gate out until a "
                "later version of modelrail has it."
            )
        ],
    ),
    "unknown store": (
        changed(("    params: params.yaml", "    store: s3")),
        [
            '12 models.delay.store: expected one of release, dvc, mlflow; found the text "s3". One of: release, dvc, mlflow.'
        ],
    ),
    "stage from nowhere": (
        changed(("from: staging", "from: stagin")),
        ['23 models.delay.stages.production.from: there is no stage "stagin". Did you mean "staging"?'],
    ),
    "stages in a circle": (
        changed(("{enter: on-pass}", "{enter: on-pass, from: production}")),
        [
            (
                "22 models.delay.stages.staging.from: the stages go in a circle: staging <- production <- staging. "
                "One of them must be open to any version."
            ),
            (
                "23 models.delay.stages.production.from: the stages go in a circle: production <- staging <- "
                "production. One of them must be open to any version."
            ),
        ],
    ),
    "path out of the repository": (
        changed(("build/model.skops", "../model.skops")),
        [
            (
                '14 models.delay.model: "../model.skops" holds `..`; paths stay inside the repository. '
                "Write it relative, as `data/test.parquet`."
            )
        ],
    ),
    "path that is absolute": (
        changed(("env: requirements.txt", "env: /etc/passwd")),
        [
            (
                '5 models.delay.env: "/etc/passwd" is absolute; paths stay inside the repository. '
                "Write it relative, as `data/test.parquet`."
            )
        ],
    ),
    "path that is an option": (
        changed(("data/test.parquet", "--version")),
        [
            (
                '8 models.delay.data.test: "--version" begins with `-`, which programs read as an option. '
                "Write it relative, as `data/test.parquet`."
            )
        ],
    ),
    "empty command": (
        changed(("train: python train.py", "train: ''")),
        ["13 models.delay.train: the text is empty. Write a value, or leave the key out."],
    ),
    "command left out": (
        changed(("train: python train.py", "train:")),
        ["13 models.delay.train: expected a text, found nothing."],
    ),
    "command with an open quote": (
        changed(("train: python train.py", "train: python 'train.py")),
        [
            (
                "13 models.delay.train: the command cannot be split into words: no closing quotation. "
                "Close the quote."
            )
        ],
    ),
    "time without a unit": (
        changed(("predict: 90s", "predict: 90")),
        [
            (
                "24 models.delay.timeout.predict: expected a time such as 90s, 30m or 1h30m; found the number 90. "
                "Is `90m` meant?"
            )
        ],
    ),
    "a number where a text belongs": (
        changed(("key: flight_id", "key: 7")),
        [
            (
                "10 models.delay.data.key: expected a text, found the number 7. Put it in quotes if it is meant as "
                "text: '7'."
            )
        ],
    ),
    "key is the target": (
        changed(("key: flight_id", "key: late")),
        ['10 models.delay.data.key: "late" is the target. The key names a row and is not the label.'],
    ),
    "train is test": (
        changed(("data/test.parquet", "data/train.parquet")),
        [
            (
                '8 models.delay.data.test: "data/train.parquet" is also the training table. Test on rows that '
                "training has not seen."
            )
        ],
    ),
    "a list that is none": (
        changed(("metrics: [roc_auc, brier]", "metrics: roc_auc")),
        [
            (
                '15 models.delay.metrics: expected a list, found the text "roc_auc". Write an item a line, '
                "each after `- `."
            )
        ],
    ),
    "no gate": (
        "\n".join(line for line in VALID.splitlines() if "{metric" not in line).replace(
            "gates:", "gates: []"
        ),
        ["17 models.delay.gates: the list is empty. At least one item is needed."],
    ),
    "models as a list": (
        "version: 1\nmodels: [delay]\n",
        [
            (
                "2 models: expected a mapping of names, found a list. Write `models:` and below it, indented, the "
                "name of each model."
            )
        ],
    ),
    "empty": ("", ["1 : the file is empty. Run `modelrail init --force` to write one."]),
    "comments alone": (
        "# nothing yet\n",
        ["1 : the file is empty. Run `modelrail init --force` to write one."],
    ),
    "a tag": (
        changed(("target: late", "target: !!python/name:os.system late")),
        [
            (
                '9 models.delay.data.target: the tag "tag:yaml.org,2002:python/name:os.system" is not allowed. '
                "Leave the tag out."
            )
        ],
    ),
    "a merge key": (
        changed(("    params: params.yaml", "    <<: {env: a.txt}")),
        ['12 models.delay["<<"]: merge keys are not part of YAML 1.2. Write the keys out.'],
    ),
    "tabs": (
        "version: 1\nmodels:\n\tdelay: {}\n",
        [
            (
                "3 : this is not YAML: column 1: while scanning for the next token found character '\\t' that cannot "
                "start any token. Indent with spaces, not with tabs."
            )
        ],
    ),
    "two documents": (
        "version: 1\n---\nversion: 1\n",
        [
            (
                "2 : this is not YAML: column 1: expected a single document in the stream but found another "
                "document."
            )
        ],
    ),
    "a control character": (
        changed(("target: late", 'target: "la\\x1bte"')),
        ["9 models.delay.data.target: the control character U+001B is not allowed."],
    ),
}


@pytest.mark.fault(17)
@pytest.mark.parametrize("name", GOLDEN)
def test_the_words_of_each_fault(name: str) -> None:
    text, expected = GOLDEN[name]
    assert faults(text) == expected


@pytest.mark.fault(17)
def test_every_fault_is_reported_at_once_in_the_order_of_lines() -> None:
    text = changed(
        ("version: 1", "version: 3"),
        ("target: late", "target: [late]"),
        ("train: python train.py", "train: ''"),
        ("metric: brier", "metric: brierr"),
        ("from: staging", "from: canary"),
    )
    found = faults(text)
    assert [line.split(":")[0] for line in found] == [
        "1 version",
        "9 models.delay.data.target",
        "13 models.delay.train",
        "19 models.delay.gates[1].metric",
        "23 models.delay.stages.production.from",
    ]


def test_the_error_says_where_and_what_next() -> None:
    with pytest.raises(ConfigError) as caught:
        parse(changed(("task: binary", "task: x")))
    error = caught.value
    assert error.what == "modelrail.yaml has one fault."
    assert (error.path, error.file, error.line, error.code) == ("models.delay.task", "modelrail.yaml", 4, 3)
    assert "docs/configuration.md" in error.next


def test_a_billion_laughs_end_early() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    (fault,) = faults("\n".join(lines))
    assert "unfolds to too many values" in fault


def test_a_ring_of_aliases_ends() -> None:
    (fault,) = faults("models: &m {a: *m}\n")
    assert "unfolds to too many values" in fault


def test_deep_nesting_ends() -> None:
    assert faults("models: " + "[" * 5000) != []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "does not exist"),
        (b"version: \xff", "is not UTF-8"),
        (b"x" * (1024 * 1024 + 1), "has more than 1,048,576 bytes"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "modelrail.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=words):
        config_check.load(path)


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        config_check.load(tmp_path)


def test_the_file_is_named_as_the_user_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "modelrail.yaml").write_text("", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        config_check.load(tmp_path / "modelrail.yaml")
    assert caught.value.file == "modelrail.yaml"


def test_a_byte_order_mark_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "modelrail.yaml"
    path.write_text(VALID, encoding="utf-8-sig")
    assert config_check.load(path) == parse(VALID)

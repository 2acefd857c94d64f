"""`modelrail validate-data`: is the data what the model and its evaluation need?"""

from __future__ import annotations

import json

import click
import msgspec

from modelrail import records
from modelrail.adapters import files, git
from modelrail.adapters.actions_io import say
from modelrail.commands import _context, _options, _outputs, _verbs
from modelrail.config import resolved as modelrail_config
from modelrail.errors import DataError

EPILOG = """\b
Example:
  modelrail validate-data --model delay
"""
SHOWN = 20  # failed checks in the message; the record has all


@click.command("validate-data", epilog=EPILOG)
@_options.config
@_options.models
@_options.out
@_options.as_json
@_options.dry_run
def command(config: str, models: tuple[str, ...], out: str, as_json: bool, dry_run: bool) -> None:
    """Check the data files: columns, keys, labels, leakage, and the user's schema.

    Writes data-report.json; exits with 9 when a check failed. Leakage is counted here and judged by the
    gates.
    """
    context = _context.open_context(config, models, out)

    reports: dict[str, object] = {}
    passed: dict[str, bool] = {}

    def one(model: modelrail_config.Model) -> dict[str, object]:
        report = _validate(model, context, dry_run=dry_run)
        reports[model.name] = msgspec.to_builtins(report)
        passed[model.name] = report.passed
        if not report.passed:
            raise _error(report)
        return {}

    _, error = _verbs.each(context, "validate-data", one, record=not dry_run)
    if as_json:
        click.echo(json.dumps({"models": reports}, indent=2, ensure_ascii=False))
    if not dry_run:
        by_model: dict[str, dict[str, str | int | bool]] = {}
        for model in context.models:
            path = context.folder(model) / records.DataReport.FILE
            by_model[model.name] = {
                "passed": bool(passed.get(model.name)),
                "report-path": _verbs.shown(path, context) if model.name in passed else "",
            }
        overall: dict[str, str | int | bool] = {"passed": error is None}
        if len(context.models) > 1:
            overall["report-path"] = _verbs.shown(context.out, context)
        _outputs.tell(context.settings, by_model, overall)
    if error is not None:
        raise error


def _validate(
    model: modelrail_config.Model, context: _context.Context, *, dry_run: bool
) -> records.DataReport:
    from modelrail.adapters.data import checks as data_checks
    from modelrail.adapters.data import schema as data_schema
    from modelrail.adapters.running import inputs

    settings, root, folder = context.settings, context.settings.workspace, context.folder(model)
    repository = git.open_repository(settings)
    if not dry_run:
        _verbs.discard(folder, records.DataReport, records.Evidence)
        inputs.pull(model, root, settings, train=True)
    schema = None
    if model.data.schema:
        schema = data_schema.load(inputs.place(model, root, model.data.schema), model.data.schema)
    summaries: list[records.TableSummary] = []
    checks: list[records.DataCheck] = []
    places = {
        table: inputs.place(model, root, name)
        for table, name in (("train", model.data.train), ("test", model.data.test))
        if name and not (table == "test" and model.data.sealed)  # `score-sealed` checks that one
    }
    for table, path in places.items():
        name = model.data.train if table == "train" else model.data.test
        summaries.append(inputs.summary(model, root, str(name), repository, table))
        checks += data_checks.check_table(model, summaries[-1].table, path)
        if schema is not None:
            checks += data_schema.check(schema, path, summaries[-1].table)
    if len(places) == 2:
        checks += data_checks.check_pair(model, places["train"], places["test"])
    report = records.DataReport(
        model=model.name, passed=data_checks.passed(checks), tables=tuple(summaries), checks=tuple(checks)
    )
    if not dry_run:
        files.write(report, folder)
    _tell(report)
    return report


def _tell(report: records.DataReport) -> None:
    for table in report.tables:
        say(
            f"{report.model}: {table.table} has {table.rows:,} rows, {table.columns} columns"
            f" ({table.version.digest[:20]}…)"
        )
    for check in report.checks:
        if not check.passed:
            say(f"  ! {_line(check)}")
    good = sum(check.passed for check in report.checks)
    say(f"{'✓' if report.passed else '✗'} {report.model}: {good} of {len(report.checks)} checks passed")


def _line(check: records.DataCheck) -> str:
    column = f" {check.column}" if check.column else ""
    return f"{check.table}{column}: {check.check}: {check.detail}"


def _error(report: records.DataReport) -> DataError:
    from modelrail.adapters.data import checks as data_checks

    failed = [
        check for check in report.checks if not check.passed and check.check not in data_checks.ADVISORY
    ]
    lines = [_line(check) for check in failed[:SHOWN]]
    if len(failed) > SHOWN:
        lines.append(f"and {len(failed) - SHOWN} more")
    return DataError(
        f"The data of {report.model} failed {len(failed)} check{'s' if len(failed) > 1 else ''}.",
        why="\n".join(lines),
        next="Correct the data, or the `data:` part of modelrail.yaml and the schema.",
    )

"""Stands in for actions/download-artifact. Other runs' artifacts come by the API: permissions count."""

import fnmatch
import io
import json
import os
import shutil
import sys
import urllib.error
import urllib.request
import zipfile

ENV = os.environ


def call(path: str) -> bytes:
    request = urllib.request.Request(f"{ENV['GITHUB_API_URL']}{path}")
    request.add_header("Authorization", f"Bearer {ENV['INPUT_TOKEN']}")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        sys.exit(f"Failed to download: {error.code} {error.reason} for {path}: {error.read().decode()[:300]}")


def fits(name: str) -> bool:
    if ENV["INPUT_NAME"]:
        return name == ENV["INPUT_NAME"]
    return fnmatch.fnmatchcase(name, ENV["INPUT_PATTERN"] or "*")


def from_this_run(target: str) -> int:
    place = ENV["MODELRAIL_ACT_ARTIFACTS"]
    names = [name for name in sorted(os.listdir(place)) if fits(name)]
    for name in names:
        shutil.copytree(os.path.join(place, name), folder(target, name), dirs_exist_ok=True)
    return len(names)


def from_another_run(target: str) -> int:
    if not ENV["INPUT_TOKEN"]:
        sys.exit("Input required and not supplied: github-token (for the artifacts of another run)")
    base = f"/repos/{ENV['INPUT_REPOSITORY']}/actions"
    listed = json.loads(call(f"{base}/runs/{int(ENV['INPUT_RUN'])}/artifacts?per_page=100"))["artifacts"]
    chosen = [item for item in listed if fits(item["name"])]
    for item in chosen:
        with zipfile.ZipFile(io.BytesIO(call(f"{base}/artifacts/{item['id']}/zip"))) as archive:
            archive.extractall(folder(target, item["name"]))
    return len(chosen)


def folder(target: str, name: str) -> str:
    return target if ENV["INPUT_NAME"] or ENV["INPUT_MERGE"] == "true" else os.path.join(target, name)


def main() -> None:
    target = os.path.abspath(os.path.expanduser(ENV["INPUT_PATH"] or "."))
    own = (
        ENV["INPUT_RUN"] in {"", ENV["GITHUB_RUN_ID"]} and ENV["INPUT_REPOSITORY"] == ENV["GITHUB_REPOSITORY"]
    )
    count = from_this_run(target) if own else from_another_run(target)
    if ENV["INPUT_NAME"] and not count:
        sys.exit(f"Unable to download artifact(s): Artifact not found for name: {ENV['INPUT_NAME']}")
    with open(ENV["GITHUB_OUTPUT"], "a", encoding="utf-8") as stream:
        stream.write(f"download-path={target}\n")
    print(f"{count} artifact(s) in {target}")


main()

"""Stands in for actions/upload-artifact: the same choice of files, the same root of the paths."""

import glob
import hashlib
import os
import shutil
import sys
import zlib

ENV = os.environ
WILD = "*?["


def fixed_part(pattern: str) -> str:
    """A pattern up to its first wildcard: what the paths inside the artifact are relative to."""
    kept = []
    for part in pattern.split(os.sep):
        if any(sign in part for sign in WILD):
            break
        kept.append(part)
    return os.sep.join(kept) or os.sep


def files_of(pattern: str) -> set[str]:
    found: set[str] = set()
    for path in glob.glob(pattern, recursive=True, include_hidden=ENV["INPUT_HIDDEN"] == "true"):
        if os.path.isdir(path):
            for folder, folders, names in os.walk(path):
                hidden = "\0" if ENV["INPUT_HIDDEN"] == "true" else "."
                folders[:] = [name for name in folders if not name.startswith(hidden)]
                found |= {os.path.join(folder, name) for name in names if not name.startswith(hidden)}
        else:
            found.add(path)
    return found


def main() -> None:
    lines = [os.path.expanduser(line.strip()) for line in ENV["INPUT_PATH"].splitlines() if line.strip()]
    wanted = [os.path.abspath(line) for line in lines if not line.startswith("!")]
    files: set[str] = set().union(*(files_of(pattern) for pattern in wanted))
    for line in lines:
        if line.startswith("!"):
            files -= files_of(os.path.abspath(line[1:]))
    name = ENV["INPUT_NAME"]
    if not files:
        text = (
            f"No files were found with the provided path: {', '.join(lines)}. No artifacts will be uploaded."
        )
        if ENV["INPUT_IF_NONE"] == "error":
            sys.exit(text)
        if ENV["INPUT_IF_NONE"] == "warn":
            print(f"::warning::{text}")
        return
    if os.sep in name or name in {"", ".", ".."}:
        sys.exit(f"The artifact name is not valid: {name}")
    roots = [fixed_part(pattern) for pattern in wanted]
    root = os.path.commonpath(roots)
    if os.path.isfile(root):
        root = os.path.dirname(root)
    target = os.path.join(ENV["MODELRAIL_ACT_ARTIFACTS"], name)
    if os.path.exists(target):
        if ENV["INPUT_OVERWRITE"] != "true":
            sys.exit(f"Failed to CreateArtifact: an artifact with the name {name} already exists on this run")
        shutil.rmtree(target)
    digest = hashlib.sha256()
    for path in sorted(files):
        inside = os.path.relpath(path, root)
        copy = os.path.join(target, inside)
        os.makedirs(os.path.dirname(copy), exist_ok=True)
        shutil.copyfile(path, copy)
        with open(path, "rb") as stream:
            digest.update(inside.encode() + b"\0" + hashlib.file_digest(stream, "sha256").digest())
    identity = zlib.crc32(f"{ENV['GITHUB_RUN_ID']}/{name}".encode())
    url = f"{ENV['GITHUB_SERVER_URL']}/{ENV['GITHUB_REPOSITORY']}/actions/runs/{ENV['GITHUB_RUN_ID']}"
    with open(ENV["GITHUB_OUTPUT"], "a", encoding="utf-8") as stream:
        stream.write(f"artifact-id={identity}\nartifact-digest={digest.hexdigest()}\nartifact-url={url}\n")
    print(f"Artifact {name}: {len(files)} files.")


main()

"""Stands in for actions/checkout: fetches from the local hub what the real one would fetch from GitHub."""

import base64
import os
import subprocess
import sys

ENV = os.environ
SERVER = ENV["GITHUB_SERVER_URL"]


def git(*arguments: str, auth: bool = False) -> str:
    env = {**ENV, "GIT_TERMINAL_PROMPT": "0"}
    if auth and ENV.get("INPUT_TOKEN"):
        env |= {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"http.{SERVER}/.extraheader",
            "GIT_CONFIG_VALUE_0": header(),
        }
    done = subprocess.run(["git", *arguments], env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"git {' '.join(arguments)} failed: {done.stderr.strip()}")
    return done.stdout.strip()


def header() -> str:
    return (
        "AUTHORIZATION: basic " + base64.b64encode(f"x-access-token:{ENV['INPUT_TOKEN']}".encode()).decode()
    )


def main() -> None:
    repository, ref = ENV["INPUT_REPOSITORY"], ENV["INPUT_REF"]
    own = repository == ENV["GITHUB_REPOSITORY"]
    os.makedirs(ENV["INPUT_PATH"] or ".", exist_ok=True)
    os.chdir(ENV["INPUT_PATH"] or ".")
    git("init", "--quiet", ".")
    git("remote", "add", "origin", f"{SERVER}/{repository}")
    # Without a ref: the very commit of the event, under the name that the event gives it.
    name = ref or (ENV.get("GITHUB_REF", "") if own else "")
    what = ENV["GITHUB_SHA"] if own and not ref else ref or "HEAD"
    options = ["--no-tags"] if ENV["INPUT_TAGS"] != "true" and ENV["INPUT_DEPTH"] != "0" else ["--tags"]
    if ENV["INPUT_DEPTH"] != "0":
        options.append(f"--depth={int(ENV['INPUT_DEPTH'])}")
        git("fetch", "--quiet", *options, "origin", what, auth=True)
    else:
        heads = "+refs/heads/*:refs/remotes/origin/*"
        git("fetch", "--quiet", *options, "origin", heads, what, auth=True)
        what = what if len(what) == 40 else "FETCH_HEAD"
    commit = what if len(what) == 40 else git("rev-parse", "FETCH_HEAD^{commit}")
    if name.startswith("refs/heads/"):
        branch = name.removeprefix("refs/heads/")
        git("update-ref", f"refs/remotes/origin/{branch}", commit)
        git("checkout", "--quiet", "--force", "-B", branch, commit)
    else:
        git("checkout", "--quiet", "--force", "--detach", commit)
    if ENV["INPUT_PERSIST"] == "true" and ENV.get("INPUT_TOKEN"):
        git("config", "--local", f"http.{SERVER}/.extraheader", header())
    with open(ENV["GITHUB_OUTPUT"], "a", encoding="utf-8") as stream:
        stream.write(f"ref={name}\ncommit={commit}\n")
    print(f"{repository} at {commit}" + (f" ({name})" if name else ""))


main()

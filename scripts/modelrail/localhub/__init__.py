"""The local GitHub stand-in: REST, Git over HTTP, and pages to look at. Needs the extra `hub`; loopback only.

For tests, the demo and `modelrail act`::

    from modelrail.localhub.server import Hub

    hub = Hub(Path("state"))  # state survives; a second process may open the same folder
    with hub.serve(port=0) as running:  # a thread; running.close() ends it and closes the Hub
        running.url  # "http://127.0.0.1:40123" = GITHUB_SERVER_URL, the pages, git remotes
        running.api_url  # running.url + "/api/v3" = GITHUB_API_URL
        running.git_url("octo", "flights")  # ".../octo/flights.git"; the token goes by HTTP basic auth
        running.hub  # the Hub
        running.token_for(...)  # the same as hub.token_for

    # Tokens. A person: may do all on their own repositories. A bot: what is granted, on that repository.
    hub.token_for("octo")
    hub.token_for("github-actions[bot]", repository="octo/flights", contents="write", pull_requests="write")

    # Repositories (real bare ones). Every function returns what GitHub's REST API would answer (a dict).
    hub.create_repository("octo", "flights", description="", default_branch="main")
    hub.fork("octo", "flights", to="stranger")
    hub.repository_path(
        "octo", "flights"
    )  # the bare repository; after a push by path call hub.sync(owner, name)
    hub.configure("octo", "flights", guard_workflows=True)  # also: immutable_releases
    hub.add_ruleset(
        "octo", "flights", name="tags", target="tag", include=["~ALL"], rules=["update", "deletion"]
    )
    hub.set_environment("octo", "flights", "production", reviewers=["octo"])

    # Pull requests, labels, comments. `head` is "branch" or "owner:branch" (a fork).
    pull = hub.open_pull_request(
        "octo", "flights", "better", "main", "Boosting", "Why ...", "octo", labels=["x"]
    )
    hub.pull_request(
        "octo", "flights", 1
    )  # head.sha, merge_commit_sha, mergeable ...; refs/pull/1/{head,merge} exist
    hub.add_labels("octo", "flights", 1, ["modelrail:minor"])
    hub.comment("octo", "flights", 1, "text", "octo")
    hub.comments("octo", "flights", 1)
    hub.merge("octo", "flights", 1, "octo", method="merge")  # or "squash"; returns the new commit's id
    hub.releases("octo", "flights")
    hub.deployments("octo", "flights")

    # Actions, as far as a workflow runner needs them.
    hub.dispatches("octo", "flights")  # queued workflow_dispatch / repository_dispatch requests, oldest first
    hub.take_dispatch(dispatch["id"])  # marks it taken; False when somebody else was faster
    run = hub.start_run(
        "octo", "flights", workflow="release.yml", event="push", head_branch="main", head_sha=sha
    )
    hub.finish_run(run["id"], "success")
    hub.add_artifact(run["id"], "records", zip_bytes)

    # Event payloads (localhub/events.py); each returns the dict that GITHUB_EVENT_PATH holds.
    from modelrail.localhub import events

    events.pull_request(hub, "octo", "flights", 1, action="opened")
    events.push(hub, "octo", "flights", "refs/heads/main", before, after, user="octo")
    events.workflow_run(hub, "octo", "flights", run["id"], action="completed")
    events.workflow_dispatch(
        hub, "octo", "flights", "promote.yml", ref="refs/heads/main", inputs={}, user="octo"
    )

Another process finds a running hub by its URL: `server.locate(url) -> Hub` opens the state folder that
`GET /_hub` names.
Faults for tests: `Hub(state, faults=function)`, see faults.py.
"""

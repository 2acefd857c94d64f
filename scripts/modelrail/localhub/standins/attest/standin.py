"""Stands in for actions/attest: refuses what it would refuse, and signs nothing."""

import json
import os
import re
import sys

name, digest, kind, predicate = (
    os.environ.get(f"INPUT_{key}", "") for key in ("NAME", "DIGEST", "TYPE", "PREDICATE")
)
faults = []
if not name:
    faults.append("subject-name is empty")
if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
    faults.append(f"subject-digest is no digest: {digest!r}")
if bool(kind) != bool(predicate):
    faults.append("predicate and predicate-type belong together")
if predicate:
    try:
        json.loads(predicate)
    except ValueError as error:
        faults.append(f"the predicate is not JSON: {error}")
if faults:
    print(f"::error title=attest::{'; '.join(faults)}")
    sys.exit(1)
print(f"::notice title=attest::{name} is not attested: only GitHub can sign ({kind or 'provenance'}).")

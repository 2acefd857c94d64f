"""The hub's memory: documents in one SQLite file, for several threads and processes at once."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Doc = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL, scope TEXT NOT NULL, name TEXT, data TEXT NOT NULL,
  UNIQUE (kind, scope, name)
);
CREATE INDEX IF NOT EXISTS documents_kind ON documents (kind, scope);
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""


class Store:
    """Documents by kind, scope (mostly "owner/repository") and name; ids are unique over all kinds."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=30)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.executescript(_SCHEMA)
        path.chmod(0o600)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """All or nothing, and nobody else writes meanwhile. May be nested."""
        with self._lock:
            if self._depth == 0:
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._connection.execute("ROLLBACK")
                raise
            self._depth -= 1
            if self._depth == 0:
                self._connection.execute("COMMIT")

    def add(self, kind: str, scope: str, data: Doc, name: str | None = None) -> Doc:
        """A new document; its `id` is set. Raises sqlite3.IntegrityError when the name is taken."""
        with self.writing():
            cursor = self._connection.execute(
                "INSERT INTO documents (kind, scope, name, data) VALUES (?, ?, ?, '{}')", (kind, scope, name)
            )
            found = {**data, "id": cursor.lastrowid}
            self._write(found)
            return found

    def save(self, doc: Doc) -> Doc:
        with self.writing():
            self._write(doc)
        return doc

    def _write(self, doc: Doc) -> None:
        self._connection.execute("UPDATE documents SET data = ? WHERE id = ?", (json.dumps(doc), doc["id"]))

    def rename(self, doc: Doc, name: str) -> None:
        with self.writing():
            self._connection.execute("UPDATE documents SET name = ? WHERE id = ?", (name, doc["id"]))

    def delete(self, identity: int) -> None:
        with self.writing():
            self._connection.execute("DELETE FROM documents WHERE id = ?", (identity,))

    def get(self, kind: str, scope: str, name: str) -> Doc | None:
        return self._one(
            "SELECT data FROM documents WHERE kind = ? AND scope = ? AND name = ?", (kind, scope, name)
        )

    def by_id(self, kind: str, scope: str, identity: int) -> Doc | None:
        return self._one(
            "SELECT data FROM documents WHERE kind = ? AND scope = ? AND id = ?", (kind, scope, identity)
        )

    def all(
        self, kind: str, scope: str | None = None, where: Callable[[Doc], bool] | None = None
    ) -> list[Doc]:
        """Oldest first."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT data FROM documents WHERE kind = ? AND (? IS NULL OR scope = ?) ORDER BY id",
                (kind, scope, scope),
            ).fetchall()
        found = [json.loads(row[0]) for row in rows]
        return [doc for doc in found if where(doc)] if where else found

    def _one(self, query: str, values: tuple[Any, ...]) -> Doc | None:
        with self._lock:
            row = self._connection.execute(query, values).fetchone()
        return json.loads(row[0]) if row else None

    def next(self, counter: str) -> int:
        """1, 2, 3 ... for every counter."""
        with self.writing():
            self._connection.execute(
                "INSERT INTO counters VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1",
                (counter,),
            )
            row = self._connection.execute("SELECT value FROM counters WHERE name = ?", (counter,)).fetchone()
            return int(row[0])

"""Refusals in GitHub's words. Raised anywhere below the REST layer, which only writes them down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

DOCUMENTATION = "https://docs.github.com/rest"


class ApiError(Exception):
    """An answer that is not a success: status, message, and the list of field errors of a 422."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: Sequence[Mapping[str, Any] | str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {message}")
        self.status = status
        self.message = message
        self.errors = errors
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        found: dict[str, Any] = {"message": self.message}
        if self.errors is not None:
            found["errors"] = [error if isinstance(error, str) else dict(error) for error in self.errors]
        return found | {"documentation_url": DOCUMENTATION, "status": str(self.status)}


def not_found() -> ApiError:
    return ApiError(404, "Not Found")


def validation(resource: str, code: str, field: str = "", message: str = "") -> ApiError:
    """The 422 of one field: `missing_field`, `invalid`, `already_exists`, `custom` ..."""
    error = {"resource": resource, "code": code}
    if field:
        error["field"] = field
    if message:
        error["message"] = message
    return ApiError(422, "Validation Failed", errors=[error])

"""Fetch the files of a published data set from an address into the cache: whole, checked, moved into place at once.

A file is written to a temporary beside its place, its length compared with what the server announced, its MD5 with the
official one, and what it holds with its SHA-256. Only then does it get its name.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from foveal.data.progress import progress
from foveal.data.published.catalogue import PublishedFile, PublishedSet, check
from foveal.errors import FileError
from foveal.files import atomic_writer, sync_directory
from foveal.printable import printable

TIMEOUT = 15.0
"""Seconds that a server may stay silent."""

_CHUNK = 1 << 16
_SLACK = 1 << 20


class _Refused(Exception):
    """Why a file was not taken; one sentence."""


def fetch_files(known: PublishedSet, address: str, cache: Path, *, timeout: float = TIMEOUT) -> str | None:
    """Bring every file that the cache lacks from ``address``.

    Returns:
        None when all are there and right, else one sentence that says which file failed and why. Files that were right
        stay in the cache either way.
    """
    base = address if address.endswith("/") else f"{address}/"
    for file in known.files:
        target = cache / f"{file.name}.gz"
        if target.is_file() and not isinstance(check(target, file), str):
            continue
        try:
            _fetch(known, file, f"{base}{target.name}", target, timeout)
        except _Refused as error:
            return f"{target.name}: {error}"
        except FileError as error:
            return f"{cache} cannot be written: {error.given}"
    return None


def _fetch(known: PublishedSet, file: PublishedFile, url: str, target: Path, timeout: float) -> None:
    try:
        request = urllib.request.Request(url, headers={"User-Agent": "foveal"})
    except ValueError as error:
        raise _Refused(f"this is not an address: {printable(str(error)[:200])}") from error
    most = file.length + _SLACK
    temporary = target.with_name(f".{target.name}.{os.getpid()}.fetched")
    try:
        with _connected(request, timeout) as answer:
            announced = _announced(answer)
            if announced > most:
                raise _Refused(f"the server announces {announced:,} bytes, more than the file can have")
            title = f"fetching {known.title}: {target.name}"
            with progress(title, announced or None, unit="bytes") as advance, atomic_writer(temporary) as out:
                received, md5 = _copy(answer, out, advance, most)
        if announced and received != announced:
            raise _Refused(f"cut short: {received:,} of {announced:,} bytes came")
        if md5 != file.gz_md5:
            raise _Refused(f"the sum is wrong: MD5 {md5}, not {file.gz_md5}")
        result = check(temporary, file)
        if isinstance(result, str):
            raise _Refused(f"the content is wrong: {result.replace(temporary.name, target.name)}")
        os.replace(temporary, target)
        sync_directory(target.parent)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _announced(answer: http.client.HTTPResponse) -> int:
    """The length that the server announces; 0 where it announces none."""
    said = answer.headers.get("Content-Length")
    if said is None or answer.headers.get("Transfer-Encoding", "").lower() == "chunked":
        return 0
    if not (said.strip().isascii() and said.strip().isdigit() and len(said) <= 20):
        raise _Refused(f"the server announces a length that is not a number, {_quoted(said)}")
    return int(said)


def _quoted(text: object) -> str:
    return printable(repr(str(text)[:80]))


class _WebOnly(urllib.request.HTTPRedirectHandler):
    """Follows redirections to http and https, and to nothing else."""

    def http_error_302(self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any) -> Any:
        try:
            return super().http_error_302(req, fp, code, msg, headers)
        except ValueError as error:  # an address that is none
            fp.close()
            raise _Refused(f"the server points to an address that is none: {printable(str(error)[:200])}") from error

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if not newurl.lower().startswith(("http://", "https://")):
            fp.close()
            raise _Refused(f"the server points to an address that is not of the web, {_quoted(newurl)}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _connected(request: urllib.request.Request, timeout: float) -> http.client.HTTPResponse:
    try:
        answer: http.client.HTTPResponse = urllib.request.build_opener(_WebOnly).open(request, timeout=timeout)
    except _Refused:
        raise
    except urllib.error.HTTPError as error:
        error.close()
        raise _Refused(f"the server answered {error.code} {printable(str(error.reason)[:200])}") from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        told = str(getattr(reason, "strerror", None) or reason or type(error).__name__)
        raise _Refused(f"no connection: {printable(told[:200])}") from error
    return answer


def _copy(
    answer: http.client.HTTPResponse, out: BinaryIO, advance: Callable[[int], None], most: int
) -> tuple[int, str]:
    """Copy the answer's body; how many bytes came, and their MD5."""
    received, md5 = 0, hashlib.md5(usedforsecurity=False)
    while True:
        try:
            chunk = answer.read(_CHUNK)
        except http.client.IncompleteRead as error:
            chunk = error.partial
        except (OSError, ValueError, http.client.HTTPException) as error:
            reason = error.strerror if isinstance(error, OSError) else None
            told = printable(str(reason or error or type(error).__name__)[:200])
            raise _Refused(f"the connection broke after {received:,} bytes: {told}") from error
        if not chunk:
            return received, md5.hexdigest()
        received += len(chunk)
        if received > most:
            raise _Refused("the server sends more than the file can have")
        md5.update(chunk)
        out.write(chunk)
        advance(len(chunk))

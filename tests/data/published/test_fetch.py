"""The downloader against a server of this machine: good files, and every way they can be bad."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from foveal.data.published.catalogue import ROLES, DataWarning, PublishedFile, PublishedSet
from foveal.data.published.download import fetch_files
from foveal.data.published.obtain import obtain
from foveal.errors import SourceError

BODIES = {name: b"\x00\x00\x08\x01\x00\x00\x00\x03" + bytes([i, 1, 2]) for i, name in enumerate(ROLES)}
PACKED = {f"{name}.gz": gzip.compress(body, mtime=0) for name, body in BODIES.items()}
KNOWN = PublishedSet(
    "small",
    "Small-Set",
    ("a", "b", "c"),
    tuple(
        PublishedFile(name, hashlib.sha256(body).hexdigest(), len(body), hashlib.md5(PACKED[f"{name}.gz"]).hexdigest())
        for name, body in BODIES.items()
    ),
    ("http://nowhere.invalid/",),
)
LAST = f"{ROLES[3]}.gz"


LENGTHS = {
    "letters": "abc", "negative": "-5", "fraction": "1e3", "long": "9" * 5000, "escape": "\x1b[2J", "empty": "",
    "more": str(len(PACKED[LAST]) + 7),
}  # fmt: skip
MOVED = {"loop": "HERE", "file": "file:///etc/passwd", "ftp": "ftp://127.0.0.1/x", "odd": "http://[", "data": "data:,a"}


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves the four files; the folder of the path says what is wrong with the last one."""

    asked: list[str]

    def do_GET(self) -> None:
        kind, name = self.path.strip("/").split("/")
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        body = PACKED[name]
        length: int | None = len(body)
        if name == LAST:
            if kind == "missing":
                self.send_error(404)
                return
            if kind == "wrong":
                body = gzip.compress(b"something else")
                length = len(body)
            if kind == "cut":
                body = body[:20]
            if kind == "silent-cut":
                body, length = body[:20], None
            if kind == "giant":
                length = 10**12
            if kind == "endless":
                body, length = bytes(3 << 20), None
        if name == LAST and kind in MOVED:
            self.send_response(302)
            self.send_header("Location", MOVED[kind].replace("HERE", self.path))
            self.end_headers()
            return
        self.send_response(200)
        said = LENGTHS.get(kind) if name == LAST else None
        if said is not None or length is not None:
            self.send_header("Content-Length", said if said is not None else str(length))
        if name == LAST and kind == "chunks":
            self.send_header("Transfer-Encoding", "chunked")
            body = b"zz\r\n" + body
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def log_message(self, *args: object) -> None:
        """Be quiet."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[http.server.ThreadingHTTPServer]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "FOVEAL_OFFLINE", "FOVEAL_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=made.serve_forever, args=(0.02,))
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def address(server: http.server.HTTPServer, kind: str) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}/{kind}/"


def test_good_files_are_kept_and_found_again(server: http.server.ThreadingHTTPServer, tmp_path: Path) -> None:
    found = obtain(KNOWN, cache=tmp_path / "cache", addresses=[address(server, "good").rstrip("/")])
    assert found.source.startswith(address(server, "good").rstrip("/"))
    assert [bytes(data) for data in found.contents] == list(BODIES.values())
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == sorted(PACKED)
    assert obtain(KNOWN, cache=tmp_path / "cache", addresses=[]).source == str(tmp_path / "cache")


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("missing", "the server answered 404"),
        ("wrong", "the sum is wrong: MD5"),
        ("cut", f"cut short: 20 of {len(PACKED[LAST])} bytes came"),
        ("silent-cut", "the sum is wrong: MD5"),
        ("giant", "the server announces 1,000,000,000,000 bytes"),
        ("endless", "the server sends more than the file can have"),
        ("letters", "the server announces a length that is not a number, 'abc'"),
        ("negative", "the server announces a length that is not a number, '-5'"),
        ("fraction", "the server announces a length that is not a number, '1e3'"),
        ("long", "the server announces a length that is not a number, '9999"),
        ("escape", "the server announces a length that is not a number, '\\x1b[2J'"),
        ("empty", "the server announces a length that is not a number, ''"),
        ("more", f"cut short: {len(PACKED[LAST])} of {len(PACKED[LAST]) + 7} bytes came"),
        ("chunks", "the sum is wrong: MD5"),
        ("loop", "the server answered 302"),
        ("file", "the server answered 302"),
        ("ftp", "the server points to an address that is not of the web"),
        ("data", "the server answered 302"),
        ("odd", "the server points to an address that is none"),
    ],
)
def test_a_bad_file_never_gets_its_name_and_the_next_address_is_tried(
    kind: str, says: str, server: http.server.ThreadingHTTPServer, tmp_path: Path
) -> None:
    reason = fetch_files(KNOWN, address(server, kind), tmp_path)
    assert reason is not None
    assert reason.startswith(f"{LAST}: {says}")
    assert len(reason) < 400
    assert "\n" not in reason
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(set(PACKED) - {LAST})
    server.asked.clear()  # type: ignore[attr-defined]
    with pytest.warns(DataWarning, match=f"{LAST} missing"):
        found = obtain(KNOWN, cache=tmp_path, addresses=[address(server, kind), address(server, "good")])
    assert found.source.startswith(address(server, "good"))
    assert server.asked[0] == f"/{kind}/{LAST}"  # type: ignore[attr-defined]
    assert server.asked[-1] == f"/good/{LAST}"  # type: ignore[attr-defined]
    assert len(server.asked) == 2 or kind == "loop"  # type: ignore[attr-defined]


def test_right_md5_and_wrong_content(server: http.server.ThreadingHTTPServer, tmp_path: Path) -> None:
    files = tuple(PublishedFile(f.name, "f" * 64, f.length, f.gz_md5) for f in KNOWN.files)
    known = PublishedSet("small", "Small-Set", (), files, ())
    reason = fetch_files(known, address(server, "good"), tmp_path)
    assert reason is not None
    assert reason.startswith(f"{ROLES[0]}.gz: the content is wrong: {ROLES[0]}.gz holds something else")
    assert list(tmp_path.iterdir()) == []


def test_nobody_listens(server: http.server.ThreadingHTTPServer, tmp_path: Path) -> None:
    with socket.socket() as taken:  # bound, and not listening: a connection is refused
        taken.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        with pytest.raises(SourceError) as error:
            obtain(KNOWN, cache=tmp_path, addresses=[nobody, address(server, "missing")])
    text = str(error.value)
    assert f"{nobody}: {ROLES[0]}.gz: no connection: Connection refused" in text
    assert f"{address(server, 'missing')}: {LAST}: the server answered 404" in text


def test_a_server_that_stays_silent(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        reason = fetch_files(KNOWN, f"http://127.0.0.1:{silent.getsockname()[1]}/", tmp_path, timeout=0.05)
    assert reason is not None
    assert "timed out" in reason


def test_a_cache_that_cannot_be_written(server: http.server.ThreadingHTTPServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    reason = fetch_files(KNOWN, address(server, "good"), tmp_path / "file" / "cache")
    assert reason is not None
    assert reason == f"{tmp_path / 'file' / 'cache'} cannot be written: Not a directory"


@pytest.mark.parametrize(
    "address", ["nonsense", "http://", "http://[::1", "http://a b/", "http://.example/", "gopher://x/"]
)
def test_an_address_that_is_none(address: str, tmp_path: Path) -> None:
    reason = fetch_files(KNOWN, address, tmp_path, timeout=0.5)
    assert reason is not None
    assert reason.startswith(f"{ROLES[0]}.gz: ")
    assert len(reason) < 400


def test_offline_asks_nobody(
    server: http.server.ThreadingHTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOVEAL_OFFLINE", "1")
    with pytest.raises(SourceError) as error:
        obtain(KNOWN, cache=tmp_path, addresses=[address(server, "good")])
    assert "the network: FOVEAL_OFFLINE is set" in str(error.value)
    assert server.asked == []  # type: ignore[attr-defined]

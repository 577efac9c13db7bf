"""An npm registry: ``python registry.py FOLDER PORT`` serves the packages whose tarballs lie in FOLDER, on the loopback.

With a third argument, a file, tarballs that it names (a line each: name, then another file) are served replaced while what is said
of them (integrity, shasum) stays: the mirror that lies.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import tarfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote


def main(folder: str, port: int, replaced: str | None = None) -> None:
    packages: dict[str, dict[str, Any]] = {}
    for file in sorted(Path(folder).glob("*.tgz")):
        with tarfile.open(file, "r|gz") as archive:
            about = next(json.load(archive.extractfile(one)) for one in archive if one.name == "package/package.json")  # type: ignore[arg-type]
        data = file.read_bytes()
        packages.setdefault(about["name"], {})[about["version"]] = {**about, "dist": {
            "tarball": f"http://127.0.0.1:{port}/-/{file.name}", "shasum": hashlib.sha1(data).hexdigest(),
            "integrity": "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode(),
        }}  # fmt: skip
    lies = dict(line.split() for line in Path(replaced).read_text().splitlines()) if replaced else {}

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = unquote(self.path.partition("?")[0])
            if path.startswith("/-/") and (Path(folder) / path[3:]).is_file():
                return self._send(Path(lies.get(path[3:], Path(folder) / path[3:])).read_bytes(), "application/octet-stream")
            versions = packages.get(path[1:])
            if versions is None:
                return self._send(b'{"error": "not found"}', "application/json", 404)
            newest = max(versions, key=lambda version: [int(part) for part in version.split(".")])
            return self._send(json.dumps({"name": path[1:], "dist-tags": {"latest": newest}, "versions": versions}).encode(), "application/json")

        def _send(self, data: bytes, kind: str, code: int = 200) -> None:
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    ThreadingHTTPServer(("127.0.0.1", port), Answer).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:4])

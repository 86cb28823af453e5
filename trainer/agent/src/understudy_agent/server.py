"""HTTP in front of the trainer: routes, token, ranges. Errors are problem documents (RFC 9457)."""

import hmac
import json
import logging
import re
import shutil
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from . import dataset_store, spec
from .supervise import Conflict, DatasetMissing, Trainer

JSON_LIMIT = 1 << 20

log = logging.getLogger("understudy_agent")


class Problem(Exception):
    def __init__(self, status: int, detail: str):
        super().__init__(detail)
        self.status = status


def serve(host: str, port: int, token: str, trainer: Trainer, touch=lambda: None) -> ThreadingHTTPServer:
    """A listening server; the caller runs serve_forever and shutdown. touch() is called for every request with the token."""

    class Bound(Handler):
        pass

    Bound.token, Bound.trainer, Bound.touch = token.encode(), trainer, staticmethod(touch)
    server = ThreadingHTTPServer((host, port), Bound)
    server.daemon_threads = True
    return server


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    token = b""
    trainer: Trainer
    touch = staticmethod(lambda: None)

    def do_GET(self):
        self._answer("GET")

    def do_PUT(self):
        self._answer("PUT")

    def do_POST(self):
        self._answer("POST")

    def do_DELETE(self):
        self._answer("DELETE")

    def _answer(self, method: str) -> None:
        try:
            self._route(method)
        except Problem as err:
            self._problem(err.status, str(err))
        except dataset_store.PartError as err:
            self._problem(err.status, str(err))
        except spec.SpecError as err:
            self._problem(422, str(err))
        except Conflict as err:
            self._problem(409, str(err))
        except DatasetMissing as err:
            self._problem(412, str(err))
        except (ConnectionError, TimeoutError):
            self.close_connection = True
        except OSError as err:
            log.error("request failed: path=%s error=%s", self.path, err)
            self._problem(507 if err.errno == 28 else 500, f"{err.strerror or err}: see the space and permissions of AGENT_DIR")

    def _route(self, method: str) -> None:
        url = urlsplit(self.path)
        if url.path == "/healthz" and method == "GET":
            return self._json(200, {"status": "ok"})
        given = self.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(given, b"Bearer " + self.token):
            raise Problem(401, "wrong or missing token: send Authorization: Bearer <the agent's AGENT_TOKEN>")
        self.touch()
        match method, url.path:
            case "GET", "/v1/status":
                self._json(200, self.trainer.status())
            case "PUT", "/v1/dataset":
                self._put_dataset(parse_qs(url.query).get("job", [""])[0])
            case "POST", "/v1/train":
                self._json(202 if self.trainer.train(self._body_json()) else 200, self.trainer.status())
            case "DELETE", "/v1/train":
                self.trainer.cancel()
                self._send(204, b"")
            case "GET", path if path.startswith("/v1/artifacts/"):
                self._artifact(path.removeprefix("/v1/artifacts/"))
            case _:
                raise Problem(404, f"no route {method} {url.path}")

    def _put_dataset(self, job: str) -> None:
        spec.job_id(job)
        data = self._body(dataset_store.PART_LIMIT)
        first, total = dataset_store.parse_range(self.headers.get("Content-Range"), len(data))
        self._json(200, self.trainer.put(job, first, total, data))

    def _body(self, limit: int) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit():
            raise Problem(411, "Content-Length is missing")
        if int(length) > limit:
            raise Problem(413, f"the body has {length} bytes, at most {limit} are taken at once: send it in parts")
        data = self.rfile.read(int(length))
        if len(data) != int(length):
            raise ConnectionError("the client left")
        self._read = True
        return data

    def _body_json(self):
        try:
            return json.loads(self._body(JSON_LIMIT))
        except ValueError as err:
            raise Problem(400, f"the body is not JSON: {err}") from err

    def _artifact(self, name: str) -> None:
        path = self.trainer.artifact(name)
        if path is None:
            raise Problem(404, f"no artefact {name!r}: the job is not done, or it makes no such file")
        with open(path, "rb") as file:
            size = path.stat().st_size
            first, last, partial = _wanted(self.headers.get("Range"), size)
            self.send_response(206 if partial else 200)
            if partial:
                self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(last - first + 1))
            self.end_headers()
            file.seek(first)
            if last + 1 == size:
                shutil.copyfileobj(file, self.wfile, 1 << 20)
                return
            left = last - first + 1
            while left and (block := file.read(min(left, 1 << 20))):
                self.wfile.write(block)
                left -= len(block)

    def _json(self, status: int, value) -> None:
        self._send(status, json.dumps(value).encode())

    def _problem(self, status: int, detail: str) -> None:
        body = {"title": self.responses.get(status, ("Error",))[0], "status": status, "detail": detail}
        self._send(status, json.dumps(body).encode(), "application/problem+json")

    def _send(self, status: int, body: bytes, kind: str = "application/json") -> None:
        unread = self.headers.get("Content-Length", "0") != "0" and not getattr(self, "_read", False)
        self._read = False
        self.send_response(status)
        if unread:  # the rest of the body would be taken for the next request
            self.send_header("Connection", "close")
            self.close_connection = True
        if body:
            self.send_header("Content-Type", kind)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        if status == 416:
            self.send_header("Accept-Ranges", "bytes")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        log.debug("request: " + format, *args)


def _wanted(header: str | None, size: int) -> tuple[int, int, bool]:
    """(first, last, is it a part) of a Range header with one range; other headers mean the whole."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", header or "")
    if not match or match[1] == match[2] == "":
        return 0, size - 1, False
    if match[1] == "":
        first, last = max(0, size - int(match[2])), size - 1
    else:
        first, last = int(match[1]), min(int(match[2] or size - 1), size - 1)
    if first >= size or last < first:
        raise Problem(416, f"range {header!r} is outside the file's {size} bytes")
    return first, last, True

"""Microsoft Graph on loopback: a real HTTP server over a scripted tenant, for tests and for trying things out.

with FakeGraph() as graph:
    graph.tenant.drive("Documents").write("a.md", b"# Hello")
    print(graph.url, graph.token())
"""

import itertools
import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.fakes.graph.directory import Directory, Expired, Unknown
from tests.fakes.graph.tenant import Drive, Json, Tenant, show


@dataclass
class Fault:
    """What goes wrong with the requests whose path contains `part`, so many times."""

    part: str
    status: int = 503
    times: int = 1
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | Json | None = None
    cut: int | None = None
    """Bytes of the answer that arrive before the connection breaks."""
    after: int = 0
    """Matching requests that go well first."""


@dataclass
class Answer:
    status: int
    body: bytes | Json
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Enumeration:
    """The pages of one walk over a feed."""

    drive: str
    ids: list[str]
    end: int
    prefer: str
    since: int


class Problem(Exception):
    """An error that Graph answers with."""

    def __init__(self, status: int, code: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(code)
        self.answer = Answer(status, {"error": {"code": code, "message": code}}, headers or {})


class FakeGraph:
    """The server; `tenant` may be changed at any time, `faults` and `after_page` say what goes wrong."""

    def __init__(self, tenant: Tenant | None = None, *, page_size: int = 200, port: int = 0) -> None:
        self.tenant, self.page_size = tenant or Tenant(), page_size
        self.faults = list[Fault]()
        self.after_page: Callable[[int], None] | None = None
        self.requests = list[tuple[str, str, str | None]]()
        """(method, path with query, Authorization) of every request, those in a batch as well."""
        self.secret, self.client = "secret", "app"
        self.tokens = dict[str, float]()
        """{token: when it expires}."""
        self.expired_links = dict[str, tuple[str, str | None]]()
        """{drive id: (code, Location or None)}: links that were given before are answered with 410."""
        self._numbers, self._links = itertools.count(1), dict[str, Enumeration | tuple[str, int]]()
        self._downloads, self._pages = dict[str, tuple[str, str]](), 0
        self._connections = set[socket.socket]()
        self.certified = set[str]()
        """Tokens that were given for a certificate: SharePoint itself takes no others."""
        self.directory = Directory(self.tenant, lambda: self.url, page_size)
        self._server = _serve(self, port)
        self._content = _serve(self, 0)

    def host_site(self, path: str = "/sites/contracts") -> str:
        """Let the site itself stand on this server too, with SharePoint's own interface; its address."""
        self.tenant.site = f"{self.authority}{path}"
        return self.tenant.site

    @property
    def url(self) -> str:
        """The value for graph_url."""
        return f"http://127.0.0.1:{self._server.server_port}/v1.0"

    @property
    def authority(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def token(self, seconds: float = 3600) -> str:
        """A new access token."""
        token = f"token-{next(self._numbers)}"
        self.tokens[token] = time.time() + seconds
        return token

    def close(self) -> None:
        for server in (self._server, self._content):
            server.shutdown()
        for connection in list(self._connections):
            with suppress(OSError):  # the client was faster
                connection.shutdown(socket.SHUT_RDWR)
        for server in (self._server, self._content):
            server.server_close()

    def __enter__(self) -> "FakeGraph":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def expire_links(
        self, drive: Drive, code: str = "resyncChangesApplyDifferences", location: str | None = ""
    ) -> None:
        """Forget the place of everyone who follows a feed; `location`: "" for a true one, None for none."""
        fresh = f"{self.url}/drives/{drive.id}/root/delta?fresh=1" if location == "" else location
        self.expired_links[drive.id] = (code, fresh)
        self._links.clear()

    def count(self, part: str) -> int:
        """Requests so far whose path contains this."""
        return sum(part in path for _, path, _ in self.requests)

    # --- answering

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes, inner: bool = False) -> Answer:
        """The answer to one request, faults included."""
        with self.tenant.lock:
            self.requests.append((method, target, headers.get("authorization")))
            fault = self._fault(target)
            if fault is not None and fault.cut is None:
                content = fault.body if fault.body is not None else {"error": {"code": "fault", "message": ""}}
                return Answer(fault.status, content, fault.headers)
            try:
                answer = self._route(method, target, headers, body, inner)
            except Problem as problem:
                return problem.answer
            except Expired:
                return Problem(410, "syncStateNotFound").answer
            except (KeyError, Unknown) as error:
                return Problem(404, f"itemNotFound {error}").answer
            if fault is not None and isinstance(answer.body, bytes):
                answer.body = answer.body[: fault.cut]
            return answer

    def _fault(self, target: str) -> Fault | None:
        for fault in self.faults:
            if fault.part in target and fault.times > 0:
                if fault.after > 0:
                    fault.after -= 1
                    continue
                fault.times -= 1
                return fault
        return None

    def _route(self, method: str, target: str, headers: dict[str, str], body: bytes, inner: bool) -> Answer:
        parts = urlsplit(target)
        path, query = unquote(parts.path), {k: v[0] for k, v in parse_qs(parts.query).items()}
        if "/oauth2/" in path or "/.well-known/" in path:
            return self._sign_in(path, body)
        if path.startswith("/download/"):
            drive_id, node_id = self._downloads[path.removeprefix("/download/")]
            return Answer(200, self.tenant.drives[drive_id].nodes[node_id].content)
        if not inner:
            self._authorize(headers)
        if "/_api/" in path:
            return self._sharepoint(path, headers)
        path = path.removeprefix("/v1.0")
        if path == "/$batch":
            return self._batch(json.loads(body), headers)
        if path.startswith("/sites/"):
            return self._sites(path.removeprefix("/sites/"))
        body_of = self.directory.answer(path, query)
        if body_of is not None:
            return Answer(200, body_of)
        _, _, drive_id, *rest = path.split("/")
        return self._drive(drive_id, rest, query, headers)

    def _authorize(self, headers: dict[str, str]) -> None:
        token = headers.get("authorization", "").removeprefix("Bearer ")
        if self.tokens.get(token, 0.0) <= time.time():
            raise Problem(401, "InvalidAuthenticationToken")

    def _sharepoint(self, path: str, headers: dict[str, str]) -> Answer:
        if headers.get("authorization", "").removeprefix("Bearer ") not in self.certified:
            raise Problem(401, "Unsupported app only token.")
        found = self.directory.site_group(path)
        if found is None:
            raise Problem(404, "itemNotFound")
        return Answer(200, found)

    def _sign_in(self, path: str, body: bytes) -> Answer:
        base = f"https://127.0.0.1:{self._server.server_port}/{path.split('/')[1]}"
        if "/.well-known/" in path:
            return Answer(200, {"authorization_endpoint": f"{base}/oauth2/v2.0/authorize", "issuer": f"{base}/v2.0",
                                "token_endpoint": f"{base}/oauth2/v2.0/token"})  # fmt: skip
        form = {k: v[0] for k, v in parse_qs(body.decode()).items()}
        known = form.get("client_secret") == self.secret or "client_assertion" in form
        if form.get("client_id") != self.client or not known:
            return Answer(
                401, {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret."}
            )
        token = self.token()
        if "client_assertion" in form:
            self.certified.add(token)
        return Answer(200, {"access_token": token, "expires_in": 3600, "token_type": "Bearer"})

    def _batch(self, body: Json, headers: dict[str, str]) -> Answer:
        if len(body["requests"]) > 20:
            raise Problem(400, "MaximumBatchSize")
        replies = []
        for request in body["requests"]:
            one = self.answer(request["method"], "/v1.0" + request["url"], headers, b"", inner=True)
            replies.append({"id": request["id"], "status": one.status, "headers": one.headers, "body": one.body})
        return Answer(200, {"responses": replies[::-1]})  # in any order

    def _sites(self, path: str) -> Answer:
        self._open("site")
        site = urlsplit(self.tenant.site)
        if path == f"{site.hostname}:{site.path}":
            return Answer(200, {"id": self.tenant.site_id, "webUrl": self.tenant.site})
        if path == f"{self.tenant.site_id}/drives":
            drives = [{"id": d.id, "name": d.name, "webUrl": d.web_url} for d in self.tenant.drives.values()]
            return Answer(200, {"value": drives})
        raise Problem(404, "itemNotFound")

    def _open(self, what: str) -> None:
        if status := self.tenant.status.get(what):
            raise Problem(
                status, {403: "accessDenied", 404: "itemNotFound", 423: "resourceLocked"}.get(status, "error")
            )

    def _drive(self, drive_id: str, rest: list[str], query: dict[str, str], headers: dict[str, str]) -> Answer:
        self._open(drive_id)
        drive = self.tenant.drives[drive_id]
        if rest[:2] == ["root", "delta"]:
            return self._delta(drive, query, headers.get("prefer", ""))
        node = drive.root if rest[0] == "root" else drive.nodes[rest[1]]
        what = rest[1:] if rest[0] == "root" else rest[2:]
        if node.deleted:
            raise Problem(404, "itemNotFound")
        if what == ["permissions"]:
            return Answer(200, {"value": drive.effective(node)})
        if what == ["content"]:
            key = f"{next(self._numbers)}"
            self._downloads[key] = (drive.id, node.id)
            return Answer(302, b"", {"Location": f"http://127.0.0.1:{self._content.server_port}/download/{key}"})
        return Answer(200, show(drive, node))

    def _delta(self, drive: Drive, query: dict[str, str], prefer: str) -> Answer:
        token = query.get("token")
        if token == "latest":
            return Answer(200, {"value": [], "@odata.deltaLink": self._link((drive.id, drive.sequence))})
        place: Enumeration | tuple[str, int] | None = None
        if token is not None:
            if drive.id in self.expired_links and token not in self._links:
                code, location = self.expired_links[drive.id]
                raise Problem(410, code, {"Location": location} if location else {})
            if token not in self._links:
                raise Problem(400, "invalidRequest")
            place = self._links[token]
        if isinstance(place, Enumeration):
            return self._page(drive, place)
        since = 0 if place is None else place[1]
        if place is None:
            ids = [node.id for node in drive.live()]
        else:
            changed = sorted((n for n in drive.nodes.values() if n.changed > since), key=lambda n: n.changed)
            if "deltashowsharingchanges" not in prefer:
                changed = [n for n in changed if not n.shared_changed]
            ids = [n.id for n in changed]
            if "deltaExcludeParent" not in prefer:
                ids = [drive.root.id, *ids]
        return self._page(drive, Enumeration(drive.id, ids, drive.sequence, prefer, since))

    def _page(self, drive: Drive, place: Enumeration) -> Answer:
        nodes = [drive.nodes[i] for i in place.ids[: self.page_size]]
        if not place.since:
            nodes = [n for n in nodes if not n.deleted]  # a first listing shows no tombstones
        page: Json = {"value": [show(drive, n, prefer=place.prefer, sparse=True) for n in nodes]}
        rest = place.ids[self.page_size :]
        if rest:
            page["@odata.nextLink"] = self._link(Enumeration(drive.id, rest, place.end, place.prefer, place.since))
        else:
            page["@odata.deltaLink"] = self._link((drive.id, place.end))
        self._pages += 1
        if self.after_page is not None:
            self.after_page(self._pages)
        return Answer(200, page)

    def _link(self, place: Enumeration | tuple[str, int]) -> str:
        token = f"t{next(self._numbers)}"
        self._links[token] = place
        drive = place.drive if isinstance(place, Enumeration) else place[0]
        return f"{self.url}/drives/{drive}/root/delta?token={token}"


def _serve(graph: FakeGraph, port: int) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 20  # head and body in one packet, or each answer waits 40 ms for an acknowledgement
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            graph._connections.add(self.connection)

        def finish(self) -> None:
            graph._connections.discard(self.connection)
            super().finish()

        def do_GET(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            headers = {k.lower(): v for k, v in self.headers.items()}
            answer = graph.answer(self.command, self.path, headers, self.rfile.read(length))
            body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = False  # closing waits for them
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return server

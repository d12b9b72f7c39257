"""Microsoft Graph over HTTP: one tenant, patient, and careful about where its token goes.

Belongs here: requests, waiting, retries, batches, downloads. Does not: what the answers mean.
"""

import ipaddress
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import httpx

from resources.errors import AccessDenied, SourceError
from resources.sources.graph_auth import LOOPBACK, Tokens, origin
from resources.sources.throttle import pause_of, retry_after

TRIES = 6
BATCH = 20
"""Most requests that one $batch may carry."""
HOPS = 5
AGENT = "NONISV|rag-assets|rag-assets/0.1"
_WAIT, _BROKEN = (429, 503), (500, 502, 504, 509)

Json = Mapping[str, Any]


class Refused(SourceError):
    """Graph answered with an error that waiting does not mend."""

    def __init__(self, message: str, status: int, code: str, location: str | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.location = status, code, location


class Busy(SourceError):
    """The tenant asks to wait longer than there is time."""


@dataclass(frozen=True, slots=True)
class Part:
    """The answer to one request of a batch."""

    status: int
    body: Json


class Graph:
    """The v1.0 endpoint of one tenant. `tenant` names the pause that everyone who calls it shares."""

    def __init__(
        self,
        source: str,
        base_url: str,
        tokens: Tokens,
        tenant: str,
        *,
        timeout: float = 60.0,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.source, self.base = source, base_url.rstrip("/")
        self.deadline: float | None = None
        self.requests = 0
        """Calls made so far, batches as one."""
        self._tokens, self._pause = tokens, pause_of(f"{origin(base_url)} {tenant}")
        self._sleep, self._clock = sleep, clock
        self._http = httpx.Client(timeout=timeout, follow_redirects=False, headers={"User-Agent": AGENT})

    def close(self) -> None:
        self._http.close()
        self._tokens.close()

    @contextmanager
    def until(self, deadline: float | None) -> Iterator[None]:
        """Inside, no wait goes beyond this moment (of the clock): Busy is raised instead."""
        before, self.deadline = self.deadline, deadline
        try:
            yield
        finally:
            self.deadline = before

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Json:
        """The JSON at a path below the base, or at an address that Graph gave; raises Refused, AccessDenied, Busy."""
        return self._json("GET", self._trusted(url), headers or {}, None)

    def pages(self, url: str, headers: Mapping[str, str] | None = None) -> Iterator[Json]:
        """The `value`s of a collection, page after page."""
        following: str | None = url
        while following is not None:
            page = self.get(following, headers)
            yield from page.get("value", ())
            following = page.get("@odata.nextLink")

    def batch(self, paths: Sequence[str]) -> list[Part]:
        """GET many paths, 20 in a request; parts that are throttled are asked again, and only those."""
        answers: list[Part | None] = [None] * len(paths)
        waiting, attempt = list(range(len(paths))), 0
        while waiting:
            again, wait = list[int](), 0.0
            for at in range(0, len(waiting), BATCH):
                asked = waiting[at : at + BATCH]
                body = {"requests": [{"id": str(n), "method": "GET", "url": paths[n]} for n in asked]}
                reply = self._json("POST", f"{self.base}/$batch", {}, body)
                parts = {int(part["id"]): part for part in reply.get("responses", ())}
                for n in asked:
                    part = parts.get(n, {"status": 500})  # an answer that is missing failed
                    status = int(part.get("status", 500))
                    if status in (*_WAIT, *_BROKEN) and attempt < TRIES:
                        headers = {k.lower(): str(v) for k, v in (part.get("headers") or {}).items()}
                        wait = max(wait, retry_after(headers.get("retry-after"), attempt))
                        again.append(n)
                    else:
                        content = part.get("body")
                        answers[n] = Part(status, content if isinstance(content, dict) else {})
            if again:
                self._pause.ask(wait, self._clock())
            waiting, attempt = again, attempt + 1
        return [answer for answer in answers if answer is not None]

    def download(self, path: str, into: BinaryIO, max_bytes: int) -> int:
        """Write the bytes behind a path to `into`, at most `max_bytes` + 1; the number written.

        Graph redirects to another host, which gets no token. Raises Refused, Busy, SourceError (broke off).
        """
        for attempt in range(TRIES):
            into.seek(0)
            into.truncate()
            try:
                return self._stream(self._trusted(path), into, max_bytes)
            except httpx.TransportError as error:
                if attempt == TRIES - 1:
                    raise SourceError(f"{self.source}: a download broke off ({type(error).__name__}).") from error
                self._rest(retry_after(None, attempt))
        raise AssertionError("unreachable")

    def _stream(self, url: str, into: BinaryIO, max_bytes: int) -> int:
        for _ in range(HOPS):
            ours = origin(url) == origin(self.base)
            with self._send("GET", url, {}, None, ours=ours, stream=True) as response:
                if response.is_redirect:
                    url = self._elsewhere(str(response.next_request.url if response.next_request else ""))
                    continue
                written = 0
                for block in response.iter_bytes(1 << 16):
                    into.write(block)
                    written += len(block)
                    if written > max_bytes:
                        break
                return written
        raise SourceError(f"{self.source}: a download was redirected more than {HOPS} times.")

    def _json(self, method: str, url: str, headers: Mapping[str, str], body: Json | None) -> Json:
        """An answer that is a JSON object without an error; a broken one is asked for again."""
        for attempt in range(3):
            with self._send(method, url, headers, body, ours=True) as response:
                try:
                    page = response.json()
                except ValueError:
                    page = None
            if isinstance(page, dict) and "error" not in page:
                return page
            if attempt < 2:
                self._rest(retry_after(None, attempt))
        said = f"an error ({page['error'].get('code')})" if _error(page) else "something that is no JSON object"
        raise SourceError(f"{self.source}: {urlsplit(url).path} answers 200 with {said}; nothing was changed.")

    @contextmanager
    def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: Json | None, *, ours: bool, stream: bool = False
    ) -> Iterator[httpx.Response]:
        """One request that succeeded or was redirected; waits where the tenant asks to."""
        renewed, attempt = False, 0
        while True:
            self._wait()
            sent = dict(headers)
            if ours:
                sent["Authorization"] = f"Bearer {self._tokens.token()}"
            request = self._http.build_request(method, url, headers=sent, json=body)
            self.requests += 1
            try:
                response = self._http.send(request, stream=stream)
            except httpx.TransportError as error:
                attempt += 1
                if attempt == TRIES:
                    raise SourceError(
                        f"{self.source}: {origin(url)} does not answer ({type(error).__name__}); nothing was changed."
                    ) from error
                self._rest(retry_after(None, attempt - 1))
                continue
            try:
                if response.is_success or (stream and response.is_redirect):
                    yield response
                    return
                if stream:
                    response.read()
                attempt += 1
                if response.status_code in (*_WAIT, *_BROKEN) and attempt < TRIES:
                    seconds = retry_after(response.headers.get("Retry-After"), attempt - 1)
                    self._pause.ask(seconds, self._clock())
                elif response.status_code == 401 and ours and not renewed and self._tokens.renew():
                    renewed = True
                else:
                    raise self._refused(url, response, ours)
            finally:
                response.close()

    def _wait(self) -> None:
        while (seconds := self._pause.remaining(self._clock())) > 0:
            self._rest(seconds)

    def _rest(self, seconds: float) -> None:
        if self.deadline is not None and self._clock() + seconds > self.deadline:
            raise Busy(f"{self.source}: the tenant asks to wait {seconds:.0f} s; the rest is done after that.")
        self._sleep(seconds)

    def _refused(self, url: str, response: httpx.Response, ours: bool) -> SourceError:
        status, path = response.status_code, urlsplit(url).path
        if not ours:  # an address that has run out, not a right that we lack
            return SourceError(f"{self.source}: the download from {origin(url)} answers {status}.")
        try:
            error = _error(response.json())
        except ValueError:
            error = {}
        code = str(error.get("code", "")) or response.reason_phrase
        inner = error.get("innerError") or error.get("innererror") or {}
        code = str(inner.get("code", code)) if status == 410 and isinstance(inner, dict) else code
        if status == 401:
            return AccessDenied(
                f"{self.source}: the access token is refused ({code}); give a new one, or renew the app's secret."
            )
        if status in (*_WAIT, *_BROKEN):
            return Busy(f"{self.source}: {path} answers {status} after {TRIES} tries; it is tried again later.")
        return Refused(
            f"{self.source}: {path} answers {status} ({code}).", status, code, response.headers.get("Location")
        )

    def trusts(self, url: str) -> bool:
        """Whether an address is this endpoint's, so that the token may go there."""
        ours, theirs = urlsplit(self.base), urlsplit(url)
        inside = theirs.path.startswith(f"{ours.path}/") and "/../" not in theirs.path
        return origin(self.base).lower() == origin(url).lower() and inside and "@" not in theirs.netloc

    def _trusted(self, url: str) -> str:
        if url.startswith("/"):
            return self.base + url
        if not self.trusts(url):
            raise SourceError(
                f"{self.source}: Graph sent us to {origin(url)}, which is not {origin(self.base)}; we do not go there."
            )
        return url

    def _elsewhere(self, url: str) -> str:
        """An address that a download may go to: https and public, or whatever a loopback Graph says."""
        parts, host = urlsplit(url), urlsplit(url).hostname or ""
        if urlsplit(self.base).hostname in LOOPBACK and (host in LOOPBACK or parts.scheme == "https"):
            return url
        if parts.scheme != "https" or not _public(host):
            raise SourceError(f"{self.source}: a download was redirected to {origin(url)}; we do not go there.")
        return url


def _public(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return host not in LOOPBACK and "." in host


def _error(page: Any) -> dict[str, Any]:
    error = page.get("error") if isinstance(page, dict) else None
    return error if isinstance(error, dict) else {}

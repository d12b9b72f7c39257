"""Access tokens for Microsoft Graph: given, or from Entra ID by secret, certificate or managed identity."""

from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from resources.errors import AccessDenied, SettingsError, SourceError

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Tokens(Protocol):
    """Where access tokens come from."""

    def token(self) -> str:
        """A token that should be valid; raises AccessDenied, SourceError."""

    def renew(self) -> bool:
        """Forget the token that was refused; False: there is no other."""

    def close(self) -> None:
        """Let go of the connections to whoever gives tokens."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """How the app signs in; exactly one of the four ways."""

    tenant_id: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    certificate_path: str | None = None
    managed_identity: bool = False
    access_token: str | None = None
    authority: str = "https://login.microsoftonline.com"

    def __repr__(self) -> str:
        return f"Credentials(tenant_id={self.tenant_id!r}, client_id={self.client_id!r}, authority={self.authority!r})"


def tokens_for(source: str, credentials: Credentials, graph_url: str) -> Tokens:
    """The tokens of a source; raises SettingsError where the settings name no way, or too many."""
    ways = (
        credentials.access_token is not None, credentials.managed_identity,
        credentials.client_secret is not None, credentials.certificate_path is not None,
    )  # fmt: skip
    if sum(ways) != 1:
        raise SettingsError(
            f"sources.{source} names {sum(ways) or 'none'} of client_secret, certificate_path, managed_identity and "
            "access_token; exactly one is needed."
        )
    require_safe(source, "authority", credentials.authority)
    if credentials.access_token is not None:
        return _Given(source, credentials.access_token)
    if not credentials.managed_identity and not (credentials.tenant_id and credentials.client_id):
        raise SettingsError(f"sources.{source}: client_secret and certificate_path need tenant_id and client_id too.")
    return _Entra(source, credentials, f"{origin(graph_url)}/.default")


def tokens_for_site(source: str, credentials: Credentials, site: str) -> Tokens | None:
    """The tokens for SharePoint itself, which takes no app that signs in with a secret; None: there are none."""
    if credentials.certificate_path is None and not credentials.managed_identity:
        return None
    require_safe(source, "site", site)
    return _Entra(source, credentials, f"{origin(site)}/.default")


def origin(url: str) -> str:
    """Scheme and host of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def require_safe(source: str, key: str, url: str) -> None:
    """Refuse addresses to which a token would travel in clear text; http is for loopback only."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and parts.hostname in LOOPBACK:
        return
    raise SettingsError(f"sources.{source}.{key} is {url!r}; an https:// address is allowed, http:// on loopback only.")


class _Given:
    """A token that somebody else fetched."""

    def __init__(self, source: str, token: str) -> None:
        self._token = token

    def token(self) -> str:
        return self._token

    def renew(self) -> bool:
        return False

    def close(self) -> None:
        """Nothing is open."""


class _Entra:
    """Tokens of azure-identity, which keeps and renews them."""

    def __init__(self, source: str, credentials: Credentials, scope: str) -> None:
        self._source, self._credentials, self._scope = source, credentials, scope
        self._credential: Any = None

    def token(self) -> str:
        from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError, ServiceResponseError
        from azure.identity import CredentialUnavailableError

        if self._credential is None:
            self._credential = self._sign_in()
        try:
            return str(self._credential.get_token(self._scope).token)
        except CredentialUnavailableError as error:
            raise AccessDenied(
                f"{self._source}: this machine has no managed identity; give it one, or use a certificate."
            ) from error
        except ClientAuthenticationError as error:
            code = next((word.strip(":.,") for word in str(error).split() if word.startswith("AADSTS")), "refused")
            raise AccessDenied(
                f"{self._source}: Entra ID does not sign in the app {self._credentials.client_id} ({code}); check "
                "tenant_id, client_id and the secret or certificate, which may have expired."
            ) from error
        except (ServiceRequestError, ServiceResponseError) as error:
            raise SourceError(
                f"{self._source}: {self._credentials.authority} does not answer; nothing was changed."
            ) from error

    def renew(self) -> bool:
        self.close()  # a new credential has an empty cache
        return True

    def close(self) -> None:
        if self._credential is not None:
            self._credential.close()
            self._credential = None

    def _sign_in(self) -> Any:
        from azure.identity import CertificateCredential, ClientSecretCredential, ManagedIdentityCredential

        c = self._credentials
        if c.managed_identity:
            return ManagedIdentityCredential(client_id=c.client_id)
        tenant, client = c.tenant_id or "", c.client_id or ""
        how: dict[str, Any] = {"authority": c.authority}
        if urlsplit(c.authority).scheme == "http":
            # azure-identity insists on https: on loopback the same exchange goes over http
            how = {
                "authority": c.authority.replace("http://", "https://", 1), "disable_instance_discovery": True,
                "transport": _loopback(),
            }  # fmt: skip
        try:
            if c.certificate_path is not None:
                return CertificateCredential(tenant, client, certificate_path=c.certificate_path, **how)
            return ClientSecretCredential(tenant, client, c.client_secret or "", **how)
        except (ValueError, OSError) as error:
            raise SourceError(f"{self._source}: the app's credentials are not usable ({error}).") from error


def _loopback() -> Any:
    from azure.core.pipeline.transport import RequestsTransport

    class Loopback(RequestsTransport):  # type: ignore[misc]
        def send(self, request: Any, **how: Any) -> Any:
            if urlsplit(request.url).hostname not in LOOPBACK:
                raise SettingsError(f"{request.url} is not on loopback; http is not allowed there.")
            request.url = request.url.replace("https://", "http://", 1)
            return super().send(request, **how)

    return Loopback()

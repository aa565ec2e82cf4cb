"""A local server that gives Azure tokens: as the endpoint of a managed identity, and as Entra ID
with a certificate of its own."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class SignInService:
    """`asked` are the queries or forms it got; with `refuses` it answers 400 with that text."""

    folder: Path
    lifetime: int = 3600
    refuses: str = ""
    asked: list[Mapping[str, Any]] = field(default_factory=list)
    tables: list[Mapping[str, str]] = field(default_factory=list)
    """The headers of requests to `/tables`, where every table is empty."""

    url: str = ""
    secure_url: str = ""

    @property
    def managed_identity(self) -> dict[str, str]:
        """The variables of a place that has a managed identity."""
        return {"IDENTITY_ENDPOINT": f"{self.url}/msi", "IDENTITY_HEADER": "h-1"}

    @property
    def authority(self) -> dict[str, str]:
        """The variables that make clients sign in here instead of at Entra ID."""
        certificate = str(self.folder / "certificate.pem")
        return {"AZURE_AUTHORITY_HOST": self.secure_url, "SSL_CERT_FILE": certificate}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[SignInService]:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*make_certificate(self.folder))
        app = web.Application()
        app.router.add_get("/msi", self._managed)
        app.router.add_post("/{tenant}/oauth2/v2.0/token", self._entra)
        app.router.add_get("/tables/{query:.*}", self._empty_table)
        runner = web.AppRunner(app)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
            plain, secure = (port for _, port in runner.addresses)
            self.url = f"http://127.0.0.1:{plain}"
            self.secure_url = f"https://127.0.0.1:{secure}"
            yield self
        finally:
            await runner.cleanup()

    async def _managed(self, request: web.Request) -> web.Response:
        self.asked.append({**request.query, "header": request.headers.get("X-IDENTITY-HEADER")})
        if self.refuses:
            return web.json_response({"error": {"message": self.refuses}}, status=400)
        ends = int(time.time()) + self.lifetime
        return web.json_response(
            {
                "access_token": f"managed-{len(self.asked)}",
                "expires_on": str(ends),
                "resource": request.query["resource"],
                "token_type": "Bearer",
            }
        )

    async def _entra(self, request: web.Request) -> web.Response:
        form = {key: str(value) for key, value in (await request.post()).items()}
        self.asked.append({**form, "tenant": request.match_info["tenant"]})
        if self.refuses:
            problem = {"error": "invalid_client", "error_description": self.refuses}
            return web.json_response(problem, status=401)
        return web.json_response(
            {
                "access_token": f"entra-{len(self.asked)}",
                "expires_in": self.lifetime,
                "token_type": "Bearer",
            }
        )

    async def _empty_table(self, request: web.Request) -> web.Response:
        self.tables.append(request.headers)
        return web.json_response({"value": []})


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate for this machine and its key; return both files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files

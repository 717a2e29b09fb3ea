"""Certificates for tests of TLS."""

import datetime
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Authority:
    """Who signs certificates."""

    folder: Path
    name: str
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def create(cls, folder: Path, name: str) -> "Authority":
        """A new one; its certificate is in ``folder``."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _signed(name, key, name, key)
        _write(folder / f"{name}.pem", certificate.public_bytes(serialization.Encoding.PEM))
        return cls(folder, name, key, certificate)

    def options(self, peer: str) -> list[str]:
        """Options of commands for a peer with a new certificate that this has signed."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self.folder / f"{self.name}-{peer}.pem"
        key_file = self.folder / f"{self.name}-{peer}.key"
        _write(certificate, _signed(peer, key, self.name, self.key).public_bytes(serialization.Encoding.PEM))
        unprotected = serialization.NoEncryption()
        _write(
            key_file,
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, unprotected),
        )
        authority = self.folder / f"{self.name}.pem"
        return [f"--tls-ca={authority}", f"--tls-cert={certificate}", f"--tls-key={key_file}"]

    def settings(self, peer: str) -> dict[str, str]:
        """The same as arguments of ``connect``."""
        return {
            name.removeprefix("--").replace("-", "_"): value
            for name, value in (option.split("=", 1) for option in self.options(peer))
        }


def _signed(
    subject: str, key: ec.EllipticCurvePrivateKey, issuer: str, issuer_key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    now = datetime.datetime.now(tz=datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=subject == issuer, path_length=None), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)

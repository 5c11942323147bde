# SPDX-License-Identifier: Apache-2.0
"""A test certificate authority with its lesser relatives, and the good and bad certificates that servers show.

A certificate is asked for by host name and kind, for example

    ca        signed by the test CA for that name
    self      signed by itself for that name
    wrong     signed by the test CA, but for another name
    expired   signed by the test CA for that name, valid until 2021

KINDS lists the others. A server shows its certificate and then those of the authorities in `chain`.
"""

import base64
import dataclasses
import hashlib
import pathlib
import threading

from .process import run

CONFIG = """
[req]
distinguished_name = name
prompt = no
[name]
CN = loopback test
[CA]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[TWIN]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
[SHORT]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[BELOW]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[NARROW]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
nameConstraints = critical, permitted;DNS:elsewhere.test
[ca]
default_ca = here
[here]
database = {folder}/index
new_certs_dir = {folder}
rand_serial = yes
unique_subject = no
default_md = sha256
policy = anything
copy_extensions = copy
[anything]
commonName = optional
"""

VALID = ("20200101000000Z", "20991231235959Z")
PAST = ("20200101000000Z", "20210101000000Z")

# Each is a section of CONFIG: its subject, and who signs it (nobody: itself).
AUTHORITIES = {
    "CA": ("Loopback Test CA", None),
    "TWIN": ("Loopback Test CA", None),  # another one of the same name, whose signatures are worth nothing
    "SHORT": ("Short CA", None),  # may sign servers, but no other authority (RFC 5280 §4.2.1.9)
    "BELOW": ("CA below Short CA", "SHORT"),  # ... and does
    "NARROW": ("Narrow CA", None),  # for names in elsewhere.test and no others (RFC 5280 §4.2.1.10)
}


@dataclasses.dataclass(frozen=True)
class Kind:
    """`{up}` is the host name without its first label, `{upper}` without its first two."""

    dns: str | None = "{host}"  # the subject alternative name; None: there is none
    name: str | None = None  # the common name, where it is not the same
    dates: tuple[str, str] = VALID
    issuer: str | None = "CA"  # None: itself
    chain: tuple[str, ...] = ("CA",)


KINDS = {
    "ca": Kind(),
    "self": Kind(issuer=None, chain=()),
    "wrong": Kind("elsewhere.{host}"),
    "expired": Kind(dates=PAST),
    "stale": Kind("elsewhere.{host}", dates=PAST),
    "domain": Kind("{upper}"),  # names the mail domain, not the host
    "star": Kind("*.{up}"),
    "deepstar": Kind("*.{upper}"),  # one label too few
    "partstar": Kind("o*.{up}"),
    "cn": Kind(None, "{host}"),
    "mail": Kind("mail.{up}"),  # another host of the same domain
    "cnbeside": Kind("elsewhere.{host}", "{host}"),
    "alone": Kind(chain=()),
    "forged": Kind(issuer="TWIN"),  # shown with the real CA's certificate
    "short": Kind(issuer="SHORT", chain=("SHORT",)),
    "below": Kind(issuer="BELOW", chain=("BELOW", "SHORT")),
    "narrow": Kind(issuer="NARROW", chain=("NARROW",)),
}

NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout")


class CertificateAuthority:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        self.config = self.folder / "openssl.cnf"
        self.config.write_text(CONFIG.format(folder=self.folder))
        (self.folder / "index").touch()
        self.lock = threading.RLock()  # servers ask from threads of their own
        self.root = self.authority("CA")

    def authority(self, name):
        """The path of the certificate of one of AUTHORITIES; its key is beside it."""
        pem, key, request = (self.folder / f"{name}.{part}" for part in ("pem", "key", "csr"))
        if pem.exists():
            return pem
        subject, issuer = AUTHORITIES[name]
        make = [*NEW_KEY, key, "-subj", f"/CN={subject}"]
        if issuer:
            self._openssl("req", *make, "-out", request)
            self._sign(issuer, request, pem, VALID, "-extensions", name)
        else:
            self._openssl("req", *make, "-x509", "-days", "3650", "-extensions", name, "-out", pem)
        return pem

    def certificate(self, host, kind="ca"):
        """The path of one PEM file with the key, the certificate and the chain that is shown with it."""
        with self.lock:
            pem = self.folder / f"{host}.{kind}.pem"
            if not pem.exists():
                self._make(host, kind, pem)
            return pem

    def _make(self, host, kind, pem):
        key, request, leaf = (self.folder / f"{host}.{kind}.{part}" for part in ("key", "csr", "crt"))
        what = KINDS[kind]
        up = host.partition(".")[2]
        words = {"host": host, "up": up, "upper": up.partition(".")[2]}
        dns = what.dns and what.dns.format(**words)
        make = [*NEW_KEY, key, "-subj", f"/CN={what.name.format(**words) if what.name else dns}"]
        if dns:
            make += ["-addext", f"subjectAltName=DNS:{dns}"]
        if what.issuer:
            self._openssl("req", *make, "-out", request)
            self._sign(what.issuer, request, leaf, what.dates)
        else:
            self._openssl("req", *make, "-x509", "-days", "3650", "-out", leaf)
        chain = "".join(self.authority(name).read_text() for name in what.chain)
        pem.write_text(key.read_text() + leaf.read_text() + chain)

    def digest(self, of, kind="ca", whole=False):
        """SHA-256 of a certificate's public key, or of the whole of it, in hexadecimal: the data of a TLSA record
        `3 1 1` or `2 1 1`, or `3 0 1` or `2 0 1` (RFC 6698 §2.1). `of` is a host or one of AUTHORITIES."""
        certificate = self.authority(of) if of in AUTHORITIES else self.certificate(of, kind)
        what = () if whole else ("-noout", "-pubkey")
        pem = self._openssl("x509", "-in", certificate, *what).stdout
        return hashlib.sha256(base64.b64decode("".join(pem.split("-----")[2].split()))).hexdigest()

    def _sign(self, issuer, request, certificate, dates, *options):
        signer = ("-cert", self.authority(issuer), "-keyfile", self.folder / f"{issuer}.key")
        start, end = dates
        self._openssl("ca", "-batch", "-notext", *signer, "-startdate", start, "-enddate", end, *options,
                      "-in", request, "-out", certificate)  # fmt: skip

    def _openssl(self, verb, *arguments, **options):
        config = ("-config", self.config) if verb in ("req", "ca") else ()
        return run("openssl", verb, *config, *arguments, **options)

# SPDX-License-Identifier: Apache-2.0
"""A test certificate authority, and the good and bad certificates that servers show.

A certificate is asked for by host name and kind:

    ca        signed by the test CA for that name
    self      signed by itself for that name
    wrong     signed by the test CA, but for another name
    expired   signed by the test CA for that name, valid until 2021
"""

import hashlib
import pathlib

from .process import run

CONFIG = """
[req]
distinguished_name = name
prompt = no
[name]
CN = loopback test
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
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
certificate = {folder}/root.pem
private_key = {folder}/root.key
[anything]
commonName = optional
"""

VALID = ("20200101000000Z", "20991231235959Z")
PAST = ("20200101000000Z", "20210101000000Z")


class CertificateAuthority:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        self.root = self.folder / "root.pem"
        self.config = self.folder / "openssl.cnf"
        self.config.write_text(CONFIG.format(folder=self.folder))
        (self.folder / "index").touch()
        self._openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650",
            "-subj", "/CN=Loopback Test CA", "-extensions", "root",
            "-keyout", self.folder / "root.key", "-out", self.root,
        )  # fmt: skip

    def certificate(self, host, kind="ca"):
        """The path of one PEM file with the key, the certificate and (where there is one) the CA's certificate."""
        pem = self.folder / f"{host}.{kind}.pem"
        if pem.exists():
            return pem
        key, request, leaf = (self.folder / f"{host}.{kind}.{part}" for part in ("key", "csr", "crt"))
        name = f"elsewhere.{host}" if kind == "wrong" else host
        make = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
                "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]  # fmt: skip
        if kind == "self":
            self._openssl(*make, "-x509", "-days", "3650", "-out", leaf)
            chain = ""
        else:
            start, end = PAST if kind == "expired" else VALID
            self._openssl(*make, "-out", request)
            self._openssl("ca", "-batch", "-notext", "-startdate", start, "-enddate", end, "-in", request, "-out", leaf)
            chain = self.root.read_text()
        pem.write_text(key.read_text() + leaf.read_text() + chain)
        return pem

    def spki(self, host, kind="ca"):
        """SHA-256 of the certificate's public key in hexadecimal: the data of a TLSA record `3 1 1` (RFC 6698 §2.1)."""
        return self._digest(self.certificate(host, kind))

    def root_spki(self):
        """The same of the CA's own certificate: the data of a TLSA record `2 1 1`."""
        return self._digest(self.root)

    def _digest(self, certificate):
        key = self._openssl("x509", "-in", certificate, "-noout", "-pubkey").stdout
        der = self.folder / "key.der"
        self._openssl("pkey", "-pubin", "-outform", "DER", "-out", der, input=key)
        return hashlib.sha256(der.read_bytes()).hexdigest()

    def _openssl(self, verb, *arguments, **options):
        config = ("-config", self.config) if verb in ("req", "ca") else ()
        return run("openssl", verb, *config, *arguments, **options)

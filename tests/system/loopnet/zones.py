# SPDX-License-Identifier: Apache-2.0
"""Zone files for the name server: the root, the top-level zones and every destination's zone, signed where wanted.

In: the destinations table and the CA (for TLSA digests). Out: a folder of zone files and the root's trust anchor.
Zones are written leaf first, because a parent holds the DS record of a signed child (RFC 4034 §5).
"""

import dataclasses
import pathlib
import re

from .destinations import BOGUS, DESTINATIONS, SIGNED, UNSIGNED
from .process import run

TLDS = ("test", "example")
NAME_SERVER = "127.0.10.1"

HEADER = """$ORIGIN {origin}
$TTL 600
@ SOA ns.test. hostmaster.test. 1 3600 600 86400 60
@ NS ns.test.
"""


@dataclasses.dataclass
class Zone:
    """One zone. `file` is set when it is written, `ds` too when it is signed."""

    name: str
    dnssec: str
    records: str
    file: pathlib.Path | None = None
    ds: str = ""
    anchor: str = ""

    @property
    def origin(self):
        return "." if self.name == "." else f"{self.name}."

    def delegation(self):
        return f"{self.origin} NS ns.test.\n{self.ds}"


class ZoneWriter:
    def __init__(self, folder, ca):
        self.folder, self.ca, self.keys = pathlib.Path(folder), ca, {}
        self.folder.mkdir()

    def write_all(self):
        """Write every zone; return them. The root is the last, its `anchor` is the trust anchor."""
        leaves = [self.write(Zone(d.domain, d.dnssec, d.zone)) for d in DESTINATIONS]
        tops = []
        for name in TLDS:
            children = [leaf for leaf in leaves if leaf.name.endswith(f".{name}")]
            glue = f"ns A {NAME_SERVER}\n" if name == "test" else ""
            tops.append(self.write(Zone(name, SIGNED, glue + "".join(map(Zone.delegation, children)))))
        root = self.write(Zone(".", SIGNED, f"ns.test. A {NAME_SERVER}\n" + "".join(map(Zone.delegation, tops))))
        return [*leaves, *tops, root]

    def write(self, zone):
        records = re.sub(r"(spki|cert)\(([^),]+)(?:,(\w+))?\)", self._digest, zone.records)
        text = HEADER.format(origin=zone.origin) + "\n".join(line.strip() for line in records.splitlines()) + "\n"
        plain = self.folder / ("root.zone" if zone.name == "." else f"{zone.name}.zone")
        plain.write_text(text)
        zone.file = plain
        if zone.dnssec != UNSIGNED:
            self._sign(zone, plain)
        return zone

    def _sign(self, zone, plain):
        """One key per zone (a key-signing key that signs everything), as small sites have it."""
        if zone.name not in self.keys:  # a zone that changes keeps its key, which the parent vouches for
            made = run("ldns-keygen", "-a", "ECDSAP256SHA256", "-k", zone.origin, cwd=self.folder)
            self.keys[zone.name] = made.stdout.strip()
        key = self.keys[zone.name]
        zone.file = plain.with_suffix(".signed")
        run("ldns-signzone", "-i", "20200101000000", "-e", "20800101000000", "-f", zone.file, plain, key, cwd=self.folder)
        zone.ds = (self.folder / f"{key}.ds").read_text()
        zone.anchor = (self.folder / f"{key}.key").read_text()
        if zone.dnssec == BOGUS:
            # The parent vouches for another key than the one that signs: nothing in the zone validates.
            fields = zone.ds.split()
            digest = fields[-1]
            fields[-1] = ("1" if digest[0] == "0" else "0") + digest[1:]
            zone.ds = " ".join(fields) + "\n"

    def _digest(self, match):
        selector, of, kind = match.groups()
        return self.ca.digest(of, kind or "ca", whole=selector == "cert")

"""Digests of facts: two ends that compute the same digits hold the same facts."""

import binascii
import hashlib

from nmes.core import programme


def of(text):
    """The first 16 hexadecimal digits of the SHA-256 of a text or of bytes."""
    data = text.encode() if isinstance(text, str) else text
    return _digits(hashlib.sha256(data))


def of_facts(facts):
    """The digest of what JSON can hold: that of its canonical text."""
    found = hashlib.sha256()
    programme.spell(facts, found.update)
    return _digits(found)


def of_files(files):
    """The digest of source files: (name, contents as bytes) each, in any order. Line ends do not count."""
    rows = ["%s %s\n" % (name, of(contents.replace(b"\r\n", b"\n"))) for name, contents in files]
    return of("".join(sorted(rows)))


def _digits(sha256):
    return binascii.hexlify(sha256.digest()).decode()[:16]

"""Accounts and tokens. The document describes neither; both are as the conformance kit expects them."""

import hashlib
import hmac
import secrets
import time

TOKEN_SECONDS = 86_400
# Low, for fast tests. A product needs many more.
ITERATIONS = 10_000


class Tokens:
    """Opaque tokens. Only their hashes are kept."""

    def __init__(self):
        self.accounts = {}

    def add(self, token, account, lifetime=None):
        expires = None if lifetime is None else time.time() + lifetime
        self.accounts[self.digest(token)] = (account, expires)

    def issue(self, account):
        token = secrets.token_urlsafe(24)
        self.add(token, account, TOKEN_SECONDS)
        return token

    def account(self, token):
        """The account of a live token, or None."""
        account, expires = self.accounts.get(self.digest(token), (None, None))
        if expires is not None and expires < time.time():
            return None
        return account

    def revoke(self, token):
        self.accounts.pop(self.digest(token), None)

    @staticmethod
    def digest(token):
        return hashlib.sha256(token.encode()).hexdigest()


def slow_hash(password, salt):
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)


class Accounts:
    """The known accounts, with a slow salted hash of each password."""

    def __init__(self, entries, tokens):
        self.known = set()
        self.hashes = {}
        # Compared with for an unknown account, so that its refusal takes as long.
        self.no_hash = (b"salt", slow_hash(secrets.token_hex(8), b"salt"))
        for entry in entries:
            account = entry["account"]
            self.known.add(account)
            if entry.get("password"):
                salt = secrets.token_bytes(16)
                self.hashes[account] = (salt, slow_hash(entry["password"], salt))
            if entry.get("token"):
                tokens.add(entry["token"], account)

    def verify(self, account, password):
        salt, expected = self.hashes.get(account, self.no_hash)
        same = hmac.compare_digest(slow_hash(password, salt), expected)
        return same and account in self.hashes

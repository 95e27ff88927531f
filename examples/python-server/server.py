"""A server for the protocol "ha", direct conversations, with Python's standard library only.

    python3 server.py --port 0

Everything is stored in memory. It shares no code with Parley; the conformance kit tests it by its address.
"""

import argparse
import hashlib
import json
import re
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

APP_KEYS = {"ha-demo"}
ACCOUNTS = ["admin", "demo", "alice", "bob", "carol", "dave", "erin"]
PASSWORD = "123456"
SESSION_SECONDS = 86_400
MOST_BODY = 1024 * 1024
# Conversation ids are negative with nine digits.
FIRST_CONVERSATION = 100_000_000


class Refused(Exception):
    """A refused request: an HTTP status and a sentence for the client."""

    def __init__(self, status, why):
        super().__init__(why)
        self.status = status
        self.why = why


class Message:
    def __init__(self, number, key, sender, kind, content, time):
        self.number = number
        self.key = key
        self.sender = sender
        self.kind = kind
        self.content = content
        self.time = time
        self.hidden_from = set()


class Conversation:
    def __init__(self, number, users):
        self.id = -(FIRST_CONVERSATION + number)
        self.users = users
        self.messages = []
        # Number of the newest message that each user has listed.
        self.read = {user: 0 for user in users}

    def seen_by(self, user):
        """Newest first."""
        return [message for message in reversed(self.messages) if user not in message.hidden_from]


class Store:
    """All data. Methods are called with the lock held, one request at a time."""

    def __init__(self):
        self.lock = threading.Lock()
        self.users = {number: account for number, account in enumerate(ACCOUNTS, start=1)}
        self.sessions = {}
        self.conversations = {}
        self.by_pair = {}
        self.by_key = {}
        self.messages = 0

    def login(self, account, password):
        found = [user for user, name in self.users.items() if name == account]
        if not found or password != PASSWORD:
            raise Refused(401, "wrong account or password")
        token = secrets.token_urlsafe(32)
        self.sessions[digest(token)] = found[0]
        return token, found[0]

    def conversation_of(self, one, other):
        if other not in self.users:
            raise Refused(404, "there is no such user")
        if one == other:
            raise Refused(400, "passiveuser must be another user")
        pair = frozenset((one, other))
        if pair not in self.by_pair:
            made = Conversation(len(self.conversations) + 1, pair)
            self.conversations[made.id] = made
            self.by_pair[pair] = made
        return self.by_pair[pair]

    def conversation(self, user, number):
        if number >= 0:
            raise Refused(400, "conversationid must be negative")
        found = self.conversations.get(number)
        # Other users' conversations are reported as missing.
        if found is None or user not in found.users:
            raise Refused(404, "there is no such conversation")
        return found

    def send(self, user, conversation, kind, content, time):
        self.messages += 1
        message = Message(self.messages, secrets.token_hex(16), user, kind, content, time)
        conversation.messages.append(message)
        self.by_key[message.key] = (conversation, message)
        return message

    def list(self, user, conversation, start, limit):
        page = conversation.seen_by(user)[start : start + limit]
        if page:
            conversation.read[user] = max(conversation.read[user], page[0].number)
        return page

    def delete(self, user, key, for_both):
        conversation, message = self.by_key.get(key, (None, None))
        if conversation is None or user not in conversation.users:
            raise Refused(404, "there is no such message")
        if for_both and message.sender != user:
            raise Refused(403, "only the sender may delete for both")
        message.hidden_from |= conversation.users if for_both else {user}


def digest(token):
    return hashlib.sha256(token.encode()).hexdigest()


def integer(value, name, least, most):
    # True is an int in Python.
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise Refused(400, f"{name} must be an integer from {least} to {most}")
    return value


def text(value, name, pattern=r"(?s).+"):
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise Refused(400, f"{name} is missing or wrong")
    return value


def milliseconds(value):
    return text(value, "time", r"[0-9]{1,15}")


def in_query(query, name, default=None):
    values = query.get(name, [] if default is None else [str(default)])
    if len(values) != 1 or not re.fullmatch(r"-?[0-9]{1,15}", values[0]):
        raise Refused(400, f"{name} must be one integer")
    return int(values[0])


ANY_ID = (-(10**15), 10**15)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # A response is written in two chunks; without this the second waits for the acknowledgement of the first.
    disable_nagle_algorithm = True

    def log_message(self, *_):
        """Logs nothing, since headers contain tokens."""

    def do_GET(self):
        self.answer({"/message": self.list_messages})

    def do_POST(self):
        self.answer(
            {
                "/auth/login": self.login,
                "/auth/logout": self.logout,
                "/conversation": self.open_conversation,
                "/message": self.send_message,
            }
        )

    def do_DELETE(self):
        self.answer({"/message": self.delete_message})

    def answer(self, routes):
        try:
            address = urlsplit(self.path)
            self.query = parse_qs(address.query, keep_blank_values=True)
            # The body is always read, since the next request on the connection follows it.
            self.body = self.read_body()
            if address.path not in routes:
                raise Refused(404, "there is nothing at this address")
            with self.server.store.lock:
                status, value = routes[address.path]()
        except Refused as refused:
            status = refused.status
            value = {"code": 1, "msg": "不成功", "data": None, "error": refused.why}
        body = b"" if value is None else json.dumps(value, ensure_ascii=False).encode()
        self.send_response(status)
        if value is not None:
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def read_body(self):
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > MOST_BODY or "Transfer-Encoding" in self.headers:
            self.close_connection = True
            raise Refused(413, "the body is too large, or its length is not said")
        return self.rfile.read(int(length))

    def fields(self):
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            raise Refused(400, "the body is no JSON") from None
        if not isinstance(value, dict):
            raise Refused(400, "the body is no JSON object")
        return value

    def header(self, name):
        return self.headers.get(f"X-HA-{name}") or self.headers.get(f"X-APP-{name}") or ""

    def user(self):
        if self.header("Key") not in APP_KEYS:
            raise Refused(401, "the app's key is missing or unknown")
        user = self.server.store.sessions.get(digest(self.header("Session")))
        if user is None:
            raise Refused(401, "the session is missing or has ended")
        return user

    # --- tokens, which the document does not describe ---------------------------------------------------------------

    def login(self):
        fields = self.fields()
        account = text(fields.get("account"), "account")
        token, user = self.server.store.login(account, text(fields.get("password"), "password"))
        return 200, {"token": token, "user": {"id": user, "account": account}, "expiresIn": SESSION_SECONDS}

    def logout(self):
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        self.server.store.sessions.pop(digest(token), None)
        return 204, None

    # --- the document's four operations -----------------------------------------------------------------------------

    def open_conversation(self):
        user, fields = self.user(), self.fields()
        other = integer(fields.get("passiveuser"), "passiveuser", *ANY_ID)
        milliseconds(fields.get("time"))
        found = self.server.store.conversation_of(user, other)
        return succeeded({"conversationid": found.id, "match": sorted(str(one) for one in found.users)})

    def send_message(self):
        user, fields = self.user(), self.fields()
        kind = integer(fields.get("type"), "type", -6, -1)
        content = text(fields.get("content"), "content")
        time = milliseconds(fields.get("time"))
        found = self.server.store.conversation(user, integer(fields.get("conversationid"), "conversationid", *ANY_ID))
        message = self.server.store.send(user, found, kind, content, time)
        # There are no connections, so nothing is pushed.
        return succeeded(
            {"issent": 1, "ispushed": 0, "isread": 0, "messagekey": message.key, "id": message.number}
        )

    def list_messages(self):
        user = self.user()
        found = self.server.store.conversation(user, in_query(self.query, "conversationid"))
        start = integer(in_query(self.query, "start", 0), "start", 0, ANY_ID[1])
        limit = integer(in_query(self.query, "limit", 20), "limit", 1, 100)
        page = self.server.store.list(user, found, start, limit)
        return succeeded([self.listed(found, message) for message in page])

    def delete_message(self):
        user, fields = self.user(), self.fields()
        key = text(fields.get("messagekey"), "messagekey")
        for_both = integer(fields.get("type"), "type", 1, 2) == 2
        self.server.store.delete(user, key, for_both)
        return succeeded(None)

    def listed(self, conversation, message):
        account = self.server.store.users[message.sender]
        (other,) = conversation.users - {message.sender}
        return {
            "id": message.sender,
            "username": account,
            "nickname": account.capitalize(),
            "avatar": "",
            "time": message.time,
            "messagekey": message.key,
            "type": message.kind,
            "content": message.content,
            "issent": 1,
            "ispushed": 0,
            "isread": int(conversation.read[other] >= message.number),
        }


def succeeded(data):
    return 200, {"code": 0, "msg": "成功", "data": data}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8090, help="0 for any free one")
    options = parser.parse_args()
    server = ThreadingHTTPServer((options.host, options.port), Handler)
    server.daemon_threads = True
    server.store = Store()
    print(f"listening http://{options.host}:{server.server_port}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()

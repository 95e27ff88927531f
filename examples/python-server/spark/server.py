"""A server for the protocol "spark", sessions over HTTP, with Python's standard library only.

    python3 server.py --port 0

Everything is stored in memory. It shares no code with Parley; the conformance kit tests it by its address.
"""

import argparse
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from accounts import TOKEN_SECONDS, Accounts, Tokens
from sessions import Refused, Spark

MAX_BODY = 1024 * 1024
DEMO = [
    {"account": account, "password": "123456"}
    for account in ["admin", "demo", "alice", "bob", "carol", "dave", "erin"]
]


def form(text):
    """`To=a&To=b`, `To[]=a` and `Data[key]=value` as the JSON body has them."""
    body = {}
    for key, values in parse_qs(text, keep_blank_values=True, strict_parsing=bool(text)).items():
        if key in ("To", "To[]"):
            body["To"] = body.get("To", []) + values
        elif key.startswith("Data[") and key.endswith("]"):
            body.setdefault("Data", {})[key[5:-1]] = values[-1]
        else:
            body[key] = values[-1]
    if isinstance(body.get("Data"), str):
        body["Data"] = json.loads(body["Data"])
    return body


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def reply(self, status, value):
        data = json.dumps(value, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def body(self):
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            length = -1
        if length < 0 or length > MAX_BODY or "Transfer-Encoding" in self.headers:
            self.close_connection = True
            raise Refused(400, "bad-request", f"the body needs a Content-Length of at most {MAX_BODY} bytes")
        raw = self.rfile.read(length)
        try:
            if "x-www-form-urlencoded" in self.headers.get("Content-Type", ""):
                body = form(raw.decode())
            else:
                body = json.loads(raw)
        except (ValueError, RecursionError):
            raise Refused(400, "bad-request", "the body is neither JSON nor a form") from None
        if not isinstance(body, dict):
            raise Refused(400, "bad-request", "the body must be an object")
        return body

    def caller(self, query):
        token = query.get("token", [""])[0]
        account = self.server.tokens.account(token) if token else None
        if account is None:
            raise Refused(401, "unauthorized", "token is missing or not valid")
        return account, token

    def login(self, body):
        account, password = body.get("account"), body.get("password")
        if not isinstance(account, str) or not isinstance(password, str):
            raise Refused(400, "bad-request", "account and password must be strings")
        if not self.server.accounts.verify(account, password):
            raise Refused(401, "unauthorized", "account or password is wrong")
        token = self.server.tokens.issue(account)
        return {"token": token, "user": {"account": account}, "expiresIn": TOKEN_SECONDS}

    def perform(self, url):
        body = self.body() if url.path != "/auth/logout" else {}
        if url.path == "/auth/login":
            return self.login(body)
        query = parse_qs(url.query)
        spark = self.server.spark
        operations = {
            "/session/start": spark.start,
            "/session/AddMember": spark.add_member,
            "/session/RemoveMember": spark.remove_member,
            "/session/ApproveMember": spark.approve_member,
            "/session/Edit": spark.edit,
            "/message/push": spark.push,
            "/message/remove": spark.remove,
        }
        if url.path == "/auth/logout":
            self.server.tokens.revoke(self.caller(query)[1])
            return {"success": True}
        if url.path not in operations:
            raise Refused(404, "not-found", "no such operation")
        caller, _ = self.caller(query)
        with spark.lock:
            return operations[url.path](caller, body)

    def do_POST(self):
        try:
            self.reply(200, self.perform(urlsplit(self.path)))
        except Refused as refused:
            self.reply(refused.status, {"success": False, "error": refused.code, "message": str(refused)})

    def do_GET(self):
        self.close_connection = True
        self.reply(404, {"success": False, "error": "not-found", "message": "every operation is a POST"})

    do_PUT = do_DELETE = do_PATCH = do_GET

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client that hangs up is not worth a trace."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(*_)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--port", type=int, default=8091, help="0 for any free one")
    options.add_argument("--accounts", help="a JSON array of {account, password, token}")
    chosen = options.parse_args()
    entries = DEMO
    if chosen.accounts:
        with open(chosen.accounts, encoding="utf-8") as file:
            entries = json.load(file)
    server = Server((chosen.host, chosen.port), Handler)
    server.tokens = Tokens()
    server.accounts = Accounts(entries, server.tokens)
    server.spark = Spark(server.accounts)
    print(f"listening http://{chosen.host}:{server.server_port}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()

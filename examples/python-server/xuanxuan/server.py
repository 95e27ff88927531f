"""A server for the protocol "xuanxuan", a chat over WebSocket and raw TCP, with Python's standard library only.

    python3 server.py --port 0

WebSocket is at /ws, files are on the same port, raw TCP (one line for each frame) has its own port.
Everything is stored in memory. It shares no code with Parley; the conformance kit tests it by its address.
"""

import argparse
import asyncio
import json
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from connection import MAX_FRAME, Connection
from files import MAX_FILE, Files
from hub import Hub
from methods import Methods
from store import Store
from websocket import WebSocket, accept, discard

DEMO = [
    {"id": number, "account": account, "password": "123456", "admin": account == "admin"}
    for number, account in enumerate(["admin", "demo", "alice", "bob", "carol", "dave", "erin"], start=1)
]
MAX_UPLOAD = MAX_FILE + 64 * 1024


class Request:
    def __init__(self, line, headers, body):
        self.method, target, _ = line.split(" ", 2)
        url = urlsplit(target)
        self.path, self.query = url.path, url.query
        self.headers, self.body = headers, body


class Server:
    def __init__(self, entries, host):
        self.host = host
        self.store = Store(entries)
        self.hub = Hub(self.store)
        self.methods = Methods(self.store, self.hub)

    async def start(self, port, tcp_port):
        tcp = await asyncio.start_server(self.tcp, self.host, tcp_port)
        tcp_port = tcp.sockets[0].getsockname()[1]
        self.files = Files(self.store, self.hub, self.host, tcp_port)
        http = await asyncio.start_server(self.http, self.host, port)
        port = http.sockets[0].getsockname()[1]
        print(f"raw tcp://{self.host}:{tcp_port}")
        print(f"listening http://{self.host}:{port}", flush=True)
        await asyncio.gather(tcp.serve_forever(), http.serve_forever())

    # -- raw TCP --------------------------------------------------------------------------

    async def tcp(self, reader, writer):
        def write(text):
            if not writer.is_closing():
                writer.write(text.encode("utf-8", "replace") + b"\n")

        connection = Connection(self.hub, self.methods, "client-1.0", write, writer.close)
        try:
            buffer = b""
            while chunk := await reader.read(65536):
                *lines, buffer = (buffer + chunk).split(b"\n")
                for line in lines:
                    if len(line) > MAX_FRAME:
                        connection.invalid("a frame is larger than 1 MiB")
                        return await discard(reader)
                    if line.strip():
                        connection.receive(line)
                if len(buffer) > MAX_FRAME:
                    connection.invalid("a frame is larger than 1 MiB")
                    return await discard(reader)
        except ConnectionError:
            pass
        finally:
            connection.ended()
            writer.close()

    # -- HTTP and WebSocket ---------------------------------------------------------------

    async def http(self, reader, writer):
        try:
            while request := await self.request(reader):
                if "websocket" in request.headers.get("upgrade", "").lower():
                    return await self.websocket(request, reader, writer)
                self.respond(writer, *self.files.respond(request))
                await writer.drain()
                if request.body is None or request.headers.get("connection", "").lower() == "close":
                    return
        except (ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            self.respond(writer, 400, {"Content-Type": "text/plain"}, b"the request is invalid\n")
        except ConnectionError:
            pass
        finally:
            writer.close()

    @staticmethod
    def respond(writer, status, headers, body):
        if not writer.is_closing():
            lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
            lines += [f"{key}: {value}" for key, value in headers.items()]
            lines += [f"Content-Length: {len(body)}", "", ""]
            writer.write("\r\n".join(lines).encode() + body)

    async def request(self, reader):
        """The next request, or None at the end. The body is None if it is too large."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except asyncio.IncompleteReadError as error:
            if not error.partial:
                return None
            raise
        line, *lines = head.strip().split("\r\n")
        headers = {}
        for one in lines:
            key, separator, value = one.partition(":")
            if not separator:
                raise ValueError("broken header")
            headers[key.strip().lower()] = value.strip()
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return Request(line, headers, await self.chunks(reader))
        length = int(headers.get("content-length") or 0)
        body = await reader.readexactly(length) if 0 <= length <= MAX_UPLOAD else None
        return Request(line, headers, body)

    @staticmethod
    async def chunks(reader):
        body = bytearray()
        while size := int((await reader.readline()).split(b";")[0], 16):
            if len(body) + size > MAX_UPLOAD:
                return None
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readuntil(b"\r\n")
        return bytes(body)

    async def websocket(self, request, reader, writer):
        key = request.headers.get("sec-websocket-key")
        origin = request.headers.get("origin")
        if request.path != "/ws" or not key or request.headers.get("sec-websocket-version") != "13":
            return self.respond(writer, 400, {"Content-Type": "text/plain"}, b"WebSocket is at /ws\n")
        if origin and urlsplit(origin).netloc != request.headers.get("host"):
            return self.respond(writer, 403, {"Content-Type": "text/plain"}, b"pages of other origins are refused\n")
        head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        writer.write((head + f"Sec-WebSocket-Accept: {accept(key)}\r\n\r\n").encode())
        profile = parse_qs(request.query).get("profile", ["documented"])[-1]
        profile = "client-1.0" if profile == "client-1.0" else "documented"
        socket = WebSocket(reader, writer, MAX_FRAME)
        connection = Connection(self.hub, self.methods, profile, socket.send, socket.close)
        try:
            await socket.run(connection.receive)
        finally:
            connection.ended()


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--port", type=int, default=8092, help="0 for any free one")
    options.add_argument("--tcp-port", type=int, default=0, help="default: any free one")
    options.add_argument("--accounts", help="a JSON array of {account, password, id, realname, admin}")
    chosen = options.parse_args()
    entries = DEMO
    if chosen.accounts:
        with open(chosen.accounts, encoding="utf-8") as file:
            entries = json.load(file)
    try:
        asyncio.run(Server(entries, chosen.host).start(chosen.port, chosen.tcp_port))
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()

"""WebSocket frames (RFC 6455) on asyncio streams, as far as a server needs them."""

import asyncio
import base64
import hashlib
import struct

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
PING_EVERY = 30


def accept(key):
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()


def frame(opcode, payload):
    length = len(payload)
    if length < 126:
        head = struct.pack("!BB", 0x80 | opcode, length)
    elif length < 65536:
        head = struct.pack("!BBH", 0x80 | opcode, 126, length)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 127, length)
    return head + payload


async def discard(reader):
    """Reads what the client still sends, for a second: a close with unread input would lose the last reply."""

    async def read():
        while await reader.read(65536):
            pass

    try:
        await asyncio.wait_for(read(), 1)
    except (asyncio.TimeoutError, ConnectionError):
        pass


class Broken(Exception):
    def __init__(self, code, reason):
        super().__init__(reason)
        self.code = code


class WebSocket:
    def __init__(self, reader, writer, limit):
        self.reader, self.writer, self.limit = reader, writer, limit
        self.alive = True

    def send(self, text):
        self.write(frame(TEXT, text.encode("utf-8", "replace")))

    def write(self, data):
        if not self.writer.is_closing():
            self.writer.write(data)

    def close(self, code=1000, reason=""):
        self.write(frame(CLOSE, struct.pack("!H", code) + reason.encode()[:120]))
        self.writer.close()

    async def ping(self):
        """Pings, and closes the connection of a client that does not answer."""
        while True:
            await asyncio.sleep(PING_EVERY)
            if not self.alive:
                return self.writer.close()
            self.alive = False
            self.write(frame(PING, b""))

    async def run(self, receive):
        """Calls `receive` with each text message until the connection ends."""
        pings = asyncio.create_task(self.ping())
        try:
            while True:
                text = await self.message()
                if text is None:
                    return self.close()
                receive(text)
        except Broken as broken:
            self.write(frame(CLOSE, struct.pack("!H", broken.code) + str(broken).encode()))
            await discard(self.reader)
            self.writer.close()
        except (asyncio.IncompleteReadError, ConnectionError):
            self.writer.close()
        finally:
            pings.cancel()

    async def message(self):
        """The next text message, put together from its fragments. None at a close frame."""
        parts, size, started = [], 0, False
        while True:
            final, opcode, payload = await self.frame(self.limit - size)
            if opcode == CLOSE:
                return None
            if opcode == PING:
                self.write(frame(PONG, payload))
            elif opcode == PONG:
                self.alive = True
            elif opcode == BINARY:
                raise Broken(1003, "only text frames are read")
            elif opcode > TEXT or (opcode == TEXT) == started:
                raise Broken(1002, "unexpected frame")
            else:
                started = True
                parts.append(payload)
                size += len(payload)
                if final:
                    break
        try:
            return b"".join(parts).decode()
        except UnicodeDecodeError:
            raise Broken(1007, "the text is not UTF-8") from None

    async def frame(self, limit):
        first, second = await self.reader.readexactly(2)
        opcode, length = first & 15, second & 127
        if first & 0x70 or not second & 0x80:
            raise Broken(1002, "frames must be masked and without extensions")
        if opcode >= CLOSE and (length > 125 or not first & 0x80):
            raise Broken(1002, "a control frame is short and whole")
        if length == 126:
            (length,) = struct.unpack("!H", await self.reader.readexactly(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", await self.reader.readexactly(8))
        if length > limit:
            raise Broken(1009, "a frame is larger than 1 MiB")
        mask = await self.reader.readexactly(4)
        masked = await self.reader.readexactly(length)
        key = int.from_bytes((mask * (length // 4 + 1))[:length], "big")
        payload = (int.from_bytes(masked, "big") ^ key).to_bytes(length, "big")
        return bool(first & 0x80), opcode, payload

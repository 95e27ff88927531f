"""Files over HTTP (上传文件, 下载文件) and the configuration that the 1.0 client asks for first."""

import json
import re
import secrets
from urllib.parse import parse_qs, quote, unquote

MAX_FILE = 50 * 1024 * 1024


class HttpError(Exception):
    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


def parts(content_type, body):
    """The parts of a multipart body: (name, file name or None, content)."""
    match = re.search(r'boundary="?([^";]+)"?', content_type)
    if not match:
        raise HttpError(400, "the body must be multipart/form-data")
    found = []
    for part in (b"\r\n" + body).split(b"\r\n--" + match[1].encode())[1:-1]:
        head, separator, content = part.partition(b"\r\n\r\n")
        disposition = re.search(rb"content-disposition:([^\r\n]*)", head, re.I)
        if not separator or not disposition:
            raise HttpError(400, "the multipart body is broken")
        line = disposition[1].decode("utf-8", "replace")
        name = re.search(r'\bname="([^"]*)"', line)
        file_name = re.search(r'filename="([^"]*)"', line)
        encoded = re.search(r"filename\*=utf-8''([^;\s]+)", line, re.I)
        title = unquote(encoded[1]) if encoded else file_name and file_name[1]
        found.append((name[1] if name else "", title, content))
    return found


def clean_title(title):
    """A file name without folders and control characters."""
    title = re.sub(r"[\x00-\x1f\x7f]", "", re.split(r"[/\\]", title)[-1]).strip()
    return title[:255] or "file"


class Files:
    def __init__(self, store, hub, host, tcp_port):
        self.store, self.hub = store, hub
        self.host, self.tcp_port = host, tcp_port

    def respond(self, request):
        """Status, headers and body for a request."""
        query = {key: values[-1] for key, values in parse_qs(request.query).items()}
        method = query.get("f")
        if request.path == "/attach-upload.json" or (query.get("m"), method) == ("attach", "upload"):
            return self.answer("upload", self.upload, request, query)
        match = re.fullmatch(r"/attach-download-(\d+)\.json", request.path)
        if match or (query.get("m"), method) == ("attach", "download"):
            query["fileID"] = match[1] if match else query.get("fileID", query.get("id", ""))
            return self.answer("download", self.download, request, query)
        if query.get("mode") == "getconfig":
            return self.json(200, self.config())
        return self.json(404, {"module": "null", "method": "null", "result": "fail", "message": "no such path"})

    def answer(self, method, handler, request, query):
        try:
            return handler(request, query)
        except HttpError as error:
            result = "denied" if error.status == 401 else "fail"
            body = {"module": "attach", "method": method, "result": result, "message": str(error)}
            return self.json(error.status, body)

    @staticmethod
    def json(status, value):
        headers = {"Content-Type": "application/json; charset=utf-8"}
        return status, headers, json.dumps(value, ensure_ascii=False).encode()

    def user(self, request, query):
        """The user of a sid in the query, a cookie or the Authorization header."""
        cookie = re.search(r"(?:^|;\s*)sid=([^;]+)", request.headers.get("cookie", ""))
        authorization = request.headers.get("authorization", "")
        bearer = authorization[7:] if authorization.startswith("Bearer ") else None
        session = self.hub.session(query.get("sid") or bearer or (cookie and cookie[1]))
        if session is None:
            raise HttpError(401, "sid is missing or not valid")
        return session.user

    def chat(self, user, gid):
        chat = self.store.chats.get(gid)
        if chat is None or user.id not in chat.members:
            raise HttpError(404, "gid names no chat of yours")
        return chat

    def upload(self, request, query):
        user = self.user(request, query)
        if request.method != "POST":
            raise HttpError(400, "an upload is a POST")
        if request.body is None:
            raise HttpError(413, "the files are larger than 50 MiB")
        found = parts(request.headers.get("content-type", ""), request.body)
        fields = {name: content.decode("utf-8", "replace") for name, title, content in found if title is None}
        gid = fields.get("gid") or query.get("gid")
        if not gid:
            raise HttpError(400, "gid is missing")
        chat = self.chat(user, gid)
        files = [one for one in found if one[1] is not None and one[0] in ("files", "files[]")]
        if not files:
            raise HttpError(400, "files is missing")
        added = [self.store.add_file(chat, clean_title(title), content, user) for _, title, content in files]
        data = [one.record("documented") for one in added]
        return self.json(200, {"module": "attach", "method": "upload", "result": "success", "data": data})

    def download(self, request, query):
        user = self.user(request, query)
        number = query["fileID"]
        file = self.store.files.get(int(number)) if number.isascii() and number.isdigit() else None
        if file is None or user.id not in file.chat.members:
            raise HttpError(404, "id names no file of your chats")
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Disposition": "attachment; filename*=UTF-8''" + quote(file.title, safe=""),
            "X-Content-Type-Options": "nosniff",
            "Accept-Ranges": "bytes",
        }
        size = len(file.content)
        match = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("range", ""))
        if not match or match.groups() == ("", ""):
            return 200, headers, file.content
        first, last = match.groups()
        start = int(first) if first else max(size - int(last), 0)
        end = min(int(last), size - 1) if first and last else size - 1
        if start >= size or end < start:
            return 416, {"Content-Range": f"bytes */{size}"}, b""
        headers["Content-Range"] = f"bytes {start}-{end}/{size}"
        return 206, headers, file.content[start : end + 1]

    def config(self):
        return {
            "version": "1.0",
            "requestType": "PATH_INFO",
            "pathType": "clean",
            "sessionName": "sid",
            "sessionID": secrets.token_hex(16),
            "rand": secrets.randbelow(10000),
            "expiredTime": 86400,
            "ip": self.host,
            "port": self.tcp_port,
        }

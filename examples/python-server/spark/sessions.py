"""The operations of the document, on sessions and messages in memory.

A comment in Chinese names the section of the document that the code implements.
"""

import hashlib
import json
import secrets
import threading

MAX_CONTENT = 64 * 1024
MAX_ATTRIBUTES = 64
MAX_ATTRIBUTE = 4096


class Refused(Exception):
    """A request that is not carried out: an HTTP status, a code and a sentence."""

    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code = status, code


class Chat:
    """A session of the document: a group with members, admins and pending requests."""

    def __init__(self, owner, members):
        self.gid = secrets.token_hex(16)
        self.owner = owner
        self.members = set(members)
        self.admins = {owner}
        self.pending = []
        self.name = ""
        self.public = False
        self.attributes = {}
        self.messages = {}


class Message:
    def __init__(self, gid, sender, kind, content):
        self.gid, self.sender, self.kind, self.content = gid, sender, kind, content
        self.removed = False


class Spark:
    """The seven operations. One lock makes each of them atomic."""

    def __init__(self, accounts):
        self.accounts = accounts
        self.chats = {}
        self.lock = threading.Lock()

    # -- what a request names -------------------------------------------------------------

    def targets(self, body):
        """`To`: one or more accounts, all of them known."""
        to = body.get("To")
        if not isinstance(to, list) or not all(isinstance(one, str) for one in to):
            raise Refused(400, "bad-request", "To must be an array of accounts")
        if not to:
            raise Refused(400, "bad-request", "To must name at least one account")
        to = list(dict.fromkeys(to))
        unknown = [one for one in to if one not in self.accounts.known]
        if unknown:
            raise Refused(400, "unknown-accounts", "To names unknown accounts: " + ", ".join(unknown))
        return to

    def chat(self, caller, body):
        """The chat of `SesssionId` or `SessionId`. Other users' chats are reported as missing."""
        given = [body[key] for key in ("SessionId", "SesssionId") if body.get(key) is not None]
        if not given or not all(isinstance(one, str) and one for one in given):
            raise Refused(400, "bad-request", "SessionId must be a non-empty string")
        if len(set(given)) > 1:
            raise Refused(400, "bad-request", "SessionId and SesssionId differ")
        chat = self.chats.get(given[0])
        if chat is None or caller not in chat.members:
            raise Refused(404, "session-not-found", "SessionId names no session of yours")
        return chat

    @staticmethod
    def require_admin(caller, chat):
        if caller not in chat.admins:
            raise Refused(403, "forbidden", "only an admin of the session may do this")

    @staticmethod
    def session(chat):
        """The Session object of the document."""
        members = sorted(chat.members)
        return {
            "success": True,
            "SesssionId": chat.gid,
            "SessionId": chat.gid,
            "Members": members,
            "md5": hashlib.md5(",".join(members).encode()).hexdigest(),
            "Pending": list(chat.pending),
        }

    # -- 会话 -----------------------------------------------------------------------------

    def start(self, caller, body):
        """开启会话: a session with exactly these members is returned as it is."""
        members = set(self.targets(body)) | {caller}
        for chat in self.chats.values():
            if chat.members == members:
                return self.session(chat)
        chat = Chat(caller, members)
        self.chats[chat.gid] = chat
        return self.session(chat)

    def add_member(self, caller, body):
        """增加会话成员: at once for an admin, a pending request for the other members."""
        chat = self.chat(caller, body)
        new = [one for one in self.targets(body) if one not in chat.members]
        if caller in chat.admins:
            chat.members.update(new)
            chat.pending = [one for one in chat.pending if one not in chat.members]
        else:
            chat.pending += [one for one in new if one not in chat.pending]
        return self.session(chat)

    def approve_member(self, caller, body):
        """批准会话成员: admins only, and only who is pending."""
        chat = self.chat(caller, body)
        self.require_admin(caller, chat)
        to = self.targets(body)
        others = [one for one in to if one not in chat.pending]
        if others:
            raise Refused(409, "not-pending", "To names accounts that are not pending: " + ", ".join(others))
        chat.members.update(to)
        chat.pending = [one for one in chat.pending if one not in to]
        return self.session(chat)

    def remove_member(self, caller, body):
        """减少会话成员: admins only, never the owner. For a pending account it rejects the request."""
        chat = self.chat(caller, body)
        self.require_admin(caller, chat)
        to = self.targets(body)
        if chat.owner in to:
            raise Refused(403, "forbidden", "the owner cannot be removed")
        others = [one for one in to if one not in chat.members and one not in chat.pending]
        if others:
            raise Refused(409, "not-a-member", "To names accounts that are not members: " + ", ".join(others))
        chat.pending = [one for one in chat.pending if one not in to]
        chat.members.difference_update(to)
        chat.admins.difference_update(to)
        return self.session(chat)

    def edit(self, caller, body):
        """编辑会话信息: admins only, at least one key of Data."""
        chat = self.chat(caller, body)
        self.require_admin(caller, chat)
        data = body.get("Data")
        if not isinstance(data, dict) or not data:
            raise Refused(400, "bad-request", "Data must be an object with at least one key")
        name, public, attributes = chat.name, chat.public, dict(chat.attributes)
        for key, value in data.items():
            if key in ("name", "title"):
                if not isinstance(value, str):
                    raise Refused(400, "bad-request", f"Data.{key} must be a string")
                name = value
            elif key == "public":
                if value not in (True, False, "true", "false", "0", "1"):
                    raise Refused(400, "bad-request", "Data.public must be a boolean")
                public = value in (True, "true", "1")
            else:
                if len(json.dumps(value, ensure_ascii=False).encode()) > MAX_ATTRIBUTE:
                    raise Refused(400, "too-large", f"Data.{key} is larger than {MAX_ATTRIBUTE} bytes")
                attributes[key] = value
        if len(attributes) > MAX_ATTRIBUTES:
            raise Refused(400, "too-large", f"a session has at most {MAX_ATTRIBUTES} attributes")
        chat.name, chat.public, chat.attributes = name, public, attributes
        return self.session(chat)

    # -- 消息 -----------------------------------------------------------------------------

    def push(self, caller, body):
        """发送信息: Type 0 is a text, 1 the link of an image."""
        chat = self.chat(caller, body)
        kind = body.get("Type")
        if kind in ("0", "1"):
            kind = int(kind)
        if isinstance(kind, bool) or kind not in (0, 1):
            raise Refused(400, "bad-request", "Type must be 0 (text) or 1 (image)")
        content = body.get("Content")
        if not isinstance(content, str) or not content:
            raise Refused(400, "bad-request", "Content must be a non-empty string")
        if len(content.encode()) > MAX_CONTENT:
            raise Refused(400, "too-large", f"Content is larger than {MAX_CONTENT} bytes")
        message = Message(secrets.token_hex(16), caller, kind, content)
        chat.messages[message.gid] = message
        return {"success": True, "MessageId": message.gid}

    def remove(self, caller, body):
        """撤销信息: the sender or an admin."""
        chat = self.chat(caller, body)
        gid = body.get("MessageId")
        if not isinstance(gid, str) or not gid:
            raise Refused(400, "bad-request", "MessageId must be a non-empty string")
        message = chat.messages.get(gid)
        if message is None:
            raise Refused(404, "message-not-found", "MessageId names no message of this session")
        if caller != message.sender and caller not in chat.admins:
            raise Refused(403, "forbidden", "only the sender or an admin may remove a message")
        message.removed = True
        message.content = ""
        return {"success": True}

"""Users, chats, messages and files, and how each is written in one of the two wire profiles."""

import hashlib
import hmac
import secrets
import time

# Low, for fast tests. A product needs many more.
ITERATIONS = 10_000


def now():
    return int(time.time())


class User:
    def __init__(self, number, entry):
        self.id = number
        self.account = entry["account"]
        self.realname = entry.get("realname") or self.account
        self.avatar = entry.get("avatar") or ""
        self.role = entry.get("role") or ""
        self.dept = entry.get("dept") or 0
        self.admin = bool(entry.get("admin"))
        self.status = "offline"
        self.settings = {}
        self.salt = secrets.token_bytes(16)
        self.hash = self.slow_hash(hashlib.md5(entry.get("password", "").encode()).hexdigest())

    def slow_hash(self, secret):
        return hashlib.pbkdf2_hmac("sha256", secret.encode(), self.salt, ITERATIONS)

    def verify(self, secret):
        """A login sends the md5 of the password, as 32 lower-case hex digits."""
        return hmac.compare_digest(self.slow_hash(secret), self.hash)

    def record(self, profile):
        admin = self.admin
        if profile == "client-1.0":
            admin = "super" if self.admin else "no"
        return {
            "id": self.id,
            "account": self.account,
            "realname": self.realname,
            "avatar": self.avatar,
            "role": self.role,
            "dept": self.dept,
            "status": self.status,
            "admin": admin,
        }


class Chat:
    """A chat. `members` is a dict, so its order is the order of joining."""

    def __init__(self, number, gid, name, kind, members, creator, subject=0, public=False):
        self.id, self.gid, self.name, self.type = number, gid, name, kind
        self.members = dict.fromkeys(members, True)
        self.created_by = creator.account if creator else "system"
        self.owner = creator.id if creator and kind != "one2one" else 0
        self.admins = [self.owner] if self.owner else []
        self.committers = ""
        self.subject, self.public = subject, public
        self.created_date = now()
        self.edited_by, self.edited_date = "", 0
        self.last_active = 0
        self.messages = []
        self.files = []
        self.preferences = {}

    def is_admin(self, user):
        return user.id in self.admins or (self.type == "system" and user.admin)

    def may_speak(self, user):
        if self.is_admin(user):
            return True
        if self.type == "system" and self.admins:
            return False
        if self.committers in ("", "$ALL"):
            return True
        return str(user.id) in self.committers.split(",")

    def edited(self, user):
        self.edited_by, self.edited_date = user.account, now()

    def preference(self, user, name):
        return self.preferences.get((user.id, name), False)

    def prefer(self, user, name, value):
        self.preferences[user.id, name] = value

    def remove(self, user_id):
        self.members.pop(user_id)
        if user_id in self.admins:
            self.admins.remove(user_id)
        for name in ("star", "hide", "mute"):
            self.preferences.pop((user_id, name), None)
        if user_id == self.owner:
            self.owner = next(iter(self.members), 0)
            if self.owner and self.owner not in self.admins:
                self.admins.append(self.owner)

    def record(self, profile):
        members = list(self.members)
        return {
            "id": self.id,
            "gid": self.gid,
            "name": self.name,
            "type": self.type,
            "admins": ",".join(str(one) for one in self.admins),
            "committers": self.committers,
            "subject": self.subject,
            "public": self.public,
            "createdBy": self.created_by,
            "createdDate": self.created_date,
            "editedBy": self.edited_by,
            "editedDate": self.edited_date,
            "lastActiveTime": self.last_active,
            "members": members if profile == "client-1.0" else [{"id": one} for one in members],
        }


class ChatOf:
    """A chat as one member sees it: with the own star, hide and mute."""

    def __init__(self, chat, user):
        self.chat, self.user = chat, user

    def record(self, profile):
        own = {name: self.chat.preference(self.user, name) for name in ("star", "hide", "mute")}
        return {**self.chat.record(profile), **own}


class PublicChat:
    """A chat in the list of public chats: no members, except in the profile of the 1.0 client."""

    def __init__(self, chat):
        self.chat = chat

    def record(self, profile):
        record = self.chat.record(profile)
        if profile != "client-1.0":
            del record["members"]
        return record


class Message:
    def __init__(self, number, fields):
        self.id = number
        self.gid, self.cgid = fields["gid"], fields["cgid"]
        self.sender, self.user = fields["sender"], fields["user"]
        self.date, self.type = fields["date"], fields["type"]
        self.content_type, self.content = fields["contentType"], fields["content"]

    def record(self, _profile):
        return {
            "id": self.id,
            "gid": self.gid,
            "cgid": self.cgid,
            "user": self.user,
            "date": self.date,
            "type": self.type,
            "contentType": self.content_type,
            "content": self.content,
        }


class File:
    def __init__(self, number, chat, title, content, user):
        self.id, self.chat, self.title, self.content = number, chat, title, content
        self.added_by = user.id

    def record(self, _profile):
        return {"id": self.id, "title": self.title, "size": len(self.content), "addedBy": self.added_by}


def render(value, profile):
    """JSON data of a value that contains users, chats, messages and files."""
    if hasattr(value, "record"):
        return value.record(profile)
    if isinstance(value, list):
        return [render(one, profile) for one in value]
    if isinstance(value, dict):
        return {key: render(one, profile) for key, one in value.items()}
    return value

"""Parameters of requests: an object by name, or an array in the order of the document."""

import json

from model import now

MAX_CONTENT = 64 * 1024
MAX_GID = 255
MAX_NAME = 255
STATUSES = ("online", "away", "busy")
CONTENT_TYPES = ("text", "emoticon", "image", "file", "emotion", "object")

POSITIONS = {
    ("chat", "login"): ("account", "password", "status"),
    ("chat", "userchangename"): ("name",),
    ("chat", "userchangestatus"): ("status",),
    ("chat", "create"): ("gid", "name", "type", "members", "subject", "public"),
    ("chat", "joinchat"): ("gid", "join"),
    ("chat", "changename"): ("id", "name"),
    ("chat", "star"): ("gid", "star"),
    ("chat", "hide"): ("gid", "hide"),
    ("chat", "mute"): ("gid", "mute"),
    ("chat", "addmember"): ("gid", "members", "join"),
    ("chat", "history"): ("gid", "recPerPage", "pageID", "recTotal", "continued"),
    ("chat", "members"): ("gid",),
    ("chat", "changepublic"): ("gid", "public"),
    ("chat", "setadmin"): ("gid", "admins", "isAdmin"),
    ("chat", "setcommitters"): ("gid", "committers"),
    ("chat", "settings"): ("account", "settings"),
    ("attach", "getlist"): ("gid",),
}


class Refused(Exception):
    """A request that is answered `fail`, with a sentence and sometimes data."""

    def __init__(self, message, data=None):
        super().__init__(message)
        self.data = data


def named(module, method, params):
    """The parameters by name. Null means absent."""
    if params is None:
        return {}
    if isinstance(params, dict):
        return {key: value for key, value in params.items() if value is not None}
    if isinstance(params, list):
        pairs = zip(POSITIONS.get((module, method), ()), params)
        return {key: value for key, value in pairs if value is not None}
    raise Refused("params must be an object or an array")


def text(params, key, default=None, limit=MAX_GID):
    value = params.get(key, default)
    if value is None:
        raise Refused(f"{key} is missing")
    if not isinstance(value, str):
        raise Refused(f"{key} must be a string")
    if len(value) > limit:
        raise Refused(f"{key} is longer than {limit} characters")
    return value


def required_text(params, key, limit=MAX_GID):
    value = text(params, key, limit=limit)
    if not value.strip():
        raise Refused(f"{key} must not be empty")
    return value


def boolean(params, key, default):
    value = params.get(key, default)
    if value in (True, 1, "1", "true"):
        return True
    if value in (False, 0, "0", "false"):
        return False
    raise Refused(f"{key} must be a boolean")


def whole(value, key, least=0):
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < least or value >= 2**53:
        raise Refused(f"{key} must be an integer from {least}")
    return value


def user_ids(value, key):
    """`[{id}, …]` or `[id, …]`, without repetition."""
    if not isinstance(value, list):
        raise Refused(f"{key} must be an array of users")
    ids = [one.get("id") if isinstance(one, dict) else one for one in value]
    return list(dict.fromkeys(whole(one, f"{key}.id", 1) for one in ids))


def committers(value):
    """`[{id}]`, `[id]`, "1,2,3", "$ALL" or "$ADMINS", as ids or as one of the two words."""
    if value in ("$ALL", "$ADMINS"):
        return value
    if isinstance(value, str):
        value = value.split(",") if value else []
    return user_ids(value, "committers")


def messages(params):
    """`[{…}]`, `[[{…}]]` or `{messages: [{…}]}`."""
    if isinstance(params, dict):
        params = params.get("messages", [params])
    if isinstance(params, list) and len(params) == 1 and isinstance(params[0], list):
        params = params[0]
    if not isinstance(params, list) or not params or not all(isinstance(one, dict) for one in params):
        raise Refused("params must be an array of one or more messages")
    return params


def message(given, user):
    """The fields of a new message (see `向会话发送消息`)."""
    given = {key: value for key, value in given.items() if value is not None}
    if given.get("user", "") not in ("", 0, user.id, str(user.id), user.account):
        raise Refused("user must be the user of this session")
    kind = given.get("type") or "normal"
    if kind not in ("normal", "broadcast"):
        raise Refused("type must be normal or broadcast")
    content_type = given.get("contentType") or "text"
    if content_type not in CONTENT_TYPES:
        raise Refused("contentType must be one of " + ", ".join(CONTENT_TYPES))
    content = given.get("content")
    if isinstance(content, (dict, list)):
        content = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    if not isinstance(content, str):
        raise Refused("content must be a string")
    if len(content.encode("utf-8", "replace")) > MAX_CONTENT:
        raise Refused(f"content is larger than {MAX_CONTENT} bytes")
    date = given.get("date") or now()
    date = whole(date, "date")
    if date >= 10**11:
        date //= 1000
    return {
        "gid": required_text(given, "gid"),
        "cgid": required_text(given, "cgid"),
        "sender": user.id,
        "user": 0 if kind == "broadcast" else user.id,
        "date": date,
        "type": kind,
        "contentType": content_type,
        "content": content,
    }

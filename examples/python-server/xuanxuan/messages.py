"""The methods about messages, and the lists of a chat's members and files."""

import params as read
from model import Message, now
from params import Refused
from rules import Rules

MAX_HISTORY = 10_000


class Messages(Rules):
    def message(self, connection, params):
        """向会话发送消息: all messages of a request are stored, or none."""
        drafts, refused = [], []
        for given in read.messages(params):
            try:
                drafts.append(self.draft(connection.user, given, drafts))
            except Refused as error:
                refused.append({"gid": given.get("gid"), "cgid": given.get("cgid"), "message": str(error)})
        if refused:
            raise Refused(refused[0]["message"], refused)
        return {"data": [self.post(connection, draft) for draft in drafts]}

    def draft(self, user, given, earlier):
        """The fields of a message that may be stored."""
        fields = read.message(given, user)
        chat = self.store.chats.get(fields["cgid"])
        if chat is None or user.id not in chat.members:
            raise Refused("cgid names no chat of yours")
        if not chat.may_speak(user):
            raise Refused("you may not speak in this chat")
        if fields["type"] == "broadcast" and not chat.is_admin(user):
            raise Refused("only an admin may send a broadcast")
        stored = self.store.messages.get(fields["gid"])
        known = stored and (stored.sender, stored.cgid, stored.content_type, stored.content)
        for one in earlier:
            if one["gid"] == fields["gid"]:
                known = (one["sender"], one["cgid"], one["contentType"], one["content"])
        if known:
            if known[:2] != (user.id, fields["cgid"]):
                raise Refused("gid belongs to another message")
            replaceable = fields["contentType"] in ("image", "file") and known[2] == fields["contentType"]
            if known[3] != fields["content"] and not replaceable:
                raise Refused("gid belongs to a message with other content")
        return fields

    def post(self, connection, fields):
        chat = self.store.chats[fields["cgid"]]
        message = self.store.messages.get(fields["gid"])
        if message is None:
            message = Message(self.store.next_message(), fields)
            self.store.messages[message.gid] = message
            chat.messages.append(message)
            chat.last_active = now()
        elif message.content == fields["content"]:
            return message
        else:
            message.content = fields["content"]
        self.hub.push_message(chat, message, but=connection)
        return message

    def history(self, connection, params):
        """获取会话的所有消息记录: newest first, whole or by pages."""
        chat = self.chat(connection.user, params)
        per_page = read.whole(params.get("recPerPage", 0), "recPerPage")
        page = read.whole(params.get("pageID", 1), "pageID")
        found = chat.messages[::-1]
        size = min(per_page or MAX_HISTORY, MAX_HISTORY)
        start = (max(page, 1) - 1) * size
        pager = {
            "recPerPage": per_page,
            "pageID": page,
            "recTotal": len(found),
            "gid": chat.gid,
            "continued": params.get("continued", False),
        }
        return {"data": found[start : start + size], "pager": pager}

    def members(self, connection, params):
        """获取会话的所有成员信息"""
        chat = self.chat(connection.user, params)
        return {"data": [{"gid": chat.gid, "members": [self.store.users[one] for one in chat.members]}]}

    def files(self, connection, params):
        """获取指定会话的所有文件列表"""
        return {"data": self.chat(connection.user, params).files}

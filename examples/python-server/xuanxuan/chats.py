"""The methods about chats and their members."""

import re

import params as read
from model import Chat, PublicChat
from params import Refused
from rules import Rules

PAIR_GID = re.compile(r"\d+&\d+")


class Chats(Rules):
    def chat_list(self, connection, _params):
        """获取当前登录用户所有会话数据"""
        return {"data": self.store.chats_of(connection.user)}

    def public_list(self, _connection, _params):
        """获取所有公共会话列表"""
        return {"data": [PublicChat(chat) for chat in self.store.chats.values() if chat.public]}

    def create(self, connection, params):
        """创建聊天会话: a known gid returns the stored chat."""
        user = connection.user
        kind = read.text(params, "type", "group", 20)
        members = [user.id, *read.user_ids(params.get("members", []), "members")]
        members = self.users(list(dict.fromkeys(members)))
        if kind == "one2one":
            if len(members) != 2:
                raise Refused("a chat of type one2one has exactly two members")
            gid = "&".join(sorted(map(str, members)))
        else:
            gid = read.required_text(params, "gid")
        stored = self.store.chats.get(gid)
        if stored:
            if user.id not in stored.members and not stored.public:
                raise Refused("gid belongs to another chat")
            return {"data": stored}
        if kind == "system" or not kind:
            raise Refused("type must be group, one2one, project, product or another type, but not system")
        if kind != "one2one" and PAIR_GID.fullmatch(gid):
            raise Refused("gid has the form of a one2one chat")
        name = read.text(params, "name", "", read.MAX_NAME)
        subject = read.whole(params.get("subject", 0), "subject")
        public = read.boolean(params, "pulic" if "pulic" in params else "public", False)
        chat = Chat(self.store.next_chat(), gid, name, kind, members, user, subject, public)
        self.store.chats[gid] = chat
        self.hub.push(chat.members, "chat", "create", chat, but=connection)
        return {"data": chat}

    def join_chat(self, connection, params):
        """加入或退出聊天会话"""
        user = connection.user
        join = read.boolean(params, "join", True)
        chat = self.store.chats.get(read.required_text(params, "gid"))
        if chat is None or (user.id not in chat.members and not (join and chat.public)):
            raise Refused("gid names no chat that you can join or leave")
        self.require_type(chat, "group")
        data = {"gid": chat.gid, "join": join}
        if connection.profile == "client-1.0":
            data["chat"] = chat
        if join and user.id not in chat.members:
            chat.members[user.id] = True
            self.members_changed(connection, chat, "joinChat")
        elif not join:
            chat.remove(user.id)
            self.hub.forget(user.id, chat)
            self.members_changed(connection, chat, "joinChat")
        return {"data": data}

    def members_changed(self, connection, chat, method, removed=()):
        """Pushes the chat to its members and to those who were just removed."""
        chat.edited(connection.user)
        names = {"client-1.0": "addMember"}
        self.hub.push(chat.members, "chat", method, chat, but=connection, names=names)
        for user_id in removed:
            other = self.hub.connections.get(user_id)
            if other and other.profile == "client-1.0":
                self.hub.push([user_id], "chat", "joinChat", {"gid": chat.gid, "join": False}, but=connection)
            else:
                self.hub.push([user_id], "chat", method, chat, but=connection)

    def change_name(self, connection, params):
        """更改会话名称: by the id of the chat, or by its gid."""
        given = params.get("id", params.get("gid"))
        if not isinstance(given, str):
            given = read.whole(given, "id")
        chat = self.store.chats.get(given) or self.store.chat_by_id(given)
        if chat is None or connection.user.id not in chat.members:
            raise Refused("id names no chat of yours")
        self.require_type(chat, "group")
        if not chat.may_speak(connection.user):
            raise Refused("you may not speak in this chat")
        chat.name = read.required_text(params, "name", read.MAX_NAME)
        self.changed(connection, chat, "changeName")
        return {"data": {"id": chat.id, "gid": chat.gid, "name": chat.name}}

    def prefer(self, name):
        """收藏或取消收藏会话, 隐藏或显示会话: each member for themself."""

        def method(connection, params):
            chat = self.chat(connection.user, params)
            value = read.boolean(params, name, True)
            chat.prefer(connection.user, name, value)
            return {"data": {"gid": chat.gid, name: value}}

        return method

    def add_member(self, connection, params):
        """邀请新的用户到会话或者将用户踢出会话"""
        user = connection.user
        chat = self.store.chats.get(read.required_text(params, "gid"))
        ids = read.user_ids(params.get("members"), "members")
        join = read.boolean(params, "join", True)
        joins = chat and chat.public and join and ids == [user.id]
        if chat is None or not (user.id in chat.members or joins):
            raise Refused("gid names no chat of yours")
        self.require_type(chat, "group")
        if not ids:
            raise Refused("members must name at least one user")
        self.users(ids)
        if join:
            new = [one for one in ids if one not in chat.members]
            chat.members.update(dict.fromkeys(new, True))
            if new:
                self.members_changed(connection, chat, "addMember")
            return {"data": chat}
        self.require_admin(user, chat)
        if chat.owner in ids:
            raise Refused("the owner cannot be kicked")
        others = [one for one in ids if one not in chat.members]
        if others:
            raise Refused("not members of the chat: " + ", ".join(map(str, others)))
        for one in ids:
            chat.remove(one)
            self.hub.forget(one, chat)
        self.members_changed(connection, chat, "addMember", removed=ids)
        return {"data": chat}

    def change_public(self, connection, params):
        """将会话设置为公共会话或者取消设置公共会话: not a chat about a subject."""
        chat = self.chat(connection.user, params)
        self.require_type(chat, "group")
        if chat.subject:
            raise Refused("a chat about a subject cannot be public")
        self.require_admin(connection.user, chat)
        chat.public = read.boolean(params, "public", True)
        self.changed(connection, chat, "changePublic")
        return {"data": {"gid": chat.gid, "public": chat.public}}

    def set_admin(self, connection, params):
        """设置会话管理员: system administrators, in system chats."""
        chat = self.chat(connection.user, params)
        self.require_type(chat, "system")
        if not connection.user.admin:
            raise Refused("only a system administrator may do this")
        ids = self.users(read.user_ids(params.get("admins"), "admins"))
        if read.boolean(params, "isAdmin", True):
            chat.admins += [one for one in ids if one not in chat.admins]
        else:
            chat.admins = [one for one in chat.admins if one not in ids]
        self.changed(connection, chat, "setAdmin")
        return {"data": chat}

    def set_committers(self, connection, params):
        """设置会话允许发言的人"""
        chat = self.chat(connection.user, params)
        self.require_type(chat, "group", "system")
        self.require_admin(connection.user, chat)
        if "committers" not in params:
            raise Refused("committers is missing")
        value = read.committers(params["committers"])
        if not isinstance(value, str):
            value = ",".join(map(str, self.users(value)))
        chat.committers = value
        self.changed(connection, chat, "setCommitters")
        return {"data": chat}

"""What several methods require of a request."""

import params as read
from params import Refused


class Rules:
    def __init__(self, store, hub):
        self.store, self.hub = store, hub

    def chat(self, user, params):
        """A chat of the user. Other users' private chats are reported as missing."""
        chat = self.store.chats.get(read.required_text(params, "gid"))
        if chat is None or user.id not in chat.members:
            raise Refused("gid names no chat of yours")
        return chat

    @staticmethod
    def require_type(chat, *types):
        if chat.type not in types:
            raise Refused("this is not possible in a chat of type " + chat.type)

    @staticmethod
    def require_admin(user, chat):
        if not chat.is_admin(user):
            raise Refused("only an admin of the chat may do this")

    def users(self, ids):
        unknown = [one for one in ids if one not in self.store.users]
        if unknown:
            raise Refused("there is no user with the id " + ", ".join(map(str, unknown)))
        return ids

    def changed(self, connection, chat, method):
        chat.edited(connection.user)
        self.hub.push(chat.members, "chat", method, chat, but=connection)

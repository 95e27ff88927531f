"""The methods of the document by their names in lower case."""

from chats import Chats
from messages import Messages
from users import Users


class Methods(Users, Chats, Messages):
    def ping(self, _connection, _params):
        return {}

    def table(self):
        return {
            ("chat", "logout"): self.logout,
            ("chat", "usergetlist"): self.user_list,
            ("chat", "userchangename"): self.user_change_name,
            ("chat", "userchangestatus"): self.user_change_status,
            ("chat", "getlist"): self.chat_list,
            ("chat", "getpubliclist"): self.public_list,
            ("chat", "create"): self.create,
            ("chat", "joinchat"): self.join_chat,
            ("chat", "changename"): self.change_name,
            ("chat", "star"): self.prefer("star"),
            ("chat", "hide"): self.prefer("hide"),
            ("chat", "mute"): self.prefer("mute"),
            ("chat", "addmember"): self.add_member,
            ("chat", "changepublic"): self.change_public,
            ("chat", "setadmin"): self.set_admin,
            ("chat", "setcommitters"): self.set_committers,
            ("chat", "settings"): self.settings,
            ("chat", "message"): self.message,
            ("chat", "history"): self.history,
            ("chat", "members"): self.members,
            ("chat", "ping"): self.ping,
            ("attach", "getlist"): self.files,
        }

"""All users, chats, messages and files, in memory."""

import secrets

from model import Chat, ChatOf, File, User


class Store:
    def __init__(self, entries):
        self.users, self.accounts = {}, {}
        self.chats, self.messages, self.files = {}, {}, {}
        self.last_chat = self.last_message = self.last_file = 0
        for entry in entries:
            number = entry.get("id") or max(self.users, default=0) + 1
            user = User(number, entry)
            self.users[user.id] = self.accounts[user.account] = user
        system = Chat(self.next_chat(), "system-" + secrets.token_hex(8), "", "system", sorted(self.users), None)
        self.chats[system.gid] = system

    def next_chat(self):
        self.last_chat += 1
        return self.last_chat

    def next_message(self):
        self.last_message += 1
        return self.last_message

    def user_list(self):
        return [self.users[one] for one in sorted(self.users)]

    def chat_by_id(self, number):
        """By the number, or by its digits."""
        return next((chat for chat in self.chats.values() if number in (chat.id, str(chat.id))), None)

    def chats_of(self, user):
        return [ChatOf(chat, user) for chat in self.chats.values() if user.id in chat.members]

    def add_file(self, chat, title, content, user):
        self.last_file += 1
        file = self.files[self.last_file] = File(self.last_file, chat, title, content, user)
        chat.files.append(file)
        return file

"""Sessions, the connection of each user who is online, pushes, and the queue of undelivered packets."""

import secrets

from model import now
from params import STATUSES, Refused
import params as read

LIFETIME = 24 * 3600
GRACE = 0.3
MOVED = "This account logined in another place."


class Session:
    def __init__(self, user):
        self.user = user
        self.sid = secrets.token_urlsafe(24)
        self.used = now()


class Hub:
    def __init__(self, store):
        self.store = store
        self.sessions = {}
        self.connections = {}
        self.queues = {user_id: {} for user_id in store.users}
        self.last_packet = 0

    # -- sessions -------------------------------------------------------------------------

    def session(self, sid):
        session = self.sessions.get(sid) if isinstance(sid, str) else None
        if session and session.used + LIFETIME < now():
            self.end(session)
            return None
        if session:
            session.used = now()
        return session

    def login(self, connection, params):
        """登录. The pushes follow the response."""
        account = read.required_text(params, "account")
        password = read.text(params, "password")
        status = params.get("status") or "online"
        if status not in STATUSES:
            raise Refused("status must be online, away or busy")
        user = self.store.accounts.get(account)
        known = user or next(iter(self.store.users.values()))
        if not known.verify(password) or user is None:
            reason = "account or password is wrong"
            raise Refused(reason, reason if connection.profile == "client-1.0" else None)
        if connection.session:
            self.end(connection.session)
        for session in [one for one in self.sessions.values() if one.user is user]:
            del self.sessions[session.sid]
        session = Session(user)
        self.sessions[session.sid] = session
        self.attach(connection, session, status)
        return {"data": user}

    def attach(self, connection, session, status):
        """Makes a connection that of the user. 重复登录: an earlier one gets a packet and is closed."""
        user = session.user
        earlier = self.connections.get(user.id)
        if earlier and earlier is not connection:
            earlier.session = None
            moved = {"module": "null", "method": "null", "message": MOVED}
            if earlier.profile == "client-1.0":
                moved = {"module": "chat", "method": "kickoff", "message": MOVED}
            earlier.send(moved)
            earlier.close_later(GRACE)
        connection.session = session
        self.connections[user.id] = connection
        user.status = status
        connection.after.append(lambda: self.greet(connection, user))

    def greet(self, connection, user):
        """The pushes of a login in the order of their levels: users, chats, undelivered packets."""
        self.send(connection, "chat", "userGetList", self.store.user_list())
        self.send(connection, "chat", "getlist", self.store.chats_of(user))
        for packet_id, message in sorted(self.queues[user.id].items()):
            self.send(connection, "chat", "message", [message], packet_id)
        self.push(self.store.users, "chat", "login", user, but=connection)

    def end(self, session):
        """Ends a session, and sets its user offline."""
        self.sessions.pop(session.sid, None)
        connection = self.connections.get(session.user.id)
        if connection and connection.session is session:
            self.leave(connection)

    def leave(self, connection):
        """登出: a connection that ends sets the user offline, without a push."""
        session, connection.session = connection.session, None
        if session and self.connections.get(session.user.id) is connection:
            del self.connections[session.user.id]
            session.user.status = "offline"

    # -- pushes ---------------------------------------------------------------------------

    def next_packet(self):
        self.last_packet += 1
        return self.last_packet

    def send(self, connection, module, method, data, packet_id=None):
        packet_id = packet_id or self.next_packet()
        connection.send([{"id": packet_id, "module": module, "method": method, "data": data}])
        if method == "message":
            connection.sent.append(packet_id)

    def push(self, user_ids, module, method, data, but=None, names=None):
        """Pushes to those of the users who are online, except the connection of the request."""
        packet_id = self.next_packet()
        for user_id in list(user_ids):
            connection = self.connections.get(user_id)
            if connection and connection is not but:
                name = (names or {}).get(connection.profile, method)
                self.send(connection, module, name, data, packet_id)

    def push_message(self, chat, message, but):
        """向会话发送消息: every other member has the packet queued until it is acknowledged."""
        packet_id = self.next_packet()
        for user_id in chat.members:
            if user_id != message.sender:
                queue = self.queues[user_id]
                for earlier in [key for key, one in queue.items() if one is message]:
                    del queue[earlier]
                queue[packet_id] = message
                if user_id in self.connections:
                    self.send(self.connections[user_id], "chat", "message", [message], packet_id)

    def acknowledge(self, user, ids):
        """UserMessage: deletes the packets whose ids a client sends back."""
        for one in ids if isinstance(ids, list) else [ids]:
            if isinstance(one, int):
                self.queues[user.id].pop(one, None)

    def acknowledge_sent(self, connection):
        """Acknowledges what was sent before the client's next frame: the 1.0 client sends no acknowledgements."""
        if connection.session:
            self.acknowledge(connection.session.user, connection.sent)
        connection.sent = []

    def forget(self, user_id, chat):
        """Removes the undelivered packets of a chat that a user has left."""
        queue = self.queues[user_id]
        for key in [key for key, message in queue.items() if message.cgid == chat.gid]:
            del queue[key]

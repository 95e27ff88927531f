"""A chat connection: JSON frames in, responses and pushes out, over WebSocket or raw TCP."""

import asyncio
import json

import params as read
from model import render
from params import Refused

MAX_FRAME = 1024 * 1024


class Connection:
    def __init__(self, hub, methods, profile, write, close):
        self.hub, self.profile = hub, profile
        self.table = methods.table()
        self.write, self.close = write, close
        self.session = None
        self.after = []
        self.sent = []

    @property
    def user(self):
        return self.session.user

    def send(self, value):
        data = render(value, self.profile)
        self.write(json.dumps(data, ensure_ascii=self.profile == "client-1.0", separators=(",", ":")))

    def close_later(self, seconds):
        asyncio.get_running_loop().call_later(seconds, self.close)

    def receive(self, text):
        """One frame: a request, or an array of requests that run in order."""
        if self.profile == "client-1.0":
            self.hub.acknowledge_sent(self)
        try:
            frame = json.loads(text)
        except (ValueError, RecursionError):
            return self.invalid("the frame is not JSON")
        for request in frame if isinstance(frame, list) else [frame]:
            if isinstance(request, dict):
                self.request(request)
            else:
                self.invalid("a request must be an object")

    def invalid(self, message):
        self.send({"module": "null", "method": "null", "result": "fail", "message": message})

    def request(self, request):
        module, method = request.get("module"), request.get("method")
        if not isinstance(module, str) or not isinstance(method, str):
            return self.invalid("module and method must be strings")
        name = (module.lower(), method.lower())
        response = {"module": module, "method": method}
        try:
            if name == ("chat", "login"):
                fields = self.hub.login(self, read.named(*name, request.get("params")))
                response["sid"] = self.session.sid
            else:
                session = self.authenticate(request.get("sid"))
                if session is None:
                    denied = {**response, "result": "denied", "message": "sid is missing or not valid"}
                    return self.finish(denied)
                if "id" in request and "params" not in request:
                    self.hub.acknowledge(session.user, request["id"])
                    return self.finish(None)
                response["sid"] = session.sid
                fields = self.perform(name, request)
            self.finish({**response, "result": "success", **fields})
        except Refused as refused:
            data = {} if refused.data is None else {"data": refused.data}
            self.finish({**response, "result": "fail", "message": str(refused), **data})

    def authenticate(self, sid):
        """The session of a live sid. A connection without a session resumes it."""
        session = self.hub.session(sid)
        if session is None:
            return None
        if self.session is None:
            self.hub.attach(self, session, "online")
        return session if self.session is session else None

    def perform(self, name, request):
        method = self.table.get(name)
        if method is None:
            raise Refused("there is no such method")
        params = request.get("params")
        if name == ("chat", "message"):
            return method(self, params)
        return method(self, read.named(*name, params))

    def finish(self, response):
        """Sends the response, then the pushes that follow it."""
        if response is not None:
            self.send(response)
        after, self.after = self.after, []
        for push in after:
            push()

    def ended(self):
        self.hub.leave(self)

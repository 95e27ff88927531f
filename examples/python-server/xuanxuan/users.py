"""The methods about users. Each returns the fields of its response; a `Refused` is a `fail`."""

import params as read
from params import Refused
from rules import Rules


class Users(Rules):
    def logout(self, connection, _params):
        """登出"""
        user = connection.user
        self.hub.end(connection.session)
        self.hub.push(self.store.users, "chat", "logout", user)
        return {"data": user}

    def user_list(self, _connection, _params):
        """获取所有用户列表"""
        return {"data": self.store.user_list()}

    def user_change_name(self, connection, params):
        """更改当前登录用户真实姓名"""
        user = connection.user
        user.realname = read.required_text(params, "name", read.MAX_NAME)
        self.hub.push(self.store.users, "chat", "userChangeName", user, but=connection)
        return {"data": {"id": user.id, "name": user.realname}}

    def user_change_status(self, connection, params):
        """设置当前登录用户状态: online, away, busy"""
        user = connection.user
        status = params.get("status")
        if status not in read.STATUSES:
            raise Refused("status must be online, away or busy")
        user.status = status
        self.hub.push(self.store.users, "chat", "userChangeStatus", user, but=connection)
        return {"data": {"id": user.id, "status": user.status}}

    def settings(self, connection, params):
        """上传下载用户在客户端的配置信息: empty settings download, others upload."""
        account = read.required_text(params, "account")
        user = self.store.accounts.get(account)
        if user is not connection.user and not connection.user.admin:
            raise Refused("account must be your own")
        if user is None:
            raise Refused("account names no user")
        if params.get("settings"):
            user.settings = params["settings"]
        return {"data": user.settings}

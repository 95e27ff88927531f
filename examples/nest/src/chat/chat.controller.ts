import { Controller, Get, Headers } from "@nestjs/common"
import { Parley } from "@parley/adapter-node"
import { UsersService } from "../users/users.service.ts"
import { ChatStatistics } from "./chat.statistics.ts"

@Controller()
export class ChatController {
  constructor(
    private readonly parley: Parley,
    private readonly users: UsersService,
    private readonly statistics: ChatStatistics
  ) {}

  @Get("unread")
  async unread(@Headers("x-user-token") token: string | undefined) {
    return this.parley.as(await this.users.signedIn(token)).unread()
  }

  @Get("chat-token")
  async chatToken(@Headers("x-user-token") token: string | undefined) {
    return JSON.stringify(await this.parley.openSession(await this.users.signedIn(token), { kind: "chat" }))
  }

  @Get("statistics")
  counts() {
    return this.statistics.counts
  }
}

import { Injectable, type OnApplicationShutdown, type OnModuleInit } from "@nestjs/common"
import { Parley } from "@parley/adapter-node"

/** Counts the messages of this process, through any protocol. */
@Injectable()
export class ChatStatistics implements OnModuleInit, OnApplicationShutdown {
  readonly counts = { messages: 0 }
  private stop: (() => void) | undefined

  constructor(private readonly parley: Parley) {}

  onModuleInit(): void {
    this.stop = this.parley.on("message", () => {
      this.counts.messages++
    })
  }

  onApplicationShutdown(): void {
    this.stop?.()
    console.log(`${this.counts.messages} messages`)
  }
}

/** An application as the Nest command line lays it out: modules, a controller and a provider with decorators. */
import "reflect-metadata"
import { Controller, Get, Injectable, Module, type OnApplicationShutdown, type OnModuleInit } from "@nestjs/common"
import { type AbstractHttpAdapter, NestFactory } from "@nestjs/core"
import { Parley } from "@parley/adapter-node"
import { ParleyModule } from "@parley/adapter-node/nest"
import type { Server } from "node:http"
import type { AddressInfo } from "node:net"

@Injectable()
class Pages implements OnModuleInit, OnApplicationShutdown {
  private messages = 0
  private stop: (() => void) | undefined

  constructor(private readonly parley: Parley) {}

  onModuleInit(): void {
    this.stop = this.parley.on("message", () => {
      this.messages++
    })
  }

  own(): string {
    return this.messages === 1 ? "Your own page." : `${this.messages} messages`
  }

  onApplicationShutdown(): void {
    this.stop?.()
  }
}

@Controller()
class PagesController {
  constructor(private readonly pages: Pages) {}

  @Get("own")
  own(): string {
    return this.pages.own()
  }
}

@Module({ controllers: [PagesController], providers: [Pages] })
class PagesModule {}

export const startNest = async (
  parley: Parley,
  adapter: AbstractHttpAdapter
): Promise<{ readonly port: number; readonly close: () => Promise<void> }> => {
  @Module({ imports: [ParleyModule.forRoot(parley), PagesModule] })
  class AppModule {}
  const app = await NestFactory.create(AppModule, adapter, { logger: ["error", "warn"], forceCloseConnections: true })
  await app.listen(0, "127.0.0.1")
  const { port } = (app.getHttpServer() as Server).address() as AddressInfo
  return { port, close: () => app.close() }
}

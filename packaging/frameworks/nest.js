import "reflect-metadata"
import { Controller, Get, Module } from "@nestjs/common"
import { NestFactory } from "@nestjs/core"
import { ParleyModule } from "@parley/adapter-node/nest"

/** Node runs no decorators: they are called as functions. */
export const startNest = async (parley, adapter) => {
  class Own {
    own() {
      return "Your own page."
    }
  }
  Controller()(Own)
  Get("own")(Own.prototype, "own", Object.getOwnPropertyDescriptor(Own.prototype, "own"))
  class Application {}
  Module({ imports: [ParleyModule.forRoot(parley)], controllers: [Own] })(Application)
  const app = await NestFactory.create(Application, adapter, { logger: ["error", "warn"], forceCloseConnections: true })
  await app.listen(0, "127.0.0.1")
  return { port: app.getHttpServer().address().port, close: () => app.close() }
}

/**
 * Conversations in a Nest application: users of its own, and JWTs in a header of its own. Node runs TypeScript without its
 * decorators, so that they are called here as what they are: functions. With a compiler, write `@Controller()`.
 */
import "reflect-metadata"
import { Body, Controller, Get, Headers, Module, Post, UnauthorizedException } from "@nestjs/common"
import { NestFactory } from "@nestjs/core"
import type { NestExpressApplication } from "@nestjs/platform-express"
import { createParley, Parley } from "@parley/adapter-node"
import * as FileBlobs from "@parley/adapter-node/FileBlobs"
import { ParleyModule } from "@parley/adapter-node/nest"
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"
import { dialect as spark } from "@parley/dialects/spark"
import { dialect as xuanxuan } from "@parley/dialects/xuanxuan"
import { controller } from "./decorated.ts"
import { check, directory, signUp } from "./people.ts"
import { sign, verify } from "./token.ts"

signUp("ann", "Ann", "tea")
signUp("ben", "Ben", "coffee")
const data = process.env["DATA"] ?? "data"

/** Browsers cannot send headers with a WebSocket: its token is in the URL. */
const conversations = (): Promise<Parley> =>
  createParley({
    store: SqliteStore.layer({ file: `${data}/chat.db` }),
    blobs: FileBlobs.layer({ directory: `${data}/files` }),
    dialects: [xuanxuan, spark],
    path: "/api/im",
    directory,
    authenticate: ({ headers, query }) => verify(headers.get("x-user-token") ?? query.get("access_token"))
  })

class Own {
  readonly #parley: Parley
  constructor(parley: Parley) {
    this.#parley = parley
  }
  async login({ login, password }: { readonly login: string; readonly password: string }) {
    const user = check(login, password)
    if (user === undefined) throw new UnauthorizedException()
    return { token: await sign(user) }
  }
  async unread(token: string | undefined) {
    return this.#parley.as(await signedIn(token)).unread()
  }
  async chatToken(token: string | undefined) {
    return JSON.stringify(await this.#parley.openSession(await signedIn(token), { kind: "chat" }))
  }
}
const signedIn = async (token: string | undefined): Promise<string> => {
  const user = await verify(token)
  if (user === undefined) throw new UnauthorizedException()
  return user
}
controller(Own, Controller(), [Parley], {
  login: [Post("login"), Body()],
  unread: [Get("unread"), Headers("x-user-token")],
  chatToken: [Get("chat-token"), Headers("x-user-token")]
})

class Application {}
Module({ imports: [ParleyModule.forRootAsync({ useFactory: conversations })], controllers: [Own] })(Application)

const app = await NestFactory.create<NestExpressApplication>(Application, { logger: ["error", "warn"] })
app.setGlobalPrefix("api")
app.enableShutdownHooks()
await app.listen(Number(process.env["PORT"] ?? 3000), "127.0.0.1")
console.log("ready", app.getHttpServer().address())

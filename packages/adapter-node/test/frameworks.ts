/** One object in each framework, with the application's own routes and body parsers around it. */
import "reflect-metadata"
import { serve } from "@hono/node-server"
import { Body, Controller, Module, Post } from "@nestjs/common"
import { NestFactory } from "@nestjs/core"
import type { NestExpressApplication } from "@nestjs/platform-express"
import { FastifyAdapter, type NestFastifyApplication } from "@nestjs/platform-fastify"
import { Parley } from "@parley/adapter-node"
import { parleyExpress } from "@parley/adapter-node/express"
import { parleyFastify } from "@parley/adapter-node/fastify"
import { parleyHono } from "@parley/adapter-node/hono"
import { ParleyModule } from "@parley/adapter-node/nest"
import express from "express"
import fastify from "fastify"
import { Hono } from "hono"
import { createServer, type Server } from "node:http"
import { assert } from "vitest"
import { closing, listening } from "./clients.ts"

export interface Mounted {
  readonly http: string
  readonly server: Server
  /** Path of the application's own route. Default: `/own`. */
  readonly own?: string
  readonly close: () => Promise<unknown>
}

export type Mount = (parley: Parley) => Promise<Mounted>

/** A Nest application with a route of its own, and a provider that gets the instance. */
const nestModule = (parley: Parley) => {
  let injected: Parley | undefined
  class Application {
    constructor(given: Parley) {
      injected = given
    }
  }
  class Own {
    echo(body: unknown) {
      return { own: body }
    }
  }
  Controller()(Own)
  Post("own")(Own.prototype, "echo", Object.getOwnPropertyDescriptor(Own.prototype, "echo") ?? {})
  Body()(Own.prototype, "echo", 0)
  Module({
    imports: [ParleyModule.forRoot(parley)],
    controllers: [Own],
    providers: [{ provide: Application, inject: [Parley], useFactory: (given: Parley) => new Application(given) }]
  })(Application)
  return { module: Application, checkInjected: () => assert.strictEqual(injected, parley) }
}

/** Echoes the body that its parser made. */
export const frameworks = {
  "node:http": async (parley) => {
    const server = createServer((request, response) =>
      parley.node(request, response, () => {
        if (request.url !== "/own") return void response.writeHead(404).end()
        let text = ""
        request.on("data", (chunk) => (text += String(chunk)))
        request.on("end", () => response.end(`{"own":${text}}`))
      })
    )
    parley.attach(server)
    return { http: await listening(server), server, close: () => closing(server) }
  },
  "Express, below its mount path, a parser behind it": async (parley) => {
    const app = express()
    app.use("/im", parleyExpress(parley))
    app.use(express.json())
    app.post("/own", (request, response) => void response.json({ own: request.body as unknown }))
    const server = app.listen(0, "127.0.0.1")
    await new Promise((resolve) => server.once("listening", resolve))
    parley.attach(server)
    return { http: addressOf(server), server, close: () => closing(server) }
  },
  "Express, a JSON parser before it": async (parley) => {
    const app = express()
    app.use(express.json())
    app.use(parleyExpress(parley))
    app.post("/own", (request, response) => void response.json({ own: request.body as unknown }))
    const server = app.listen(0, "127.0.0.1")
    await new Promise((resolve) => server.once("listening", resolve))
    parley.attach(server)
    return { http: addressOf(server), server, close: () => closing(server) }
  },
  "Fastify, where its path says": async (parley) => {
    const app = fastify()
    await app.register(parleyFastify, { parley })
    app.post("/own", async (request) => ({ own: request.body }))
    const http = await app.listen({ port: 0, host: "127.0.0.1" })
    return { http, server: app.server, close: () => app.close() }
  },
  "Fastify, with a prefix": async (parley) => {
    const app = fastify()
    app.post("/own", async (request) => ({ own: request.body }))
    await app.register(parleyFastify, { parley, prefix: "/im" })
    const http = await app.listen({ port: 0, host: "127.0.0.1" })
    return { http, server: app.server, close: () => app.close() }
  },
  "Hono, below a base path, its body read before": async (parley) => {
    const app = new Hono()
    app.use(async ({ req }, next) => {
      if (req.header("content-type")?.includes("json") === true) await req.json()
      if (req.header("content-type")?.includes("form") === true) await req.parseBody()
      await next()
    })
    const im = app.basePath("/im")
    im.use("/*", parleyHono(parley))
    app.post("/own", async (context) => context.json({ own: await context.req.json<unknown>() }))
    return onHono(app, parley)
  },
  "Hono, as a middleware": async (parley) => {
    const app = new Hono()
    app.use(parleyHono(parley))
    app.post("/own", async (context) => context.json({ own: await context.req.json<unknown>() }))
    return onHono(app, parley)
  },
  "Nest on Express, with a global prefix": async (parley) => {
    const { module, checkInjected } = nestModule(parley)
    const app = await NestFactory.create<NestExpressApplication>(module, { logger: false })
    app.setGlobalPrefix("api")
    await app.listen(0, "127.0.0.1")
    checkInjected()
    const server = app.getHttpServer()
    return { http: addressOf(server), server, own: "/api/own", close: () => app.close() }
  },
  "Nest on Fastify, with a global prefix": async (parley) => {
    const { module, checkInjected } = nestModule(parley)
    const app = await NestFactory.create<NestFastifyApplication>(module, new FastifyAdapter(), { logger: false })
    app.setGlobalPrefix("api")
    await app.listen(0, "127.0.0.1")
    checkInjected()
    const server = app.getHttpServer()
    return { http: addressOf(server), server, own: "/api/own", close: () => app.close() }
  }
} as const satisfies Readonly<Record<string, Mount>>

const addressOf = (server: Server): string => {
  const address = server.address()
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`
}

const onHono = async (app: Hono, parley: Parley): Promise<Mounted> => {
  const server = await new Promise<Server>((resolve) => {
    const started = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, () => resolve(started as Server))
  })
  parley.attach(server)
  return { http: addressOf(server), server, close: () => closing(server) }
}

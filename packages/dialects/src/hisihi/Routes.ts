/** The paths of this protocol, as the document prints them. Every answer is one of its own, also where it fails. */
import type { Hub } from "@parley/core/Hub"
import type { Refused } from "@parley/core/Refused"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import { performing } from "../Perform.ts"
import { queryOf } from "../Query.ts"
import { masterKey } from "./Apps.ts"
import { actingAs, type Asker, type AskerOf } from "./Asker.ts"
import { maySign } from "./Conversions.ts"
import { addMembers, createGroup, deleteGroup, removeMembers, renameGroup, type Request } from "./Groups.ts"
import { listContacts, listGroups, type MarkBroadcast, type OrganizationServices } from "./Organizations.ts"
import { clientId, clientIds, foreignId, readParameters } from "./Parameters.ts"
import { DIALECT } from "./Records.ts"
import { Failure, failed, failureOf } from "./Refusals.ts"
import { sign, type Signing, sorted } from "./Signatures.ts"

/** Routes that a host adds to its router; they answer all their errors themselves. */
export type HttpRoutes = Layer.Layer<never, never, HttpRouter.HttpRouter>

export interface Grounds extends OrganizationServices {
  readonly hub: Hub["Service"]
  readonly askerOf: AskerOf
  readonly signing: Signing
  readonly markBroadcast: MarkBroadcast
}

type Response = HttpServerResponse.HttpServerResponse
type Handler = (request: Request) => Effect.Effect<Response, Failure | Refused>
type Method = "GET" | "POST" | "PUT" | "DELETE"

const ok = (body: object): Response => HttpServerResponse.jsonUnsafe(body)
/** Of JSON text. */
const written = (json: string): Response => HttpServerResponse.text(json, { contentType: "application/json" })
const created = (body: object): Response => HttpServerResponse.jsonUnsafe(body, { status: 201 })
const done = (): Response => HttpServerResponse.empty({ status: 204 })

/** What begins like a documented path and is none; an id that cannot be decoded is such a path. */
export const otherwise: HttpRoutes = HttpRouter.add(
  "*",
  "*",
  failed(new Failure({ code: "not_found", message: "There is nothing at this path." }))
)

export const routesOf = (grounds: Grounds): HttpRoutes => {
  const route = (path: `/${string}`, handlers: Readonly<Partial<Record<Method, Handler>>>): HttpRoutes =>
    HttpRouter.add("*", path, answering(grounds, handlers))

  const signed = (
    make: (request: Request, app: string, client: string) => Effect.Effect<object, Failure | Refused>
  ): Handler =>
    Effect.fnUntraced(function* (request) {
      const app = request.path("app_id") ?? ""
      const client = yield* clientId("client_id", request.path("client_id"), grounds.settings)
      yield* actingAs(request.asker, client)
      return ok(yield* make(request, app, client)).pipe(HttpServerResponse.setHeader("cache-control", "no-store"))
    })

  const membersIn = ({ path }: Request) =>
    clientIds("sorted_member_ids", path("sorted_member_ids") ?? "", grounds.settings)

  const login = signed(
    Effect.fnUntraced(function* (_request, app_id, client_id) {
      const key = yield* masterKey(grounds.records, app_id)
      const { timestamp, signature, nonce } = yield* sign(grounds.signing, key, [app_id, client_id, ""])
      return { timestamp, signature, nonce, app_id, client_id }
    })
  )

  const conversion = signed(
    Effect.fnUntraced(function* (request, app_id, client_id) {
      const sorted_member_ids = sorted(yield* membersIn(request))
      const key = yield* masterKey(grounds.records, app_id)
      const { timestamp, signature, nonce } = yield* sign(grounds.signing, key, [app_id, client_id, sorted_member_ids])
      return { timestamp, signature, nonce, sorted_member_ids, app_id, client_id }
    })
  )

  /** Who invites nobody joins; to kick nobody is nothing. */
  const membership = (action: "invite" | "kick") =>
    signed(
      Effect.fnUntraced(function* (request, app_id, client_id) {
        const conversion_id = yield* foreignId("conversion_id", request.path("conversion_id"))
        const joins = action === "invite" && (request.path("sorted_member_ids") ?? "") === ""
        const ids = joins ? [] : yield* membersIn(request)
        const sorted_member_ids = joins ? "" : sorted(ids)
        const key = yield* masterKey(grounds.records, app_id)
        yield* maySign(grounds, request.asker, action, conversion_id, ids)
        const { timestamp, signature, nonce } = yield* sign(
          grounds.signing,
          key,
          [app_id, client_id, conversion_id, sorted_member_ids],
          [action]
        )
        return { action, signature, conversion_id, app_id, nonce, sorted_member_ids, client_id, timestamp }
      })
    )

  /** Who names no members ends the path in `/`, which the router takes away, or stops before it. */
  const withMembers = (path: `/${string}`, handlers: { readonly GET: Handler }): HttpRoutes =>
    Layer.mergeAll(route(path, handlers), route(`${path}/:sorted_member_ids`, handlers))

  return Layer.mergeAll(
    route("/signature/login/:app_id/:client_id", { GET: login }),
    withMembers("/signature/conversion/:app_id/:client_id", { GET: conversion }),
    withMembers("/signature/invite/:app_id/:client_id/:conversion_id", { GET: membership("invite") }),
    withMembers("/signature/kick/:app_id/:client_id/:conversion_id", { GET: membership("kick") }),
    route("/im/group", { POST: (request) => Effect.map(createGroup(grounds, request), created) }),
    route("/im/group/:group_id", {
      PUT: (request) => Effect.map(renameGroup(grounds, request), ok),
      DELETE: (request) => Effect.map(deleteGroup(grounds, request), done)
    }),
    route("/im/group/:group_id/member", {
      POST: (request) => Effect.map(addMembers(grounds, request), created),
      DELETE: (request) => Effect.map(removeMembers(grounds, request), done)
    }),
    route("/im/org/:organization_id/groups", { GET: (request) => Effect.map(listGroups(grounds, request), ok) }),
    route("/im/org/:organization_id/contacts", {
      GET: (request) => Effect.map(listContacts(grounds, request), written)
    }),
    route("/im/org/:class_id/message", {
      POST: (request) => Effect.map(grounds.markBroadcast(grounds, request), created)
    })
  )
}

const answering = (grounds: Grounds, handlers: Readonly<Partial<Record<Method, Handler>>>) =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const method = request.method === "HEAD" ? "GET" : request.method
    const handler = isMethod(method) ? handlers[method] : undefined
    if (handler === undefined) return notAllowed(Object.keys(handlers))
    const query = yield* queryOf(request)
    const asker: Asker = yield* grounds.askerOf(request, query)
    const payer = asker.user?.id ?? DIALECT
    const perform = yield* performing(grounds.engine, grounds.hub, payer)
    const { params } = yield* HttpRouter.RouteContext
    return yield* handler({
      asker,
      path: (name) => params[name],
      parameters: yield* readParameters(request, query),
      perform,
      payer
    })
  }).pipe(
    Effect.catchTags({
      Failure: (failure) => Effect.succeed(failed(failure)),
      UnreadableQuery: ({ sentence }) =>
        Effect.succeed(failed(new Failure({ code: "invalid_parameter", message: sentence }))),
      Refused: ({ reason }) => Effect.succeed(failed(failureOf(reason)))
    }),
    Effect.catchDefect((defect) =>
      Effect.as(
        Effect.logError("a request of the hisihi protocol failed", Cause.die(defect)),
        failed(new Failure({ code: "internal_error", message: "Internal server error." }))
      )
    )
  )

const isMethod = (method: string): method is Method =>
  method === "GET" || method === "POST" || method === "PUT" || method === "DELETE"

const notAllowed = (methods: ReadonlyArray<string>): Response =>
  failed(new Failure({ code: "method_not_allowed", message: `Use ${methods.join(" or ")} here.` })).pipe(
    HttpServerResponse.setHeader("allow", methods.join(", "))
  )

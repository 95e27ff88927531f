/** The paths of this protocol, as the document prints them. Every answer is one of its own, also where it fails. */
import type { Refused } from "@parley/core/Refused"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { commandRunner } from "../_http/runCommands.ts"
import { protocolRoutes, type RouteHandler, type RouteTable } from "../_http/protocolRoutes.ts"
import { masterKey } from "./apps.ts"
import { actingAs, type Authenticate } from "./auth.ts"
import { canSign } from "./conversations.ts"
import { addMembers, createGroup, deleteGroup, removeMembers, renameGroup, type Request } from "./groups.ts"
import { listContacts, listGroups, type MarkBroadcast, type OrganizationServices } from "./organizations.ts"
import { clientId, clientIds, foreignId, readParameters } from "./params.ts"
import { DIALECT } from "./records.ts"
import { errors, type Failure, failed } from "./errors.ts"
import { sign, type Signing, sorted } from "./signatures.ts"

export interface RouteDeps extends OrganizationServices {
  readonly authenticate: Authenticate
  readonly signing: Signing
  readonly markBroadcast: MarkBroadcast
}

type Response = HttpServerResponse.HttpServerResponse
type Handler = (request: Request) => Effect.Effect<Response, Failure | Refused>

const ok = (body: object): Response => HttpServerResponse.jsonUnsafe(body)
/** Of JSON as UTF-8. */
const written = (json: Uint8Array): Response => HttpServerResponse.uint8Array(json, { contentType: "application/json" })
const created = (body: object): Response => HttpServerResponse.jsonUnsafe(body, { status: 201 })
const done = (): Response => HttpServerResponse.empty({ status: 204 })

const handlerOf =
  (deps: RouteDeps, handler: Handler): RouteHandler =>
  (request, query) =>
    Effect.gen(function* () {
      const principal = yield* deps.authenticate(request, query)
      const payer = principal.user?.id ?? DIALECT
      const perform = yield* commandRunner(deps.engine, payer)
      const { params } = yield* HttpRouter.RouteContext
      return yield* handler({
        principal,
        path: (name) => params[name],
        parameters: yield* readParameters(request, query),
        perform,
        payer
      })
    }).pipe(Effect.catchTag("Failure", (failure) => Effect.succeed(failed(failure))))

export const routesOf = (deps: RouteDeps) => {
  const route = (handler: Handler) => handlerOf(deps, handler)

  const signed = (
    make: (request: Request, app: string, client: string) => Effect.Effect<object, Failure | Refused>
  ): RouteHandler =>
    route(
      Effect.fnUntraced(function* (request) {
        const app = request.path("app_id") ?? ""
        const client = yield* clientId("client_id", request.path("client_id"), deps.settings)
        yield* actingAs(request.principal, client)
        return ok(yield* make(request, app, client)).pipe(HttpServerResponse.setHeader("cache-control", "no-store"))
      })
    )

  const membersIn = ({ path }: Request) =>
    clientIds("sorted_member_ids", path("sorted_member_ids") ?? "", deps.settings)

  const login = signed(
    Effect.fnUntraced(function* (_request, app_id, client_id) {
      const key = yield* masterKey(deps.records, app_id)
      const { timestamp, signature, nonce } = yield* sign(deps.signing, key, [app_id, client_id, ""])
      return { timestamp, signature, nonce, app_id, client_id }
    })
  )

  const conversion = signed(
    Effect.fnUntraced(function* (request, app_id, client_id) {
      const sorted_member_ids = sorted(yield* membersIn(request))
      const key = yield* masterKey(deps.records, app_id)
      const { timestamp, signature, nonce } = yield* sign(deps.signing, key, [app_id, client_id, sorted_member_ids])
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
        const key = yield* masterKey(deps.records, app_id)
        yield* canSign(deps, request.principal, action, conversion_id, ids)
        const { timestamp, signature, nonce } = yield* sign(
          deps.signing,
          key,
          [app_id, client_id, conversion_id, sorted_member_ids],
          [action]
        )
        return { action, signature, conversion_id, app_id, nonce, sorted_member_ids, client_id, timestamp }
      })
    )

  /** A request without members ends its path in `/`, which the router removes, or stops before it. */
  const withMembers = (path: `/${string}`, handler: RouteHandler): RouteTable => ({
    [path]: { GET: handler },
    [`${path}/:sorted_member_ids`]: { GET: handler }
  })

  return protocolRoutes({
    errors,
    routes: {
      "/signature/login/:app_id/:client_id": { GET: login },
      ...withMembers("/signature/conversion/:app_id/:client_id", conversion),
      ...withMembers("/signature/invite/:app_id/:client_id/:conversion_id", membership("invite")),
      ...withMembers("/signature/kick/:app_id/:client_id/:conversion_id", membership("kick")),
      "/im/group": { POST: route((request) => Effect.map(createGroup(deps, request), created)) },
      "/im/group/:group_id": {
        PUT: route((request) => Effect.map(renameGroup(deps, request), ok)),
        DELETE: route((request) => Effect.map(deleteGroup(deps, request), done))
      },
      "/im/group/:group_id/member": {
        POST: route((request) => Effect.map(addMembers(deps, request), created)),
        DELETE: route((request) => Effect.map(removeMembers(deps, request), done))
      },
      "/im/org/:organization_id/groups": { GET: route((request) => Effect.map(listGroups(deps, request), ok)) },
      "/im/org/:organization_id/contacts": {
        GET: route((request) => Effect.map(listContacts(deps, request), written))
      },
      "/im/org/:class_id/message": {
        POST: route((request) => Effect.map(deps.markBroadcast(deps, request), created))
      }
    }
  })
}

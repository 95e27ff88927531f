/** Requests of app servers: their fields, and the users as whom they act. */
import type { Chat } from "@parley/core/Chat"
import type { ChatView } from "@parley/core/Command"
import { adminsOf } from "@parley/core/rules/Membership"
import type { User } from "@parley/core/User"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Scope from "effect/Scope"
import { field, type Fields, readFields } from "../_http/fields.ts"
import { limitsForUsers } from "../_http/jsonLimits.ts"
import type { RouteHandler } from "../_http/protocolRoutes.ts"
import type { Query } from "../_http/query.ts"
import { commandRunner, type RunCommand } from "../_http/runCommands.ts"
import { DIALECT } from "./apps.ts"
import type { Command } from "./codec.ts"
import type { CommandContext, Deps, HandlerFailure } from "./context.ts"
import { namedChat } from "./conversations.ts"
import { Code, fail } from "./errors.ts"
import { loadUsers } from "./loadUsers.ts"
import { type AppServer, authenticateApp } from "./restAuth.ts"
import { failureResponse, refusedResponse } from "./restErrors.ts"

/** Maximum number of members among whom one is looked for as whom an app may act. */
const MAX_CANDIDATES = 1000

export interface RestContext extends AppServer {
  readonly deps: Deps
  /** The app, as whom requests and their commands are charged. */
  readonly payer: string
  /** Fields of the body; none for GET. */
  readonly fields: Fields
  readonly query: Query
  /** Returns a part of the path; "" for none. */
  readonly path: (name: string) => string
  readonly runCommand: RunCommand
}

/** Returns the body of the response. */
export type RestOperation = (context: RestContext) => Effect.Effect<object, HandlerFailure, Scope.Scope>

/** Returns the handler of an operation, for the holder of an app's master key or as `authenticate` decides. */
export const restHandler =
  (
    deps: Deps,
    operation: RestOperation,
    authenticate: (deps: Deps, request: HttpServerRequest) => Effect.Effect<AppServer, HandlerFailure> = authenticateApp
  ): RouteHandler =>
  (request, query) =>
    Effect.gen(function* () {
      const { appId, app } = yield* authenticate(deps, request)
      const payer = `${DIALECT}:${appId}`
      const runCommand = yield* commandRunner(deps.engine, payer)
      const isRead = request.method === "GET" || request.method === "HEAD"
      const fields = isRead ? {} : yield* readFields(request, limitsForUsers(deps.settings.membersPerRequest))
      const { params } = yield* HttpRouter.RouteContext
      return HttpServerResponse.jsonUnsafe(
        yield* operation({
          deps,
          appId,
          // The master key stands for every signature.
          app: { ...app, signed: [] },
          payer,
          fields,
          query,
          path: (name) => params[name] ?? "",
          runCommand
        })
      )
    }).pipe(
      Effect.catchTags({
        Failure: (failure) => Effect.succeed(failureResponse(failure)),
        Refused: ({ reason }) => Effect.succeed(refusedResponse(reason))
      })
    )

/** Returns the context of a command that an app server runs as a user. */
export const actingAs = (
  { deps, appId, app, runCommand }: RestContext,
  user: User,
  command: Command = {}
): CommandContext => ({
  deps,
  appId,
  app,
  user,
  command,
  runCommand,
  run: (engineCommand) => runCommand({ user: user.id, device: null }, engineCommand)
})

/**
 * Returns the user as whom an app acts in a conversation: its owner, or an admin, or another member; undefined if the app
 * may not act as any of them.
 */
export const actorIn = Effect.fnUntraced(function* (
  { deps, appId, app }: RestContext,
  chat: Chat
): Effect.fn.Return<User | undefined, HandlerFailure> {
  const ids = new Set([...adminsOf(chat), ...chat.members.keys()])
  const candidates = yield* deps.engine.context.users.findMany([...ids].slice(0, MAX_CANDIDATES))
  const byId = new Map(candidates.map((user) => [user.id, user]))
  for (const id of ids) {
    const user = byId.get(id)
    if (user !== undefined && chat.members.has(id) && (yield* deps.clients.mayBe(appId, app, user))) return user
  }
  return undefined
})

/** A conversation that a request names in its path, and the user as whom the app acts in it. */
export interface Reached {
  readonly view: ChatView
  readonly actor: User
}

export const reachedConversation = Effect.fnUntraced(function* (
  context: RestContext
): Effect.fn.Return<Reached, HandlerFailure> {
  const cached = yield* context.deps.engine.context.chats.find(yield* namedChat(context.path("id")))
  const isReachable = cached !== undefined && !cached.chat.dissolved && cached.chat.type !== "system"
  const actor = isReachable ? yield* actorIn(context, cached.chat) : undefined
  if (actor !== undefined) yield* loadUsers(context.deps, cached?.chat.members.keys() ?? [])
  return cached === undefined || actor === undefined
    ? yield* fail(Code.conversationNotFound, "There is no such conversation of the app.")
    : { view: cached, actor }
})

/** Returns the client ids in a field of the body; at least one. */
export const clientIdsIn = (
  { fields, deps }: Pick<RestContext, "deps" | "fields">,
  name = "client_ids"
): Effect.Effect<ReadonlyArray<string>, HandlerFailure> =>
  Effect.suspend(() => {
    const value = field(fields, name)
    const { membersPerRequest } = deps.settings
    const isList = Array.isArray(value) && value.every((one) => typeof one === "string" && one !== "")
    if (!isList || value.length === 0) return fail(Code.conversationFailed, `${name} must name at least one client.`)
    return value.length > membersPerRequest
      ? fail(Code.conversationFull, `A request may name at most ${membersPerRequest} clients.`)
      : Effect.succeed([...new Set(value as ReadonlyArray<string>)])
  })

/** Returns an integer from the query; undefined if it is absent. */
export const integerIn = (
  { query }: Pick<RestContext, "query">,
  name: string
): Effect.Effect<number | undefined, HandlerFailure> => {
  const value = query.get(name) ?? ""
  if (value === "") return Effect.undefined
  return /^\d{1,15}$/.test(value)
    ? Effect.succeed(Number(value))
    : fail(Code.queryFailed, `${name} must be an integer from 0.`)
}

/** Whether a parameter of the query is `true`. */
export const isSet = ({ query }: Pick<RestContext, "query">, name: string): boolean =>
  ["true", "1"].includes(query.get(name) ?? "")

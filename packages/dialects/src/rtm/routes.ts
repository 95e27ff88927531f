/** HTTP: the router, which returns the address of the WebSocket; notifications that a client has missed; roles of members; the REST API. */
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { failureCodes, protocolRoutes } from "../_http/protocolRoutes.ts"
import type { Deps } from "./context.ts"
import { Code } from "./errors.ts"
import { listNotifications } from "./notifications.ts"
import { refusedResponse } from "./restErrors.ts"
import { restRoutes } from "./restRoutes.ts"
import { listMemberInfos } from "./roles.ts"

/** Path of the WebSocket. */
export const WEBSOCKET_PATH = "/rtm"
const ROUTER_PATH = "/v1/route"
const NOTIFICATIONS_PATH = "/1.1/rtm/notifications"
const MEMBER_INFOS_PATH = "/1.1/classes/_ConversationMemberInfo"
/** Seconds for which a client may keep the address. */
const TTL = 3600

const failure = (
  status: keyof typeof failureCodes,
  message: string,
  headers: Readonly<Record<string, string>> = {}
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.jsonUnsafe({ code: status, error: message }, { status, headers })

/** Returns the path of the WebSocket beside the router's, below the mount path. */
const mountPath = (url: string): string => {
  const path = url.replace(/^[a-z]+:\/\/[^/]*/, "").replace(/\?.*$/s, "")
  return path.replace(ROUTER_PATH, WEBSOCKET_PATH)
}

export interface RouteDeps extends Deps {
  /** Address of the WebSocket; "" for the one at which the request came. */
  readonly address: string
}

export const routesOf = ({ address, ...deps }: RouteDeps) =>
  protocolRoutes({
    errors: {
      failure,
      refused: refusedResponse
    },
    routes: {
      [ROUTER_PATH]: {
        GET: Effect.fnUntraced(function* ({ headers, originalUrl }, query) {
          const app = yield* deps.apps.find(query.get("appId") ?? "")
          if (app === undefined) {
            return HttpServerResponse.jsonUnsafe(
              { code: Code.appNotAvailable, error: "There is no such app." },
              { status: 404 }
            )
          }
          const scheme = query.get("secure") === "false" ? "ws" : "wss"
          const server = address === "" ? `${scheme}://${headers["host"] ?? ""}${mountPath(originalUrl)}` : address
          return HttpServerResponse.jsonUnsafe({ groupId: "g0", server, secondary: server, ttl: TTL })
        })
      },
      [NOTIFICATIONS_PATH]: { GET: listNotifications(deps) },
      [MEMBER_INFOS_PATH]: { GET: listMemberInfos(deps) },
      ...restRoutes(deps)
    }
  })

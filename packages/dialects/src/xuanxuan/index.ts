/**
 * The `xuanxuan` protocol: desktop chat clients over WebSocket and raw TCP, files over HTTP.
 * Source: seeds/002; PROTOCOLS, "xuanxuan".
 */
import { Blobs } from "@parley/core/Blobs"
import type { Accept } from "@parley/core/Connection"
import type { Dialect } from "@parley/core/Dialect"
import { Engine } from "@parley/core/Engine"
import { Hub } from "@parley/core/Hub"
import type { UserId } from "@parley/core/Ids"
import { OfflineQueue } from "@parley/core/OfflineQueue"
import { Acceptor } from "@parley/core/Acceptor"
import { Sessions } from "@parley/core/Sessions"
import { choice, Settings } from "@parley/core/Settings"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import type { HttpRoutes } from "../_http/protocolRoutes.ts"
import { Transfers } from "./files.ts"
import { isProfileName, makeProfile, type Profile, type ProfileName, profileNames } from "./profiles.ts"
import { makeFrameHandler } from "./session.ts"
import { fileOfLink, routesOf, WEBSOCKET } from "./routes.ts"
import type { MembersAs } from "./encode.ts"
import { UserListCache } from "./UserListCache.ts"

export { offlineQueueRow, type OfflineQueueRow } from "./offlineQueueRow.ts"

const settings = {
  webSocketProfile: choice(
    "xuanxuan.websocketProfile",
    profileNames,
    "documented",
    "Wire profile of WebSocket connections that do not choose one by `?profile=`."
  ),
  tcpProfile: choice("xuanxuan.tcpProfile", profileNames, "client-1.0", "Wire profile of raw TCP connections.")
}

/** Greetings under way at one time. Each takes about a millisecond, and waits for storage meanwhile. */
const GREETINGS = 16

type Requirements = Blobs | Engine | Hub | OfflineQueue | Acceptor | Sessions | SecureRandom.SecureRandom

/** The `xuanxuan` protocol, for `createParley` and `serve`. */
export const dialect: Dialect<HttpRoutes, Requirements> = {
  name: "xuanxuan",
  settings: Object.values(settings),
  open: Effect.fnUntraced(function* (site) {
    const engine = yield* Engine
    const hub = yield* Hub
    const reception = yield* Acceptor
    const settled = yield* Settings
    const userList = new UserListCache(hub)
    const services = {
      engine,
      hub,
      sessions: yield* Sessions,
      queue: yield* OfflineQueue,
      userList,
      greetings: yield* Semaphore.make(GREETINGS),
      settings: settled,
      clock: yield* Clock.Clock,
      blobs: yield* Blobs,
      transfers: new Transfers(settled.transfers, settled.share),
      random: yield* SecureRandom.SecureRandom,
      site
    }

    const known = {
      accountOf: (user: UserId | null) => (user === null ? "" : (engine.context.users.getCached(user)?.account ?? "")),
      allUsers: (as: MembersAs) =>
        userList
          .members(engine.context.users.cached(), as)
          .map(({ text }) => text)
          .join("")
    }
    engine.context.fileLinks.push(fileOfLink)
    const profiles: Readonly<Record<ProfileName, Profile>> = {
      documented: makeProfile("documented", known),
      "client-1.0": makeProfile("client-1.0", known)
    }
    // Where there is no authenticator all connections of a profile are alike.
    const responding = {
      documented: makeFrameHandler(services, profiles.documented, undefined),
      "client-1.0": makeFrameHandler(services, profiles["client-1.0"], undefined)
    }
    const accept =
      (wanted: (chosen: string | undefined) => unknown): Accept =>
      (connection, opening) => {
        const chosen = String(wanted(opening.query.get("profile")))
        const name = isProfileName(chosen) ? chosen : "documented"
        const profile = profiles[name]
        const { request } = opening
        const respond = request === undefined ? responding[name] : makeFrameHandler(services, profile, request)
        return reception.accept(connection, profile, respond)
      }

    return {
      endpoints: [
        {
          _tag: "WebSocket",
          path: WEBSOCKET,
          accept: accept((chosen) => chosen ?? site.settings[settings.webSocketProfile.key])
        },
        { _tag: "Tcp", accept: accept(() => site.settings[settings.tcpProfile.key]) },
        { _tag: "Http", ...routesOf(services) }
      ],
      commands: [],
      demo: Effect.void
    }
  })
}

/**
 * The `xuanxuan` protocol: desktop chat clients over WebSocket and raw TCP, files over HTTP.
 * Source: seeds/002; PROTOCOLS, "xuanxuan".
 */
import { Blobs } from "@parley/core/Blobs"
import type { Accept } from "@parley/core/Connection"
import type { Dialect, DialectConfigError } from "@parley/core/Dialect"
import { Engine } from "@parley/core/Engine"
import type { EncodedChunk } from "@parley/core/Frame"
import { Hub } from "@parley/core/Hub"
import type { UserId } from "@parley/core/Ids"
import { OfflineQueue } from "@parley/core/OfflineQueue"
import { Acceptor } from "@parley/core/Acceptor"
import { Sessions } from "@parley/core/Sessions"
import { choice, Settings } from "@parley/core/Settings"
import type { User } from "@parley/core/User"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import type { HttpRoutes } from "../_http/protocolRoutes.ts"
import { transfersOf } from "../_http/Transfers.ts"
import { isProfileName, makeProfile, type Profile, type ProfileName, profileNames } from "./profiles.ts"
import { makeFrameHandler } from "./session.ts"
import { fileOfLink, linkOfFile } from "./links.ts"
import { routesOf, WEBSOCKET_PATH } from "./routes.ts"
import { announcedAddress, tcpAddressSetting } from "./tcpAddress.ts"
import { UserLists } from "./UserLists.ts"

export { offlineQueueRow, type OfflineQueueRow } from "./offlineQueueRow.ts"

const settings = {
  webSocketProfile: choice(
    "xuanxuan.websocketProfile",
    profileNames,
    "documented",
    "Wire profile of WebSocket connections that do not choose one by `?profile=`."
  ),
  tcpProfile: choice("xuanxuan.tcpProfile", profileNames, "client-1.0", "Wire profile of raw TCP connections."),
  tcpAddress: tcpAddressSetting
}

/** Maximum number of concurrent login pushes. Each takes about 1 ms of CPU, and waits for storage. */
const MAX_CONCURRENT_LOGINS = 16

const joined = (chunks: ReadonlyArray<EncodedChunk>): string => chunks.map(({ text }) => text).join("")

const displayNameOf = (user: User | undefined): string =>
  user === undefined ? "" : user.realname === "" ? `@${user.account}` : user.realname

type Requirements = Blobs | Engine | Hub | OfflineQueue | Acceptor | Sessions | SecureRandom.SecureRandom

/** The `xuanxuan` protocol, for `createParley` and `serve`. */
export const dialect: Dialect<HttpRoutes, Requirements, DialectConfigError> = {
  name: "xuanxuan",
  settings: Object.values(settings),
  open: Effect.fnUntraced(function* (context) {
    const engine = yield* Engine
    const hub = yield* Hub
    const acceptor = yield* Acceptor
    const engineSettings = yield* Settings
    const { users, visibility } = engine.context
    const cachedUser = (user: UserId | null): User | undefined => (user === null ? undefined : users.getCached(user))
    const profileOf = (name: ProfileName): Profile =>
      makeProfile(name, {
        accountOf: (user) => cachedUser(user)?.account ?? "",
        nameOf: (user) => displayNameOf(cachedUser(user)),
        externalIdOf: (user) => users.external?.externalIdOf(user),
        // One encoding for all recipients: it is empty if they see different users.
        allUsers: (format) =>
          visibility.isLimited ? "" : joined(userLists[name].of("all").members(users.cached(), format)),
        userList: (viewer) => {
          const list = visibility.cached(viewer)
          return joined(userLists[name].of(list.key).chunks(list.users))
        }
      })
    const profiles = { documented: profileOf("documented"), "client-1.0": profileOf("client-1.0") }
    const userLists: Readonly<Record<ProfileName, UserLists>> = {
      documented: new UserLists(hub, profiles.documented.wireFormat),
      "client-1.0": new UserLists(hub, profiles["client-1.0"].wireFormat)
    }
    const deps = {
      engine,
      hub,
      sessions: yield* Sessions,
      queue: yield* OfflineQueue,
      userLists,
      loginPermits: yield* Semaphore.make(MAX_CONCURRENT_LOGINS),
      settings: engineSettings,
      clock: yield* Clock.Clock,
      blobs: yield* Blobs,
      transfers: transfersOf(engine, engineSettings),
      random: yield* SecureRandom.SecureRandom,
      serveContext: context,
      announcedTcp: yield* announcedAddress(context.settings[tcpAddressSetting.key])
    }

    engine.context.fileLinks.push(fileOfLink)
    engine.context.fileUrls.push(linkOfFile)
    // Without an authenticator, all connections of a profile share one handler.
    const frameHandlers = {
      documented: makeFrameHandler(deps, profiles.documented, undefined),
      "client-1.0": makeFrameHandler(deps, profiles["client-1.0"], undefined)
    }
    const accept =
      (profileFor: (requested: string | undefined) => unknown): Accept =>
      (connection, handshake) => {
        const selected = String(profileFor(handshake.query.get("profile")))
        const name = isProfileName(selected) ? selected : "documented"
        const profile = profiles[name]
        const { request } = handshake
        const frameHandler = request === undefined ? frameHandlers[name] : makeFrameHandler(deps, profile, request)
        return acceptor.accept(connection, profile, frameHandler)
      }

    return {
      endpoints: [
        {
          _tag: "WebSocket",
          path: WEBSOCKET_PATH,
          accept: accept((requested) => requested ?? context.settings[settings.webSocketProfile.key])
        },
        { _tag: "Tcp", accept: accept(() => context.settings[settings.tcpProfile.key]) },
        { _tag: "Http", ...routesOf(deps) }
      ],
      commands: [],
      demo: Effect.void
    }
  })
}

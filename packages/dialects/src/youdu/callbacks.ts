/**
 * Sends apps the messages of their users: POST `{toBuin, toApp, encrypt}` to each app's URL, one message at a time and in
 * order, until the response accepts it. The outbox is the offline queue of the device `callback` of the app's user.
 */
import { describeReason } from "@parley/core/describeReason"
import type { Engine } from "@parley/core/Engine"
import type { Post } from "@parley/core/HttpPost"
import type { Leases } from "@parley/core/Leases"
import type { OfflineQueue, Queued } from "@parley/core/OfflineQueue"
import { AttemptLimits, deliverOutbox, type Failing } from "@parley/core/Outbox"
import * as Clock from "effect/Clock"
import type * as Digest from "effect/crypto/Digest"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as FiberMap from "effect/FiberMap"
import * as Latch from "effect/Latch"
import type { App, Apps, AppWithCipher } from "./apps.ts"
import type { AppUsers } from "./appUsers.ts"
import { type Packet, packetOf, signatureOf } from "./callbackPacket.ts"
import { type Callback, withParameters } from "./callbackUrl.ts"

/** The device of an app's user whose offline queue is sent to the callback, and which has what the app itself sends. */
export const CALLBACK_DEVICE = "callback"

/** Maximum size of a receiver's response, in bytes; a packet's id has 20. */
const MAX_RESPONSE = 4096
/** Random bytes in a nonce. */
const NONCE_SIZE = 8
/** Milliseconds after which apps are read again, and a callback is started again, when the store did not respond. */
const RESTART_DELAY = 5000
/** Response of the official Java SDK, whatever the packet. */
const SDK_RESPONSE = "ok"

interface Deps {
  readonly engine: Engine["Service"]
  readonly queue: OfflineQueue["Service"]
  readonly leases: Leases["Service"]
  readonly apps: Apps
  readonly appUsers: AppUsers
  readonly post: Post
  readonly digest: Digest.Digest["Service"]
  readonly random: SecureRandom.SecureRandom["Service"]
  /** Maximum time of an attempt, and maximum delay between two, in seconds. */
  readonly timeout: number
  readonly maxDelay: number
}

export interface Callbacks {
  /** Sends until it is interrupted. Follows changes of apps. */
  readonly run: Effect.Effect<void>
  /** Returns the state of an app's callback for the operator; "" unless its last attempt failed. */
  readonly stateOf: (name: string) => string
}

type AppWithCallback = AppWithCipher & { readonly callback: Callback }

const hasCallback = (app: AppWithCipher): app is AppWithCallback => app.callback !== undefined

/** Changes of an app for which its callback starts again. */
const settingsOf = ({ key, callback }: App): string => JSON.stringify([key, callback?.url, callback?.token])

export const callbacksOf = (deps: Deps): Callbacks => {
  const { engine, queue, leases, apps, appUsers } = deps
  const failing = new Map<string, Failing>()
  const limits = new AttemptLimits()

  const onChange =
    (name: string) =>
    (state: Failing | undefined): Effect.Effect<void> => {
      const before = failing.get(name)
      if (state === undefined) failing.delete(name)
      else failing.set(name, state)
      const annotated = Effect.annotateLogs({
        app: `youdu:${name}`,
        attempts: state?.attempts ?? before?.attempts ?? 0
      })
      if (state === undefined) return annotated(Effect.logInfo("an app's callback responds again"))
      // The first failure of a series; later ones are listed by `youdu-app list`.
      return before === undefined
        ? annotated(Effect.logWarning(`an app's callback ${state.problem}; its messages wait`))
        : Effect.void
    }

  const deliver = Effect.fnUntraced(function* (app: AppWithCallback) {
    const user = yield* appUsers.of(app)
    const outbox = yield* queue.consume(user.id, CALLBACK_DEVICE)
    const attempt = Effect.fnUntraced(function* ({ event }: Queued): Effect.fn.Return<string | undefined> {
      const packet = yield* Effect.option(packetOf(engine, user.id, event))
      if (packet._tag === "None") return "was not called: the storage failed"
      return packet.value === undefined ? undefined : yield* postPacket(deps, app, packet.value)
    })
    return yield* deliverOutbox({
      outbox,
      attempt,
      limits,
      maxDelay: deps.maxDelay * 1000,
      onChange: onChange(app.name)
    })
  }, Effect.scoped)

  /** Of several nodes one sends. Starts again after a failure, such as one of the store. */
  const keepDelivering = (app: AppWithCallback): Effect.Effect<never> =>
    leases.hold(`youdu.callback/${app.name}`, deliver(app)).pipe(
      Effect.catchTag("Refused", ({ reason }) =>
        Effect.logError(`messages cannot be sent to the app ${app.name}: ${describeReason(reason)}`)
      ),
      Effect.catchDefect((defect) => Effect.logError(`messages cannot be sent to the app ${app.name}`, defect)),
      Effect.andThen(Effect.sleep(RESTART_DELAY)),
      Effect.forever
    )

  const run = Effect.gen(function* () {
    const changed = Latch.makeUnsafe(true)
    const unwatch = apps.onChange(() => changed.openUnsafe())
    yield* Effect.addFinalizer(() => Effect.sync(unwatch))
    const running = yield* FiberMap.make<string>()
    const started = new Map<string, string>()
    for (;;) {
      yield* changed.await
      yield* changed.close
      const current = yield* Effect.option(apps.all)
      if (current._tag === "None") {
        yield* Effect.sleep(RESTART_DELAY)
        yield* changed.open
        continue
      }
      const wanted = [...current.value.values()].filter(hasCallback)
      const names = new Set(wanted.map(({ name }) => name))
      for (const name of [...started.keys()].filter((one) => !names.has(one))) {
        started.delete(name)
        failing.delete(name)
        yield* FiberMap.remove(running, name)
      }
      for (const app of wanted) {
        if (started.get(app.name) === settingsOf(app)) continue
        started.set(app.name, settingsOf(app))
        failing.delete(app.name)
        // Two consumers at one time would send messages twice.
        yield* FiberMap.remove(running, app.name)
        yield* FiberMap.run(running, app.name, keepDelivering(app))
      }
    }
  }).pipe(Effect.scoped)

  return {
    run,
    stateOf: (name) => {
      const state = failing.get(name)
      if (state === undefined) return ""
      const { attempts, since, problem } = state
      return `failing since ${new Date(since).toISOString()}, ${attempts} attempts: ${problem}`
    }
  }
}

/** Posts a packet. Returns undefined if the response accepts it, otherwise why not, as a clause after the callback. */
const postPacket = Effect.fnUntraced(function* (
  { post, digest, random, timeout }: Deps,
  { buin, appId, envelope, callback }: AppWithCallback,
  packet: Packet
): Effect.fn.Return<string | undefined> {
  const encrypt = yield* envelope.seal(JSON.stringify(packet))
  const timestamp = String(Math.floor((yield* Clock.currentTimeMillis) / 1000))
  const nonce = Hex.encode(yield* random.randomBytes(NONCE_SIZE))
  const signature = yield* signatureOf(digest, { token: callback.token, timestamp, nonce, encrypt })
  const response = yield* post({
    url: withParameters(callback.url, { msg_signature: signature, timestamp, nonce }),
    contentType: "application/json",
    body: JSON.stringify({ toBuin: buin, toApp: appId, encrypt }),
    timeout: timeout * 1000,
    maxResponse: MAX_RESPONSE
  }).pipe(Effect.match({ onSuccess: (value) => value, onFailure: ({ problem }) => problem }))
  if (typeof response === "string") return response
  const { status, body } = response
  if (status < 200 || status > 299) return `responded with status ${status}`
  const answer = body.trim()
  return answer === packet.packageId || answer === SDK_RESPONSE ? undefined : "did not respond with the packet's id"
})

/** The user list of a login is current in the turn in which the session subscribes. */
import { assert, it } from "@effect/vitest"
import * as MemoryBlobs from "@parley/adapter-memory/MemoryBlobs"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import * as Parley from "@parley/core/Parley"
import { Store } from "@parley/core/Store"
import { connect } from "@parley/core/testing/MemoryConnection"
import { Users } from "@parley/core/Users"
import { Deferred, Effect, Layer } from "effect"
import { plainPasswords } from "../../../core/test/harness.ts"
import { dialect } from "../../src/xuanxuan/index.ts"

interface Packet {
  readonly method: string
  readonly result?: string
  readonly sid?: string
  readonly data?: unknown
}

/** md5 of "correct-horse-7". */
const PASSWORD = "d374a7bdfbe7dfa86bc2807569bacd5d"

it.effect("a rename during another user's login is in the pushed list", () =>
  Effect.gen(function* () {
    const reached = yield* Deferred.make<void>()
    const goOn = yield* Deferred.make<void>()
    let holding = false
    /** Cursors are the last read before a session subscribes. */
    const slow = Layer.effect(
      Store,
      Effect.map(Store, (store) =>
        Store.of({
          ...store,
          cursorsOf: (user, device) =>
            Effect.suspend(() => {
              if (!holding) return store.cursorsOf(user, device)
              return Deferred.succeed(reached, undefined).pipe(
                Effect.andThen(Deferred.await(goOn)),
                Effect.andThen(store.cursorsOf(user, device))
              )
            })
        })
      )
    ).pipe(Layer.provide(MemoryStore.layer))
    const engine = Parley.layer.pipe(Layer.provideMerge(Layer.mergeAll(slow, MemoryBlobs.layer, plainPasswords)))

    yield* Effect.gen(function* () {
      yield* (yield* Users).add(["ann", "ben"].map((account) => ({ account, password: "correct-horse-7" })))
      const { endpoints } = yield* dialect.open({ settings: {}, tcp: () => undefined })
      const door = endpoints.find((one) => one._tag === "WebSocket")
      if (door?._tag !== "WebSocket") return yield* Effect.die("no WebSocket door")

      const client = () => {
        const heard: Array<Packet> = []
        const watchers = new Set<() => void>()
        const { send } = connect({
          accept: door.accept,
          client: {
            frame: (text) => {
              heard.push(...[JSON.parse(text) as Packet | ReadonlyArray<Packet>].flat())
              for (const look of watchers) look()
            },
            ended: () => {}
          }
        })
        const until = (find: (packet: Packet) => boolean) =>
          Effect.callback<Packet>((resume) => {
            const look = () => {
              const found = heard.find(find)
              if (found === undefined) return
              watchers.delete(look)
              resume(Effect.succeed(found))
            }
            watchers.add(look)
            look()
          })
        return {
          until,
          tell: (method: string, params: unknown) =>
            send(
              JSON.stringify({ module: "chat", method, params, sid: heard.find(({ sid }) => sid !== undefined)?.sid })
            )
        }
      }

      const [ann, ben] = [client(), client()]
      ann.tell("login", ["ann", PASSWORD, "online"])
      yield* ann.until(({ method }) => method === "getlist")
      holding = true
      ben.tell("login", ["ben", PASSWORD, "online"])
      yield* Deferred.await(reached)
      ann.tell("userChangeName", ["Ann the Second"])
      yield* ann.until(({ method, result }) => method.toLowerCase() === "userchangename" && result === "success")
      yield* Deferred.succeed(goOn, undefined)
      const { data } = yield* ben.until(({ method }) => method === "userGetList")
      assert.include(JSON.stringify(data), "Ann the Second")
    }).pipe(Effect.scoped, Effect.provide(engine))
  })
)

/** Stored files keep their contents even if the upload is aborted at that moment. */
import { assert, it } from "@effect/vitest"
import * as MemoryBlobs from "@parley/adapter-memory/MemoryBlobs"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { Blobs } from "@parley/core/Blobs"
import { Engine } from "@parley/core/Engine"
import { Hub } from "@parley/core/Hub"
import { OfflineQueue } from "@parley/core/OfflineQueue"
import * as Parley from "@parley/core/Parley"
import { Sessions } from "@parley/core/Sessions"
import { Settings } from "@parley/core/Settings"
import { Store } from "@parley/core/Store"
import { Clock, Deferred, Effect, Fiber, Layer, Semaphore, Stream } from "effect"
import { HttpServerRequest } from "effect/http"
import { people, plainPasswords } from "../../../core/test/harness.ts"
import { queryIn } from "../../src/_http/query.ts"
import { Transfers } from "../../src/_http/Transfers.ts"
import { upload } from "../../src/xuanxuan/files.ts"
import { userJson } from "../../src/xuanxuan/encode.ts"
import { UserLists } from "../../src/xuanxuan/UserLists.ts"

it.effect("an upload that is aborted while it is stored keeps the contents of stored files", () =>
  Effect.gen(function* () {
    const reached = yield* Deferred.make<void>()
    const goOn = yield* Deferred.make<void>()
    const slow = Layer.effect(
      Store,
      Effect.map(Store, (store) =>
        Store.of({
          ...store,
          commit: (unit) =>
            unit.writes.some(({ _tag }) => _tag === "AddFile")
              ? Deferred.succeed(reached, undefined).pipe(
                  Effect.andThen(Deferred.await(goOn)),
                  Effect.andThen(store.commit(unit))
                )
              : store.commit(unit)
        })
      )
    ).pipe(Layer.provide(MemoryStore.layer))
    const layer = Parley.layer.pipe(Layer.provideMerge(Layer.mergeAll(slow, MemoryBlobs.layer, plainPasswords)))

    yield* Effect.gen(function* () {
      const engine = yield* Engine
      const hub = yield* Hub
      const sessions = yield* Sessions
      const blobs = yield* Blobs
      const settings = yield* Settings
      const userList = new UserLists(hub, { jsonText: (json) => json, userJson })
      const deps = {
        engine,
        hub,
        sessions,
        blobs,
        settings,
        queue: yield* OfflineQueue,
        userLists: { documented: userList, "client-1.0": userList },
        loginPermits: yield* Semaphore.make(1),
        clock: yield* Clock.Clock,
        transfers: new Transfers(settings.transfers, 100)
      }
      const [ann] = yield* people("ann")
      if (ann === undefined) return yield* Effect.die("nobody")
      const { chat } = yield* engine.perform(ann, {
        _tag: "CreateChat",
        gid: "g",
        name: "g",
        type: "group",
        members: [],
        subject: 0,
        public: false
      })
      const { token } = yield* sessions.issue(ann.user, "token")
      const body = new FormData()
      body.set("files", new Blob(["the contents"]), "a.txt")
      const url = `http://chat.example/attach-upload.json?gid=g&sid=${token}`
      const request = HttpServerRequest.fromWeb(new Request(url, { method: "POST", body }))

      const uploading = yield* Effect.forkChild(Effect.scoped(upload(deps, request, yield* queryIn(request.url))))
      yield* Deferred.await(reached)
      const givingUp = yield* Effect.forkChild(Fiber.interrupt(uploading))
      yield* Effect.yieldNow
      yield* Deferred.succeed(goOn, undefined)
      yield* Fiber.join(givingUp)

      const [file] = yield* (yield* Store).files(chat.id)
      assert.strictEqual(file?.title, "a.txt")
      const contents = yield* Stream.runCollect(blobs.get(file?.blob ?? ""))
      assert.strictEqual(Buffer.concat([...contents]).toString(), "the contents")
    }).pipe(Effect.provide(layer))
  })
)

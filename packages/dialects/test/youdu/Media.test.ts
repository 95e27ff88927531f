/** Files of apps, in plain JSON and in an envelope. Source: PROTOCOLS, "youdu"; the public SDKs. */
import { assert, describe, it } from "@effect/vitest"
import { Blobs } from "@parley/core/Blobs"
import { defaultSettings, Settings } from "@parley/core/Settings"
import { Store } from "@parley/core/Store"
import { Deferred, Effect, Fiber } from "effect"
import { type Reply, engineLayer, operate } from "../ha/harness.ts"
import { DEMO, open, openBytes, seal, sealBytes } from "./Envelope.ts"
import { askerOf, envelope, failure, fixture, jsonOf, ok } from "./harness.ts"

type Fields = Readonly<Record<string, string | Blob>>

/** Fields in the order named; a file has a name of its own, as the SDKs send it. */
const formOf = (fields: Fields): FormData => {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === "string") form.append(name, value)
    else form.append(name, value, "tmp-1")
  }
  return form
}

const file = (content: Buffer<ArrayBuffer> | string): Blob => new Blob([content])

const asked = Effect.gen(function* () {
  const all = yield* fixture
  const { call, root } = all
  const token = yield* all.appToken
  const upload = (fields: Fields, own = token): Effect.Effect<Reply> =>
    call("POST", `/cgi/media/upload?accessToken=${own}`, {
      form: formOf(fields),
      headers: { "content-encoding": "UTF-8" }
    })
  const sealedFields = (type: string, name: string, content: Uint8Array) => ({
    buin: String(DEMO.buin),
    appId: DEMO.appId,
    encrypt: seal(JSON.stringify({ type, name })),
    file: file(sealBytes(content))
  })
  return {
    ...all,
    token,
    upload,
    sealedFields,
    app: askerOf(call, token, true),
    everywhere: askerOf(call, root.token, false)
  }
})

const mediaIdOf = (reply: Reply): string =>
  (JSON.parse(open(jsonOf<{ readonly encrypt: string }>(reply).encrypt).text) as { readonly mediaId: string }).mediaId

describe("media", () => {
  it.effect("are uploaded, found and downloaded sealed", () =>
    Effect.gen(function* () {
      const { upload, sealedFields, app, call, token } = yield* asked
      const content = Buffer.from(Array.from({ length: 200_000 }, (_, at) => (at * 31) % 256))
      for (const [type, name, bytes] of [
        ["image", "图 🙂.png", content],
        ["file", "../../etc/passwd", Buffer.from("x")],
        ["voice", "voice.dat", Buffer.alloc(0)],
        ["video", "video.dat", content.subarray(0, 65_536)]
      ] as const) {
        // One SDK sends the file before the envelope.
        const { encrypt, ...others } = sealedFields(type, name, bytes)
        const reply = yield* upload({ ...others, encrypt })
        assert.deepInclude(jsonOf<object>(reply), { errcode: 0, errmsg: "ok" })
        const mediaId = mediaIdOf(reply)
        assert.match(mediaId, /^[0-9a-f]{32}$/)
        const shown = name.split("/").at(-1)
        assert.deepStrictEqual(yield* app.post("media/search", { mediaId }), ok({ name: shown, size: bytes.length }))
        const got = yield* call("POST", `/cgi/media/get?accessToken=${token}`, { json: envelope({ mediaId }) })
        assert.strictEqual(got.status, 200)
        assert.deepStrictEqual(JSON.parse(open(got.headers.get("encrypt") ?? "").text), {
          name: shown,
          size: bytes.length
        })
        assert.strictEqual(Number(got.headers.get("content-length")), got.text.length)
        assert.isTrue(openBytes(got.text).equals(bytes), name)
      }
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("are sent as they are with a token for plain JSON", () =>
    Effect.gen(function* () {
      const { upload, everywhere, app, call, root } = yield* asked
      const reply = yield* upload({ type: "file", name: "a.txt", file: file("hello") }, root.token)
      const { mediaId, ...rest } = jsonOf<{ readonly mediaId: string }>(reply)
      assert.deepStrictEqual(rest, ok())
      assert.deepStrictEqual(yield* everywhere.post("media/search", { mediaId }), ok({ name: "a.txt", size: 5 }))
      const got = yield* call("POST", `/cgi/media/get?accessToken=${root.token}`, { json: { mediaId } })
      assert.deepStrictEqual([got.text, got.headers.get("encrypt")], ["hello", null])
      assert.match(got.headers.get("content-disposition") ?? "", /^attachment; filename="a\.txt"/)
      // The name of the part by default.
      const named = yield* upload({ type: "file", file: file("x") }, root.token)
      assert.deepInclude(
        yield* everywhere.post("media/search", { mediaId: jsonOf<{ mediaId: string }>(named).mediaId }),
        {
          name: "tmp-1"
        }
      )
      assert.deepStrictEqual(
        yield* app.post("media/search", { mediaId }),
        failure(404, "mediaId: there is no such file.")
      )
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("of other organisations do not exist for an app", () =>
    Effect.gen(function* () {
      const { upload, sealedFields, app, everywhere, commands, call, getToken } = yield* asked
      const mediaId = mediaIdOf(yield* upload(sealedFields("file", "a", Buffer.from("hello"))))
      const key = Buffer.alloc(32, 9).toString("base64")
      yield* operate(commands, "youdu-app add", { buin: 5, "app-id": "other", key, org: 2 })
      const issued = jsonOf<{ readonly encrypt: string }>(
        yield* getToken({ buin: 5, appId: "other", encrypt: seal("0", key, "other") })
      )
      const { accessToken } = JSON.parse(open(issued.encrypt, key).text) as { readonly accessToken: string }
      for (const path of ["search", "get"]) {
        const body = { buin: 5, appId: "other", encrypt: seal(JSON.stringify({ mediaId }), key, "other") }
        const { json } = yield* call("POST", `/cgi/media/${path}?accessToken=${accessToken}`, { json: body })
        assert.deepStrictEqual(json, { ...failure(404, "mediaId: there is no such file."), encrypt: "" })
      }
      assert.deepInclude(yield* app.post("media/search", { mediaId }), { errcode: 0 })
      assert.deepInclude(yield* everywhere.post("media/search", { mediaId }), { errcode: 0 })
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("bad input names the field, and no content is left behind", () =>
    Effect.gen(function* () {
      const { upload, sealedFields, app, call, token, root } = yield* asked
      const store = yield* Store
      const blobs = yield* Blobs
      const stored: Array<string> = []
      const removed: Array<string> = []
      const put = blobs.put
      const remove = blobs.remove
      Object.assign(blobs, {
        put: (...args: Parameters<typeof put>) =>
          Effect.tap(put(...args), ({ key }) => Effect.sync(() => stored.push(key))),
        remove: (key: string) =>
          Effect.andThen(
            Effect.sync(() => removed.push(key)),
            remove(key)
          )
      })
      const good = sealedFields("file", "a.txt", Buffer.from("hello"))
      const meta = (fields: object) => ({ ...good, encrypt: seal(JSON.stringify(fields)) })
      const unsealed = "encrypt must be a JSON object, sealed with the app's key."
      const unsealedFile = "file must be sealed with the app's key."
      const without = (name: string): Fields =>
        Object.fromEntries(Object.entries(good).filter(([field]) => field !== name))
      const table: ReadonlyArray<readonly [Fields, number, string]> = [
        [without("buin"), 400, "buin is missing."],
        [without("appId"), 400, "appId is missing."],
        [without("encrypt"), 400, "encrypt is missing."],
        [without("file"), 400, "file is missing."],
        [{ ...good, appId: "yd-other" }, 401, "accessToken is missing, unknown or expired."],
        [{ ...good, encrypt: "nonsense" }, 400, unsealed],
        [{ ...good, encrypt: seal("[]") }, 400, unsealed],
        [meta({ name: "a" }), 400, "type is missing."],
        [meta({ name: "a", type: "text" }), 400, "type must be image, file, voice, video."],
        [meta({ type: "file" }), 400, "name is missing."],
        [meta({ type: "file", name: null }), 400, "name is missing."],
        [meta({ type: "file", name: " " }), 400, "name must not be blank."],
        [meta({ type: "file", name: 7 }), 400, "name must be a string."],
        [{ ...good, file: file("hello") }, 400, unsealedFile],
        [{ ...good, file: file("") }, 400, unsealedFile],
        [
          { ...good, file: file(sealBytes(Buffer.from("x"), Buffer.alloc(32, 1).toString("base64"))) },
          400,
          unsealedFile
        ]
      ]
      for (const [fields, errcode, errmsg] of table) {
        const { status, json } = yield* upload(fields)
        assert.deepStrictEqual([status, json], [200, { errcode, errmsg, encrypt: "" }])
      }
      const notAForm = yield* call("POST", `/cgi/media/upload?accessToken=${token}`, {
        json: envelope({ type: "file" })
      })
      assert.deepStrictEqual(
        [notAForm.status, notAForm.json],
        [400, failure(400, "The body must be multipart/form-data.")]
      )
      const zipped = yield* call("POST", `/cgi/media/upload?accessToken=${token}`, {
        body: "x",
        headers: { "content-encoding": "gzip" }
      })
      assert.strictEqual(zipped.status, 415)
      const plain = yield* upload({ type: "other", file: file("x") }, root.token)
      assert.deepStrictEqual(plain.json, failure(400, "type must be image, file, voice, video."))
      assert.isAbove(stored.length, 5)
      assert.deepStrictEqual(stored, removed)
      assert.deepStrictEqual(yield* store.records("youdu", "media"), [])
      for (const [fields, errmsg, errcode = 400] of [
        [{}, "mediaId is missing."],
        [{ mediaId: 7 }, "mediaId must be a string."],
        [{ mediaId: "" }, "mediaId: there is no such file.", 404],
        [{ mediaId: "unknown" }, "mediaId: there is no such file.", 404]
      ] as const) {
        for (const path of ["media/search", "media/get"]) {
          assert.deepStrictEqual(yield* app.post(path, fields), failure(errcode, errmsg))
        }
      }
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("are limited in number at once", () =>
    Effect.gen(function* () {
      const { upload, sealedFields, app, call, root } = yield* asked
      const mediaId = mediaIdOf(yield* upload(sealedFields("file", "a", Buffer.from("hello"))))
      const encoded = new Response(formOf({ type: "file", name: "b", file: file("hello") }))
      const contentType = encoded.headers.get("content-type") ?? ""
      const bytes = new Uint8Array(yield* Effect.promise(() => encoded.arrayBuffer()))
      const [isRead, goOn] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      let part = 0
      const stream = new ReadableStream<Uint8Array>(
        {
          pull: async (controller) => {
            if (part++ === 0) return controller.enqueue(bytes.slice(0, 100))
            Effect.runSync(Deferred.succeed(isRead, undefined))
            await Effect.runPromise(Deferred.await(goOn))
            controller.enqueue(bytes.slice(100))
            controller.close()
          }
        },
        { highWaterMark: 0 }
      )
      const path = `/cgi/media/upload?accessToken=${root.token}`
      const uploading = yield* Effect.forkChild(
        call("POST", path, { stream, headers: { "content-type": contentType } })
      )
      yield* Deferred.await(isRead)
      const busy = failure(429, "Too many requests; retry in 1 seconds.")
      const refused = yield* upload(sealedFields("file", "c", Buffer.from("x")))
      assert.deepStrictEqual([refused.json, refused.headers.get("retry-after")], [{ ...busy, encrypt: "" }, "1"])
      assert.deepStrictEqual(yield* app.post("media/get", { mediaId }), busy)
      assert.deepInclude(yield* app.post("media/search", { mediaId }), { errcode: 0 })
      yield* Deferred.succeed(goOn, undefined)
      assert.deepInclude(jsonOf<object>(yield* Fiber.join(uploading)), { errcode: 0 })
      assert.deepInclude(jsonOf<object>(yield* upload(sealedFields("file", "c", Buffer.from("x")))), { errcode: 0 })
    }).pipe(Effect.provide(engineLayer), Effect.provideService(Settings, { ...defaultSettings, transfers: 1 }))
  )

  it.effect("are limited in size, by their content", () =>
    Effect.gen(function* () {
      const { upload, sealedFields, root } = yield* asked
      const store = yield* Store
      for (const [size, status] of [
        [1000, 200],
        [1001, 413]
      ] as const) {
        const sealed = yield* upload(sealedFields("file", "a", Buffer.alloc(size)))
        const plain = yield* upload({ type: "file", file: file(Buffer.alloc(size)) }, root.token)
        for (const reply of [sealed, plain]) assert.strictEqual(reply.status, status)
        if (status === 413) {
          for (const reply of [sealed, plain]) {
            assert.deepStrictEqual(reply.json, failure(413, "The body has a file of more than 1000 bytes."))
          }
        }
      }
      assert.lengthOf(yield* store.records("youdu", "media"), 2)
    }).pipe(Effect.provide(engineLayer), Effect.provideService(Settings, { ...defaultSettings, file: 1000 }))
  )
})

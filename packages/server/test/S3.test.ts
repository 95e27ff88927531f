/** Servers of one PostgreSQL database whose files are in one bucket. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { createDatabase } from "../../../scripts/postgres/database.ts"
import { BUCKET, credentials, startS3 } from "../../adapter-s3/test/s3.ts"
import { newGroup, online } from "./clients.ts"
import { serveInProcess } from "./inProcess.ts"
import { field, file, form, FORM, json, request } from "./rawHttp.ts"
import { first, listed } from "./TestClient.ts"

const s3 = Effect.acquireRelease(
  Effect.promise(() => startS3()),
  (server) => Effect.promise(() => server.stop())
)

const filesIn = (endpoint: string) => ({
  files: `s3://${BUCKET}/chat`,
  "s3.endpoint": endpoint,
  "s3.accessKeyId": credentials.accessKeyId,
  "s3.secretAccessKey": credentials.secretAccessKey
})

const upload = (base: string, sid: string, gid: string, content: string) =>
  request(`${base}/attach-upload.json?sid=${sid}`, {
    method: "POST",
    headers: FORM,
    body: form(field("gid", gid), file("a.txt", [content]))
  })

describe("servers with files in S3", () => {
  it.live("serve files that were uploaded on another one, and chat goes on without S3", () =>
    Effect.gen(function* () {
      const { endpoint, stop } = yield* s3
      const database = yield* Effect.promise(() => createDatabase("18"))
      const one = yield* serveInProcess({ database, ...filesIn(endpoint) })
      const other = yield* serveInProcess({ database, ...filesIn(endpoint) })
      const alice = yield* online(one.http, "alice")
      const bob = yield* online(other.http, "bob")
      const gid = yield* newGroup(alice, "bob")
      const { id } = first(listed(json(yield* upload(one.http, alice.sid(), gid, "0123456789"))))
      const download = (headers: Record<string, string> = {}) =>
        request(`${other.http}/attach-download-${String(id)}.json?sid=${bob.sid()}`, { headers })
      const whole = yield* download()
      assert.deepStrictEqual([whole.status, whole.body.toString()], [200, "0123456789"])
      const part = yield* download({ range: "bytes=3-5" })
      assert.deepStrictEqual([part.status, part.body.toString()], [206, "345"])

      yield* Effect.promise(() => stop())
      const refused = yield* upload(one.http, alice.sid(), gid, "x")
      assert.deepInclude(json(refused), { module: "attach", method: "upload", result: "fail" })
      yield* alice.say(gid, "without S3")
      yield* bob.untilMessage("without S3")
    }).pipe(Effect.scoped)
  )
})

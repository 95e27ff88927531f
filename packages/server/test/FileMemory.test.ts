/**
 * Large files pass through the server without being held in memory. Memory is measured after the first tenth and after the
 * last, each time after a garbage collection; the transfer is not finished then, so that a held part of the file counts.
 */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { createHash } from "node:crypto"
import * as http from "node:http"
import { Readable } from "node:stream"
import { Dice } from "./fuzzInput.ts"
import { fields, first, listed, loggedIn, Server, settledMemory } from "./TestClient.ts"

const MIB = 1024 * 1024
const SIZE = 40 * MIB
const CHUNK = 64 * 1024
/** Maximum growth of memory from the first tenth to the last. */
const GROWTH = 1.1

/** Returns bytes from a seed. */
function* bytes(seed: number): Iterable<Uint8Array> {
  const dice = new Dice(seed)
  const block = Uint8Array.from({ length: CHUNK }, () => dice.below(256))
  for (let sent = 0; sent < SIZE; sent += CHUNK) {
    block[0] = dice.below(256)
    yield Uint8Array.from(block)
  }
}

const hashOf = (seed: number): string => {
  const sha = createHash("sha256")
  for (const piece of bytes(seed)) sha.update(piece)
  return sha.digest("hex")
}

const responseTo = (request: http.ClientRequest) =>
  new Promise<http.IncomingMessage>((resolve, reject) => {
    request.once("response", resolve)
    request.once("error", reject)
  })

const textOf = async (response: http.IncomingMessage): Promise<string> => {
  const parts: Array<Buffer> = []
  for await (const part of response) parts.push(part as Buffer)
  return Buffer.concat(parts).toString()
}

layer(Server.measured, { excludeTestServices: true })("a file of 40 MiB", (it) => {
  it.effect("is uploaded and downloaded unchanged, in constant memory", () =>
    Effect.gen(function* () {
      const server = yield* Server
      const alice = yield* loggedIn("alice")
      yield* alice.done("create", ["room", "Room", "group", []])
      const seed = 1
      const memory = () => Effect.runPromise(settledMemory(server))

      /** Measurements after the first tenth and after the last. */
      const readings = () => {
        const found = { early: 0, late: 0 }
        let size = 0
        const add = async (piece: Uint8Array): Promise<void> => {
          const before = size
          size += piece.length
          if (before < SIZE / 10 && size >= SIZE / 10) found.early = await memory()
          if (size === SIZE) found.late = await memory()
        }
        const check = (what: string): void => {
          const { early, late } = found
          assert.isAbove(early, 0)
          assert.isAbove(late, 0)
          assert.isAtMost(late, early * GROWTH, `${what}: from ${early} KiB to ${late} KiB`)
        }
        return { add, check }
      }

      const coming = readings()
      async function* form(): AsyncIterable<Uint8Array | string> {
        yield '--b\r\ncontent-disposition: form-data; name="gid"\r\n\r\nroom\r\n'
        yield '--b\r\ncontent-disposition: form-data; name="files"; filename="large.bin"\r\n\r\n'
        for (const piece of bytes(seed)) {
          yield piece
          await coming.add(piece)
        }
        yield "\r\n--b--\r\n"
      }
      const id = yield* Effect.promise(async () => {
        const request = http.request(`${server.http}/attach-upload.json?sid=${alice.sid}`, {
          method: "POST",
          agent: false,
          headers: { "content-type": "multipart/form-data; boundary=b" }
        })
        const answer = responseTo(request)
        Readable.from(form()).pipe(request)
        const response = await answer
        const text = await textOf(response)
        assert.strictEqual(response.statusCode, 200, text)
        return first(listed(fields(JSON.parse(text))))["id"]
      })
      coming.check("upload")

      const going = readings()
      yield* Effect.promise(async () => {
        const path = `/attach-download-${String(id)}.json?sid=${alice.sid}`
        const response = await responseTo(http.get(server.http + path, { agent: false }))
        assert.strictEqual(response.headers["content-length"], String(SIZE))
        const sha = createHash("sha256")
        for await (const piece of response) {
          sha.update(piece as Buffer)
          await going.add(piece as Buffer)
        }
        assert.strictEqual(sha.digest("hex"), hashOf(seed))
      })
      going.check("download")
    })
  )
})

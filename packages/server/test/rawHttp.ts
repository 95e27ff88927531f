/** Uploads with arbitrary bytes and downloads over HTTP, by a member of a room. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { readdirSync } from "node:fs"
import * as http from "node:http"
import { join } from "node:path"
import { Dice } from "./fuzzInput.ts"
import { type Fields, fields, loggedIn, Server } from "./TestClient.ts"

export const CRLF = "\r\n"
export const BOUNDARY = "----------------------------parley"
export const FORM = { "content-type": `multipart/form-data; boundary=${BOUNDARY}` }

export interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Iterable<Uint8Array | string>
  /** Aborts after this many chunks of the body. */
  readonly cutAfter?: number
}

export interface Answered {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: Buffer
}

export const CUT: Answered = { status: 0, headers: {}, body: Buffer.alloc(0) }

/** One request. */
export const request = (url: string, { method = "GET", headers = {}, body = [], cutAfter }: Asked = {}) =>
  Effect.callback<Answered>((resume) => {
    const kept: Array<Buffer> = []
    let answered = false
    const outgoing = http.request(url, { method, headers, agent: false }, (incoming) => {
      answered = true
      incoming.on("data", (bytes: Buffer) => kept.push(bytes))
      incoming.on("end", () =>
        resume(
          Effect.succeed({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: Buffer.concat(kept)
          })
        )
      )
      incoming.on("error", (error) => resume(Effect.die(error)))
    })
    outgoing.on("error", (error) => {
      if (cutAfter !== undefined) resume(Effect.succeed(CUT))
      // After an early refusal the connection may be closed behind the response.
      else if (!answered) resume(Effect.die(error))
    })
    const pieces = body[Symbol.iterator]()
    let sent = 0
    const pump = (): void => {
      for (;;) {
        if (sent++ === cutAfter) {
          outgoing.destroy()
          return
        }
        const next = pieces.next()
        if (next.done === true) {
          outgoing.end()
          return
        }
        if (!outgoing.write(next.value)) {
          outgoing.once("drain", pump)
          return
        }
      }
    }
    pump()
  })

export const json = ({ body }: Answered): Fields => fields(JSON.parse(body.toString("utf8")))

export const field = (name: string, value: string): Array<string> => [
  `--${BOUNDARY}${CRLF}content-disposition: form-data; name="${name}"${CRLF}${CRLF}${value}${CRLF}`
]

export function* file(
  name: string,
  content: Iterable<Uint8Array | string>,
  part = "files"
): Iterable<Uint8Array | string> {
  yield `--${BOUNDARY}${CRLF}content-disposition: form-data; name="${part}"; filename="${name}"${CRLF}`
  yield `content-type: application/octet-stream${CRLF}${CRLF}`
  yield* content
  yield CRLF
}

export function* form(...parts: ReadonlyArray<Iterable<Uint8Array | string>>): Iterable<Uint8Array | string> {
  for (const part of parts) yield* part
  yield `--${BOUNDARY}--${CRLF}`
}

const CHUNK = 64 * 1024

/** Returns bytes from a seed. */
export function* bytes(seed: number, size: number): Iterable<Uint8Array> {
  const dice = new Dice(seed)
  const block = Uint8Array.from({ length: CHUNK }, () => dice.below(256))
  for (let left = size; left > 0; left -= CHUNK) {
    block[0] = dice.below(256)
    yield Uint8Array.from(block.subarray(0, Math.min(left, CHUNK)))
  }
}

/** Returns all files below a folder. */
export const filesBelow = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [entry.name] : []))

/** alice in a room with bob, and carol in her own. */
export const room = Effect.gen(function* () {
  const { http: base, cwd } = yield* Server
  const alice = yield* loggedIn("alice")
  const bob = yield* loggedIn("bob")
  const carol = yield* loggedIn("carol")
  yield* alice.done("create", ["room", "Room", "group", [bob.id]])
  yield* carol.done("create", ["foreign", "Foreign", "group", []])
  const upload = (body: Iterable<Uint8Array | string>, more: Asked = {}, path = "/attach-upload.json") =>
    request(`${base}${path}${path.includes("?") ? "&" : "?"}sid=${alice.sid}`, {
      method: "POST",
      headers: FORM,
      body,
      ...more
    })
  const download = (id: unknown, more: Asked = {}, sid = alice.sid) =>
    request(`${base}/attach-download-${String(id)}.json?sid=${sid}`, more)
  const kept = Effect.sync(() => filesBelow(join(cwd, "data/files")))
  return { base, cwd, alice, bob, carol, upload, download, kept }
})

export const refusal = (method: string, answer: Answered): Fields => {
  const { module, method: echoed, result, message, ...more } = json(answer)
  assert.deepStrictEqual({ module, method: echoed, more }, { module: "attach", method, more: {} })
  assert.isNotEmpty(message)
  return { status: answer.status, result }
}

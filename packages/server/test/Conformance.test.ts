/** The documented sequences, played against the started server: each store, each transport, each wire form. */
import { type Audit, audits, type Options, protocols } from "@parley/conformance"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { folder, serve } from "./Program.ts"

const stores = { memory: "memory:", SQLite: "sqlite:./parley.db" } as const
type Way = Pick<Options, "protocol" | "transport" | "wire">

const ways: ReadonlyArray<readonly [name: string, way: Way]> = [
  ["xuanxuan over ws, documented", { transport: "ws", wire: "documented" }],
  ["xuanxuan over ws, client-1.0", { transport: "ws", wire: "client-1.0" }],
  ["xuanxuan over tcp, client-1.0", { transport: "tcp", wire: "client-1.0" }],
  ...protocols().flatMap((protocol) => (protocol === "xuanxuan" ? [] : ([[protocol, { protocol }]] as const)))
]

/** Stands for an address until the server has one: scenarios are collected before it starts. */
const NOWHERE = { ws: "ws://127.0.0.1:1/ws", tcp: "tcp://127.0.0.1:1", http: "http://127.0.0.1:1" }

for (const [store, database] of Object.entries(stores)) {
  describe(`the server on ${store}`, () => {
    const scope = Effect.runSync(Scope.make())
    let found = NOWHERE
    beforeAll(() =>
      Effect.gen(function* () {
        const { http, tcp } = yield* serve(yield* folder, "--database", database, "--demo")
        found = { http, tcp, ws: `${http.replace("http:", "ws:")}/ws` }
      }).pipe(Scope.provide(scope), Effect.runPromise)
    )
    afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

    for (const [name, way] of ways) {
      describe(`${name}`, () => {
        const named = (target: typeof NOWHERE): ReadonlyArray<Audit> =>
          audits({ target, profile: "all", strict: true, ...way })
        for (const { id, title } of named(NOWHERE)) {
          it(`${id}: ${title}`, async () => {
            const audit = named(found).find((one) => one.id === id)
            assert(audit)
            await audit.run()
          })
        }
      })
    }
  })
}

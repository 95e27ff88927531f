/**
 * The documented sequences against a running server: each store, transport and wire form. In the quick run the stores share
 * the sequences, and the ways of xuanxuan do.
 */
import { audits, demoOrganization, type Options, protocols, type ScenarioResult } from "@parley/conformance"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { isFull } from "../../../scripts/repetitions.ts"
import { type Reference, referenceOn } from "../../conformance/test/mutants/Reference.ts"

const stores = { memory: "memory:", SQLite: "sqlite:./parley.db" } as const
type Way = Pick<Options, "protocol" | "transport" | "wire">

const ways: ReadonlyArray<readonly [name: string, way: Way]> = [
  ["xuanxuan over ws, documented", { transport: "ws", wire: "documented" }],
  ["xuanxuan over ws, client-1.0", { transport: "ws", wire: "client-1.0" }],
  ["xuanxuan over tcp, client-1.0", { transport: "tcp", wire: "client-1.0" }],
  ...protocols().flatMap((protocol) => (protocol === "xuanxuan" ? [] : ([[protocol, { protocol }]] as const)))
]

/** Placeholder of the address: scenarios are collected before the server starts. */
const NOWHERE = { ws: "ws://127.0.0.1:1/ws", tcp: "tcp://127.0.0.1:1", http: "http://127.0.0.1:1" }

/** In the quick run each scenario is played on one store, and one of xuanxuan in each second way. */
const isChosen =
  (turn: number, nth: number) =>
  ({ id }: { readonly id: string }, index: number): boolean =>
    isFull ||
    (index % Object.keys(stores).length === turn &&
      (!id.startsWith("xuanxuan/") || (Math.floor(index / 2) + nth) % 2 === 0))

for (const [turn, [store, database]] of Object.entries(stores).entries()) {
  describe(`the server on ${store}`, () => {
    let found: Reference
    beforeAll(async () => {
      found = await referenceOn(database)
    })
    afterAll(() => found.close())

    for (const [nth, [name, way]] of ways.entries()) {
      describe(`${name}`, () => {
        const options = { profile: "all", strict: true, organization: demoOrganization, ...way } as const
        for (const { id, title } of audits({ ...options, target: NOWHERE }).filter(isChosen(turn, nth))) {
          it(`${id}: ${title}`, async () => {
            const results: Array<ScenarioResult> = []
            const onScenario = (result: ScenarioResult) => results.push(result)
            const { target, accounts } = found
            const [audit] = audits({ ...options, target, accounts: accounts(), onScenario, only: id })
            assert(audit)
            await audit.run()
            assert.deepStrictEqual(
              results.map(({ verdict, reason }) => [verdict, reason]),
              [["pass", undefined]]
            )
          })
        }
      })
    }
  })
}

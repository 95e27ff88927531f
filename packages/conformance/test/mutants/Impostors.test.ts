/** Impostors: a run ends in time, the kit does not fail, and only the named checks pass. The quick run has half of the protocols for each. */
import { describe, expect, it } from "vitest"
import { type Options, protocols, type Report, run, Unreachable } from "../../src/index.ts"
import { share } from "../../../../scripts/repetitions.ts"
import { type Impostor, impostors, Stage } from "./Impostors.ts"

/** Accounts with tokens, so that HTTP scenarios do not end at the login. */
const accounts = Object.fromEntries(
  ["admin", "demo", "alice", "bob", "carol", "dave", "erin"].map((account, index) => [
    account,
    { account, password: "123456", token: `${account}-${"x".repeat(20)}`, id: index + 1 }
  ])
)

/** The longest run, in milliseconds. */
const deadline = 30_000

const judge = async (impostor: Impostor, protocol: string): Promise<Report | undefined> => {
  await using stage = await new Stage(impostor).open()
  // Connections wait for replies; HTTP requests always have a response, except from silent servers.
  const isRight = impostor.passes?.some(({ checks }) => checks.some((id) => id.startsWith(`${protocol}/`))) === true
  const isSoon = impostor.silent === true || (protocol === "xuanxuan" && !isRight)
  const timing = { reply: isSoon ? 25 : 2_000, close: 200, scenario: 5_000, run: deadline }
  const options: Options = { protocol, target: stage.target, profile: "all", timing }
  try {
    return await run(protocol === "xuanxuan" ? options : { ...options, accounts })
  } catch (cause) {
    if (cause instanceof Unreachable) return undefined
    throw cause
  }
}

/** Checks that demand nothing of their own: `wire`, `secrets`, and `setup` with a given token. */
const isAside = (id: string): boolean => /#(wire|setup|secrets)$/.test(id)

describe("no check passes for an impostor but those named", () => {
  for (const [turn, impostor] of impostors.entries()) {
    it(`${impostor.name}: ${impostor.description}`, async () => {
      const found: Array<string> = []
      const played = share(protocols(), 2, turn)
      for (const protocol of played) {
        const started = performance.now()
        const report = await judge(impostor, protocol)
        expect(performance.now() - started).toBeLessThan(deadline)
        if (report === undefined) continue
        expect(report.errors).toBe(0)
        expect(JSON.stringify(report).length).toBeLessThan(20_000_000)
        const checks = report.scenarios.flatMap((scenario) => scenario.checks)
        expect(checks.some(({ verdict }) => verdict === "fail")).toBe(true)
        found.push(
          ...checks.filter(({ verdict }) => verdict === "pass" || verdict === "pass-lenient").map(({ id }) => id)
        )
      }
      const targetChecks = (impostor.passes ?? [])
        .flatMap(({ checks }) => checks)
        .filter((id) => played.some((protocol) => id.startsWith(`${protocol}/`)))
      expect(found.filter((id) => !isAside(id)).toSorted()).toEqual(targetChecks.toSorted())
    })
  }
})

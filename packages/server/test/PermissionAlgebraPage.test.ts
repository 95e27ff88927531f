/** `parley explain permission` returns the rules' decision for every case, and docs/permissions.md shows it. */
import { assert, it } from "@effect/vitest"
import { UserId } from "@parley/core/Ids"
import { system } from "@parley/core/rules/Membership"
import { refusal } from "@parley/core/rules/Operations"
import type { Rule } from "@parley/core/rules/Rule"
import { Effect } from "effect"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { controlAddress } from "../src/control/socketPath.ts"
import { sendCommand } from "../src/control/client.ts"
import { type Actor, openActors } from "./algebra/actors.ts"
import { differences, keyOf, ANONYMOUS, operationNames, permissionsPage } from "./algebra/Page.ts"
import { factsOf } from "./algebra/Request.ts"
import { requests } from "./algebra/Requests.ts"
import { chatFacts, type Role, type ChatCase } from "./algebra/ChatCase.ts"
import { chatCases } from "./algebra/chatCases.ts"
import { folder, serve } from "./serverProcess.ts"

const page = new URL("../../../docs/permissions.md", import.meta.url)

/** Creates each chat once for each role, and compares the server's explanation with the rules' decision. */
const explained = Effect.fnUntraced(function* (
  server: ChatCase["server"],
  decisions: Map<string, Rule | undefined>,
  wrong: Array<string>
) {
  const cwd = yield* folder
  const auth = server === "token" ? ["--set", "hisihi.auth=token"] : []
  const people = yield* openActors((yield* serve(cwd, "--demo", ...auth)).http)
  const address = yield* controlAddress(join(cwd, "data", "parley.db"))
  const explain = (user: string, chat: string, operation: string) =>
    sendCommand(address, { words: ["explain", "permission"], inputs: { user, chat, operation } })

  const decide = (chatCase: ChatCase, role: Role) =>
    Effect.gen(function* () {
      const target = yield* chatCase.make(people, role)
      for (const operation of operationNames) {
        const refused = refusal(operation, factsOf({ actors: people, target }, "xuanxuan"))
        const output = yield* explain(target.actor.account, target.gid, operation)
        const said = typeof output === "string" ? output : ""
        const isSame = refused === undefined ? said.startsWith("allowed: ") : said === `refused: ${refused.rule.name}`
        if (!isSame) wrong.push(`${chatCase.name}, ${role}, ${operation}: ${said}`)
        decisions.set(keyOf(chatCase, role, operation), refused?.rule)
        if (chatCase.server === "open") {
          const facts = factsOf({ actors: people, target, isAnonymous: true }, "hisihi")
          decisions.set(keyOf(chatCase, ANONYMOUS, operation), refusal(operation, facts)?.rule)
        }
      }
    })
  const cases = chatCases
    .filter((chatCase) => chatCase.server === server)
    .flatMap((chatCase) => chatCase.roles.map((role) => [chatCase, role] as const))
  const all = (shared: boolean, concurrency: number) =>
    Effect.forEach(
      cases.filter(([chatCase]) => chatCase.shared === shared),
      ([chatCase, role]) => decide(chatCase, role),
      { concurrency, discard: true }
    )
  yield* all(false, 8)
  yield* all(true, 1)
}, Effect.scoped)

it.live("parley explain permission returns the rules' decision, and docs/permissions.md shows it", () =>
  Effect.gen(function* () {
    const decisions = new Map<string, Rule | undefined>()
    const wrong: Array<string> = []
    yield* Effect.all([explained("token", decisions, wrong), explained("open", decisions, wrong)], { concurrency: 2 })
    assert.deepStrictEqual(wrong, [])

    const current = permissionsPage(chatCases, requests, decisions)
    if (process.env["UPDATE_DOCS"] === "1") writeFileSync(page, current)
    let written = ""
    try {
      written = readFileSync(page, "utf8")
    } catch {
      // A missing page is reported as outdated below.
    }
    assert.isTrue(written === current, "docs/permissions.md is outdated: `UPDATE_DOCS=1 npx pnpm test` rewrites it")
  })
)

it("only system chats have admins, as in docs/permissions.md", () => {
  const user = { id: UserId(1), admin: true }
  const member = [{ id: 1 } as Actor]
  const decided = ["group", "project", "product", "one2one", "system"].map((type) => {
    const chat = chatFacts(1, "g", member, { type, owner: user.id, admins: [user.id], public: true })
    return [type, refusal("setAdmins", { user, chat })?.rule]
  })
  assert.deepStrictEqual(decided, [
    ["group", system],
    ["project", system],
    ["product", system],
    ["one2one", system],
    ["system", undefined]
  ])
})

it("additional requirements of operations are declared differences", () => {
  const declared = differences.map(({ name }) => name)
  assert.deepStrictEqual(declared.toSorted(), [
    "appRights",
    "approveMembers",
    "createdByProtocol",
    "edit",
    "reachable",
    "useDirect"
  ])
  const asked = requests.flatMap(({ beside, description }) => (beside === undefined ? [] : [[beside, description]]))
  assert.deepStrictEqual(
    asked.filter(([beside = ""]) => !declared.includes(beside)),
    []
  )
})

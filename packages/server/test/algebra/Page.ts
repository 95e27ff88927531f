/** Generates docs/permissions.md: the rules' decisions, the protocols' requests, and the differences of protocols. */
import * as Membership from "@parley/core/rules/Membership"
import { type Operation, operations } from "@parley/core/rules/Operations"
import type { Rule } from "@parley/core/rules/Rule"
import * as Speech from "../../../core/src/rules/Sending.ts"
import { readdirSync, readFileSync } from "node:fs"
import { credentials, type Standing } from "./Credentials.ts"
import type { Request } from "./Request.ts"
import { protocols } from "./Requests.ts"
import { type Role, roles, type Scene } from "./Scene.ts"

export const ANONYMOUS = "nobody"

/** The rule that refuses, or nothing, by scene, by role or `ANONYMOUS`, and by operation. */
export type Decisions = ReadonlyMap<string, Rule | undefined>
export const keyOf = (scene: Scene, role: Role | typeof ANONYMOUS, operation: Operation): string =>
  `${scene.name}/${role}/${operation}`

export const operationNames = Object.keys(operations) as ReadonlyArray<Operation>

const isRule = (value: unknown): value is Rule => typeof value === "object" && value !== null && "check" in value

/** Rules by their names in the code. */
const rules = new Map<Rule, string>()
for (const [name, value] of Object.entries({ ...Membership, ...Speech })) if (isRule(value)) rules.set(value, name)

/** Pads columns to their widest cell, as the formatter does. */
const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = head.map((_, column) => Math.max(3, ...[head, ...rows].map((row) => (row[column] ?? "").length)))
  const line = (row: ReadonlyArray<string>): string =>
    `| ${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join(" | ")} |`
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n")
}

const ROLES: Readonly<Record<Role, string>> = {
  owner: "made the chat, and owns it",
  admin: "became an admin. In a group that is the owner to whom ownership passed; in a system chat who was made one",
  committer: "is on the list of committers, and no admin",
  member: "is in the chat, and nothing else",
  pending: "is not in it; a member asked through `spark` that they be let in",
  former: "was in the chat and was removed, or left; where there is a list of committers, they are still on it",
  founder: "made the chat and left it",
  stranger: "was never in it",
  administrator: "is a system administrator who is not in the chat",
  insider: "is a system administrator who is in the chat, as a member"
}

const sceneTable = (scene: Scene, decisions: Decisions): string => {
  const columns: ReadonlyArray<Role | typeof ANONYMOUS> = [
    ...scene.roles,
    ...(scene.server === "open" ? [ANONYMOUS as typeof ANONYMOUS] : [])
  ]
  const cell = (role: Role | typeof ANONYMOUS, operation: Operation): string => {
    const key = keyOf(scene, role, operation)
    if (!decisions.has(key)) throw new Error(`nothing was decided for ${key}`)
    const rule = decisions.get(key)
    return rule === undefined ? "✓" : `\`${rules.get(rule) ?? rule.name}\``
  }
  return table(
    ["operation", ...columns.map((role) => (role === ANONYMOUS ? "nobody, through hisihi" : roles[role]))],
    operationNames.map((operation) => [`\`${operation}\``, ...columns.map((role) => cell(role, operation))])
  )
}

const offers = (requests: ReadonlyArray<Request>): string =>
  table(
    ["operation", ...protocols],
    operationNames.map((operation) => [
      `\`${operation}\``,
      ...protocols.map((protocol) =>
        requests
          .filter((request) => request.protocol === protocol && request.operation === operation)
          .filter(({ otherwise }) => otherwise === undefined)
          .map(({ description, beside }) =>
            beside === undefined || beside === operation ? description : `${description} (also \`${beside}\`)`
          )
          .join("; ")
      )
    ])
  )

const STANDINGS: Readonly<Record<Standing, string>> = {
  "its user": "its user",
  "the application": "an application, for the user it names",
  401: "nobody: 401",
  403: "nobody: 403"
}

const credentialTable = table(
  ["credential", ...protocols],
  Object.values(credentials).map(({ description, standing }) => [
    description,
    ...protocols.map((protocol) => STANDINGS[standing[protocol]])
  ])
)

export interface Difference {
  /** Operation or rule beside which it is declared. */
  readonly name: string
  readonly description: string
  readonly protocol: string
}

const RULES = new URL("../../../core/src/rules/", import.meta.url)

/** Reads the declared differences from the comments beside the rules. */
export const differences: ReadonlyArray<Difference> = readdirSync(RULES)
  .filter((file) => file.endsWith(".ts"))
  .flatMap((file) => {
    const text = readFileSync(new URL(file, RULES), "utf8")
    return Array.from(
      text.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*(?:export )?(?:const )?(\w+)/g),
      ([, comment = "", name = ""]): Difference | undefined => {
        const words = comment.replaceAll(/\s*\n\s*\* ?/g, " ").trim()
        const [, description, protocol] =
          /^A declared difference between protocols: (.*?)\s*Source: PROTOCOLS, "(\w+)"\.$/.exec(words) ?? []
        return description === undefined || protocol === undefined ? undefined : { name, description, protocol }
      }
    )
  })
  .filter((one) => one !== undefined)

const DIFFERS: Readonly<Record<string, string>> = {
  createdByProtocol: "Only where `hisihi.auth` is `open`; with a token, who asks is a user like any other.",
  approveMembers:
    "`/session/AddMember` answers success and lets nobody in where who asks may not; who was named is pending.",
  edit: "`/session/Edit` of `name` by a member is refused, whom `rename` allows it.",
  useDirect: "A group's id is no conversation, also for its members.",
  reachable:
    "`/cgi/session/get` names no user: it answers whenever the application reaches the group. `/cgi/session/update` tells an application that reaches the group that `opUser` is not in it."
}

export const permissionsPage = (
  scenes: ReadonlyArray<Scene>,
  requests: ReadonlyArray<Request>,
  decisions: Decisions
): string => `# Permissions

<!-- Written by a test from the rules and from what a server explains: \`UPDATE_DOCS=1 npx pnpm test\` rewrites it. -->

Who may do what is decided in one place, by rules that know no protocol, so every protocol allows and forbids the same. This page is written by a
test that asks a running server for every decision, and that lets every role try every operation in every kind of chat through every protocol. Ask
for one decision yourself:

\`\`\`sh
parley explain permission --user alice --chat system --operation send
\`\`\`

## Roles

${table(
  ["role", "who"],
  Object.entries(ROLES).map(([role, who]) => [roles[role as Role], who])
)}

A system administrator counts as an admin of system chats and of groups that are nobody's, and nowhere else. Nobody can be made an admin of a group
without owning it: \`setAdmins\` is of system chats, in every protocol.

## Credentials

Who sends a request is decided by its credential alone. A test sends every operation of every protocol with each of these, and compares what is
answered and what is changed:

${credentialTable}

Instead of 401 \`xuanxuan\` answers \`denied\` over WebSocket and TCP, and \`youdu\` answers with 401 or 403 as \`errcode\`. \`hisihi\` is as in the table
where \`hisihi.auth\` is \`token\`.

## Rules

In the tables below ✓ is allowed; otherwise the cell names the first rule that refuses.

${table(
  ["rule", "as `parley explain` prints it"],
  Array.from(rules, ([rule, name]) => [`\`${name}\``, rule.name])
)}

Each operation must pass its rules in this order:

${table(
  ["operation", "rules"],
  operationNames.map((operation) => [
    `\`${operation}\``,
    operations[operation].map((rule) => `\`${rules.get(rule) ?? rule.name}\``).join(", ")
  ])
)}

## Chats

${scenes.map((scene) => `### ${scene.name.charAt(0).toUpperCase()}${scene.name.slice(1)}\n\n${scene.description}\n\n${sceneTable(scene, decisions)}`).join("\n\n")}

## What each protocol offers

What a protocol does not offer can be done through another one, by the same users.

${offers(requests)}

What is about no chat that is there (making one) or about oneself only is open to every user. What oneself said, any member may take back.
Nobody removes the owner of a group, who can leave it.

## Declared differences

Protocols differ in this and in nothing else. Each difference is declared beside the rules, in \`packages/core/src/rules\`.

${differences
  .map(
    ({ name, description, protocol }) =>
      `- [\`${protocol}\`](protocols/${protocol}.md), \`${name}\`: ${description} ${DIFFERS[name] ?? ""}`
  )
  .join("\n")}
`

/** Generates docs/permissions.md: the rules' decisions, the protocols' requests, and the differences of protocols. */
import * as Membership from "@parley/core/rules/Membership"
import { type Operation, operations } from "@parley/core/rules/Operations"
import type { Rule } from "@parley/core/rules/Rule"
import { sameOrganisation } from "@parley/core/rules/Visibility"
import * as Speech from "../../../core/src/rules/Sending.ts"
import * as SlowMode from "../../../core/src/rules/SlowMode.ts"
import { readdirSync, readFileSync } from "node:fs"
import { credentials, type Standing, tokenProtocols } from "./Credentials.ts"
import type { Request } from "./Request.ts"
import { protocols } from "./Requests.ts"
import { type Role, roles, type ChatCase } from "./ChatCase.ts"

export const ANONYMOUS = "anonymous"

/** Refusing rule, undefined if allowed, by kind of chat, by role or `ANONYMOUS`, and by operation. */
export type Decisions = ReadonlyMap<string, Rule | undefined>
export const keyOf = (chatCase: ChatCase, role: Role | typeof ANONYMOUS, operation: Operation): string =>
  `${chatCase.name}/${role}/${operation}`

export const operationNames = Object.keys(operations) as ReadonlyArray<Operation>

const isRule = (value: unknown): value is Rule => typeof value === "object" && value !== null && "check" in value

/** Rules by their names in the code. */
const rules = new Map<Rule, string>()
for (const [name, value] of Object.entries({ ...Membership, ...Speech, ...SlowMode }))
  if (isRule(value)) rules.set(value, name)

/** Pads columns to their widest cell, as the formatter does. */
const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = head.map((_, column) => Math.max(3, ...[head, ...rows].map((row) => (row[column] ?? "").length)))
  const line = (row: ReadonlyArray<string>): string =>
    `| ${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join(" | ")} |`
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n")
}

const ROLES: Readonly<Record<Role, string>> = {
  owner: "created the chat, and owns it",
  admin: "in a group, a member to whom ownership passed; in a system chat, a user made admin",
  sender: "is on the list of senders, and not an admin",
  member: "is a member without another role",
  pending: "is not a member; a member requested their admission through `spark`",
  former: "was removed from the chat, or left it; still on the list of senders, if there is one",
  founder: "created the chat and left it",
  stranger: "was never a member",
  administrator: "is a system administrator, and not a member",
  insider: "is a system administrator, and a member",
  promoted: "is a member whom the owner has made an admin",
  silenced: "is a member whom an admin has silenced",
  blocked: "is not a member; an admin has blocked them"
}

const caseTable = (chatCase: ChatCase, decisions: Decisions): string => {
  const columns: ReadonlyArray<Role | typeof ANONYMOUS> = [
    ...chatCase.roles,
    ...(chatCase.server === "open" ? [ANONYMOUS as typeof ANONYMOUS] : [])
  ]
  const cell = (role: Role | typeof ANONYMOUS, operation: Operation): string => {
    const key = keyOf(chatCase, role, operation)
    if (!decisions.has(key)) throw new Error(`there is no decision for ${key}`)
    const rule = decisions.get(key)
    return rule === undefined ? "✓" : `\`${rules.get(rule) ?? rule.name}\``
  }
  return table(
    ["operation", ...columns.map((role) => (role === ANONYMOUS ? "anonymous, through hisihi" : roles[role]))],
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
            beside === undefined || beside === operation ? description : `${description} (and \`${beside}\`)`
          )
          .join("; ")
      )
    ])
  )

const STANDINGS: Readonly<Record<Standing, string>> = {
  "its user": "its user",
  "the application": "an application, for the user it names",
  401: "refused: 401",
  403: "refused: 403"
}

const credentialTable = table(
  ["credential", ...tokenProtocols],
  Object.values(credentials).map(({ description, standing }) => [
    description,
    ...tokenProtocols.map((protocol) => STANDINGS[standing[protocol]])
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
  createdByProtocol: "Only if `hisihi.auth` is `open`; with a token, the caller is a user like any other.",
  approveMembers:
    "If the caller may not add members, `/session/AddMember` returns success, and the named users are pending.",
  edit: "`/session/Edit` of `name` is refused for a member, although `rename` allows it.",
  useDirect: "A group's id is not a conversation, even for its members.",
  reachable:
    "`/cgi/session/get` names no user: it succeeds whenever the application reaches the group. `/cgi/session/update` reveals to an application that reaches the group that `opUser` is not a member.",
  appRights:
    "`/cgi/group/update`, `addmember`, `delmember` and `delete` name no user: the application renames a group if one of its organisation's members may, and deletes one if one of them is its owner."
}

export const permissionsPage = (
  chatCases: ReadonlyArray<ChatCase>,
  requests: ReadonlyArray<Request>,
  decisions: Decisions
): string => `# Permissions

<!-- Written by a test from the rules and from what a server explains: \`UPDATE_DOCS=1 npx pnpm test\` rewrites it. -->

Permissions are decided in one place, by rules that are independent of protocols, so all protocols allow and refuse the same. A test generates this
page from the decisions of a running server, and lets every role try every operation in every kind of chat through every protocol. To query one
decision:

\`\`\`sh
parley explain permission --user alice --chat system --operation send
\`\`\`

## Roles

${table(
  ["role", "description"],
  Object.entries(ROLES).map(([role, description]) => [roles[role as Role], description])
)}

A system administrator counts as an admin of system chats and of groups without an owner, and nowhere else. In groups, the owner appoints admins
(\`promoteMembers\`): with \`rtm\`, or through the embedding API. \`setAdmins\` applies to system chats only, in every protocol.

## Credentials

The caller of a request is determined by its credential alone. A test sends every operation of every protocol with each of these credentials, and
checks the response and the changes:

${credentialTable}

Instead of 401, \`xuanxuan\` replies \`denied\` over WebSocket and TCP, and \`youdu\` returns 401 or 403 as \`errcode\`. The column of \`hisihi\` applies if
\`hisihi.auth\` is \`token\`. Clients of \`rtm\` have [sessions of their own](protocols/rtm.md), which no other protocol accepts.

## Rules

In the tables below, ✓ is allowed; other cells name the first rule that refuses.

${table(
  ["rule", "text of `parley explain`"],
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

${chatCases.map((chatCase) => `### ${chatCase.name.charAt(0).toUpperCase()}${chatCase.name.slice(1)}\n\n${chatCase.description}\n\n${caseTable(chatCase, decisions)}`).join("\n\n")}

## Requests of each protocol

Operations that a protocol does not offer are available to the same users through another one.

${offers(requests)}

Every user may create chats, and change own data. Every member may recall own messages. The owner of a group cannot be removed, but can leave it.

## Visibility

Everybody sees everybody by default. The option \`visibility\` of an embedded engine, and \`--visibility organisation\` of the server, limit which users exist for
a user, in every protocol and in the embedding API. A user who may not be seen is reported exactly as one who does not exist.

${table(
  ["visibility", "a user sees"],
  [
    ["`all`", "everybody"],
    ["`organisation`", sameOrganisation.name.replace("users see ", "")],
    ["a function of pairs", "the users for whom it returns true, and themselves"]
  ]
)}

It applies to lists of users, presence, the pushes of a login, members to add, direct chats to open, lists of senders and admins, and accounts that a
request names. System administrators see no more than others. These rules follow from it:

- A user without an organisation sees only themselves. Members of a chat see its other members, and may remove them.
- A public chat exists for users who may see its owner, or its creator if it has no owner; \`isOutside\` is this fact in \`visible\`.
- In a system chat, whose members are all users, only broadcasts can be sent, since they name no sender; its list of members has those whom the user may see.
- An app of an organisation acts for users of the organisation only. An anonymous caller of \`hisihi\`, in a demonstration, sees everybody.
- A user who moves to another organisation is disconnected, and gets new lists. Others have new lists at their next login.

## Declared differences

These are all differences between protocols. Each is declared beside the rules, in \`packages/core/src/rules\`.

${differences
  .map(
    ({ name, description, protocol }) =>
      `- [\`${protocol}\`](protocols/${protocol}.md), \`${name}\`: ${description} ${DIFFERS[name] ?? ""}`
  )
  .join("\n")}
`

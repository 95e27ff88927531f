/** For every operation, a mutant without each one of its rules. */
import type { Operation } from "../../../core/src/rules/Operations.ts"
import type { EngineMutant } from "./EngineMutant.ts"

/**
 * The checks that detect an operation without one of its rules, by the rule's name; a text is the reason why no request
 * of a single protocol can show the difference.
 */
type Kills = { readonly [rule: string]: ReadonlyArray<string> | string }

const visible = "the chat exists for its members, and for everybody if it is public"
const member = "only members"
const admin = "only admins"
const group = "only groups"

const byAdmin = "the rule for admins refuses the same callers"
const otherProtocol = "only a chat of another protocol can be of another type"
const ours = "no document has edits, so no scenario has one"
const noSlowMode = "no document has slow mode, so no scenario has it"
const notSilenced = "silenced members may not send"
const noSilence = "no document has silenced members, so no scenario has one"
const noRoles = "no document has admins of groups whom the owner appoints, so no scenario has one"
const noBlocking = "no document has blocked users, so no scenario has one"
const once = "the rule of visibility refuses the same callers"

const xuanxuan = (...checks: ReadonlyArray<string>): ReadonlyArray<string> => checks.map((check) => `xuanxuan/${check}`)

const kills: { readonly [operation in Operation]: Kills } = {
  see: { [visible]: "the operation for which a chat is read refuses the same callers" },
  join: {
    [visible]: xuanxuan("join/refused#private-chat-alike"),
    [group]: xuanxuan("join/refused#public-but-no-group"),
    "only public chats can be joined": once,
    "blocked users cannot join": noBlocking
  },
  leave: {
    [visible]: xuanxuan("join/refused#leave-as-a-stranger"),
    [group]: xuanxuan("join/refused#leave-what-is-no-group"),
    [member]: xuanxuan("join/refused#leave-without-joining")
  },
  rename: {
    [visible]: xuanxuan("rename/refused#private-chat-alike"),
    [group]: xuanxuan("rename/refused#no-group"),
    [member]: xuanxuan("rename/refused#public-but-no-member"),
    "only members who may send": xuanxuan("rename/refused#may-not-speak"),
    [notSilenced]: noSilence
  },
  setPreference: {
    [visible]: xuanxuan(
      "star/refused#private-chat-alike",
      "hide/refused#private-chat-alike",
      "mute/refused#private-chat-alike"
    ),
    [member]: xuanxuan(
      "star/refused#public-but-no-member",
      "hide/refused#public-but-no-member",
      "mute/refused#public-but-no-member"
    )
  },
  addMembers: {
    [visible]: xuanxuan("invite/refused#private-chat-alike"),
    [group]: xuanxuan("invite/refused#no-group"),
    [member]: xuanxuan("invite/refused#public-but-no-member")
  },
  approveMembers: {
    [visible]: ["spark/approve/refused#not-a-member"],
    [group]: otherProtocol,
    [member]: byAdmin,
    [admin]: ["spark/add/by-member#pending"]
  },
  removeMembers: {
    [visible]: ["spark/remove-member/refused#not-a-member"],
    [group]: xuanxuan("invite/refused#kick-from-no-group"),
    [member]: byAdmin,
    [admin]: [...xuanxuan("invite/refused#kick-without-being-admin"), "spark/remove-member/refused#not-an-admin"]
  },
  send: {
    [visible]: xuanxuan("message/refused#private-chat-alike"),
    [member]: xuanxuan("message/refused#public-but-no-member"),
    "only members who may send": xuanxuan("committers/list#not-on-the-list"),
    [notSilenced]: noSilence,
    "in slow mode, members who are not admins send one message per interval": noSlowMode
  },
  broadcast: {
    [visible]: byAdmin,
    [member]: byAdmin,
    [admin]: xuanxuan("message/broadcast#for-admins")
  },
  useDirect: {
    [visible]: "a request reads the chat before, and that is refused alike",
    "only direct chats": otherProtocol,
    [member]: once
  },
  read: {
    [visible]: xuanxuan(
      "history/refused#private-chat-alike",
      "members/refused#private-chat-alike",
      "attach/list-refused#private-chat-alike"
    ),
    [member]: xuanxuan(
      "history/refused#public-but-no-member",
      "members/refused#public-but-no-member",
      "attach/list-refused#public-but-no-member"
    )
  },
  edit: {
    [visible]: ["spark/edit/refused#not-a-member"],
    [group]: otherProtocol,
    [member]: byAdmin,
    [admin]: ["spark/edit/refused#not-an-admin"]
  },
  dissolve: {
    [visible]: otherProtocol,
    [group]: otherProtocol,
    [member]: otherProtocol,
    [admin]: otherProtocol
  },
  publish: {
    [visible]: xuanxuan("public/refused#private-chat-alike"),
    "only groups without a subject": xuanxuan("public/refused#has-a-subject", "public/refused#no-group"),
    [member]: byAdmin,
    [admin]: xuanxuan("public/refused#no-admin")
  },
  setAdmins: {
    [visible]: "the rule of the chat's type refuses the same callers",
    "only system chats": xuanxuan("set-admin/refused#no-system-chat"),
    "only system administrators": xuanxuan("set-admin/refused#no-system-administrator")
  },
  promoteMembers: { [visible]: noRoles, [group]: noRoles, [member]: noRoles, "only the owner": noRoles },
  setSenders: {
    [visible]: xuanxuan("committers/refused#private-chat-alike"),
    "only groups and system chats": xuanxuan("committers/refused#no-group"),
    [member]: byAdmin,
    [admin]: xuanxuan("committers/refused#no-admin")
  },
  setSlowMode: { [visible]: noSlowMode, [group]: noSlowMode, [member]: noSlowMode, [admin]: noSlowMode },
  silenceMembers: { [visible]: noSilence, [group]: noSilence, [member]: noSilence, [admin]: noSilence },
  blockUsers: { [visible]: noBlocking, [group]: noBlocking, [member]: noBlocking, [admin]: noBlocking },
  editOwn: { [visible]: ours, [member]: ours, "only members who may send": ours, [notSilenced]: noSilence },
  editOthers: { [visible]: ours, [member]: ours, [admin]: ours },
  recallOthers: {
    [visible]: "only a message that the caller can see is recalled",
    [member]: byAdmin,
    [admin]: ["spark/remove/refused#not-the-sender", "ha/delete/refused#not-the-sender"]
  }
}

interface Case {
  readonly operation: string
  readonly rule: string
  readonly index: number
  readonly found: ReadonlyArray<string> | string
}

/**
 * Every operation with each of its rules, in the order of `operations`. That module is not imported here: it would be
 * loaded before its mutants.
 */
export const operationCases: ReadonlyArray<Case> = Object.entries(kills).flatMap(([operation, byRule]) =>
  Object.entries(byRule).map(([rule, found], index) => ({ operation, rule, index, found }))
)

export const operationMutants: ReadonlyArray<EngineMutant> = operationCases.flatMap(
  ({ operation, rule, index, found }) =>
    typeof found === "string"
      ? []
      : [
          {
            name: `${operation}-without-rule-${index + 1}`,
            description: `${operation} does not check: ${rule}`,
            changes: [
              {
                module: "core/src/rules/Operations.ts",
                from: "operations[operation]",
                to: `operation === "${operation}" ? operations[operation].filter((_, index) => index !== ${index}) : operations[operation]`
              }
            ],
            kills: found,
            ...(operation === "setAdmins" ? { spoils: true } : {})
          } as const
        ]
)

/** Every operation on a chat, with its rules in the order of their checks. */
import type { Reason } from "../model/Refused.ts"
import {
  admin,
  group,
  groupOrSystem,
  groupWithoutSubject,
  joinable,
  notBlocked,
  member,
  direct,
  owner,
  system,
  systemAdministrator,
  visible
} from "./Membership.ts"
import type { Facts, Rule } from "./Rule.ts"
import { notSilenced, sender } from "./Sending.ts"
import { slowMode } from "./SlowMode.ts"

/** The rules of each operation, in the order of their checks; the first that refuses decides. */
export const operations = {
  /** Seeing the chat at all: its facts, without its messages. */
  see: [visible],
  join: [visible, group, joinable, notBlocked],
  leave: [visible, group, member],
  rename: [visible, group, member, sender, notSilenced],
  /** Star, hide, mute: the caller's own flags. */
  setPreference: [visible, member],
  addMembers: [visible, group, member],
  /**
   * A declared difference between protocols: where membership is requested, an admin approves it, and every member who
   * may add members may request it. Source: PROTOCOLS, "spark".
   */
  approveMembers: [visible, group, member, admin],
  removeMembers: [visible, group, member, admin],
  send: [visible, member, sender, notSilenced, slowMode],
  broadcast: [visible, member, admin],
  /**
   * A declared difference between protocols: any operation of a protocol with direct chats only, to which other chats
   * do not exist; checked beside the operation's own rules. Source: PROTOCOLS, "ha".
   */
  useDirect: [visible, direct, member],
  /** History, members, files. */
  read: [visible, member],
  /**
   * A declared difference between protocols: name, attributes and the public flag together, in a protocol that changes
   * them as one; so that a name, which members may change by itself, takes an admin there. Source: PROTOCOLS, "spark".
   */
  edit: [visible, group, member, admin],
  dissolve: [visible, group, member, admin],
  publish: [visible, groupWithoutSubject, member, admin],
  setAdmins: [visible, system, systemAdministrator],
  promoteMembers: [visible, group, member, owner],
  setSenders: [visible, groupOrSystem, member, admin],
  setSlowMode: [visible, group, member, admin],
  silenceMembers: [visible, group, member, admin],
  blockUsers: [visible, group, member, admin],
  /** Editing one's own message: new content is sent, so the right to send is needed. */
  editOwn: [visible, member, sender, notSilenced],
  /** Editing another sender's message. */
  editOthers: [visible, member, admin],
  /** Recalling another sender's message; every member may recall their own. */
  recallOthers: [visible, member, admin]
} as const satisfies Readonly<Record<string, ReadonlyArray<Rule>>>

/** Name of an operation. */
export type Operation = keyof typeof operations

/** Returns the first rule that refuses, with its reason, or undefined if the operation is allowed. */
export const refusal = (
  operation: Operation,
  facts: Facts
): { readonly rule: Rule; readonly reason: Reason } | undefined => {
  for (const rule of operations[operation]) {
    const reason = rule.check(facts)
    if (reason !== undefined) return { rule, reason }
  }
  return undefined
}

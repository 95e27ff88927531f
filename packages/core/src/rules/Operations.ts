/** Every operation on a chat with the rules that it must pass, in this order. */
import type { Reason } from "../model/Refused.ts"
import {
  admin,
  group,
  groupOrSystem,
  groupWithoutSubject,
  joinable,
  member,
  direct,
  system,
  systemAdministrator,
  visible
} from "./Membership.ts"
import type { Facts, Rule } from "./Rule.ts"
import { sender } from "./Sending.ts"

export const operations = {
  /** To be told of the chat at all: its facts, without what was said in it. */
  see: [visible],
  join: [visible, group, joinable],
  leave: [visible, group, member],
  rename: [visible, group, member, sender],
  /** Star, hide, mute: for oneself. */
  prefer: [visible, member],
  addMembers: [visible, group, member],
  /**
   * A declared difference between protocols: where members are asked for, an admin lets them in, and whoever may add
   * members may ask. Source: PROTOCOLS, "spark".
   */
  approveMembers: [visible, group, member, admin],
  removeMembers: [visible, group, member, admin],
  speak: [visible, member, sender],
  broadcast: [visible, member, admin],
  /**
   * A declared difference between protocols: anything at all, where a protocol knows pairs only, for which every other
   * chat is none; asked beside what else the operation needs. Source: PROTOCOLS, "ha".
   */
  usePair: [visible, direct, member],
  /** History, members, files. */
  read: [visible, member],
  /**
   * A declared difference between protocols: name, attributes and the public flag together, where a protocol changes
   * them as one; so that a name, which members may change by itself, takes an admin there. Source: PROTOCOLS, "spark".
   */
  edit: [visible, group, member, admin],
  dissolve: [visible, group, member, admin],
  publish: [visible, groupWithoutSubject, member, admin],
  setAdmins: [visible, system, systemAdministrator],
  setCommitters: [visible, groupOrSystem, member, admin],
  /** Taking back what others said; what oneself said, any member may take back. */
  recallOthers: [visible, member, admin]
} as const satisfies Readonly<Record<string, ReadonlyArray<Rule>>>

export type Operation = keyof typeof operations

/** The first rule that refuses, with its reason; nothing where the operation is allowed. */
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

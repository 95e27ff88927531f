/** Basis of the store laws. Without a test runner: a law is an effect that fails when the store breaks it. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type { NewChat, StoredChat } from "../../model/Chat.ts"
import { ChatId, EntryId, UserId } from "../../model/Ids.ts"
import type { Amendment, Changed, Entry, EntryBody, Posted } from "../../model/Log.ts"
import type { Message } from "../../model/Message.ts"
import { Store, type WriteBatch, type Write, type WriteResult } from "../../ports/Store.ts"
import type { NewUser, User } from "../../model/User.ts"

export type Storing = Store["Service"]

/** One sentence that is true of every store, and its check on a fresh, empty one. */
export interface StoreLaw {
  /** The law, in one sentence. */
  readonly name: string
  /** Fails if the law does not hold; needs the store under test, which is empty. */
  readonly check: Effect.Effect<void, unknown, Store>
}

/** Renders equal values as equal texts: keys in order, maps as lists of their entries. */
const render = (value: unknown): string =>
  JSON.stringify(
    value,
    (_, part: unknown) => {
      if (part instanceof Map) return [...part.entries()]
      if (typeof part !== "object" || part === null || Array.isArray(part)) return part
      return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
    },
    1
  ) ?? "undefined"

/** A law does not hold: `what` was expected, and what came instead. */
export class LawBroken extends Data.TaggedError("LawBroken")<{
  /** Subject of the comparison. */
  readonly what: string
  /** Expected value. */
  readonly expected: unknown
  /** Value that came instead. */
  readonly actual: unknown
}> {
  override get message(): string {
    return `${this.what}\nexpected: ${render(this.expected)}\nactual: ${render(this.actual)}`
  }
}

/** Fails unless both values are structurally equal; for maps including the order. */
export const same = (what: string, actual: unknown, expected: unknown): Effect.Effect<void, LawBroken> =>
  render(actual) === render(expected) ? Effect.void : Effect.fail(new LawBroken({ what, expected, actual }))

/** Returns the failure of `effect`, which must fail. */
export const refused = <A, E, R>(what: string, effect: Effect.Effect<A, E, R>): Effect.Effect<E, LawBroken, R> =>
  Effect.matchEffect(effect, {
    onSuccess: (actual) => Effect.fail(new LawBroken({ what, expected: "a refusal", actual })),
    onFailure: Effect.succeed
  })

export const law = (name: string, check: (store: Storing) => Effect.Effect<void, unknown>): StoreLaw => ({
  name,
  check: Effect.flatMap(Store, check)
})

/** An arbitrary time: the store stores times, and does not read the clock. */
export const NOW = 1_750_000_000_000

export const batch = (...writes: ReadonlyArray<Write>): WriteBatch => ({ expectedVersions: [], writes })

/** Commits one write and returns its result, which must have that tag. */
export const write = <Tag extends WriteResult["_tag"]>(
  store: Storing,
  tag: Tag,
  one: Write
): Effect.Effect<Extract<WriteResult, { readonly _tag: Tag }>, unknown> =>
  Effect.flatMap(store.commit(batch(one)), (all) => {
    const actual = all[0]
    return actual?._tag === tag && all.length === 1
      ? Effect.succeed(actual as Extract<WriteResult, { readonly _tag: Tag }>)
      : Effect.fail(new LawBroken({ what: `the result of ${one._tag}`, expected: [{ _tag: tag }], actual: all }))
  })

export const newUser = (account: string, more: Partial<NewUser> = {}): NewUser => ({
  account,
  realname: account,
  avatar: "",
  role: "",
  dept: 0,
  admin: false,
  organisation: null,
  disabled: false,
  createdAt: NOW,
  password: null,
  ...more
})

export const createUser = (
  store: Storing,
  account: string,
  more: Partial<NewUser> = {}
): Effect.Effect<User, unknown> =>
  Effect.map(write(store, "User", { _tag: "CreateUser", user: newUser(account, more) }), (actual) => actual.user)

/** Creates `count` users and returns their ids. */
export const people = (store: Storing, count: number): Effect.Effect<ReadonlyArray<UserId>, unknown> =>
  Effect.forEach(Array.from({ length: count }), (_, index) =>
    Effect.map(createUser(store, `user${index}`), (user) => user.id)
  )

/** Creates two users, for laws that need no more. */
export const pair = (store: Storing): Effect.Effect<readonly [UserId, UserId], unknown> =>
  Effect.map(people(store, 2), ([a, b]) => [a ?? UserId(0), b ?? UserId(0)] as const)

export const newChat = (gid: string, members: ReadonlyArray<UserId>, more: Partial<NewChat> = {}): NewChat => ({
  gid,
  name: gid,
  type: "group",
  public: false,
  subject: 0,
  createdBy: members[0] ?? null,
  owner: members[0] ?? null,
  admins: [],
  senders: "all",
  createdAt: NOW,
  attributes: {},
  members,
  ...more
})

export const createChat = (
  store: Storing,
  gid: string,
  members: ReadonlyArray<UserId>,
  more: Partial<NewChat> = {}
): Effect.Effect<StoredChat, unknown> =>
  Effect.map(
    write(store, "Chat", { _tag: "CreateChat", chat: newChat(gid, members, more), by: members[0] ?? null }),
    (actual) => actual.stored
  )

export const posting = (gid: string, more: Partial<Posted> = {}): Posted => ({
  _tag: "Posted",
  gid,
  type: "normal",
  contentType: "text",
  content: `content of ${gid}`,
  date: NOW,
  ...more
})

export const appending = (
  chat: ChatId,
  by: UserId | null,
  body: Posted | Changed,
  more: { readonly at?: number; readonly device?: string } = {}
): Write => ({ _tag: "Append", chat, by, device: more.device ?? null, at: more.at ?? NOW, body })

/** `revision` is the message's revision on which the amendment is based. */
export const amending = (
  chat: ChatId,
  by: UserId | null,
  body: Amendment,
  revision: EntryId,
  more: { readonly at?: number; readonly device?: string } = {}
): Write => ({ _tag: "Amend", chat, by, device: more.device ?? null, at: more.at ?? NOW, body, revision })

/** Appends one entry; an amendment is based on the message as it stands. */
export const append = (
  store: Storing,
  chat: ChatId,
  by: UserId | null,
  body: Exclude<EntryBody, { readonly _tag: "Created" }>,
  more: { readonly at?: number; readonly device?: string } = {}
): Effect.Effect<Entry, unknown> =>
  Effect.gen(function* () {
    const one =
      body._tag === "Posted" || body._tag === "Changed"
        ? appending(chat, by, body, more)
        : amending(chat, by, body, (yield* messageAt(store, body.message)).revision, more)
    return (yield* write(store, "Entry", one)).entry
  })

export const messageAt = (store: Storing, id: EntryId): Effect.Effect<Message, unknown> =>
  Effect.flatMap(store.messages([id]), ([message]) =>
    message === undefined
      ? Effect.fail(new LawBroken({ what: "messages([id])", expected: `message ${id}`, actual: message }))
      : Effect.succeed(message)
  )

export const post = (
  store: Storing,
  chat: ChatId,
  by: UserId | null,
  gid: string,
  more: Partial<Posted> = {}
): Effect.Effect<Entry, unknown> => append(store, chat, by, posting(gid, more))

/** Returns the whole log of a chat. */
export const logOf = (store: Storing, chat: ChatId): Effect.Effect<ReadonlyArray<Entry>, unknown> =>
  store.entries([{ chat, after: 0, limit: 1_000_000 }])

export const chatAt = (store: Storing, id: ChatId): Effect.Effect<StoredChat, unknown> =>
  Effect.flatMap(store.chats([id]), ([stored]) =>
    stored === undefined
      ? Effect.fail(new LawBroken({ what: "chats([id])", expected: `chat ${id}`, actual: stored }))
      : Effect.succeed(stored)
  )

/** Ids of a chat, a user and an entry that do not exist in these laws. */
export const NO_CHAT: ChatId = ChatId(987_654)
export const NO_USER: UserId = UserId(987_654)
export const NO_ENTRY: EntryId = EntryId(987_654_321)

/** Returns a repeatable random sequence of integers from 0 below `bound`. */
export const dice = (seed: number): ((bound: number) => number) => {
  let state = seed >>> 0
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * bound)
  }
}

/** Sorts results whose order the port leaves open. */
export const sorted = <A>(all: ReadonlyArray<A>, by: (one: A) => number | string): ReadonlyArray<A> =>
  [...all].sort((a, b) => (by(a) < by(b) ? -1 : 1))

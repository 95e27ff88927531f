/** For every other condition under which a command is refused, a mutant without it. */
import type { EngineMutant } from "./EngineMutant.ts"

const xuanxuan = (text: string): ReadonlyArray<string> => text.split(" ").map((check) => `xuanxuan/${check}`)

/** A mutant with one changed expression. */
const mutant = (
  name: string,
  description: string,
  [module, from, to]: readonly [module: string, from: string, to: string],
  kills: ReadonlyArray<string>,
  more: Partial<EngineMutant> = {}
): EngineMutant => ({ name, description, changes: [{ module, from, to }], kills, ...more })

const create = "core/src/commands/CreateChat.ts"
const send = "core/src/commands/SendMessages.ts"

const download = "range === undefined ? deps.blobs.get(file.blob) : deps.blobs.get(file.blob, range)"

/** A user among the contacts of an organisation. */
const contact = `({ id, avatar, realname }) => ({
        id,
        avatar: avatar === "" ? NO_AVATAR : avatar,
        name: realname,
        type: "user"
      })`

export const commandMutants: ReadonlyArray<EngineMutant> = [
  mutant(
    "system-chats-for-all",
    "every user may create a system chat",
    [create, 'command.type === "system"', "false"],
    xuanxuan("create/bad-input#refused-system-type"),
    { spoils: true }
  ),
  mutant(
    "direct-chat-of-three",
    "a direct chat may have a third member",
    [create, "a === undefined || b === undefined || more.length > 0", "a === undefined || b === undefined"],
    xuanxuan("create/bad-input#refused-one2one-of-three")
  ),
  mutant(
    "gid-of-a-pair",
    "a group may have the gid of a direct chat",
    [create, "isDirectGid(command.gid)", "false"],
    xuanxuan("create/pair-form-is-taken#refused"),
    { spoils: true }
  ),
  mutant(
    "empty-gid",
    "a chat may have an empty gid",
    [create, 'command.gid === "" || command.gid.length > MAX_GID', "false"],
    xuanxuan("create/bad-input#refused-empty-gid"),
    { spoils: true }
  ),
  mutant(
    "known-gid-for-all",
    "a known gid returns the stored chat to everybody",
    [create, "existingChat.chat.dissolved || visible.check(facts) !== undefined", "false"],
    xuanxuan("create/foreign-gid#private")
  ),
  mutant(
    "creator-left-out",
    "the creator is a member only if listed",
    [create, "(by === null ? [] : [by])", "[]"],
    xuanxuan("create/creator-included#response")
  ),
  mutant(
    "unknown-users-skipped",
    "unknown users of a request are left out",
    ["core/src/commands/CommandHandler.ts", "users.length < wanted.length", "false"],
    [
      ...xuanxuan("create/bad-input#refused-unknown-member invite/atomic#refused invite/atomic#unchanged"),
      ...xuanxuan("invite/bad-input#refused-unknown-member committers/refused#refused-unknown-committer")
    ]
  ),
  mutant(
    "owner-removed",
    "an admin may remove the owner",
    ["core/src/commands/Members.ts", "users.some((user) => user.id === cached.chat.owner)", "false"],
    [...xuanxuan("invite/refused#kick-the-owner"), "spark/remove-member/refused#not-the-owner"]
  ),
  mutant(
    "last-member-inherits",
    "ownership passes to the member who joined last",
    ["core/src/rules/Membership.ts", "chat.members.keys()", "[...chat.members.keys()].toReversed()"],
    xuanxuan("join/owner-leaves#heir-is-admin join/owner-leaves#heir-may-kick")
  ),
  mutant(
    "content-without-limit",
    "a content may have any size",
    [send, "exceeds(content, settings.content)", "false"],
    [...xuanxuan("message/size#over-the-limit message/size#bytes-are-counted"), "spark/push/refused#too-large"]
  ),
  mutant(
    "characters-for-bytes",
    "the limit of a content counts characters",
    [send, "exceeds(content, settings.content)", "content.length > settings.content"],
    xuanxuan("message/size#bytes-are-counted")
  ),
  mutant(
    "dates-before-1970",
    "a message may be dated before 1970",
    [send, "draft.date !== undefined && !(draft.date >= 0 && draft.date <= MAX_DATE)", "false"],
    xuanxuan("message/bad-input#refused-negative-date")
  ),
  mutant(
    "date-ignored",
    "the date of a message is always the server's",
    [send, "draft.date ?? now", "now"],
    [...xuanxuan("message/date#seconds message/date#milliseconds"), "ha/send/documented#text-listed"]
  ),
  mutant(
    "same-gid-is-the-same",
    "a repeated gid returns the stored message, whatever its content",
    [send, "existing.content === draft.content && existing.contentType === draft.contentType", "true"],
    xuanxuan("message/idempotent#other-content message/replace-image#replaced message/replace-file#replaced")
  ),
  mutant(
    "texts-are-replaced",
    "a text may be replaced like an image",
    [send, "!REPLACEABLE.has(existing.contentType) || !REPLACEABLE.has(draft.contentType)", "false"],
    xuanxuan("message/idempotent#other-content")
  ),
  mutant(
    "nothing-is-replaced",
    "an image or a file is never replaced",
    [send, "!REPLACEABLE.has(existing.contentType) || !REPLACEABLE.has(draft.contentType)", "true"],
    xuanxuan("message/replace-image#replaced message/replace-file#replaced")
  ),
  mutant(
    "settings-of-others",
    "every user reads and writes the settings of all",
    ["core/src/commands/Users.ts", "!invocation.user.admin", "false"],
    xuanxuan("settings/refused#read settings/refused#write")
  ),
  mutant(
    "any-sender",
    "a message may name another sender",
    [
      "dialects/src/xuanxuan/drafts.ts",
      'claimed !== undefined && claimed !== "" && claimed !== 0 && claimed !== user.id && claimed !== user.account',
      "false"
    ],
    xuanxuan("message/user#somebody-elses-id")
  ),
  mutant(
    "delete-of-any-type",
    "every type deletes a message for both",
    ["dialects/src/ha/messages.ts", "type !== FOR_CALLER && type !== FOR_BOTH", "false"],
    ["ha/delete/refused#type-unknown"]
  ),
  mutant(
    "hide-removes",
    "type 1 removes a message for both",
    ["dialects/src/ha/messages.ts", 'type === FOR_CALLER ? "HideMessage" : "RecallMessage"', '"RecallMessage"'],
    ["ha/delete/documented#hidden"]
  ),
  mutant(
    "list-without-limit",
    "a list has as many messages as requested",
    ["dialects/src/ha/listMessages.ts", "limit < 1 || limit > limits.max", "false"],
    ["ha/list/refused#limit-too-large", "ha/list/refused#limit-none"]
  ),
  mutant(
    "nothing-is-read",
    "listing does not mark as read",
    ["dialects/src/ha/listMessages.ts", "newest > mine.read", "false"],
    ["ha/list/read#older-read", "ha/list/read#all-read"]
  ),
  mutant(
    "read-when-listed-by-anyone",
    "a message is read as soon as its sender listed it",
    ["dialects/src/ha/listMessages.ts", "message.sender === user.id ? theirs : mine", "mine"],
    ["ha/list/read#older-read"]
  ),
  {
    name: "approval-of-anybody",
    description: "an admin may approve a user who is not pending",
    changes: [
      { module: "dialects/src/spark/members.ts", from: "others.length > 0", to: "false" },
      { module: "dialects/src/spark/members.ts", from: "notPending.length > 0", to: "false" }
    ],
    kills: ["spark/approve/refused#one-is-not-pending"]
  },
  {
    name: "removal-leaves-pending",
    description: "a pending user who is removed stays pending",
    changes: [
      {
        module: "dialects/src/spark/members.ts",
        from: "yield* context.pending.removalWrites(session, users)",
        times: 2,
        to: "[]"
      }
    ],
    kills: ["spark/remove-member/pending#not-pending"]
  },
  mutant(
    "recall-in-any-session",
    "a message is recalled by a request that names another session",
    ["dialects/src/spark/messages.ts", "message?.chat !== session.chat.id", "message === undefined"],
    ["spark/remove/refused#other-session"]
  ),
  mutant(
    "sessions-of-two",
    "a youdu session may have two members",
    ["dialects/src/youdu/sessions.ts", "members.size < minMembers", "false"],
    ["youdu/create/refused#two-members", "youdu/create/refused#two-with-repeats"]
  ),
  mutant(
    "sessions-of-any-type",
    "a youdu session may have any type",
    ["dialects/src/youdu/sessions.ts", "type !== undefined && type !== MULTI", "false"],
    ["youdu/create/refused#other-type"]
  ),
  mutant(
    "any-title",
    "a youdu title may have any length",
    ["dialects/src/youdu/params.ts", "length < 1 || length > lengths.title", "false"],
    ["youdu/create/refused#title-of-65", "youdu/update/refused#title-of-65"]
  ),
  mutant(
    "pages-overlap",
    "a page of groups begins with the last group of the page before",
    [
      "dialects/src/hisihi/organizations.ts",
      "all.slice((page - 1) * perPage, page * perPage)",
      "all.slice(Math.max(0, (page - 1) * perPage - 1), Math.max(perPage, page * perPage - 1))"
    ],
    ["hisihi/groups/odd-pages#second"]
  ),
  mutant(
    "pages-of-one-shifted",
    "a page of one group has the group after it",
    [
      "dialects/src/hisihi/organizations.ts",
      "all.slice((page - 1) * perPage, page * perPage)",
      "all.slice((page - 1) * perPage + (perPage === 1 ? 1 : 0), page * perPage + (perPage === 1 ? 1 : 0))"
    ],
    ["hisihi/groups/large-pages#the-same-alone"]
  ),
  mutant(
    "default-page-of-ten",
    "without per_page a page has ten groups",
    [
      "dialects/src/hisihi/organizations.ts",
      'context.parameters("per_page") ?? deps.perPage.default',
      'context.parameters("per_page") ?? "10"'
    ],
    ["hisihi/groups/default-per-page#twenty"]
  ),
  mutant(
    "contacts-users-first",
    "the users of an organisation come before its groups",
    [
      "dialects/src/hisihi/organizations.ts",
      `listBetween('{"data":[', chunks, "]}")`,
      `listBetween('{"data":[', chunks.toReversed(), "]}")`
    ],
    ["hisihi/contacts/organization#groups-first"]
  ),
  mutant(
    "contacts-only-groups",
    "the contacts of an organisation are its groups only",
    ["dialects/src/hisihi/organizations.ts", "yield* usersOf(deps, organization)", "[]"],
    ["hisihi/contacts/organization#users"]
  ),
  mutant(
    "contacts-password-hash",
    "a contact has the MD5 of its password",
    [
      "dialects/src/hisihi/organizations.ts",
      contact,
      contact.replace('"user"', '"user", key: "e10adc3949ba59abbe56e057f20f883e"')
    ],
    ["hisihi/contacts/organization#secrets"]
  ),
  mutant(
    "login-account-trimmed",
    "blanks around an account are ignored",
    ["core/src/auth/Credentials.ts", "context.users.resolve([account])", "context.users.resolve([account.trim()])"],
    xuanxuan("login/bad-input#refused-account-with-blanks")
  ),
  {
    name: "add-comma-split",
    description: "several accounts are accepted as one text with commas",
    changes: [
      {
        module: "dialects/src/spark/members.ts",
        from: 'yield* parameters.texts("To")',
        times: 3,
        to: '(yield* parameters.texts("To")).flatMap((one) => one.split(","))'
      },
      {
        module: "dialects/src/spark/startSession.ts",
        from: 'yield* parameters.texts("To")',
        to: '(yield* parameters.texts("To")).flatMap((one) => one.split(","))'
      },
      {
        module: "dialects/src/youdu/sessions.ts",
        from: 'yield* accounts(fields, "member", deps.settings.membersPerRequest, lengths)',
        to: '(yield* accounts(fields, "member", deps.settings.membersPerRequest, lengths)).flatMap((one) => one.split(","))'
      }
    ],
    kills: [
      "spark/add/refused#comma-in-an-account",
      "spark/start/refused#comma-in-an-account",
      "youdu/create/refused#comma-in-a-member"
    ]
  },
  mutant(
    "proxied-open",
    "requests through a proxy count as local",
    ["core/src/ports/ClientAddress.ts", 'FORWARDING.has(name) || name.startsWith("x-forwarded-")', "false"],
    ["hisihi/login-signature/proxied#x-forwarded-for", "hisihi/login-signature/proxied#forwarded"]
  ),
  mutant(
    "file-download-text",
    "line ends of a downloaded file are those of a text",
    [
      "dialects/src/xuanxuan/files.ts",
      download,
      `Stream.map(${download}, (bytes) => bytes.map((byte) => (byte === 13 ? 10 : byte)))`
    ],
    xuanxuan("download/unchanged#whole download/unchanged#range")
  ),
  mutant(
    "file-download-utf-8",
    "bytes of a downloaded file that are not UTF-8 are replaced",
    [
      "dialects/src/xuanxuan/files.ts",
      download,
      `Stream.map(${download}, (bytes) => bytes.map((byte) => (byte > 0xf7 ? 63 : byte)))`
    ],
    xuanxuan("download/unchanged#whole download/unchanged#range")
  ),
  mutant(
    "default-limit-of-ten",
    "without a limit a list has ten messages",
    [
      "dialects/src/ha/listMessages.ts",
      '(yield* integerOf(query, "limit")) ?? limits.default',
      '(yield* integerOf(query, "limit")) ?? 10'
    ],
    ["ha/list/default-limit#twenty"]
  ),
  mutant(
    "tokens-of-all-users",
    "every user's token speaks for a youdu app",
    ["dialects/src/youdu/auth.ts", "!user.admin", "false"],
    ["youdu/create/refused#no-administrator"]
  )
]

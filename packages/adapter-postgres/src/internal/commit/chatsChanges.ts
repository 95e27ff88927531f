/** Writes of chats and their members. */
import type { ChatId, UserId } from "@parley/core/Ids"
import type { Statement } from "../Session.ts"
import { bool, int, ints, text } from "../values.ts"
import type { Facts } from "./Facts.ts"

interface NewMember {
  readonly chat: ChatId
  readonly user: UserId
  readonly joinedAt: number
  readonly joinSeq: number
  readonly nth: number
}

const insertMembers = (members: ReadonlyArray<NewMember>): ReadonlyArray<Statement> =>
  members.length === 0
    ? []
    : [
        [
          `INSERT INTO members (chat, member, joined_at, join_seq, nth)
           SELECT chat, member, joined_at, join_seq, nth
           FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]) AS new (chat, member, joined_at, join_seq, nth)`,
          [
            ints(members.map(({ chat }) => chat)),
            ints(members.map(({ user }) => user)),
            ints(members.map(({ joinedAt }) => joinedAt)),
            ints(members.map(({ joinSeq }) => joinSeq)),
            ints(members.map(({ nth }) => nth))
          ]
        ]
      ]

export const newChatsOf = ({ newChats }: Facts): ReadonlyArray<Statement> =>
  newChats.flatMap(({ chat, id }): ReadonlyArray<Statement> => {
    const members = [...new Set(chat.members)].map((user, nth): NewMember => ({
      chat: id,
      user,
      joinedAt: chat.createdAt,
      joinSeq: 1,
      nth
    }))
    return [
      [
        `INSERT INTO chats (id, gid, name, type, public, subject, created_by, owner, admins, senders, created_at, edited_by,
           edited_at, attributes, dissolved)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, NULL, 0, $12, false)`,
        [
          int(id),
          text(chat.gid),
          text(chat.name),
          text(chat.type),
          bool(chat.public),
          int(chat.subject),
          int(chat.createdBy),
          int(chat.owner),
          text(JSON.stringify(chat.admins)),
          text(JSON.stringify(chat.senders)),
          int(chat.createdAt),
          text(JSON.stringify(chat.attributes))
        ]
      ],
      ["INSERT INTO heads (chat, version, seq, posted, active_at) VALUES ($1, 1, 1, 0, 0)", [int(id)]],
      ...insertMembers(members)
    ]
  })

export const changedChatsOf = ({ chats }: Facts): ReadonlyArray<Statement> =>
  [...chats.values()].flatMap(({ now, stored }): ReadonlyArray<Statement> => {
    if (now === stored) return []
    const gone = [...stored.members].filter(([user, member]) => now.members.get(user) !== member).map(([user]) => user)
    const added = [...now.members].filter(([user, member]) => stored.members.get(user) !== member)
    return [
      [
        `UPDATE chats SET name = $2, public = $3, owner = $4, admins = $5, senders = $6, edited_by = $7, edited_at = $8,
           attributes = $9, dissolved = $10 WHERE id = $1`,
        [
          int(now.id),
          text(now.name),
          bool(now.public),
          int(now.owner),
          text(JSON.stringify(now.admins)),
          text(JSON.stringify(now.senders)),
          int(now.editedBy),
          int(now.editedAt),
          text(JSON.stringify(now.attributes)),
          bool(now.dissolved)
        ]
      ],
      ...(gone.length === 0
        ? []
        : [["DELETE FROM members WHERE chat = $1 AND member = ANY ($2)", [int(now.id), ints(gone)]] as const]),
      ...insertMembers(
        added.map(([user, { joinSeq, joinedAt }], nth) => ({ chat: now.id, user, joinedAt, joinSeq, nth }))
      )
    ]
  })

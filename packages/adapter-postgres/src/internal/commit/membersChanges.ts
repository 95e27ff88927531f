/** Writes of what members keep of a chat for themselves: preferences, cursors, hidden messages. */
import type { Statement } from "../Session.ts"
import { bools, ints, texts } from "../values.ts"
import type { Facts, Tracked } from "./Facts.ts"

/** The rows that are new, and those that replace stored ones; unchanged ones are left out. */
const split = <A>(
  tracked: Iterable<Tracked<A>>,
  equal: (a: A, b: A) => boolean
): readonly [created: ReadonlyArray<A>, changed: ReadonlyArray<A>] => {
  const created: Array<A> = []
  const changed: Array<A> = []
  for (const { now, stored } of tracked) {
    if (now === undefined || now === stored) continue
    if (stored === undefined) created.push(now)
    else if (!equal(stored, now)) changed.push(now)
  }
  return [created, changed]
}

const sameJson = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

/**
 * New rows are inserted: if another transaction was faster, this one is repeated. Rows that exist are locked, and overwritten by an
 * insert that finds them: each by its key.
 */
const upsert = <A>(
  [created, changed]: readonly [ReadonlyArray<A>, ReadonlyArray<A>],
  insert: string,
  onConflict: string,
  parameters: (rows: ReadonlyArray<A>) => Statement[1]
): ReadonlyArray<Statement> => [
  ...(created.length === 0 ? [] : [[insert, parameters(created)] as const]),
  ...(changed.length === 0 ? [] : [[`${insert} ${onConflict}`, parameters(changed)] as const])
]

export const preferencesOf = ({ preferences }: Facts): ReadonlyArray<Statement> =>
  upsert(
    split(preferences.values(), sameJson),
    `INSERT INTO preferences (member, chat, star, hide, mute)
     SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::boolean[], $4::boolean[], $5::boolean[])`,
    "ON CONFLICT (member, chat) DO UPDATE SET star = excluded.star, hide = excluded.hide, mute = excluded.mute",
    (rows) => [
      ints(rows.map(({ user }) => user)),
      ints(rows.map(({ chat }) => chat)),
      bools(rows.map(({ star }) => star)),
      bools(rows.map(({ hide }) => hide)),
      bools(rows.map(({ mute }) => mute))
    ]
  )

export const cursorsOf = ({ cursors }: Facts): ReadonlyArray<Statement> =>
  upsert(
    split(cursors.values(), sameJson),
    `INSERT INTO cursors (chat, member, device, pushed, delivered, acked, read)
     SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::bigint[])`,
    `ON CONFLICT (chat, member, device) DO UPDATE SET pushed = excluded.pushed, delivered = excluded.delivered,
       acked = excluded.acked, read = excluded.read`,
    (rows) => [
      ints(rows.map(({ chat }) => chat)),
      ints(rows.map(({ user }) => user)),
      texts(rows.map(({ device }) => device)),
      ints(rows.map(({ pushed }) => pushed)),
      ints(rows.map(({ delivered }) => delivered)),
      texts(rows.map(({ acked }) => JSON.stringify(acked))),
      ints(rows.map(({ read }) => read))
    ]
  )

export const hiddenOf = ({ hidden }: Facts): ReadonlyArray<Statement> =>
  hidden.size === 0
    ? []
    : [
        [
          `INSERT INTO hidden_messages (member, message) SELECT * FROM unnest($1::bigint[], $2::bigint[]) ORDER BY 1, 2
           ON CONFLICT DO NOTHING`,
          [ints([...hidden.values()].map(([user]) => user)), ints([...hidden.values()].map(([, message]) => message))]
        ]
      ]

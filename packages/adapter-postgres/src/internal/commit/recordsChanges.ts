/** Writes of files and protocol records. */
import type { Statement } from "../Session.ts"
import { int, text } from "../values.ts"
import type { Facts } from "./Facts.ts"

export const filesOf = ({ newFiles }: Facts): ReadonlyArray<Statement> =>
  newFiles.map(({ addedBy, at, blob, chat, id, size, title }) => [
    "INSERT INTO files (id, chat, title, size, added_by, at, blob) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    [int(id), int(chat), text(title), int(size), int(addedBy), int(at), text(blob)]
  ])

export const recordsOf = ({ records }: Facts): ReadonlyArray<Statement> =>
  [...records]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([id, { isGuarded, isWritten, now, stored }]): ReadonlyArray<Statement> => {
      if (!isWritten) return []
      const key = (JSON.parse(id) as ReadonlyArray<string>).map(text)
      if (now === undefined) return [["DELETE FROM records WHERE dialect = $1 AND kind = $2 AND key = $3", key]]
      const insert = "INSERT INTO records (dialect, kind, key, value) VALUES ($1, $2, $3, $4)"
      const isNew = isGuarded && stored === undefined
      return [
        [
          isNew ? insert : `${insert} ON CONFLICT (dialect, kind, key) DO UPDATE SET value = excluded.value`,
          [...key, text(JSON.stringify(now))]
        ]
      ]
    })

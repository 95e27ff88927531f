/** Ids of unique conversations, by their members. An imported conversation keeps its id; a record names it. */
import type { DialectRecord, StorageFailed } from "@parley/core/Store"
import { textBytes } from "@parley/core/Utf8"
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import { DIALECT } from "./apps.ts"
import type { Deps } from "./context.ts"
import { ID_LENGTH } from "./ids.ts"

/** Kind of the records of imported unique conversations, by the id that a new one would have. */
const UNIQUE = "unique"

/** Returns the id of the unique conversation of these users. */
export const uniqueId = ({ digest }: Pick<Deps, "digest">, members: ReadonlyArray<number>): Effect.Effect<string> => {
  const sorted = [...members].sort((a, b) => a - b)
  return Effect.map(digest.digestHex(Digest.sha256, textBytes(`${DIALECT} ${sorted.join(",")}`)), (hash) =>
    hash.slice(0, ID_LENGTH)
  )
}

export const uniqueRecord = (unique: string, conversation: string): DialectRecord => ({
  dialect: DIALECT,
  kind: UNIQUE,
  key: unique,
  value: { conversation }
})

/** Returns the id of the imported conversation in the place of a unique one. */
export const importedUnique = (
  { store }: Pick<Deps, "store">,
  unique: string
): Effect.Effect<string | undefined, StorageFailed> =>
  Effect.map(store.record(DIALECT, UNIQUE, unique), (record) => {
    const { conversation } = (record?.value ?? {}) as { readonly conversation?: unknown }
    return typeof conversation === "string" ? conversation : undefined
  })

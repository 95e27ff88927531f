/** Records of uploaded files. Source: PROTOCOLS, "youdu"; the public documentation, "素材管理". */
import { type Refused, refuse } from "@parley/core/Refused"
import type { AppScope } from "@parley/core/rules/AppScope"
import type { StorageFailed, Store } from "@parley/core/Store"
import * as Effect from "effect/Effect"
import { DIALECT } from "./apps.ts"

/** Types of files. Source: the public documentation, "素材管理". */
export const TYPES = ["image", "file", "voice", "video"] as const
export type MediaType = (typeof TYPES)[number]

export const isType = (type: string): type is MediaType => (TYPES as ReadonlyArray<string>).includes(type)

/** A file's record. */
export interface Media {
  /** Organisation of the app; null for a file that was uploaded with plain JSON. */
  readonly organisation: number | null
  readonly type: MediaType
  readonly name: string
  /** Bytes. */
  readonly size: number
  /** Key of the content in `Blobs`. */
  readonly blob: string
  /** Milliseconds since 1970. */
  readonly at: number
}

/** Kind of the records, by `mediaId`. */
export const KIND = "media"

/** Returns the file with this id; one of another organisation is reported as not found. */
export const mediaNamed = Effect.fnUntraced(function* (
  store: Store["Service"],
  scope: AppScope,
  mediaId: string
): Effect.fn.Return<Media, Refused | StorageFailed> {
  const media = (yield* store.record(DIALECT, KIND, mediaId))?.value as Media | undefined
  const isOwn = media !== undefined && (scope === "everywhere" || media.organisation === scope.organisation)
  return isOwn ? media : yield* refuse({ _tag: "NoSuchFile" })
})

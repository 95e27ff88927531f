/** A unit as it comes out at the writer's end. */
import type { WriteBatch } from "@parley/core/Store"
import { PackedBatch, type PostRow, unpack } from "../src/internal/writer/protocol.ts"

export const pack = (batch: WriteBatch): PostRow | WriteBatch => {
  const parcel = new PackedBatch()
  parcel.batch(batch)
  const [packed = batch] = unpack(parcel)
  return packed
}

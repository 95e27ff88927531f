/** A batch as it comes out at the writer's end. */
import type { WriteBatch } from "@parley/core/Store"
import { PackedBatch, type MessageRow, unpack } from "../src/internal/writer/protocol.ts"

export const pack = (batch: WriteBatch): MessageRow | WriteBatch => {
  const contents = new PackedBatch()
  contents.addBatch(batch)
  const [packed = batch] = unpack(contents)
  return packed
}

/** A unit as it comes out at the writer's end. */
import type { Unit } from "@parley/core/Store"
import { Parcel, type PostRow, unpack } from "../src/internal/writer/protocol.ts"

export const pack = (unit: Unit): PostRow | Unit => {
  const parcel = new Parcel()
  parcel.unit(unit)
  const [packed = unit] = unpack(parcel)
  return packed
}

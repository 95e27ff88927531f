/**
 * Session tokens of clients. A client that opens its session again names no tag, and a session that a login with the same tag
 * has replaced is removed from the store: so the token that a client gets has its tag behind a dot.
 */
import * as Base64Url from "effect/encoding/Base64Url"
import * as Result from "effect/Result"
import type { LiveSession } from "@parley/core/Sessions"
import { DIALECT } from "./apps.ts"

/** Not part of base64url. */
const SEPARATOR = "."

/** Returns the device of a session, by its tag; "" for none. */
export const deviceOf = (tag: string): string => (tag === "" ? DIALECT : `${DIALECT}:${tag}`)

/** Returns the token for the client. */
export const sessionToken = ({ token, device }: Pick<LiveSession, "device" | "token">): string =>
  device === DIALECT ? token : token + SEPARATOR + Base64Url.encode(device.slice(DIALECT.length + 1))

/** Returns the engine's token, and the tag; "" for none. */
export const parseSessionToken = (st: string): { readonly token: string; readonly tag: string } => {
  const [token = "", encoded = ""] = st.split(SEPARATOR)
  return { token, tag: Result.getOrElse(Base64Url.decodeString(encoded), () => "") }
}

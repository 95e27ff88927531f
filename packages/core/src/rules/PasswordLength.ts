/**
 * The length of a password, checked before any of it is hashed: hashing takes time on the event loop. Source: OWASP ASVS
 * 5.0.0, 6.2.9, which asks for 64 characters at least.
 */
import { exceeds } from "../model/Utf8.ts"

/** Bytes of UTF-8 of a password, or of a login secret, at most. */
export const MAX_PASSWORD_BYTES = 1024

/** Why a password is too long, in words that follow its field; undefined where it is not. */
export const passwordLengthProblem = (password: string): string | undefined =>
  exceeds(password, MAX_PASSWORD_BYTES) ? `must have at most ${MAX_PASSWORD_BYTES} bytes as UTF-8` : undefined

/**
 * Length of a password, checked before hashing: hashing takes time on the event loop. Source: OWASP ASVS 5.0.0, 6.2.9,
 * which asks for at least 64 characters.
 */
import { exceeds } from "../model/Utf8.ts"

/** Maximum number of bytes of a password, or of a login secret, as UTF-8. */
export const MAX_PASSWORD_BYTES = 1024

/** Returns why a password is too long, as a clause after its field, or undefined if it is not. */
export const passwordLengthProblem = (password: string): string | undefined =>
  exceeds(password, MAX_PASSWORD_BYTES) ? `must have at most ${MAX_PASSWORD_BYTES} bytes as UTF-8` : undefined
